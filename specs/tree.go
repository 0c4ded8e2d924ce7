package specs

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A spec is read as a tree of nodes that keep the text of each scalar and its
// place, not as Go structs: plain decoding would turn 0755 into 493 and 1.10
// into 1.1, lose positions, and stop at the first mistake. yaml.Node is five
// times as large as what is needed afterwards, so each document is turned
// into this compact form as soon as it is parsed, and aliases and merge keys
// are resolved on the way, within a budget.

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mapNode
)

func (k nodeKind) String() string {
	return [...]string{"a single value", "a list", "a map"}[k]
}

type nodeTag uint8

const (
	strTag nodeTag = iota
	intTag
	floatTag
	boolTag
	nullTag
)

// node is a value in a spec file. A map holds its keys and values in turn.
type node struct {
	text   string
	kids   *[]node
	line   int32
	col    uint16 // saturates
	kind   nodeKind
	tag    nodeTag
	quoted bool
}

func (n *node) items() []node {
	if n.kids == nil {
		return nil
	}
	return *n.kids
}

// pairs calls f for each key and value of a map.
func (n *node) pairs(f func(key, value *node)) {
	kids := n.items()
	for i := 0; i+1 < len(kids); i += 2 {
		f(&kids[i], &kids[i+1])
	}
}

// get returns the value of a key of a map, or nil.
func (n *node) get(key string) *node {
	kids := n.items()
	for i := 0; i+1 < len(kids); i += 2 {
		if kids[i].text == key {
			return &kids[i+1]
		}
	}
	return nil
}

func (n *node) isNull() bool { return n.kind == scalarNode && n.tag == nullTag }

// any is the value as an expression sees it.
func (n *node) any() any {
	switch n.kind {
	case listNode:
		out := make([]any, 0, len(n.items()))
		for i := range n.items() {
			out = append(out, n.items()[i].any())
		}
		return out
	case mapNode:
		out := map[string]any{}
		n.pairs(func(k, v *node) { out[k.text] = v.any() })
		return out
	}
	switch n.tag {
	case intTag:
		if i, err := strconv.ParseInt(strings.ReplaceAll(n.text, "_", ""), 0, 64); err == nil {
			return int(i)
		}
	case floatTag:
		if f, err := strconv.ParseFloat(n.text, 64); err == nil {
			return f
		}
	case boolTag:
		return strings.EqualFold(n.text, "true")
	case nullTag:
		return nil
	}
	return n.text
}

// maxNodes bounds the nodes of one file after its aliases are resolved, and
// maxDepth how deep they nest: a file that goes beyond either is an attack or
// an accident. The bound is far above 100,000 entries written out.
const (
	maxNodes = 20_000_000
	maxDepth = 64
)

// converter turns yaml nodes into ours. One serves one file, not in parallel.
type converter struct {
	src      *source
	problems *problems
	nodes    int
	// aliased counts the nodes that came from aliases: those cost nothing to
	// write, so their budget is a factor of the file's size.
	aliased, maxAliased int
	intern              map[string]string
	lineOffset          int
	outerAlias          *yaml.Node // where the aliased part being read is used
	failed              bool
}

func (c *converter) fail(y *yaml.Node, msg, hint string) {
	c.failed = true
	if c.outerAlias != nil {
		y = c.outerAlias
	}
	c.problems.addErr(c.src.errorAt(y.Line+c.lineOffset, y.Column, msg, hint))
}

func (c *converter) text(s string) string {
	if t, ok := c.intern[s]; ok {
		return t
	}
	if len(s) <= 64 && len(c.intern) < 1<<16 {
		c.intern[s] = s
	}
	return s
}

func (c *converter) node(y *yaml.Node, depth int, inAlias bool) node {
	if c.failed {
		return node{}
	}
	c.nodes++
	if inAlias {
		c.aliased++
	}
	switch {
	case c.nodes > maxNodes:
		c.fail(y, fmt.Sprintf("the file holds more than %d values", maxNodes), "split it into several files")
	case c.aliased > c.maxAliased:
		c.fail(y, "aliases (*name) blow this file up beyond reason", "write the values out, or use for_each")
	case depth > maxDepth:
		c.fail(y, fmt.Sprintf("nested more than %d levels deep", maxDepth), "")
	}
	if c.failed {
		return node{}
	}
	out := node{line: int32(y.Line + c.lineOffset), col: uint16(min(y.Column, 1<<16-1))}
	switch y.Kind {
	case yaml.AliasNode:
		if c.outerAlias == nil {
			c.outerAlias = y
			defer func() { c.outerAlias = nil }()
		}
		out = c.node(y.Alias, depth+1, true)
	case yaml.ScalarNode:
		c.scalar(y, &out)
	case yaml.SequenceNode:
		out.kind = listNode
		kids := make([]node, 0, len(y.Content))
		for _, k := range y.Content {
			kids = append(kids, c.node(k, depth+1, inAlias))
		}
		out.kids = &kids
	case yaml.MappingNode:
		c.mapping(y, &out, depth, inAlias)
	}
	return out
}

func (c *converter) scalar(y *yaml.Node, out *node) {
	out.quoted = y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
	out.text = c.text(y.Value)
	switch tag := y.ShortTag(); tag {
	case "!!str", "!!timestamp", "!!merge": // << as a value is a text
	case "!!int":
		out.tag = intTag
	case "!!float":
		out.tag = floatTag
	case "!!bool":
		out.tag = boolTag
	case "!!null":
		out.tag = nullTag
	default:
		c.fail(y, fmt.Sprintf("the YAML tag %s is not used in specs", tag), "remove it")
	}
}

// mapping keeps keys in the order written. Values merged with << come after
// the map's own keys, which win.
func (c *converter) mapping(y *yaml.Node, out *node, depth int, inAlias bool) {
	out.kind = mapNode
	kids := make([]node, 0, len(y.Content))
	seen := map[string]int32{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		yk, yv := y.Content[i], y.Content[i+1]
		if yk.Kind == yaml.AliasNode {
			yk = yk.Alias
		}
		if yk.Kind != yaml.ScalarNode {
			c.fail(yk, "a key must be plain text", "")
			return
		}
		if yk.ShortTag() == "!!merge" {
			merges = append(merges, yv)
			continue
		}
		if first, dup := seen[yk.Value]; dup {
			c.problems.addErr(c.src.errorAt(yk.Line+c.lineOffset, yk.Column,
				fmt.Sprintf("the key %q is already set in line %d", yk.Value, first), "remove one of the two"))
			continue
		}
		seen[yk.Value] = int32(yk.Line + c.lineOffset)
		k := node{text: c.text(yk.Value), line: int32(yk.Line + c.lineOffset), col: uint16(min(yk.Column, 1<<16-1))}
		kids = append(kids, k, c.node(yv, depth+1, inAlias))
	}
	for _, m := range merges {
		merged := c.node(m, depth+1, true)
		list := []node{merged}
		if merged.kind == listNode {
			list = merged.items()
		}
		for i := range list {
			if list[i].kind != mapNode {
				c.fail(m, "<< merges maps only", "")
				return
			}
			list[i].pairs(func(k, v *node) {
				if _, dup := seen[k.text]; !dup {
					seen[k.text] = k.line
					kids = append(kids, *k, *v)
				}
			})
		}
	}
	out.kids = &kids
}
