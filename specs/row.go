package specs

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Catalog rows are written in YAML: the project's own in catalog.yaml, a
// user's under `kinds:` in a spec, in the same form. This file reads that form;
// WriteKinds (rowtext.go) writes it.

// rowReader reads one map of a row and complains about what it does not know.
type rowReader struct {
	src      *source
	problems *problems
}

// each calls the function for each key of a map, by name.
func (r *rowReader) each(n *node, keys map[string]func(v *node)) {
	if n.kind != mapNode {
		r.problems.add(r.src, n, "this must be a map", "")
		return
	}
	n.pairs(func(k, v *node) {
		f := keys[k.text]
		if f == nil {
			names := make([]string, 0, len(keys))
			for name := range keys {
				names = append(names, name)
			}
			slices.Sort(names)
			r.problems.add(r.src, k, fmt.Sprintf("unknown key %q in a kind", k.text), didYouMean(k.text, names))
			return
		}
		f(v)
	})
}

func (r *rowReader) text(to *string) func(*node) {
	return func(v *node) {
		if v.kind != scalarNode {
			r.problems.add(r.src, v, "this must be a single value, not "+v.kind.String(), "")
			return
		}
		if !v.isNull() {
			*to = v.text
		}
	}
}

func (r *rowReader) flag(to *bool) func(*node) {
	return func(v *node) {
		b, err := canonBool(v.text)
		if v.kind != scalarNode || err != nil {
			r.problems.add(r.src, v, "this must be true or false", "")
			return
		}
		*to = b == "true"
	}
}

func (r *rowReader) number(to *int) func(*node) {
	return func(v *node) {
		n, err := strconv.Atoi(v.text)
		if v.kind != scalarNode || err != nil || n < 0 {
			r.problems.add(r.src, v, "this must be a whole number", "")
			return
		}
		*to = n
	}
}

// list takes a list of texts, or one text.
func (r *rowReader) list(to *[]string) func(*node) {
	return func(v *node) {
		switch v.kind {
		case scalarNode:
			*to = []string{v.text}
		case listNode:
			for _, it := range v.items() {
				if it.kind != scalarNode {
					r.problems.add(r.src, &it, "this must be a single value", "")
					continue
				}
				*to = append(*to, it.text)
			}
		default:
			r.problems.add(r.src, v, "this must be a list", "")
		}
	}
}

func (r *rowReader) params(to *map[string]string) func(*node) {
	return func(v *node) {
		if v.kind != mapNode {
			r.problems.add(r.src, v, "this must be a map of parameters", "")
			return
		}
		*to = map[string]string{}
		v.pairs(func(k, val *node) { (*to)[k.text] = val.text })
	}
}

func (r *rowReader) canon(to *Canon) func(*node) {
	return func(v *node) {
		c, ok := canonByName(v.text)
		if !ok {
			r.problems.add(r.src, v, fmt.Sprintf("unknown canonicaliser %q", v.text), didYouMean(v.text, CanonNames()))
			return
		}
		*to = c
	}
}

// readKinds reads a `kinds:` section.
func readKinds(src *source, n *node, p *problems) []*Kind {
	if n == nil || n.isNull() {
		return nil
	}
	if n.kind != mapNode {
		p.add(src, n, "kinds must be a map: kind name to row", "see `ispsync kinds -o yaml` for rows")
		return nil
	}
	var rows []*Kind
	n.pairs(func(k, v *node) {
		if !validName(k.text) {
			p.add(src, k, fmt.Sprintf("%q cannot be a kind's name", k.text), "use the panel's list function: letters, digits, dots and underscores")
			return
		}
		rows = append(rows, readKind(src, k.text, v, p))
	})
	return rows
}

func validName(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '-') {
			return false
		}
	}
	return s != ""
}

func readKind(src *source, name string, n *node, p *problems) *Kind {
	k := &Kind{Name: name, Edit: name + ".edit", Delete: name + ".delete"}
	k.Key.Unique = true
	r := rowReader{src: src, problems: p}
	var fields *node
	r.each(n, map[string]func(*node){
		"doc": r.text(&k.Doc), "sure": r.text(&k.Sure),
		"list": r.text(&k.List), "edit": r.text(&k.Edit), "delete": r.text(&k.Delete),
		"suspend": r.text(&k.Suspend), "resume": r.text(&k.Resume),
		"list_params": r.params(&k.ListParams), "delete_params": r.params(&k.DeleteParams),
		"key":         func(v *node) { readKey(&r, v, &k.Key) },
		"create":      func(v *node) { var m map[string]string; r.params(&m)(v); k.Create = createParams(m) },
		"create_func": r.text(&k.CreateFunc),
		"key_refers":  func(v *node) { var m map[string]string; r.params(&m)(v); k.KeyRefers = keyRefers(m) },
		"optional":    r.flag(&k.Optional),
		"unloads":     r.flag(&k.Unloads),
		"dialects":    func(v *node) { k.Dialects = readDialects(&r, v) },
		"async":       func(v *node) { k.Async = readAsync(&r, v) },
		"owner":       r.text(&k.Owner),
		"parent":      func(v *node) { k.Parent = readParent(&r, v) },
		"su":          r.text(&k.Su), "login": r.flag(&k.Login),
		"brings": r.list(&k.Brings), "takes_with_it": r.list(&k.TakesWithIt), "meters": r.list(&k.Meters),
		"offered": r.params(&k.Offered), "builtin": r.text(&k.Builtin), "probe": r.text(&k.Probe),
		"fields": func(v *node) { fields = v },
	})
	if fields != nil {
		readFields(&r, fields, k)
	}
	return k
}

