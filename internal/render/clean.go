package render

// Texts of a spec or a panel may hold anything: escape sequences that rewrite
// the screen or the window's title, line breaks that forge a line of ours,
// bidirectional overrides that swap what the eye reads, characters with no
// width. clean makes all of those visible, and every text of foreign origin
// passes through it (or through cleanKey, quoted or prose, which call it) on
// its way out.

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/ispsync/ispsync/specs"
)

// clean returns s with everything that is not a plain visible character or a
// space written as \u{hex}, and bytes that are not UTF-8 as \x{hex}.
func clean(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return cleanSlow(s, i)
		}
	}
	return s
}

func cleanSlow(s string, plainUntil int) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:plainUntil])
	for i := plainUntil; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x{`)
			b.WriteString(strconv.FormatUint(uint64(s[i]), 16))
			b.WriteByte('}')
		case visible(r):
			b.WriteString(s[i : i+n])
		default:
			b.WriteString(`\u{`)
			b.WriteString(strconv.FormatInt(int64(r), 16))
			b.WriteByte('}')
		}
		i += n
	}
	return b.String()
}

// visible reports whether a character may be written as it is. Letters, marks,
// numbers, punctuation, symbols and the space may; other spaces, which look
// like it or like nothing, format characters (bidi controls, zero width),
// private and unassigned ones may not.
func visible(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f', '\u17b4', '\u17b5':
		return false // letters, marks and symbols by category, but drawn as nothing
	}
	return unicode.IsPrint(r) // of the spaces, only U+0020
}

// cleanKey is a key for people: clean, and when it holds punycode, followed by
// its Unicode form in parentheses.
func cleanKey(key string) string {
	c := clean(key)
	if !strings.Contains(key, "xn--") {
		return c
	}
	if u := unicodeForm(key); u != key {
		return c + " (" + clean(u) + ")"
	}
	return c
}

// cleanRef is the text form of a ref, or of a part of one, for people.
func cleanRef(ref string) string {
	r, err := specs.ParseRef(ref)
	if err != nil {
		return clean(ref)
	}
	return refText(r)
}

func refText(r specs.Ref) string {
	return clean(r.Panel) + "/" + clean(r.Kind) + "/" + cleanKey(r.Key)
}

// unicodeForm decodes the punycode host names inside a key: a mailbox, a
// record or a database name may hold one among other things. Names that do
// not decode stay as they are.
func unicodeForm(key string) string {
	var b strings.Builder
	for key != "" {
		n := strings.IndexFunc(key, notHost)
		switch n {
		case -1:
			n = len(key)
		case 0:
			_, size := utf8.DecodeRuneInString(key)
			b.WriteString(key[:size])
			key = key[size:]
			continue
		}
		if trimmed := strings.TrimRight(key[:n], "-"); trimmed != "" {
			n = len(trimmed) // the hyphen of shop->MySQL is not the name's
		}
		name := key[:n]
		if u, err := idna.Display.ToUnicode(name); err == nil {
			name = u
		}
		b.WriteString(name)
		key = key[n:]
	}
	return b.String()
}

func notHost(r rune) bool {
	return r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
}

// quoted is a text value or a name for people: clean, and in quotes when it
// could be taken for something else otherwise, an indented line for example.
func quoted(s string) string {
	c := clean(s)
	if c == "" || c[0] == ' ' || c[len(c)-1] == ' ' || strings.ContainsRune(`"([`, rune(c[0])) || strings.Contains(c, "→") {
		return `"` + c + `"`
	}
	return c
}

// prose is a message of several lines perhaps: each line clean, the later ones
// marked so that none can pass for a line of ours. indent goes before the mark.
func prose(s, indent string) string {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "\n") {
		return clean(s)
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = clean(strings.TrimSuffix(l, "\r"))
	}
	return strings.Join(lines, "\n"+indent+"│ ")
}

// columns counts the columns a clean text takes on a terminal.
func columns(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return wideColumns(s)
		}
	}
	return len(s)
}
