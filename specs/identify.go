package specs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// The way back. A spec says name and fields, and a row's expressions make of
// them the key and the parameters of a create call (compose.go). A log holds
// only the parameters, or only the elid. Expressions cannot be run backwards,
// so names and parts are guessed from the texts at hand, and a guess counts
// only when the row makes exactly those texts of it again: a wrong guess is
// found out, and what cannot be proved is no answer.

// KeyOf is the canonical key that an entry of this name, account and fields
// has: what the loader makes of it. The error ends in what is wrong with the name.
func (k *Kind) KeyOf(name, su string, fields Fields) (string, error) {
	if k.compose != nil {
		composed, err := k.composeKey(name, su, fields)
		if err != nil {
			return "", err
		}
		name = composed
	}
	v, err := k.Key.Canon.Parse(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("the name %q %w", name, err)
	case v.s == "":
		return "", errors.New("the name is empty")
	case strings.Contains(v.s, ", "):
		return "", fmt.Errorf("the name %q holds \", \", which the panel would take for two names", v.s)
	case strings.ContainsFunc(v.s, unicode.IsControl):
		return "", fmt.Errorf("the name %q holds a control character", v.s)
	}
	return v.s, nil
}

// Identity is what an entry must say to be one resource.
type Identity struct {
	Name   string // as an entry writes it
	Key    string // what the loader makes of it
	Fields Fields // those the key is made of; an entry must say them, a tombstone too
	Told   bool   // FromCreate: the call said all of it, nothing was assumed
}

// FromCreate finds the entry of which a call of the function fn has these
// parameters, by name. fields are those already known. It is false when no
// entry provably is.
func (k *Kind) FromCreate(fn string, params map[string]string, su string, fields Fields) (Identity, bool) {
	texts := map[string]string{}
	for name, v := range params {
		if v != "" {
			texts[name] = v
		}
	}
	return k.search(k.namesIn(texts), k.madeOf(texts), su, fields, func(id *Identity) bool {
		made, err := k.FuncToCreate(&Resource{Ref: Ref{Kind: k.Name, Key: id.Key}, Su: su, Fields: id.Fields})
		return err == nil && made == fn && k.makes(id, su, texts) && (id.Told || id.Name == texts[k.Key.Param])
	})
}

// FromElid finds the entry that the panel names by this elid. It is false when
// no entry provably is, as with a number that only the panel's list explains.
func (k *Kind) FromElid(elid, su string, fields Fields) (Identity, bool) {
	key := elid
	if k.Key.Elid != "" {
		if !slices.Contains(k.LiveColumns(), k.Key.Elid) {
			return Identity{}, false
		}
		var err error
		key, err = k.LiveKey(func(column string) string {
			switch {
			case column == k.Key.Elid:
				return elid
			case column == "su":
				return su
			case k.Parent != nil && column == "plid":
				v, _ := fields.Get(k.Parent.Field)
				return v.String()
			}
			return ""
		})
		if err != nil {
			return Identity{}, false
		}
	}
	v, err := k.Key.Canon.Parse(key)
	if err != nil {
		return Identity{}, false
	}
	parts := k.cut(elid)
	return k.search(append([]string{elid}, parts...), parts, su, fields, func(id *Identity) bool { return id.Key == v.s })
}

// cut lists the pieces of an elid: around each text the row's expressions cut
// a key with, and its words with what follows them.
func (k *Kind) cut(elid string) []string {
	var parts []string
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" && t != elid && !slices.Contains(parts, t) && len(parts) < 2*maxParts {
				parts = append(parts, t)
			}
		}
	}
	for _, sep := range k.separators() {
		if before, after, ok := strings.Cut(elid, sep); ok && strings.TrimSpace(sep) != "" {
			add(before, after)
		}
	}
	for rest := strings.TrimSpace(elid); k.compose != nil && len(parts) < 2*maxParts; {
		i := strings.IndexFunc(rest, unicode.IsSpace)
		if i < 0 {
			break
		}
		word := rest[:i]
		rest = strings.TrimSpace(rest[i:])
		add(word, rest)
	}
	return parts
}

