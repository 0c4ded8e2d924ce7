package executor

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/plan"
)

// TestInterruptAtEveryEvent interrupts one lane at every event there is. What
// was done stays done, nothing more is begun, and the report is whole.
func TestInterruptAtEveryEvent(t *testing.T) {
	var steps []plan.Step
	for i := range 5 {
		steps = append(steps, step(fmt.Sprintf("s%d", i+1), plan.Create, fmt.Sprintf("web1/user/u%d", i), nil, "a", "1"))
	}
	events := 0
	try(t, steps, map[string]*fake{"web1": newFake()}, Options{Observe: func(Event) { events++ }})
	if events != 12 {
		t.Fatalf("%d events: a lane begins and ends, and so do five steps", events)
	}
	for at := range events {
		for _, abort := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				stop := make(chan struct{})
				begun, seen := 0, 0
				o := Options{Stop: stop, Observe: func(e Event) {
					if e.Kind == StepBegan {
						begun++
						if seen > at {
							t.Errorf("interrupted at event %d: %s began after it", at, e.Step.ID)
						}
					}
					if seen == at && abort {
						cancel()
					} else if seen == at {
						close(stop)
					}
					seen++
				}}
				f := newFake()
				r, _ := tryHere(ctx, t, steps, map[string]*fake{"web1": f}, o)
				want := map[string]What{}
				for i, s := range steps {
					want[s.ID] = Done // a call that arrived is finished
					if i >= begun {
						want[s.ID] = NotRun
					}
				}
				if diff := cmp.Diff(want, ends(r)); diff != "" {
					t.Errorf("interrupted at event %d: %s", at, diff)
				}
				result := Interrupted
				if at == events-1 {
					result = Applied // too late to keep anything from being done
				}
				if r.Result != result || len(f.calls) != begun || (f.reads > 0) != (result == Applied) {
					t.Errorf("interrupted at event %d: %s, %d calls, %d reads", at, r.Result, len(f.calls), f.reads)
				}
			})
		}
	}
}

func TestInterruptIsTold(t *testing.T) {
	stop := make(chan struct{})
	f := newFake()
	f.faults["user/a"] = []fault{asks}
	f.onCall = func(call) { close(stop) }
	o := Options{Kind: kindOf, Stop: stop}
	p := &plan.Plan{Steps: []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil),
		step("s2", plan.Create, "web1/user/b", []string{"s1"}),
	}}
	r, err := Run(context.Background(), p, map[string]Panel{"web1": f}, o)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, told(r), `
s1 create web1/user/a: done after 1
s2 create web1/user/b: not_run after 0
   [interrupted/] not run: the run was interrupted
web1: 1 requests, 1 writes, restart none
   not verified: the run was interrupted; plan again to see whether all is in effect; the panel asked for a restart of its services, which was not sent because the run was interrupted; call its function restart
result: interrupted`)
}

// TestInterruptWhileSettling: the wait is cut short, one more look is taken, and
// nothing is sent any more.
func TestInterruptWhileSettling(t *testing.T) {
	for _, tt := range []struct {
		why   string
		kind  string
		fault fault
		at    time.Duration
		want  What
		reads int
	}{
		{"not there, and it may yet land", "user", lostBefore, 5 * time.Second, Unknown, 4},
		{"landed since the last look", "user", lostLate, 12 * time.Second, Done, 5},
		{"not landed yet", "user", lostLate, 9 * time.Second, Unknown, 5},
		{"not there, and never sent twice anyway", "job", lostBefore, 5 * time.Second, Unknown, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			stop := make(chan struct{})
			time.AfterFunc(tt.at, func() { close(stop) })
			f := newFake()
			f.faults[tt.kind+"/a"] = []fault{tt.fault}
			r, took := tryHere(context.Background(), t, []plan.Step{step("s1", plan.Create, "web1/"+tt.kind+"/a", nil, "a", "1")},
				map[string]*fake{"web1": f}, Options{Stop: stop})
			if r.Outcomes[0].Outcome != tt.want || r.Outcomes[0].Attempts != 1 || f.reads != tt.reads || took != tt.at || r.Result != Interrupted {
				t.Errorf("%s: %+v after %s and %d reads, result %s", tt.why, r.Outcomes[0], took, f.reads, r.Result)
			}
		})
	}
}

