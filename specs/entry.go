package specs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
)

// An entry is one item under `resources: KIND:`. Most entries of a large spec
// hold plain text only, so an entry is looked at once for what may vary: what
// does not depend on the panel is resolved once and shared by all its panels.

// entryKeys are the keys of an entry that are no fields.
var entryKeys = []string{"ensure", "for_each", "name", "panels", "params", "su", "when"}

// entryField is a field as written in an entry or in defaults.
type entryField struct {
	row *FieldRow
	src *source
	key *node
	val *node
}

// entry is one item, its keys found and its names checked.
type entry struct {
	src                                     *source
	n                                       *node
	kind                                    *Kind
	name, panels, forEach, when, ensure, su *node
	fields                                  []entryField // sorted by name, defaults included
	usesPanel                               bool         // a template in name or fields looks at panel
}

// entryReader resolves the entries of one kind; each goroutine has its own.
type entryReader struct {
	l     *loader
	kind  *Kind
	out   [][]Resource // by panel, in the order of Spec.Panels
	rules map[string]*condition
}

// loadDefaults reads what stands under the entries of a kind.
func (l *loader) loadDefaults() {
	l.defaults = map[string][]entryField{}
	for _, p := range l.parts["defaults"] {
		if p.n.kind != mapNode {
			l.problems.add(p.src, p.n, "defaults must be a map: kind to fields", "")
			continue
		}
		p.n.pairs(func(k, v *node) {
			kind := l.kind(p, k)
			if kind == nil {
				return
			}
			if v.kind != mapNode {
				l.problems.add(p.src, v, "the defaults of a kind must be a map of fields", "")
				return
			}
			v.pairs(func(fk, fv *node) { l.addDefault(p.src, kind, fk, fv) })
		})
	}
}

func (l *loader) addDefault(src *source, kind *Kind, fk, fv *node) {
	if fk.text == "params" && fv.kind == mapNode {
		fv.pairs(func(k, v *node) { l.addDefault(src, kind, k, v) })
		return
	}
	row := kind.Field(fk.text)
	if row == nil {
		hint := didYouMean(fk.text, kind.FieldNames())
		if slices.Contains(entryKeys, fk.text) {
			hint = "defaults hold fields only; say it in the entries"
		}
		l.problems.add(src, fk, fmt.Sprintf("%s has no field %q", kind.Name, fk.text), hint)
		return
	}
	for _, f := range l.defaults[kind.Name] {
		if f.row == row {
			l.problems.add(src, fk, fmt.Sprintf("the default of %s.%s is already given at %s", kind.Name, fk.text, f.src.pos(f.key)), "")
			return
		}
	}
	l.defaults[kind.Name] = append(l.defaults[kind.Name], entryField{row, src, fk, fv})
}

// parse finds the keys of an entry and checks its names.
// It returns nil when there is nothing to go on with; an entry with other
// mistakes is resolved all the same, to find the rest of them.
func (r *entryReader) parse(src *source, n *node) *entry {
	l := r.l
	if n.kind != mapNode {
		l.problems.add(src, n, fmt.Sprintf("an entry of %s must be a map, not %s", r.kind.Name, n.kind), "write `- name: …`")
		return nil
	}
	e := &entry{src: src, n: n, kind: r.kind}
	e.fields = make([]entryField, 0, len(n.items())/2+len(l.defaults[r.kind.Name]))
	field := func(k, v *node) { r.addField(e, k, v) }
	n.pairs(func(k, v *node) {
		switch k.text {
		case "name":
			e.name = v
		case "panels":
			e.panels = v
		case "for_each":
			e.forEach = v
		case "when":
			e.when = v
		case "ensure":
			e.ensure = v
		case "su":
			e.su = v
		case "params":
			if v.kind != mapNode {
				l.problems.add(src, v, "params must be a map of fields", "")
				return
			}
			v.pairs(field)
		default:
			field(k, v)
		}
	})
	if e.name == nil || e.name.kind != scalarNode || e.name.isNull() || e.name.text == "" {
		l.problems.add(src, n, fmt.Sprintf("an entry of %s needs a name", r.kind.Name), "name: is the key as the panel's own list writes it")
		return nil
	}
	for _, d := range l.defaults[r.kind.Name] {
		if !slices.ContainsFunc(e.fields, func(f entryField) bool { return f.row == d.row }) {
			e.fields = append(e.fields, d)
		}
	}
	slices.SortFunc(e.fields, func(a, b entryField) int { return strings.Compare(a.row.Name, b.row.Name) })
	e.usesPanel = r.looksAtPanel(e)
	return e
}

