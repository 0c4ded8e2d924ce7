package executor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// Record is what the journal of a run tells after it, whether the run came to
// its end or not.
type Record struct {
	Run        string
	PlanDigest string
	Began      time.Time
	Last       time.Time // of the last line
	Start      RunStart
	Result     Result // empty: it did not come to its end
	// Steps are the steps that something was said about, by id.
	Steps map[string]*StepRecord
	// Owed are the panels that asked for a restart and did not get it.
	Owed   map[string]bool
	Before []Line // LineBefore, as written
	Torn   int    // lines that were not whole, and were passed over
}

// StepRecord is what a journal tells of one step.
type StepRecord struct {
	Ref   specs.Ref
	Calls int  // writing calls begun
	Open  bool // begun, and nobody said how it ended
	// Sent is when its last call was begun.
	Sent    time.Time
	Last    Line // the last LineCall
	Outcome What // as the run said; empty while open
	Settled bool // a later run found out what became of it
	Begun   bool // and that a create came half way: see Fate.Begun
	Error   string
}

// ErrNotBegun is the error of a journal whose run was cut off before its first
// line was on the disk. Such a run has sent nothing.
var ErrNotBegun = errors.New("read the journal: its run was cut off before it began")

// maxLine bounds a line of a journal, in bytes. The longest hold all the fields of a
// resource, of which a panel has no longer ones than fit into a form.
const maxLine = 16 << 20