// TestInterruptWhileLookingInVain: one more look that fails, and no further ones.
func TestInterruptWhileLookingInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		time.AfterFunc(5*time.Second, func() { close(stop) })
		f := newFake()
		f.listingErr = errors.New("120 rows announced, 100 sent")
		r, took := tryHere(context.Background(), t, []plan.Step{step("s1", plan.Delete, "web1/user/a", nil)}, map[string]*fake{"web1": f}, Options{Stop: stop})
		if out := r.Outcomes[0]; out.Outcome != Unknown || f.reads != 4 || took != 5*time.Second || r.Result != Interrupted {
			t.Errorf("%+v after %s and %d reads, result %s", out, took, f.reads, r.Result)
		}
	})
}

// TestInterruptWhileReadingBack: what was seen so far counts.
func TestInterruptWhileReadingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		time.AfterFunc(2*time.Second, func() { close(stop) })
		f := newFake()
		f.faults["user/a"] = []fault{deaf}
		r, took := tryHere(context.Background(), t, []plan.Step{step("s1", plan.Create, "web1/user/a", nil)}, map[string]*fake{"web1": f}, Options{Stop: stop})
		if out := r.Outcomes[0]; out.Outcome != Failed || out.Error.Type != "not_in_effect" || f.reads != 2 || took != 2*time.Second || r.Result != Interrupted {
			t.Errorf("%+v after %s and %d reads, result %s", out, took, f.reads, r.Result)
		}
	})
}

// TestInterruptDuringLastLook: what the look shows would call for sending again,
// but nothing is sent after an interrupt.
func TestInterruptDuringLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		f := newFake()
		f.faults["user/a"] = []fault{lostBefore}
		f.onRead = func() { close(stop) }
		r, _ := tryHere(context.Background(), t, []plan.Step{step("s1", plan.Create, "web1/user/a", nil, "a", "1")}, map[string]*fake{"web1": f},
			Options{Stop: stop, SettleWaits: []time.Duration{time.Second}})
		if out := r.Outcomes[0]; out.Outcome != Unknown || out.Attempts != 1 || r.Result != Interrupted {
			t.Errorf("%+v, result %s", out, r.Result)
		}
	})
}

// TestAbort cuts a run wherever it can hang.
func TestAbort(t *testing.T) {
	const unknown = "sent, and the run was aborted before anybody could tell what became of it (%s); plan again to see"
	for _, tt := range []struct {
		why   string
		setup func(*fake)
		want  What
		text  string
		lane  string
	}{
		{"in a call", func(f *fake) { f.faults["user/a"] = []fault{hangs} }, Unknown, fmt.Sprintf(unknown, "context canceled"), ""},
		{"in a call that says its fate is unknown", func(f *fake) { f.callTime = time.Hour }, Unknown, fmt.Sprintf(unknown, "the panel says reply_lost"), ""},
		{"in a wait before a look", func(f *fake) { f.faults["user/a"] = []fault{lostLate} }, Unknown, fmt.Sprintf(unknown, "the panel says reply_lost"), ""},
		{"in a look", func(f *fake) { f.faults["user/a"], f.waitForCut = []fault{lostAfter}, true }, Unknown, fmt.Sprintf(unknown, "the panel says reply_lost"), ""},
		{"in a restart", func(f *fake) { f.faults["user/a"], f.waitForCut = []fault{asksRefuse}, true }, Failed, "the panel says value", "restart: context canceled"},
		{"in the read-back", func(f *fake) { f.waitForCut = true }, Done, "", "not verified: user: context canceled"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			const at = 5 * time.Second
			time.AfterFunc(at, cancel)
			f := newFake()
			tt.setup(f)
			r, took := tryHere(ctx, t, []plan.Step{step("s1", plan.Create, "web1/user/a", nil, "a", "1")}, map[string]*fake{"web1": f}, Options{})
			out, text := r.Outcomes[0], ""
			if out.Error != nil {
				text = out.Error.Message
			}
			if out.Outcome != tt.want || text != tt.text || took != at || r.Result != Interrupted || r.Panels[0].Error != tt.lane {
				t.Errorf("%s: %s %q after %s, lane %q, result %s", tt.why, out.Outcome, text, took, r.Panels[0].Error, r.Result)
			}
		})
	}
}

