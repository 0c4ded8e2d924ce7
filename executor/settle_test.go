package executor

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ispsync/ispsync/plan"
)

// decisions are what to do next, each with its reason.
var decisions = []struct {
	why  string
	q    question
	want verdict
}{
	// A lost reply to a create.
	{"there as sent: it took effect", question{action: c, doubt: replyLost, sent: 1, seen: equal}, isDone},
	{"there, and nothing sent can be compared: nobody else made it", question{action: c, doubt: replyLost, sent: 1, seen: untold}, isDone},
	{"not there yet: it may land late", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: absent}, lookAgain},
	{"not there at last, a second cannot make two", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: absent, last: true}, sendAgain},
	{"not there at last, a second could make two", question{action: c, doubt: replyLost, sent: 1, seen: absent, last: true}, isUnknown},
	{"not unique and not there yet: it may land late", question{action: c, doubt: replyLost, sent: 1, seen: absent}, lookAgain},
	{"sent twice is enough", question{action: c, doubt: replyLost, sent: 2, unique: true, seen: absent, last: true}, isUnknown},
	{"sent twice, but the second may land late too", question{action: c, doubt: replyLost, sent: 2, unique: true, seen: absent}, lookAgain},
	{"made, its fields may follow", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: different}, lookAgain},
	{"made otherwise than sent", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: different, last: true}, isFailed},
	{"made, and not switched off: that is the rest of the create", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: unswitched}, sendRest},
	{"made, not switched off, and interrupted", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: unswitched, last: true, cut: true}, isUnknown},
	{"made, not switched off after two", question{action: c, doubt: replyLost, sent: 2, unique: true, seen: unswitched}, isFailed},
	{"a look that failed says nothing", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: unreadable}, lookAgain},
	{"no look succeeded: absence is not proven", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: unreadable, last: true}, isUnknown},
	{"interrupted: nothing is sent any more", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: absent, last: true, cut: true}, isUnknown},
	{"interrupted: what differs may still follow", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: different, last: true, cut: true}, isUnknown},
	{"interrupted, but plain to see", question{action: c, doubt: replyLost, sent: 1, unique: true, seen: equal, last: true, cut: true}, isDone},

	// A create that is answered with exists.
	{"exists as declared: what was wanted", question{action: c, doubt: saysExists, sent: 1, seen: equal}, isDone},
	{"exists otherwise: not ours to overwrite", question{action: c, doubt: saysExists, sent: 1, seen: different}, isFailed},
	{"exists, switched otherwise: not ours either", question{action: c, doubt: saysExists, sent: 1, seen: unswitched}, isFailed},
	{"exists, not listed: out of sight of this account", question{action: c, doubt: saysExists, sent: 1, unique: true, seen: absent}, isFailed},
	{"exists, unread: look again", question{action: c, doubt: saysExists, sent: 1, seen: unreadable}, lookAgain},
	{"exists, never read: our call was refused", question{action: c, doubt: saysExists, sent: 1, seen: unreadable, last: true}, isFailed},
	{"exists after a lost first, never read: ours or not", question{action: c, doubt: saysExists, sent: 2, seen: unreadable, last: true}, isUnknown},
	{"exists after a lost first, which may not be finished", question{action: c, doubt: saysExists, sent: 2, seen: different}, lookAgain},
	{"exists after a lost first, still differs", question{action: c, doubt: saysExists, sent: 2, seen: different, last: true}, isFailed},

	// A lost reply to an update.
	{"as sent", question{action: u, doubt: replyLost, sent: 1, seen: equal}, isDone},
	{"not as sent yet", question{action: u, doubt: replyLost, sent: 1, seen: different}, lookAgain},
	{"not as sent at last: an update can be repeated, unique or not", question{action: u, doubt: replyLost, sent: 1, seen: different, last: true}, sendAgain},
	{"not as sent after two", question{action: u, doubt: replyLost, sent: 2, seen: different, last: true}, isUnknown},
	{"nothing sent can be read: not proven to be unchanged", question{action: u, doubt: replyLost, sent: 1, seen: untold}, isUnknown},
	{"not there at last: nothing to update", question{action: u, doubt: replyLost, sent: 1, seen: absent, last: true}, isFailed},
	{"not there in one look", question{action: u, doubt: replyLost, sent: 1, seen: absent}, lookAgain},
	{"never read", question{action: u, doubt: replyLost, sent: 1, seen: unreadable, last: true}, isUnknown},

	// A lost reply to a delete.
	{"gone", question{action: d, doubt: replyLost, sent: 1, seen: absent}, isDone},
	{"there yet", question{action: d, doubt: replyLost, sent: 1, seen: untold}, lookAgain},
	{"there at last: a delete can be repeated", question{action: d, doubt: replyLost, sent: 1, seen: untold, last: true}, sendAgain},
	{"there after two", question{action: d, doubt: replyLost, sent: 2, seen: untold, last: true}, isUnknown},
	{"never read", question{action: d, doubt: replyLost, sent: 1, seen: unreadable, last: true}, isUnknown},

	// A delete that is answered with gone.
	{"gone indeed", question{action: d, doubt: saysGone, sent: 1, seen: absent}, isDone},
	{"gone, but listed: the panel contradicts itself", question{action: d, doubt: saysGone, sent: 1, seen: untold}, isFailed},
	{"gone, but never read: not proven", question{action: d, doubt: saysGone, sent: 1, seen: unreadable, last: true}, isUnknown},
}