// ReadRecord reads a journal. Lines that are not whole are passed over: see the
// premise of journal.go. A journal without its first line is an error,
// ErrNotBegun when it has no whole line at all.
func ReadRecord(r io.Reader) (*Record, error) {
	rec := &Record{Steps: map[string]*StepRecord{}, Owed: map[string]bool{}}
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	for s.Scan() {
		b := bytes.TrimSpace(s.Bytes())
		if len(b) == 0 {
			continue
		}
		var l Line
		if err := json.Unmarshal(b, &l); err != nil {
			rec.Torn++
			continue
		}
		rec.add(l)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	if rec.Run == "" && rec.Last.IsZero() {
		return nil, ErrNotBegun
	}
	if rec.Run == "" {
		return nil, errors.New("read the journal: it does not say of which run it is")
	}
	return rec, nil
}

func (r *Record) add(l Line) {
	if l.Event == LineRun && r.Run == "" && l.Start != nil {
		r.Run, r.PlanDigest, r.Began, r.Start = l.Run, l.Plan, l.Time, *l.Start
	}
	r.Last = l.Time
	switch l.Event {
	case LineBefore:
		r.Before = append(r.Before, l)
	case LineEnd:
		r.Result = Result(l.Outcome)
	case LineCall, LineAnswer, LineStep, LineSettled:
		if l.Step == "" {
			// A restart. One that was answered in whatever way is all that was owed;
			// one that was only begun may be sent again, which harms nobody.
			if l.Event != LineCall && l.Outcome != AnswerNotSent {
				delete(r.Owed, l.Panel)
			}
			return
		}
		if l.Asks {
			r.Owed[l.Panel] = true
		}
		st := r.step(l)
		if st == nil {
			return
		}
		switch l.Event {
		case LineCall:
			st.Calls, st.Open, st.Sent, st.Last = st.Calls+1, true, l.Time, l
		case LineStep:
			st.Open, st.Outcome, st.Error = false, What(l.Outcome), l.Error
		case LineSettled:
			st.Open, st.Outcome, st.Error, st.Settled, st.Begun = false, What(l.Outcome), l.Error, true, l.Begun
		}
	}
}

func (r *Record) step(l Line) *StepRecord {
	st := r.Steps[l.Step]
	if st == nil {
		ref, err := specs.ParseRef(l.Ref)
		if err != nil {
			return nil
		}
		st = &StepRecord{Ref: ref}
		r.Steps[l.Step] = st
	}
	return st
}

// Doubtful reports whether nobody knows what became of a step: it was begun and
// then the run was cut off, or it ended as unknown; and no later run settled it.
func (s *StepRecord) Doubtful() bool {
	return !s.Settled && (s.Open || s.Outcome == Unknown && s.Calls > 0)
}

// OwesRestart reports whether a later run is to restart the services of a panel:
// it was asked to, and was cut off or interrupted before.
func (r *Record) OwesRestart(panel string) bool {
	return r.Owed[panel] && r.Start.Restart != string(RestartNever) && (!r.Whole() || r.Result == Interrupted)
}

// Open reports whether something is left for a later run to find out or to do.
func (r *Record) Open() bool {
	for _, st := range r.Steps {
		if st.Doubtful() {
			return true
		}
	}
	for panel := range r.Owed {
		if r.OwesRestart(panel) {
			return true
		}
	}
	return false
}

// Continues adds what an earlier run of the same plan did, which this one
// continued: the steps that this one sent nothing for, and what they took away.
func (r *Record) Continues(earlier *Record) {
	for id, was := range earlier.Steps {
		is := r.Steps[id]
		if is != nil && is.Calls > 0 {
			continue
		}
		merged := *was
		if is != nil && (is.Outcome == Done || is.Outcome == Failed || is.Outcome == Unknown) {
			merged.Outcome, merged.Error, merged.Open = is.Outcome, is.Error, false
		}
		r.Steps[id] = &merged
	}
	r.Before = append(r.Before, earlier.Before...)
}

// Whole reports whether the run came to its end.
func (r *Record) Whole() bool { return r.Result != "" }

// AppendSettled adds to a journal's file that a step's fate was found out. The
// file is one that its own run will not write any more; what it last wrote may
// be torn, so the line begins with a line break.
func AppendSettled(w io.Writer, now time.Time, rec *Record, f Fate) error {
	st := rec.Steps[f.Step.ID]
	return appendLine(w, Line{Time: now.UTC(), Event: LineSettled, Run: rec.Run, Plan: rec.PlanDigest, Panel: st.Ref.Panel,
		Step: f.Step.ID, Ref: st.Ref.String(), Outcome: string(f.Outcome), Error: f.Evidence, Begun: f.Begun})
}

// AppendRestarted adds that a panel got the restart that a run owed it.
func AppendRestarted(w io.Writer, now time.Time, rec *Record, panel string, outcome RestartDone) error {
	return appendLine(w, Line{Time: now.UTC(), Event: LineSettled, Run: rec.Run, Plan: rec.PlanDigest, Panel: panel, Func: "restart", Outcome: string(outcome)})
}

func appendLine(w io.Writer, l Line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	_, err = w.Write(append(append([]byte{'\n'}, b...), '\n'))
	return err
}

// Report is what a journal tells of a run that did not come to its end, as a
// report: steps that were begun and of which nobody knows are unknown, those
// that were not begun are not run.
func (r *Record) Report(p *plan.Plan) *Report {
	rep := &Report{FormatVersion: FormatVersion, Run: r.Run, PlanDigest: r.PlanDigest, StartedAt: r.Began, FinishedAt: r.Last,
		Result: Interrupted, Panels: []LaneEnd{}, Outcomes: make([]Outcome, len(p.Steps))}
	if r.Whole() {
		rep.Result = r.Result
	}
	writes := map[string]int{}
	for i := range p.Steps {
		s := &p.Steps[i]
		o := Outcome{Step: s.ID, Ref: s.Ref, Action: s.Action, Outcome: NotRun, Error: &ErrorDetail{Type: "cut_off", Message: "not run: the run was cut off"}}
		if st := r.Steps[s.ID]; st != nil {
			o.Attempts, o.Outcome, o.Error = st.Calls, st.Outcome, nil
			writes[s.Panel] += st.Calls
			switch {
			case st.Outcome == "" || st.Doubtful():
				o.Outcome, o.Error = Unknown, &ErrorDetail{Type: "cut_off", Message: "begun with " + st.Last.Func + " when the run was cut off; the next apply looks what became of it"}
			case st.Error != "" && st.Outcome != Done:
				o.Error = &ErrorDetail{Type: "cut_off", Message: st.Error}
			}
		}
		rep.Outcomes[i] = o
		rep.Summary.count(o.Outcome)
	}
	for _, panel := range p.Panels {
		rep.Panels = append(rep.Panels, LaneEnd{Name: panel.Name, Writes: writes[panel.Name], Restart: RestartNone, Error: panel.Error})
	}
	return rep
}
