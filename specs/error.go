package specs

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Error is one mistake in a spec: where, what, and what to do about it.
type Error struct {
	Pos  Pos
	Msg  string
	Hint string // may be empty
	Line string // the text of the line, secrets masked; may be empty
}

// Error is file:line:col: message, without the excerpt and the hint.
func (e *Error) Error() string {
	if e.Pos.File == "" {
		return e.Msg
	}
	return e.Pos.String() + ": " + e.Msg
}

// Detail is the error as a person reads it: the message, the line with a
// caret under the place, and the hint.
func (e *Error) Detail() string {
	var b strings.Builder
	b.WriteString(e.Error())
	if e.Line != "" {
		number := fmt.Sprint(e.Pos.Line)
		line, caret := excerpt(e.Line, e.Pos.Col)
		fmt.Fprintf(&b, "\n  %s | %s\n  %s | %s^", number, line, strings.Repeat(" ", len(number)), caret)
	}
	if e.Hint != "" {
		b.WriteString("\n  hint: " + e.Hint)
	}
	return b.String()
}

// excerptWidth is how much of a long line an error shows, in characters.
const excerptWidth = 100

// excerpt cuts a window around col out of the line and returns it with the
// spaces that put a caret under col.
func excerpt(line string, col int) (window, caret string) {
	rs := []rune(strings.TrimRight(line, "\r\n"))
	for i, r := range rs {
		if r == '\t' || r < ' ' || r == 0x7f {
			rs[i] = ' '
		}
	}
	at := min(max(col-1, 0), len(rs))
	from := 0
	if at > excerptWidth-20 {
		from = at - excerptWidth/2
	}
	to := min(from+excerptWidth, len(rs))
	window = string(rs[from:to])
	if from > 0 {
		window, at = "…"+window, at+1
	}
	if to < len(rs) {
		window += "…"
	}
	return window, strings.Repeat(" ", at-from)
}

// Errors are all the mistakes found in one run, sorted by place.
type Errors []*Error

// Error joins the details of all mistakes, one after another.
func (es Errors) Error() string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = e.Detail()
	}
	return strings.Join(parts, "\n")
}

// problems collects mistakes from parallel loaders. The same mistake at the
// same place, found again for another panel or another turn of a for_each, is
// kept once.
type problems struct {
	mu       sync.Mutex
	seen     map[Error]bool
	errs     Errors
	warnings Errors
}

func (p *problems) add(src *source, n *node, msg, hint string) {
	p.put(&p.errs, src.errorAt(int(n.line), int(n.col), msg, hint))
}

// addSecret is add for a mistake in the value of a secret field: nothing of the
// value is shown.
func (p *problems) addSecret(src *source, n *node, msg, hint string) {
	p.put(&p.errs, src.hidden(n, msg, hint))
}

func (p *problems) addErr(e *Error) { p.put(&p.errs, e) }

func (p *problems) put(to *Errors, e *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[Error]bool{}
	}
	if p.seen[*e] {
		return
	}
	p.seen[*e] = true
	*to = append(*to, e)
}

func (p *problems) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.errs) > 0
}

func (es Errors) sorted() Errors {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(strings.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col), strings.Compare(a.Msg, b.Msg))
	})
	return es
}

// secretKey finds the keys behind which a secret may be written out: an error
// about the line must not print it.
var secretKey = regexp.MustCompile(`(?i)[\w.-]*(?:passw|passwd|password|secret|token|confirm)[\w.-]*["']?\s*:\s*`)

// maskSecrets hides every value behind such a key, unless it is one whole
// reference. It sees one line and knows no YAML around it, so it rather hides
// too much.
func maskSecrets(line string) string {
	var b strings.Builder
	for {
		m := secretKey.FindStringIndex(line)
		if m == nil {
			b.WriteString(line)
			return b.String()
		}
		inFlow := strings.ContainsAny(line[:m[1]], "{[")
		b.WriteString(line[:m[1]])
		line = line[m[1]:]
		end := valueEnd(line, inFlow)
		if value := strings.Trim(line[:end], `"' `); value == "" || wholeReference.MatchString(value) {
			b.WriteString(line[:end])
		} else {
			b.WriteString("***")
		}
		line = line[end:]
	}
}

// wholeReference is one ${secret.…('…')} and nothing else.
var wholeReference = regexp.MustCompile(`^\$\{\s*secret\.(?:env|file|command)\([^"}]*\)\s*\}$`)

// valueEnd is where the value that begins a text ends.
func valueEnd(s string, inFlow bool) int {
	if s == "" {
		return 0
	}
	if quote := s[0]; quote == '"' || quote == '\'' {
		for i := 1; i < len(s); i++ {
			switch {
			case s[i] == '\\' && quote == '"':
				i++
			case s[i] == quote && quote == '\'' && i+1 < len(s) && s[i+1] == quote:
				i++
			case s[i] == quote:
				return i + 1
			}
		}
		return len(s)
	}
	if strings.HasPrefix(s, "${") { // its own brackets and commas do not end it
		if end := closingBrace([]rune(s), 2); end >= 0 {
			return len(string([]rune(s)[:end+1]))
		}
	}
	if inFlow {
		if i := strings.IndexAny(s, ",}]"); i >= 0 {
			return i
		}
	}
	return len(s)
}

// didYouMean is the hint for a misspelt name: the nearest of the known ones,
// or all of them when they are few.
func didYouMean(got string, known []string) string {
	best, bestD := "", max(2, utf8.RuneCountInString(got)/3)+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(got), strings.ToLower(k), bestD+1); d < bestD || d == bestD && best != "" && k < best {
			best, bestD = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) > 0 && len(known) <= 12 {
		return "known: " + strings.Join(known, ", ")
	}
	return ""
}

// editDistance is the number of insertions, deletions, replacements and swaps
// of neighbours between two words, or limit when it is that or more.
func editDistance(a, b string, limit int) int {
	ra, rb := []rune(a), []rune(b)
	if len(ra)-len(rb) >= limit || len(rb)-len(ra) >= limit {
		return limit
	}
	prev2, prev, cur := make([]int, len(rb)+1), make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		cur[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(prev[len(rb)], limit)
}
