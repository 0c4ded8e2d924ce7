package executor

// Random worlds for the laws in law_test.go: a plan over a few panels, what is
// there before, and what goes wrong. A world is drawn first and run in a bubble
// of its own afterwards, so that waits cost nothing.

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/plan"
)

// world is everything a run depends on.
type world struct {
	plan   *plan.Plan
	faults map[string][]fault // by ref
	unread map[string][]error // by panel
	o      Options
	writes int
	stopAt int  // closes Stop at this event; -1: never
	abort  bool // cancels instead
}

func (w *world) String() string {
	s := fmt.Sprintf("parallelism %d, writes %d, max failures %d, restart %q, stop at event %d, abort %v\n",
		w.o.Parallelism, w.writes, w.o.MaxFailures, w.o.Restart, w.stopAt, w.abort)
	for i := range w.plan.Steps {
		st := &w.plan.Steps[i]
		s += fmt.Sprintf("  %s %s needs %v stale %q faults %q\n", st.ID, title(st), st.Needs, w.o.Stale[st.ID], w.faults[st.Ref.String()])
	}
	for p, errs := range w.unread {
		s += fmt.Sprintf("  reads of %s: %v\n", p, errs)
	}
	return s
}

// drawWorld draws a world. A calm one has no interrupts, limits or failing reads.
func drawWorld(t *rapid.T, calm bool) *world {
	w := &world{plan: &plan.Plan{Digest: "sha256:1"}, faults: map[string][]fault{}, unread: map[string][]error{}, stopAt: -1}
	w.o.Stale = map[string]string{}
	panels := rapid.IntRange(1, 4).Draw(t, "panels")
	own := map[string][]string{} // ids of the steps of each panel
	for i := range rapid.IntRange(0, 16).Draw(t, "steps") {
		panel := fmt.Sprintf("web%d", rapid.IntRange(1, panels).Draw(t, "panel"))
		kind := rapid.SampledFrom([]string{"user", "job"}).Draw(t, "kind")
		action := rapid.SampledFrom([]plan.Action{plan.Create, plan.Update, plan.Delete}).Draw(t, "action")
		var needs []string
		if ids := own[panel]; len(ids) > 0 {
			needs = rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, min(2, len(ids)), rapid.ID).Draw(t, "needs")
		}
		id := fmt.Sprintf("s%d", i+1)
		var fields []string
		if action != plan.Delete {
			fields = []string{"a", "new", "b", "new"}
		}
		s := step(id, action, fmt.Sprintf("%s/%s/r%d", panel, kind, i), needs, fields...)
		w.plan.Steps = append(w.plan.Steps, s)
		own[panel] = append(own[panel], id)
		if rapid.IntRange(0, 9).Draw(t, "stale") == 9 {
			w.o.Stale[id] = "changed meanwhile"
		}
		faults := allFaults
		if !calm {
			faults = append(slices.Clone(faults), notSent)
		}
		w.faults[s.Ref.String()] = rapid.SliceOfN(rapid.SampledFrom(faults), 0, 3).Draw(t, "faults")
		if !calm && w.unread[panel] == nil {
			w.unread[panel] = rapid.SliceOfN(rapid.SampledFrom([]error{nil, errLost}), 0, 8).Draw(t, "reads")
		}
	}
	w.o.Parallelism = rapid.IntRange(1, 5).Draw(t, "parallelism")
	w.writes = rapid.IntRange(1, 3).Draw(t, "writes")
	w.o.Restart = rapid.SampledFrom([]RestartPolicy{"", RestartAtEnd, RestartAfterEach, RestartNever}).Draw(t, "restart")
	if !calm {
		w.o.MaxFailures = rapid.IntRange(0, 4).Draw(t, "max failures")
		w.stopAt = rapid.IntRange(-10, 40).Draw(t, "stop at")
		w.abort = rapid.Bool().Draw(t, "abort")
	}
	return w
}

// ran is what came of running a world.
type ran struct {
	report *Report
	err    error
	panels map[string]*fake
	events []Event
}

// run runs the world, and waits until the last late effect has landed.
func (w *world) run(t *testing.T) (r ran) {
	synctest.Test(t, func(*testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		r.panels = map[string]*fake{}
		panels := map[string]Panel{}
		for i := range w.plan.Steps {
			s := &w.plan.Steps[i]
			f := r.panels[s.Panel]
			if f == nil {
				f = newFake()
				f.unread, f.callTime = slices.Clone(w.unread[s.Panel]), 50*time.Millisecond
				r.panels[s.Panel], panels[s.Panel] = f, f
			}
			ref := s.Kind + "/" + s.Key
			f.faults[ref] = slices.Clone(w.faults[s.Ref.String()])
			if s.Action != plan.Create {
				f.put(ref, "a", "old", "b", "old")
			}
		}
		o := w.o
		o.Kind, o.Writes = kindOf, func(string) int { return w.writes }
		stop := make(chan struct{})
		o.Stop = stop
		var inside sync.Mutex // taken without waiting: Observe is never called twice at once
		o.Observe = func(e Event) {
			if !inside.TryLock() {
				panic("two events at once")
			}
			defer inside.Unlock()
			if len(r.events) == w.stopAt {
				if w.abort {
					cancel()
				} else {
					close(stop)
				}
			}
			r.events = append(r.events, e)
		}
		r.report, r.err = Run(ctx, w.plan, panels, o)
		<-time.After(time.Minute)
	})
	return r
}
