package render

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// prosePart is what of a Markdown document a forge reads as anything but code:
// fenced blocks, code spans and <code> elements are taken out by the rules of
// CommonMark, which are written here again, not taken from the renderer.
func prosePart(t interface{ Fatalf(string, ...any) }, doc string) string {
	var out strings.Builder
	fence := ""
	for _, l := range strings.Split(doc, "\n") {
		ticks := l[:len(l)-len(strings.TrimLeft(l, "`"))]
		switch {
		case fence != "":
			body := strings.TrimLeft(l, " ")
			run := len(body) - len(strings.TrimLeft(body, "`"))
			if run >= len(fence) && strings.TrimSpace(body[run:]) == "" && len(l)-len(body) <= 3 {
				fence = ""
			}
			continue
		case len(ticks) >= 3 && !strings.Contains(l[len(ticks):], "`"):
			fence = ticks
			continue
		case strings.HasPrefix(l, "<"):
			out.WriteString(codeElement.ReplaceAllString(l, "") + "\n")
		default:
			out.WriteString(withoutSpans(l) + "\n")
		}
	}
	if fence != "" {
		t.Fatalf("a fence is never closed:\n%s", doc)
	}
	return out.String()
}

var codeElement = regexp.MustCompile(`<code>[^<>]*</code>`)

// withoutSpans takes the code spans out of a line: a run of backticks opens
// one that the next run of the same length closes.
func withoutSpans(l string) string {
	var out strings.Builder
	for l != "" {
		open := strings.IndexByte(l, '`')
		if open < 0 {
			break
		}
		out.WriteString(l[:open])
		run := len(l[open:]) - len(strings.TrimLeft(l[open:], "`"))
		rest, at := l[open+run:], -1
		for i := 0; i < len(rest); {
			if rest[i] != '`' {
				i++
				continue
			}
			n := len(rest[i:]) - len(strings.TrimLeft(rest[i:], "`"))
			if n == run {
				at = i
				break
			}
			i += n
		}
		if at < 0 { // no span: the backticks stand for themselves
			return out.String() + l[open:]
		}
		l = rest[at+run:]
	}
	return out.String() + l
}

// ours are the words that a document may hold outside of code.
var ours = func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(`details summary br Plan to add change destroy No changes panel panels could not be read so what would there is known and more
		error errors block blocks apply To know first Error Warning warning warnings of them take takes others along on resource resources each with its own fields are listed here
		shows all FILE being the saved plan report deletes creates updates steps left alone Apply exactly this digest made expires UTC This was reviewed save it
		complete Resources added changed destroyed incomplete refused interrupted failed blocked stale unknown run done restarted as asked request requests write writes
		Started finished everything For Made by Run`) {
		words[w] = true
	}
	return words
}()

var word = regexp.MustCompile(`\pL+`)

func harmlessMarkdown(t *rapid.T, doc string) {
	if len(doc) > markdownLimit {
		t.Fatalf("%d bytes", len(doc))
	}
	if c, bad := hidden(doc); bad {
		t.Fatalf("U+%04X reached the output:\n%q", c, doc)
	}
	for l := range strings.Lines(doc) { // for readers of Markdown that are less strict about where a fence ends
		if strings.ContainsAny(l[:1], "+~ ") && strings.Contains(l, "```") {
			t.Fatalf("a fence inside of a fenced block: %q", l)
		}
	}
	marker, body, _ := strings.Cut(doc, "\n")
	if marker != planMarker && marker != reportMarker {
		t.Fatalf("the marker is %q", marker)
	}
	prose := prosePart(t, body)
	for _, w := range word.FindAllString(prose, -1) {
		if !ours[w] {
			t.Fatalf("the word %q of a panel or a spec stands outside of code:\n%s\nin:\n%s", w, prose, doc)
		}
	}
	if strings.ContainsAny(prose, "@[]`|$\\&_{}\"'") || regexp.MustCompile(`[#!]\d|://|www\.`).MatchString(prose) {
		t.Fatalf("markup outside of code:\n%s\nin:\n%s", prose, doc)
	}
	for _, tag := range regexp.MustCompile(`<[^>]*>?`).FindAllString(prose, -1) {
		switch tag {
		case "<details>", "</details>", "<summary>", "</summary>", "<br>":
		default:
			t.Fatalf("the tag %s:\n%s", tag, doc)
		}
	}
	if open, closed := strings.Count(prose, "<details>"), strings.Count(prose, "</details>"); open != closed {
		t.Fatalf("%d details opened, %d closed:\n%s", open, closed, doc)
	}
}

// Whatever names, values and messages hold, nothing of them is read as
// anything but code.
func TestMarkdownCannotBeForged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t, anyMarkup())
		r := anyReport(t, p)
		apply := rapid.SampledFrom([]string{"", "ispsync apply p.json", "ispsync apply '```.json'"}).Draw(t, "apply")
		harmlessMarkdown(t, write(t, func(w io.Writer) error { return PlanMarkdown(w, p, MarkdownOptions{Apply: apply}) }))
		harmlessMarkdown(t, write(t, func(w io.Writer) error { return ReportMarkdown(w, p, r) }))
	})
}

