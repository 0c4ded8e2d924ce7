package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// The laws of the whole program: what must hold whatever the spec says and the
// panels hold. The laws of single packages stand beside those packages.

// checks sets how many random cases a law is tried on. A case here is several
// runs of the program, so there are fewer than rapid's hundred.
func checks(t *testing.T, n string) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f.Value.String() != f.DefValue {
		return // somebody asks for more
	}
	if err := flag.Set(f.Name, n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set(f.Name, f.DefValue) }) //nolint:errcheck // it was its value before
}

// TestLawApplyConverges: plans and drift write nothing and say the same each
// time, needs point backwards, apply does every step, and then nothing is left.
func TestLawApplyConverges(t *testing.T) {
	checks(t, "25")
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		if err := inBubble(t, func(t *testing.T) error { return converges(t, w) }); err != nil {
			rt.Fatalf("%v\n%s", err, w)
		}
	})
}

func converges(t *testing.T, w *world) error {
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	before := s.ends()
	first, r1, err := s.plan(exitOK)
	if err != nil {
		return err
	}
	_, r2, err := s.plan(exitOK)
	if err != nil {
		return err
	}
	if d := cmp.Diff(timeless(r1.stdout), timeless(r2.stdout)); d != "" {
		return fmt.Errorf("two plans of the same differ:\n%s", d)
	}
	if err := backwards(first); err != nil {
		return err
	}
	if _, err := s.run("drift", "-o", "compact"); err != nil {
		return err
	}
	if _, err := s.run("plan", "--out", s.path("plan.json")); err != nil {
		return err
	}
	if calls := s.writes(); len(calls) > 0 {
		return fmt.Errorf("plans and drift sent writing calls: %v", calls)
	}
	if d := cmp.Diff(before, s.ends()); d != "" {
		return fmt.Errorf("plans and drift changed panels:\n%s", d)
	}
	report, r, err := s.apply()
	if err != nil {
		return err
	}
	if err := accounted(first, report); err != nil || r.code != exitOK {
		return fmt.Errorf("apply: %v; %v", err, r)
	}
	return s.settled()
}

// settled fails when the spec and the panels differ.
func (s *stage) settled() error {
	p, r, err := s.plan(exitOK, "--detailed-exitcode")
	if err != nil {
		return fmt.Errorf("after apply: %w", err)
	}
	if len(p.Steps) > 0 {
		return fmt.Errorf("after apply there are steps: %v", r)
	}
	r, err = s.want(exitOK, "plan")
	if err == nil && !strings.Contains(r.stdout, "No changes.") {
		err = fmt.Errorf("after apply: %v", r)
	}
	return err
}

// timeless is a plan without what may differ between two plans of the same.
func timeless(text string) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return err.Error()
	}
	for _, name := range []string{"id", "created_at", "expires_at", "digest"} {
		// The bytes around the values must be the same too, so they are cut out of the text.
		text = string(bytes.Replace([]byte(text), fields[name], []byte("null"), 1))
	}
	return text
}

// backwards fails when a step needs one that is not before it on its panel.
func backwards(p *plan.Plan) error {
	before := map[string]string{} // panel by step
	for _, st := range p.Steps {
		for _, need := range st.Needs {
			if before[need] != st.Panel {
				return fmt.Errorf("%s needs %s, which is not before it on its panel", st.ID, need)
			}
		}
		if _, twice := before[st.ID]; twice {
			return fmt.Errorf("the step id %s is there twice", st.ID)
		}
		before[st.ID] = st.Panel
	}
	return nil
}

