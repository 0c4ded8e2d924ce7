package apiclient

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// document is what one answer says, whatever it is: a list, a form, the
// result of an action, a login or an error (guide, "Format of requests and
// results"; panel-api.md sections 3 to 5). Rows of a list go to rows as they
// come; of the rest only what somebody asks for is kept.
type document struct {
	rows      *rowReader        // where elem nodes go; nil skips them
	form      map[string]string // the root's plain children, when the asker sets it
	about     *about            // what describes the interface, when the asker sets it
	bare      bool              // the root has no attributes: v4 writes so, v5/6 never
	ok        bool
	restart   bool   // <ok>restart</ok>
	id        string // the key of what was made (panel-api.md section 5)
	session   string // of func=auth
	elems     int    // p_elems, the total of a list; -1 when not told
	page      int    // p_num, -1 when not told
	pageSize  int    // p_cnt, -1 when not told
	failed    bool   // there is an error node or authfail
	authfail  bool
	errorNode errorNode

	acc []byte // text of the node being read
}

// errorNode is an error as documents write it.
type errorNode struct {
	typ, object, code, val string // attributes
	value, text, msg       string
	detail, level          string
}

// start makes the document ready to read an answer.
func (d *document) start() {
	d.bare, d.ok, d.restart, d.failed, d.authfail = false, false, false, false, false
	d.id, d.session = "", ""
	d.elems, d.page, d.pageSize = -1, -1, -1
	d.errorNode = errorNode{}
	clear(d.form)
	if d.rows != nil {
		d.rows.restart()
	}
}

// notDocument is XML with another root than panels write; HTML above all.
type notDocument string

func (n notDocument) Error() string {
	return fmt.Sprintf("the answer is no panel document: its root is <%s>", string(n))
}

// read takes a whole document in. An error of it means that the document is
// not whole or no document; what a panel complains about is in errorNode.
func (d *document) read(s *scanner) error {
	ev, err := s.next()
	if err != nil {
		return err
	}
	switch {
	case string(s.name) == "authfail": // panel-api.md section 2, v4
		d.failed, d.authfail = true, true
	case string(s.name) != "doc":
		return notDocument(shortName(s.name))
	}
	d.bare = ev == leafElement || len(s.attrs) == 0
	if d.rows != nil {
		d.rows.bare = d.bare
	}
	for {
		switch ev, err := s.next(); {
		case err != nil:
			return err
		case ev == endOfDocument:
			return nil
		case ev == leafElement:
			d.child(string(s.name), s.text)
		case ev == startElement:
			if err := d.element(s); err != nil {
				return err
			}
		}
	}
}

// element reads a child of the root that is not a plain leaf.
func (d *document) element(s *scanner) error {
	switch string(s.name) {
	case "elem":
		if d.rows != nil {
			return d.rows.read(s)
		}
		return skip(s)
	case "error":
		return d.readError(s)
	case "auth":
		if id := s.attr("id"); id != nil {
			d.session = toText(bytes.TrimSpace(id))
		}
	}
	if d.about != nil {
		if kept, err := d.about.keep(s); kept || err != nil {
			return err
		}
	}
	name := string(s.name)
	orig, hasOrig := s.attr("orig"), s.attr("orig") != nil
	if hasOrig {
		orig = bytes.Clone(orig)
	}
	text, plain, err := gather(s, d.acc[:0])
	d.acc = text[:0]
	if err != nil {
		return err
	}
	if hasOrig {
		text = orig
	}
	if plain {
		d.child(name, text)
	}
	return nil
}

// child takes in a plain child of the root.
func (d *document) child(name string, text []byte) {
	switch name {
	case "ok":
		d.ok = true
		d.restart = d.restart || string(bytes.TrimSpace(text)) == funcRestart
	case "auth":
		if d.session == "" {
			d.session = toText(bytes.TrimSpace(text))
		}
	case "authfail":
		d.failed, d.authfail = true, true
	case "error": // the guide's form: <error>message</error>
		d.failed = true
		d.errorNode.text = toText(text)
	case "id":
		d.id = toText(text)
	case "p_elems":
		d.elems = count(text)
	case "p_num":
		d.page = count(text)
	case "p_cnt":
		d.pageSize = count(text)
	case "elem": // a row without columns
		if d.rows != nil {
			d.rows.empty()
		}
		return
	}
	if d.form != nil {
		addWord(d.form, name, toText(text))
	}
}

// addWord adds a value; a node that is there again is one more item of a list.
func addWord(form map[string]string, name, text string) {
	if old, again := form[name]; again {
		text = old + " " + text
	}
	form[name] = text
}

// count reads a number of a list document; what is none is as good as untold.
func count(text []byte) int {
	n, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// readError reads an error node (panel-api.md section 3).
func (d *document) readError(s *scanner) error {
	e := &d.errorNode
	d.failed = true
	e.typ, e.object = toText(s.attr("type")), toText(s.attr("object"))
	e.code, e.val = toText(s.attr("code")), toText(s.attr("val"))
	if obj := s.attr("obj"); obj != nil {
		e.object = toText(obj)
	}
	var text strings.Builder
	for depth := 1; depth > 0; {
		ev, err := s.next()
		if err != nil {
			return err
		}
		switch ev {
		case startElement:
			if node := s.attr("name"); string(s.name) == "param" && string(node) == "value" || string(s.name) == "action" {
				if err := e.node(s); err != nil {
					return err
				}
				continue
			}
			if string(s.name) == "stack" {
				depth++ // its actions are wanted
				continue
			}
			if err := skip(s); err != nil {
				return err
			}
		case endElement:
			depth--
		case textRun:
			text.Write(s.text)
		case leafElement:
			switch string(s.name) {
			case "msg":
				e.msg = toText(s.text)
			case "detail":
				e.detail = toText(s.text)
			}
		}
	}
	e.text = strings.ToValidUTF8(text.String(), "\uFFFD")
	return nil
}

// node reads a param that tells the value complained about, or an action that
// tells the caller's level; the first action is the call itself.
func (e *errorNode) node(s *scanner) error {
	action := string(s.name) == "action"
	if level := s.attr("level"); action && e.level == "" {
		e.level = toText(level)
	}
	text, _, err := gather(s, nil)
	if err == nil && !action {
		e.value = toText(text)
	}
	return err
}

// skip steps over the rest of the element just started.
func skip(s *scanner) error {
	for depth := 1; depth > 0; {
		ev, err := s.next()
		if err != nil {
			return err
		}
		switch ev {
		case startElement:
			depth++
		case endElement:
			depth--
		}
	}
	return nil
}

// gather reads the rest of the element just started and appends its own text
// to buf. plain is false when it has elements inside, whose text is left out.
func gather(s *scanner, buf []byte) (text []byte, plain bool, err error) {
	plain = true
	for depth := 1; depth > 0; {
		ev, err := s.next()
		if err != nil {
			return buf, false, err
		}
		switch ev {
		case startElement:
			depth++
			plain = false
		case leafElement:
			plain = false
		case endElement:
			depth--
		case textRun:
			if depth == 1 {
				buf = append(buf, s.text...)
			}
		}
	}
	return buf, plain, nil
}
