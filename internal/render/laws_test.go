package render

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// anyText is mostly hostile.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z]{1,8}(\.[a-z]{2,5})?`),
		rapid.String(),
		rapid.SampledFrom([]string{"\x1b[31m", "\x1b]0;title\x07", "a\nPlan: 0 to add", "x\n  + user/root", "\r", "\u202egnp", "\xff\xfe", "\u009b2J", "xn--e1afmkfd.xn--p1ai", "xn--\x1b", "\u2028", "", "→", "\t"}),
	)
}

func anyValue() *rapid.Generator[specs.Value] {
	return rapid.Custom(func(t *rapid.T) specs.Value {
		switch rapid.IntRange(0, 4).Draw(t, "type") {
		case 0:
			return specs.Value{}
		case 1:
			return specs.Bool(rapid.Bool().Draw(t, "bool"))
		case 2:
			return specs.Number(rapid.Int64().Draw(t, "number"))
		case 3:
			return specs.List(rapid.SliceOfN(anyText(), 0, 12).Draw(t, "items")...)
		default:
			return specs.Text(anyText().Draw(t, "text"))
		}
	})
}

// anyPlan draws a plan in which names come from the generator given.
func anyPlan(t *rapid.T, name *rapid.Generator[string]) *plan.Plan {
	var panels []plan.Panel
	var steps []plan.Step
	names := rapid.SliceOfNDistinct(name, 0, 14, rapid.ID[string]).Draw(t, "panels")
	slices.Sort(names)
	for _, n := range names {
		reachable := rapid.IntRange(0, 4).Draw(t, "reachable") > 0
		panels = append(panels, plan.Panel{Name: n, URL: name.Draw(t, "url"), Account: name.Draw(t, "account"), Reachable: reachable,
			Error: name.Draw(t, "error"), Requests: rapid.IntRange(0, 9).Draw(t, "requests"), Refused: rapid.Bool().Draw(t, "refused")})
		if !reachable {
			continue
		}
		for range rapid.IntRange(0, 6).Draw(t, "steps") {
			steps = append(steps, anyStep(t, n, name))
		}
	}
	p := planOf(panels, steps...)
	p.MadeBy = rapid.OneOf(rapid.Just(""), name).Draw(t, "made by")
	for range rapid.IntRange(0, 15).Draw(t, "kept") {
		p.Kept = append(p.Kept, plan.Kept{Ref: specs.Ref{Panel: "p", Kind: "k", Key: name.Draw(t, "key")}, Why: name.Draw(t, "why")})
	}
	for range rapid.IntRange(0, 15).Draw(t, "findings") {
		p.Findings = append(p.Findings, plan.Finding{Severity: rapid.SampledFrom([]plan.Severity{plan.Error, plan.Warning}).Draw(t, "severity"),
			Code: name.Draw(t, "code"), Ref: "p/k/" + name.Draw(t, "ref"), Message: name.Draw(t, "message")})
	}
	return p
}

func anyStep(t *rapid.T, panel string, name *rapid.Generator[string]) plan.Step {
	s := plan.Step{Panel: panel, Kind: rapid.SampledFrom([]string{"user", "webdomain"}).Draw(t, "kind"), Key: name.Draw(t, "key"),
		Action: rapid.SampledFrom([]plan.Action{plan.Create, plan.Update, plan.Delete}).Draw(t, "action"),
		Source: name.Draw(t, "source"), Why: name.Draw(t, "why")}
	if s.Action == plan.Delete {
		s.TakesWithIt = []plan.Count{{Kind: name.Draw(t, "taken"), Count: 2}}
		return s
	}
	if rapid.Bool().Draw(t, "usual") { // so that folds happen
		s.Changes = []plan.Change{become("php_mode", specs.Text("a"), specs.Text("b"))}
		return s
	}
	s.Changes = []plan.Change{become(name.Draw(t, "field"), anyValue().Draw(t, "before"), anyValue().Draw(t, "after"))}
	s.Secrets = rapid.SliceOfN(name, 0, 2).Draw(t, "secrets")
	return s
}