// accounted fails when a report does not hold one outcome for each step, or
// its summary is not the sum.
func accounted(p *plan.Plan, r *executor.Report) error {
	if len(p.Steps) != len(r.Outcomes) {
		return fmt.Errorf("%d steps, %d outcomes", len(p.Steps), len(r.Outcomes))
	}
	var sum executor.Summary
	counts := map[executor.What]*int{executor.Done: &sum.Done, executor.Failed: &sum.Failed, executor.Blocked: &sum.Blocked,
		executor.Stale: &sum.Stale, executor.Unknown: &sum.Unknown, executor.NotRun: &sum.NotRun}
	for i, o := range r.Outcomes {
		if st := p.Steps[i]; o.Step != st.ID || o.Ref != st.Ref || o.Action != st.Action || counts[o.Outcome] == nil {
			return fmt.Errorf("the outcome of %s is %+v", st.ID, o)
		}
		*counts[o.Outcome]++
	}
	if sum != r.Summary {
		return fmt.Errorf("the summary is %+v, the outcomes are %+v", r.Summary, sum)
	}
	return nil
}

// TestLawAnyOrder: however many panels and calls go side by side, however long
// they take, and in however many runs, the panels end alike.
func TestLawAnyOrder(t *testing.T) {
	checks(t, "10")
	ways := map[string][][]string{ // of apply
		"one panel at a time": {{"--parallelism", "1"}},
		"three at a time":     {{"--parallelism", "3", "--restart", "each"}},
		"all at once":         {{"--parallelism", "10", "--restart", "never"}},
		"a saved plan":        {{"PLAN"}},
		"users first":         {{"--target", "*/user/*"}, {}},
		"sites first":         {{"--target", "*/webdomain/*"}, {}},
		"a panel first":       {{"--panel", "web1"}, {}},
		"in waves":            {{"--waves", "1,50%", "--wave-pause", "1m"}},
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		var want any
		for i, way := range slices.Sorted(maps.Keys(ways)) {
			for n, d := range w.latencies(rt, "latency") {
				p := &w.panels[n]
				p.options.Latency, p.limits["writes"] = d, rapid.IntRange(1, 4).Draw(rt, "writes")
			}
			var ends any
			if err := inBubble(t, func(t *testing.T) (err error) {
				ends, err = w.applied(t, ways[way])
				return err
			}); err != nil {
				rt.Fatalf("%s: %v\n%s", way, err, w)
			}
			if i == 0 {
				want = ends
			} else if d := cmp.Diff(want, ends); d != "" {
				rt.Fatalf("%s: the panels end otherwise:\n%s\n%s", way, d, w)
			}
		}
	})
}

// applied applies the spec in several runs and gives what the panels hold then.
func (w *world) applied(t *testing.T, runs [][]string) (ends any, err error) {
	s, err := w.stage(t)
	if err != nil {
		return nil, err
	}
	for _, args := range runs {
		args = slices.Clone(args)
		if i := slices.Index(args, "PLAN"); i >= 0 {
			args[i] = s.path("plan.json")
			if _, err := s.want(exitOK, "plan", "--out", args[i]); err != nil {
				return nil, err
			}
		}
		if _, err := s.want(exitOK, append([]string{"apply", "--auto-approve"}, args...)...); err != nil {
			return nil, err
		}
	}
	return s.ends(), nil
}

// TestLawWorldsAreNotEmpty holds the generator against what the laws are worth:
// most random worlds have creates, updates and deletes.
func TestLawWorldsAreNotEmpty(t *testing.T) {
	var seen []plan.Action
	worlds := rapid.Custom(drawWorld)
	for seed := range 12 {
		w := worlds.Example(seed)
		if err := inBubble(t, func(t *testing.T) error {
			s, err := w.stage(t)
			if err != nil {
				return err
			}
			p, _, err := s.plan(exitOK)
			if err != nil {
				return err
			}
			for _, st := range p.Steps {
				seen = append(seen, st.Action)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []plan.Action{plan.Create, plan.Update, plan.Delete} {
		if n := len(slices.DeleteFunc(slices.Clone(seen), func(b plan.Action) bool { return a != b })); n < 20 {
			t.Errorf("12 worlds have %d steps that %s: the laws say little", n, a)
		}
	}
}
