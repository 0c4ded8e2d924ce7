package main

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// exitScenario makes a run end with a code, on two panels on which every call
// takes a second.
type exitScenario struct {
	why  string
	code exitCode
	// set prepares the stage; nil: nothing.
	set  func(t *testing.T, s *stage)
	args []string
}

var apply = []string{"apply", "--auto-approve"}

var exitScenarios = []exitScenario{
	{"a plan with changes", exitOK, nil, []string{"plan"}},
	{"an apply", exitOK, nil, apply},
	{"a report that cannot be written", exitError, nil, append(apply[:2:2], "--report", "/nonexistent/report.json")},
	{"a state directory that is a file", exitError, func(t *testing.T, s *stage) { put(t, s.path("state"), "") }, apply},
	{"a plan that cannot be saved", exitError, nil, []string{"plan", "--out", "/nonexistent/plan.json"}},
	{"changes, asked for", exitChanges, nil, []string{"plan", "--detailed-exitcode"}},
	{"drift", exitChanges, nil, []string{"drift"}},
	{"a panel that is down", exitPartial, down("web2"), []string{"plan"}},
	{"a panel that is down, and changes", exitPartial, down("web2"), []string{"drift"}},
	{"a panel that is down, and a report that cannot be written", exitPartial, down("web2"), append(apply[:2:2], "--report", "/nonexistent/report.json")},
	{"a step that failed", exitPartial, func(_ *testing.T, s *stage) { s.panels["web1"].SetFaults(ignoreWrites) }, apply},
	{"a panel that refuses the account", exitPartial, refuse("web2"), []string{"plan"}},
	{"a plan that is none", exitStale, func(t *testing.T, s *stage) { put(t, s.path("plan.json"), "{}") }, []string{"apply", "PLAN"}},
	{"too many deletes", exitRail, tooMany, apply},
	{"too many deletes, and a panel that is down", exitRail, both(tooMany, down("web2")), apply},
	{"a plan of too many deletes", exitOK, tooMany, []string{"plan"}},
	{"a flag that is none", exitUsage, nil, []string{"plan", "--surprise"}},
	{"a spec that is none", exitUsage, func(t *testing.T, s *stage) { put(t, s.path("spec.yaml"), "resources: 7") }, []string{"plan"}},
	{"nobody to ask", exitUsage, nil, []string{"apply"}},
	{"nobody to ask, and a panel that is down", exitUsage, down("web2"), []string{"apply"}},
	{"a reference to nothing", exitUsage, orphan, []string{"plan"}},
	{"a reference to nothing, and changes", exitUsage, orphan, []string{"drift"}},
	{"a reference to nothing, and too many deletes", exitUsage, both(orphan, tooMany), apply},
	{"every panel refuses the account", exitRefused, both(refuse("web1"), refuse("web2")), []string{"plan"}},
	{"every panel refuses the account of an apply", exitRefused, both(refuse("web1"), refuse("web2")), apply},
	{"a lock that is held", exitLocked, held, apply},
	{"a lock that is held, and panels that refuse", exitLocked, both(held, refuse("web1"), refuse("web2")), apply},
	{"time is over while reading", exitInterrupted, nil, []string{"plan", "--timeout", "500ms"}},
	{"time is over before writing", exitInterrupted, nil, append(apply[:2:2], "--timeout", "500ms")},
	{"time is over, and a panel is down", exitInterrupted, down("web2"), append(apply[:2:2], "--timeout", "500ms")},
}

var ignoreWrites = simpanel.Faults{Rates: map[simpanel.Fault]float64{simpanel.Ignore: 1}}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func both(sets ...func(*testing.T, *stage)) func(*testing.T, *stage) {
	return func(t *testing.T, s *stage) {
		for _, set := range sets {
			set(t, s)
		}
	}
}

func down(panel string) func(*testing.T, *stage) {
	return func(_ *testing.T, s *stage) { s.panels[panel].Close() } //nolint:errcheck // it cannot fail
}

// refuse makes a panel refuse what the spec logs in with.
func refuse(panel string) func(*testing.T, *stage) {
	return func(_ *testing.T, s *stage) {
		s.panels[panel].Put("user", "root", map[string]string{"passwd": "another"})
	}
}

// tooMany are more users to prune than may go.
func tooMany(_ *testing.T, s *stage) { s.panels["web1"].Seed(5, 0) }

// orphan leaves a site that is to be made without its owner.
func orphan(_ *testing.T, s *stage) {
	for _, p := range s.panels {
		p.Delete("user", "olga")
	}
}

func held(t *testing.T, s *stage) {
	dir := stateDir(s.path("state"))
	if err := dir.make(); err != nil {
		t.Fatal(err)
	}
	h, err := dir.lock(t.Context(), []string{"web1"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.release)
}

// TestLawExitCodes: every code of the table, alone and where several fit.
func TestLawExitCodes(t *testing.T) {
	seen := map[exitCode]bool{}
	for _, sc := range exitScenarios {
		seen[sc.code] = true
		t.Run(fmt.Sprintf("%d %s", sc.code, sc.why), func(t *testing.T) {
			if err := inBubble(t, sc.check); err != nil {
				t.Error(err)
			}
		})
	}
	for _, row := range exitTable {
		if !seen[row.code] {
			t.Errorf("no scenario ends with %d (%s)", row.code, row.meaning)
		}
	}
}

func (sc exitScenario) check(t *testing.T) error {
	w := &world{spec: map[string]any{
		"resources": map[string]any{
			"user":      []any{map[string]any{"name": "alice", "panels": "all", "passwd": "${secret.env('SIM_PASSWORD')}"}},
			"webdomain": []any{map[string]any{"name": "shop.example.com", "panels": "all", "owner": "olga"}},
		},
		"prune": map[string]any{"user": `name startsWith "u0"`},
	}}
	for _, name := range []string{"web1", "web2"} {
		w.panels = append(w.panels, worldPanel{options: simpanel.Options{Name: name, Latency: time.Second}, limits: map[string]int{"writes": 1}, auth: "session",
			live: []liveResource{{"user", "olga", nil}}})
	}
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	if sc.set != nil {
		sc.set(t, s)
	}
	args := append([]string{}, sc.args...)
	for i, a := range args {
		if a == "PLAN" {
			args[i] = s.path("plan.json")
		}
	}
	_, err = s.want(sc.code, args...)
	return err
}

// TestLawWorstCode holds the code that wins against the contract: the first of
// its list, for any two.
func TestLawWorstCode(t *testing.T) {
	order := []exitCode{130, 6, 8, 7, 4, 5, 3, 1, 2, 0} // contract section 5
	for i, a := range order {
		for j, b := range order {
			want := order[min(i, j)]
			if got := worst(a, b); got != want {
				t.Errorf("worst(%d, %d) is %d, want %d", a, b, got, want)
			}
		}
		if got := codeOf(fail(a, "x")); a != exitOK && got != a {
			t.Errorf("an error of code %d ends with %d", a, got)
		}
	}
	if got := codeOf(errors.New("x")); got != exitError {
		t.Errorf("an error without a code ends with %d", got)
	}
}
