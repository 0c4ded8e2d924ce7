package specs

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
)

// mapReader reads a map file.
type mapReader struct {
	spec     *Spec
	src      *source
	m        *Mapping
	problems problems
}

// ReadMapping reads a map file; an empty path is a map that changes nothing.
// Mistakes come back as Errors, all of them.
func (s *Spec) ReadMapping(path string) (*Mapping, error) {
	if path == "" {
		return s.emptyMapping(), nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the map %s: %w", path, plainPathError(err))
	}
	return s.readMapping(path, data)
}

func (s *Spec) readMapping(path string, data []byte) (*Mapping, error) {
	r := &mapReader{spec: s, m: s.emptyMapping(), src: &source{path: path, dir: ".", data: data}}
	if at := firstInvalidUTF8(data); at >= 0 {
		r.problems.addErr(r.src.errorAt(1+strings.Count(string(data[:at]), "\n"), 1, "this is not UTF-8", "save the file as UTF-8"))
		return nil, r.problems.errs
	}
	docs, err := r.src.parseYAML(data, 0, &r.problems)
	if err != nil {
		r.problems.addErr(r.src.yamlError(err))
	}
	for i := range docs {
		r.document(&docs[i])
	}
	if r.problems.any() {
		return nil, r.problems.errs.sorted()
	}
	return r.m, nil
}

func (r *mapReader) fail(n *node, msg, hint string) { r.problems.add(r.src, n, msg, hint) }

func (r *mapReader) document(doc *node) {
	if doc.isNull() {
		return
	}
	if doc.kind != mapNode {
		r.fail(doc, "a map file must be a map, not "+doc.kind.String(), "for example ip: {192.0.2.1: 198.51.100.7}")
		return
	}
	doc.pairs(func(k, v *node) {
		if kind := r.m.catalog.Kind(k.text); kind != nil && !r.meansField(kind, v) {
			r.kind(kind, v)
			return
		}
		if kind, field := r.dotted(k.text); kind != nil {
			r.field(kind, k, field, v)
			return
		}
		if known := r.words(); !slices.Contains(known, k.text) {
			r.fail(k, fmt.Sprintf("no kind has a field %q", k.text), didYouMean(k.text, append(known, r.m.catalog.names()...)))
			return
		}
		if r.m.common[k.text] != nil {
			r.fail(k, fmt.Sprintf("%q is given twice", k.text), "")
		}
		r.m.common[k.text] = r.rule(v, r.isSecretWord(k.text))
	})
}

// meansField reports whether a word that is both a kind's name and a field's
// stands for the field: preset: {gold: silver} is about the templates of accounts,
// not about fields of templates. Accounts are always the kind.
func (r *mapReader) meansField(k *Kind, v *node) bool {
	if k.Login || v.isNull() || !slices.Contains(r.words(), k.Name) {
		return false
	}
	if v.kind == scalarNode {
		return true
	}
	known := r.namesOf(k)
	field := v.kind == mapNode
	v.pairs(func(fk, fv *node) { field = field && fv.kind != mapNode && !slices.Contains(known, fk.text) })
	return field
}

