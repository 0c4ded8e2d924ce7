package specs

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed catalog.yaml
var catalogYAML []byte

// Catalog is a set of linked rows: every kind a row refers to is there.
type Catalog struct {
	kinds map[string]*Kind
}

// Builtin returns the catalog that comes with ispsync.
var Builtin = sync.OnceValue(func() *Catalog {
	var p problems
	src := &source{path: "catalog.yaml", data: catalogYAML}
	src.docs = src.parse(&p)
	var rows []*Kind
	if len(src.docs) == 1 {
		rows = readKinds(src, src.docs[0].get("kinds"), &p)
	}
	if p.any() {
		panic(p.errs.Error()) // the file is part of the program; TestCatalog reads it
	}
	c, err := NewCatalog(rows...)
	if err != nil {
		panic(err)
	}
	return c
})

// NewCatalog links rows: defaults are filled in, references between kinds are
// checked and ranks are set. All mistakes are reported at once.
func NewCatalog(rows ...*Kind) (*Catalog, error) {
	c := &Catalog{kinds: make(map[string]*Kind, len(rows))}
	var errs []error
	for _, k := range rows {
		if c.kinds[k.Name] != nil {
			errs = append(errs, fmt.Errorf("kind %s is there twice", k.Name))
		}
		fillRow(k)
		c.kinds[k.Name] = k
	}
	for _, k := range rows {
		for _, err := range c.checkRow(k) {
			errs = append(errs, fmt.Errorf("kind %s: %w", k.Name, err))
		}
	}
	if err := c.rank(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// With returns a catalog with more rows; a row of a known name replaces it.
func (c *Catalog) With(rows ...*Kind) (*Catalog, error) {
	all := maps.Clone(c.kinds)
	for _, k := range rows {
		all[k.Name] = k
	}
	list := make([]*Kind, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		clone := *all[name]
		list = append(list, &clone)
	}
	return NewCatalog(list...)
}

// Kind returns a row by name, or nil.
func (c *Catalog) Kind(name string) *Kind { return c.kinds[name] }

// Kinds returns all rows, parents before what they own, then by name.
func (c *Catalog) Kinds() []*Kind {
	out := make([]*Kind, 0, len(c.kinds))
	for _, k := range c.kinds {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b *Kind) int {
		if a.Rank != b.Rank {
			return a.Rank - b.Rank
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// Within names the kinds whose resources live in one of a kind and so go when it
// is deleted: they name it as their parent, in their key, or are its own jobs.
func (c *Catalog) Within(kind string) []string {
	var names []string
	for _, k := range c.Kinds() {
		refers := slices.ContainsFunc(k.KeyRefers, func(r KeyRefer) bool { return r.Kind == kind })
		if refers || k.Su == kind || k.Parent != nil && k.Parent.Kind == kind {
			names = append(names, k.Name)
		}
	}
	return names
}

func (c *Catalog) names() []string { return slices.Sorted(maps.Keys(c.kinds)) }

func fillRow(k *Kind) {
	fill := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	fill(&k.List, k.Name)
	fill(&k.Key.Param, "name")
	if len(k.Key.Columns) == 0 {
		k.Key.Columns = []string{k.Key.Param}
	}
	if k.Key.Canon.name == "" {
		k.Key.Canon, _ = canonByName("word")
	}
	slices.SortFunc(k.Fields, func(a, b *FieldRow) int { return strings.Compare(a.Name, b.Name) })
	k.byName = make(map[string]*FieldRow, len(k.Fields))
	for _, f := range k.Fields {
		fill(&f.Param, f.Name)
		fill(&f.Form, f.Param)
		if f.Read == "" {
			f.Read = FromForm
			if f.Secret {
				f.Read = Never
			}
		}
		if len(f.Columns) == 0 {
			f.Columns = []string{f.Name}
		}
		if f.Canon.name == "" {
			f.Canon, _ = canonByName("text")
		}
		k.byName[f.Name] = f
	}
}

// writingVerbs are the last segments of functions that change something, as
// the panel's own function list names them. A row cannot list with one.
var writingVerbs = []string{"edit", "delete", "suspend", "resume", "enable", "disable", "restart", "reboot", "add", "clear",
	"exit", "install", "uninstall", "remove", "cancel", "finish", "finalize", "generate", "refresh", "run", "start", "stop", "kill",
	"set", "setdefault", "restore", "replace", "update", "upload", "import", "move", "change", "confirm", "newkey", "fix", "default"}

func (c *Catalog) checkRow(k *Kind) (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if i := strings.LastIndexByte(k.List, '.'); slices.Contains(writingVerbs, k.List[i+1:]) {
		bad("list: %s is a function that changes something", k.List)
	}
	for _, f := range k.Fields {
		if f.Refers != "" && c.kinds[f.Refers] == nil {
			bad("field %s refers to the unknown kind %q", f.Name, f.Refers)
		}
		if f.Toggle && (k.Suspend == "" || k.Resume == "" || f.Canon.typ != BoolType) {
			bad("field %s is a toggle: the row needs suspend and resume, and the field canon: bool", f.Name)
		}
		if f.Secret && f.Read != Never {
			bad("field %s is secret: read must be never", f.Name)
		}
	}
	if k.Owner != "" && (k.byName[k.Owner] == nil || k.byName[k.Owner].Refers == "") {
		bad("owner: %q must be a field that refers to a kind", k.Owner)
	}
	if p := k.Parent; p != nil && (c.kinds[p.Kind] == nil || k.byName[p.Field] == nil) {
		bad("parent: kind %q and field %q must both exist", p.Kind, p.Field)
	}
	if k.Su != "" && (c.kinds[k.Su] == nil || !c.kinds[k.Su].Login) {
		bad("su: %q must be a kind of accounts (login: true)", k.Su)
	}
	for _, r := range k.KeyRefers {
		if c.kinds[r.Kind] == nil {
			bad("key_refers names the unknown kind %q", r.Kind)
		}
	}
	for _, f := range k.Fields {
		for _, kind := range []string{f.Names, f.Offered, f.Bounds} {
			if kind != "" && c.kinds[kind] == nil {
				bad("field %s names the unknown kind %q", f.Name, kind)
			}
		}
		for with := range f.With {
			if k.byName[with] == nil {
				bad("field %s: with names the unknown field %q", f.Name, with)
			}
		}
	}
	for _, kind := range k.Offered {
		if c.kinds[kind] == nil {
			bad("offered names the unknown kind %q", kind)
		}
	}
	for _, other := range slices.Concat(k.Brings, k.TakesWithIt) {
		if c.kinds[other] == nil {
			bad("brings or takes_with_it names the unknown kind %q", other)
		}
	}
	return append(errs, compileRow(k)...)
}

// rank gives each kind a number greater than those of the kinds it refers to.
func (c *Catalog) rank() error {
	const visiting = -1
	done := map[string]int{}
	var visit func(name string, path []string) (int, error)
	visit = func(name string, path []string) (int, error) {
		if r, ok := done[name]; ok {
			if r == visiting {
				return 0, fmt.Errorf("kinds refer to each other in a circle: %s", strings.Join(append(path, name), " → "))
			}
			return r, nil
		}
		done[name] = visiting
		k, r := c.kinds[name], 0
		for _, to := range k.after() {
			if to == name || c.kinds[to] == nil {
				continue
			}
			tr, err := visit(to, append(path, name))
			if err != nil {
				return 0, err
			}
			r = max(r, tr+1)
		}
		done[name], k.Rank = r, r
		return r, nil
	}
	for _, name := range c.names() {
		if _, err := visit(name, nil); err != nil {
			return err
		}
	}
	return nil
}

// after names the kinds whose resources must be there before this one's.
func (k *Kind) after() []string {
	var out []string
	for _, f := range k.Fields {
		if f.Refers != "" {
			out = append(out, f.Refers)
		}
	}
	if k.Parent != nil {
		out = append(out, k.Parent.Kind)
	}
	if k.Su != "" {
		out = append(out, k.Su)
	}
	for _, r := range k.KeyRefers {
		out = append(out, r.Kind)
	}
	return append(out, k.Brings...)
}

// FieldNames lists the names a spec may use for a kind, sorted.
func (k *Kind) FieldNames() []string {
	names := make([]string, 0, len(k.Fields))
	for _, f := range k.Fields {
		names = append(names, f.Name)
	}
	return names
}
