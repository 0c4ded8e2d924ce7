package specs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
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
	Fields Fields // those given, and the parts of the key that were found
}

// FromCreate finds the entry whose create call has these parameters, by name.
// fields are those already known. It is false when no entry provably has.
func (k *Kind) FromCreate(params map[string]string, su string, fields Fields) (Identity, bool) {
	texts := map[string]string{}
	for name, v := range params {
		if v != "" {
			texts[name] = v
		}
	}
	return k.search(k.namesIn(texts), poolOf(texts), su, fields, func(id Identity) bool {
		return k.makes(id, su, texts)
	})
}

// FromElid finds the entry that the panel names by this elid. It is false when
// no entry provably is.
func (k *Kind) FromElid(elid, su string, fields Fields) (Identity, bool) {
	v, err := k.Key.Canon.Parse(elid)
	if k.Key.Elid != "" || err != nil {
		return Identity{}, false
	}
	names, pool := []string{elid}, []string{}
	for rest := strings.TrimSpace(elid); rest != "" && len(pool) < 2*maxParts; {
		i := strings.IndexFunc(rest, unicode.IsSpace)
		if i < 0 {
			break
		}
		if len(names) == 1 {
			names = append(names, rest[:i])
		}
		word := rest[:i]
		rest = strings.TrimSpace(rest[i:])
		pool = append(pool, word, rest)
	}
	return k.search(names, pool, su, fields, func(id Identity) bool { return id.Key == v.s })
}

// maxParts and maxGuesses bound the search: no row's key has more parts, and a
// hostile log must not make it long.
const (
	maxParts   = 6
	maxGuesses = 2000
)

// namesIn lists what the name may be, the likely first: parameters of the
// create call as they are, then two of them joined with a text that the row's
// expressions use to cut the key.
func (k *Kind) namesIn(texts map[string]string) []string {
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

// separators are the texts in the expressions of create.
func (k *Kind) separators() []string {
	v := &literalVisitor{}
	for i := range k.Create {
		if prog := k.Create[i].prog; prog != nil {
			n := prog.Node()
			ast.Walk(&n, v)
		}
	}
	return v.texts
}

type literalVisitor struct{ texts []string }

func (v *literalVisitor) Visit(n *ast.Node) {
	s, ok := (*n).(*ast.StringNode)
	if ok && validSeparator(s.Value) && s.Value != "" && !slices.Contains(v.texts, s.Value) && len(v.texts) < maxParts {
		v.texts = append(v.texts, s.Value)
	}
}

// poolOf lists the texts a part of the key may be, in a stable order.
func poolOf(texts map[string]string) []string {
	var pool []string
	for _, v := range texts {
		pool = append(pool, v)
	}
	slices.Sort(pool)
	pool = slices.Compact(pool)
	return pool[:min(len(pool), 4*maxParts)]
}

// makes reports whether the create call of an entry has the parameters given:
// each that the row makes and the call has is the same, and none of those the
// row can make is left over.
func (k *Kind) makes(id Identity, su string, texts map[string]string) bool {
	r := &Resource{Ref: Ref{Kind: k.Name, Key: id.Key}, Su: su, Fields: id.Fields}
	made, err := k.CreateParams(r)
	if err != nil {
		return false
	}
	got := map[string]string{}
	for _, p := range made {
		got[p[0]] = p[1]
	}
	for name, v := range got {
		want, told := texts[name]
		if told && !strings.EqualFold(v, want) && !k.sameText(name, v, want, id, su) {
			return false
		}
	}
	for i := range k.Create {
		name := k.Create[i].Name
		if _, ok := got[name]; !ok && texts[name] != "" {
			return false
		}
	}
	return true
}

// sameText reports whether two texts of a parameter mean the same: as a name
// (a label and the full name of a record), or as the value of a part.
func (k *Kind) sameText(param, a, b string, id Identity, su string) bool {
	if param == k.Key.Param {
		key, err := k.KeyOf(b, su, id.Fields)
		return err == nil && key == id.Key
	}
	for _, canon := range []string{"host", "ip"} {
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
// not known, until one is accepted.
func (k *Kind) search(names, pool []string, su string, fields Fields, accept func(Identity) bool) (Identity, bool) {
	var missing []*FieldRow
	for _, f := range k.Fields {
		if _, known := fields.Get(f.Name); f.KeyPart && !known {
			missing = append(missing, f)
		}
	}
	guesses := 0
	var try func(name string, left []*FieldRow, have Fields) (Identity, bool)
	try = func(name string, left []*FieldRow, have Fields) (Identity, bool) {
		if guesses++; guesses > maxGuesses {
			return Identity{}, false
		}
		if len(left) == 0 {
			key, err := k.KeyOf(name, su, have)
			id := Identity{name, key, have}
			return id, err == nil && accept(id)
		}
		for _, text := range pool {
			v, err := left[0].Canon.Parse(text)
			if err != nil {
				continue
			}
			if id, ok := try(name, left[1:], have.with(left[0].Name, v)); ok {
				return id, true
			}
		}
		return try(name, left[1:], have)
	}
	if len(missing) > 3 {
		missing = nil
	}
	for _, name := range names {
		if id, ok := try(name, missing, fields); ok {
			return id, true
		}
	}
	return Identity{}, false
}

// with returns a copy in which one more field is set.
func (f Fields) with(name string, v Value) Fields {
	out := append(make(Fields, 0, len(f)+1), f...)
	i, found := slices.BinarySearchFunc(out, name, func(a Field, n string) int { return strings.Compare(a.Name, n) })
	if found {
		out[i].Value = v
		return out
	}
	return slices.Insert(out, i, Field{name, v})
}

// CreateFuncs lists the functions that create a resource besides Edit: those
// named in the row's create_func.
func (k *Kind) CreateFuncs() []string {
	if k.create == nil {
		return nil
	}
	v := &functionVisitor{}
	n := k.create.Node()
	ast.Walk(&n, v)
	return v.names
}

type functionVisitor struct{ names []string }

func (v *functionVisitor) Visit(n *ast.Node) {
	if s, ok := (*n).(*ast.StringNode); ok && strings.Contains(s.Value, ".") && validName(s.Value) && !slices.Contains(v.names, s.Value) {
		v.names = append(v.names, s.Value)
	}
}
