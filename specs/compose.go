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
//	key:    {compose: 'name contains "->" ? name : name + "->MySQL"'}
//	create: {name: 'split(key, "@")[0]', domainname: 'split(key, "@")[1]'}
//
// They see the fields by name, `name` (what the spec's entry says) and, for
// create, `key`.

// CreateParam is a parameter that a create call needs besides the fields.
type CreateParam struct {
	Name string
	expr string
	prog *vm.Program
}

// compileRow compiles the expressions of a row.
func compileRow(k *Kind) (errs []error) {
	if k.Key.Compose == "" && len(k.Create) == 0 {
		return nil // nearly all rows; compiling costs start-up time
	}
	env := k.envType()
	opts := append(newExpressions(nil).pureOptions("."), expr.Env(env), expr.AsAny())
	if k.Key.Compose != "" {
		prog, err := expr.Compile(k.Key.Compose, opts...)
		if err != nil {
			errs = append(errs, fmt.Errorf("key.compose: %w", err))
		}
		k.compose = prog
	}
	withKey := maps.Clone(env)
	withKey["key"] = types.String
	opts = append(newExpressions(nil).pureOptions("."), expr.Env(withKey), expr.AsAny())
	for i := range k.Create {
		p := &k.Create[i]
		prog, err := expr.Compile(p.expr, opts...)
		if err != nil {
			errs = append(errs, fmt.Errorf("create.%s: %w", p.Name, err))
		}
		p.prog = prog
	}
	return errs
}

func (k *Kind) composeKey(name string, fields Fields) (string, error) {
	env := map[string]any{}
	k.fillEnv(env, &Resource{Fields: fields})
	env["name"] = name
	v, err := expr.Run(k.compose, env)
	if err != nil {
		return "", fmt.Errorf("the key of this %s cannot be composed: %w", k.Name, err)
	}
	t, ok := scalarText(v)
	if !ok {
		return "", fmt.Errorf("the key of this %s cannot be composed: it yields %s", k.Name, describe(v))
	}
	return t, nil
}

// CreateParams gives the parameters that create a resource besides its
// fields and secrets, sorted by name. Without `create` in the row that is
// the key, in the parameter Key.Param. A parameter whose expression yields nil is
// left out.
func (k *Kind) CreateParams(r *Resource) ([][2]string, error) {
	if len(k.Create) == 0 {
		return [][2]string{{k.Key.Param, r.Ref.Key}}, nil
	}
	env := map[string]any{}
	k.fillEnv(env, r)
	env["key"] = r.Ref.Key
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

func createParams(m map[string]string) []CreateParam {
	out := make([]CreateParam, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, CreateParam{Name: name, expr: m[name]})
	}
	return out
}
