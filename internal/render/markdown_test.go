package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// sealed gives a plan what only a saved one has.
func sealed(p *plan.Plan) *plan.Plan {
	p.CreatedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p.ExpiresAt = p.CreatedAt.Add(24 * time.Hour)
	plan.Seal(p)
	return p
}

func markdownShapes() []shape {
	of := func(p *plan.Plan, apply string) func(io.Writer, Style) error {
		return func(w io.Writer, _ Style) error { return PlanMarkdown(w, p, MarkdownOptions{Apply: apply}) }
	}
	report := func(p *plan.Plan, r *executor.Report) func(io.Writer, Style) error {
		return func(w io.Writer, _ Style) error { return ReportMarkdown(w, p, r) }
	}
	const apply = "ispsync apply plan.json -f specs/"
	partialPlan, partial := partialReport()
	partial.PlanDigest = "sha256:0123"
	partial.Panels[0].Restart, partial.Panels[1].Restart = executor.RestartOK, executor.RestartFailed
	return []shape{
		{"plan-mixed.md", Style{}, of(sealed(mixedPlan()), apply)},
		{"plan-undo.md", Style{}, of(sealed(undoPlan()), apply)},
		{"plan-customers.md", Style{}, of(sealed(customersPlan()), apply)},
		{"plan-wide.md", Style{}, of(sealed(widePlan()), apply)},
		{"plan-trouble.md", Style{}, of(sealed(troubledPlan(true)), "")},
		{"plan-none.md", Style{}, of(sealed(planOf([]plan.Panel{panel("web1", 3)})), apply)},
		{"plan-hostile.md", Style{}, of(hostileMarkup(), apply)},
		{"report-partial.md", Style{}, report(partialPlan, partial)},
		{"report-alone.md", Style{}, report(nil, partial)},
	}
}

// markup is what forges meaning in Markdown or HTML.
var markup = []string{
	"@root", "#1", "GH-1", "!1", "https://evil.example/", "www.evil.example", "a@evil.example", "[x](https://evil.example)", "![x](//evil.example/p.png)",
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details>", "</summary>", "<!--", "-->", "</code>", "</script><b>", "]]>", "&lt;b&gt;", "&#64;root",
	"`", "``", "```", "````", "~~~", "`x` @root", "\\`@root", "```\n@root\n```", "\n\n@root", "\n/approve\n", "| a | b |", "**b**", "# h", "- [ ] x", "$`x`$", ":smile:", "{{.}}", "${x}", "'\"><b>", "\\", " ", "  x  ",
}

func anyMarkup() *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom(markup), anyText())
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 1, 3).Draw(t, "pieces"), "") })
}

// hostileMarkup has a piece of markup wherever a panel or a spec writes.
func hostileMarkup() *plan.Plan {
	const evil = "`` ``` @root #1 <b>x</b> </code></summary></details> [a](//e.example)"
	p := planOf([]plan.Panel{{Name: evil, URL: evil, Account: evil, Reachable: true, Error: evil + "\n" + evil}, {Name: evil + "2", Refused: true, Account: evil}})
	for i := range foldFrom {
		p.Steps = append(p.Steps, plan.Step{Panel: evil, Kind: evil, Key: evil + fmt.Sprint(i), Action: plan.Update, Source: evil, Changes: []plan.Change{become(evil, specs.Text(evil), specs.List(evil))}})
	}
	p.Steps = append(p.Steps, plan.Step{Panel: evil, Kind: evil, Key: evil, Action: plan.Create, Source: evil, Changes: []plan.Change{set(evil, specs.Text(evil))}, Secrets: []string{evil}},
		plan.Step{Panel: evil, Kind: evil, Key: evil, Action: plan.Delete, Source: evil, Why: evil, TakesWithIt: []plan.Count{{Kind: evil, Count: 2}}})
	p.Summary = plan.Summary{Create: 1, Update: foldFrom, Delete: 1}
	p.Kept = []plan.Kept{{Ref: specs.Ref{Panel: evil, Kind: evil, Key: evil}, Why: evil}}
	p.Findings = []plan.Finding{{Severity: plan.Error, Code: evil, Ref: evil, Message: evil}}
	p.Digest = evil
	return p
}