func (r *entryReader) addField(e *entry, k, v *node) {
	row := r.kind.Field(k.text)
	if row == nil {
		known := append(r.kind.FieldNames(), entryKeys...)
		r.l.problems.add(e.src, k, fmt.Sprintf("%s has no field %q", r.kind.Name, k.text), didYouMean(k.text, known))
		return
	}
	for _, f := range e.fields {
		if f.row == row {
			r.l.problems.add(e.src, k, fmt.Sprintf("the field %q is given twice", k.text), "once beside params and once in it")
			return
		}
	}
	e.fields = append(e.fields, entryField{row, e.src, k, v})
}

// looksAtPanel reports whether anything in the entry differs from panel to panel.
func (r *entryReader) looksAtPanel(e *entry) bool {
	uses := func(src *source, n *node) bool {
		if n == nil || n.kind != scalarNode || !hasTemplate(n.text) {
			return false
		}
		t, err := r.l.exprs.compile(src.dir, n.text)
		return err == nil && t.usesPanel
	}
	if uses(e.src, e.name) || uses(e.src, e.su) || uses(e.src, e.ensure) {
		return true
	}
	for _, f := range e.fields {
		if f.val.kind == scalarNode && uses(f.src, f.val) {
			return true
		}
		if f.val.kind == listNode && slices.ContainsFunc(f.val.items(), func(n node) bool { return uses(f.src, &n) }) {
			return true
		}
	}
	return false
}

// resolve turns an entry into resources on its panels.
func (r *entryReader) resolve(src *source, n *node) {
	e := r.parse(src, n)
	if e == nil {
		return
	}
	var when *condition
	if e.when != nil {
		when = r.condition(e) // nil after a mistake: then all turns count
	}
	if e.forEach != nil && r.loopsByPanel(e) {
		for _, p := range r.panels(e, scope{}) {
			for _, s := range r.l.loop(e.src, e.forEach, scope{panel: PanelEnv(r.l.spec.Panels[p])}) {
				r.place(e, when, s, []int{p})
			}
		}
		return
	}
	scopes := []scope{{}}
	if e.forEach != nil {
		scopes = r.l.loop(e.src, e.forEach, scope{})
	}
	for _, s := range scopes {
		r.place(e, when, s, r.panels(e, s))
	}
}

func (r *entryReader) loopsByPanel(e *entry) bool {
	if e.forEach.kind != scalarNode {
		return false
	}
	t, err := r.l.exprs.compile(e.src.dir, e.forEach.text)
	return err == nil && t.usesPanel
}

// place adds the resource of one turn of an entry to the panels it is for.
func (r *entryReader) place(e *entry, when *condition, s scope, panels []int) {
	perPanel := e.usesPanel || when != nil && when.usesPanel
	var shared Resource
	if !perPanel {
		if when != nil && !r.holds(e, when, s) {
			return
		}
		var ok bool
		if shared, ok = r.resource(e, s); !ok {
			return
		}
	}
	for _, p := range panels {
		res := shared
		if perPanel {
			s.panel = PanelEnv(r.l.spec.Panels[p])
			if when != nil && !r.holds(e, when, s) {
				continue
			}
			var ok bool
			if res, ok = r.resource(e, s); !ok {
				continue
			}
		}
		res.Ref.Panel = r.l.spec.Panels[p].Name
		r.out[p] = append(r.out[p], res)
	}
}

var whenEnv = types.Map{"panel": panelType, "each": types.Any, "key": types.Any}

