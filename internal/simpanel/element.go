package simpanel

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// element is a node of a finished document, for the formats that are made
// from it. Only xml and devel are streamed; the others are for small answers.
type element struct {
	name  string
	attrs [][2]string
	text  string
	kids  []*element
}

// readElement reads the document that this package has written.
func readElement(r io.Reader) (*element, error) {
	dec, top := xml.NewDecoder(r), &element{}
	open := []*element{top}
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("own document: %w", err)
		}
		in := open[len(open)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			e := &element{name: tok.Name.Local}
			for _, a := range tok.Attr {
				e.attrs = append(e.attrs, [2]string{a.Name.Local, a.Value})
			}
			in.kids = append(in.kids, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 1 {
				in.text += string(tok)
			}
		}
	}
	if len(top.kids) != 1 {
		return nil, fmt.Errorf("own document: %d roots, want 1", len(top.kids))
	}
	return top.kids[0], nil
}

func (e *element) kid(name string) *element {
	for _, k := range e.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

func (e *element) attr(name string) string {
	for _, a := range e.attrs {
		if a[0] == name {
			return a[1]
		}
	}
	return ""
}

// value is the text, or of a node that has none what its first attribute
// says.
func (e *element) value() string {
	if e.text == "" && len(e.attrs) > 0 && e.attrs[0][0] != "orig" {
		return e.attrs[0][1]
	}
	return e.text
}

// notData are the parts of a document that are no data of the resource.
var notData = map[string]bool{
	"saved_filters": true, "tparams": true, "slist": true, "metadata": true, "messages": true,
	"p_cnt": true, "p_elems": true, "p_num": true, "p_order": true, "p_sort": true, "p_possible_filters": true, "page": true,
}

// data are the nodes that are data, in order.
func (e *element) data() []*element {
	var out []*element
	for _, k := range e.kids {
		if !notData[k.name] {
			out = append(out, k)
		}
	}
	return out
}
