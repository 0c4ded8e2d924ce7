package executor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// TestReadBack: accepted is not in effect.
func TestReadBack(t *testing.T) {
	for _, tt := range []struct {
		why    string
		action plan.Action
		setup  func(*fake)
		want   string // the outcome, and the lane's error
		took   time.Duration
		reads  int
	}{
		{"in effect at once", c, func(*fake) {}, "done", 0, 1},
		{"in effect two seconds later", c, func(f *fake) { f.faults["user/a"] = []fault{slowEffect} }, "done", 3 * time.Second, 3},
		{"never made", c, func(f *fake) { f.faults["user/a"] = []fault{deaf} },
			"failed [not_in_effect/] accepted but not in effect: it is not there", 3 * time.Second, 3},
		{"never changed", u, func(f *fake) { f.put("user/a", "php_mode", "a", "x", "1"); f.faults["user/a"] = []fault{deaf} },
			`failed [not_in_effect/] accepted but not in effect: php_mode is "a", not "b", x is "1", not "2"`, 3 * time.Second, 3},
		{"a field the panel does not tell is not compared", u, func(f *fake) {
			f.put("user/a", "php_mode", "a")
			f.faults["user/a"], f.hidden["php_mode"] = []fault{deaf}, true
		}, "done", 0, 1},
		{"never deleted", d, func(f *fake) { f.put("user/a"); f.faults["user/a"] = []fault{deaf} },
			"failed [not_in_effect/] accepted but not in effect: it is still there", 3 * time.Second, 3},
		{"deleted late", d, func(f *fake) { f.put("user/a"); f.faults["user/a"] = []fault{slowEffect} }, "done", 3 * time.Second, 3},
		{"reading fails at first", c, func(f *fake) { f.unread = []error{errLost, errLost} }, "done", 3 * time.Second, 3},
		{"reading fails throughout", c, func(f *fake) { f.unread = []error{errLost, errLost, errors.New("no route to host")} },
			"done; lane: not verified: user: no route to host", 3 * time.Second, 3},
		{"the listing is never complete", d, func(f *fake) { f.put("user/a"); f.listingErr = errors.New("120 rows announced, 100 sent") },
			"done; lane: not verified: user: 120 rows announced, 100 sent", 3 * time.Second, 3},
		{"seen not to be in effect, then unreadable", c, func(f *fake) {
			f.faults["user/a"], f.unread = []fault{deaf}, []error{nil, errLost, errLost}
		}, "failed [not_in_effect/] accepted but not in effect: it is not there", 3 * time.Second, 3},
	} {
		f := newFake()
		tt.setup(f)
		fields := []string{"php_mode", "b", "x", "2"}
		if tt.action == d {
			fields = nil
		}
		r, took := try(t, []plan.Step{step("s1", tt.action, "web1/user/a", nil, fields...)}, map[string]*fake{"web1": f}, Options{})
		got := string(r.Outcomes[0].Outcome)
		if e := r.Outcomes[0].Error; e != nil {
			got += fmt.Sprintf(" [%s/%s] %s", e.Type, e.Object, e.Message)
		}
		if e := r.Panels[0].Error; e != "" {
			got += "; lane: " + e
		}
		if got != tt.want || took != tt.took || f.reads != tt.reads {
			t.Errorf("%s %s: %s after %s and %d reads\nwant %s after %s and %d", tt.action, tt.why, got, took, f.reads, tt.want, tt.took, tt.reads)
		}
		if result := map[bool]Result{true: Applied, false: Partial}[got == "done"]; r.Result != result {
			t.Errorf("%s %s: result %s, want %s", tt.action, tt.why, r.Result, result)
		}
	}
}

