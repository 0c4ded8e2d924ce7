package panellog

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// references lists the resources that one cannot be without.
func (f *folder) references(e *folded) []place {
	var out []place
	for _, row := range e.kind.Fields {
		if v, ok := e.fields.Get(row.Name); ok && row.Refers != "" {
			for _, key := range v.Items() {
				out = append(out, place{row.Refers, key})
			}
		}
	}
	if e.kind.Parent != nil {
		if v, ok := e.fields.Get(e.kind.Parent.Field); ok {
			out = append(out, place{e.kind.Parent.Kind, v.String()})
		}
	}
	if e.kind.Su != "" {
		out = append(out, place{e.kind.Su, e.su})
	}
	for _, r := range e.kind.KeyReferences(e.id.Key) {
		out = append(out, place{r.Kind, r.Key})
	}
	return out
}

// takeAlong leaves tombstones for what cannot be without a deleted resource: a
// panel deletes those with it (panel-api.md section 7, Cascade).
func (f *folder) takeAlong(gone place, line int) {
	users := slices.SortedFunc(maps.Keys(f.users[gone]), func(a, b place) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.key, b.key))
	})
	delete(f.users, gone)
	for _, at := range users {
		e := f.table[at]
		if e == nil || e.absent || !slices.Contains(f.references(e), gone) {
			continue
		}
		e.remove(line)
		e.remarks = []string{fmt.Sprintf("went with %s %s", gone.kind, gone.key)}
		f.takeAlong(at, line)
	}
}

// revive drops the tombstones of what later requests refer to all the same:
// the delete was refused then, or what made it anew is not in the log.
func (f *folder) revive() {
	for _, e := range f.sorted() {
		if e.absent {
			continue
		}
		for _, to := range f.references(e) {
			if t := f.table[to]; t != nil && t.absent {
				delete(f.table, to)
				f.o.Note(t.line, fmt.Sprintf("%s was deleted, but %s refers to it after that; the delete is left out", t, e))
			}
		}
	}
}

// sorted lists the table: kinds as the catalog orders them, then by key.
func (f *folder) sorted() []*folded {
	order := map[string]int{}
	for i, k := range f.fns.catalog.Kinds() {
		order[k.Name] = i
	}
	out := make([]*folded, 0, len(f.table))
	for _, e := range f.table {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *folded) int {
		return cmp.Or(order[a.kind.Name]-order[b.kind.Name], strings.Compare(a.id.Key, b.id.Key))
	})
	return out
}

// write writes the spec.
func (f *folder) write(w io.Writer) error {
	f.revive()
	var entries []specs.Entry
	names := map[string]bool{}
	for _, e := range f.sorted() {
		entries = append(entries, f.text(e, names))
	}
	head := []string{"Made of a panel's log by ispsync from-log. The log says what was asked of the panel, not what it answered: read this before you use it."}
	for _, s := range f.strangers {
		head = append(head, fmt.Sprintf("Left out, no kind of the catalog has it: %s (%s, first in line %d of the log)", s.fn, times(s.times), s.line))
		f.o.Note(s.line, fmt.Sprintf("%s: no kind of the catalog has this function (%s in the log); it is left out of the spec, --as calls shows it", s.fn, times(s.times)))
	}
	return specs.WriteEntries(w, head, entries)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// text is a resource as an entry. names are the variables in use.
func (f *folder) text(e *folded, names map[string]bool) specs.Entry {
	out := specs.Entry{Kind: e.kind.Name, Name: e.id.Name, Su: e.su, Absent: e.absent, Fields: e.fields, Comments: e.remarks}
	if e.kind.Key.Compose == "" {
		out.Name = e.id.Key
	}
	if f.o.Panel != "" {
		out.Panels = []string{f.o.Panel}
	}
	if e.absent {
		out.Fields = e.id.Fields
	}
	if len(e.unknown) > 0 {
		out.Comments = append(slices.Clip(out.Comments), "not in the catalog: "+strings.Join(e.unknown, ", "))
	}
	for _, h := range e.secrets {
		name := variable(e.kind.Name+"_"+e.id.Key+"_"+h.field, names)
		out.Secrets = append(out.Secrets, specs.SecretField{Name: h.field, Secret: specs.Secret{Source: specs.SecretEnv, Arg: name}})
		f.o.Note(h.line, fmt.Sprintf("%s: the log hides %s; put it in the environment as %s", e, h.field, name))
	}
	return out
}

// variable makes the name of an environment variable of a text, another one
// each time.
func variable(text string, names map[string]bool) string {
	var b strings.Builder
	for _, c := range strings.ToUpper(text) {
		switch {
		case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	base := strings.Trim(b.String(), "_")
	if base == "" || base[0] >= '0' && base[0] <= '9' {
		base = "SECRET_" + base
	}
	name := base
	for n := 2; names[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	names[name] = true
	return name
}
