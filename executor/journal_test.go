package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// diskTime is how long the disk of the tests takes to sync.
const diskTime = 5 * time.Millisecond

// disk is the file of a journal, and knows what of it would survive a crash.
type disk struct {
	mu     sync.Mutex
	lines  [][]byte
	synced int
	syncs  int
	failAt int // the number of the write, or of the sync when failSync, that fails; 0: none
	onSync bool
}

var errFull = errors.New("no space left on device")

func (d *disk) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !bytes.HasSuffix(line, []byte("\n")) || bytes.Count(line, []byte("\n")) != 1 {
		panic("not a line: " + string(line))
	}
	if !d.onSync && d.failAt > 0 && len(d.lines)+1 >= d.failAt {
		return 0, errFull
	}
	d.lines = append(d.lines, bytes.Clone(line))
	return len(line), nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	upTo := len(d.lines)
	d.mu.Unlock()
	time.Sleep(diskTime) // of the bubble
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.onSync && d.failAt > 0 && d.syncs >= d.failAt {
		return errFull
	}
	d.synced = max(d.synced, upTo)
	return nil
}

// knows reports whether a line of an event about a resource would survive.
func (d *disk) knows(event LineEvent, ref string, nth int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.lines[:d.synced] {
		var l Line
		if err := json.Unmarshal(b, &l); err != nil {
			panic(err)
		}
		if l.Event == event && strings.HasSuffix(l.Ref, "/"+ref) {
			nth--
		}
	}
	return nth < 0
}

func (d *disk) record() (*Record, error) {
	return ReadRecord(bytes.NewReader(bytes.Join(d.lines, nil)))
}

// journaled is a panel whose calls go through a journal, as those of
// apiclient.Writer do.
type journaled struct {
	*fake
	j     *Journal
	calls int // of a step: an edit, and then a switch, when 2
}

func (p journaled) send(ctx context.Context, r specs.Resource, do func(context.Context, specs.Resource) (bool, error)) (bool, error) {
	answered, err := p.j.Begin(Call{Ref: r.Ref, Func: "f", Params: []string{"a"}})
	if err != nil {
		return false, err
	}
	asks, err := do(ctx, r)
	answered(asks, err)
	if err != nil || p.calls < 2 {
		return asks, err
	}
	answered, err = p.j.Begin(Call{Ref: r.Ref, Func: "switch"})
	if err != nil {
		return asks, err
	}
	answered(false, nil)
	return asks, nil
}

func (p journaled) Create(ctx context.Context, r specs.Resource) (bool, error) {
	return p.send(ctx, r, p.fake.Create)
}

func (p journaled) Update(ctx context.Context, r specs.Resource) (bool, error) {
	return p.send(ctx, r, p.fake.Update)
}

func (p journaled) Delete(ctx context.Context, r specs.Resource) (bool, error) {
	return p.send(ctx, r, p.fake.Delete)
}

// runJournaled runs creates of panels × steps with a journal on a disk.
func runJournaled(d *disk, panels, steps, calls int) (*Report, map[string]*fake, error) {
	p := &plan.Plan{Digest: "sha256:1"}
	fakes, clients := map[string]*fake{}, map[string]Panel{}
	for i := range panels {
		for n := range steps {
			p.Steps = append(p.Steps, step(fmt.Sprintf("s%d-%d", i, n), plan.Create, fmt.Sprintf("web%d/user/u%d", i, n), nil, "x", "1"))
		}
	}
	j := NewJournal(d, "r1", p, time.Now)
	var err error
	for i := range panels {
		f := newFake()
		f.callTime = time.Millisecond
		seen := map[string]int{}
		f.onCall = func(c call) {
			if !d.knows(LineCall, c.ref, seen[c.ref]) {
				err = fmt.Errorf("call %d of %s left before the disk knew of it", seen[c.ref], c.ref)
			}
			seen[c.ref]++
		}
		name := fmt.Sprintf("web%d", i)
		fakes[name], clients[name] = f, journaled{f, j, calls}
	}
	if startErr := j.Start(RunStart{Command: "apply"}); startErr != nil {
		return nil, fakes, startErr
	}
	r, runErr := Run(context.Background(), p, clients, Options{Kind: kindOf, Journal: j, Parallelism: panels})
	if r != nil && j.Err() == nil {
		err = errors.Join(err, j.End(r.Result))
	}
	return r, fakes, errors.Join(err, runErr)
}

// TestJournalBeforeTheCall: the disk knows of every call before it leaves, and of
// every answer before the next; lanes share syncs.
func TestJournalBeforeTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		began := time.Now()
		r, _, err := runJournaled(d, 20, 5, 1)
		if err != nil || r.Result != Applied {
			t.Fatal(err, r)
		}
		rec, err := d.record()
		if err != nil || rec.Result != Applied || len(rec.Steps) != 100 || rec.Torn > 0 {
			t.Fatalf("%+v, %v", rec, err)
		}
		for id, st := range rec.Steps {
			if st.Outcome != Done || st.Calls != 1 || st.Doubtful() {
				t.Errorf("%s: %+v", id, st)
			}
		}
		t.Logf("%d lines, %d syncs", len(d.lines), d.syncs)
		if d.syncs > len(d.lines)/4 {
			t.Errorf("%d syncs for %d lines: lanes wait for one another's disk", d.syncs, len(d.lines))
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("100 calls on 20 panels took %v", took)
		}
	})
}

// TestLawJournalFails: whenever the disk fails, no call leaves that it does not
// know of, every step has an outcome, and what was made is not said to be not run.
func TestLawJournalFails(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := &disk{failAt: rapid.IntRange(1, 40).Draw(rt, "fail at"), onSync: rapid.Bool().Draw(rt, "on sync")}
		calls := rapid.IntRange(1, 2).Draw(rt, "calls of a step")
		panels := rapid.IntRange(1, 3).Draw(rt, "panels")
		var (
			r     *Report
			fakes map[string]*fake
			err   error
		)
		synctest.Test(t, func(*testing.T) { r, fakes, err = runJournaled(d, panels, 4, calls) })
		if r == nil {
			for _, f := range fakes {
				if len(f.calls) > 0 {
					rt.Fatalf("nothing begun, and sent: %v", f.calls)
				}
			}
			return
		}
		if err != nil && !errors.Is(err, errJournal) {
			rt.Fatal(err)
		}
		for _, o := range r.Outcomes {
			made := fakes[o.Ref.Panel].made[o.Ref.Kind+"/"+o.Ref.Key]
			switch {
			case o.Outcome == "":
				rt.Fatalf("%s has no outcome", o.Step)
			case o.Outcome == NotRun && (made > 0 || o.Attempts > 0 || o.Error.Type != "journal"):
				rt.Fatalf("%+v (%+v): and it was made %d times", o, o.Error, made)
			case o.Outcome == Done && made != 1:
				rt.Fatalf("%+v: and it was made %d times", o, made)
			}
		}
	})
}

// TestAnswers: what the journal says of an answer.
func TestAnswers(t *testing.T) {
	for want, err := range map[string]error{
		AnswerOK: nil, AnswerLost: errLost, AnswerRefused: errExists, AnswerNotSent: errors.New("the secret cannot be read"),
	} {
		if got := answerOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
