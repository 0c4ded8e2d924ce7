package apiclient

import (
	"bytes"
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clip shortens a text to so many characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// cleanLine makes a text from a panel fit for a message: one line, no control
// or formatting characters, single spaces, valid UTF-8.
func cleanLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " ")
}

// toText is a text of a document as a string; broken UTF-8 is replaced, so
// that one broken comment on a panel does not hide all its resources.
func toText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
}

// secrets are the values one call carries that no message may show. They live
// as long as the call.
type secrets []string

// hide takes the secrets out of a text. Panels quote values they refuse, and
// proxies quote requests, so a password may come back in an answer, as it is
// or encoded.
func (s secrets) hide(text string) string {
	for _, v := range s {
		if cleanLine(v) == "" {
			continue
		}
		for _, form := range []string{v, cleanLine(v), url.QueryEscape(v), url.PathEscape(v), html.EscapeString(v)} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return text
}

// line is a text from a panel for a message: clean, without secrets, and at
// most n characters long.
func (s secrets) line(text string, n int) string {
	return clip(s.hide(cleanLine(s.hide(text))), n)
}

// firstLine is the first line of text in a body that is no panel document,
// without HTML tags, at most 80 characters: enough to see whether a proxy or
// a half-started panel speaks. head is the beginning of the body.
func (s secrets) firstLine(head []byte) string {
	if len(head) >= headSize { // half a secret at the cut would not be found
		head = head[:max(0, bytes.LastIndexAny(head, " \t\r\n<>&="))]
	}
	for line := range strings.Lines(stripTags(s.hide(string(head)))) {
		if line = s.line(html.UnescapeString(line), 80); line != "" {
			return line
		}
	}
	return ""
}

// stripTags leaves the text of an HTML page, with a line end for each tag. A
// tag that the end of the body cuts off goes too.
func stripTags(s string) string {
	var b strings.Builder
	for {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:open])
		b.WriteByte('\n')
		shut := strings.IndexByte(s[open:], '>')
		if shut < 0 {
			return b.String()
		}
		s = s[open+shut+1:]
	}
}