// namesOf lists what may stand under a kind.
func (r *mapReader) namesOf(k *Kind) []string {
	known := append(k.FieldNames(), "name")
	for i := range k.Create {
		known = append(known, k.Create[i].Name)
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// dotted takes KIND.FIELD apart. Kinds have dots in their names themselves.
func (r *mapReader) dotted(text string) (*Kind, string) {
	for i := len(text) - 1; i > 0; i-- {
		if text[i] == '.' {
			if kind := r.m.catalog.Kind(text[:i]); kind != nil {
				return kind, text[i+1:]
			}
		}
	}
	return nil, ""
}

// words are the names that are about fields of every kind.
func (r *mapReader) words() []string {
	all := map[string]bool{}
	for _, k := range r.m.catalog.Kinds() {
		for _, f := range k.Fields {
			all[f.Name] = true
			for _, w := range f.MappedAs {
				all[w] = true
			}
		}
		for i := range k.Create {
			all[k.Create[i].Name] = true
		}
	}
	delete(all, "name")
	return slices.Sorted(maps.Keys(all))
}

func (r *mapReader) isSecretWord(word string) bool {
	return slices.ContainsFunc(r.m.catalog.Kinds(), func(k *Kind) bool { f := k.Field(word); return f != nil && f.Secret })
}

// kind reads what stands under a kind's name: its fields, or for accounts what
// they are called.
func (r *mapReader) kind(k *Kind, v *node) {
	switch {
	case v.isNull():
		r.m.dropped[k.Name] = true
		return
	case v.kind == scalarNode && k.Login:
		r.m.names[k.Name] = r.rule(v, false)
		return
	case v.kind != mapNode:
		r.fail(v, fmt.Sprintf("%s takes a map of its fields", k.Name), "an expression for its names stands under name: "+k.Name+": {name: …}; null leaves the kind behind")
		return
	}
	accounts := &node{kind: mapNode, kids: &[]node{}, line: v.line, col: v.col}
	v.pairs(func(fk, fv *node) {
		if k.Login && fv.kind != mapNode {
			*accounts.kids = append(*accounts.kids, *fk, *fv)
			return
		}
		r.field(k, fk, fk.text, fv)
	})
	if len(*accounts.kids) > 0 {
		r.setName(k, v, r.rule(accounts, false))
	}
}

func (r *mapReader) setName(k *Kind, at *node, rule *mapRule) {
	if r.m.names[k.Name] != nil {
		r.fail(at, fmt.Sprintf("the names of %s are given twice", k.Name), "")
		return
	}
	for _, old := range slices.Sorted(maps.Keys(rule.table)) {
		if to := rule.table[old]; !to.drop && len(to.items) != 1 {
			r.fail(at, fmt.Sprintf("%s %s must become one name", k.Name, old), "")
		}
	}
	r.m.names[k.Name] = rule
}

// field reads the rule of one field of a kind, of its name, or of a parameter
// of its create call.
func (r *mapReader) field(k *Kind, at *node, field string, v *node) {
	row := k.Field(field)
	param := slices.ContainsFunc(k.Create, func(p CreateParam) bool { return p.Name == field })
	switch {
	case field == "name":
		r.setName(k, at, r.rule(v, false))
		return
	case row == nil && !param:
		r.fail(at, fmt.Sprintf("%s has no field %q", k.Name, field), didYouMean(field, r.namesOf(k)))
		return
	case r.m.fields[k.Name][field] != nil:
		r.fail(at, fmt.Sprintf("%s of %s is given twice", field, k.Name), "")
		return
	}
	if r.m.fields[k.Name] == nil {
		r.m.fields[k.Name] = map[string]*mapRule{}
	}
	r.m.fields[k.Name][field] = r.rule(v, row != nil && row.Secret)
}

// rule reads a table or an expression.
func (r *mapReader) rule(v *node, secret bool) *mapRule {
	rule := &mapRule{pos: r.src.pos(v)}
	if v.kind == mapNode {
		rule.table = map[string]mapTarget{}
		v.pairs(func(k, to *node) { rule.table[k.text] = r.target(to, secret) })
		return rule
	}
	if v.kind != scalarNode {
		r.fail(v, "this must be a table old: new, or an expression over value", "")
		return rule
	}
	if v.isNull() { // the field is left out everywhere
		v = &node{text: "nil", line: v.line, col: v.col, tag: strTag}
	}
	text, shift := strings.TrimSpace(v.text), 0
	if rs := []rune(text); strings.HasPrefix(text, "${") && closingBrace(rs, 2) == len(rs)-1 {
		text, shift = string(rs[2:len(rs)-1]), 2
	}
	rule.source = text
	env := r.spec.mapEnv()
	prog, err := expr.Compile(text, append(r.spec.exprs.pureOptions(r.src.dir), expr.Env(env))...)
	if err != nil {
		at, msg, hint := r.spec.exprs.explain(err, text, slices.Sorted(maps.Keys(env)))
		if secret {
			r.problems.addSecret(r.src, v, "the expression of this secret field is wrong", `write secret.env("NAME" + upper(name)), secret.file or secret.command`)
			return rule
		}
		if hint == "" {
			hint = `this is an expression over value: a table is written {old: new}, a fixed text '"text"'`
		}
		r.problems.addErr(r.src.exprError(v, at+shift, msg, hint))
	}
	rule.prog = prog
	return rule
}

// target reads what a key of a table becomes.
func (r *mapReader) target(v *node, secret bool) mapTarget {
	switch {
	case v.isNull():
		return mapTarget{drop: true}
	case v.kind == mapNode:
		r.fail(v, "this must be the new value, not a map", "")
		return mapTarget{}
	case secret:
		return mapTarget{secret: r.reference(v)}
	case v.kind == listNode:
		var t mapTarget
		for i := range v.items() {
			t.items = append(t.items, r.target(&v.items()[i], false).items...)
		}
		return t
	case !hasTemplate(v.text):
		return mapTarget{items: []string{v.text}}
	}
	t, terr := r.spec.exprs.compile(r.src.dir, v.text)
	if terr == nil {
		var x any
		if x, terr = r.spec.exprs.eval(t, scope{}); terr == nil {
			if items, ok := texts(x); ok {
				return mapTarget{items: items}
			}
			terr = &templateError{msg: "this yields " + describe(x) + ", not a value"}
		}
	}
	r.problems.addErr(r.src.exprError(v, terr.at, terr.msg, terr.hint))
	return mapTarget{}
}

// reference reads the reference of a secret in a table.
func (r *mapReader) reference(v *node) Secret {
	if v.kind == scalarNode {
		if ref, ok, err := r.spec.SecretReference(v.text); err == nil && ok {
			return ref
		}
	}
	r.problems.addSecret(r.src, v, "a secret is given as a reference, never as its value", writeReference)
	return Secret{}
}
