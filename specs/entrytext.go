package specs

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Entry is one item under `resources: KIND:` as it is to be written.
type Entry struct {
	Kind    string
	Name    string
	Panels  []string // nil leaves the key out
	Su      string
	Absent  bool
	Fields  Fields
	Secrets []SecretField // references only; a literal has no text and is an error
	// Comments are lines above the entry. Any text may stand there.
	Comments []string
}

// WriteEntries writes entries as a spec's `resources:` section, the kinds in
// the order in which they first occur and the entries in the order given. What
// it writes is read back as it was: a text is quoted where YAML would take it
// for something else, and ${ is written as $${. The comments stand on top.
func WriteEntries(w io.Writer, comments []string, entries []Entry) error {
	if err := writeComments(w, comments); err != nil {
		return err
	}
	byKind := map[string]*yaml.Node{}
	kinds := &yaml.Node{Kind: yaml.MappingNode}
	for i := range entries {
		e := &entries[i]
		n, err := e.node()
		if err != nil {
			return err
		}
		list := byKind[e.Kind]
		if list == nil {
			list = &yaml.Node{Kind: yaml.SequenceNode}
			byKind[e.Kind] = list
			kinds.Content = append(kinds.Content, scalarOf(e.Kind), list)
		}
		list.Content = append(list.Content, n)
	}
	if len(entries) == 0 {
		kinds.Style = yaml.FlowStyle
	}
	text, err := encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalarOf("resources"), kinds}})
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// escapeInvisible writes what YAML calls printable but no eye can see (bidi
// controls, other spaces) as escapes. All of it stands in double quotes: see scalarOf.
func escapeInvisible(s string) string {
	if strings.IndexFunc(s, invisible) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !invisible(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func invisible(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

func writeComments(w io.Writer, comments []string) error {
	for _, c := range comments {
		if _, err := fmt.Fprintln(w, commentText(c)); err != nil {
			return err
		}
	}
	return nil
}

// commentText is a comment of one line, whatever the text is.
func commentText(s string) string {
	if s == "" {
		return "#"
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return "# " + b.String()
}

func (e *Entry) node() (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	var lines []string
	for _, c := range e.Comments {
		lines = append(lines, commentText(c))
	}
	n.HeadComment = strings.Join(lines, "\n")
	set := func(to *yaml.Node, key string, v *yaml.Node) { to.Content = append(to.Content, scalarOf(key), v) }
	set(n, "name", scalarOf(escapeTemplate(e.Name)))
	if e.Panels != nil {
		set(n, "panels", flowList(e.Panels))
	}
	if e.Su != "" {
		set(n, "su", scalarOf(escapeTemplate(e.Su)))
	}
	if e.Absent {
		set(n, "ensure", scalarOf("absent"))
	}
	params := &yaml.Node{Kind: yaml.MappingNode}
	place := func(name string, v *yaml.Node) {
		if slices.Contains(entryKeys, name) {
			set(params, name, v)
			return
		}
		set(n, name, v)
	}
	for _, f := range e.Fields {
		place(f.Name, f.Value.node())
	}
	for _, s := range e.Secrets {
		text, err := s.Secret.template()
		if err != nil {
			return nil, fmt.Errorf("%s %s: the secret %s cannot be written: %w", e.Kind, e.Name, s.Name, err)
		}
		v := scalarOf(text)
		v.Style = yaml.DoubleQuotedStyle
		place(s.Name, v)
	}
	if len(params.Content) > 0 {
		set(n, "params", params)
	}
	return n, nil
}

// node writes a value so that the loader reads the same one.
func (v Value) node() *yaml.Node {
	switch v.t {
	case ListType:
		items := v.Items()
		for i := range items {
			items[i] = escapeTemplate(items[i])
		}
		return flowList(items)
	case BoolType:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: v.s}
	case NumberType:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: v.s}
	default:
		return scalarOf(escapeTemplate(v.s))
	}
}

// escapeTemplate makes a text one that is no template.
func escapeTemplate(s string) string { return strings.ReplaceAll(s, "${", "$${") }

// template is the reference as the value of a field.
func (s Secret) template() (string, error) {
	if s.Source != SecretEnv && s.Source != SecretFile && s.Source != SecretCommand {
		return "", fmt.Errorf("it is %s, not a reference", s)
	}
	return "${secret." + string(s.Source) + "(" + quoteExpr(s.Arg) + ")}", nil
}

// quoteExpr writes a text as a string of the expression language.
func quoteExpr(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r == '\'' || r == '\\' || !unicode.IsPrint(r) }) < 0 {
		return "'" + s + "'"
	}
	return strconv.QuoteToASCII(s)
}

func flowList(items []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, it := range items {
		n.Content = append(n.Content, scalarOf(it))
	}
	return n
}

// scalarOf is a text as YAML, in quotes when it needs them. What is not plain
// to see is written escaped: such a text must not reach a terminal raw, and a
// block would lose spaces. << is YAML's merge key even where a value stands, and
// on and its like are booleans for readers of YAML 1.1.
func scalarOf(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(s) != s || s == "<<" || oldBool(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// oldBool reports whether YAML 1.1 takes a text for a boolean.
func oldBool(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return false
}
