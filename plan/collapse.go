package plan

import (
	"fmt"
	"slices"

	"github.com/ispsync/ispsync/specs"
)

// A list can be whole and still not be true: a panel whose web server
// configuration is broken unloads the module and lists no sites, though they are
// served as ever (panel-api.md section 11). Whoever then makes what is declared,
// or judges what goes with a deleted account, decides on the word of that list.
// So it is held against what was there at the last run and, when it lost too
// much, read once more; what is still doubtful then is for a person to believe.

// When a list has collapsed: it lost more than half and more than lostMany, or
// all of more than lostAll.
const (
	lostMany = 10
	lostAll  = 3
)

func collapsed(before, now int) bool {
	return before-now > lostMany && 2*now < before || now == 0 && before > lostAll
}

// Doubtful reports whether a list of now resources deserves a second reading,
// when there were before at the last run.
func Doubtful(before, now int) bool { return collapsed(before, now) || now == 0 && before > 0 }

// Doubt is a list that a second reading has confirmed.
type Doubt struct {
	Panel, Kind string
	Before, Now int
}

// Finding is what the plan says about it: an error for a collapse, unless it
// was lifted, and a warning for the loss of a few.
func (d Doubt) Finding(l Lifts) Finding {
	ref := d.Panel + "/" + d.Kind
	f := Finding{Severity: Warning, Code: CodeCollapsed, Ref: ref,
		Message: fmt.Sprintf("%s lists %d %s, and at the last run there were %d; a second reading said the same", d.Panel, d.Now, d.Kind, d.Before)}
	if d.Now == 0 {
		f.Message = fmt.Sprintf("%s lists no %s, and at the last run there were %d; a second reading said the same", d.Panel, d.Kind, d.Before)
	}
	switch {
	case !collapsed(d.Before, d.Now):
	case slices.Contains(l.Collapsed, ref):
		f.Message += "; lifted by " + liftCollapsed(ref)
	default:
		f.Severity, f.Lift = Error, liftCollapsed(ref)
		f.Message += "; look at the panel: so it is when a broken configuration has unloaded a module; if it is true, say " + f.Lift
	}
	return f
}

// withoutEcho leaves out the warnings of distrustEmpty about lists of which more
// is known.
func withoutEcho(found []Finding, known []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(found), func(f Finding) bool {
		return f.Code == CodeCollapsed && slices.ContainsFunc(known, func(k Finding) bool { return k.Code == f.Code && k.Ref == f.Ref })
	})
}

// distrustEmpty warns of an empty list that decides something, where nobody
// remembers what was there but accounts use disk space. A fresh panel looks
// like that too, so it is a warning and no more.
func (m *maker) distrustEmpty() {
	for _, name := range m.Live.Kinds() {
		k := m.Kinds(name)
		if k == nil || !k.Unloads || !m.Live.Complete(name) || len(m.Live.Resources(name)) > 0 {
			continue
		}
		users, kind := m.usingSpace(name)
		decides := slices.ContainsFunc(m.steps, func(s *draftStep) bool {
			return s.Kind == name && s.Action == Create || s.Kind == kind && s.Action == Delete
		})
		if users > 0 && decides {
			m.find(Warning, CodeCollapsed, m.kindRef(name), "%s lists no %s, though accounts on it use disk space (%d %s); if there should be some, look at the panel before you apply: "+
				"so it is when a broken configuration has unloaded a module", m.Panel.Name, name, users, kind)
		}
	}
}

// usingSpace counts the accounts, other than our own, that may own resources of
// a kind and that use disk space, and names their kind.
func (m *maker) usingSpace(kind string) (n int, accounts string) {
	for _, name := range m.Live.Kinds() {
		k := m.Kinds(name)
		if k == nil || !k.Login || !slices.Contains(k.TakesWithIt, kind) {
			continue
		}
		accounts = name
		rs := m.Live.Resources(name)
		for i := range rs {
			if used, ok := rs[i].Meters.Get(meterOfSpace); ok && !used.IsEmpty() && used != specs.Number(0) && used != specs.Text("0") && !m.isOwnAccount(rs[i].Ref) {
				n++
			}
		}
	}
	return n, accounts
}

// meterOfSpace is the meter of accounts that says how much space they use.
const meterOfSpace = "quota_used"
