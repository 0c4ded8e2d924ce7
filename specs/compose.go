package specs

import (
	"fmt"
	"maps"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Some kinds have a key made of several parts, or a create call whose
// parameters are parts of the key: a mailbox is listed as info@example.com and
// made with name=info and domainname=example.com. Such rows say so in
// expressions, so that they need no code:
//
//	key:    {compose: 'name contains "->" ? name : name + "->MySQL"', live: 'name + "->" + server'}
//	create: {name: 'split(key, "@")[0]', domainname: 'split(key, "@")[1]'}
//
// compose makes the key from what an entry says: `name`, `su` and the fields.
// live makes it from the columns of a row of the list, by name, with `su` and
// `plid` of the list call. create and create_func see `key`, `su` and the fields.

// KeyRefer says which resource of another kind a key refers to.
type KeyRefer struct {
	Kind string
	expr string
	prog *vm.Program
}

// KeyReferences gives the refs, without panel, that a resource refers to
// through its key.
func (k *Kind) KeyReferences(key string) []Ref {
	var out []Ref
	for i := range k.KeyRefers {
		r := &k.KeyRefers[i]
		if target, err := k.evalText(r.prog, map[string]any{"key": key}, "the reference"); err == nil && target != "" {
			out = append(out, Ref{Kind: r.Kind, Key: target})
		}
	}
	return out
}

func keyRefers(m map[string]string) []KeyRefer {
	out := make([]KeyRefer, 0, len(m))
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		out = append(out, KeyRefer{Kind: kind, expr: m[kind]})
	}
	return out
}

// HasLiveKey reports whether LiveKey makes the key of a row of the list.
func (k *Kind) HasLiveKey() bool { return k.live != nil }

// CreateParam is a parameter that a create call needs besides the fields.
type CreateParam struct {
	Name string
	expr string
	prog *vm.Program
}

// compileRow compiles the expressions of a row.
func compileRow(k *Kind) (errs []error) {
	derives := func(f *FieldRow) bool { return f.Derived != "" }
	if k.Key.Compose == "" && k.Key.Live == "" && k.CreateFunc == "" && k.Probe == "" && k.Builtin == "" && len(k.Create)+len(k.KeyRefers) == 0 && !slices.ContainsFunc(k.Fields, derives) {
		return nil // nearly all rows; compiling costs start-up time
	}
	pure := newExpressions(nil).pureOptions(".")
	compile := func(where, text string, env types.Map) *vm.Program {
		opts := append(slices.Clip(pure), expr.AsAny())
		if env != nil {
			opts = append(opts, expr.Env(env))
		} else {
			opts = append(opts, expr.Env(map[string]string{}), expr.AllowUndefinedVariables())
		}
		prog, err := expr.Compile(text, opts...)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
		}
		return prog
	}
	env := k.envType()
	env["su"] = types.String
	if k.Key.Compose != "" {
		k.compose = compile("key.compose", k.Key.Compose, env)
	}
	if k.Key.Live != "" {
		k.live = compile("key.live", k.Key.Live, nil)
	}
	if k.Probe != "" {
		k.probe = compile("probe", k.Probe, env)
	}
	if k.Builtin != "" {
		k.builtin = compile("builtin", k.Builtin, env)
	}
	withKey := maps.Clone(env)
	withKey["key"] = types.String
	if k.CreateFunc != "" {
		k.create = compile("create_func", k.CreateFunc, withKey)
	}
	for i := range k.KeyRefers {
		k.KeyRefers[i].prog = compile("key_refers."+k.KeyRefers[i].Kind, k.KeyRefers[i].expr, types.Map{"key": types.String})
	}
	for _, f := range k.Fields {
		if derives(f) {
			f.derived = compile(f.Name+".derived", f.Derived, types.Map{"name": types.String})
		}
	}
	for i := range k.Create {
		k.Create[i].prog = compile("create."+k.Create[i].Name, k.Create[i].expr, withKey)
	}
	return errs
}

// composeKey makes the key of an entry.
func (k *Kind) composeKey(name, su string, fields Fields) (string, error) {
	env := map[string]any{}
	k.fillEnv(env, &Resource{Fields: fields})
	env["name"], env["su"] = name, su
	return k.evalText(k.compose, env, "the key")
}

func (k *Kind) evalText(prog *vm.Program, env any, what string) (string, error) {
	v, err := expr.Run(prog, env)
	if err != nil {
		return "", fmt.Errorf("%s of this %s cannot be made: %w", what, k.Name, err)
	}
	t, ok := scalarText(v)
	if !ok {
		return "", fmt.Errorf("%s of this %s cannot be made: the row's expression yields %s", what, k.Name, describe(v))
	}
	return t, nil
}

// LiveColumns names the list columns of which LiveKey makes the key; nil when a
// single column holds it (Key.Columns).
func (k *Kind) LiveColumns() []string {
	if k.live == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(identifiers(k.live)))
}

// LiveKey makes the key of a row from its columns (see LiveColumns); su and
// plid are those of the list call. A column that the row does not have is "".
func (k *Kind) LiveKey(column func(name string) string) (string, error) {
	env := map[string]string{}
	for _, name := range k.LiveColumns() {
		env[name] = column(name)
	}
	return k.evalText(k.live, env, "the key")
}

// FuncToCreate is the function that creates a resource.
func (k *Kind) FuncToCreate(r *Resource) (string, error) {
	if k.create == nil {
		return k.Edit, nil
	}
	return k.evalText(k.create, k.createEnv(r), "the create function")
}

func (k *Kind) createEnv(r *Resource) map[string]any {
	env := map[string]any{}
	k.fillEnv(env, r)
	env["key"], env["su"] = r.Ref.Key, r.Su
	return env
}

// CreateParams gives the parameters that create a resource besides its
// fields and secrets, sorted by name. Without `create` in the row that is
// the key, in the parameter Key.Param. A parameter whose expression yields nil is
// left out.
func (k *Kind) CreateParams(r *Resource) ([][2]string, error) {
	if len(k.Create) == 0 {
		return [][2]string{{k.Key.Param, r.Ref.Key}}, nil
	}
	env := k.createEnv(r)
	var out [][2]string
	for i := range k.Create {
		v, err := expr.Run(k.Create[i].prog, env)
		if err != nil {
			return nil, fmt.Errorf("%s: the parameter %s cannot be made: %w", r.Ref, k.Create[i].Name, err)
		}
		if v == nil {
			continue
		}
		t, ok := scalarText(v)
		if !ok {
			return nil, fmt.Errorf("%s: the parameter %s yields %s", r.Ref, k.Create[i].Name, describe(v))
		}
		out = append(out, [2]string{k.Create[i].Name, t})
	}
	return out, nil
}

// DerivedValue is what a panel makes of a field when a new resource with this key
// does not say; absent when the row does not know.
func (f *FieldRow) DerivedValue(key string) Value {
	if f.derived == nil {
		return Value{}
	}
	v, err := expr.Run(f.derived, map[string]any{"name": key})
	text, ok := scalarText(v)
	if err != nil || !ok {
		return Value{}
	}
	out, err := f.Canon.Parse(text)
	if err != nil {
		return Value{}
	}
	return out
}

func createParams(m map[string]string) []CreateParam {
	out := make([]CreateParam, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, CreateParam{Name: name, expr: m[name]})
	}
	return out
}
