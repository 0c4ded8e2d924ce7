package panellog

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word quotes a text so that a POSIX shell reads exactly it, as one word and
// on one line, whatever it holds. Plain text stays as it is, other text stands
// in single quotes. What cannot be seen or would break the line is written for
// printf in octal, since no quotes of the POSIX shell have escapes; and with it
// what interactive shells read even in quotes (!) and what printf would take
// for itself. A command substitution loses line breaks at its end, so the text
// must not end in one: see lineEnd.
func word(s string) string {
	switch {
	case s == "":
		return "''"
	case strings.IndexFunc(s, notPlain) < 0:
		return s
	case utf8.ValidString(s) && strings.IndexFunc(s, unseen) < 0:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString(`"$(printf '`)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || unseen(r) || strings.ContainsRune(`'\%!`, r) || i == 0 && r == '-' {
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	b.WriteString(`')"`)
	return b.String()
}

// assignment is name=value as one word, the value quoted alone: it reads better.
func assignment(name, value string) string {
	if strings.ContainsAny(name, "[]") { // a pattern to a shell
		return word(name + "=" + value)
	}
	return name + "=" + word(value)
}

// lineEnd takes the line breaks off the end of a text that word cannot keep.
func lineEnd(s string) (string, bool) {
	t := strings.TrimRight(s, "\n")
	return t, t != s
}

func notPlain(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-./:@%+,", r)
}

func unseen(r rune) bool { return !unicode.IsPrint(r) }

// callLine is one ispsync call.
func callLine(panel string, r *request, params []param) string {
	var b strings.Builder
	b.WriteString("ispsync call " + word(panel) + " " + word(r.fn))
	for _, p := range params {
		b.WriteString(" " + assignment(p.name, p.value))
	}
	return b.String()
}

// curlLine is one POST. The credentials come from the environment through
// stdin: they are in no URL, and not in the arguments, which every user of the
// machine can see.
func curlLine(r *request, params []param) string {
	var b strings.Builder
	b.WriteString(`printf %s "$ISPSYNC_AUTHINFO" | curl -sS --data-urlencode authinfo@-`)
	add := func(name, value string) {
		b.WriteString(" --data-urlencode " + assignment(url.QueryEscape(name), value))
	}
	add("func", r.fn)
	for _, p := range params {
		add(p.name, p.value)
	}
	add("out", "xml")
	b.WriteString(` "$PANEL_URL"`)
	return b.String()
}
