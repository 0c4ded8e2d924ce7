package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/plan"
)

// try runs a plan in a bubble on panels that exist, and returns the report and
// how long it took.
func try(t *testing.T, steps []plan.Step, panels map[string]*fake, o Options) (r *Report, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, took = tryHere(context.Background(), t, steps, panels, o)
	})
	return r, took
}

// tryHere is try in the bubble of the caller.
func tryHere(ctx context.Context, t *testing.T, steps []plan.Step, panels map[string]*fake, o Options) (*Report, time.Duration) {
	t.Helper()
	ps := map[string]Panel{}
	for n, f := range panels {
		ps[n] = f
	}
	o.Kind = kindOf
	began := time.Now()
	r, err := Run(ctx, &plan.Plan{Steps: steps}, ps, o)
	if err != nil {
		t.Fatal(err)
	}
	return r, time.Since(began)
}

// told is the outcomes one a line, for comparing with what a reviewer can read.
func told(r *Report) string {
	var b strings.Builder
	for _, o := range r.Outcomes {
		fmt.Fprintf(&b, "%s %s %s: %s after %d\n", o.Step, o.Action, o.Ref, o.Outcome, o.Attempts)
		if o.Error != nil {
			fmt.Fprintf(&b, "   [%s/%s] %s\n", o.Error.Type, o.Error.Object, o.Error.Message)
		}
	}
	for _, p := range r.Panels {
		fmt.Fprintf(&b, "%s: %d requests, %d writes, restart %s\n", p.Name, p.Requests, p.Writes, p.Restart)
		if p.Error != "" {
			fmt.Fprintf(&b, "   %s\n", p.Error)
		}
	}
	return b.String() + "result: " + string(r.Result) + "\n"
}

func wantText(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
		t.Error(diff)
	}
}

func TestFailureStaysLocal(t *testing.T) {
	web1, web2 := newFake(), newFake()
	web1.faults["user/alice"] = []fault{refuse}
	r, _ := try(t, []plan.Step{
		step("s1", plan.Create, "web1/user/alice", nil, "a", "1"),
		step("s2", plan.Create, "web1/user/bob", nil, "a", "1"),
		step("s3", plan.Create, "web1/job/x", []string{"s2", "s1"}, "a", "1"),
		step("s4", plan.Create, "web1/job/y", []string{"s3"}, "a", "1"),
		step("s5", plan.Create, "web1/job/z", []string{"s2"}, "a", "1"),
		step("s6", plan.Create, "web2/user/alice", nil, "a", "1"),
	}, map[string]*fake{"web1": web1, "web2": web2}, Options{})
	wantText(t, told(r), `
s1 create web1/user/alice: failed after 1
   [value/name] the panel says value
s2 create web1/user/bob: done after 1
s3 create web1/job/x: blocked after 0
   [blocked/web1/user/alice] needs create web1/user/alice, which failed
s4 create web1/job/y: blocked after 0
   [blocked/web1/job/x] needs create web1/job/x, which is blocked
s5 create web1/job/z: done after 1
s6 create web2/user/alice: done after 1
web1: 4 requests, 3 writes, restart none
web2: 2 requests, 1 writes, restart none
result: partial`)
}

// oneStep is one thing that can become of a step.
type oneStep struct {
	why    string
	action plan.Action
	ref    string
	faults []fault
	there  []string // fields of what is there before; nil: nothing is
	outer  func(*fake)
	want   string // outcome after attempts, and the error
	took   time.Duration
}

const c, u, d = plan.Create, plan.Update, plan.Delete

