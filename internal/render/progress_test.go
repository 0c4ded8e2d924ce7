package render

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// runEvents feeds a whole run of a plan with the outcomes of a report.
func runEvents(p *Progress, pl *plan.Plan, r *executor.Report) {
	p.Begin(pl)
	for i := range r.Panels {
		l := &r.Panels[i]
		p.Observe(executor.Event{Kind: executor.LaneBegan, Panel: l.Name})
		for j := range r.Outcomes {
			o := &r.Outcomes[j]
			if o.Ref.Panel != l.Name {
				continue
			}
			p.Observe(executor.Event{Kind: executor.StepBegan, Panel: l.Name, Step: &pl.Steps[j]})
			p.Observe(executor.Event{Kind: executor.StepEnded, Panel: l.Name, Step: &pl.Steps[j], Outcome: o})
		}
		p.Observe(executor.Event{Kind: executor.Waiting, Panel: l.Name, Note: "restart"})
		p.Observe(executor.Event{Kind: executor.LaneEnded, Panel: l.Name, Lane: l})
	}
}

func TestPlainProgress(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		name := map[bool]string{false: "progress-plain", true: "progress-plain-verbose"}[verbose]
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			p := NewProgress(&b, []string{"web1", "web2", "web3"}, ProgressOptions{Style: Style{Verbose: verbose}})
			for _, n := range []string{"web1", "web2", "web3"} {
				p.Read(Reading{Panel: n})
			}
			p.Read(Reading{Panel: "web2", Ended: true, Resources: 8, Requests: 2})
			p.Read(Reading{Panel: "web3", Ended: true, Requests: 1, Error: "connection refused\nbadly"})
			p.Read(Reading{Panel: "web1", Ended: true, Resources: 12, Requests: 3})
			pl, r := partialReport()
			runEvents(p, pl, r)
			p.Stop()
			p.Observe(executor.Event{Kind: executor.LaneEnded, Panel: "web1", Lane: &executor.LaneEnd{Error: "too late"}})
			golden(t, name, b.Bytes())
		})
	}
}

// Plain progress never sends control codes, whatever the texts hold.
func TestPlainProgressIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pl := anyPlan(t, anyText())
		r := anyReport(t, pl)
		var b bytes.Buffer
		p := NewProgress(&b, nil, ProgressOptions{Style: Style{Verbose: rapid.Bool().Draw(t, "verbose")}})
		p.Read(Reading{Panel: anyText().Draw(t, "panel"), Ended: true, Error: anyText().Draw(t, "error")})
		runEvents(p, pl, r)
		p.Stop()
		if c, bad := hidden(b.String()); bad {
			t.Fatalf("U+%04X reached the output:\n%q", c, b.String())
		}
	})
}

// screen is as much of a terminal as the bars need. It fails on any sequence it
// does not know, so nothing else is ever sent.
type screen struct {
	mu     sync.Mutex
	wide   int
	lines  [][]rune
	row    int
	col    int
	failed error
}

var sequence = regexp.MustCompile("^\x1b\\[([0-9;]*)([AJKm])")

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := string(b); text != ""; {
		if m := sequence.FindStringSubmatch(text); m != nil {
			s.control(m[1], m[2])
			text = text[len(m[0]):]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch {
		case r == '\n':
			s.row, s.col = s.row+1, 0
		case r < ' ':
			s.failed = fmt.Errorf("control character %q before %q", r, text)
		default:
			s.put(r)
		}
	}
	return len(b), nil
}

func (s *screen) control(arg, code string) {
	switch code {
	case "A":
		n, err := strconv.Atoi(arg)
		if s.row -= n; err != nil || s.row < 0 {
			s.failed = errors.Join(err, errors.New("the cursor left the screen"))
			s.row = 0
		}
	case "J":
		s.lines = s.lines[:min(len(s.lines), s.row+1)]
		s.cut()
	case "K":
		s.cut()
	}
}

func (s *screen) cut() {
	if s.row < len(s.lines) {
		s.lines[s.row] = s.lines[s.row][:min(s.col, len(s.lines[s.row]))]
	}
}

func (s *screen) put(r rune) {
	if s.col >= s.wide-1 {
		s.failed = fmt.Errorf("line %d is too long: %q", s.row, string(s.lines[s.row]))
	}
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, nil)
	}
	line := s.lines[s.row]
	for len(line) <= s.col {
		line = append(line, ' ')
	}
	line[s.col] = r
	s.lines[s.row] = line
	s.col++
}