func (r *entryReader) condition(e *entry) *condition {
	id := e.src.dir + "\x00" + e.when.text
	if c, ok := r.rules[id]; ok {
		return c
	}
	env := maps.Clone(whenEnv)
	env["vars"] = r.l.exprs.varsType
	c := r.l.exprs.compileCondition(e.src, e.when, env, &r.l.problems)
	if c != nil {
		r.rules[id] = c
	}
	return c
}

func (r *entryReader) holds(e *entry, c *condition, s scope) bool {
	if c.usesLoop && !s.loop {
		r.l.problems.add(e.src, e.when, "each and key exist only in an entry with for_each", "")
		return false
	}
	v, err := expr.Run(c.prog, r.l.exprs.env(s))
	b, isBool := v.(bool)
	if err != nil || !isBool {
		msg := fmt.Sprintf("when yields %s, not true or false", describe(v))
		if err != nil {
			_, msg, _ = r.l.exprs.explain(err, e.when.text, nil)
		}
		r.l.problems.add(e.src, e.when, msg, "")
	}
	return b
}

// resource resolves name, fields and secrets in a scope. Ref.Panel is left
// open. It is false when there is not even a key; after any other mistake the
// resource still counts, so that later checks find theirs too.
func (r *entryReader) resource(e *entry, s scope) (Resource, bool) {
	res := Resource{Ref: Ref{Kind: r.kind.Name}, Pos: e.src.pos(e.n)}
	res.Fields = make(Fields, 0, len(e.fields))
	for i := range e.fields {
		r.field(&res, &e.fields[i], s)
	}
	if e.ensure != nil {
		text, ok := r.text(e.src, e.ensure, s)
		if ok && text != "present" && text != "absent" {
			r.l.problems.add(e.src, e.ensure, fmt.Sprintf("ensure is %q", text), "write present (the default) or absent")
		}
		if text == "absent" && r.kind.Delete == "" {
			r.l.problems.add(e.src, e.ensure, r.kind.Name+" cannot be deleted", "")
		}
		res.Absent = text == "absent"
	}
	if r.kind.Edit == "" && r.kind.CreateFunc == "" && !res.Absent {
		r.l.problems.add(e.src, e.n, fmt.Sprintf("%s can only be read: the panel has no function that makes one", r.kind.Name), "")
	}
	if e.su != nil {
		res.Su, _ = r.text(e.src, e.su, s)
	} else if r.kind.Su != "" {
		r.l.problems.add(e.src, e.n, fmt.Sprintf("an entry of %s must say for which account it is", r.kind.Name), "write su: alice")
		return res, false
	}
	if p := r.kind.Parent; p != nil {
		v, ok := res.Fields.Get(p.Field)
		if !ok || v.IsEmpty() {
			r.l.problems.add(e.src, e.n, fmt.Sprintf("an entry of %s must say in which %s it is", r.kind.Name, p.Kind), "write "+p.Field+": …")
			return res, false
		}
		res.Parent = v.String()
	}
	return res, r.key(e, &res, s)
}

// text evaluates a scalar that must be a text.
func (r *entryReader) text(src *source, n *node, s scope) (string, bool) {
	if n.kind != scalarNode || n.isNull() {
		r.l.problems.add(src, n, "this must be a single value, not "+n.kind.String(), "")
		return "", false
	}
	if !hasTemplate(n.text) {
		return n.text, true
	}
	v, ok := r.l.eval(src, n, s)
	if !ok {
		return "", false
	}
	t, isText := scalarText(v)
	if !isText {
		r.l.problems.add(src, n, fmt.Sprintf("this yields %s, not a text", describe(v)), textHint(v))
	}
	return t, isText
}

func (r *entryReader) key(e *entry, res *Resource, s scope) bool {
	name, ok := r.text(e.src, e.name, s)
	if !ok {
		return false
	}
	key, err := r.kind.KeyOf(name, res.Su, res.Fields)
	if err != nil {
		r.l.problems.add(e.src, e.name, err.Error(), r.kind.Key.Doc)
		return false
	}
	res.Ref.Key = key
	return true
}

// compareResources orders resources of one panel and kind by key, then by place.
func compareResources(a, b Resource) int {
	return cmp.Or(strings.Compare(a.Ref.Key, b.Ref.Key), strings.Compare(a.Pos.File, b.Pos.File),
		cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
}