var oneSteps = []oneStep{
	{why: "all well", action: c, ref: "user/al", want: "done after 1"},
	{why: "seen at the first look", action: c, ref: "user/al", faults: []fault{lostAfter}, want: "done after 1"},
	{why: "seen at the last look", action: c, ref: "user/al", faults: []fault{lostLate}, want: "done after 1", took: 15 * time.Second},
	{why: "not seen, sent again", action: c, ref: "user/al", faults: []fault{lostBefore}, want: "done after 2", took: 15 * time.Second},
	{why: "not seen, two could come of it", action: c, ref: "job/al", faults: []fault{lostBefore}, took: 15 * time.Second,
		want: "unknown after 1 [reply_lost/name] sent once, and nobody can tell whether it takes effect (the panel says reply_lost); last seen: it is not there; look at the panel, then plan again"},
	{why: "lost twice, then seen", action: c, ref: "user/al", faults: []fault{lostBefore, lostAfter}, want: "done after 2", took: 15 * time.Second},
	{why: "lost twice", action: c, ref: "user/al", faults: []fault{lostBefore, lostBefore}, took: 30 * time.Second,
		want: "unknown after 2 [reply_lost/name] sent twice, and nobody can tell whether it takes effect (the panel says reply_lost); last seen: it is not there; look at the panel, then plan again"},
	{why: "made in part", action: c, ref: "user/al", faults: []fault{lostPart}, took: 15 * time.Second,
		want: `failed after 1 [reply_lost/name] the reply was lost (the panel says reply_lost); it is there but differs: b is "", not "2"; plan again`},
	{why: "lost, then refused", action: c, ref: "user/al", faults: []fault{lostBefore, refuse}, took: 15 * time.Second,
		want: "failed after 2 [value/name] the panel says value"},
	{why: "our own error", action: c, ref: "user/al", faults: []fault{internal}, want: "failed after 1 [internal/] the secret cannot be read"},
	{why: "exists as declared", action: c, ref: "user/al", there: []string{"a", "1", "b", "2"}, want: "done after 1"},
	{why: "exists otherwise", action: c, ref: "user/al", there: []string{"a", "1", "b", "0"},
		want: `failed after 1 [exists/name] the panel says exists; it differs: b is "0", not "2"; plan again to change it`},
	{why: "exists, cannot be read", action: c, ref: "user/al", there: []string{"a", "1", "b", "0"}, took: 15 * time.Second,
		outer: func(f *fake) { f.listingErr = errors.New("120 rows announced, 100 sent") },
		want:  `failed after 1 [exists/name] the panel says exists; whether it is as declared could not be read: it cannot be read: 120 rows announced, 100 sent`},
	{why: "exists, out of our sight", action: c, ref: "user/al", faults: []fault{claimsIs},
		want: "failed after 1 [exists/name] the panel says exists; but the panel's list does not show it: it may belong to somebody this account does not see"},
	{why: "lost, then exists though it does not", action: c, ref: "user/al", faults: []fault{lostBefore, claimsIs}, took: 30 * time.Second,
		want: "failed after 2 [exists/name] the panel says exists; but the panel's list does not show it: it may belong to somebody this account does not see"},
	{why: "a kind left out of the answer proves nothing", action: c, ref: "user/al", faults: []fault{lostBefore}, took: 15 * time.Second,
		outer: func(f *fake) { f.forgets = true },
		want:  `unknown after 1 [reply_lost/name] sent once, and nobody can tell whether it takes effect (the panel says reply_lost); last seen: it cannot be read: the list of user was not read; look at the panel, then plan again`},
	{why: "an incomplete listing proves nothing", action: c, ref: "user/al", faults: []fault{lostBefore}, took: 15 * time.Second,
		outer: func(f *fake) { f.listingErr = errors.New("120 rows announced, 100 sent") },
		want:  `unknown after 1 [reply_lost/name] sent once, and nobody can tell whether it takes effect (the panel says reply_lost); last seen: it cannot be read: 120 rows announced, 100 sent; look at the panel, then plan again`},
	{why: "reading fails at first", action: c, ref: "user/al", faults: []fault{lostAfter}, want: "done after 1", took: 3 * time.Second,
		outer: func(f *fake) { f.unread = []error{errLost, errLost} }},
	{why: "seen at the first look", action: u, ref: "user/al", faults: []fault{lostAfter}, there: []string{"a", "0", "b", "0"}, want: "done after 1"},
	{why: "unchanged, sent again", action: u, ref: "job/al", faults: []fault{lostBefore}, there: []string{"a", "0", "b", "0"}, want: "done after 2", took: 15 * time.Second},
	{why: "changed in part, sent again", action: u, ref: "user/al", faults: []fault{lostPart}, there: []string{"a", "0", "b", "0"}, want: "done after 2", took: 15 * time.Second},
	{why: "nothing to compare", action: u, ref: "user/al", faults: []fault{lostBefore}, there: []string{"a", "0", "b", "0"},
		outer: func(f *fake) { f.hidden["a"], f.hidden["b"] = true, true },
		want:  "unknown after 1 [reply_lost/name] sent once, and nobody can tell whether it takes effect (the panel says reply_lost); last seen: the panel tells none of the fields that were sent; look at the panel, then plan again"},
	{why: "gone under our hands", action: u, ref: "user/al", faults: []fault{lostBefore}, took: 15 * time.Second,
		want: "failed after 1 [reply_lost/name] the reply was lost (the panel says reply_lost); it is not there any more: plan again"},
	{why: "gone, says the panel", action: u, ref: "user/al", want: "failed after 1 [missed/name] the panel says missed"},
	{why: "gone at the first look", action: d, ref: "user/al", faults: []fault{lostAfter}, there: []string{}, want: "done after 1"},
	{why: "there yet, sent again", action: d, ref: "job/al", faults: []fault{lostBefore}, there: []string{}, want: "done after 2", took: 15 * time.Second},
	{why: "lost, landed late, gone at the last look", action: d, ref: "user/al", faults: []fault{lostLate}, there: []string{}, want: "done after 1", took: 15 * time.Second},
	{why: "gone, says the panel, and lists it", action: d, ref: "user/al", faults: []fault{claimsGone}, there: []string{},
		want: "failed after 1 [missed/name] the panel says missed; but the panel's list still shows it: try again, or delete it in the panel"},
	{why: "lost, in a zone nobody knows", action: d, ref: "record/al", faults: []fault{lostAfter}, there: []string{}, took: 15 * time.Second,
		want: "unknown after 1 [reply_lost/name] sent once, and nobody can tell whether it takes effect (the panel says reply_lost); last seen: the plan does not say in which zone web1/record/al is, so it cannot be looked up; look at the panel, then plan again"},
	{why: "gone before", action: d, ref: "user/al", want: "done after 1"},
	{why: "gone before, but that cannot be read", action: d, ref: "user/al", took: 15 * time.Second,
		outer: func(f *fake) { f.unread = []error{errLost, errLost, errLost, errLost, errLost} },
		want:  "unknown after 1 [missed/name] sent once, and nobody can tell whether it takes effect (the panel says missed); last seen: it cannot be read: the panel says reply_lost; look at the panel, then plan again"},
}

