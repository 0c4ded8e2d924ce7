package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/internal/simpanel"
)

// runs is what `runs` lists.
func (g *ground) runs() (out []render.Run) {
	g.t.Helper()
	r := g.run(exitOK, "runs", "-o", "json")
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		g.t.Fatalf("%v\n%v", err, r)
	}
	return out
}

// cutOff fails unless the last run is listed as cut off. Killed before its first
// line was whole, it is not listed: it did nothing.
func (g *ground) cutOff(d dyingSpec) (run string) {
	g.t.Helper()
	rs := g.runs()
	if d.Line == 1 && d.How != afterLine {
		if len(rs) != g.begun {
			g.t.Errorf("it did nothing, and is listed: %+v", rs)
		}
		return ""
	}
	if g.begun++; len(rs) != g.begun {
		g.t.Errorf("of %d runs these are listed: %+v", g.begun, rs)
	}
	want := "cut off"
	if d.Line == g.lines && d.How == afterLine {
		want = "applied" // all that it did not come to is its report
	}
	if rs[0].Result != want {
		g.t.Errorf("it was killed %s %d: %+v", d.How, d.Line, rs[0])
	}
	return rs[0].ID
}

// TestKilledAtEveryLine: killed before or after any line of its journal, or with
// half of what the disk was not told yet, a run is completed by running apply
// again: what nobody knew about is named and settled, and the panel ends as if
// nothing had happened, with everything made once.
func TestKilledAtEveryLine(t *testing.T) {
	ends, lines := calmly(t)
	for line := 1; line <= lines; line++ {
		for _, how := range deaths {
			if how == powerCut && line%3 != 1 {
				continue // one in three says as much
			}
			d := dyingSpec{Line: line, How: how}
			t.Run(fmt.Sprintf("%s %d", how, line), func(t *testing.T) {
				t.Parallel()
				g := newGround(t)
				g.lines = lines
				g.dies(d, "apply", "--auto-approve")
				g.cutOff(d)
				open := g.doubtful()
				rep, r := g.report("apply", "--auto-approve")
				g.named(open, rep, r)
				g.ended(ends)
			})
		}
	}
}

// TestKilledSavedPlan: the same with a saved plan. It is not applied again but
// continued, and the run that continues it is killed too, before a third brings
// it to its end.
func TestKilledSavedPlan(t *testing.T) {
	ends, lines := calmly(t)
	for line := 1; line <= lines; line++ {
		first := dyingSpec{Line: line, How: deaths[line%len(deaths)]}
		second := dyingSpec{Line: 1 + line*7%5, How: deaths[line/2%len(deaths)]} // among its first lines: it has few when much is done
		t.Run(fmt.Sprintf("%s %d", first.How, line), func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			g.lines = lines
			g.run(exitOK, "plan", "--out", g.path("plan.json"))
			g.dies(first, "apply", g.path("plan.json"))
			id := g.cutOff(first)
			again := []string{"apply", g.path("plan.json")}
			if first == (dyingSpec{Line: lines, How: afterLine}) {
				g.run(exitStale, again...) // it was done
				g.ended(ends)
				return
			}
			if id != "" && stateHas(g, id) {
				r := g.run(exitStale, again...)
				if !strings.Contains(r.stderr, "ispsync resume "+id) {
					t.Errorf("it does not say how to go on: %v", r)
				}
				again = []string{"resume", id}
			}
			g.dies(second, again...)
			if by := g.cutOff(second); by != "" && stateHas(g, by) {
				r := g.run(exitStale, "apply", g.path("plan.json"))
				if !strings.Contains(r.stderr, "ispsync resume "+by) {
					t.Errorf("it does not say how to go on: %v", r)
				}
				again = []string{"resume", by}
			}
			g.report(again...)
			if left := g.doubtful(); len(left) > 0 {
				t.Errorf("still open: %v", left)
			}
			g.ended(ends)
			g.run(exitStale, "apply", g.path("plan.json"))
		})
	}
}

