package apiclient

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// This file holds what a panel's documents seldom have: comments, CDATA,
// declarations and references.

const spaces = " \t\r\n"

// The classes of bytes in names. A name here is any run of bytes without
// meaning in XML that does not begin like a number; panels use letters,
// digits and underscores.
const (
	inName = 1 << iota
	startsName
)

var classes = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c <= ' ', c == 0x7f, strings.IndexByte("<>/=\"'&!?;,()[]{}|\\^`~@#$%*+", byte(c)) >= 0:
		case c >= '0' && c <= '9', c == '-', c == '.':
			t[c] = inName
		default:
			t[c] = inName | startsName
		}
	}
	return t
}()

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// shortName is a name for a message.
func shortName(b []byte) string { return clip(cleanLine(string(b[:min(len(b), 200)])), 40) }

// scanBang reads what begins with <!: a comment, which is stepped over, or
// CDATA, which is text (ok). Anything else is a document type, and with it
// come entities that stand for whole files or grow without bound: refused.
func (s *scanner) scanBang() (ok bool, err error) {
	if err := s.need(4); err != nil {
		return false, err
	}
	if string(s.buf[s.pos+2:s.pos+4]) == "--" {
		n, err := s.find("--", 4)
		if err == nil && s.end-s.pos < n+3 {
			err = s.need(n + 3)
		}
		if err != nil {
			return false, err
		}
		if s.buf[s.pos+n+2] != '>' {
			return false, malformed("a comment holds --")
		}
		s.pos += n + 3
		return false, nil
	}
	const cdata = "<![CDATA["
	if err := s.need(len(cdata)); err != nil {
		return false, err
	}
	if string(s.buf[s.pos:s.pos+len(cdata)]) != cdata {
		return false, s.declaration()
	}
	if s.depth == 0 {
		return false, malformed("there is text outside the document")
	}
	n, err := s.find("]]>", len(cdata))
	if err != nil {
		return false, err
	}
	s.text = newlines(s.buf[s.pos+len(cdata) : s.pos+n])
	s.pos += n + 3
	return true, nil
}

// declaration judges <! that is neither comment nor CDATA. That of an HTML page
// is a proxy speaking, which passes; another is no accident.
func (s *scanner) declaration() error {
	if bytes.EqualFold(s.buf[s.pos:s.pos+len("<!DOCTYPE")], []byte("<!DOCTYPE")) {
		if err := s.need(len("<!DOCTYPE html")); err != nil {
			return err
		}
		if bytes.EqualFold(s.buf[s.pos:s.pos+len("<!DOCTYPE html")], []byte("<!DOCTYPE html")) {
			return malformed("the answer is an HTML page")
		}
	}
	return tooMuch("the document has a document type or another declaration; panels send none, and entity tricks are refused")
}

// scanInstruction steps over <?…?>. The XML declaration must say UTF-8, or
// nothing, about the encoding (panel-api.md section 1: UTF-8 both ways).
func (s *scanner) scanInstruction() error {
	n, err := s.find("?>", 2)
	if err != nil {
		return err
	}
	body := s.buf[s.pos+2 : s.pos+n]
	s.pos += n + 2
	if !bytes.HasPrefix(body, []byte("xml")) || len(body) > 3 && !isSpace(body[3]) {
		if len(body) == 0 || classes[body[0]]&startsName == 0 {
			return malformed("a processing instruction has no name")
		}
		return nil
	}
	if s.began {
		return malformed("there is an XML declaration inside the document")
	}
	_, after, found := bytes.Cut(body, []byte("encoding"))
	if !found {
		return nil
	}
	after = bytes.Trim(after, spaces+"=")
	if len(after) > 1 {
		if end := bytes.IndexByte(after[1:], after[0]); end >= 0 {
			after = after[1 : 1+end]
		}
	}
	if !strings.EqualFold(string(after), "utf-8") && !strings.EqualFold(string(after), "us-ascii") {
		return tooMuch(fmt.Sprintf("the document is in %s, and panels write UTF-8", shortName(after)))
	}
	return nil
}

// decode replaces references by what they stand for and line ends by \n, in place.
func decode(b []byte) ([]byte, error) {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return newlines(b), nil
	}
	out := newlines(b[:i])
	for rest := b[i:]; ; {
		end := bytes.IndexByte(rest, ';')
		if end < 0 {
			return nil, malformed("there is a & without a reference")
		}
		r, err := reference(rest[1:end])
		if err != nil {
			return nil, err
		}
		out = utf8.AppendRune(out, r)
		rest = rest[end+1:]
		next := bytes.IndexByte(rest, '&')
		if next < 0 {
			return newlinesTo(out, rest, 0, len(rest)), nil
		}
		out = newlinesTo(out, rest, 0, next)
		rest = rest[next:]
	}
}

// reference is the character a reference stands for: one of XML's five names
// or a number. Numbers of characters that XML forbids give the replacement
// character.
func reference(name []byte) (rune, error) {
	switch string(name) {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, malformed("there is an unknown reference: &" + shortName(name) + ";")
	}
	digits, base := name[1:], rune(10)
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	if len(digits) == 0 || len(digits) > 8 {
		return 0, malformed("there is a wrong reference: &" + shortName(name) + ";")
	}
	r := rune(0)
	for _, c := range digits {
		d, ok := digit(c)
		if !ok || d >= base {
			return 0, malformed("there is a wrong reference: &" + shortName(name) + ";")
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, malformed("there is a wrong reference: &" + shortName(name) + ";")
		}
	}
	if r == 0 || !utf8.ValidRune(r) {
		r = utf8.RuneError
	}
	return r, nil
}

func digit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}

// newlines makes \r\n and \r one \n, in place, as XML asks.
func newlines(b []byte) []byte {
	i := bytes.IndexByte(b, '\r')
	if i < 0 {
		return b
	}
	return newlinesTo(b[:i], b, i, len(b))
}

// newlinesTo appends b[from:to] with its line ends made \n.
func newlinesTo(out, b []byte, from, to int) []byte {
	for i := from; i < to; i++ {
		c := b[i]
		if c == '\r' {
			if i+1 < to && b[i+1] == '\n' {
				continue
			}
			c = '\n'
		}
		out = append(out, c)
	}
	return out
}
