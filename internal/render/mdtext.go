package render

// What a spec or a panel wrote stands in three places of a Markdown document,
// and in no other, because in each of them GitHub, GitLab and Gitea take it for
// text: no emphasis, no HTML, no link, no @mention, no #1, no quick action.
//
//	code span        `text`, the backticks longer than any run inside
//	fenced block     each line begins with a mark or four spaces of ours, and
//	                 none holds three backticks in a row
//	<code> in HTML   escaped, inside a block of HTML on one line
//
// Escaping the punctuation instead would not do: bare addresses and mentions
// are found after the escapes are resolved. A text is clean before it gets
// there, so it holds no line break, and it is clipped, so that one value
// cannot fill the document.

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ispsync/ispsync/plan"
)

// Bytes of a text in a Markdown document.
const (
	mdName    = 300   // of a key, a field, a source
	mdValue   = 600   // of what becomes of a field
	mdMessage = 1_500 // of an error's or a warning's message
	mdFields  = 30    // fields listed of a step
)

// clip cuts a text to about limit bytes and says how much is missing.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "… (" + strconv.Itoa(utf8.RuneCountInString(s[limit:])) + " more characters)"
}

// span is a clean text as a code span.
func span(s string) string {
	if s == "" {
		s = `""`
	}
	ticks := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || s[0] == ' ' || s[len(s)-1] == ' ' {
		s = " " + s + " " // one space at each end belongs to the span
	}
	return ticks + s + ticks
}

// longestRun is the length of the longest run of backticks.
func longestRun(s string) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// spans is a message of several lines perhaps, each a code span.
func spans(message string) string {
	var parts []string
	for _, l := range strings.Split(clip(strings.TrimSpace(message), mdMessage), "\n") {
		if l = strings.TrimSpace(l); l != "" {
			parts = append(parts, span(clip(clean(l), mdMessage)))
		}
	}
	return strings.Join(parts, "<br>")
}

// codeHTML is a clean text in a block of HTML.
func codeHTML(s string) string { return "<code>" + html.EscapeString(s) + "</code>" }

// fenceSafe is a clean text in a fenced block.
func fenceSafe(s string) string { return strings.ReplaceAll(s, "```", `\u{60}\u{60}\u{60}`) }

const (
	fenceOpen  = "```diff\n"
	fenceClose = "```\n\n"
)

// fenced is a fenced block with as many of n entries as fit into room bytes,
// and how many those are. An entry is whole lines. When not all fit, a last
// line says how many more there are. Nothing, when not one fits.
func fenced(n, room int, entry func(i int) string) (text string, shown int) {
	const more = 40 // bytes for that last line
	var b strings.Builder
	b.WriteString(fenceOpen)
	for shown < n {
		e := entry(shown)
		if b.Len()+len(e)+len(fenceClose)+more > room {
			break
		}
		b.WriteString(e)
		shown++
	}
	if shown == 0 {
		return "", 0
	}
	if shown < n {
		b.WriteString("    … and " + strconv.Itoa(n-shown) + " more\n")
	}
	b.WriteString(fenceClose)
	return b.String(), shown
}

// details folds a text; summary is HTML on one line, body Markdown that ends
// with an empty line.
func details(summary, body string) string {
	return "<details><summary>" + summary + "</summary>\n\n" + body + "</details>\n\n"
}

// stepLine is the first line of a step in a fenced block: what, why (of
// deletes), and where the spec asks for it.
func stepLine(a plan.Action, panel, kind, key, why, source string) string {
	line := a.Symbol() + " " + clip(clean(panel), mdName) + "/" + clip(clean(kind), mdName) + "/" + clip(cleanKey(key), mdName)
	if why != "" {
		line += "  (" + clip(clean(why), mdName) + ")"
	}
	if source != "" {
		line += "  " + clip(clean(source), mdName)
	}
	return fenceSafe(line) + "\n"
}

// stepFields are the lines of a step's fields.
func stepFields(s *plan.Step) string {
	var b strings.Builder
	left := mdFields
	field := func(name, becomes string) {
		if left--; left >= 0 {
			b.WriteString("    " + fenceSafe(clip(clean(name), mdName)+"  "+clip(becomes, mdValue)) + "\n")
		}
	}
	for _, c := range s.Changes {
		field(c.Field, changeText(Style{}, s.Action, c))
	}
	for _, name := range s.Secrets {
		field(name, secretWritten)
	}
	if left < 0 {
		b.WriteString("    … and " + counted(-left, "more field") + "\n")
	}
	return b.String()
}
