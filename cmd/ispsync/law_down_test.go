package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
)

// Panels that go down under a run: restarted by somebody else, they are waited
// for; dead, they cost little and hold up nobody.

// TestLawRestartedAnywhere: somebody restarts the panel at any one of the run's
// calls, reads too, for half a minute; all sessions end. The run comes through by
// itself and ends where the undisturbed run ends, with nothing made twice, under
// each restart policy.
func TestLawRestartedAnywhere(t *testing.T) {
	for _, policy := range []string{"end", "each", "never"} {
		calm, calls := restartedAt(t, -1, policy)
		if policy == "each" && calls <= 25 {
			t.Fatalf("the undisturbed run made %d calls: each restart is to be among them", calls)
		}
		// A panel that dies on the very first call has never answered, and is
		// given up; the last call ends the session, and nobody minds.
		for nth := 1; nth < calls-1; nth++ {
			got, _ := restartedAt(t, nth, policy)
			if d := cmp.Diff(calm.ends, got.ends); d != "" {
				t.Errorf("--restart %s, at call %d: the panel ends otherwise:\n%s", policy, nth, d)
			}
			if err := twins(got.calls); err != nil {
				t.Errorf("--restart %s, at call %d: %v", policy, nth, err)
			}
			if got.code != exitOK {
				t.Errorf("--restart %s, at call %d: exit code %d", policy, nth, got.code)
			}
		}
	}
}

// restartedAt applies the fixed plan while somebody restarts the panel at the nth
// call (from 0), and says how many calls there were.
func restartedAt(t *testing.T, nth int, policy string) (out *replyRun, calls int) {
	t.Helper()
	if err := inBubble(t, func(t *testing.T) error {
		s, err := replyStage(t, simpanel.Options{})
		if err != nil {
			return err
		}
		p, _, err := s.plan(exitOK)
		if err != nil {
			return err
		}
		web1 := s.panels["web1"]
		web1.ResetCalls()
		web1.SetFaults(simpanel.Faults{DownFor: 30 * time.Second, Hook: func(c simpanel.Call) simpanel.Fault {
			if c.N-1 == nth {
				return simpanel.Restarted
			}
			return ""
		}})
		out, err = s.runAndMend(p, "--restart", policy)
		calls = len(web1.Calls())
		for what, n := range web1.Made() {
			if n > 1 {
				err = fmt.Errorf("%s was made %d times", what, n)
			}
		}
		return err
	}); err != nil {
		t.Fatalf("restarted at call %d with --restart %s: %v", nth, policy, err)
	}
	return out, calls
}

// TestDeadMidLane: of two panels one dies for good in the middle of its lane. It
// is waited for once, the rest of its lane is not run, and the other's is.
func TestDeadMidLane(t *testing.T) {
	if err := inBubble(t, func(t *testing.T) error {
		users := []any{}
		for i := range 40 {
			users = append(users, map[string]any{"name": fmt.Sprintf("user%d", i), "passwd": "${secret.env('SIM_PASSWORD')}", "panels": "all"})
		}
		w := &world{spec: map[string]any{"resources": map[string]any{"user": users}}, panels: []worldPanel{
			{options: simpanel.Options{Name: "web1"}, limits: map[string]int{"writes": 1}, auth: "session"},
			{options: simpanel.Options{Name: "web2"}, limits: map[string]int{"writes": 1}, auth: "session"},
		}}
		s, err := w.stage(t)
		if err != nil {
			return err
		}
		web1 := s.panels["web1"]
		web1.SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
			if c.Write && c.OfFunc == 11 {
				web1.Down(24 * time.Hour)
			}
			return ""
		}})
		began := time.Now()
		report, r, err := s.apply()
		if err != nil {
			return err
		}
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("one dead panel took %v", took)
		}
		got := map[string]map[executor.What]int{"web1": {}, "web2": {}}
		for _, o := range report.Outcomes {
			got[o.Ref.Panel][o.Outcome]++
		}
		want := map[string]map[executor.What]int{"web1": {executor.Done: 10, executor.Unknown: 1, executor.NotRun: 29}, "web2": {executor.Done: 40}}
		if d := cmp.Diff(want, got); d != "" || r.code != exitPartial {
			t.Errorf("%s\n%v", d, r)
		}
		web1.SetFaults(simpanel.Faults{})
		web1.Down(0)
		if _, err := s.want(exitOK, "apply", "--auto-approve"); err != nil {
			return err
		}
		for what, n := range web1.Made() {
			if n > 1 {
				t.Errorf("%s was made %d times", what, n)
			}
		}
		return s.settled()
	}); err != nil {
		t.Fatal(err)
	}
}

// TestManyPanels: with ten times as many panels, a run has no more connections
// and no more goroutines at a time: --parallelism bounds both.
func TestManyPanels(t *testing.T) {
	const parallelism = 10
	type peak struct{ connections, goroutines int }
	run := func(panels int) (p peak) {
		if err := inBubble(t, func(t *testing.T) error {
			w := &world{spec: map[string]any{"resources": map[string]any{"user": []any{
				map[string]any{"name": "alice", "passwd": "${secret.env('SIM_PASSWORD')}", "panels": "all"},
				map[string]any{"name": "bob", "passwd": "${secret.env('SIM_PASSWORD')}", "panels": "all"},
			}, "domain": []any{map[string]any{"name": "example.org", "owner": "alice", "panels": "all"}}}}}
			for i := range panels {
				w.panels = append(w.panels, worldPanel{options: simpanel.Options{Name: fmt.Sprintf("web%d", i), Latency: 10 * time.Millisecond}, auth: "session", limits: map[string]int{"reads": 4}})
			}
			s, err := w.stage(t)
			if err != nil {
				return err
			}
			if _, err := s.want(exitOK, "apply", "--auto-approve", "--parallelism", fmt.Sprint(parallelism)); err != nil {
				return err
			}
			p = peak{s.mostOpen, s.mostGoroutines - panels} // each simulated panel has one of its own
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return p
	}
	few, many := run(30), run(300)
	t.Logf("30 panels: %+v; 300 panels: %+v", few, many)
	if most := parallelism * (4 + 1); many.connections > most {
		t.Errorf("%d connections at a time; reads and writes of %d panels are %d", many.connections, parallelism, most)
	}
	if many.goroutines > few.goroutines+few.goroutines/5 {
		t.Errorf("%d goroutines for 300 panels, %d for 30", many.goroutines, few.goroutines)
	}
}