// TestOneStep is what becomes of one step, for each thing that can go wrong.
func TestOneStep(t *testing.T) {
	for _, tt := range oneSteps {
		t.Run(string(tt.action)+"/"+tt.why, func(t *testing.T) {
			f := newFake()
			f.faults[tt.ref] = tt.faults
			if tt.there != nil {
				f.put(tt.ref, tt.there...)
			}
			if tt.outer != nil {
				tt.outer(f)
			}
			var fields []string
			if tt.action != d {
				fields = []string{"a", "1", "b", "2"}
			}
			var out Outcome
			var took time.Duration
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				o := Options{Observe: func(e Event) {
					if e.Kind == StepEnded {
						out, took = *e.Outcome, time.Since(began)
					}
				}}
				steps := []plan.Step{step("s1", tt.action, "web1/"+tt.ref, nil, fields...)}
				tryHere(context.Background(), t, steps, map[string]*fake{"web1": f}, o)
			})
			got := fmt.Sprintf("%s after %d", out.Outcome, out.Attempts)
			if e := out.Error; e != nil {
				got += fmt.Sprintf(" [%s/%s] %s", e.Type, e.Object, e.Message)
			}
			wantText(t, got, tt.want)
			if took != tt.took {
				t.Errorf("took %s, want %s", took, tt.took)
			}
			for ref, n := range f.made {
				if n > 1 {
					t.Errorf("%s was made %d times", ref, n)
				}
			}
		})
	}
}

// TestPace: with 50 ms a call, a run takes as long as its longest lane, and a
// lane as long as its limit of writes allows.
func TestPace(t *testing.T) {
	var steps []plan.Step
	panels := map[string]*fake{}
	for p := range 20 {
		name := fmt.Sprintf("web%02d", p)
		panels[name] = newFake()
		panels[name].callTime = 50 * time.Millisecond
		for n := range 12 {
			steps = append(steps, step(fmt.Sprintf("s%d", len(steps)+1), plan.Create, fmt.Sprintf("%s/job/j%d", name, n), nil, "a", "1"))
		}
	}
	for _, tt := range []struct {
		parallelism, writes int
		want                time.Duration
	}{
		{1, 1, 20 * 12 * 50 * time.Millisecond},
		{0, 0, 2 * 12 * 50 * time.Millisecond}, // default: ten lanes, one write
		{20, 1, 12 * 50 * time.Millisecond},
		{20, 4, 3 * 50 * time.Millisecond},
	} {
		_, took := try(t, steps, panels, Options{Parallelism: tt.parallelism, Writes: func(string) int { return tt.writes }})
		if took != tt.want {
			t.Errorf("parallelism %d, writes %d: took %s, want %s", tt.parallelism, tt.writes, took, tt.want)
		}
	}
}