// However many steps, findings, panels, fields and reasons there are and
// however long they are, a document is never longer than the limit, ends with
// the command and the digest, and leaves out deletes only when it has no update
// and no create.
func TestMarkdownIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := manyOf(t)
		const apply = "ispsync apply plan.json"
		doc := write(t, func(w io.Writer) error { return PlanMarkdown(w, p, MarkdownOptions{Apply: apply}) })
		harmlessMarkdown(t, doc)
		foot := "Plan digest: `sha256:12`\n"
		if p.Summary.Changes() > 0 {
			foot = "Apply exactly this plan:\n\n```sh\n" + apply + "\n```\n\n" + foot
		}
		if !strings.HasSuffix(doc, "---\n\n"+foot) {
			t.Fatalf("the end is %q", doc[max(0, len(doc)-300):])
		}
		missing := leftOut(doc, "deletes")
		if listed := strings.Count(doc, "\n- web"); listed+missing != p.Summary.Delete {
			t.Fatalf("%d deletes listed and %d left out of %d:\n%s", listed, missing, p.Summary.Delete, doc)
		}
		if missing > 0 && (strings.Contains(doc, "\n+ ") || strings.Contains(doc, "\n~ ")) {
			t.Fatalf("deletes are left out though there is room for others:\n%s", doc)
		}
		for noun, n := range map[string]int{"creates": p.Summary.Create, "updates": p.Summary.Update} {
			if listed := strings.Count(doc, "\n"+map[string]string{"creates": "+", "updates": "~"}[noun]+" web"); listed+leftOut(doc, noun) != n {
				t.Fatalf("%d %s listed and %d left out of %d:\n%s", listed, noun, leftOut(doc, noun), n, doc)
			}
		}
		r := manyOutcomes(t, p)
		harmlessMarkdown(t, write(t, func(w io.Writer) error { return ReportMarkdown(w, p, r) }))
	})
}

// leftOut is the number that a document gives of what it leaves out.
func leftOut(doc, noun string) int {
	m := regexp.MustCompile(`\*\*(\d+) of \d+ ` + noun + ` are not listed here`).FindStringSubmatch(doc)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// manyOf is a plan with a lot of everything, long or short.
func manyOf(t *rapid.T) *plan.Plan {
	many := func(label string) int {
		return rapid.SampledFrom([]int{0, 1, 5, 60, 600}).Draw(t, label)
	}
	long := strings.Repeat(rapid.SampledFrom([]string{"a", "`", "ж", "\x01", "<", "\n", "\xff", "e\u0301"}).Draw(t, "letter"), rapid.SampledFrom([]int{0, 1, 40, 400, 2_000}).Draw(t, "length"))
	var steps []plan.Step
	panels := max(1, many("panels"))
	add := func(n int, a plan.Action, s plan.Step) {
		for i := range n {
			s.Panel, s.Kind, s.Key, s.Action = "web"+strconv.Itoa(i%panels), "user", long+strconv.Itoa(i), a
			steps = append(steps, s)
		}
	}
	taken := make([]plan.Count, min(many("taken"), 400))
	for i := range taken {
		taken[i] = plan.Count{Kind: long + strconv.Itoa(i), Count: i}
	}
	fields := make([]plan.Change, min(many("fields"), 40))
	for i := range fields {
		fields[i] = become(long+strconv.Itoa(i), specs.Text(long), specs.Text(long))
	}
	add(many("creates"), plan.Create, plan.Step{Source: long, Changes: fields})
	for i := range min(many("sorts of updates"), 400) {
		add(1+many("updates")/(i+1), plan.Update, plan.Step{Changes: []plan.Change{become("f"+strconv.Itoa(i), specs.Text(long), specs.Number(int64(i)))}})
	}
	add(many("deletes"), plan.Delete, plan.Step{Why: long, Source: long, TakesWithIt: taken})
	list := make([]plan.Panel, panels)
	for i := range list {
		list[i] = panel("web"+strconv.Itoa(i), i)
	}
	p := planOf(list, steps...)
	p.Digest = "sha256:12"
	for i := range many("findings") {
		p.Findings = append(p.Findings, plan.Finding{Severity: rapid.SampledFrom([]plan.Severity{plan.Error, plan.Warning}).Draw(t, "severity"), Code: long, Message: long + strconv.Itoa(i)})
	}
	for i := range many("kept") {
		p.Kept = append(p.Kept, plan.Kept{Why: long + strconv.Itoa(i)})
	}
	return p
}

func manyOutcomes(t *rapid.T, p *plan.Plan) *executor.Report {
	message := strings.Repeat(rapid.SampledFrom([]string{"m", "```\n", "\x01"}).Draw(t, "message"), 500)
	all := []executor.What{executor.Done, executor.Failed, executor.Blocked, executor.Stale, executor.Unknown, executor.NotRun}
	some := all[:rapid.IntRange(1, len(all)).Draw(t, "outcomes")]
	others := map[int]executor.Outcome{}
	for i := range p.Steps {
		others[i+1] = executor.Outcome{Outcome: some[i%len(some)], Error: &executor.ErrorDetail{Type: message, Message: message}}
	}
	r := reportOf(p, executor.Partial, others)
	for i := range r.Panels {
		r.Panels[i].Error = message
	}
	return r
}

// A text comes out of a code span as it went in, whatever backticks it holds.
func TestSpanKeepsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := clean(anyMarkup().Draw(t, "text"))
		code := span(s)
		if rest := withoutSpans(code); rest != "" {
			t.Fatalf("%q leaves %q outside of %q", s, rest, code)
		}
		inner := strings.Trim(code, "`")
		if strings.HasPrefix(inner, " ") && strings.HasSuffix(inner, " ") && strings.TrimSpace(inner) != "" {
			inner = inner[1 : len(inner)-1] // as CommonMark does
		}
		if strings.Trim(s, "`") == s && strings.TrimSpace(s) != "" && inner != s {
			t.Fatalf("%q became %q", s, inner)
		}
	})
}

func TestMarkdownRefusesACommandTooLong(t *testing.T) {
	err := PlanMarkdown(io.Discard, mixedPlan(), MarkdownOptions{Apply: strings.Repeat("x", applyLimit+1)})
	if err == nil || !strings.Contains(err.Error(), "8001 bytes") {
		t.Errorf("got %v", err)
	}
}
