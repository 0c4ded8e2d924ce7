package specs

import (
	"fmt"
	"maps"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Rule is a whole expression of a spec over one live resource: prune, protect,
// or a filter of the command line. It sees the kind's fields and meters by
// name, `name` (the key), `panel` (name, url, labels) and `vars`. A field the
// panel does not tell has its type's empty value.
//
// A Rule is used by one goroutine at a time.
type Rule struct {
	Source string // as written
	Pos    Pos
	kind   *Kind
	owner  func(*Resource) string // of a kind without a field owner; may be nil
	prog   *vm.Program
	names  map[string]bool // what it looks at
	env    map[string]any
	vm     vm.VM
}

// Test reports whether the rule holds for a resource of the given panel.
func (r *Rule) Test(panel Panel, res *Resource) (bool, error) {
	r.kind.fillEnv(r.env, res)
	r.env["panel"] = PanelEnv(panel)
	if r.owner != nil {
		r.env["owner"] = r.owner(res)
	}
	v, err := r.vm.Run(r.prog, r.env)
	if err != nil {
		return false, fmt.Errorf("%s: the rule %q cannot be decided for %s: %w", r.Pos, r.Source, res.Ref, err)
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("%s: the rule %q yields %s for %s, not true or false", r.Pos, r.Source, describe(v), res.Ref)
	}
	return b, nil
}

// Clone returns a rule that another goroutine can use.
func (r *Rule) Clone() *Rule {
	return &Rule{Source: r.Source, Pos: r.Pos, kind: r.kind, owner: r.owner, prog: r.prog, names: r.names, env: maps.Clone(r.env)}
}

// Decidable reports whether the rule looks at no field that a listed resource
// may still lack: then its form need not be read to test it.
func (r *Rule) Decidable(res *Resource) bool {
	for _, f := range r.kind.Fields {
		if _, told := res.Fields.Get(f.Name); r.names[f.Name] && !told && f.Read != Never {
			return false
		}
	}
	return true
}

// Names reports whether the rule looks at a field.
func (r *Rule) Names(field string) bool { return r.names[field] }

// Owned gives a copy of the rule in which owner of a kind without such a field is
// what the function tells.
func (r *Rule) Owned(owner func(*Resource) string) *Rule {
	c := r.Clone()
	if c.kind.Field("owner") == nil {
		c.owner = owner
	}
	return c
}

// PanelEnv is a panel as expressions see it.
func PanelEnv(p Panel) map[string]any {
	labels := p.Labels
	if labels == nil {
		labels = map[string]any{}
	}
	return map[string]any{"name": p.Name, "url": p.URL, "labels": labels}
}

// envType declares what expressions over a resource of this kind may name.
func (k *Kind) envType() types.Map {
	env := types.Map{"name": types.String}
	for _, f := range k.Fields {
		if f.Secret {
			continue
		}
		env[f.Name] = f.Canon.typ.exprType()
	}
	for _, m := range k.Meters {
		env[m] = types.Any
	}
	return env
}

func (t ValueType) exprType() types.Type {
	switch t {
	case BoolType:
		return types.Bool
	case NumberType:
		return types.Int
	case ListType:
		return types.TypeOf([]string{})
	default:
		return types.String
	}
}

// fillEnv puts a resource's values under their names.
func (k *Kind) fillEnv(env map[string]any, r *Resource) {
	for _, f := range k.Fields {
		if f.Secret {
			continue
		}
		v, ok := r.Fields.Get(f.Name)
		if !ok || v.t != f.Canon.typ { // untold, or told in a way the row does not understand
			v = f.Canon.typ.Zero()
		}
		env[f.Name] = v.Any()
	}
	for _, m := range k.Meters {
		v, _ := r.Meters.Get(m)
		env[m] = v.Any()
	}
	env["name"] = r.Ref.Key
}

// compileRule compiles a whole expression over the live resources of a kind.
func (e *expressions) compileRule(src *source, n *node, k *Kind, p *problems) *Rule {
	return e.compileRuleIn(k.envType(), src, n, k, p)
}

func (e *expressions) compileRuleIn(env types.Map, src *source, n *node, k *Kind, p *problems) *Rule {
	if n.kind != scalarNode || n.isNull() {
		p.add(src, n, "this must be an expression, for example owner == \"alice\"", "")
		return nil
	}
	if hasTemplate(n.text) {
		p.add(src, n, "this is a whole expression: write it without ${}", "")
		return nil
	}
	env["panel"], env["vars"] = panelType, e.varsType
	prog, err := expr.Compile(n.text, append(e.pureOptions(src.dir), expr.Env(env), expr.AsBool(), expr.WarnOnAny())...)
	if err != nil {
		at, msg, hint := e.explain(err, n.text, slices.Sorted(maps.Keys(env)))
		p.addErr(src.exprError(n, at, msg, hint))
		return nil
	}
	return &Rule{Source: n.text, Pos: src.pos(n), kind: k, prog: prog, names: identifiers(prog), env: map[string]any{"vars": e.vars}}
}

// exprError places a mistake inside the text of a scalar.
func (s *source) exprError(n *node, at int, msg, hint string) *Error {
	col := int(n.col) + at
	if n.quoted {
		col++
	}
	return s.errorAt(int(n.line), col, msg, hint)
}

// CompileFilter compiles an expression given on the command line (--where) over
// the live resources of a kind. Where a kind lives in another one or in an
// account and has no field owner, the expression may name one; see Rule.Owned.
func (s *Spec) CompileFilter(kind *Kind, text string) (*Rule, error) {
	var p problems
	src := &source{path: "--where", dir: ".", data: []byte(text)}
	env := kind.envType()
	if kind.Parent != nil || kind.Su != "" {
		env["owner"] = types.String
	}
	r := s.exprs.compileRuleIn(env, src, &node{text: text, line: 1, col: 1}, kind, &p)
	if r == nil {
		return nil, p.errs
	}
	return r, nil
}

// condition is an expression of the spec that yields true or false in the
// scope of an entry: when.
type condition struct {
	prog                *vm.Program
	usesPanel, usesLoop bool
}

func (e *expressions) compileCondition(src *source, n *node, env types.Map, p *problems) *condition {
	if n.kind != scalarNode {
		p.add(src, n, "this must be an expression that yields true or false, not "+n.kind.String(), "")
		return nil
	}
	if hasTemplate(n.text) {
		p.add(src, n, "this is a whole expression: write it without ${}", "")
		return nil
	}
	prog, err := expr.Compile(n.text, append(e.pureOptions(src.dir), expr.Env(env), expr.AsBool())...)
	if err != nil {
		at, msg, hint := e.explain(err, n.text, slices.Sorted(maps.Keys(env)))
		p.addErr(src.exprError(n, at, msg, hint))
		return nil
	}
	names := identifiers(prog)
	return &condition{prog: prog, usesPanel: names["panel"], usesLoop: names["each"] || names["key"]}
}