// TestPlanOrder: of the steps that may run, the earliest goes first. The first
// call takes longest, so with several side by side the others overtake it.
func TestPlanOrder(t *testing.T) {
	steps := []plan.Step{
		step("s1", plan.Create, "web1/user/z", nil),
		step("s2", plan.Create, "web1/user/y", nil),
		step("s3", plan.Create, "web1/job/x", []string{"s1"}),
		step("s4", plan.Create, "web1/job/w", nil),
		step("s5", plan.Create, "web1/job/v", nil),
	}
	for writes, want := range map[int]string{1: "s1 s2 s3 s4 s5", 2: "s1 s2 s4 s5 s3", 3: "s1 s2 s4 s5 s3"} {
		var began []string
		f := newFake()
		f.callTime = time.Second
		f.onCall = func(c call) {
			if c.ref == "user/z" {
				<-time.After(time.Minute)
			}
		}
		try(t, steps, map[string]*fake{"web1": f}, Options{
			Writes: func(string) int { return writes },
			Observe: func(e Event) {
				if e.Kind == StepBegan {
					began = append(began, e.Step.ID)
				}
			}})
		if got := strings.Join(began, " "); got != want {
			t.Errorf("with %d writes the order was %s, want %s", writes, got, want)
		}
	}
}

func TestStopsAtFailures(t *testing.T) {
	steps := []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil),
		step("s2", plan.Create, "web1/user/b", nil),
		step("s3", plan.Create, "web2/user/a", nil),
		step("s4", plan.Create, "web2/user/b", []string{"s3"}),
		step("s5", plan.Create, "web2/user/c", nil),
	}
	for _, tt := range []struct {
		o    Options
		want map[string]What
		why  string
	}{
		{Options{FailFast: true}, map[string]What{"s1": Done, "s2": Failed, "s3": NotRun, "s4": NotRun, "s5": NotRun}, "not run: the run stops at the first step that fails"},
		{Options{MaxFailures: 2}, map[string]What{"s1": Done, "s2": Failed, "s3": Failed, "s4": Blocked, "s5": NotRun}, "not run: the run stops when 2 steps have failed"},
		{Options{MaxFailures: 3}, map[string]What{"s1": Done, "s2": Failed, "s3": Failed, "s4": Blocked, "s5": Done}, ""},
	} {
		web1, web2 := newFake(), newFake()
		web1.faults["user/a"] = []fault{asks}
		web1.faults["user/b"] = []fault{refuse}
		web2.faults["user/a"] = []fault{refuse}
		tt.o.Parallelism = 1
		r, _ := try(t, steps, map[string]*fake{"web1": web1, "web2": web2}, tt.o)
		if diff := cmp.Diff(tt.want, ends(r)); diff != "" {
			t.Error(diff)
		}
		if e := r.Outcomes[4].Error; e != nil && e.Message != tt.why {
			t.Errorf("%q, want %q", e.Message, tt.why)
		}
		if web1.restarts != 1 || r.Result != Partial {
			t.Errorf("%d restarts, result %s: a restart that was asked for is done though the run stops", web1.restarts, r.Result)
		}
	}
}

// TestUnknownStopsToo: a step whose fate is unknown counts as one that failed.
func TestUnknownStopsToo(t *testing.T) {
	f := newFake()
	f.faults["job/a"] = []fault{lostBefore}
	r, _ := try(t, []plan.Step{step("s1", plan.Create, "web1/job/a", nil), step("s2", plan.Create, "web1/user/b", nil)},
		map[string]*fake{"web1": f}, Options{FailFast: true})
	if diff := cmp.Diff(map[string]What{"s1": Unknown, "s2": NotRun}, ends(r)); diff != "" {
		t.Error(diff)
	}
}

func TestPanelsWithoutLane(t *testing.T) {
	f, unchanged := newFake(), newFake()
	unchanged.reads = 3 // to make the plan
	p := &plan.Plan{
		Steps: []plan.Step{step("s1", plan.Create, "web3/user/a", nil), step("s2", plan.Create, "web1/user/a", nil, "a", "1")},
		Panels: []plan.Panel{
			{Name: "web1", Reachable: true, Error: "webdomain: 120 rows announced, 100 sent"},
			{Name: "web2", Error: "connection refused", Requests: 3},
			{Name: "web3", Reachable: true},
			{Name: "web4", Reachable: true},
		},
	}
	r, err := Run(context.Background(), p, map[string]Panel{"web1": f, "web4": unchanged}, Options{Kind: kindOf})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, told(r), `
s1 create web3/user/a: not_run after 0
   [no_panel/web3] the panel could not be used in this run
s2 create web1/user/a: done after 1
web1: 2 requests, 1 writes, restart none
   webdomain: 120 rows announced, 100 sent
web2: 0 requests, 0 writes, restart none
   connection refused
web3: 0 requests, 0 writes, restart none
   the panel could not be used in this run
web4: 3 requests, 0 writes, restart none
result: partial`)
}