// stateHas reports whether a run got as far as being the one that applies, or
// continues, the plan.
func stateHas(g *ground, id string) bool {
	dir := stateDir(g.path("state"))
	rec, err := dir.record(id)
	if err != nil {
		g.t.Fatal(err)
	}
	if rec.Start.Resumes != "" {
		return dir.resumedBy(rec.Start.Resumes) == id
	}
	by, err := dir.applied(rec.PlanDigest)
	if err != nil {
		g.t.Fatal(err)
	}
	return by == id
}

// TestKilledInFlight kills the process while each of its writing calls is on the
// panel: the panel does it all the same, at once or later, or never.
func TestKilledInFlight(t *testing.T) {
	g := newGround(t)
	g.report("apply", "--auto-approve")
	ends, calls := any(g.sim.Snapshot()), 0
	for _, c := range g.sim.Calls() {
		if c.Write {
			calls++
		}
	}
	for nth := 1; nth <= calls; nth++ {
		for name, fault := range map[string]simpanel.Fault{"done": "", "done later": simpanel.DropLate, "not done": simpanel.DropBefore} {
			t.Run(fmt.Sprintf("call %d is %s", nth, name), func(t *testing.T) {
				t.Parallel()
				g := newGround(t)
				cmd, said := g.child(dyingSpec{}, "apply", "--auto-approve")
				started := make(chan *os.Process, 1)
				var seen atomic.Int64
				g.sim.SetFaults(simpanel.Faults{LateBy: 400 * time.Millisecond, Hook: func(c simpanel.Call) simpanel.Fault {
					if !c.Write {
						return ""
					}
					if seen.Add(1) != int64(nth) {
						return ""
					}
					(<-started).Kill() //nolint:errcheck // waited for below
					return fault
				}})
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				started <- cmd.Process
				if err := cmd.Wait(); !wasKilled(err) {
					t.Fatalf("%v\n%s", err, said)
				}
				g.sim.SetFaults(simpanel.Faults{})
				if fault == simpanel.DropLate {
					g.lands = time.Second
				}
				open := g.doubtful()
				rep, r := g.report("apply", "--auto-approve")
				g.named(open, rep, r)
				g.ended(ends)
			})
		}
	}
}

// TestHalfMadeIsRemembered: a suspended account was made but not yet suspended
// when its run was killed, and a run about something else settled that. The run
// that continues the plan suspends it all the same.
func TestHalfMadeIsRemembered(t *testing.T) {
	g := newGround(t)
	g.run(exitOK, "plan", "--out", g.path("plan.json"))
	g.dies(dyingSpec{Line: g.lineOf(`"func":"user.suspend"`), How: beforeLine}, "apply", g.path("plan.json"))
	spec, err := os.ReadFile(g.path("spec.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	panels, _, _ := strings.Cut(string(spec), "\nresources:")
	if err := os.WriteFile(g.path("panels.yaml"), []byte(panels+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := g.run(exitOK, "apply", "--auto-approve", "-f", g.path("panels.yaml"))
	if !strings.Contains(r.stderr, "web1/user/bob: not done: ") {
		t.Errorf("%v", r)
	}
	g.report("resume", "last")
	ends, _ := calmly(t)
	g.ended(ends)
}

// lineOf is the line of an undisturbed run's journal that holds a text.
func (g *ground) lineOf(text string) int {
	g.t.Helper()
	calm := newGround(g.t)
	calm.report("apply", "--auto-approve")
	dir := stateDir(calm.path("state"))
	ids, err := dir.runs()
	if err != nil {
		g.t.Fatal(err)
	}
	journal, err := os.ReadFile(dir.run(ids[0], "journal-0001.jsonl"))
	if err != nil {
		g.t.Fatal(err)
	}
	for n, line := range strings.Split(string(journal), "\n") {
		if strings.Contains(line, text) {
			return n + 1
		}
	}
	g.t.Fatalf("no line has %s:\n%s", text, journal)
	return 0
}
