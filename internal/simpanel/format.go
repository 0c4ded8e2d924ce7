package simpanel

import (
	"bytes"
	"html"
	"io"
	"strings"
)

// The output formats (guide, "Output of function results"; panel-api.md
// section 1, out= formats). xml and devel are streamed as they are written;
// the others are made from the finished document. A panel that is asked for a
// format it does not have takes the caller for a browser and answers html
// (inferred from what the guide says of a call without out). A call without
// out is answered as xml here: that is this simulator's one departure from
// the guide, made for callers by hand.

// format is one way to print a document.
type format struct {
	contentType string
	// devel: made from the document with metadata and messages.
	devel bool
	// render is nil for the document itself.
	render func(*reply) []byte
}

// reply is a finished document.
type reply struct {
	root *element
	fn   string
	lang string
	gen  Generation
	list bool
}

const (
	typeXML  = "text/xml; charset=UTF-8"
	typeText = "text/plain; charset=UTF-8"
	typeHTML = "text/html; charset=UTF-8"
	typeJSON = "application/json; charset=UTF-8"
)

var formats = map[string]format{
	"":      {contentType: typeXML},
	"xml":   {contentType: typeXML},
	"devel": {contentType: typeXML, devel: true},
	"text":  {contentType: typeText, render: (*reply).plain},
	// One row is an object in json and an array in sjson: clients guard
	// against the first, the second is recorded.
	"json":     {contentType: typeJSON, render: func(r *reply) []byte { return r.json(false) }},
	"sjson":    {contentType: typeJSON, devel: true, render: func(r *reply) []byte { return r.json(true) }},
	"xjson":    {contentType: typeJSON, devel: true, render: func(r *reply) []byte { return r.json(true) }},
	"JSONdata": {contentType: typeJSON, render: (*reply).jsonData},
	"bjson":    {contentType: typeJSON, render: (*reply).jsonData},
	"print":    {contentType: typeHTML, render: (*reply).html},
}

var browser = format{contentType: typeHTML, render: (*reply).html}

// formatOf is the format a call asks for.
func formatOf(out string) format {
	if f, ok := formats[out]; ok {
		return f
	}
	return browser
}

// in prints a document in a format.
func (f format) in(w io.Writer, document func(io.Writer), r reply) {
	if f.render == nil {
		document(w)
		return
	}
	var whole bytes.Buffer
	document(&whole)
	root, err := readElement(&whole)
	if err != nil {
		panic(err) // of our own making
	}
	r.root = root
	_, _ = w.Write(f.render(&r))
}

// failed is the error of the document and its type, object and text; v4
// gives its code for the type.
func (r *reply) failed() (typ, object, msg string, ok bool) {
	if r.root.kid("authfail") != nil {
		return "auth", "badpassword", errorText["en"]["auth"], true
	}
	e := r.root.kid("error")
	switch {
	case e == nil:
		return "", "", "", false
	case r.gen == V4:
		return e.attr("code"), e.attr("obj") + e.attr("val"), e.text, true
	}
	return e.attr("type"), e.attr("object"), e.kid("msg").text, true
}

// plain is out=text as mgrctl prints it (section 9): a list has one line a
// row, KEY=VALUE separated by one space, nothing quoted; a form has one
// KEY=VALUE a line; an action is OK; an error one line. v4 has been seen to
// say "access deny" and nothing else (section 1).
func (r *reply) plain() []byte {
	var b bytes.Buffer
	typ, object, msg, failed := r.failed()
	switch {
	case failed && r.root.kid("authfail") != nil:
		b.WriteString("access deny\n")
	case failed:
		b.WriteString("ERROR " + typ + "(" + object + "): " + msg + "\n")
	case r.list:
		for _, e := range r.root.data() {
			for i, cell := range e.kids {
				if i > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(cell.name + "=" + cell.value())
			}
			b.WriteByte('\n')
		}
	case r.root.kid("ok") != nil:
		b.WriteString(strings.TrimSpace("OK "+r.root.kid("ok").text) + "\n")
	default:
		for _, e := range r.root.kids {
			if !notData[e.name] || e.name == "saved_filters" {
				b.WriteString(e.name + "=" + e.value() + "\n")
			}
		}
	}
	return b.Bytes()
}

// html is a page for people: a table for a list or a form, else a sentence.
func (r *reply) html() []byte {
	var b bytes.Buffer
	put := func(before, text, after string) { b.WriteString(before + html.EscapeString(text) + after) }
	put(`<!DOCTYPE html>`+"\n"+`<html lang="`, r.lang, `"><head><meta charset="UTF-8"><title>`)
	put("", r.fn, "</title></head><body>\n")
	_, _, msg, failed := r.failed()
	switch {
	case failed:
		put(`<p class="error">`, msg, "</p>\n")
	case r.root.kid("ok") != nil:
		b.WriteString("<p>OK</p>\n")
	default:
		put("<h1>", r.fn, "</h1>\n<table>\n")
		for i, e := range r.root.data() {
			cells := e.kids
			if !r.list {
				cells = []*element{{name: "name", text: e.name}, {name: "value", text: e.value()}}
			}
			if i == 0 {
				b.WriteString("<tr>")
				for _, c := range cells {
					put("<th>", c.name, "</th>")
				}
				b.WriteString("</tr>\n")
			}
			b.WriteString("<tr>")
			for _, c := range cells {
				put("<td>", c.value(), "</td>")
			}
			b.WriteString("</tr>\n")
		}
		b.WriteString("</table>\n")
	}
	b.WriteString("</body></html>\n")
	return b.Bytes()
}
