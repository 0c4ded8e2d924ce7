package executor

import (
	"container/heap"
	"context"
	"errors"
	"strings"

	"github.com/ispsync/ispsync/plan"
)

// lane is the sequence of steps of one panel. One goroutine owns it; the steps
// that run side by side are goroutines of their own, which touch only the
// outcome of their step and are waited for.
type lane struct {
	*run
	name  string
	panel Panel // nil when this run has none of that name

	steps []int   // places in plan.Steps, in plan order
	needs [][]int // of each step: places in steps

	neededBy [][]int // of each step: the places of those that need it
	unmet    []int   // of each step: how many needs have not ended
	ready    places  // steps whose needs have all ended

	down     *ErrorDetail // why the panel is called no more
	asked    bool         // the panel asked for a restart and has not had one
	end      LaneEnd
	troubles []string // what goes into end.Error
	// restartTrouble is why the last restart failed, or is missing.
	restartTrouble string
}

// drive runs the lane to its end.
func (l *lane) drive(ctx context.Context) {
	l.observe(Event{Kind: LaneBegan, Panel: l.name})
	if l.panel == nil {
		l.skipAll()
	} else {
		l.prepare()
		l.work(ctx)
		l.leaveRest(ctx)
		l.finish(ctx)
		l.end.Requests = l.panel.Requests()
	}
	failed := false // and so counted
	for _, i := range l.steps {
		o := &l.outcomes[i]
		l.end.Writes += o.Attempts
		failed = failed || o.Outcome == Failed || o.Outcome == Unknown
	}
	if l.restartTrouble != "" {
		l.trouble(l.restartTrouble)
	}
	l.end.Error = strings.Join(l.troubles, "; ")
	if l.end.Error != "" && !failed {
		l.countTrouble()
	}
	end := l.end
	l.observe(Event{Kind: LaneEnded, Panel: l.name, Lane: &end})
}

// skipAll ends the steps of a panel there is no client for.
func (l *lane) skipAll() {
	const why = "the panel could not be used in this run"
	l.troubles = append(l.troubles, why)
	for at := range l.steps {
		l.ended(at, NotRun, &ErrorDetail{Type: "no_panel", Object: l.name, Message: why})
	}
}

func (l *lane) prepare() {
	l.neededBy, l.unmet = make([][]int, len(l.steps)), make([]int, len(l.steps))
	for at, needs := range l.needs {
		l.unmet[at] = len(needs)
		for _, n := range needs {
			l.neededBy[n] = append(l.neededBy[n], at)
		}
		if len(needs) == 0 {
			l.ready = append(l.ready, at) // ascending, so a heap already
		}
	}
}

// work sends steps, the earliest ready one first, as long as it may.
func (l *lane) work(ctx context.Context) {
	writes := max(1, l.o.Writes(l.name))
	type ending struct {
		at    int
		asked bool
	}
	endings := make(chan ending)
	for running := 0; ; {
		for running < writes && len(l.ready) > 0 && !l.restartDue() && l.down == nil && l.halted(ctx) == noHalt {
			at := heap.Pop(&l.ready).(int)
			if l.tookPrior(at) {
				l.release(at)
				continue
			}
			if what, why := l.barred(at); why != nil {
				l.ended(at, what, why)
				l.release(at)
				continue
			}
			running++
			l.observe(Event{Kind: StepBegan, Panel: l.name, Step: l.step(at)})
			go func() { endings <- ending{at, l.turn(at).take(ctx)} }()
		}
		if running > 0 {
			e := <-endings
			running--
			l.asked = l.asked || e.asked
			out := l.outcome(e.at)
			if out.Outcome == NotRun {
				l.down = out.Error
			}
			l.ended(e.at, out.Outcome, out.Error)
			l.release(e.at)
			continue
		}
		if !l.restartDue() || l.down != nil || l.stopped(ctx) {
			return
		}
		l.restart(ctx) // nothing else is in flight on this panel
	}
}

func (l *lane) step(at int) *plan.Step  { return &l.plan.Steps[l.steps[at]] }
func (l *lane) outcome(at int) *Outcome { return &l.outcomes[l.steps[at]] }
func (l *lane) restartDue() bool        { return l.asked && l.o.Restart == RestartAfterEach }
func (l *lane) trouble(what string)     { l.troubles = append(l.troubles, what) }
func (l *lane) waiting(s *plan.Step, note string) {
	l.observe(Event{Kind: Waiting, Panel: l.name, Step: s, Note: note})
}