// maxParts and maxGuesses bound the search: no row's key has more parts, and a
// hostile log must not make it long.
const (
	maxParts   = 6
	maxGuesses = 5000
)

// namesIn lists what the name may be, the likely first: parameters of the
// create call as they are, then two of them joined with a text that the row's
// expressions use to cut the key.
func (k *Kind) namesIn(texts map[string]string) []string {
	made := k.madeOf(texts)
	names := slices.Clone(made)
	for _, sep := range k.separators() {
		for _, a := range made {
			for _, b := range made {
				names = append(names, a+sep+b)
			}
		}
	}
	return names
}

// madeOf lists the texts of the parameters that the row's create call makes.
func (k *Kind) madeOf(texts map[string]string) []string {
	var made []string
	add := func(param string) {
		if v, ok := texts[param]; ok && !slices.Contains(made, v) && len(made) < maxParts {
			made = append(made, v)
		}
	}
	add(k.Key.Param)
	for i := range k.Create {
		add(k.Create[i].Name)
	}
	return made
}

// separators are the texts in the row's expressions that join parts of a key.
func (k *Kind) separators() []string {
	v := &literalVisitor{keep: func(s string) bool { return s != "" && validSeparator(s) }}
	for i := range k.Create {
		v.walk(k.Create[i].prog)
	}
	v.walk(k.compose)
	return v.texts
}

// CreateFuncs lists the functions that create a resource besides Edit: those
// named in the row's create_func.
func (k *Kind) CreateFuncs() []string {
	v := &literalVisitor{keep: func(s string) bool { return strings.Contains(s, ".") && validName(s) }}
	v.walk(k.create)
	return v.texts
}

// literalVisitor gathers texts that stand in expressions, each once.
type literalVisitor struct {
	keep  func(string) bool
	texts []string
}

func (v *literalVisitor) walk(prog *vm.Program) {
	if prog != nil {
		n := prog.Node()
		ast.Walk(&n, v)
	}
}

func (v *literalVisitor) Visit(n *ast.Node) {
	if s, ok := (*n).(*ast.StringNode); ok && v.keep(s.Value) && !slices.Contains(v.texts, s.Value) {
		v.texts = append(v.texts, s.Value)
	}
}

// makes reports whether the create call of an entry has the parameters given:
// each that the row makes and the call has is the same, and none of those the
// row can make is left over. It notes whether the call had all of them.
func (k *Kind) makes(id *Identity, su string, texts map[string]string) bool {
	r := &Resource{Ref: Ref{Kind: k.Name, Key: id.Key}, Su: su, Fields: id.Fields}
	made, err := k.CreateParams(r)
	if err != nil {
		return false
	}
	id.Told = true
	got := map[string]bool{}
	for _, p := range made {
		name, v := p[0], p[1]
		if got[name] = true; k.ownField(name) {
			continue // a field's value by default says nothing of who it is
		}
		want, told := texts[name]
		id.Told = id.Told && told
		if told && !strings.EqualFold(v, want) && !k.sameText(name, v, want, id, su) {
			return false
		}
	}
	for i := range k.Create {
		if name := k.Create[i].Name; !got[name] && texts[name] != "" && !k.ownField(name) {
			return false
		}
	}
	return true
}

// ownField reports whether a parameter of a create is that of a field, and not a
// part of the key.
func (k *Kind) ownField(param string) bool {
	return slices.ContainsFunc(k.Fields, func(f *FieldRow) bool { return f.Param == param && !f.KeyPart })
}