// text is what is on the screen.
func (s *screen) text(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		t.Fatal(s.failed)
	}
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(strings.TrimRight(string(l), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// show is the text on the screen once the cursor stands at the start of a line
// below everything.
func (s *screen) show(t *testing.T) string {
	t.Helper()
	text := s.text(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.col != 0 || s.row < strings.Count(text, "\n")+1 && text != "" {
		t.Fatalf("the cursor is at %d:%d of\n%s", s.row, s.col, text)
	}
	return text
}

// live runs f with bars on a screen of a size, in fake time.
func live(t *testing.T, wide, high int, panels []string, f func(p *Progress, s *screen, frame func() string)) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{wide: wide}
		p := NewProgress(s, panels, ProgressOptions{Style: Style{Color: true}, Size: func() (int, int) { return wide, high }})
		defer p.Stop()
		f(p, s, func() string {
			time.Sleep(2 * frameEvery) // fake time: a frame is drawn
			synctest.Wait()
			return s.show(t)
		})
	})
}

func TestLiveBars(t *testing.T) {
	pl, r := partialReport()
	var frames strings.Builder
	keep := func(name, frame string) { fmt.Fprintf(&frames, "--- %s\n%s\n", name, frame) }
	live(t, 100, 24, []string{"web1", "web2"}, func(p *Progress, s *screen, frame func() string) {
		keep("waiting", frame())
		p.Read(Reading{Panel: "web1"})
		p.Read(Reading{Panel: "web2"})
		p.Read(Reading{Panel: "web2", Ended: true, Resources: 8, Requests: 2})
		keep("reading", frame())
		p.Read(Reading{Panel: "web1", Note: "webdomain: 50 of 100"})
		keep("reading forms", frame())
		p.Read(Reading{Panel: "web1", Ended: true, Error: "connection refused"})
		keep("read", frame())
		p.Begin(pl)
		p.Observe(executor.Event{Kind: executor.LaneBegan, Panel: "web1"})
		p.Observe(executor.Event{Kind: executor.StepBegan, Panel: "web1", Step: &pl.Steps[0]})
		keep("running", frame())
		p.Observe(executor.Event{Kind: executor.StepEnded, Panel: "web1", Step: &pl.Steps[0], Outcome: &r.Outcomes[0]})
		p.Observe(executor.Event{Kind: executor.StepBegan, Panel: "web1", Step: &pl.Steps[1]})
		if _, err := p.Write([]byte("a line of the log\n")); err != nil {
			t.Fatal(err)
		}
		keep("failed and logged", frame())
		p.Observe(executor.Event{Kind: executor.Waiting, Panel: "web1", Note: "the panel restarts"})
		if _, err := p.Write([]byte("half a line")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * frameEvery) // fake time: a frame would be drawn
		synctest.Wait()
		keep("a line half written", s.text(t))
		if _, err := p.Write([]byte(" and its end\n")); err != nil {
			t.Fatal(err)
		}
		keep("waiting for a restart", frame())
		p.Stop()
		p.Stop()
		keep("stopped", s.show(t))
	})
	golden(t, "progress-live", []byte(frames.String()))
}

func TestLiveBarsFoldManyPanels(t *testing.T) {
	var panels []string
	for i := range 40 {
		panels = append(panels, fmt.Sprintf("web%02d", i+1))
	}
	pl := planOf(nil)
	for _, n := range panels {
		for j := range 4 {
			pl.Steps = append(pl.Steps, plan.Step{Panel: n, Kind: "user", Key: fmt.Sprint("u", j), Action: plan.Create})
		}
	}
	pl = planOf(nil, pl.Steps...)
	r := reportOf(pl, executor.Partial, map[int]executor.Outcome{33: {Outcome: executor.Failed, Error: &executor.ErrorDetail{Message: "no"}}})
	var frames strings.Builder
	keep := func(name, frame string) { fmt.Fprintf(&frames, "--- %s\n%s\n", name, frame) }
	live(t, 100, 24, panels, func(p *Progress, s *screen, frame func() string) {
		for i, n := range panels[:20] {
			p.Read(Reading{Panel: n})
			if i < 12 {
				p.Read(Reading{Panel: n, Ended: true, Resources: 10})
			}
		}
		p.Read(Reading{Panel: "web13", Ended: true, Error: "connection refused"})
		keep("reading", frame())
		p.Begin(pl)
		for i, n := range panels[:12] {
			p.Observe(executor.Event{Kind: executor.LaneBegan, Panel: n})
			p.Observe(executor.Event{Kind: executor.StepBegan, Panel: n, Step: &pl.Steps[4*i]})
			p.Observe(executor.Event{Kind: executor.StepEnded, Panel: n, Step: &pl.Steps[4*i], Outcome: &r.Outcomes[4*i]})
		}
		keep("running", frame())
		p.Stop()
		keep("stopped", s.show(t))
		if n := len(p.frame(3)); n != 3 {
			t.Errorf("%d lines on a screen with room for 3", n)
		}
	})
	golden(t, "progress-live-many", []byte(frames.String()))
}