func anyReport(t *rapid.T, p *plan.Plan) *executor.Report {
	others := map[int]executor.Outcome{}
	for i := range p.Steps {
		o := rapid.SampledFrom([]executor.What{executor.Done, executor.Failed, executor.Blocked, executor.Stale, executor.Unknown, executor.NotRun}).Draw(t, "outcome")
		others[i+1] = executor.Outcome{Outcome: o, Attempts: i % 3, Error: &executor.ErrorDetail{Type: anyText().Draw(t, "type"), Object: anyText().Draw(t, "object"), Message: anyText().Draw(t, "message")}}
	}
	r := reportOf(p, rapid.SampledFrom([]executor.Result{executor.Nothing, executor.Applied, executor.Partial, executor.Refused, executor.Interrupted}).Draw(t, "result"), others)
	r.Run = rapid.OneOf(rapid.Just(""), anyText()).Draw(t, "run")
	for range rapid.IntRange(0, 3).Draw(t, "settled") {
		r.Settled = append(r.Settled, executor.Settled{Run: anyText().Draw(t, "run"), Ref: specs.Ref{Panel: "p", Kind: "user", Key: anyText().Draw(t, "settled")}, Action: plan.Create, Outcome: executor.Done, Evidence: anyText().Draw(t, "evidence")})
	}
	for i := range r.Panels {
		r.Panels[i].Restart = rapid.SampledFrom([]executor.RestartDone{executor.RestartNone, executor.RestartOK, executor.RestartFailed, executor.RestartUnsupported}).Draw(t, "restart")
		r.Panels[i].Error = anyText().Draw(t, "lane error")
	}
	return r
}

func write(t interface{ Fatal(...any) }, f func(io.Writer) error) string {
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hidden returns the first character of a text that must not reach a terminal.
func hidden(s string) (rune, bool) {
	for i, r := range s {
		if r == '\n' {
			continue
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return r, true
			}
		}
		if !visible(r) {
			return r, true
		}
	}
	return 0, false
}

var (
	sgr      = regexp.MustCompile("\x1b\\[[0-9;]*m")
	planLast = regexp.MustCompile(`^(No changes\.|Plan: \d+ to add, \d+ to change, \d+ to destroy\.)$`)
	runLast  = regexp.MustCompile(`^(No changes\.|Apply complete! Resources: \d+ added, \d+ changed, \d+ destroyed\.|Apply incomplete: .+; \d+ added, \d+ changed, \d+ destroyed\.)$`)
	stepHead = regexp.MustCompile(`(?m)^  [+~-] `)
)

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	return lines[len(lines)-1]
}

// Whatever names, values and messages hold: nothing but visible characters and
// our own line ends comes out, colour adds colour only, the last line is the
// promised one and nothing can forge a step or a last line.
func TestHostileTextsStayHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t, anyText())
		r := anyReport(t, p)
		verbose := rapid.Bool().Draw(t, "verbose")
		width := rapid.SampledFrom([]int{0, 40, 120}).Draw(t, "width")
		for name, f := range map[string]func(io.Writer, Style) error{
			"text":    func(w io.Writer, s Style) error { return PlanText(w, p, s) },
			"compact": func(w io.Writer, s Style) error { return PlanCompact(w, p, s) },
			"report":  func(w io.Writer, s Style) error { return ReportText(w, p, r, s) },
		} {
			plain := write(t, func(w io.Writer) error { return f(w, Style{Width: width, Verbose: verbose}) })
			if c, bad := hidden(plain); bad {
				t.Fatalf("%s: U+%04X reached the output:\n%q", name, c, plain)
			}
			colour := write(t, func(w io.Writer) error { return f(w, Style{Width: width, Verbose: verbose, Color: true}) })
			if sgr.ReplaceAllString(colour, "") != plain {
				t.Fatalf("%s: colour changes the text:\n%s\n%s", name, plain, colour)
			}
			last := planLast
			if name == "report" {
				last = runLast
			}
			if !last.MatchString(lastLine(plain)) {
				t.Fatalf("%s: last line %q", name, lastLine(plain))
			}
			for _, l := range strings.Split(strings.TrimSuffix(plain, "\n"), "\n")[:strings.Count(plain, "\n")-1] {
				if planLast.MatchString(l) || runLast.MatchString(l) {
					t.Fatalf("%s: a forged last line:\n%s", name, plain)
				}
			}
			if n := len(stepHead.FindAllString(plain, -1)); name == "text" && n != len(p.Steps) {
				t.Fatalf("%d step lines for %d steps:\n%s", n, len(p.Steps), plain)
			}
		}
	})
}

var (
	single       = regexp.MustCompile(`^[a-z.]+ [+~-] (user|webdomain)/`)
	singleDelete = regexp.MustCompile(`^[a-z.]+ - `)
	folded       = regexp.MustCompile(`^[+~] .* on (\d+) (users?|webdomains?) of `)
	foldedAway   = regexp.MustCompile(`^- (\d+) (users?|webdomains?) of [^:]+: (.*)`)
)