func readKey(r *rowReader, n *node, key *Key) {
	r.each(n, map[string]func(*node){
		"param": r.text(&key.Param), "column": r.list(&key.Columns), "elid": r.text(&key.Elid),
		"canon": r.canon(&key.Canon), "compose": r.text(&key.Compose), "live": r.text(&key.Live), "max": r.number(&key.Max), "unique": r.flag(&key.Unique), "doc": r.text(&key.Doc), "example": r.text(&key.Example),
	})
}

func readAsync(r *rowReader, n *node) *Async {
	a := &Async{Wait: 10 * time.Minute}
	var wait string
	r.each(n, map[string]func(*node){"column": r.text(&a.Column), "busy": r.list(&a.Busy), "failed": r.list(&a.Failed), "wait": r.text(&wait)})
	if wait != "" {
		d, err := time.ParseDuration(wait)
		if err != nil || d <= 0 {
			r.problems.add(r.src, n.get("wait"), "wait must be a time such as 10m", "")
		}
		a.Wait = d
	}
	return a
}

func readParent(r *rowReader, n *node) *Parent {
	p := &Parent{Field: "plid", Param: "elid"}
	r.each(n, map[string]func(*node){"kind": r.text(&p.Kind), "field": r.text(&p.Field), "param": r.text(&p.Param)})
	return p
}

func readFields(r *rowReader, n *node, k *Kind) {
	if n.kind != mapNode {
		r.problems.add(r.src, n, "fields must be a map: field name to row", "")
		return
	}
	n.pairs(func(fk, fv *node) {
		f := &FieldRow{Name: fk.text}
		k.Fields = append(k.Fields, f)
		if fv.isNull() {
			return
		}
		var read, deflt string
		hasDefault := false
		r.each(fv, map[string]func(*node){
			"doc": r.text(&f.Doc), "sure": r.text(&f.Sure), "param": r.text(&f.Param),
			"read": r.text(&read), "column": r.list(&f.Columns), "form": r.text(&f.Form),
			"canon": r.canon(&f.Canon), "separator": r.text(&f.Separator), "refers": r.text(&f.Refers),
			"names": r.text(&f.Names), "offered": r.text(&f.Offered), "bounds": r.text(&f.Bounds), "mapped_as": r.list(&f.MappedAs), "with": r.params(&f.With),
			"key_part": r.flag(&f.KeyPart), "required": r.flag(&f.Required), "create_only": r.flag(&f.CreateOnly),
			"secret": r.flag(&f.Secret), "confirm": r.text(&f.Confirm), "toggle": r.flag(&f.Toggle),
			"default": func(v *node) { hasDefault = true; r.text(&deflt)(v) },
			"derived": r.text(&f.Derived), "values": r.list(&f.Values), "example": r.text(&f.Example),
		})
		f.Read = ReadFrom(read)
		if !slices.Contains([]ReadFrom{"", FromList, FromForm, Never}, f.Read) {
			r.problems.add(r.src, fv.get("read"), "read must be list, form or never", "")
		}
		if f.Separator != "" && !validSeparator(f.Separator) {
			r.problems.add(r.src, fv.get("separator"), "separator must be printable and hold no letters: "+strconv.Quote(f.Separator), "")
		}
		if hasDefault {
			readDefault(r, fv.get("default"), f, deflt)
		}
	})
}

func validSeparator(s string) bool {
	for _, c := range s {
		if c < ' ' || c > '~' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

func readDefault(r *rowReader, n *node, f *FieldRow, text string) {
	c := f.Canon
	if c.name == "" {
		c, _ = canonByName("text")
	}
	v, err := c.Parse(text)
	if err != nil {
		r.problems.add(r.src, n, fmt.Sprintf("the default %q %v", text, err), "")
		return
	}
	f.Default = v
}