// TestInterruptBeforeRestart: no policy sends a restart after an interrupt.
func TestInterruptBeforeRestart(t *testing.T) {
	for _, policy := range []RestartPolicy{RestartAtEnd, RestartAfterEach} {
		synctest.Test(t, func(t *testing.T) {
			stop := make(chan struct{})
			f := newFake()
			f.faults["user/a"] = []fault{asks}
			f.onCall = func(call) { close(stop) }
			r, _ := tryHere(context.Background(), t, []plan.Step{step("s1", plan.Create, "web1/user/a", nil)}, map[string]*fake{"web1": f},
				Options{Stop: stop, Restart: policy})
			if f.restarts != 0 || r.Panels[0].Restart != RestartNone || r.Result != Interrupted {
				t.Errorf("%s: %d restarts, %+v, result %s", policy, f.restarts, r.Panels[0], r.Result)
			}
		})
	}
}

// TestRestartAskedByFirstTry: a try that asked and was lost half-way is not
// forgotten because the second did not ask.
func TestRestartAskedByFirstTry(t *testing.T) {
	f := newFake()
	f.faults["user/a"] = []fault{asksLost}
	r, _ := try(t, []plan.Step{step("s1", plan.Create, "web1/user/a", nil)}, map[string]*fake{"web1": f}, Options{})
	if f.restarts != 1 || r.Outcomes[0].Attempts != 2 || r.Result != Applied {
		t.Errorf("%d restarts, %s", f.restarts, told(r))
	}
}

func TestRestart(t *testing.T) {
	steps := []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil),
		step("s2", plan.Create, "web1/user/b", nil),
		step("s3", plan.Create, "web1/user/c", nil),
	}
	for _, tt := range []struct {
		why      string
		policy   RestartPolicy
		asking   []string
		err      error
		restarts int
		want     RestartDone
		text     string
		result   Result
	}{
		{"nobody asked", "", nil, nil, 0, RestartNone, "", Applied},
		{"two asked, one is enough", "", []string{"a", "b"}, nil, 1, RestartOK, "", Applied},
		{"each that asked", RestartAfterEach, []string{"a", "c"}, nil, 2, RestartOK, "", Applied},
		{"somebody else does it", RestartNever, []string{"a"}, nil, 0, RestartNone, "", Applied},
		{"no such function is no failure, and not asked for twice", RestartAfterEach, []string{"a", "b"}, errNoFn, 1, RestartUnsupported, "", Applied},
		{"failed", RestartAtEnd, []string{"a"}, errRefused, 1, RestartFailed, "restart: the panel says value", Partial},
	} {
		f := newFake()
		f.restartErr = tt.err
		for _, n := range tt.asking {
			f.faults["user/"+n] = []fault{asks}
		}
		r, _ := try(t, steps, map[string]*fake{"web1": f}, Options{Restart: tt.policy})
		if p := r.Panels[0]; f.restarts != tt.restarts || p.Restart != tt.want || p.Error != tt.text || r.Result != tt.result || r.Summary.Done != 3 {
			t.Errorf("%s: %d restarts, %+v, result %s", tt.why, f.restarts, p, r.Result)
		}
	}
}

// TestRestartAfterFailure: a step that was refused does not keep the panel from
// the restart it asked for, and the restart comes before the read-back.
func TestRestartAfterFailure(t *testing.T) {
	f := newFake()
	f.faults["user/a"], f.faults["user/b"] = []fault{asks}, []fault{refuse}
	f.restartErr = errors.New("no route to host")
	readsAtRestart := -1
	o := Options{Observe: func(e Event) {
		if e.Kind == Waiting && e.Step == nil && readsAtRestart < 0 {
			readsAtRestart = f.reads
		}
	}}
	r, _ := try(t, []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil),
		step("s2", plan.Create, "web1/user/b", nil),
	}, map[string]*fake{"web1": f}, o)
	if f.restarts != 1 || readsAtRestart != 0 || f.reads != 1 || r.Panels[0].Error != "restart: no route to host" {
		t.Errorf("%d restarts with %d of %d reads before, %+v", f.restarts, readsAtRestart, f.reads, r.Panels[0])
	}
}