// TestReadBackOfUnknownZone: one kind that cannot be looked up does not keep the
// others from being verified.
func TestReadBackOfUnknownZone(t *testing.T) {
	f := newFake()
	f.put("record/r")
	f.faults["user/a"] = []fault{deaf}
	r, _ := try(t, []plan.Step{
		step("s1", plan.Delete, "web1/record/r", nil),
		step("s2", plan.Create, "web1/user/a", nil),
	}, map[string]*fake{"web1": f}, Options{})
	wantText(t, told(r), `
s1 delete web1/record/r: done after 1
s2 create web1/user/a: failed after 1
   [not_in_effect/] accepted but not in effect: it is not there
web1: 5 requests, 2 writes, restart none
   not verified: record: the plan does not say in which zone web1/record/r is, so it cannot be looked up
result: partial`)
	r, _ = try(t, []plan.Step{step("s1", plan.Delete, "web1/record/r", nil)}, map[string]*fake{"web1": {things: map[string]*thing{"record/r": {}}}}, Options{})
	if r.Outcomes[0].Outcome != Done || r.Panels[0].Requests != 1 || r.Result != Partial {
		t.Errorf("%s", told(r))
	}
}

// TestReadBackAsksForLittle: one read with one want per kind written, which
// declares just what was sent; later looks ask only for what is left.
func TestReadBackAsksForLittle(t *testing.T) {
	f := newFake()
	f.put("user/old")
	f.put("user/pw", "a", "1")
	f.faults["job/x"], f.faults["user/no"] = []fault{slowEffect}, []fault{refuse}
	pw := step("s4", plan.Update, "web1/user/pw", nil)
	pw.Secrets = []string{"passwd"}
	try(t, []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil, "a", "1"),
		step("s2", plan.Create, "web1/job/x", nil, "b", "2"),
		step("s3", plan.Delete, "web1/user/old", nil),
		pw,
		step("s5", plan.Create, "web1/user/no", nil, "a", "1"),
	}, map[string]*fake{"web1": f}, Options{})
	var got []string
	for _, w := range f.wants {
		line := w.Kind.Name + ":"
		for _, key := range []string{"a", "no", "old", "other", "pw", "x"} {
			if r := w.Declared(key); r != nil {
				line += fmt.Sprintf(" %s%v", key, r.Fields)
			}
		}
		got = append(got, line)
	}
	want := []string{"job: x[{b 2}]", "user: a[{a 1}]", "job: x[{b 2}]", "job: x[{b 2}]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOnlySecretsLeaveNothingToSee: a rotated password is written and not read back.
func TestOnlySecretsLeaveNothingToSee(t *testing.T) {
	f := newFake()
	f.put("user/pw", "a", "1")
	pw := step("s1", plan.Update, "web1/user/pw", nil)
	pw.Secrets = []string{"passwd"}
	r, _ := try(t, []plan.Step{pw}, map[string]*fake{"web1": f}, Options{})
	if f.reads != 0 || r.Result != Applied {
		t.Errorf("%d reads, result %s", f.reads, r.Result)
	}
}

// TestCorrectedCounts: what turns out not to be in effect counts as a failure,
// is told, and blocks nothing any more.
func TestCorrectedCounts(t *testing.T) {
	web1, web2 := newFake(), newFake()
	web1.faults["user/a"] = []fault{deaf}
	var corrected []string
	r, _ := try(t, []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil),
		step("s2", plan.Create, "web1/user/b", []string{"s1"}),
		step("s3", plan.Create, "web2/user/a", nil),
	}, map[string]*fake{"web1": web1, "web2": web2}, Options{Parallelism: 1, FailFast: true, Observe: func(e Event) {
		if e.Kind == StepCorrected {
			corrected = append(corrected, e.Step.ID+" "+e.Outcome.Error.Message)
		}
	}})
	if diff := cmp.Diff(map[string]What{"s1": Failed, "s2": Done, "s3": NotRun}, ends(r)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(corrected, []string{"s1 accepted but not in effect: it is not there"}) {
		t.Error(corrected)
	}
}

