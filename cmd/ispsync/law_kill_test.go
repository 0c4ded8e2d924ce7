package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
)

// Deaths in a bubble. A process cannot be killed in there, so its run becomes a
// ghost: at the line where it dies the state directory is copied and every
// connection is cut, for good. Whatever the ghost does until it comes to its end
// reaches nobody: no panel, and not the state directory either, of which the copy
// is put in its place. Its time did not pass: panels do not see it, and the
// times in journals are moved forward by it. So whoever comes next comes in the
// very moment of the death.

// ghostClock is the clock of the panels.
type ghostClock struct {
	mu     sync.Mutex
	away   time.Duration // that did not pass
	frozen time.Time     // of the death, while a ghost is about
}

func (c *ghostClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.frozen.IsZero() {
		return c.frozen
	}
	return time.Now().Add(-c.away)
}

// freeze stops the clock at a death; wake lets it go on when the ghost has come to
// its end, and says how long that was.
func (c *ghostClock) freeze() (death time.Time) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = now
	return time.Now()
}

func (c *ghostClock) wake(death time.Time) (away time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	away = time.Since(death)
	c.away, c.frozen = c.away+away, time.Time{}
	return away
}

func (s *stage) isCut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut
}

// cutConnections ends every connection, and lets none be made.
func (s *stage) cutConnections() {
	s.mu.Lock()
	s.cut = true
	var open []net.Conn
	for c := range s.conns {
		open = append(open, c.Conn)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// killed runs a command that dies at a line of its journal, if it comes so far.
func (s *stage) killed(d dyingSpec, args ...string) (r ran, died bool, err error) {
	var death time.Time
	var copied error
	s.journalFile = func(f executor.JournalFile) executor.JournalFile {
		return &dyingFile{pieces: f.(*pieces), spec: d, die: func() {
			copied = os.CopyFS(s.path("last"), os.DirFS(s.path("state")))
			death = s.clock.freeze()
			s.cutConnections()
		}}
	}
	r, err = s.run(args...)
	s.journalFile = nil
	if err != nil || death.IsZero() {
		return r, false, err
	}
	away := s.clock.wake(death)
	s.mu.Lock()
	s.cut = false
	s.mu.Unlock()
	if copied != nil {
		return r, true, copied
	}
	if err := os.RemoveAll(s.path("state")); err != nil {
		return r, true, err
	}
	if err := os.Rename(s.path("last"), s.path("state")); err != nil {
		return r, true, err
	}
	return r, true, forward(s.path("state"), away)
}

// forward moves the times in all journals.
func forward(state string, by time.Duration) error {
	names, err := filepath.Glob(filepath.Join(state, "runs", "*", "journal-*.jsonl"))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		lines := bytes.Split(text, []byte("\n"))
		for i, b := range lines {
			var l executor.Line
			if json.Unmarshal(b, &l) != nil {
				continue // torn
			}
			l.Time = l.Time.Add(by)
			if lines[i], err = json.Marshal(l); err != nil {
				return err
			}
		}
		if err := os.WriteFile(name, bytes.Join(lines, []byte("\n")), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// open lists the steps that runs left open.
func (s *stage) openSteps() (refs []string, err error) {
	dir := stateDir(s.path("state"))
	ids, err := dir.openRuns()
	for _, id := range ids {
		rec, err := dir.record(id)
		if err != nil {
			return nil, err
		}
		for _, st := range rec.Steps {
			if st.Doubtful() {
				refs = append(refs, id+" "+st.Ref.String())
			}
		}
	}
	return refs, err
}

// lateFaults are those after which a change lands when its run may be dead.
var lateFaults = []simpanel.Fault{simpanel.DropLate, simpanel.HangLate}

// killings is how a law kills.
type killings struct {
	deaths []dyingSpec
	saved  bool
	rates  map[simpanel.Fault]float64
}

func drawKillings(rt *rapid.T) (k killings) {
	for range rapid.IntRange(1, 3).Draw(rt, "deaths") {
		k.deaths = append(k.deaths, dyingSpec{Line: rapid.IntRange(1, 40).Draw(rt, "line"), How: rapid.SampledFrom(deaths).Draw(rt, "how")})
	}
	k.saved = rapid.Bool().Draw(rt, "saved plan")
	k.rates = map[simpanel.Fault]float64{}
	if !k.saved {
		for _, f := range append(append([]simpanel.Fault{}, flakyFaults...), lateFaults...) {
			k.rates[f] = float64(rapid.IntRange(0, 3).Draw(rt, string(f))) / 100
		}
	}
	return k
}

// TestLawKilledAnywhere: killed at any lines of their journals, once or again,
// on good and bad days, with several panels and calls in flight, runs that are
// followed by one more end where an undisturbed run ends; nothing is made twice, and
// nothing stays unknown. A saved plan that is continued ends the same.
func TestLawKilledAnywhere(t *testing.T) {
	checks(t, "30")
	died := 0
	rapid.Check(t, func(rt *rapid.T) {
		w, k := drawWorld(rt), drawKillings(rt)
		for i := range w.panels {
			w.panels[i].options.Seed = rapid.Uint64().Draw(rt, "seed")
		}
		if err := inBubble(t, func(t *testing.T) error {
			want, err := w.applied(t, [][]string{{}})
			if err != nil {
				return err
			}
			got, n, err := w.killed(t, k)
			if died += n; err != nil {
				return err
			}
			if d := cmp.Diff(want, got); d != "" {
				return fmt.Errorf("the panels end otherwise:\n%s", d)
			}
			return nil
		}); err != nil {
			rt.Fatalf("%v\n%+v\n%s", err, k, w)
		}
	})
	t.Logf("%d deaths", died)
}

// killed applies as a law kills, and gives what the panels hold when all is done.
func (w *world) killed(t *testing.T, k killings) (ends any, died int, err error) {
	s, err := w.stage(t)
	if err != nil {
		return nil, 0, err
	}
	args := []string{"apply", "--auto-approve"}
	if k.saved {
		args = []string{"apply", s.path("plan.json")}
		if _, err := s.want(exitOK, "plan", "--out", s.path("plan.json")); err != nil {
			return nil, 0, err
		}
	}
	for _, p := range s.panels {
		p.SetFaults(simpanel.Faults{Rates: k.rates, LateBy: 10 * time.Second})
	}
	var last ran
	for _, d := range k.deaths {
		r, dead, err := s.killed(d, args...)
		if err != nil {
			return nil, died, err
		}
		if last = r; !dead {
			break
		}
		died++
		last.code = exitError
		if k.saved {
			if args = s.goOn(args); args == nil {
				break
			}
		}
	}
	for _, p := range s.panels {
		p.SetFaults(simpanel.Faults{})
		p.Down(0) // one that does not answer at all when a run begins is given up
	}
	// On a bad day a panel that tells no total may have left out a row, and nobody
	// could know. So there is always a good day after it.
	if !k.saved || last.code != exitOK && args != nil {
		if last, err = s.want(exitOK, args...); err != nil {
			return nil, died, fmt.Errorf("after %d deaths: %w", died, err)
		}
	}
	left, err := s.openSteps()
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("still open: %v", left)
	}
	if err == nil {
		err = s.madeOnce()
	}
	if err != nil {
		return nil, died, err
	}
	ends = s.ends()
	if err := s.settled(); err != nil {
		return nil, died, fmt.Errorf("%w\nafter %d deaths, the last run: %v", err, died, last)
	}
	return ends, died, nil
}

// goOn is how a saved plan goes on after a death: as before when its run had not
// begun to apply it, or was not yet the one that continues another; nil when all
// that it did not come to was its report.
func (s *stage) goOn(args []string) []string {
	dir := stateDir(s.path("state"))
	ids, err := dir.runs()
	if err != nil || len(ids) == 0 {
		return args
	}
	rec, err := dir.record(ids[0])
	if err != nil {
		return args
	}
	if rec.Whole() {
		return nil
	}
	if by, _ := dir.applied(rec.PlanDigest); rec.Start.Resumes == "" && by != ids[0] || rec.Start.Resumes != "" && dir.resumedBy(rec.Start.Resumes) != ids[0] {
		return args
	}
	return []string{"resume", ids[0]}
}

// TestSoughtForADay: a list that tells what became of a step cannot be read, and
// perhaps never can again. Runs say so for a day, and then no more.
func TestSoughtForADay(t *testing.T) {
	if err := inBubble(t, func(t *testing.T) error {
		w := &world{spec: map[string]any{"resources": map[string]any{"domain.record": []any{
			map[string]any{"name": "mail", "plid": "example.com", "rtype": "a", "value": "192.0.2.25"},
		}}}, panels: []worldPanel{{options: simpanel.Options{Name: "web1"}, limits: map[string]int{}, auth: "session",
			live: []liveResource{{"user", "alice", nil}, {"domain", "example.com", map[string]string{"owner": "alice"}}}}}}
		s, err := w.stage(t)
		if err != nil {
			return err
		}
		if _, died, err := s.killed(dyingSpec{Line: 2, How: afterLine}, "apply", "--auto-approve"); err != nil || !died {
			return fmt.Errorf("died: %v, %v", died, err)
		}
		s.panels["web1"].SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
			if c.Func == "domain.record" {
				return simpanel.ErrorInList
			}
			return ""
		}})
		for _, named := range []bool{true, true, false} {
			r, err := s.run("apply", "--auto-approve", "--target", "web1/none/*")
			if err != nil {
				return err
			}
			if told := strings.Contains(r.stderr, "nobody knew what became of 1 step"); told != named {
				return fmt.Errorf("named: %v; %v", told, r)
			}
			time.Sleep(25 * time.Hour)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