func TestNothingToDo(t *testing.T) {
	r, err := Run(context.Background(), &plan.Plan{Digest: "sha256:1", Panels: []plan.Panel{{Name: "web1", Reachable: true}}}, nil, Options{Kind: kindOf})
	if err != nil || r.Result != Nothing || r.PlanDigest != "sha256:1" || r.FormatVersion != "1" || len(r.Panels) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRefusesPlan(t *testing.T) {
	a := step("s1", plan.Create, "web1/user/a", nil)
	for want, tt := range map[string]struct {
		steps []plan.Step
		o     Options
	}{
		"run plan: web2/user/b (s2) needs s1, which is not an earlier step of the same panel; make the plan again": {
			steps: []plan.Step{a, step("s2", plan.Create, "web2/user/b", []string{"s1"})}, o: Options{Kind: kindOf}},
		"run plan: web1/user/b (s2) needs s3, which is not an earlier step of the same panel; make the plan again": {
			steps: []plan.Step{a, step("s2", plan.Create, "web1/user/b", []string{"s3"}), step("s3", plan.Create, "web1/user/c", nil)}, o: Options{Kind: kindOf}},
		"run plan: web2/user/c (s3) needs s1, which is not an earlier step of the same panel; make the plan again": {
			steps: []plan.Step{a, step("s2", plan.Create, "web2/user/b", nil), step("s3", plan.Create, "web2/user/c", []string{"s1"})}, o: Options{Kind: kindOf}},
		"run plan: the step id s1 is there twice; make the plan again": {steps: []plan.Step{a, a}, o: Options{Kind: kindOf}},
		"run plan: web1/moon/a (s1): the catalog has no kind moon; make the plan again": {
			steps: []plan.Step{step("s1", plan.Create, "web1/moon/a", nil)}, o: Options{Kind: kindOf}},
		`run plan: restart policy "often": use end, each or never`:           {o: Options{Kind: kindOf, Restart: "often"}},
		"run plan: Options.Kind is missing: give a catalog to find kinds in": {},
	} {
		f := newFake()
		_, err := Run(context.Background(), &plan.Plan{Steps: tt.steps}, map[string]Panel{"web1": f, "web2": f}, tt.o)
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if f.Requests() > 0 {
			t.Errorf("%s: %d calls were sent", want, f.Requests())
		}
	}
}

// TestStale: a stale step is not sent, and blocks what needs it; the rest runs.
func TestStale(t *testing.T) {
	r, _ := try(t, []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil, "a", "1"),
		step("s2", plan.Create, "web1/user/b", []string{"s1"}, "a", "1"),
		step("s3", plan.Create, "web1/user/c", nil, "a", "1"),
	}, map[string]*fake{"web1": newFake()}, Options{FailFast: true, Stale: map[string]string{"s1": "was absent when the plan was made, is there now"}})
	wantText(t, told(r), `
s1 create web1/user/a: stale after 0
   [stale/] was absent when the plan was made, is there now
s2 create web1/user/b: blocked after 0
   [blocked/web1/user/a] needs create web1/user/a, which is stale
s3 create web1/user/c: done after 1
web1: 2 requests, 1 writes, restart none
result: partial`)
}

// BenchmarkRun is what the executor itself costs: 2,200 creates on 20 panels
// that answer at once, read back at the end.
func BenchmarkRun(b *testing.B) {
	var steps []plan.Step
	for p := range 20 {
		for n := range 110 {
			var needs []string
			if n >= 10 { // ten users, and a hundred that need one of them
				needs = []string{fmt.Sprintf("s%d", p*110+n%10+1)}
			}
			steps = append(steps, step(fmt.Sprintf("s%d", len(steps)+1), plan.Create, fmt.Sprintf("web%d/user/r%d", p, n), needs, "a", "1", "b", "2"))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		panels := map[string]Panel{}
		for p := range 20 {
			panels[fmt.Sprintf("web%d", p)] = newFake()
		}
		r, err := Run(context.Background(), &plan.Plan{Steps: steps}, panels, Options{Kind: kindOf})
		if err != nil || r.Result != Applied {
			b.Fatal(err, r)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(steps)), "ns/step")
}