// At any moment of any run on a terminal of any size, no frame is wider or
// higher than the screen, and stopping leaves what plain progress would have
// said and nothing else.
func TestStoppingLeavesNothingHalfDrawn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pl := anyPlan(rt, anyText())
		r := anyReport(rt, pl)
		wide, high := rapid.IntRange(2, 200).Draw(rt, "wide"), rapid.IntRange(1, 30).Draw(rt, "high")
		events := rapid.IntRange(0, len(pl.Steps)).Draw(rt, "events")
		s := &screen{wide: 1 << 30} // what is said may wrap; only frames are bound
		p := &Progress{w: s, style: Style{Color: true}, size: func() (int, int) { return wide, high }}
		p.Begin(pl)
		var said bytes.Buffer
		plain := NewProgress(&said, nil, ProgressOptions{})
		plain.Begin(pl)
		for i := range events {
			o := &r.Outcomes[i]
			p.Observe(executor.Event{Kind: executor.StepBegan, Panel: o.Ref.Panel, Step: &pl.Steps[i]})
			p.paint()
			if p.drawn > high-1 {
				rt.Fatalf("a frame of %d lines on a screen of %d", p.drawn, high)
			}
			for _, l := range s.lines[s.row-p.drawn : min(len(s.lines), s.row)] {
				if wideColumns(string(l)) >= wide {
					rt.Fatalf("a line of %d columns on a screen of %d: %q", wideColumns(string(l)), wide, string(l))
				}
			}
			end := executor.Event{Kind: executor.StepEnded, Panel: o.Ref.Panel, Step: &pl.Steps[i], Outcome: o}
			p.Observe(end)
			plain.Observe(end)
		}
		p.erase()
		var want strings.Builder
		for l := range strings.Lines(said.String()) {
			want.WriteString(strings.TrimRight(l, " \n") + "\n")
		}
		if got := s.show(t); got != strings.TrimRight(want.String(), "\n") {
			rt.Fatalf("on the screen:\n%s\nsaid:\n%s", got, said.String())
		}
	})
}

// A step that was done and turns out not to be is said and counted as failed.
func TestProgressCountsCorrectedSteps(t *testing.T) {
	pl := planOf(nil, plan.Step{Panel: "web1", Kind: "user", Key: "alice", Action: plan.Create}, plan.Step{Panel: "web1", Kind: "user", Key: "bob", Action: plan.Create})
	r := reportOf(pl, executor.Partial, nil)
	var b bytes.Buffer
	p := NewProgress(&b, nil, ProgressOptions{})
	p.Begin(pl)
	for i := range pl.Steps {
		p.Observe(executor.Event{Kind: executor.StepEnded, Panel: "web1", Step: &pl.Steps[i], Outcome: &r.Outcomes[i]})
	}
	wrong := r.Outcomes[1]
	wrong.Outcome, wrong.Error = executor.Failed, &executor.ErrorDetail{Type: "not_in_effect", Message: "accepted but not in effect: it is not there"}
	p.Observe(executor.Event{Kind: executor.StepCorrected, Panel: "web1", Step: &pl.Steps[1], Outcome: &wrong})
	p.Observe(executor.Event{Kind: executor.LaneEnded, Panel: "web1", Lane: &executor.LaneEnd{}})
	want := "web1: failed + user/bob: accepted but not in effect: it is not there\nweb1: 1 of 2 steps done, 1 failed or blocked\n"
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

// What is said never continues a line that somebody else has not finished.
func TestSayingBeginsALine(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, nil, ProgressOptions{})
	_, _ = p.Write([]byte("half"))
	p.Read(Reading{Panel: "web1", Ended: true, Error: "no"})
	if got := b.String(); got != "half\nError: web1: could not be read: no\n" {
		t.Errorf("got %q", got)
	}
}

// Events come from many goroutines at once.
func TestProgressIsSafeForManyGoroutines(t *testing.T) {
	pl, r := partialReport()
	live(t, 80, 24, []string{"web1", "web2"}, func(p *Progress, s *screen, frame func() string) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for range 50 {
					p.Read(Reading{Panel: fmt.Sprint("web", i), Ended: true, Resources: 1})
					p.Observe(executor.Event{Kind: executor.StepEnded, Panel: "web1", Step: &pl.Steps[0], Outcome: &r.Outcomes[4]})
					_, _ = p.Write([]byte("log\n"))
				}
			})
		}
		all.Wait()
		p.Stop()
		if n := strings.Count(s.show(t)+"\n", "log\n"); n != 400 {
			t.Errorf("%d of 400 lines are there", n)
		}
	})
}
