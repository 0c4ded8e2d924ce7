package executor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// TestWaves cuts lanes into waves.
func TestWaves(t *testing.T) {
	for _, c := range []struct {
		lanes int
		waves string // empty: no rollout
		want  []int
	}{
		{0, "1", nil},
		{5, "", []int{5}},
		{1, "1,10%,100%", []int{1}},
		{40, "1,10%,100%", []int{1, 3, 36}},
		{40, "1,10%", []int{1, 3, 36}}, // what is left is the last wave
		{5, "1,10%,100%", []int{1, 4}}, // a tenth of five is one, and that had its turn
		{3, "10", []int{3}},
		{7, "50%", []int{4, 3}},
		{7, "3,2", []int{3, 4}}, // no wave shrinks
	} {
		var o specs.Rollout
		for _, s := range strings.FieldsFunc(c.waves, func(r rune) bool { return r == ',' }) {
			w, err := specs.ParseWaveSize(s)
			if err != nil {
				t.Fatal(err)
			}
			o.Waves = append(o.Waves, w)
		}
		var got []int
		for _, w := range waves(make([]*lane, c.lanes), o) {
			got = append(got, len(w))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%d lanes in waves %q: %s", c.lanes, c.waves, d)
		}
	}
}

// rolledOut runs one create on each panel, in waves, with faults on some.
func rolledOut(t *testing.T, panels int, o specs.Rollout, faults map[int]fault) (r *Report, fakes []*fake, began []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		p := &plan.Plan{Digest: "sha256:1"}
		clients := map[string]Panel{}
		for i := range panels {
			name := fmt.Sprintf("web%03d", i)
			p.Steps = append(p.Steps, step(fmt.Sprintf("s%d", i), plan.Create, name+"/user/a", nil, "x", "1"))
			f := newFake()
			if fl := faults[i]; fl != fine {
				f.faults["user/a"] = []fault{fl}
			}
			fakes, clients[name] = append(fakes, f), f
		}
		start := time.Now()
		began = make([]time.Duration, panels)
		var err error
		r, err = Run(t.Context(), p, clients, Options{Kind: kindOf, Rollout: o, Observe: func(e Event) {
			if e.Kind == StepBegan {
				var i int
				fmt.Sscanf(e.Panel, "web%d", &i) //nolint:errcheck // named above
				began[i] = time.Since(start)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
	})
	return r, fakes, began
}

// TestLawWaves: no panel of a wave begins before the wave before it is over and
// the pause is; when more has failed than is allowed no later wave begins, and the
// rest is not run; when nothing fails, all ends as without waves.
func TestLawWaves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		panels := rapid.IntRange(1, 12).Draw(rt, "panels")
		sizes := rapid.SliceOfN(rapid.IntRange(1, panels), 1, 4).Draw(rt, "waves")
		slices.Sort(sizes)
		o := specs.Rollout{Pause: time.Duration(rapid.IntRange(0, 60).Draw(rt, "pause")) * time.Second, MaxFailures: rapid.IntRange(0, 3).Draw(rt, "max failures")}
		for _, n := range sizes {
			o.Waves = append(o.Waves, specs.WaveSize{Count: n})
		}
		faults := map[int]fault{}
		for i := range panels {
			if rapid.IntRange(0, 3).Draw(rt, "faulty") == 0 {
				faults[i] = rapid.SampledFrom([]fault{refuse, deaf, lostAfter, lostLate, slowEffect}).Draw(rt, "fault")
			}
		}
		r, fakes, began := rolledOut(t, panels, o, faults)
		failed, from := 0, 0
		for n, w := range waves(make([]*lane, panels), o) {
			bad := failed
			for _, out := range r.Outcomes[from : from+len(w)] {
				if out.Outcome == Failed || out.Outcome == Unknown {
					failed++
				}
			}
			for i := from; i < from+len(w); i++ {
				out := r.Outcomes[i]
				switch {
				case bad > o.MaxFailures && (out.Outcome != NotRun || out.Error.Type != "rollout" || len(fakes[i].calls) > 0):
					rt.Fatalf("panel %d, in wave %d after %d failures: %+v", i, n, bad, out)
				case bad <= o.MaxFailures && out.Outcome == NotRun && failed <= o.MaxFailures:
					rt.Fatalf("panel %d, in wave %d after %d failures: %+v", i, n, failed, out)
				case n > 0 && out.Attempts > 0 && began[i] < time.Duration(n)*o.Pause:
					rt.Fatalf("panel %d of wave %d began after %v", i, n, began[i])
				}
			}
			from += len(w)
		}
		for i := range faults {
			if faults[i] == refuse || faults[i] == deaf {
				return // some failed
			}
		}
		if r.Result != Applied || r.Summary.Done != panels {
			rt.Fatalf("nothing failed, and %+v", r)
		}
	})
}

// TestRolloutCountsAPanelOnce: a panel whose one step failed and whose lane ended
// in trouble is not two failures more than the step is.
func TestRolloutCountsAPanelOnce(t *testing.T) {
	f := newFake()
	f.faults["user/a"] = []fault{asksRefuse}
	f.restartErr = errRefused
	r, _ := try(t, []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil, "x", "1"),
		step("s2", plan.Create, "web2/user/a", nil, "x", "1"),
	}, map[string]*fake{"web1": f, "web2": newFake()}, Options{Rollout: specs.Rollout{Waves: []specs.WaveSize{{Count: 1}}, MaxFailures: 1}})
	if r.Outcomes[0].Outcome != Failed || r.Outcomes[1].Outcome != Done || r.Panels[0].Error == "" {
		t.Errorf("%s", told(r))
	}
}
