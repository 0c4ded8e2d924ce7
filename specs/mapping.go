package specs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Mapping says what the resources of one panel are to be on another: a map
// file, read and checked before the first call. It is YAML:
//
//	user: {alice: alice2}                 # accounts, and all that refers to them
//	ip: {192.0.2.1: 198.51.100.7}         # a field, in every kind that has it
//	docroot: replace(value, "a", "b")     # an expression over value
//	webdomain: {php_mode: {php_mode_mod: php_mode_fcgi_nginxfpm}}  # a field of one kind
//	email.passwd: secret.env("MAIL_" + upper(name))                # a reference for a secret field
//	emaildomain: null                     # the kind stays behind
//
// A table says old: new; what it does not name stays as it is, and null leaves
// it out. An expression sees value (an item of a list at a time), field, kind,
// name, owner, all fields of the resource by name in fields, and vars: all of
// them as the source has them. Rules look at the source only, so their order
// means nothing.
//
// A Mapping is used by one goroutine at a time.
type Mapping struct {
	catalog *Catalog
	names   map[string]*mapRule            // by kind: what its resources are called
	fields  map[string]map[string]*mapRule // by kind and field, or parameter of its create call
	common  map[string]*mapRule            // by field, in every kind
	dropped map[string]bool                // kinds left behind
	vars    map[string]any
}

// mapRule is one table or one expression.
type mapRule struct {
	pos    Pos
	table  map[string]mapTarget // nil for an expression
	source string               // of the expression
	prog   *vm.Program
	// byCanon are the table's keys as a canonicaliser writes them, found when asked.
	byCanon map[string]map[string]mapTarget
}

// mapTarget is what a table's key becomes: texts, a reference, or nothing at all.
type mapTarget struct {
	items  []string
	secret Secret
	drop   bool
}

// emptyMapping changes nothing.
func (s *Spec) emptyMapping() *Mapping {
	return &Mapping{catalog: s.Catalog, names: map[string]*mapRule{}, fields: map[string]map[string]*mapRule{}, common: map[string]*mapRule{},
		dropped: map[string]bool{}, vars: s.exprs.vars}
}

// LeavesBehind reports whether the map leaves a whole kind behind (KIND: null).
func (m *Mapping) LeavesBehind(kind string) bool { return m.dropped[kind] }

// mapped is the resource whose values rules look at, as the source has it.
type mapped struct {
	kind  *Kind
	name  string
	owner string
	from  *Resource
	env   map[string]any // of its expressions, made when the first is asked
}

// mapEnv declares what the expressions of a map may name.
func (s *Spec) mapEnv() types.Map {
	return types.Map{"value": types.Any, "field": types.String, "kind": types.String, "name": types.String, "owner": types.String,
		"fields": types.Any, "vars": s.exprs.varsType,
		"secret": types.Map{"env": types.TypeOf(secretNamespace["env"]), "file": types.TypeOf(secretNamespace["file"]), "command": types.TypeOf(secretNamespace["command"])}}
}

