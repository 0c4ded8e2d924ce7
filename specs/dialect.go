package specs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// For returns the catalog as panels of a generation speak it: 4, 5 or 6. With 0,
// when the spec does not say, the rows stay as they are, which v5 and v6
// understand alike.
func (c *Catalog) For(generation int) *Catalog {
	out := &Catalog{kinds: maps.Clone(c.kinds)}
	for name, k := range c.kinds {
		if d := k.Dialects[generation]; d != nil {
			out.kinds[name] = k.in(d)
		}
	}
	return out
}

// in returns the row in a dialect.
func (k *Kind) in(d *Dialect) *Kind {
	out := *k
	for _, f := range []struct {
		to   *string
		from string
	}{{&out.List, d.List}, {&out.Edit, d.Edit}, {&out.Delete, d.Delete}, {&out.Suspend, d.Suspend}, {&out.Resume, d.Resume}, {&out.Key.Param, d.Key}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	out.Key.Param = d.Prefix + out.Key.Param
	out.Fields = make([]*FieldRow, len(k.Fields))
	out.byName = make(map[string]*FieldRow, len(k.Fields))
	for i, f := range k.Fields {
		field := *f
		field.Param, field.Form = d.Prefix+field.Param, d.Prefix+field.Form
		if field.Confirm != "" {
			field.Confirm = d.Prefix + field.Confirm
		}
		if p := d.Params[f.Name]; p != "" {
			field.Param, field.Form = p, p
		}
		out.Fields[i], out.byName[f.Name] = &field, &field
	}
	return &out
}

// readDialects reads the `dialects` of a row: generation to what differs.
func readDialects(r *rowReader, n *node) map[int]*Dialect {
	if n.kind != mapNode {
		r.problems.add(r.src, n, "dialects must be a map: 4, 5 or 6 to what differs", "")
		return nil
	}
	out := map[int]*Dialect{}
	n.pairs(func(k, v *node) {
		g, err := strconv.Atoi(k.text)
		if err != nil || !slices.Contains([]int{4, 5, 6}, g) {
			r.problems.add(r.src, k, fmt.Sprintf("%q is no generation of panels", k.text), "4, 5 or 6")
			return
		}
		d := &Dialect{}
		r.each(v, map[string]func(*node){
			"list": r.text(&d.List), "edit": r.text(&d.Edit), "delete": r.text(&d.Delete), "suspend": r.text(&d.Suspend), "resume": r.text(&d.Resume),
			"prefix": r.text(&d.Prefix), "key": r.text(&d.Key), "params": r.params(&d.Params),
		})
		out[g] = d
	})
	return out
}

type dialectText struct {
	List    string            `yaml:"list,omitempty"`
	Edit    string            `yaml:"edit,omitempty"`
	Delete  string            `yaml:"delete,omitempty"`
	Suspend string            `yaml:"suspend,omitempty"`
	Resume  string            `yaml:"resume,omitempty"`
	Prefix  string            `yaml:"prefix,omitempty"`
	Key     string            `yaml:"key,omitempty"`
	Params  map[string]string `yaml:"params,omitempty"`
}

func textOfDialects(ds map[int]*Dialect) map[int]dialectText {
	out := make(map[int]dialectText, len(ds))
	for g, d := range ds {
		out[g] = dialectText(*d)
	}
	return out
}