// Every step is in one line of the compact form, and every delete with its key
// unless the line says how many are not.
func TestCompactAccountsForEveryStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t, rapid.StringMatching(`[a-z]{1,4}(\.[a-z]{2})?`))
		out := write(t, func(w io.Writer) error { return PlanCompact(w, p, Style{}) })
		steps, deletes := 0, 0
		body, _, _ := strings.Cut(out, "\n\n")
		for l := range strings.Lines(body) {
			l = strings.TrimSuffix(l, "\n")
			if m := foldedAway.FindStringSubmatch(l); m != nil {
				n, _ := strconv.Atoi(m[1])
				keys, _, _ := strings.Cut(m[3], "; takes with it")
				keys, _, _ = strings.Cut(keys, "  ") // where they are asked for
				keys, more, cut := strings.Cut(keys, " and ")
				listed := strings.Count(keys, ", ") + 1
				if cut {
					left, _, _ := strings.Cut(more, " ")
					k, _ := strconv.Atoi(left)
					listed += k
				}
				if listed != n {
					t.Fatalf("%d of %d deletes accounted for: %s", listed, n, l)
				}
				steps += n
				deletes += n
			} else if m := folded.FindStringSubmatch(l); m != nil {
				n, _ := strconv.Atoi(m[1])
				steps += n
			} else if single.MatchString(l) {
				steps++
				if singleDelete.MatchString(l) {
					deletes++
				}
			}
		}
		if steps != len(p.Steps) || deletes != p.Summary.Delete {
			t.Fatalf("%d steps and %d deletes in the lines, %d and %d in the plan:\n%s", steps, deletes, len(p.Steps), p.Summary.Delete, out)
		}
	})
}

// What is destroyed stands first, and Verbose lists each resource once.
func TestCompactListsWhatALineStandsFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t, rapid.StringMatching(`[a-z]{1,4}(\.[a-z]{2})?`))
		out := write(t, func(w io.Writer) error { return PlanCompact(w, p, Style{Verbose: true}) })
		listed, last := 0, 0
		body, _, _ := strings.Cut(out, "\n\n")
		for l := range strings.Lines(body) {
			if strings.HasPrefix(l, "    ") {
				listed++
				continue
			}
			sign := regexp.MustCompile(`^(?:[a-z.]+ )?([+~-]) `).FindStringSubmatch(l)
			if sign == nil {
				continue
			}
			if single.MatchString(l) {
				listed++
			}
			at := strings.Index("-~+", sign[1])
			if at < last {
				t.Fatalf("%q stands too late:\n%s", l, out)
			}
			last = at
		}
		if listed != len(p.Steps) {
			t.Fatalf("%d resources listed of %d:\n%s", listed, len(p.Steps), out)
		}
	})
}

// The report lists every step that is not done: all those with their reason,
// only the "not run" ones past the twentieth of a panel as a number.
func TestReportListsWhatIsNotDone(t *testing.T) {
	head := regexp.MustCompile(`(?m)^  (failed|blocked|stale|unknown|not run|done) +[+~-] `)
	more := regexp.MustCompile(`(?m)^  and (\d+) more not run`)
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t, rapid.StringMatching(`[a-z]{1,4}`))
		r := anyReport(t, p)
		verbose := rapid.Bool().Draw(t, "verbose")
		out := write(t, func(w io.Writer) error { return ReportText(w, p, r, Style{Verbose: verbose}) })
		n := len(head.FindAllString(out, -1))
		for _, m := range more.FindAllStringSubmatch(out, -1) {
			k, _ := strconv.Atoi(m[1])
			n += k
		}
		want := len(r.Outcomes)
		if !verbose {
			want -= r.Summary.Done
		}
		if n != want {
			t.Fatalf("%d steps listed, want %d:\n%s", n, want, out)
		}
	})
}

