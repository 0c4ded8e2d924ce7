package executor

// The premise of this file: the steps of a plan need only earlier steps of the
// same panel. A lane therefore never waits for another lane, so limiting the
// number of lanes cannot end in a deadlock, and what one lane does cannot change
// what another finds. Run refuses a plan for which the premise does not hold.
//
// Lanes share three things: the slice of outcomes, where each writes only the
// places of its own steps; the count of failures; and the observer.

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/plan"
)

// Run does what the plan says and reports on every step. Panels holds a client
// for each panel by name; the steps of a panel that is missing are not run.
//
// Closing Options.Stop ends the run in order. Cancelling ctx aborts it: calls in
// flight are cut, and the fate of their steps is unknown. In both cases there is
// a report. A failed step is an outcome, not an error; the error says that the
// plan cannot be run at all, and then nothing was sent.
func Run(ctx context.Context, p *plan.Plan, panels map[string]Panel, o Options) (*Report, error) {
	o, err := o.filled()
	if err != nil {
		return nil, fmt.Errorf("run plan: %w", err)
	}
	r := &run{plan: p, o: o, outcomes: make([]Outcome, len(p.Steps)), full: make(chan struct{})}
	lanes, err := r.lanes(panels)
	if err != nil {
		return nil, fmt.Errorf("run plan: %w; make the plan again", err)
	}
	started := o.Now()
	for i := range p.Steps {
		s := &p.Steps[i]
		r.outcomes[i] = Outcome{Step: s.ID, Ref: s.Ref, Action: s.Action}
	}
	for n, wave := range waves(lanes, o.Rollout) {
		r.announce(ctx, n, wave)
		r.drive(ctx, wave)
	}
	return r.report(lanes, panels, started), nil
}

// drive runs lanes side by side to their ends.
func (r *run) drive(ctx context.Context, lanes []*lane) {
	var g errgroup.Group // not WithContext: the failure of one lane is not the others'
	g.SetLimit(r.o.Parallelism)
	for _, l := range lanes {
		g.Go(func() error {
			l.drive(ctx)
			return nil
		})
	}
	_ = g.Wait() // lanes return no error: what goes wrong in one is in its outcomes
}

// run is what the lanes of one run share.
type run struct {
	plan     *plan.Plan
	o        Options
	outcomes []Outcome // by place in plan.Steps

	observing sync.Mutex // held while Observe is called

	counting sync.Mutex
	failures int
	troubled int           // lanes that ended in trouble without a failed step
	full     chan struct{} // closed when failures reach MaxFailures

	interrupted atomic.Bool // an interrupt kept something from being done
}

// lanes sorts the steps into lanes, in the order in which the plan names the panels.
func (r *run) lanes(panels map[string]Panel) ([]*lane, error) {
	steps := r.plan.Steps
	places := make(map[string]int, len(steps)) // place in the lane, by step id
	byPanel := map[string]*lane{}
	unread := map[string]string{}
	for _, p := range r.plan.Panels {
		unread[p.Name] = p.Error
	}
	var lanes []*lane
	newLane := func(panel string) *lane {
		l := &lane{run: r, name: panel, panel: panels[panel], asked: r.o.Owed[panel]}
		l.end = LaneEnd{Name: panel, Restart: RestartNone}
		if why := unread[panel]; why != "" {
			l.trouble(why) // what could not be planned was not reconciled
		}
		byPanel[panel], lanes = l, append(lanes, l)
		return l
	}
	for i := range steps {
		s := &steps[i]
		if r.o.Kind(s.Kind) == nil {
			return nil, fmt.Errorf("%s (%s): the catalog has no kind %s", s.Ref, s.ID, s.Kind)
		}
		l := byPanel[s.Panel]
		if l == nil {
			l = newLane(s.Panel)
		}
		needs := make([]int, len(s.Needs))
		for n, id := range s.Needs {
			at, ok := places[id]
			if !ok || at >= len(l.steps) || steps[l.steps[at]].ID != id {
				return nil, fmt.Errorf("%s (%s) needs %s, which is not an earlier step of the same panel", s.Ref, s.ID, id)
			}
			needs[n] = at
		}
		if _, twice := places[s.ID]; twice {
			return nil, fmt.Errorf("the step id %s is there twice", s.ID)
		}
		places[s.ID] = len(l.steps)
		l.steps, l.needs = append(l.steps, i), append(l.needs, needs)
	}
	for _, p := range r.plan.Panels {
		if r.o.Owed[p.Name] && byPanel[p.Name] == nil && panels[p.Name] != nil {
			newLane(p.Name)
		}
	}
	return lanes, nil
}

func (r *run) observe(e Event) {
	r.observing.Lock()
	defer r.observing.Unlock()
	r.o.Observe(e)
}

// countFailure counts a step that failed or whose fate is unknown, and stops
// the run when there are too many.
func (r *run) countFailure() {
	r.counting.Lock()
	defer r.counting.Unlock()
	r.failures++
	if r.failures == r.o.MaxFailures {
		close(r.full)
	}
}

// countTrouble counts a lane that ended in trouble without a failed step.
func (r *run) countTrouble() {
	r.counting.Lock()
	defer r.counting.Unlock()
	r.troubled++
}

// halt is why nothing new may be started. The zero halt: it may.
type halt struct {
	typ, why string
}

var (
	noHalt = halt{}
	byUser = halt{"interrupted", "the run was interrupted"}
)

// halted says whether, and why, nothing new may be started.
func (r *run) halted(ctx context.Context) halt {
	if r.stopped(ctx) {
		return byUser
	}
	if err := r.o.Journal.Err(); err != nil {
		return halt{"journal", err.Error()}
	}
	if r.rolledTooFar() {
		return halt{"rollout", fmt.Sprintf("the rollout stops when more than %d have failed", r.o.Rollout.MaxFailures)}
	}
	select {
	case <-r.full:
		if r.o.MaxFailures == 1 {
			return halt{"too_many_failures", "the run stops at the first step that fails"}
		}
		return halt{"too_many_failures", fmt.Sprintf("the run stops when %d steps have failed", r.o.MaxFailures)}
	default:
		return noHalt
	}
}

// stopped reports whether somebody interrupted the run, once or twice.
func (r *run) stopped(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	case <-r.o.Stop:
		return true
	default:
		return false
	}
}

// pause waits, and reports whether an interrupt cut the wait short.
func (r *run) pause(ctx context.Context, d time.Duration) (cut bool) {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		case <-r.o.Stop:
		}
	}
	return r.stopped(ctx)
}
