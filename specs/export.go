package specs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// From live panels to a spec that a person would have written. What is read
// goes through an Exporter in three turns: Slim while a panel is being read, so
// that what nobody would write down does not stay in memory; Add when it has
// been read; Finish when all panels have. The law: a plan of what is written, on
// the panels it was read from, is empty.
//
// A field is left out where it has the value that a new resource gets by
// itself: what the panel's own form for a new one says, else the catalog's
// default, else nothing. That is safe for the law, because a field not written
// is not managed.

// ExportOptions say what an export is for.
type ExportOptions struct {
	Catalog *Catalog
	// Panels names the panels of the spec that the export will stand beside: with
	// more than one, each entry says where it belongs.
	Panels []string
	// Field chooses the fields, and those are written whatever their value; nil is
	// all but those with the usual value. What an entry's key is made of is written
	// in any case.
	Field func(*Kind, *FieldRow) bool
	// Split says by what the export is cut into files; see Splits. Empty is one
	// document.
	Split []string
}

// Exporter gathers live resources. Its methods may be called from several
// goroutines at a time, Finish last.
type Exporter struct {
	o ExportOptions

	mu    sync.Mutex
	kinds map[string]*exportKind
	notes exportNotes
}

// exportKind is what is known of one kind over all panels.
type exportKind struct {
	kind    *Kind
	rows    []exportRow
	secrets []*FieldRow
	fresh   map[string]Fields // by panel: what a new one has
	untold  map[string]bool   // fields that some resource does not have
	entries []exportEntry
}

// exportRow is a field that an export may write.
type exportRow struct {
	*FieldRow
	part   bool // written always: of the identity, or the owner
	key    bool // of the identity
	common bool // may stand in defaults
}

// exportEntry is one resource on its way into the spec.
type exportEntry struct {
	panel, key, name, su, parent string
	owner                        string
	gone                         bool   // taken out again
	fields                       Fields // canonical; those with their usual value are left out
	secrets                      []SecretField
	panels                       []string // when one entry stands for several
}

// NewExporter begins an export.
func NewExporter(o ExportOptions) *Exporter {
	return &Exporter{o: o, kinds: map[string]*exportKind{}}
}

// kind is called with the lock held.
func (x *Exporter) kind(name string) *exportKind {
	if ek := x.kinds[name]; ek != nil {
		return ek
	}
	k := x.o.Catalog.Kind(name)
	ek := &exportKind{kind: k, fresh: map[string]Fields{}, untold: map[string]bool{}}
	x.kinds[name] = ek
	part := k.isPart()
	for _, f := range k.Fields {
		row := exportRow{FieldRow: f, part: part(f) || f.Name == k.Owner, key: part(f)}
		switch chosen := x.o.Field == nil || x.o.Field(k, f); {
		case f.Secret:
			if f.Required && chosen {
				ek.secrets = append(ek.secrets, f)
			}
			continue
		case !row.part && (f.Read == Never || !chosen || k.twin(f)):
			continue
		}
		row.common = !row.part && !f.Toggle && f.Refers == "" && f.Derived == ""
		ek.rows = append(ek.rows, row)
	}
	return ek
}

// twin reports whether a field that only a create takes is read where another
// one is: one of them says it.
func (k *Kind) twin(f *FieldRow) bool {
	return f.CreateOnly && f.Read == FromList && slices.ContainsFunc(k.Fields, func(g *FieldRow) bool {
		return g != f && !g.CreateOnly && g.Read == FromList && slices.Equal(g.Columns, f.Columns)
	})
}

// Fresh tells what a new resource of a kind has on a panel, before the kind's
// resources are slimmed.
func (x *Exporter) Fresh(panel string, k *Kind, fields Fields) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kind(k.Name).fresh[panel] = fields
}