// sameText reports whether two texts of a parameter mean the same: as a name
// (a label and the full name of a record), or as a host or an address.
func (k *Kind) sameText(param, a, b string, id *Identity, su string) bool {
	if param == k.Key.Param {
		if key, err := k.KeyOf(b, su, id.Fields); err == nil && key == id.Key {
			return true
		}
	}
	for _, canon := range []string{"fqdn", "ip"} {
		c, _ := canonByName(canon)
		va, erra := c.Parse(a)
		vb, errb := c.Parse(b)
		if erra == nil && errb == nil && va == vb {
			return true
		}
	}
	return false
}

// search tries names, and texts of the pool for the parts of the key that are
// not known, until one is accepted. A part is left out where that will do.
func (k *Kind) search(names, pool []string, su string, fields Fields, accept func(*Identity) bool) (Identity, bool) {
	if _, ok := fields.Get(k.parentField()); k.Parent != nil && !ok || k.Su != "" && su == "" {
		return Identity{}, false
	}
	missing := k.parts(fields)
	guesses := 0
	var try func(name string, left []*FieldRow, have Fields) (Identity, bool)
	try = func(name string, left []*FieldRow, have Fields) (Identity, bool) {
		if guesses++; guesses > maxGuesses {
			return Identity{}, false
		}
		if len(left) == 0 {
			key, err := k.KeyOf(name, su, have)
			id := Identity{Name: name, Key: key, Fields: have}
			ok := err == nil && accept(&id)
			id.Fields = k.onlyParts(have)
			return id, ok
		}
		if id, ok := try(name, left[1:], have); ok {
			return id, true
		}
		for _, text := range slices.Concat(pool, left[0].Values) {
			v, err := left[0].FromParam(text)
			if err != nil {
				continue
			}
			if id, ok := try(name, left[1:], have.With(left[0].Name, v)); ok {
				return id, true
			}
		}
		return Identity{}, false
	}
	for _, name := range names {
		if id, ok := try(name, missing, fields); ok {
			return id, true
		}
	}
	return Identity{}, false
}

// isPart reports whether the key or the create call is made of a field.
func (k *Kind) isPart() func(*FieldRow) bool {
	named := map[string]bool{}
	if k.compose != nil {
		named = identifiers(k.compose)
	}
	return func(f *FieldRow) bool {
		return f.KeyPart || named[f.Name] || f.Name == k.parentField()
	}
}

func (k *Kind) parentField() string {
	if k.Parent == nil {
		return ""
	}
	return k.Parent.Field
}

// parts lists the fields that the key or the create call is made of and that
// are not known.
func (k *Kind) parts(known Fields) []*FieldRow {
	part := k.isPart()
	var out []*FieldRow
	for _, f := range k.Fields {
		if _, ok := known.Get(f.Name); !ok && part(f) {
			out = append(out, f)
		}
	}
	return out[:min(len(out), maxParts/2)]
}

func (k *Kind) onlyParts(fields Fields) Fields {
	part := k.isPart()
	var out Fields
	for _, f := range fields {
		if row := k.byName[f.Name]; row != nil && part(row) {
			out = append(out, f)
		}
	}
	return out
}

// FromParam makes the text of a parameter canonical: the items of a list are
// separated as a panel does it. The error ends the sentence that begins with the value.
func (f *FieldRow) FromParam(text string) (Value, error) {
	if f.Canon.typ != ListType {
		return f.Canon.Parse(text)
	}
	items := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) || unicode.IsControl(r) })
	return f.Canon.Parse(items...)
}

// With returns a copy in which one more field is set.
func (f Fields) With(name string, v Value) Fields {
	out := append(make(Fields, 0, len(f)+1), f...)
	i, found := slices.BinarySearchFunc(out, name, func(a Field, n string) int { return strings.Compare(a.Name, n) })
	if found {
		out[i].Value = v
		return out
	}
	return slices.Insert(out, i, Field{name, v})
}

// Without returns a copy in which a field is not set.
func (f Fields) Without(name string) Fields {
	return slices.DeleteFunc(slices.Clone(f), func(a Field) bool { return a.Name == name })
}