// eval runs an expression on one value.
func (m *Mapping) eval(r *mapRule, of *mapped, field string, value any) (any, error) {
	if of.env == nil {
		fields := map[string]any{}
		of.kind.fillEnv(fields, of.from)
		of.env = map[string]any{"kind": of.kind.Name, "name": of.name, "owner": of.owner, "fields": fields, "vars": m.vars, "secret": secretNamespace}
	}
	of.env["value"], of.env["field"] = value, field
	v, err := expr.Run(r.prog, of.env)
	if err != nil {
		return nil, fmt.Errorf("%s: the expression %q cannot be evaluated for the %s of %s/%s: %s", r.pos, r.source, field, of.kind.Name, of.name, firstLine(err.Error()))
	}
	return v, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// rule finds the rule of a field or parameter: that of the kind before that of
// all kinds, and the field's own name before the words it is also meant by.
// For the latter only tables count: an expression written for one field is not
// right for others.
func (m *Mapping) rule(k *Kind, field string, row *FieldRow) (rule *mapRule, word string) {
	if r := m.fields[k.Name][field]; r != nil {
		return r, field
	}
	if r := m.common[field]; r != nil {
		return r, field
	}
	if row == nil {
		return nil, ""
	}
	for _, word := range row.MappedAs {
		if r := m.common[word]; r != nil && r.table != nil {
			return r, word
		}
	}
	return nil, ""
}

// value maps a field's value. drop says that the field is to be left out.
func (m *Mapping) value(of *mapped, row *FieldRow, v Value) (out Value, drop bool, err error) {
	rules := m.rulesOf(of.kind, row)
	if len(rules) == 0 {
		return v, v.IsAbsent(), nil
	}
	if v.IsAbsent() {
		if rules[0].rule.table != nil {
			return v, true, nil
		}
		return m.untold(of, row, rules[0].rule)
	}
	if row.Canon.typ != ListType {
		items, drop, err := m.item(of, row, rules, v.Any(), v.s)
		if err != nil || drop {
			return v, drop, err
		}
		out, err = m.parse(of, row, rules[0].rule, items)
		return out, false, err
	}
	var all []string
	for _, it := range v.Items() {
		items, drop, err := m.item(of, row, rules, it, it)
		if err != nil {
			return v, false, err
		}
		if !drop {
			all = append(all, items...)
		}
	}
	out, err = m.parse(of, row, rules[0].rule, all)
	return out, false, err
}

// wordRule is a rule and the word of the map it stands under.
type wordRule struct {
	rule *mapRule
	word string
}

// rulesOf lists the tables that are about a field, or its one expression. A
// field that is meant by several words (an address or a name server) has
// several tables.
func (m *Mapping) rulesOf(k *Kind, row *FieldRow) []wordRule {
	if r, word := m.rule(k, row.Name, nil); r != nil {
		return []wordRule{{r, word}}
	}
	var out []wordRule
	for _, word := range row.MappedAs {
		if r := m.common[word]; r != nil && r.table != nil {
			out = append(out, wordRule{r, word})
		}
	}
	return out
}

// untold asks an expression for a field that no panel tells: secrets aside,
// what only a create can say. Its value is then nil.
func (m *Mapping) untold(of *mapped, row *FieldRow, r *mapRule) (Value, bool, error) {
	if row.Read != Never {
		return Value{}, true, nil
	}
	v, err := m.eval(r, of, row.Name, nil)
	if err != nil || v == nil {
		return Value{}, true, err
	}
	items, ok := texts(v)
	if !ok {
		return Value{}, true, fmt.Errorf("%s: the expression %q yields %s for the %s of %s/%s", r.pos, r.source, describe(v), row.Name, of.kind.Name, of.name)
	}
	out, err := m.parse(of, row, r, items)
	return out, false, err
}

// item maps one item. value is what expressions see, text what tables look for.
func (m *Mapping) item(of *mapped, row *FieldRow, rules []wordRule, value any, text string) (items []string, drop bool, err error) {
	for _, r := range rules {
		if r.rule.table != nil {
			if to, ok := r.rule.find(text, row.Canon, m.canonOf(r.word)); ok {
				return to.items, to.drop, nil
			}
			continue
		}
		v, err := m.eval(r.rule, of, row.Name, value)
		if err != nil || v == nil {
			return nil, true, err
		}
		items, ok := texts(v)
		if !ok {
			return nil, false, fmt.Errorf("%s: the expression %q yields %s for the %s of %s/%s", r.rule.pos, r.rule.source, describe(v), row.Name, of.kind.Name, of.name)
		}
		return items, false, nil
	}
	return []string{text}, false, nil
}

func (m *Mapping) parse(of *mapped, row *FieldRow, r *mapRule, items []string) (Value, error) {
	v, err := row.Canon.Parse(items...)
	if err != nil {
		return v, fmt.Errorf("%s: for the %s of %s/%s the map gives %q, which %w", r.pos, row.Name, of.kind.Name, of.name, strings.Join(items, " "), err)
	}
	return v, nil
}

// canonOf is the canonicaliser of the field that a word of the map is the name
// of: the keys of its tables are compared in that form also for other fields.
func (m *Mapping) canonOf(word string) Canon {
	for _, k := range m.catalog.Kinds() {
		if row := k.byName[word]; row != nil {
			return row.Canon
		}
	}
	return Canon{}
}

// find looks a text up in a table, in the canonical forms given.
func (r *mapRule) find(text string, canons ...Canon) (mapTarget, bool) {
	if to, ok := r.table[text]; ok {
		return to, true
	}
	for _, c := range canons {
		if c.item == nil {
			continue
		}
		key, err := c.item(text)
		if err != nil {
			continue
		}
		if to, ok := r.in(c)[key]; ok {
			return to, true
		}
	}
	return mapTarget{}, false
}

// in is the table with keys in a canonical form.
func (r *mapRule) in(c Canon) map[string]mapTarget {
	if t := r.byCanon[c.name]; t != nil {
		return t
	}
	if r.byCanon == nil {
		r.byCanon = map[string]map[string]mapTarget{}
	}
	t := make(map[string]mapTarget, len(r.table))
	for _, key := range slices.Sorted(maps.Keys(r.table)) {
		if canonical, err := c.item(key); err == nil {
			t[canonical] = r.table[key]
		}
	}
	r.byCanon[c.name] = t
	return t
}

// rename maps the name of a resource. drop says that it stays behind.
func (m *Mapping) rename(of *mapped) (name string, drop bool, err error) {
	r := m.names[of.kind.Name]
	if r == nil {
		return of.name, false, nil
	}
	if r.table != nil {
		for _, text := range []string{of.name, of.from.Ref.Key} {
			if to, ok := r.find(text, of.kind.Key.Canon); ok {
				return strings.Join(to.items, " "), to.drop, nil
			}
		}
		return of.name, false, nil
	}
	v, err := m.eval(r, of, "name", of.name)
	if err != nil || v == nil {
		return "", true, err
	}
	text, ok := scalarText(v)
	if !ok {
		return "", false, fmt.Errorf("%s: the expression %q yields %s for %s/%s, not a name", r.pos, r.source, describe(v), of.kind.Name, of.name)
	}
	return text, false, nil
}

// param maps a parameter of the create call that is no field: the server of a
// database.
func (m *Mapping) param(of *mapped, param, text string) (string, error) {
	r, word := m.rule(of.kind, param, nil)
	if r == nil {
		return text, nil
	}
	row := &FieldRow{Name: param, Read: Never}
	row.Canon, _ = canonByName("text")
	items, drop, err := m.item(of, row, []wordRule{{r, word}}, text, text)
	if err != nil || drop || len(items) != 1 {
		return text, err
	}
	return items[0], nil
}

// secret is the reference the map gives for a secret field; ok is false when
// it gives none. A table looks for the resource's name.
func (m *Mapping) secret(of *mapped, row *FieldRow) (s Secret, ok bool, err error) {
	r, _ := m.rule(of.kind, row.Name, nil)
	if r == nil {
		return Secret{}, false, nil
	}
	if r.table != nil {
		for _, text := range []string{of.name, of.from.Ref.Key} {
			if to, ok := r.find(text, of.kind.Key.Canon); ok {
				return to.secret, !to.secret.IsZero(), nil
			}
		}
		return Secret{}, false, nil
	}
	v, err := m.eval(r, of, row.Name, nil)
	if err != nil || v == nil {
		return Secret{}, false, err
	}
	s, ok = v.(Secret)
	if !ok { // what it yields is not shown: it may be a password
		return Secret{}, false, fmt.Errorf("%s: the map must give a reference for the secret %s of %s/%s: secret.env(\"NAME\"), secret.file or secret.command", r.pos, row.Name, of.kind.Name, of.name)
	}
	return s, true, nil
}
