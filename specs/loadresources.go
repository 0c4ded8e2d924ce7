package specs

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
	"golang.org/x/sync/errgroup"
)

// batchEntries is how many entries one goroutine resolves at a time.
const batchEntries = 4096

// batch is some entries of a kind: nodes, or a piece of a file still to be parsed.
type batch struct {
	kind  *Kind
	src   *source
	nodes []node
	piece *chunk
	out   [][]Resource // by panel
	whole bool         // the piece cannot be read by itself
}

// loadResources resolves all entries, in batches side by side, and gathers
// them by panel and kind. Order does not matter in a spec: the result is sorted.
func (l *loader) loadResources() {
	batches := l.batches()
	l.parts = nil
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, b := range batches {
		g.Go(func() error { l.resolve(b); return nil })
	}
	g.Wait() //nolint:errcheck // the functions return nil
	byKind := map[string][][]Resource{}
	for _, b := range batches {
		b.src.whole = b.src.whole || b.whole
		if b.out == nil {
			continue
		}
		if byKind[b.kind.Name] == nil {
			byKind[b.kind.Name] = b.out
			continue
		}
		for p, rs := range b.out {
			byKind[b.kind.Name][p] = append(byKind[b.kind.Name][p], rs...)
		}
		b.out = nil
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		for p, rs := range byKind[kind] {
			if len(rs) > 0 {
				l.set(l.spec.Panels[p].Name, kind, rs)
			}
		}
	}
}

// batches cuts the resources sections into work.
func (l *loader) batches() []*batch {
	var out []*batch
	for _, p := range l.parts["resources"] {
		if p.n.kind != mapNode {
			l.problems.add(p.src, p.n, "resources must be a map: kind to list of entries", "")
			continue
		}
		p.n.pairs(func(k, v *node) {
			kind := l.kind(p, k)
			if kind == nil {
				return
			}
			for _, c := range p.src.piecesOf(k, v) {
				out = append(out, &batch{kind: kind, src: p.src, piece: &c})
			}
			if v.isNull() {
				return
			}
			if v.kind != listNode {
				l.problems.add(p.src, v, fmt.Sprintf("%s must be a list of entries, not %s", k.text, v.kind), "write `- name: …`")
				return
			}
			for nodes := range slices.Chunk(v.items(), batchEntries) {
				out = append(out, &batch{kind: kind, src: p.src, nodes: nodes})
			}
		})
	}
	return out
}

// resolve fills in a batch. The trees of entries are the largest thing in
// memory, so they are let go of at once.
func (l *loader) resolve(b *batch) {
	if b.piece != nil {
		nodes, err := b.src.parseChunk(*b.piece)
		if err != nil {
			b.whole = true
			return
		}
		b.nodes = nodes
	}
	r := &entryReader{l: l, kind: b.kind, out: make([][]Resource, len(l.spec.Panels)), rules: map[string]*condition{}}
	for i := range b.nodes {
		r.resolve(b.src, &b.nodes[i])
		b.nodes[i] = node{}
	}
	b.nodes, b.out = nil, r.out
}

// set sorts the resources of a panel and kind and complains about doubles.
func (l *loader) set(panel, kind string, rs []Resource) {
	slices.SortFunc(rs, compareResources)
	unique := rs[:1]
	for i := 1; i < len(rs); i++ {
		if last := unique[len(unique)-1]; rs[i].Ref.Key == last.Ref.Key {
			l.problems.addErr(&Error{Pos: rs[i].Pos, Msg: fmt.Sprintf("%s is already declared at %s", rs[i].Ref, last.Pos),
				Hint: "one name may be written in several ways (upper case, punycode); keep one entry"})
			continue
		}
		unique = append(unique, rs[i])
	}
	l.spec.desired[panel].Set(kind, slices.Clip(unique)) //nolint:errcheck // doubles are gone
}

// panelChoices caches which panels an expression of `panels:` means.
type panelChoices struct {
	mu sync.Mutex
	of map[string][]int
}

// panels finds the panels an entry is for, as indexes into Spec.Panels.
func (r *entryReader) panels(e *entry, s scope) []int {
	l := r.l
	all := l.spec.Panels
	switch {
	case len(all) == 0:
		l.problems.addErr(&Error{Pos: Pos{File: e.src.path, Line: 1, Col: 1}, Msg: "the spec has resources but no panels", Hint: "add a panels: section with name, url and auth"})
		return nil
	case e.panels == nil && len(all) == 1:
		return []int{0}
	case e.panels == nil:
		l.problems.add(e.src, e.n, "this entry does not say on which panels it should be", "panels: all, a list of names, or an expression such as labels.region == \"ams\"")
		return nil
	case e.panels.kind == mapNode || e.panels.isNull():
		l.problems.add(e.src, e.panels, "panels must be `all`, a list of names or an expression", "")
		return nil
	case e.panels.kind == scalarNode && !hasTemplate(e.panels.text):
		return r.choose(e)
	}
	return r.namedPanels(e, s)
}

