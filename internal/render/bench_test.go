package render

import (
	"fmt"
	"io"
	"testing"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// largePlan is what a fleet after a long pause looks like: n steps on 50 panels,
// of all kinds people have, one in fifty destructive.
func largePlan(n int) *plan.Plan {
	const panels = 50
	list := make([]plan.Panel, panels)
	for i := range list {
		list[i] = panel(fmt.Sprintf("web%02d", i), 7)
	}
	steps := make([]plan.Step, n)
	for i := range steps {
		s := plan.Step{Panel: list[i*panels/n].Name, Action: plan.Create, Source: fmt.Sprintf("sites/customers-%d.yaml:%d", i%7, i%900+3), Why: "declared, not on the panel"}
		switch i % 50 {
		case 0:
			s.Kind, s.Key, s.Action, s.Why, s.Source = "user", fmt.Sprintf("gone%d", i), plan.Delete, "prune: name startsWith \"gone\"", ""
			s.TakesWithIt = []plan.Count{{Kind: "webdomain", Count: 3}, {Kind: "email", Count: 12}}
		case 1, 2, 3, 4:
			s.Kind, s.Key, s.Changes = "email", fmt.Sprintf("info%d@example.com", i), []plan.Change{set("forward", specs.List("boss@example.org", "desk@example.org"))}
			s.Secrets = []string{"passwd"}
		case 5, 6, 7, 8, 9, 10, 11, 12:
			s.Kind, s.Key, s.Action = "webdomain", fmt.Sprintf("shop%d.example.com", i), plan.Update
			s.Changes = []plan.Change{become("php_mode", specs.Text("php_mode_mod"), specs.Text("php_mode_fcgi_nginxfpm")), become("aliases", specs.List("www"), specs.List("www", "m"))}
		default:
			s.Kind, s.Key = "webdomain", fmt.Sprintf("site%d.example.com", i)
			s.Changes = []plan.Change{set("aliases", specs.List(fmt.Sprintf("www.site%d.example.com", i))), set("owner", specs.Text(fmt.Sprintf("u%d", i%100))), set("php_mode", specs.Text("php_mode_cgi"))}
		}
		steps[i] = s
	}
	return sealed(planOf(list, steps...))
}

// counting counts what is written.
type counting int

func (c *counting) Write(b []byte) (int, error) {
	*c += counting(len(b))
	return len(b), nil
}

// BenchmarkFormats writes a plan with 50,000 steps, and the report on it, in
// every format.
func BenchmarkFormats(b *testing.B) {
	const steps = 50_000
	p := largePlan(steps)
	r := reportOf(p, executor.Applied, nil)
	screen, paper := Style{Color: true, Width: 100}, Style{}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"plan/text", func(w io.Writer) error { return PlanText(w, p, paper) }},
		{"plan/text-terminal", func(w io.Writer) error { return PlanText(w, p, screen) }},
		{"plan/compact", func(w io.Writer) error { return PlanCompact(w, p, paper) }},
		{"plan/compact-verbose", func(w io.Writer) error { return PlanCompact(w, p, Style{Verbose: true}) }},
		{"plan/markdown", func(w io.Writer) error { return PlanMarkdown(w, p, MarkdownOptions{Apply: "ispsync apply plan.json"}) }},
		{"plan/html", func(w io.Writer) error { return PlanHTML(w, p) }},
		{"plan/json", func(w io.Writer) error { return plan.Write(w, p) }},
		{"report/text", func(w io.Writer) error { return ReportText(w, p, r, paper) }},
		{"report/markdown", func(w io.Writer) error { return ReportMarkdown(w, p, r) }},
		{"report/html", func(w io.Writer) error { return ReportHTML(w, p, r) }},
		{"metrics", func(w io.Writer) error { return Metrics(w, &RunFacts{Command: "apply", Plan: p, Report: r}) }},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			var size counting
			for b.Loop() {
				size = 0
				if err := f.write(&size); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/steps, "ns/step")
			b.ReportMetric(float64(size)/steps, "bytes/step")
		})
	}
}
