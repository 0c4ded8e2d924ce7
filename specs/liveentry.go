package specs

import (
	"cmp"
	"slices"

	"github.com/expr-lang/expr"
)

// entryOf is what an entry would say to be a live resource, with all of the
// resource's fields and those that its key is made of.
func (k *Kind) entryOf(r *Resource) (Identity, bool) {
	id, ok := k.Declare(r)
	if !ok {
		return id, false
	}
	all := slices.Clone(r.Fields)
	for _, f := range id.Fields {
		if _, told := all.Get(f.Name); !told {
			all = all.With(f.Name, f.Value)
		}
	}
	id.Fields = all
	return id, true
}

// createNeeds lists the fields that a create call is made of and that are not
// among those given: without them nothing faithful can be made.
func (k *Kind) createNeeds(fields Fields) []string {
	need := map[string]bool{}
	if k.create != nil {
		for name := range identifiers(k.create) {
			need[name] = true
		}
	}
	for i := range k.Create {
		for name := range identifiers(k.Create[i].prog) {
			need[name] = true
		}
	}
	var out []string
	for _, row := range k.Fields {
		_, told := fields.Get(row.Name)
		if need[row.Name] && !told && row.Read == Never && !row.Secret && row.Default.IsAbsent() {
			out = append(out, row.Name)
		}
	}
	return out
}

// isBuiltin reports whether panels make a resource by themselves.
func (k *Kind) isBuiltin(r *Resource) bool {
	if k.builtin == nil {
		return false
	}
	env := map[string]any{}
	k.fillEnv(env, r)
	env["su"] = r.Su
	v, err := expr.Run(k.builtin, env)
	return err == nil && v == true
}

// onlyValue is the value of a field that no panel tells and that has one
// documented value: a create says it (a cron job's kind of schedule).
func onlyValue(row *FieldRow) (Value, bool) {
	if row.Read != Never || !row.CreateOnly || row.Secret || row.KeyPart || len(row.Values) != 1 {
		return Value{}, false
	}
	v, err := row.Canon.Parse(row.Values[0])
	return v, err == nil
}

// elidOrKey is how the panel itself names a resource.
func (r *Resource) elidOrKey() string { return cmp.Or(r.Elid, r.Ref.Key) }
