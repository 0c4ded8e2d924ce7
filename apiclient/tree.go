package apiclient

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// element is a node of a document, for readers that want all of it.
type element struct {
	name  string
	attrs [][2]string
	text  string // its own, without that of the elements inside
	kids  []*element
}

// maxElements is how many nodes a tree may have: 100,000 rows of 30 columns
// have 3 million, and more would not fit into memory.
const maxElements = 4 << 20

// tree reads elements. One tree bounds all it reads together.
type tree struct{ count int }

func (t *tree) add() error {
	if t.count++; t.count > maxElements {
		return tooMuch(fmt.Sprintf("the document has more than %d nodes", maxElements))
	}
	return nil
}

// element reads the element that the scanner has just started, to its end.
func (t *tree) element(s *scanner) (*element, error) {
	if err := t.add(); err != nil {
		return nil, err
	}
	e := &element{name: toText(s.name)}
	for _, a := range s.attrs {
		e.attrs = append(e.attrs, [2]string{toText(a.name), toText(a.value)})
	}
	var text []byte
	for {
		ev, err := s.next()
		if err != nil {
			return nil, err
		}
		switch ev {
		case startElement:
			kid, err := t.element(s)
			if err != nil {
				return nil, err
			}
			e.kids = append(e.kids, kid)
		case leafElement:
			if err := t.add(); err != nil {
				return nil, err
			}
			e.kids = append(e.kids, &element{name: toText(s.name), text: toText(s.text)})
		case textRun:
			text = append(text, s.text...)
		case endElement:
			e.text = toText(text)
			if len(e.kids) > 0 {
				e.text = strings.TrimSpace(e.text) // what stands between elements is layout
			}
			return e, nil
		}
	}
}

// attr gives an attribute, empty when there is none.
func (e *element) attr(name string) string {
	for _, a := range e.attrs {
		if a[0] == name {
			return a[1]
		}
	}
	return ""
}

// walk calls f for each element inside, outer ones first.
func (e *element) walk(f func(*element)) {
	for _, k := range e.kids {
		f(k)
		k.walk(f)
	}
}

// DecodeXML reads a panel's document, as out=xml or out=devel gives it, and
// returns what marshals to one stable JSON shape, the panel's own sjson
// (panel-api.md section 1):
//
//	{"doc": {"$func": "user", "elem": [{"name": {"$": "alice"}}], "p_elems": {"$": "1"}}}
//
// Attributes begin with $, text stands under "$", an empty node is {}. All
// values are strings. Nodes and attributes keep the document's order. Nodes of
// one name are an array where there are several of them, and those named
// elem, slist, val, page, field, col and param always. A list without rows has
// no elem. Control and formatting characters are escaped (\u001b).
//
// An error means that the document is not whole, is none, or goes beyond 256
// MiB or 4 million nodes. An error that the panel tells is a document like any other.
func DecodeXML(r io.Reader) (any, error) {
	s := new(scanner)
	s.reset(r, defaultMaxBody)
	some, xml, err := s.begin()
	switch {
	case err == nil && !some:
		err = errors.New("it is empty")
	case err == nil && !xml:
		err = fmt.Errorf("it is no XML but the text %q", secrets(nil).firstLine(s.head))
	}
	var root *element
	for err == nil {
		var ev event
		if ev, err = s.next(); err != nil {
			break
		}
		switch ev {
		case startElement:
			root, err = new(tree).element(s)
		case leafElement:
			root = &element{name: toText(s.name), text: toText(s.text)}
		case endOfDocument:
			return &element{kids: []*element{root}}, nil
		}
	}
	return nil, fmt.Errorf("the answer cannot be decoded: %w", err)
}

// severals are the nodes of which documents have many, or happen to have one.
var severals = map[string]bool{"elem": true, "slist": true, "val": true, "page": true, "field": true, "col": true, "param": true}

// MarshalJSON writes the shape that DecodeXML describes.
func (e *element) MarshalJSON() ([]byte, error) { return e.appendJSON(nil), nil }

func (e *element) appendJSON(b []byte) []byte {
	b = append(b, '{')
	key := func(name string) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
	}
	for i, a := range e.attrs {
		if !hasAttr(e.attrs[:i], a[0]) {
			key("$" + a[0])
			b = appendString(b, a[1])
		}
	}
	if e.text != "" {
		key("$")
		b = appendString(b, e.text)
	}
	groups := map[string][]*element{}
	for _, k := range e.kids {
		groups[k.name] = append(groups[k.name], k)
	}
	for _, k := range e.kids {
		group := groups[k.name]
		if group[0] != k {
			continue
		}
		key(k.name)
		if len(group) == 1 && !severals[k.name] {
			b = k.appendJSON(b)
			continue
		}
		for i, one := range group {
			b = one.appendJSON(append(b, "[,"[min(i, 1)]))
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func hasAttr(attrs [][2]string, name string) bool {
	for _, a := range attrs {
		if a[0] == name {
			return true
		}
	}
	return false
}

// appendString writes a JSON string that is fit for a terminal: encoding/json
// lets through what is beyond ASCII, and some of that moves a cursor or turns
// the text around.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			for _, unit := range utf16.AppendRune(nil, r) {
				b = fmt.Appendf(b, `\u%04x`, unit)
			}
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
