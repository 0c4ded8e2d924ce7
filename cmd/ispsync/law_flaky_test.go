package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
)

// flakyFaults are what happens on bad days. A panel that says it did what it
// will do later, or never, is left to the read-back tests.
var flakyFaults = []simpanel.Fault{simpanel.Slow, simpanel.ServerError, simpanel.BadGateway, simpanel.GatewayTimeout, simpanel.Unavailable,
	simpanel.DropBefore, simpanel.DropAfter, simpanel.Cut, simpanel.CutConnection, simpanel.RequestFailed, simpanel.ForgetSession, simpanel.ShortList,
	simpanel.BadGatewayAfter, simpanel.Page, simpanel.TooMany, simpanel.RequestFailedAfter, simpanel.DropLate, simpanel.HangLate, simpanel.Hang, simpanel.NoOK, simpanel.Restarted}

// TestLawFlakyPanels: on panels on which up to half of the calls go wrong,
// every step has one outcome, done is in effect, nothing is made twice, and
// one more run on a good day ends where the undisturbed run ends.
func TestLawFlakyPanels(t *testing.T) {
	checks(t, "10")
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		rates := map[simpanel.Fault]float64{}
		for _, f := range flakyFaults {
			rates[f] = float64(rapid.IntRange(0, 3).Draw(rt, string(f))) / 100
		}
		for i := range w.panels {
			w.panels[i].options.Seed = rapid.Uint64().Draw(rt, "seed")
		}
		if err := inBubble(t, func(t *testing.T) error {
			want, err := w.applied(t, [][]string{{}})
			if err != nil {
				return err
			}
			got, err := w.flaky(t, simpanel.Faults{Rates: rates})
			if err != nil {
				return err
			}
			if d := cmp.Diff(want, got); d != "" {
				return fmt.Errorf("the panels end otherwise:\n%s", d)
			}
			return nil
		}); err != nil {
			rt.Fatalf("%v\n%v\n%s", err, rates, w)
		}
	})
}

// flaky applies on a bad day and then on a good one, and gives what the panels
// hold then.
func (w *world) flaky(t *testing.T, f simpanel.Faults) (ends any, err error) {
	s, err := w.stage(t)
	if err != nil {
		return nil, err
	}
	for _, p := range s.panels {
		p.SetFaults(f)
	}
	report, r, err := s.apply()
	if err != nil {
		return nil, err
	}
	if whole := report.Result == executor.Applied || report.Result == executor.Nothing; whole != (r.code == exitOK) {
		return nil, fmt.Errorf("the exit code is not that of the result: %v", r)
	}
	for _, p := range s.panels {
		p.SetFaults(simpanel.Faults{})
	}
	time.Sleep(time.Minute)
	left, planned, err := s.plan(exitOK)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, o := range report.Outcomes {
		done[o.Ref.String()] = o.Outcome == executor.Done
	}
	for _, st := range left.Steps {
		if done[st.Ref.String()] {
			return nil, fmt.Errorf("%s was done and is to be done again\nfirst run: %v\nplan: %v", st.Ref, r, planned)
		}
	}
	if _, err := s.want(exitOK, "apply", "--auto-approve"); err != nil {
		return nil, fmt.Errorf("the run on a good day: %w", err)
	}
	for _, calls := range s.writes() {
		if err := twins(calls); err != nil {
			return nil, err
		}
	}
	return s.ends(), s.settled()
}