// ended records the fate of a step and tells the observer.
func (l *lane) ended(at int, what What, why *ErrorDetail) {
	out := l.outcome(at)
	out.Outcome, out.Error = what, why
	l.o.Journal.Step(out)
	if what == Failed || what == Unknown {
		l.countFailure()
	}
	told := *out
	l.observe(Event{Kind: StepEnded, Panel: l.name, Step: l.step(at), Outcome: &told})
}

// release makes the steps ready that waited for this one alone.
func (l *lane) release(at int) {
	for _, n := range l.neededBy[at] {
		if l.unmet[n]--; l.unmet[n] == 0 {
			heap.Push(&l.ready, n)
		}
	}
}

// tookPrior ends a step that an earlier run of the plan did.
func (l *lane) tookPrior(at int) bool {
	prior, ok := l.o.Prior[l.step(at).ID]
	if ok {
		l.ended(at, prior.Outcome, prior.Error)
	}
	return ok
}

// barred says why a step may not run whatever happens: it is stale, or a need of
// its is not done. Why is nil when nothing bars it.
func (l *lane) barred(at int) (What, *ErrorDetail) {
	if why, stale := l.o.Stale[l.step(at).ID]; stale {
		return Stale, &ErrorDetail{Type: "stale", Message: why}
	}
	if s := l.step(at); len(s.SecretsNeeded) > 0 {
		return Failed, &ErrorDetail{Type: "secret_needed", Object: s.SecretsNeeded[0],
			Message: "not sent: nobody said where the value of " + strings.Join(s.SecretsNeeded, ", ") + " comes from"}
	}
	return Blocked, l.blockedBy(at)
}

// blockedBy says which need of a step is not done, or nil. A need that was not
// run does not block: then this step was not run for the same reason.
func (l *lane) blockedBy(at int) *ErrorDetail {
	for _, n := range l.needs[at] {
		how := ""
		switch l.outcome(n).Outcome {
		case Failed:
			how = "which failed"
		case Blocked:
			how = "which is blocked"
		case Unknown:
			how = "whose fate is unknown"
		case Stale:
			how = "which is stale"
		default:
			continue
		}
		s := l.step(n)
		return &ErrorDetail{Type: "blocked", Object: s.Ref.String(), Message: "needs " + title(s) + ", " + how}
	}
	return nil
}

// leaveRest ends the steps that a stopped run did not come to.
func (l *lane) leaveRest(ctx context.Context) {
	h := l.halted(ctx)
	for at := range l.steps {
		if l.outcome(at).Outcome != "" {
			continue
		}
		if l.tookPrior(at) {
			continue
		}
		if what, why := l.barred(at); why != nil {
			l.ended(at, what, why)
			continue
		}
		if h == byUser {
			l.interrupted.Store(true)
		}
		if h == noHalt {
			h = halt{l.down.Type, l.down.Message}
		}
		l.ended(at, NotRun, &ErrorDetail{Type: h.typ, Message: "not run: " + h.why})
	}
}

// finish does the restart that is due and reads back what was written. After an
// interrupt it does neither, and says so.
func (l *lane) finish(ctx context.Context) {
	l.o.Journal.Flush()
	due := l.asked && l.o.Restart != RestartNever
	if due && !l.stopped(ctx) {
		l.restart(ctx)
		due = false
	}
	if due {
		l.interrupted.Store(true)
		l.restartTrouble = "the panel asked for a restart of its services, which was not sent because the run was interrupted; call its function restart"
	}
	l.verify(ctx)
}

// restart has the panel restart its services. What the last restart came to counts.
func (l *lane) restart(ctx context.Context) {
	l.asked, l.restartTrouble = false, ""
	if l.end.Restart == RestartUnsupported {
		return // it asked again, but still has no such function
	}
	l.o.Journal.Flush()
	l.waiting(nil, "the panel restarts its services")
	err := l.panel.Restart(ctx)
	var ce CallError
	switch {
	case err == nil:
		l.end.Restart = RestartOK
	case errors.As(err, &ce) && ce.Unsupported():
		l.end.Restart = RestartUnsupported
	default:
		l.end.Restart = RestartFailed
		l.restartTrouble = "restart: " + detail(err).Message
		if ctx.Err() != nil {
			l.interrupted.Store(true)
		}
	}
}

// title names a step in messages: create web1/user/alice.
func title(s *plan.Step) string { return string(s.Action) + " " + s.Ref.String() }

// places is a heap of places in lane.steps: the earliest is first.
type places []int

func (p places) Len() int           { return len(p) }
func (p places) Less(i, j int) bool { return p[i] < p[j] }
func (p places) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *places) Push(x any)        { *p = append(*p, x.(int)) }
func (p *places) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}