// Slim takes out of a live resource what an export will not write.
func (x *Exporter) Slim(panel string, k *Kind, r *Resource) {
	if r.Unusable != "" || !k.Declarable() {
		return
	}
	x.mu.Lock()
	ek := x.kind(k.Name)
	fresh := ek.fresh[panel]
	x.mu.Unlock()
	var kept [64]Field
	fields, at := kept[:0], 0
	var untold []string
	for _, row := range ek.rows { // both are sorted by name
		for at < len(r.Fields) && r.Fields[at].Name < row.Name {
			at++
		}
		if at == len(r.Fields) || r.Fields[at].Name != row.Name {
			untold = append(untold, row.Name)
			continue
		}
		v := r.Fields[at].Value
		if _, ok := row.written(v); !ok && !row.key { // Declare judges those
			untold = append(untold, row.Name)
			x.dropped(panel, k, row.Name, r.Ref.Key, v)
			continue
		}
		if row.part || x.o.Field != nil || v != row.usual(fresh) && v != row.DerivedValue(r.Ref.Key) {
			fields = append(fields, Field{row.Name, v})
		}
	}
	r.Fields, r.Meters = slices.Clone(Fields(fields)), nil
	if len(untold) > 0 {
		x.mu.Lock()
		for _, name := range untold {
			ek.untold[name] = true
		}
		x.mu.Unlock()
	}
}

// usual is the value a new resource gets when nobody says; absent when that is
// not known.
func (row *exportRow) usual(fresh Fields) Value {
	if v, ok := fresh.Get(row.Name); ok && !row.Toggle {
		return v
	}
	switch {
	case !row.Default.IsAbsent():
		return row.Default
	case row.Canon.typ == BoolType:
		return Value{}
	case row.Canon.typ == ListType:
		return List()
	}
	return Text("")
}

// Add takes over what was read of a panel: resources that were slimmed, and those
// that keep does not choose, which were not. A nil keep chooses all.
func (x *Exporter) Add(p Panel, state *State, keep func(*Kind, *Resource) bool) {
	a := exportAdd{x: x, panel: p, state: state, entries: map[string][]exportEntry{}, at: map[string]map[string]bool{}, tried: map[Ref]bool{}}
	for _, k := range x.o.Catalog.Kinds() {
		l, known := state.Listing(k.Name)
		if !known || !k.Declarable() {
			continue
		}
		if l.Err != nil {
			x.Missing(fmt.Sprintf("%s: %s: %v", state.Panel, k.Name, l.Err))
			continue
		}
		for i := range l.Resources {
			if r := &l.Resources[i]; keep == nil || keep(k, r) {
				a.take(k, r)
			}
		}
	}
	a.closeReferences()
	x.mu.Lock()
	defer x.mu.Unlock()
	for name, entries := range a.entries {
		x.kind(name).entries = append(x.kind(name).entries, entries...)
	}
}

// Missing notes what could not be read: a line of the export's comment.
func (x *Exporter) Missing(what string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.notes.missing = append(x.notes.missing, what)
}

// OwnerOf is the account that a resource of a state belongs to: itself, if it is
// one, else what its owner field or su tells, else its parent's. Empty when
// nobody knows.
func (c *Catalog) OwnerOf(s *State, r *Resource) string {
	k := c.Kind(r.Ref.Kind)
	switch {
	case k.Login:
		return r.Ref.Key
	case k.Owner != "":
		v, _ := r.Fields.Get(k.Owner)
		return v.String()
	case r.Su != "" || k.Parent == nil || k.Parent.Kind == k.Name:
		return r.Su
	}
	in, _ := r.Fields.Get(k.Parent.Field)
	if parent := s.Find(k.Parent.Kind, in.String()); parent != nil {
		return c.OwnerOf(s, parent)
	}
	return ""
}

// compareEntries orders the entries of a kind: what lives together stands together.
func compareEntries(a, b exportEntry) int {
	return cmp.Or(strings.Compare(a.parent, b.parent), strings.Compare(a.su, b.su), strings.Compare(a.key, b.key), strings.Compare(a.panel, b.panel))
}
