package specs

import (
	"fmt"
	"strings"
)

// field resolves one field into res, as a value or as a secret.
func (r *entryReader) field(res *Resource, f *entryField, s scope) {
	fail := func(n *node, msg, hint string) { r.l.problems.add(f.src, n, msg, hint) }
	var items []string
	if f.row.Secret && !f.val.isNull() {
		if secret, ok := r.l.secretValue(f.src, f.val, s); ok {
			res.Secrets = append(res.Secrets, SecretField{f.row.Name, secret})
		}
		return
	}
	switch {
	case f.val.isNull():
		fail(f.val, fmt.Sprintf("%s has no value", f.row.Name), `write "" or [] to clear it, or leave it out to not manage it`)
		return
	case f.val.kind == mapNode:
		fail(f.val, fmt.Sprintf("%s takes a value, not a map", f.row.Name), "")
		return
	case f.val.kind == listNode:
		if f.row.Canon.typ != ListType {
			fail(f.val, fmt.Sprintf("%s takes one value, not a list", f.row.Name), "")
			return
		}
		items = make([]string, 0, len(f.val.items()))
		for i := range f.val.items() {
			it := &f.val.items()[i]
			more, ok := r.itemsOf(f, it, s)
			if !ok {
				return
			}
			items = append(items, more...)
		}
	default:
		if !hasTemplate(f.val.text) {
			v, err := f.row.Canon.Parse(f.val.text)
			if err != nil {
				fail(f.val, fmt.Sprintf("%s: %q %v", f.row.Name, f.val.text, err), r.example(f.row))
				return
			}
			res.Fields = append(res.Fields, Field{f.row.Name, v})
			return
		}
		more, ok := r.itemsOf(f, f.val, s)
		if !ok {
			return
		}
		items = more
	}
	v, err := f.row.Canon.Parse(items...)
	if err != nil {
		fail(f.val, fmt.Sprintf("%s: %q %v", f.row.Name, strings.Join(items, " "), err), r.example(f.row))
		return
	}
	res.Fields = append(res.Fields, Field{f.row.Name, v})
}

func (r *entryReader) example(row *FieldRow) string {
	if row.Example == "" {
		return ""
	}
	return "for example " + row.Example
}

// itemsOf evaluates one scalar of a field: the texts it stands for.
func (r *entryReader) itemsOf(f *entryField, n *node, s scope) (items []string, ok bool) {
	fail := func(msg, hint string) ([]string, bool) {
		r.l.problems.add(f.src, n, msg, hint)
		return nil, false
	}
	if n.kind != scalarNode || n.isNull() {
		return fail(fmt.Sprintf("an item of %s must be a single value", f.row.Name), "")
	}
	if !hasTemplate(n.text) {
		return []string{n.text}, true
	}
	v, ok := r.l.eval(f.src, n, s)
	if !ok {
		return nil, false
	}
	if _, isSecret := v.(Secret); isSecret {
		return fail(fmt.Sprintf("%s is not a secret field: its value would be readable in plans and reports", f.row.Name), "")
	}
	if items, ok = texts(v); !ok {
		return fail(fmt.Sprintf("%s: the expression yields %s", f.row.Name, describe(v)), textHint(v))
	}
	return items, true
}

// texts turns the value of an expression into the texts a field is made of.
func texts(v any) ([]string, bool) {
	switch x := v.(type) {
	case []any:
		out := make([]string, 0, len(x))
		for _, it := range x {
			t, ok := scalarText(it)
			if !ok {
				return nil, false
			}
			out = append(out, t)
		}
		return out, true
	case []string:
		return x, true
	}
	t, ok := scalarText(v)
	return []string{t}, ok
}
