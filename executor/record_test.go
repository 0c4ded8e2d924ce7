package executor

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/plan"
)

// aJournal is the journal of a run with one step of each fate.
const aJournal = `{"time":"2026-11-25T10:00:00Z","event":"run","run":"r1","plan":"sha256:1","start":{"command":"apply","pid":7,"host":"h","panels":["web1"],"saved":true}}
{"time":"2026-11-25T10:00:01Z","event":"before","run":"r1","plan":"sha256:1","panel":"web1","step":"s3","ref":"web1/user/c","fields":{"x":"1"}}
{"time":"2026-11-25T10:00:02Z","event":"call","run":"r1","plan":"sha256:1","panel":"web1","step":"s1","ref":"web1/user/a","call":1,"func":"user.edit","params":["name","passwd"]}
{"time":"2026-11-25T10:00:03Z","event":"answer","run":"r1","plan":"sha256:1","panel":"web1","step":"s1","ref":"web1/user/a","call":1,"outcome":"ok"}
{"time":"2026-11-25T10:00:03Z","event":"step","run":"r1","plan":"sha256:1","panel":"web1","step":"s1","ref":"web1/user/a","outcome":"done"}
{"time":"2026-11-25T10:00:04Z","event":"call","run":"r1","plan":"sha256:1","panel":"web1","step":"s2","ref":"web1/user/b","call":2,"func":"user.edit"}
{"time":"2026-11-25T10:00:05Z","event":"call","run":"r1","plan":"sha256:1","panel":"web1","call":3,"func":"restart"}
`

func planOfJournal() *plan.Plan {
	return &plan.Plan{Digest: "sha256:1", Panels: []plan.Panel{{Name: "web1"}}, Steps: []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil, "x", "1"),
		step("s2", plan.Create, "web1/user/b", nil, "x", "1"),
		step("s3", plan.Delete, "web1/user/c", nil),
	}}
}

// fatesIn says what a record tells of each step.
func fatesIn(r *Record) string {
	out := ""
	for _, o := range r.Report(planOfJournal()).Outcomes {
		out += o.Step + " " + string(o.Outcome) + "\n"
	}
	return out
}

// TestReadRecord reads a journal that was cut off.
func TestReadRecord(t *testing.T) {
	rec, err := ReadRecord(strings.NewReader(aJournal))
	if err != nil {
		t.Fatal(err)
	}
	if rec.Run != "r1" || rec.Whole() || !rec.Start.Saved || len(rec.Before) != 1 || rec.Torn != 0 {
		t.Errorf("%+v", rec)
	}
	if d := cmp.Diff("s1 done\ns2 unknown\ns3 not_run\n", fatesIn(rec)); d != "" {
		t.Error(d)
	}
	steps, sent := rec.StepsFor("web1", planOfJournal())
	if len(steps) != 1 || steps[0].ID != "s2" || sent["s2"] != time.Date(2026, 11, 25, 10, 0, 4, 0, time.UTC) {
		t.Errorf("%v, sent %v", steps, sent)
	}
}

