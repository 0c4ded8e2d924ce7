package executor

import (
	"context"
	"time"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// Reader reads kinds of one panel as the planner does. It is used to settle
// writes whose fate is unknown and to verify a lane at its end.
type Reader interface {
	Read(ctx context.Context, wants []specs.Want) (*specs.State, error)
}

// Panel is what the executor may ask of one panel. Create, Update and Delete
// send the call (or calls) of one step and say whether the panel asked for a
// restart of its services. Errors of a call are asked what they mean through
// the interface CallError.
type Panel interface {
	Reader
	Create(ctx context.Context, r specs.Resource) (restart bool, err error)
	Update(ctx context.Context, r specs.Resource) (restart bool, err error)
	Delete(ctx context.Context, r specs.Resource) (restart bool, err error)
	// Restart calls func=restart, waits until the panel answers again and logs
	// in anew. An error that says Unsupported means the panel has no such function.
	Restart(ctx context.Context) error
	// Requests counts the calls sent so far.
	Requests() int
}

// CallError is what an error of a Panel can tell besides its message.
type CallError interface {
	error
	// MaybeApplied: the call may or may not have taken effect (reply lost).
	MaybeApplied() bool
	// Exists: the panel says the resource is already there.
	Exists() bool
	// Gone: the panel says the resource is not there.
	Gone() bool
	// Unsupported: the panel has no such function.
	Unsupported() bool
	// Down: not sent, because the panel does not answer; nor would the next be.
	Down() bool
	// Detail is the panel's own type and object of the error and its message,
	// free of secrets.
	Detail() (typ, object, message string)
}

// FormatVersion is the version of the report document this program writes.
const FormatVersion = "1"

// Report says what became of every step of a plan.
type Report struct {
	FormatVersion string    `json:"format_version"`
	Run           string    `json:"run,omitempty"` // its id under the state directory; empty when nothing was begun
	PlanDigest    string    `json:"plan_digest"`
	StartedAt     time.Time `json:"started_at"`
	FinishedAt    time.Time `json:"finished_at"`
	Result        Result    `json:"result"`
	Summary       Summary   `json:"summary"`
	Panels        []LaneEnd `json:"panels"`   // sorted by name
	Outcomes      []Outcome `json:"outcomes"` // one per step, in plan order
	// Settled are steps of earlier runs that nobody knew about, and what was
	// found of them before this run planned.
	Settled []Settled `json:"settled,omitempty"`
}

// Settled is what was found of a step that an earlier run had left open.
type Settled struct {
	Run      string      `json:"run"`
	Step     string      `json:"step"`
	Ref      specs.Ref   `json:"ref"`
	Action   plan.Action `json:"action"`
	Outcome  What        `json:"outcome"` // done, not_run when it took no effect, or unknown
	Evidence string      `json:"evidence"`
}

// Result is the run in one word.
type Result string

// The results. Nothing: there was nothing to do. Partial: something failed, is
// blocked, stale, unknown or not run, or a panel could not be reached.
// Refused: a rail or a stale plan kept everything from running.
const (
	Nothing     Result = "nothing"
	Applied     Result = "applied"
	Partial     Result = "partial"
	Refused     Result = "refused"
	Interrupted Result = "interrupted"
)

// Summary counts outcomes.
type Summary struct {
	Done    int `json:"done"`
	Failed  int `json:"failed"`
	Blocked int `json:"blocked"`
	Stale   int `json:"stale"`
	Unknown int `json:"unknown"`
	NotRun  int `json:"not_run"`
}

// LaneEnd says how the lane of one panel ended.
type LaneEnd struct {
	Name     string      `json:"name"`
	Requests int         `json:"requests"` // calls sent in the whole run, planning included
	Writes   int         `json:"writes"`   // writing calls among them
	Restart  RestartDone `json:"restart"`
	Error    string      `json:"error"` // why the lane, or its verification, could not finish
}

// RestartDone says what became of the restart the panel asked for.
type RestartDone string

// The fates of a restart. RestartNone: nobody asked, or --restart never.
const (
	RestartNone        RestartDone = "none"
	RestartOK          RestartDone = "done"
	RestartFailed      RestartDone = "failed"
	RestartUnsupported RestartDone = "unsupported"
)

// What is the fate of one step.
type What string

// The outcomes.
const (
	Done    What = "done"    // in effect on the panel, read back
	Failed  What = "failed"  // refused, or accepted but not in effect
	Blocked What = "blocked" // needs a step that is not done
	Stale   What = "stale"   // the live resource is not what the plan was made from
	Unknown What = "unknown" // sent, and nobody can tell
	NotRun  What = "not_run" // stopped before its turn
)

// Outcome is the fate of one step.
type Outcome struct {
	Step     string       `json:"step"` // the step's id
	Ref      specs.Ref    `json:"ref"`
	Action   plan.Action  `json:"action"`
	Outcome  What         `json:"outcome"`
	Attempts int          `json:"attempts"` // writing calls sent for it
	Error    *ErrorDetail `json:"error,omitempty"`
}

// ErrorDetail is the panel's answer, or ispsync's own finding, about a step
// that is not done.
type ErrorDetail struct {
	Type    string `json:"type"`
	Object  string `json:"object"`
	Message string `json:"message"`
}

// Event is one thing that happened in a run, for progress and logs.
type Event struct {
	Kind    EventKind
	Panel   string
	Step    *plan.Step // nil for events of a whole lane
	Outcome *Outcome   // of StepEnded and StepCorrected
	Lane    *LaneEnd   // of LaneEnded
	Note    string     // what is being waited for, of Waiting
}

// EventKind says what an Event is about.
type EventKind uint8

// The events of a run. For each lane with steps: LaneBegan, then for each step
// StepBegan if it is sent at all and StepEnded always, Waiting while something
// is waited for, StepCorrected for each step that was done and turned out not to
// be in effect, then LaneEnded.
const (
	LaneBegan EventKind = iota
	StepBegan
	StepEnded
	Waiting
	LaneEnded
	StepCorrected
	WaveBegan // of no panel; Note says which wave and which panels
)