func TestDecide(t *testing.T) {
	for _, tt := range decisions {
		if got := decide(tt.q); got != tt.want {
			t.Errorf("%s %s: decide(%+v) = %d, want %d", tt.q.action, tt.why, tt.q, got, tt.want)
		}
	}
}

// TestDecideLaws goes through every question there is.
func TestDecideLaws(t *testing.T) {
	for _, q := range questions() {
		v := decide(q)
		switch {
		case v == lookAgain && q.last:
			t.Errorf("%+v: looks again after the last look", q)
		case v == sendAgain && q.seen == unreadable:
			t.Errorf("%+v: sends again without proof", q)
		case v == sendAgain && !q.last:
			t.Errorf("%+v: sends again while the first may land", q)
		case v == sendAgain && q.sent > 1:
			t.Errorf("%+v: sends a third time", q)
		case v == sendAgain && q.cut:
			t.Errorf("%+v: sends after an interrupt", q)
		case v == sendAgain && q.action == plan.Create && (!q.unique || q.seen != absent):
			t.Errorf("%+v: may make two", q)
		case v == sendRest && (q.action != plan.Create || q.seen != unswitched || q.sent > 1 || q.cut || q.doubt != replyLost):
			t.Errorf("%+v: sends the rest of what was not made by us, or too often", q)
		case v == isDone && (q.seen == unreadable || q.seen == different || q.seen == unswitched):
			t.Errorf("%+v: believes what was not seen", q)
		case v == isDone && (q.action == plan.Delete) != (q.seen == absent):
			t.Errorf("%+v: done is a delete that is gone or a create or update that is there", q)
		}
	}
}

func questions() (out []question) {
	doubts := map[plan.Action][]doubt{
		plan.Create: {replyLost, saysExists}, plan.Update: {replyLost}, plan.Delete: {replyLost, saysGone},
	}
	for a, ds := range doubts {
		for _, d := range ds {
			for seen := unreadable; seen <= untold; seen++ {
				for bits := range 16 {
					q := question{action: a, doubt: d, seen: seen, sent: 1 + bits&1, unique: bits&2 > 0, last: bits&4 > 0}
					q.cut = q.last && bits&8 > 0
					out = append(out, q)
				}
			}
		}
	}
	return out
}

func TestDoubtOf(t *testing.T) {
	running := context.Background()
	aborted, cancel := context.WithCancel(running)
	cancel()
	for _, tt := range []struct {
		why    string
		ctx    context.Context
		action plan.Action
		err    error
		want   doubt
	}{
		{"accepted", running, plan.Create, nil, noDoubt},
		{"accepted just before the abort", aborted, plan.Create, nil, noDoubt},
		{"refused", running, plan.Create, errRefused, refused},
		{"refused just before the abort", aborted, plan.Create, errRefused, refused},
		{"wrapped, and still the panel's", running, plan.Create, fmt.Errorf("second call: %w", errLost), replyLost},
		{"not the panel's", running, plan.Create, errors.New("no such secret"), refused},
		{"cut by the abort", aborted, plan.Create, context.Canceled, replyLost},
		{"a create finds it there", running, plan.Create, errExists, saysExists},
		{"an update clashes with another", running, plan.Update, errExists, refused},
		{"a delete finds nothing", running, plan.Delete, errGone, saysGone},
		{"a create misses its owner", running, plan.Create, errGone, refused},
		{"an update finds nothing", running, plan.Update, errGone, refused},
	} {
		if got := doubtOf(tt.ctx, tt.action, tt.err); got != tt.want {
			t.Errorf("%s %s: doubt %d, want %d", tt.action, tt.why, got, tt.want)
		}
	}
}