// TestRecordTornAnywhere: a journal cut at any byte still says everything that
// its whole lines say, and goes on saying it when a later run adds a line.
func TestRecordTornAnywhere(t *testing.T) {
	for n := range len(aJournal) {
		cut := aJournal[:n]
		whole := cut[:strings.LastIndexByte(cut, '\n')+1]
		got, err := ReadRecord(strings.NewReader(cut))
		if n < strings.IndexByte(aJournal, '\n') { // a first line but for its line break is whole
			if !errors.Is(err, ErrNotBegun) {
				t.Fatalf("cut at %d: %v", n, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if whole != "" && !strings.HasSuffix(cut, "}") {
			want, err := ReadRecord(strings.NewReader(whole))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(fatesIn(want), fatesIn(got)); d != "" {
				t.Errorf("cut at %d:\n%s", n, d)
			}
		}
		if got.Steps["s2"] == nil {
			continue
		}
		b := bytes.NewBufferString(cut)
		if err := AppendSettled(b, time.Now(), got, Fate{Step: &planOfJournal().Steps[1], Outcome: NotRun, Begun: true}); err != nil {
			t.Fatal(err)
		}
		again, err := ReadRecord(b)
		if st := again.Steps["s2"]; err != nil || !st.Settled || st.Doubtful() || !st.Begun || st.Outcome != NotRun {
			t.Errorf("cut at %d, and settled: %+v, %v", n, st, err)
		}
	}
}

// TestRecordContinues: of a run that was continued, and of the run that
// continued it, the later says what counts, and what it says nothing of stays.
func TestRecordContinues(t *testing.T) {
	first, err := ReadRecord(strings.NewReader(aJournal))
	if err != nil {
		t.Fatal(err)
	}
	start := strings.ReplaceAll(aJournal[:strings.IndexByte(aJournal, '\n')+1], `"r1"`, `"r2"`)
	for name, c := range map[string]struct{ lines, want string }{
		"cut off before its first step":    {"", "s1 done\ns2 unknown\ns3 not_run\n"},
		"said that it took over":           {`{"event":"step","step":"s1","ref":"web1/user/a","outcome":"done"}`, "s1 done\ns2 unknown\ns3 not_run\n"},
		"did what was left":                {`{"event":"call","step":"s2","ref":"web1/user/b"}` + "\n" + `{"event":"step","step":"s2","ref":"web1/user/b","outcome":"done"}`, "s1 done\ns2 done\ns3 not_run\n"},
		"found that it is not in effect":   {`{"event":"step","step":"s1","ref":"web1/user/a","outcome":"failed"}`, "s1 failed\ns2 unknown\ns3 not_run\n"},
		"was stopped before it took over":  {`{"event":"step","step":"s1","ref":"web1/user/a","outcome":"not_run"}`, "s1 done\ns2 unknown\ns3 not_run\n"},
		"was cut off while it sent a call": {`{"event":"call","step":"s3","ref":"web1/user/c"}`, "s1 done\ns2 unknown\ns3 unknown\n"},
	} {
		rec, err := ReadRecord(strings.NewReader(start + c.lines))
		if err != nil {
			t.Fatal(err)
		}
		rec.Continues(first)
		if d := cmp.Diff(c.want, fatesIn(rec)); d != "" || len(rec.Before) != 1 {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// FuzzReadRecord: whatever stands in a journal, reading it ends, and what it says
// of each step can be told.
func FuzzReadRecord(f *testing.F) {
	f.Add([]byte(aJournal))
	f.Add([]byte(aJournal[:700]))
	f.Add([]byte(`{"event":"run","run":"x","start":{}}` + "\n" + `{"event":"answer","step":"s1","ref":"web1/user/a"}`))
	f.Add([]byte("\x00\x00\n{\"event\":\"settled\"}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := ReadRecord(bytes.NewReader(b))
		if err != nil {
			return
		}
		p := planOfJournal()
		for _, o := range rec.Report(p).Outcomes {
			if o.Outcome == "" {
				t.Errorf("%s has no outcome", o.Step)
			}
		}
		rec.StepsFor("web1", p)
		rec.Continues(rec)
	})
}

// TestLookUp: looking goes on as long as a call may land, and no longer.
func TestLookUp(t *testing.T) {
	for name, c := range map[string]struct {
		age    time.Duration // since the call was sent
		lands  time.Duration // from now; negative: never
		stopAt time.Duration // 0: nobody stops
		want   What
		unread bool
		atMost time.Duration
	}{
		"there":                          {lands: 0, want: Done},
		"lands after ten seconds":        {lands: 10 * time.Second, want: Done, atMost: 15 * time.Second},
		"never lands":                    {lands: -1, want: NotRun, atMost: 15 * time.Second},
		"sent long ago":                  {age: time.Hour, lands: -1, want: NotRun},
		"the looking is stopped":         {lands: 10 * time.Second, stopAt: 2 * time.Second, want: Unknown, unread: true, atMost: 2 * time.Second},
		"stopped when it is there":       {lands: 500 * time.Millisecond, stopAt: 2 * time.Second, want: Done, atMost: time.Second},
		"sent a moment before the limit": {age: 14 * time.Second, lands: -1, want: NotRun, atMost: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				s := step("s1", plan.Create, "web1/user/a", nil, "x", "1")
				land := func() { f.mu.Lock(); f.put("user/a", "x", "1"); f.mu.Unlock() }
				switch {
				case c.lands == 0:
					land()
				case c.lands > 0:
					time.AfterFunc(c.lands, land)
				}
				stop := make(chan struct{})
				if c.stopAt > 0 {
					time.AfterFunc(c.stopAt, func() { close(stop) })
				}
				began := time.Now()
				fates, err := LookUp(t.Context(), f, []*plan.Step{&s}, map[string]time.Time{"s1": began.Add(-c.age)}, Options{Kind: kindOf, Stop: stop})
				if err != nil || fates[0].Outcome != c.want || fates[0].Unread != c.unread {
					t.Errorf("%+v, %v", fates, err)
				}
				if took := time.Since(began); took > c.atMost {
					t.Errorf("took %v", took)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestLawLookUp: what LookUp says is done is there as it was sent, and what it
// says is not done does not come any more, whenever the call lands.
func TestLawLookUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		action := rapid.SampledFrom([]plan.Action{plan.Create, plan.Update, plan.Delete}).Draw(rt, "action")
		lands := time.Duration(rapid.IntRange(-1, 14).Draw(rt, "lands")) * time.Second
		unread := rapid.SliceOfN(rapid.SampledFrom([]error{nil, errLost}), 0, 4).Draw(rt, "reads")
		stopAt := time.Duration(rapid.IntRange(0, 20).Draw(rt, "stop at")) * time.Second
		var (
			fate  Fate
			state map[string]string
			err   error
		)
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.unread = unread
			fields := []string{"x", "new"}
			if action != plan.Create {
				f.put("user/a", "x", "old")
			}
			if action == plan.Delete {
				fields = nil
			}
			if lands >= 0 {
				time.AfterFunc(lands, func() {
					f.mu.Lock()
					defer f.mu.Unlock()
					if f.put("user/a", "x", "new"); action == plan.Delete {
						delete(f.things, "user/a")
					}
				})
			}
			stop := make(chan struct{})
			time.AfterFunc(stopAt, func() { close(stop) })
			s := step("s1", action, "web1/user/a", nil, fields...)
			var fates []Fate
			fates, err = LookUp(t.Context(), f, []*plan.Step{&s}, map[string]time.Time{"s1": time.Now()}, Options{Kind: kindOf, Stop: stop})
			if err == nil {
				fate = fates[0]
			}
			time.Sleep(time.Minute)
			state = f.state()
		})
		took := map[plan.Action]map[string]string{plan.Create: {"user/a": "1: x=new"}, plan.Update: {"user/a": "1: x=new"}, plan.Delete: {}}[action]
		is := cmp.Equal(state, took)
		switch {
		case err != nil:
			rt.Fatal(err)
		case fate.Outcome == Done && !is:
			rt.Fatalf("said to be done: %v", state)
		case fate.Outcome == NotRun && is:
			rt.Fatalf("said not to be done, and it came: %v", state)
		case fate.Outcome == Unknown && !fate.Unread:
			rt.Fatalf("%+v", fate)
		}
	})
}
