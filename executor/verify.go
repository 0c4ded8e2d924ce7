package executor

// Verifying: an accepted call is no proof. Panels accept some limits and ignore
// them, and apply some changes late (panel-api.md sections 8 and 11). So a lane
// ends with reading back what it wrote, a few times while something is not yet
// as it was sent.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// check is one done step to be verified.
type check struct {
	at    int
	step  *plan.Step
	wrong string // what is not in effect, as last seen
}

// verification is what is left to verify in a lane: by kind, without what was
// seen to be in effect.
type verification struct {
	checks map[string][]*check
	unread map[string]error // kinds that no look could read so far
}

// verify reads back what the lane's done steps wrote, and corrects their outcomes.
func (l *lane) verify(ctx context.Context) {
	v := l.toVerify()
	if len(v.checks) == 0 {
		return
	}
	if l.stopped(ctx) {
		l.interrupted.Store(true)
		l.trouble("not verified: the run was interrupted; plan again to see whether all is in effect")
		return
	}
	for n, d := range l.o.ReadBackWaits {
		if d > 0 {
			l.waiting(nil, fmt.Sprintf("reading back in %s what is not yet in effect", d))
		}
		if cut := l.pause(ctx, d); cut && n > 0 {
			l.interrupted.Store(true)
			break
		}
		l.readBack(ctx, v)
		if len(v.checks) == 0 {
			return
		}
	}
	l.correct(ctx, v)
}

// toVerify collects the done steps of which something can be seen. An update
// that wrote nothing but secrets leaves nothing to see.
func (l *lane) toVerify() *verification {
	v := &verification{map[string][]*check{}, map[string]error{}}
	for at := range l.steps {
		s := l.step(at)
		if l.outcome(at).Outcome != Done || s.Action == plan.Update && len(s.Changes) == 0 || l.accountWent(s) {
			continue
		}
		v.checks[s.Kind] = append(v.checks[s.Kind], &check{at: at, step: s})
	}
	for kind := range v.checks {
		v.unread[kind] = errors.New("it was not read")
	}
	return v
}

// accountWent reports whether a step deleted something of an account that the
// lane deleted as well. Nobody can list for such an account, and nothing of it is
// left: that the account went is verified.
func (l *lane) accountWent(s *plan.Step) bool {
	accounts := l.o.Kind(s.Kind).Su
	if s.Action != plan.Delete || accounts == "" {
		return false
	}
	for at := range l.steps {
		a := l.step(at)
		if a.Action == plan.Delete && a.Kind == accounts && a.Key == s.Su && l.outcome(at).Outcome == Done {
			return true
		}
	}
	return false
}

// readBack looks once at all that is left, and drops what is in effect.
func (l *lane) readBack(ctx context.Context, v *verification) {
	var wants []specs.Want
	for _, kind := range slices.Sorted(maps.Keys(v.checks)) {
		steps := make([]*plan.Step, len(v.checks[kind]))
		for i, c := range v.checks[kind] {
			steps[i] = c.step
		}
		want, err := wantFor(l.o.Kind(kind), steps)
		if err != nil {
			v.failed(kind, err)
			continue
		}
		wants = append(wants, want)
	}
	if len(wants) == 0 {
		return
	}
	state, err := l.panel.Read(ctx, wants)
	for _, w := range wants {
		kind := w.Kind.Name
		if err == nil {
			if err := incomplete(state, kind); err != nil {
				v.failed(kind, err)
				continue
			}
			v.hold(kind, state)
			continue
		}
		v.failed(kind, err)
	}
}

// failed notes why a kind could not be read. What an earlier look showed stands.
func (v *verification) failed(kind string, err error) {
	if v.unread[kind] != nil {
		v.unread[kind] = err
	}
}

// hold compares what was read of a kind with what was sent.
func (v *verification) hold(kind string, state *specs.State) {
	delete(v.unread, kind)
	left := slices.DeleteFunc(v.checks[kind], func(c *check) bool {
		c.wrong = notInEffect(c.step, state.Find(kind, c.step.Key))
		return c.wrong == ""
	})
	if v.checks[kind] = left; len(left) == 0 {
		delete(v.checks, kind)
	}
}

// notInEffect says what of a step is not in effect, or "".
func notInEffect(s *plan.Step, live *specs.Resource) string {
	seen, what := compare(s, live)
	switch {
	case s.Action == plan.Delete && seen != absent:
		return "it is still there"
	case s.Action == plan.Delete:
		return ""
	case seen == absent || seen == different:
		return what
	default:
		return ""
	}
}

// correct makes failures of what is not in effect, and says what could not be read.
func (l *lane) correct(ctx context.Context, v *verification) {
	for _, kind := range slices.Sorted(maps.Keys(v.checks)) {
		if err := v.unread[kind]; err != nil {
			l.trouble("not verified: " + kind + ": " + detail(err).Message)
			if ctx.Err() != nil {
				l.interrupted.Store(true)
			}
			continue
		}
		for _, c := range v.checks[kind] {
			out := l.outcome(c.at)
			out.Outcome = Failed
			out.Error = &ErrorDetail{Type: "not_in_effect", Message: "accepted but not in effect: " + c.wrong}
			l.countFailure()
			l.o.Journal.Step(out)
			told := *out
			l.observe(Event{Kind: StepCorrected, Panel: l.name, Step: c.step, Outcome: &told})
		}
	}
}
