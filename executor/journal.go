package executor

// The journal of a run: what is about to be sent, and what came of it, so that
// whoever comes after a crash knows which steps nobody can tell about.
//
// The premise: a line that says a call is about to be sent is on the disk before
// the call leaves, and a line that says what came of it is on the disk before
// anything is built on that. So a call without such an answer may or may not
// have been taken by the panel, a step without a line of its own that was begun
// is to be looked up, and a step without any call was never sent. A line that
// was torn when the machine went down was never synced: the call it tells of had
// not left, or its answer is simply not known. Either way leaving it out is right.
//
// Lines hold the names of parameters and never a value of a secret: secrets are
// fetched later, when the call is encoded.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// LineEvent says what a line of the journal tells.
type LineEvent string

// The lines of a journal. A run begins with LineRun, then come the LineBefore of
// what it deletes, and for each writing call LineCall and LineAnswer; LineStep
// says how a step ended (again, when reading it back showed otherwise). LineEnd
// is last, and missing after a crash. LineSettled is added by the run that found
// out what became of a step.
const (
	LineRun     LineEvent = "run"
	LineBefore  LineEvent = "before"
	LineCall    LineEvent = "call"
	LineAnswer  LineEvent = "answer"
	LineStep    LineEvent = "step"
	LineSettled LineEvent = "settled"
	LineEnd     LineEvent = "end"
)

// Answers of a call, in LineAnswer.
const (
	AnswerOK      = "ok"
	AnswerRefused = "refused"  // an answer of the panel: it did nothing
	AnswerNotSent = "not_sent" // it did not leave, or provably did not arrive
	AnswerLost    = "lost"     // nobody can tell
)

// Line is one line of a journal.
type Line struct {
	Time  time.Time `json:"time"`
	Event LineEvent `json:"event"`
	Run   string    `json:"run"`
	Plan  string    `json:"plan"` // digest
	Panel string    `json:"panel,omitempty"`
	Step  string    `json:"step,omitempty"` // id in the plan
	Ref   string    `json:"ref,omitempty"`

	// Of LineCall; Call numbers the calls of a run. It and Func are in the
	// LineAnswer too.
	Call   int      `json:"call,omitempty"`
	Func   string   `json:"func,omitempty"`
	Params []string `json:"params,omitempty"` // names
	Elid   string   `json:"elid,omitempty"`
	Su     string   `json:"su,omitempty"`
	Parent string   `json:"parent,omitempty"`

	// Asks, of LineAnswer: the panel asked for a restart of its services.
	Asks bool `json:"asks_restart,omitempty"`
	// Outcome is the answer of a call, the outcome of a step, or the result of
	// the run.
	Outcome string `json:"outcome,omitempty"`
	Error   string `json:"error,omitempty"` // free of secrets

	// Of LineBefore: the fields of a resource before it was deleted, alone or
	// with the resource named by Root.
	Fields map[string]specs.Value `json:"fields,omitempty"`
	Root   string                 `json:"root,omitempty"`

	// Begun, of LineSettled, says that a create came half way: see Fate.Begun.
	Begun bool `json:"begun,omitempty"`

	Start *RunStart `json:"start,omitempty"` // of LineRun
}

// RunStart says in LineRun what run it is.
type RunStart struct {
	Command string   `json:"command"`
	PID     int      `json:"pid"`
	Host    string   `json:"host"`
	Panels  []string `json:"panels"`
	Saved   bool     `json:"saved"`             // the plan came from a file
	Resumes string   `json:"resumes,omitempty"` // the run that this one continues
	MadeBy  string   `json:"made_by,omitempty"` // see plan.Plan.MadeBy
	Restart string   `json:"restart"`           // the restart policy
}

// JournalFile is where a journal is kept. Write gets whole lines, one at a time.
type JournalFile interface {
	io.Writer
	// Sync returns when everything written before is on the disk.
	Sync() error
}

// Journal writes the journal of one run. Lanes use it side by side: syncs are
// shared, so that many lanes do not wait for one another's disk.
type Journal struct {
	run, plan string
	now       func() time.Time
	w         JournalFile
	steps     map[specs.Ref]string // ids

	mu      sync.Mutex
	synced  *sync.Cond // on mu: onDisk or err changed, or nobody syncs any more
	written uint64     // lines
	onDisk  uint64     // lines that are surely there
	syncing bool
	calls   int
	begun   map[specs.Ref]bool // a call about it was begun
	err     error
}

// NewJournal begins the journal of a run of a plan. Nothing is written yet.
func NewJournal(w JournalFile, run string, p *plan.Plan, now func() time.Time) *Journal {
	j := &Journal{run: run, plan: p.Digest, now: now, w: w, steps: make(map[specs.Ref]string, len(p.Steps)), begun: map[specs.Ref]bool{}}
	j.synced = sync.NewCond(&j.mu)
	for i := range p.Steps {
		j.steps[p.Steps[i].Ref] = p.Steps[i].ID
	}
	return j
}

