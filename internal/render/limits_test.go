package render

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// sameSteps are n steps that do the same on one panel.
func sameSteps(n int, a plan.Action) *plan.Plan {
	steps := make([]plan.Step, n)
	for i := range steps {
		steps[i] = plan.Step{Panel: "web1", Kind: "user", Key: fmt.Sprint("u", i), Action: a}
		if a == plan.Update {
			steps[i].Changes = []plan.Change{become("limit_db", specs.Number(1), specs.Number(2))}
		}
	}
	return planOf([]plan.Panel{panel("web1", 1)}, steps...)
}

func TestWhatFoldsInTheCompactForm(t *testing.T) {
	for _, c := range []struct {
		plan  *plan.Plan
		lines int
		has   string
		lacks string
		why   string
	}{
		{sameSteps(3, plan.Update), 3, "web1 ~ user/u2  limit_db=1→2", " on ", "few equal updates keep their keys"},
		{sameSteps(4, plan.Update), 1, "~ limit_db 1 → 2 on 4 users of web1", "u3", "more share a line"},
		{sameSteps(3, plan.Delete), 3, "web1 - user/u2", ":", "few deletes have a line each"},
		{sameSteps(20, plan.Delete), 1, "web1/u19", " more", "twenty keys are all listed"},
		{sameSteps(21, plan.Delete), 1, "web1/u19 and 1 more", "web1/u20", "the twenty-first is not, and the line says so"},
	} {
		body, _, _ := strings.Cut(write(t, func(w io.Writer) error { return PlanCompact(w, c.plan, Style{}) }), "\n\n")
		if n := strings.Count(body, "\n") + 1; n != c.lines || !strings.Contains(body, c.has) || strings.Contains(body, c.lacks) {
			t.Errorf("%s: %d lines, want %d with %q and without %q:\n%s", c.why, n, c.lines, c.has, c.lacks, body)
		}
	}
}

// Kept reasons and warnings past a limit are counted, and all listed when
// Verbose; errors always are.
func TestLongListsAreCounted(t *testing.T) {
	p := planOf([]plan.Panel{panel("web1", 1)})
	for i := range 10 {
		p.Kept = append(p.Kept, plan.Kept{Ref: specs.Ref{Panel: "web1", Kind: "user", Key: fmt.Sprint("u", i)}, Why: fmt.Sprintf("reason %02d", i)})
	}
	for i := range 13 {
		p.Findings = append(p.Findings,
			plan.Finding{Severity: plan.Error, Code: plan.CodeProtected, Ref: fmt.Sprint("web1/user/e", i), Message: "no"},
			plan.Finding{Severity: plan.Warning, Code: plan.CodePolicy, Ref: fmt.Sprint("web1/user/w", i), Message: "hm"})
	}
	for _, c := range []struct {
		verbose                bool
		kept, errors, warnings int
		keptMore, warningsMore string
	}{
		{false, 9, 13, 11, "kept: 2 for other reasons (-v lists them)\n", "Warning: 3 more like these (-v lists them)  [policy]\n"},
		{true, 10, 13, 13, "kept: web1/user/u9  (reason 09)\n", "Warning: web1/user/w12: hm  [policy]\n"},
	} {
		out := write(t, func(w io.Writer) error { return PlanText(w, p, Style{Verbose: c.verbose}) })
		for begin, want := range map[string]int{"kept: ": c.kept, "Error: ": c.errors, "Warning: ": c.warnings} {
			if n := strings.Count(out, begin); n != want {
				t.Errorf("verbose %v: %d lines begin with %q, want %d:\n%s", c.verbose, n, begin, want, out)
			}
		}
		if !strings.Contains(out, c.keptMore) || !strings.Contains(out, c.warningsMore) {
			t.Errorf("verbose %v: lacks %q or %q:\n%s", c.verbose, c.keptMore, c.warningsMore, out)
		}
	}
}
