package apiclient

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// The premise of this file: a panel's documents are a small dialect of XML
// (panel-api.md sections 1 and 4): UTF-8, elements, text, few attributes, no
// DTD. Lists of 100,000 rows are 40 MB, and encoding/xml reads 40 MB in a
// second; a scanner for the dialect alone reads them in a tenth of that.
//
// The scanner is a pull parser over a reader with one reused buffer, so memory
// follows the largest token and not the document. What is found (name, text,
// attrs) points into that buffer and is good until the next call of next.
// Entities are decoded in place: what a reference stands for is never longer
// than the reference.
//
// It is strict about structure, because a listing is believed only when its
// document is whole: tags must match, one root, nothing but space around it.
// It is lenient about characters: control characters and broken UTF-8 pass, and
// the reader of a cell decides (see toText). What it accepts and encoding/xml
// accepts too yields the same events; FuzzScan checks that.

// What a document may not exceed. A panel's documents nest five deep, and its
// longest texts are some kilobytes.
const (
	maxDepth = 64
	maxToken = 8 << 20
	// scanWindow is what the buffer starts with.
	scanWindow = 64 << 10
)

// event is one thing the scanner finds.
type event uint8

const (
	endOfDocument event = iota
	startElement        // name, attrs
	endElement          // name
	textRun             // text; one run of text may come as several events
	leafElement         // name, text: a whole <name>text</name> without attributes
)

// attr is one attribute of a start tag, its value decoded.
type attr struct{ name, value []byte }

// errTruncated says that the body ended inside the document.
var errTruncated = errors.New("the document is cut off")

// malformed is a document that is not XML as panels write it; repeating the
// call may help. tooMuch is one beyond the limits, which repeating cannot help.
type (
	malformed string
	tooMuch   string
)

func (m malformed) Error() string { return string(m) }
func (t tooMuch) Error() string   { return string(t) }

type scanner struct {
	r        io.Reader
	buf      []byte
	pos, end int   // the unread part of buf
	room     int64 // bytes the body may still have
	readErr  error // what ended the body; io.EOF at its end

	open    []byte        // names of the open elements, one after the other
	marks   [maxDepth]int // where in open each begins
	depth   int
	began   bool // the root was opened
	closing bool // the element just started was <name/>: its end comes next

	name, text []byte
	attrs      []attr
	head       []byte // the beginning of the body as it came, for messages
}

// headSize is how much of a body is kept for messages.
const headSize = 512

// reset makes the scanner ready for a body of at most limit bytes, keeping
// its buffers.
func (s *scanner) reset(r io.Reader, limit int64) {
	if s.buf == nil {
		s.buf = make([]byte, scanWindow)
	}
	*s = scanner{r: r, buf: s.buf, room: limit, open: s.open[:0], attrs: s.attrs[:0], head: s.head[:0]}
}

// begin reads the start of the body and steps over a byte order mark and
// space. It reports whether there is anything at all, and whether that looks
// like XML.
func (s *scanner) begin() (some, xml bool, err error) {
	for s.end < headSize {
		if err := s.more(); err != nil {
			if !errors.Is(err, io.EOF) {
				return false, false, err
			}
			break
		}
	}
	s.head = append(s.head, s.buf[:min(s.end, headSize)]...)
	if bytes.HasPrefix(s.buf[:s.end], []byte("\xEF\xBB\xBF")) {
		s.pos = 3
	}
	for s.pos < s.end && isSpace(s.buf[s.pos]) {
		s.pos++
	}
	return s.pos < s.end, s.pos < s.end && s.buf[s.pos] == '<', nil
}

