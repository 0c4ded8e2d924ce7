package executor

import (
	"cmp"
	"context"
	"errors"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// turn is one step being run. It sends the step's call, and when the answer is
// no proof it settles what became of it by looking (settle.go). Nothing is sent
// more than twice.
type turn struct {
	*lane
	step *plan.Step
	out  *Outcome
	kind *specs.Kind
	// rest is set when a create was made but for its switch: what is sent then
	// is an update of the fields that are switched, and nothing else.
	rest bool
}

func (l *lane) turn(at int) *turn {
	s := l.step(at)
	return &turn{lane: l, step: s, out: l.outcome(at), kind: l.o.Kind(s.Kind), rest: l.o.Begun[s.ID]}
}

// take runs the step and sets its outcome. It reports whether the panel asked
// for a restart on the way.
func (t *turn) take(ctx context.Context) (asked bool) {
	r := t.step.Resource()
	for {
		t.out.Attempts++
		restart, err := t.send(ctx, r)
		asked = asked || restart
		switch doubt := doubtOf(ctx, t.step.Action, err); doubt {
		case noDoubt:
			t.end(Done, nil)
			return asked
		case panelDown:
			t.unsent(err)
			return asked
		case refused:
			if errors.Is(err, errJournal) && !t.o.Journal.hasBegun(t.step.Ref) {
				t.out.Attempts = 0
				t.end(NotRun, &ErrorDetail{Type: "journal", Message: "not sent: " + t.o.Journal.Err().Error()})
				return asked
			}
			t.end(Failed, detail(err))
			return asked
		default:
			if again := t.settle(ctx, doubt, err); !again {
				return asked
			}
		}
	}
}

func (t *turn) send(ctx context.Context, r specs.Resource) (restart bool, err error) {
	switch {
	case t.rest:
		return t.panel.Update(ctx, t.switches(r))
	case t.step.Action == plan.Create:
		return t.panel.Create(ctx, r)
	case t.step.Action == plan.Update:
		return t.panel.Update(ctx, r)
	default:
		return t.panel.Delete(ctx, r)
	}
}

// switches is what is left of a resource when only its switches are to be set.
func (t *turn) switches(r specs.Resource) specs.Resource {
	rest := specs.Resource{Ref: r.Ref, Elid: r.Elid, Su: r.Su}
	for _, f := range r.Fields {
		if row := t.kind.Field(f.Name); row != nil && row.Toggle {
			rest.Fields = append(rest.Fields, f)
		}
	}
	return rest
}

// unsent ends a step whose call was not sent because the panel does not answer.
// Had it been sent before, to no effect, it has failed.
func (t *turn) unsent(err error) {
	t.out.Attempts--
	if t.out.Attempts > 0 {
		t.end(Failed, detail(err))
		return
	}
	t.end(NotRun, detail(err))
}

func (t *turn) end(what What, why *ErrorDetail) { t.out.Outcome, t.out.Error = what, why }

// doubt is what an answer leaves open.
type doubt uint8

const (
	noDoubt    doubt = iota // accepted
	refused                 // not accepted, for certain
	panelDown               // nothing was sent, because the panel does not answer
	replyLost               // nobody knows whether it took effect
	saysExists              // a create was refused because the resource is there
	saysGone                // a delete was refused because the resource is not there
)

// doubtOf judges the answer to a writing call.
func doubtOf(ctx context.Context, a plan.Action, err error) doubt {
	if err == nil {
		return noDoubt
	}
	var ce CallError
	if !errors.As(err, &ce) {
		if ctx.Err() != nil {
			return replyLost // cut off by the abort, who knows where
		}
		return refused
	}
	switch {
	case ce.MaybeApplied():
		return replyLost
	case ce.Down():
		return panelDown
	case a == plan.Create && ce.Exists():
		return saysExists
	case a == plan.Delete && ce.Gone():
		return saysGone
	default:
		return refused
	}
}

// detail is an error as the report tells it. An error that is no CallError is
// ispsync's own.
func detail(err error) *ErrorDetail {
	var ce CallError
	if !errors.As(err, &ce) {
		return &ErrorDetail{Type: "internal", Message: err.Error()}
	}
	typ, object, message := ce.Detail()
	return &ErrorDetail{Type: typ, Object: object, Message: cmp.Or(message, err.Error())}
}
