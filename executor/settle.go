package executor

// Settling: finding out by reading what became of a call whose answer is no
// proof. Decide is the whole policy, a pure function of what was asked, how
// often it was sent and what the looks show.
//
// The rule behind it: a call is sent a second time only when a complete listing,
// read after all the waits, proves that the first has not taken effect, and when
// a second one cannot make two of anything. It is never sent a third time.

import (
	"context"
	"fmt"
	"time"

	"github.com/ispsync/ispsync/plan"
)

// question is what there is to decide after a look.
type question struct {
	action plan.Action
	doubt  doubt
	sent   int   // how often the call was sent so far
	unique bool  // the panel refuses a second one with the same key
	seen   sight // what this look shows
	last   bool  // there is no further look
	cut    bool  // an interrupt made it the last: nothing may be sent any more
}

// verdict is what to do next.
type verdict uint8

const (
	lookAgain verdict = iota
	isDone
	isFailed
	isUnknown
	sendAgain
	sendRest // the resource was made; only its switch is still to be set
)

func decide(q question) verdict {
	v := q.judge()
	switch {
	case v == isDone || v == isUnknown:
		return v
	case q.cut && q.doubt == replyLost:
		return isUnknown // it may yet take effect, and nobody will look
	case v == isFailed && q.hasTime():
		return lookAgain // it may yet take effect
	case v == sendRest && q.sent > 1:
		return isFailed
	case v == sendAgain && !q.last:
		return lookAgain
	case v == sendAgain && q.sent > 1:
		return isUnknown
	default:
		return v
	}
}

// hasTime reports whether a bad sight may still become a good one: when a call
// with a lost reply is on its way, until the last look.
func (q question) hasTime() bool {
	return !q.last && (q.doubt == replyLost || q.sent > 1)
}

// judge decides as if this look were the last.
func (q question) judge() verdict {
	if q.seen == unreadable {
		switch {
		case !q.last:
			return lookAgain
		case q.doubt == saysExists && q.sent == 1:
			return isFailed // our call was refused, so it did nothing
		default:
			return isUnknown
		}
	}
	switch {
	case q.action == plan.Delete:
		return q.judgeDelete()
	case q.seen == equal:
		return isDone
	case q.action == plan.Create:
		return q.judgeCreate()
	case q.seen == untold:
		return isUnknown // no look will ever tell
	case q.seen == absent:
		return isFailed
	default:
		return sendAgain
	}
}

func (q question) judgeDelete() verdict {
	switch {
	case q.seen == absent:
		return isDone
	case q.doubt == saysGone:
		return isFailed
	default:
		return sendAgain
	}
}

func (q question) judgeCreate() verdict {
	switch {
	case q.seen == untold:
		return isDone
	case q.seen == unswitched && q.doubt == replyLost:
		return sendRest // a create with its switch off is two calls, and the second did not come through
	case q.seen == different || q.seen == unswitched || q.doubt == saysExists:
		return isFailed
	case q.unique:
		return sendAgain
	case q.last:
		return isUnknown
	default:
		return lookAgain
	}
}

// settle looks until it is known what became of the call, or nobody can tell,
// and sets the outcome unless the call is to be sent again.
func (t *turn) settle(ctx context.Context, d doubt, err error) (again bool) {
	t.o.Journal.Flush()
	waits := t.o.SettleWaits
	for n := 0; ; n++ {
		cut := t.wait(ctx, waits[n])
		if ctx.Err() != nil {
			t.aborted(err)
			return false
		}
		seen, what := t.look(ctx, t.step)
		if ctx.Err() != nil && seen == unreadable {
			t.aborted(err)
			return false
		}
		cut = cut || t.stopped(ctx)
		q := question{action: t.step.Action, doubt: d, sent: t.out.Attempts, unique: t.kind.Key.Unique,
			seen: seen, last: cut || n == len(waits)-1, cut: cut}
		switch decide(q) {
		case lookAgain:
		case sendAgain:
			return true
		case sendRest:
			t.rest = true
			return true
		case isDone:
			t.end(Done, nil)
			return false
		case isFailed:
			t.end(Failed, found(q, detail(err), what))
			return false
		default:
			if cut {
				t.interrupted.Store(true)
			}
			t.end(Unknown, unsettled(q, detail(err), what))
			return false
		}
	}
}

// wait waits before a look, and reports whether an interrupt cut it short.
func (t *turn) wait(ctx context.Context, d time.Duration) (cut bool) {
	if d > 0 {
		t.waiting(t.step, fmt.Sprintf("looking in %s whether it took effect", d))
	}
	return t.pause(ctx, d)
}

// aborted ends a step that was cut off.
func (t *turn) aborted(err error) {
	t.interrupted.Store(true)
	d := detail(err)
	d.Message = "sent, and the run was aborted before anybody could tell what became of it (" + d.Message + "); plan again to see"
	t.end(Unknown, d)
}

// found words a failure that was found by looking. D is what the panel answered.
func found(q question, d *ErrorDetail, what string) *ErrorDetail {
	switch {
	case (q.seen == different || q.seen == unswitched) && q.doubt == replyLost:
		d.Message = fmt.Sprintf("the reply was lost (%s); it is there but differs: %s; plan again", d.Message, what)
	case q.seen == different, q.seen == unswitched:
		d.Message = fmt.Sprintf("%s; it differs: %s; plan again to change it", d.Message, what)
	case q.doubt == saysExists && q.seen == absent:
		d.Message += "; but the panel's list does not show it: it may belong to somebody this account does not see"
	case q.doubt == saysExists:
		d.Message += "; whether it is as declared could not be read: " + what
	case q.doubt == saysGone:
		d.Message += "; but the panel's list still shows it: try again, or delete it in the panel"
	default:
		d.Message = fmt.Sprintf("the reply was lost (%s); %s any more: plan again", d.Message, what)
	}
	return d
}

// unsettled words an unknown fate. D is what the panel answered, or did not.
func unsettled(q question, d *ErrorDetail, what string) *ErrorDetail {
	times := "once"
	if q.sent > 1 {
		times = "twice"
	}
	d.Message = fmt.Sprintf("sent %s, and nobody can tell whether it takes effect (%s); last seen: %s; look at the panel, then plan again", times, d.Message, what)
	return d
}