// more reads on, so that the unread part grows. It moves that part to the
// front of the buffer, and enlarges the buffer for long tokens.
func (s *scanner) more() error {
	if s.readErr != nil {
		return s.readErr
	}
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= maxToken {
			return tooMuch(fmt.Sprintf("one token of the document is larger than %d MiB", maxToken>>20))
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if s.room -= int64(n); s.room < 0 {
			return tooMuch("the answer is larger than the client accepts")
		}
		s.readErr = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// next steps to the next event. At the end of the document, and not before,
// it yields endOfDocument.
func (s *scanner) next() (event, error) {
	if s.closing {
		s.closing = false
		s.depth--
		s.name = s.open[s.marks[s.depth]:]
		s.open = s.open[:s.marks[s.depth]]
		return endElement, nil
	}
	for {
		if s.pos == s.end {
			if err := s.more(); err != nil {
				return s.atEnd(err)
			}
		}
		if s.buf[s.pos] != '<' {
			ok, err := s.scanText()
			if err != nil || ok {
				return textRun, err
			}
			continue
		}
		if s.end-s.pos < 2 {
			if err := s.need(2); err != nil {
				return 0, err
			}
		}
		switch s.buf[s.pos+1] {
		case '/':
			return endElement, s.scanEnd()
		case '!':
			ok, err := s.scanBang()
			if err != nil || ok {
				return textRun, err
			}
		case '?':
			if err := s.scanInstruction(); err != nil {
				return 0, err
			}
		default:
			return s.scanStart()
		}
	}
}

// atEnd judges the end of the body.
func (s *scanner) atEnd(err error) (event, error) {
	if !errors.Is(err, io.EOF) {
		return 0, err
	}
	if s.depth > 0 || !s.began {
		return 0, errTruncated
	}
	return endOfDocument, nil
}

// need reads on until n bytes are unread.
func (s *scanner) need(n int) error {
	for s.end-s.pos < n {
		if err := s.inside(s.more()); err != nil {
			return err
		}
	}
	return nil
}

// inside turns the end of the body into an error: it came inside a token.
func (s *scanner) inside(err error) error {
	if errors.Is(err, io.EOF) {
		return errTruncated
	}
	return err
}

// find gives the offset of a mark, counted from the unread part's begin, at or
// after the offset from. It reads on as needed.
func (s *scanner) find(mark string, from int) (int, error) {
	for {
		var i int
		if len(mark) == 1 {
			i = bytes.IndexByte(s.buf[s.pos+from:s.end], mark[0])
		} else {
			i = bytes.Index(s.buf[s.pos+from:s.end], []byte(mark))
		}
		if i >= 0 {
			return from + i, nil
		}
		from = max(from, s.end-s.pos-len(mark)+1)
		if err := s.inside(s.more()); err != nil {
			return 0, err
		}
	}
}

// scanText reads up to the next tag. Outside the root only space may stand,
// which is stepped over: ok is false then.
func (s *scanner) scanText() (ok bool, err error) {
	if s.depth == 0 {
		for s.pos < s.end && isSpace(s.buf[s.pos]) {
			s.pos++
		}
		if s.pos < s.end && s.buf[s.pos] != '<' {
			return false, malformed("there is text outside the document")
		}
		return false, nil
	}
	n, err := s.find("<", 0)
	if err != nil {
		return false, err
	}
	t := s.buf[s.pos : s.pos+n]
	s.pos += n
	s.text, err = decode(t)
	return true, err
}

func (s *scanner) scanEnd() error {
	n, err := s.find(">", 2)
	if err != nil {
		return err
	}
	name := s.buf[s.pos+2 : s.pos+n]
	s.pos += n + 1
	if s.depth == 0 {
		return malformed("an element is closed that was not opened")
	}
	for len(name) > 0 && isSpace(name[len(name)-1]) {
		name = name[:len(name)-1]
	}
	s.depth--
	want := s.open[s.marks[s.depth]:]
	s.open = s.open[:s.marks[s.depth]]
	if !bytes.Equal(name, want) {
		return malformed(fmt.Sprintf("<%s> is closed by </%s>", shortName(want), shortName(name)))
	}
	s.name = name
	return nil
}

// scanStart reads a start tag, and when the element is a plain leaf all of it.
func (s *scanner) scanStart() (event, error) {
	if s.depth == 0 && s.began {
		return 0, malformed("there is a second document behind the first")
	}
	s.began = true
	if s.depth == maxDepth {
		return 0, tooMuch(fmt.Sprintf("elements are nested more than %d deep", maxDepth))
	}
	s.attrs = s.attrs[:0]
	if s.scanLeaf() {
		return leafElement, s.decodeLeaf()
	}
	return startElement, s.scanTag()
}

// scanLeaf takes <name>text</name> in one go when all of it is in the buffer,
// which is so for nearly every cell of a list.
func (s *scanner) scanLeaf() bool {
	b := s.buf[s.pos+1 : s.end]
	n := 0
	for n < len(b) && classes[b[n]]&inName != 0 {
		n++
	}
	if n == 0 || n == len(b) || b[n] != '>' || classes[b[0]]&startsName == 0 {
		return false
	}
	t := bytes.IndexByte(b[n+1:], '<')
	if t < 0 {
		return false
	}
	shut := n + 1 + t // where </name> begins
	if len(b)-shut < n+3 || b[shut+1] != '/' || b[shut+2+n] != '>' || string(b[shut+2:shut+2+n]) != string(b[:n]) {
		return false
	}
	s.name, s.text = b[:n:n], b[n+1:shut]
	s.pos += shut + n + 4
	return true
}

func (s *scanner) decodeLeaf() (err error) {
	s.text, err = decode(s.text)
	return err
}

// scanTag reads any start tag and opens its element.
func (s *scanner) scanTag() error {
	n, err := s.tagEnd()
	if err != nil {
		return err
	}
	tag := s.buf[s.pos+1 : s.pos+n]
	s.pos += n + 1
	if len(tag) > 0 && tag[len(tag)-1] == '/' {
		s.closing = true
		tag = tag[:len(tag)-1]
	}
	i := 0
	for i < len(tag) && classes[tag[i]]&inName != 0 {
		i++
	}
	if i == 0 || classes[tag[0]]&startsName == 0 || i < len(tag) && !isSpace(tag[i]) {
		return malformed("a tag has no proper name: <" + shortName(tag))
	}
	s.name = tag[:i:i]
	s.marks[s.depth] = len(s.open)
	s.open = append(s.open, s.name...)
	s.depth++
	return s.scanAttrs(tag[i:])
}

// tagEnd finds the > that ends the tag at the unread part's begin; one inside
// quotes does not.
func (s *scanner) tagEnd() (int, error) {
	quote := byte(0)
	for i := 1; ; i++ {
		if s.pos+i == s.end {
			if err := s.inside(s.more()); err != nil {
				return 0, err
			}
		}
		switch c := s.buf[s.pos+i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i, nil
		case c == '<':
			return 0, malformed("there is a < inside a tag")
		}
	}
}

func (s *scanner) scanAttrs(b []byte) error {
	for {
		for len(b) > 0 && isSpace(b[0]) {
			b = b[1:]
		}
		if len(b) == 0 {
			return nil
		}
		n := 0
		for n < len(b) && classes[b[n]]&inName != 0 {
			n++
		}
		name := b[:n]
		b = bytes.TrimLeft(b[n:], spaces)
		if n == 0 || classes[name[0]]&startsName == 0 || len(b) == 0 || b[0] != '=' {
			return malformed("a tag has an attribute without name or value: <" + shortName(s.name))
		}
		b = bytes.TrimLeft(b[1:], spaces)
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			return malformed("a tag has an attribute without quotes: <" + shortName(s.name))
		}
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 {
			return malformed("a tag has an attribute without an end: <" + shortName(s.name))
		}
		value, err := decode(b[1 : 1+end])
		if err != nil {
			return err
		}
		s.attrs = append(s.attrs, attr{name, value})
		b = b[end+2:]
	}
}

// attr gives an attribute of the element just started, nil when it has none
// of that name.
func (s *scanner) attr(name string) []byte {
	for i := range s.attrs {
		if string(s.attrs[i].name) == name {
			if v := s.attrs[i].value; v != nil {
				return v
			}
			return []byte{}
		}
	}
	return nil
}