// What a list change shows leads from the one list to the other.
func TestListDiffLeadsFromBeforeToAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		before, after := rapid.SliceOf(item).Draw(t, "before"), rapid.SliceOf(item).Draw(t, "after")
		d := diffList(before, after)
		if d.same+len(d.removed) != len(before) || d.same+len(d.added) != len(after) {
			t.Fatalf("counts do not add up: %+v", d)
		}
		got := slices.Clone(before)
		for _, it := range d.removed {
			i := slices.Index(got, it)
			if i < 0 {
				t.Fatalf("removed %q, which was not there", it)
			}
			got = slices.Delete(got, i, i+1)
		}
		got = append(got, d.added...)
		slices.Sort(got)
		want := slices.Sorted(slices.Values(after))
		if !slices.Equal(got, want) {
			t.Fatalf("%v → %v: %+v gives %v", before, after, d, got)
		}
		if len(d.added)+len(d.removed) == 0 && d.moved == slices.Equal(before, after) {
			t.Fatalf("moved is %v for %v → %v", d.moved, before, after)
		}
	})
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[0m", "\xff", "\u202e", "xn--e1afmkfd.xn--p1ai", "a@xn--e1afmkfd.xn--p1ai", "xn--", "пример", `\u{1b}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{clean(s), cleanKey(s), quoted(s), cleanRef(s), itemText(s)} {
			if c, bad := hidden(out); bad || strings.Contains(out, "\n") {
				t.Fatalf("%q gives %q with U+%04X", s, out, c)
			}
		}
		if c, bad := hidden(Clean(s)); bad {
			t.Fatalf("Clean(%q) lets U+%04X through", s, c)
		}
		if again := clean(clean(s)); again != clean(s) {
			t.Fatalf("not idempotent: %q, %q", clean(s), again)
		}
		if _, bad := hidden(s); !bad && !strings.Contains(s, "\n") && clean(s) != s {
			t.Fatalf("changes a harmless text: %q to %q", s, clean(s))
		}
		if columns(clean(s)) != wideColumns(clean(s)) {
			t.Fatalf("columns of %q differ", clean(s))
		}
	})
}

func TestCleanKey(t *testing.T) {
	for _, c := range []struct{ key, want, why string }{
		{"example.com", "example.com", "nothing to decode"},
		{"xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai (пример.рф)", "a host name"},
		{"info@xn--e1afmkfd.xn--p1ai", "info@xn--e1afmkfd.xn--p1ai (info@пример.рф)", "a mailbox"},
		{"xn--e1afmkfd->MySQL", "xn--e1afmkfd->MySQL (пример->MySQL)", "hyphens of a database key may end a name"},
		{"xn--zzzzzz99999.com", "xn--zzzzzz99999.com", "not punycode after all"},
		{"a\x1bxn--e1afmkfd.com", `a\u{1b}xn--e1afmkfd.com (a\u{1b}пример.com)`, "both at once"},
	} {
		if got := cleanKey(c.key); got != c.want {
			t.Errorf("%s: cleanKey(%q) = %q, want %q", c.why, c.key, got, c.want)
		}
	}
}

func TestQuotedLeavesNothingAmbiguous(t *testing.T) {
	for in, want := range map[string]string{
		"": `""`, "a": "a", "a b": "a b", " a": `" a"`, "a ": `"a "`, "(not set)": `"(not set)"`, "[a]": `"[a]"`, "a → b": `"a → b"`, `"a"`: `""a""`,
	} {
		if got := quoted(in); got != want {
			t.Errorf("quoted(%q) = %s, want %s", in, got, want)
		}
	}
}

// A writer that fails is reported, by every function.
func TestWriteErrorsAreReturned(t *testing.T) {
	p, r := partialReport()
	kinds := sampleKinds(t)
	for name, f := range map[string]func(io.Writer) error{
		"text":        func(w io.Writer) error { return PlanText(w, p, Style{}) },
		"compact":     func(w io.Writer) error { return PlanCompact(w, p, Style{}) },
		"report":      func(w io.Writer) error { return ReportText(w, p, r, Style{}) },
		"plan.md":     func(w io.Writer) error { return PlanMarkdown(w, p, MarkdownOptions{}) },
		"report.md":   func(w io.Writer) error { return ReportMarkdown(w, p, r) },
		"plan.html":   func(w io.Writer) error { return PlanHTML(w, p) },
		"report.html": func(w io.Writer) error { return ReportHTML(w, p, r) },
		"kinds":       func(w io.Writer) error { return KindsTable(w, kinds, Style{}) },
		"kind":        func(w io.Writer) error { return KindDetail(w, kinds[0], Style{}) },
	} {
		if err := f(brokenPipe{}); err == nil || !strings.Contains(err.Error(), "closed pipe") {
			t.Errorf("%s returned %v", name, err)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestDetectStyle(t *testing.T) {
	env := func(kv ...string) func(string) string {
		return func(k string) string {
			for i := 0; i+1 < len(kv); i += 2 {
				if kv[i] == k {
					return kv[i+1]
				}
			}
			return ""
		}
	}
	for _, c := range []struct {
		mode   string
		getenv func(string) string
		want   bool
		why    string
	}{
		{ColorAuto, nil, false, "nil is no terminal"},
		{ColorAlways, nil, true, "asked for"},
		{ColorAlways, env("NO_COLOR", "1"), true, "asked for by hand wins"},
		{ColorNever, nil, false, "asked not to"},
	} {
		if got := DetectStyle(c.mode, nil, c.getenv); got.Color != c.want || got.Width != 0 {
			t.Errorf("%s: %+v", c.why, got)
		}
	}
}
