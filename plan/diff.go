package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// compare plans the update that makes a live resource what the spec declares.
// Only declared fields count, and values are canonical: equal means ==.
func (w *kindWalk) compare(desired, live *specs.Resource) {
	var changes []Change
	suspends := false
	j := 0
	for i := range desired.Fields {
		f := &desired.Fields[i]
		for j < len(live.Fields) && live.Fields[j].Name != f.Name && live.Fields[j].Name < f.Name {
			j++
		}
		var before specs.Value
		if j < len(live.Fields) && live.Fields[j].Name == f.Name {
			before = live.Fields[j].Value
		}
		if before == f.Value {
			continue
		}
		row := w.kind.Field(f.Name)
		switch {
		case before.IsAbsent():
			if row.Read != specs.Never {
				w.noteUnreadable(f.Name, live.Ref.Key)
			}
		case f.Name == w.kind.Owner:
			w.find(Warning, CodeOwnerDiffers, live.Ref.String(),
				"it belongs to %s, but %s declares the owner %s; an owner is not changed: correct the spec, or move it in the panel", quote(before), at(desired), quote(f.Value))
		case row.CreateOnly || w.kind.Parent != nil && f.Name == w.kind.Parent.Field:
			w.find(Warning, CodeCreateOnly, live.Ref.String(),
				"%s is %s, but %s declares %s; it can be set only when the %s is made: correct the spec, or delete and make it anew", f.Name, quote(before), at(desired), quote(f.Value), w.kind.Name)
		default:
			changes = append(changes, Change{Field: f.Name, Before: before, After: f.Value})
			suspends = suspends || row.Toggle && f.Value == specs.Bool(false)
		}
	}
	if suspends && w.isOwnAccount(live.Ref) {
		w.find(Error, CodeOwnAccount, live.Ref.String(), "%s would suspend the account ispsync logs in with; log in with another one, or do not declare active: false; no flag lifts this", at(desired))
		w.keep(live.Ref, "the account ispsync logs in with")
		return
	}
	w.update(desired, live, changes)
}

// update adds the step for what differs and for secrets that are to be written
// again, or counts the resource as unchanged when there is neither.
func (w *kindWalk) update(desired, live *specs.Resource, changes []Change) {
	var rotate []specs.SecretField
	if w.Rotate != nil && len(desired.Secrets) > 0 && w.Rotate(live.Ref) {
		for _, f := range desired.Secrets {
			if !w.kind.Field(f.Name).CreateOnly {
				rotate = append(rotate, f)
			}
		}
	}
	if len(changes) == 0 && len(rotate) == 0 {
		w.draft.unchanged++
		return
	}
	s := w.step(Update, desired, live)
	if len(changes) > 0 {
		s.Changes = changes
	}
	s.setSecrets(rotate)
	s.Why = whyUpdate(s)
}

func whyUpdate(s *draftStep) string {
	var parts []string
	if n := len(s.Changes); n > 0 {
		names := make([]string, n)
		for i, c := range s.Changes {
			names[i] = c.Field
		}
		parts = append(parts, "differs in "+strings.Join(names, ", "))
	}
	if len(s.Secrets) > 0 {
		parts = append(parts, "rotates "+strings.Join(s.Secrets, ", "))
	}
	return strings.Join(parts, "; ")
}

// unreadable gathers the resources of which the panel does not tell one
// declared field: one finding speaks for all of them.
type unreadable struct {
	count    int
	examples []string
}

const maxExamples = 3

func (w *kindWalk) noteUnreadable(field, key string) {
	at := w.ref(w.kind.Name, field)
	u := w.unreadable[at]
	if u == nil {
		u = &unreadable{}
		w.unreadable[at] = u
	}
	u.count++
	if len(u.examples) < maxExamples {
		u.examples = append(u.examples, key)
	}
}

func (m *maker) reportUnreadable() {
	for _, at := range slices.SortedFunc(maps.Keys(m.unreadable), specs.Ref.Compare) {
		u := m.unreadable[at]
		m.find(Warning, CodeUnreadable, m.kindRef(at.Kind),
			"the panel does not tell the field %s, so it is not compared for %s", at.Key, fewOf(u.examples, u.count))
	}
}

// fewOf names some of count things: "a, b, c and 7 more".
func fewOf(examples []string, count int) string {
	s := strings.Join(examples, ", ")
	if more := count - len(examples); more > 0 {
		return fmt.Sprintf("%s and %d more", s, more)
	}
	return s
}

// quote writes a value into a message so that its ends can be seen.
func quote(v specs.Value) string {
	switch v.Type() {
	case specs.BoolType, specs.NumberType:
		return v.String()
	case specs.ListType:
		return fmt.Sprintf("%q", v.Items())
	case specs.Absent:
		return "absent"
	default:
		return fmt.Sprintf("%q", v.String())
	}
}
