package executor

import (
	"errors"
	"fmt"
	"time"

	"github.com/ispsync/ispsync/specs"
)

// RestartPolicy says when a panel that asked for a restart of its services gets it.
type RestartPolicy string

// The policies. AtEnd, the default, is once after the lane's last step; AfterEach
// is after every step that asked; Never leaves it to somebody else.
const (
	RestartAtEnd     RestartPolicy = "end"
	RestartAfterEach RestartPolicy = "each"
	RestartNever     RestartPolicy = "never"
)

// Options are how to run a plan. Kind is needed; all else has a default.
type Options struct {
	// Parallelism is the number of lanes at once; default 10.
	Parallelism int
	// Writes is the number of steps of a panel that may run side by side
	// (limits.writes); default 1 for every panel.
	Writes func(panel string) int
	// FailFast stops the run at the first step that fails or whose fate stays unknown.
	FailFast bool
	// MaxFailures stops the run at that many such steps; 0 is no limit.
	MaxFailures int
	// Restart says when a restart that was asked for is done.
	Restart RestartPolicy
	// SettleWaits are the waits before each look at a write whose fate is
	// unknown; default 0, 1, 2, 4 and 8 seconds: a change may land ten seconds
	// after its reply was lost.
	SettleWaits []time.Duration
	// LandsWithin is how long after it was sent a call may still take effect, for
	// LookUp; default LandsWithin, the sum of SettleWaits by default.
	LandsWithin time.Duration
	// ReadBackWaits are the waits before each look at what was written, at the
	// end of a lane; default 0, 1 and 2 seconds: effects may come late.
	ReadBackWaits []time.Duration
	// Observe is told what happens, one event at a time. It must not block long:
	// the lanes wait for it.
	Observe func(Event)
	// Kind is a row of the catalog by name, or nil.
	Kind func(name string) *specs.Kind
	// Stale holds the steps of a saved plan that may not run because the panel is
	// not what they were made from: why, by step id. They end as stale, and
	// block what needs them.
	Stale map[string]string
	// Journal is told how each step ended, and stops the run when it cannot be
	// written. The panels write their calls into it. May be nil.
	Journal *Journal
	// Prior holds the outcomes of steps that an earlier run of the same plan did,
	// by step id. They are not run again, and what needs them may go on.
	Prior map[string]Outcome
	// Begun holds the ids of creates that an earlier run began and of which only
	// the switch (suspended or not) is not as declared: that alone is sent.
	Begun map[string]bool
	// Owed names panels that an earlier run owes a restart of their services. They
	// get it at the end of their lanes, and have a lane even without a step.
	Owed map[string]bool
	// Rollout starts the lanes in waves; the zero Rollout starts all at once.
	Rollout specs.Rollout
	// Stop is closed at the first interrupt, or when the time of the run is over:
	// nothing new is started, calls in flight are finished.
	Stop <-chan struct{}
	// Now is the clock for the report's times; default time.Now.
	Now func() time.Time
}

// filled returns the options with defaults, or says what is wrong with them.
func (o Options) filled() (Options, error) {
	if o.Kind == nil {
		return o, errors.New("Options.Kind is missing: give a catalog to find kinds in")
	}
	switch o.Restart {
	case "":
		o.Restart = RestartAtEnd
	case RestartAtEnd, RestartAfterEach, RestartNever:
	default:
		return o, fmt.Errorf("restart policy %q: use %s, %s or %s", o.Restart, RestartAtEnd, RestartAfterEach, RestartNever)
	}
	if o.Parallelism < 1 {
		o.Parallelism = 10
	}
	if o.Writes == nil {
		o.Writes = func(string) int { return 1 }
	}
	if o.FailFast {
		o.MaxFailures = 1
	}
	if len(o.SettleWaits) == 0 {
		o.SettleWaits = []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	}
	if o.LandsWithin == 0 {
		o.LandsWithin = LandsWithin
	}
	if len(o.ReadBackWaits) == 0 {
		o.ReadBackWaits = []time.Duration{0, time.Second, 2 * time.Second}
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}