// TestEvents is a whole run as an observer sees it.
func TestEvents(t *testing.T) {
	f := newFake()
	f.faults["user/a"], f.faults["user/b"] = []fault{lostLate}, []fault{deaf}
	var got []string
	names := map[EventKind]string{LaneBegan: "lane began", StepBegan: "began", StepEnded: "ended", Waiting: "waiting", LaneEnded: "lane ended", StepCorrected: "corrected"}
	try(t, []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil),
		step("s2", plan.Create, "web1/user/b", nil),
	}, map[string]*fake{"web1": f}, Options{SettleWaits: []time.Duration{0, 4 * time.Second, 8 * time.Second}, Observe: func(e Event) {
		line := e.Panel + " " + names[e.Kind]
		if e.Step != nil {
			line += " " + e.Step.ID
		}
		if e.Outcome != nil {
			line += " " + string(e.Outcome.Outcome)
		}
		if e.Lane != nil {
			line += fmt.Sprintf(" %d writes", e.Lane.Writes)
		}
		if e.Note != "" {
			line += ": " + e.Note
		}
		got = append(got, line)
	}})
	wantText(t, strings.Join(got, "\n"), `
web1 lane began
web1 began s1
web1 waiting s1: looking in 4s whether it took effect
web1 waiting s1: looking in 8s whether it took effect
web1 ended s1 done
web1 began s2
web1 ended s2 done
web1 waiting: reading back in 1s what is not yet in effect
web1 waiting: reading back in 2s what is not yet in effect
web1 corrected s2 failed
web1 lane ended 2 writes`)
}

// TestWantFor: children and accounts are looked up where they are, or not at all.
func TestWantFor(t *testing.T) {
	made := step("s1", plan.Create, "web1/record/a", nil, "plid", "example.com")
	other := step("s2", plan.Create, "web1/record/b", nil, "plid", "example.org")
	made.Parent, other.Parent = "example.com", "example.org"
	lost := step("s3", plan.Delete, "web1/record/c", nil)
	w, err := wantFor(recKind, []*plan.Step{&other, &made, &other})
	if err != nil || !slices.Equal(w.Parents, []string{"example.com", "example.org"}) {
		t.Errorf("parents %v, %v", w.Parents, err)
	}
	// Read without its zone it would look deleted.
	if _, err := wantFor(recKind, []*plan.Step{&made, &lost}); err == nil || err.Error() != "the plan does not say in which zone web1/record/c is, so it cannot be looked up" {
		t.Error(err)
	}
	job := step("s4", plan.Create, "web1/cron/backup", nil)
	if _, err := wantFor(cronKind, []*plan.Step{&job}); err == nil || err.Error() != "the plan does not say whose web1/cron/backup is, so it cannot be looked up" {
		t.Error(err)
	}
	job.Su = "alice"
	if w, err := wantFor(cronKind, []*plan.Step{&job}); err != nil || !slices.Equal(w.Su, []string{"alice"}) {
		t.Errorf("accounts %v, %v", w.Su, err)
	}
}

// TestCompareSkipsWhatIsNotSent: a change to no value is not sent, so what the
// panel tells of it is no difference.
func TestCompareSkipsWhatIsNotSent(t *testing.T) {
	s := step("s1", plan.Update, "web1/user/a", nil, "a", "1")
	s.Changes = append(s.Changes, plan.Change{Field: "b", Before: specs.Text("2")})
	live := &specs.Resource{Ref: s.Ref, Fields: specs.Fields{{Name: "a", Value: specs.Text("1")}, {Name: "b", Value: specs.Text("2")}}}
	if seen, what := compare(&s, live); seen != equal {
		t.Errorf("sight %d, %s", seen, what)
	}
}

func TestQuoted(t *testing.T) {
	for want, v := range map[string]specs.Value{
		`"a\nb"`: specs.Text("a\nb"), `""`: specs.Text(""), "true": specs.Bool(true), "10": specs.Number(10), `"a b"`: specs.List("a", "b"),
	} {
		if got := quoted(v); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