// errJournal is in every error that a journal gives.
var errJournal = errors.New("the journal cannot be written")

// Err is why the journal cannot be written any more, or nil. Without a journal
// nothing may be sent.
func (j *Journal) Err() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Start says what run this is. It returns when that is on the disk.
func (j *Journal) Start(s RunStart) error {
	return j.add(Line{Event: LineRun, Start: &s}, true)
}

// Before keeps what a resource was before it goes. root is the resource that is
// deleted, when this one goes with it. It does not wait for the disk: the first
// call does.
func (j *Journal) Before(r *specs.Resource, root string) error {
	l := Line{Event: LineBefore, Panel: r.Ref.Panel, Ref: r.Ref.String(), Step: j.steps[r.Ref], Root: root, Elid: r.Elid, Su: r.Su, Parent: r.Parent,
		Fields: make(map[string]specs.Value, len(r.Fields))}
	for _, f := range r.Fields {
		l.Fields[f.Name] = f.Value
	}
	return j.add(l, false)
}

// Call is a writing call that is about to be sent.
type Call struct {
	Ref              specs.Ref // only its panel is set for a call about no resource (restart)
	Func             string
	Params           []string // names
	Elid, Su, Parent string
}

// Begin returns when the disk knows that a call is about to be sent. If it
// fails, the call must not be sent. answered is to be called with what came of it.
func (j *Journal) Begin(c Call) (answered func(restart bool, err error), err error) {
	l := Line{Panel: c.Ref.Panel, Step: j.steps[c.Ref]}
	if c.Ref.Key != "" {
		l.Ref = c.Ref.String()
	}
	j.mu.Lock()
	j.calls++
	l.Call = j.calls
	j.mu.Unlock()
	l.Func = c.Func
	begun := l
	begun.Event, begun.Params, begun.Elid, begun.Su, begun.Parent = LineCall, c.Params, c.Elid, c.Su, c.Parent
	if err := j.add(begun, true); err != nil {
		return nil, err
	}
	j.mu.Lock()
	j.begun[c.Ref] = true
	j.mu.Unlock()
	return func(restart bool, err error) {
		l.Event, l.Outcome, l.Asks = LineAnswer, answerOf(err), restart
		if err != nil {
			l.Error = detail(err).Message
		}
		// It goes to the disk with the line of the next call, or when the lane has
		// something to wait for. Err tells, and keeps the next call from being sent.
		_ = j.add(l, false)
	}, nil
}

// hasBegun reports whether a call about a resource was begun.
func (j *Journal) hasBegun(r specs.Ref) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.begun[r]
}

func answerOf(err error) string {
	var ce CallError
	switch {
	case err == nil:
		return AnswerOK
	case !errors.As(err, &ce):
		return AnswerNotSent
	case ce.MaybeApplied():
		return AnswerLost
	case ce.Down():
		return AnswerNotSent
	default:
		return AnswerRefused
	}
}

// Step says how a step ended.
func (j *Journal) Step(o *Outcome) {
	if j == nil {
		return
	}
	l := Line{Event: LineStep, Panel: o.Ref.Panel, Step: o.Step, Ref: o.Ref.String(), Outcome: string(o.Outcome)}
	if o.Error != nil {
		l.Error = o.Error.Message
	}
	_ = j.add(l, false) // as above
}

// End says how the run ended.
func (j *Journal) End(r Result) error {
	return j.add(Line{Event: LineEnd, Outcome: string(r)}, true)
}

// add writes a line, and with durable returns when it is on the disk.
func (j *Journal) add(l Line, durable bool) error {
	l.Time, l.Run, l.Plan = j.now().UTC(), j.run, j.plan
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("%w: %w", errJournal, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	if _, err := j.w.Write(append(b, '\n')); err != nil {
		return j.fail(err)
	}
	j.written++
	if durable {
		j.flush()
	}
	return j.err
}

// Flush returns when everything written so far is on the disk: before a lane
// waits for something, and at its end.
func (j *Journal) Flush() {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flush()
}

// flush is Flush for a holder of the lock.
func (j *Journal) flush() {
	for mine := j.written; j.onDisk < mine && j.err == nil; {
		if j.syncing {
			j.synced.Wait()
			continue
		}
		j.sync()
	}
}

// sync brings everything written so far to the disk, for all who wait. It lets
// go of the lock meanwhile.
func (j *Journal) sync() {
	upTo := j.written
	j.syncing = true
	j.mu.Unlock()
	err := j.w.Sync()
	j.mu.Lock()
	j.syncing = false
	if err != nil {
		j.fail(err) //nolint:errcheck // kept in j.err
	} else {
		j.onDisk = upTo
	}
	j.synced.Broadcast()
}

func (j *Journal) fail(err error) error {
	if j.err == nil {
		j.err = fmt.Errorf("%w: %w", errJournal, err)
	}
	return j.err
}