// choose handles `all`, one name, and expressions: the same for every entry
// that says the same, so found once.
func (r *entryReader) choose(e *entry) []int {
	c := &r.l.choices
	id := e.src.dir + "\x00" + e.panels.text
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.of[id]; ok && found != nil {
		return found
	}
	found := r.chooseAnew(e)
	if c.of == nil {
		c.of = map[string][]int{}
	}
	c.of[id] = found
	return found
}

func (r *entryReader) chooseAnew(e *entry) []int {
	l, text := r.l, e.panels.text
	out := []int{}
	for i := range l.spec.Panels {
		if text == "all" || text == l.spec.Panels[i].Name {
			out = append(out, i)
		}
	}
	if len(out) > 0 {
		return out
	}
	env := types.Map{"name": types.String, "url": types.String, "labels": types.Any, "vars": l.exprs.varsType}
	c := l.exprs.compileCondition(e.src, e.panels, env, &l.problems)
	if c == nil {
		return nil
	}
	for i := range l.spec.Panels {
		pe := PanelEnv(l.spec.Panels[i])
		pe["vars"] = l.exprs.vars
		v, err := expr.Run(c.prog, pe)
		if err != nil {
			at, msg, hint := l.exprs.explain(err, text, nil)
			l.problems.addErr(e.src.exprError(e.panels, at, msg, hint))
			return nil
		}
		if v == true {
			out = append(out, i)
		}
	}
	return out
}

// namedPanels handles a list of names and templates that yield names.
func (r *entryReader) namedPanels(e *entry, s scope) []int {
	l := r.l
	var out []int
	add := func(n *node, name string) {
		if name == "all" {
			for i := range l.spec.Panels {
				out = append(out, i)
			}
			return
		}
		i, ok := slices.BinarySearchFunc(l.spec.Panels, name, func(p Panel, name string) int { return strings.Compare(p.Name, name) })
		if !ok {
			l.problems.add(e.src, n, fmt.Sprintf("there is no panel %q", name), didYouMean(name, l.spec.PanelNames()))
			return
		}
		out = append(out, i)
	}
	nodes := []node{*e.panels}
	if e.panels.kind == listNode {
		nodes = e.panels.items()
	}
	for i := range nodes {
		n := &nodes[i]
		if n.kind != scalarNode || n.isNull() {
			l.problems.add(e.src, n, "this must be a panel's name", "")
			continue
		}
		var v any = n.text
		if hasTemplate(n.text) {
			var ok bool
			if v, ok = l.eval(e.src, n, s); !ok {
				continue
			}
		}
		names, ok := texts(v)
		if !ok {
			l.problems.add(e.src, n, fmt.Sprintf("this yields %s, not the name of a panel", describe(v)), "")
			continue
		}
		for _, name := range names {
			add(n, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxTurns bounds one for_each.
const maxTurns = 1_000_000

// loop gives the scope of each turn of a for_each: over a list, over a map by
// sorted key, or over what an expression yields.
func (l *loader) loop(src *source, n *node, outer scope) []scope {
	v, ok := l.loopValue(src, n, outer)
	if !ok {
		return nil
	}
	var out []scope
	turn := func(key, each any) {
		out = append(out, scope{panel: outer.panel, each: each, key: key, loop: true})
	}
	switch x := v.(type) {
	case []any:
		for i, each := range x {
			turn(i, each)
		}
	case []string:
		for i, each := range x {
			turn(i, each)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			turn(k, x[k])
		}
	default:
		l.problems.add(src, n, fmt.Sprintf("for_each takes a list or a map, not %s", describe(v)), "for example [shop, blog] or ${csv('sites.csv')}")
	}
	if len(out) > maxTurns {
		l.problems.add(src, n, fmt.Sprintf("for_each has %d turns; at most %d are allowed", len(out), maxTurns), "")
		return nil
	}
	return out
}

// loopValue evaluates the templates anywhere in a for_each.
func (l *loader) loopValue(src *source, n *node, s scope) (any, bool) {
	switch n.kind {
	case listNode:
		out := make([]any, 0, len(n.items()))
		for i := range n.items() {
			v, ok := l.loopValue(src, &n.items()[i], s)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	case mapNode:
		out, all := map[string]any{}, true
		n.pairs(func(k, v *node) {
			x, ok := l.loopValue(src, v, s)
			out[k.text], all = x, all && ok
		})
		return out, all
	}
	if !hasTemplate(n.text) {
		return n.any(), true
	}
	return l.eval(src, n, s)
}
