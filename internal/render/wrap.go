package render

// A terminal breaks a line that is too long wherever its edge is, in the middle
// of a name. Lines of many words are broken here instead, between two of them,
// and what follows is set under what it belongs to. A word that is longer than
// the line is left to the terminal, so that it can be copied.

import (
	"strings"
	"unicode/utf8"
)

// leastRoom is how many columns must be left beside the indentation for
// breaking lines to be of use.
const leastRoom = 24

// hanging says that the line to be written may be broken where the terminal
// ends, and by how many columns what follows is indented.
func (p *printer) hanging(columns int) {
	if p.Width >= columns+leastRoom {
		p.hang = columns
	}
}

// wrap breaks the lines of a clean text, painted perhaps, between words so that
// each takes at most wide columns, if words allow; hang is the indentation of
// what follows.
func wrap(s string, wide, hang int) string {
	if len(s) <= wide {
		return s
	}
	var b strings.Builder
	for i, l := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		wrapLine(&b, l, wide, hang)
	}
	return b.String()
}

func wrapLine(b *strings.Builder, l string, wide, hang int) {
	gaps := breaks(sgrGone(l), wide, hang)
	at := 0 // in the text without paint
	for i := 0; i < len(l); i++ {
		if l[i] == '\x1b' { // paint stays where it is
			n := strings.IndexByte(l[i:], 'm')
			b.WriteString(l[i : i+n+1])
			i += n
			continue
		}
		switch {
		case len(gaps) == 0 || at < gaps[0].from:
			b.WriteByte(l[i])
		case at == gaps[0].from:
			b.WriteByte('\n')
			b.WriteString(pad(hang))
		}
		if at++; len(gaps) > 0 && at == gaps[0].to {
			gaps = gaps[1:]
		}
	}
}

// gap is a run of spaces in a text, where a line is broken.
type gap struct{ from, to int }

// breaks says where to break a text without paint.
func breaks(l string, wide, hang int) []gap {
	var all []gap
	var last gap                                    // the last place to break on this line
	at, beyond := 0, 0                              // columns of this line, and of those behind that place
	token := len(l) - len(strings.TrimLeft(l, " ")) // where the word being read begins; indentation is no place to break
	for i := 0; i < len(l); {
		r, n := utf8.DecodeRuneInString(l[i:])
		cols := 1
		if r >= utf8.RuneSelf {
			cols = wideColumns(l[i : i+n])
		}
		at, beyond = at+cols, beyond+cols
		if r == ' ' && i >= token {
			end := i + len(l[i:]) - len(strings.TrimLeft(l[i:], " "))
			at, beyond = at+end-i-1, beyond+end-i-1
			if !bound(l[token:i]) {
				last, beyond = gap{i, end}, 0
			}
			token, n = end, end-i
		}
		i += n
		if at > wide && last.to > last.from && last.to < len(l) && i > last.to {
			all = append(all, last)
			at, last = hang+beyond, gap{}
		}
	}
	return all
}

// bound reports whether a word belongs to the next one: a sign, an arrow or a count.
func bound(word string) bool {
	word = strings.TrimLeft(word, "[(")
	return word != "" && strings.Trim(word, "+-~→0123456789") == ""
}

// sgrGone is a text without its paint.
func sgrGone(s string) string {
	if strings.IndexByte(s, '\x1b') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\x1b' {
			i += strings.IndexByte(s[i:], 'm')
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
