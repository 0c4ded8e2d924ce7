package simpanel

import (
	"bufio"
	"encoding/xml"
	"net/url"
	"slices"
)

// document writes one answer as a stream. Errors of the connection are those
// of the bufio.Writer: they stick, and nobody is there to be told.
type document struct {
	*bufio.Writer
	gen     Generation
	lang    string
	fn      string
	host    string
	account string
	level   int
	form    url.Values
	// devel: with what describes the interface (section 1, out=devel).
	devel bool
}

func (d *document) raw(s string) { _, _ = d.WriteString(s) }

// escape writes text with the markup of XML escaped; what XML cannot hold
// becomes U+FFFD.
func (d *document) escape(s string) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' {
			_ = xml.EscapeText(d.Writer, []byte(s))
			return
		}
	}
	d.raw(s)
}

func (d *document) text(name, value string) {
	if value == "" {
		d.raw("<" + name + "/>")
		return
	}
	d.raw("<" + name + ">")
	d.escape(value)
	d.raw("</" + name + ">")
}

func (d *document) attr(name, value string) {
	d.raw(" " + name + `="`)
	d.escape(value)
	d.raw(`"`)
}

// begin opens the document. v5/6 say where they come from (section 4, root
// attributes); v4 is bare, and so is an error to somebody who is not logged
// in (section 3, recorded).
func (d *document) begin(list bool) {
	d.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<doc")
	if d.gen == V4 || d.level == 0 {
		d.raw(">")
		return
	}
	host := "https://" + d.host
	d.attr("lang", d.lang)
	d.attr("func", d.fn)
	d.attr("binary", "/ispmgr")
	d.attr("host", host)
	d.attr("themename", "dragon")
	d.attr("features", "5f1c0a66e0b14dd3a0c2a8a1cc5a4f10")
	d.attr("notify", "")
	if list {
		d.attr("favorite", "no")
		d.attr("pin", "no")
	}
	d.attr("theme", "/manimg/dragon/")
	d.attr("css", "main.css")
	d.attr("logo", "logo.png")
	d.attr("logolink", host)
	d.attr("favicon", "favicon.ico")
	d.attr("localdir", "local_0123456789ab/")
	d.raw(">")
}

// end closes the document with what every v5/6 answer carries: saved_filters
// and the echo of the request without its secrets (section 5).
func (d *document) end() {
	if d.gen != V4 && d.level > 0 {
		d.raw("<saved_filters/><tparams>")
		names := make([]string, 0, len(d.form))
		for name := range d.form {
			if !secretParams[name] && isParamName(name) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			d.text(name, d.form.Get(name))
		}
		d.raw("</tparams>")
	}
	d.raw("</doc>\n")
}

// isParamName tells whether a parameter's name can be the name of a node.
func isParamName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}
