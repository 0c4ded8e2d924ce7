package apiclient

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The premise of this file: a panel that stops answering in the middle of a run
// is mostly being restarted by somebody, and is back within a minute
// (panel-api.md section 8). So when a call got no answer for all its tries, the
// panel is looked at with a call that changes nothing and proves nothing
// (whoami). If the panel answers that, the failure was the call's own. If not,
// all calls to the panel wait, and one of them goes on looking, until it answers
// or mostOutage is over. Then the call is sent after all, if it may be: a read,
// or a write that provably was not taken. A write that may have been taken fails
// as it always does, and the reads that settle it wait in its place.
//
// A restart ends all sessions. That is no business of this file: the first call
// that is told so logs in anew (session.go).

// outage is the time in which a panel is waited for. Its end is told to all.
type outage struct {
	over chan struct{}
	// ended is what it came to; it may be read when over is closed.
	ended ending
}

// ending is how the waiting ended.
type ending uint8

const (
	abandoned ending = iota // who looked was interrupted: somebody else may go on
	wasUp                   // the first look found the panel answering
	cameBack
	inVain // the circuit is open
)

// wait waits for the end of an outage.
func (o *outage) wait(ctx context.Context) error {
	select {
	case <-o.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outlast is asked when a call is given up, and reports whether it is worth
// being sent once more, because the panel was down and is back.
func (c *Client) outlast(ctx context.Context, k *call, e *Error, a *attempt) bool {
	if k.once || k.login || ctx.Err() != nil || !e.silence() {
		return false
	}
	if a.outages >= maxOutages || c.gate.sentAway() {
		return false // counted already; or the panel says itself when it will be back
	}
	c.gate.gaveUp(e)
	if k.write && e.MaybeApplied() {
		return false
	}
	switch c.waitOut(ctx, e) {
	case wasUp:
		a.outages, a.tries = maxOutages, maxTries-1 // one more
		return true
	case cameBack:
		*a = attempt{write: a.write, once: a.once, outages: a.outages + 1}
		return true
	case inVain:
		if d := c.gate.downFor().Round(time.Second); d > 0 {
			e.Msg += fmt.Sprintf("; waited for in vain for %v", d)
		}
	}
	return false
}

// outlastLogin is outlast for a call that was not sent because its login failed.
func (c *Client) outlastLogin(ctx context.Context, k *call, err error, a *attempt) bool {
	var e *Error
	return errors.As(err, &e) && c.outlast(ctx, k, e, a)
}

// maxOutages is how many restarts of the panel one call sits out.
const maxOutages = 3

// gaveUp takes note of a call that got no answer for all its tries.
func (g *gate) gaveUp(e *Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.outage == nil { // else it is the same failure
		g.circuit.gaveUp(time.Now(), clip(e.Msg, 200))
	}
}

// silence reports whether the panel itself gave no answer, so that it may be down.
func (e *Error) silence() bool {
	if e.final {
		return false
	}
	switch e.Type {
	case typeUnreachable, typeLost, typeDocument:
		return true
	case typeHTTP:
		return e.HTTPStatus >= 500
	}
	return false
}

// waitOut waits until the panel answers, or there is no hope. Of the calls that
// come here together one looks, and the others wait for what it finds.
func (c *Client) waitOut(ctx context.Context, e *Error) ending {
	for {
		o, mine := c.gate.down()
		switch {
		case o == nil:
			return inVain
		case mine:
			// One that takes calls and never answers them has had its time: the
			// call's own timeouts.
			hangs := e.timeout && e.Type == typeLost
			c.gate.endOutage(o, c.lookUntil(ctx, !hangs))
			return o.ended
		case o.wait(ctx) != nil:
			return abandoned
		case o.ended != abandoned:
			return o.ended
		}
	}
}

// lookAgain looks once at a panel whose circuit is open, or waits for who does.
func (c *Client) lookAgain(ctx context.Context) {
	if o, mine := c.gate.peek(); mine {
		c.gate.endOutage(o, c.lookUntil(ctx, false))
	} else {
		_ = o.wait(ctx) // the caller sees to that
	}
}

// down begins an outage, or joins the one there is. It is nil when the circuit
// is open.
func (g *gate) down() (o *outage, mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.circuit.open {
		return nil, false
	}
	return g.join()
}

// peek begins an outage of one look.
func (g *gate) peek() (o *outage, mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.join()
}

// join is called with the lock held.
func (g *gate) join() (o *outage, mine bool) {
	if g.outage != nil {
		return g.outage, false
	}
	g.outage = &outage{over: make(chan struct{})}
	return g.outage, true
}

// endOutage tells everybody what the waiting came to.
func (g *gate) endOutage(o *outage, what ending) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	switch {
	case what == cameBack, what == wasUp && g.circuit.dead:
		g.circuit.answer()
		g.pressure.restarted(now)
	case what == wasUp:
		g.circuit.halfOpen()
	case what == inVain:
		g.circuit.dies(now)
	}
	g.outage, o.ended = nil, what
	close(o.over)
	g.wake()
}

// mostOutage is how long a panel that fell silent by itself is waited for:
// restarts by somebody else are over within it (panel-api.md section 8), and a
// panel that is dead must not cost more.
const mostOutage = time.Minute

func (c *Client) outageWait() time.Duration { return min(mostOutage, c.restartWait) }

// mostBetweenLooks is about how late a panel that is back is noticed.
const mostBetweenLooks = 4 * time.Second

// lookUntil looks at the panel until it answers or its time is over: at once
// when it is not to be waited for.
func (c *Client) lookUntil(ctx context.Context, wait bool) ending {
	c.door.idle() // connections to a panel that is down are of no use
	pauses, began := newPauses(), time.Now()
	pauses.next.MaxInterval = mostBetweenLooks
	for first := true; ; first = false {
		up := c.look(ctx)
		switch {
		case up && first:
			return wasUp
		case up:
			c.notice(fmt.Sprintf("panel %s answers again after %v", c.panel.Name, time.Since(began).Round(time.Second)))
			return cameBack
		case ctx.Err() != nil || c.gate.sentAway():
			return abandoned
		case !wait || c.gate.downFor() >= c.outageWait():
			return inVain
		case first:
			c.notice(fmt.Sprintf("panel %s has stopped answering; it may be restarting, and is waited for up to %v", c.panel.Name, c.outageWait()))
		}
		if c.pause(ctx, pauses) != nil {
			return abandoned
		}
	}
}

// downFor is how long looks have found the panel silent.
func (g *gate) downFor() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.circuit.silent.IsZero() {
		g.circuit.silent = now
	}
	return now.Sub(g.circuit.silent)
}

// pause pauses between two looks; it fails when the run ends or is interrupted.
func (c *Client) pause(ctx context.Context, p pauses) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.stop != nil {
		defer context.AfterFunc(c.stop, cancel)()
	}
	return p.wait(ctx, decision{})
}

// look asks the panel who is calling, which changes nothing and proves nothing:
// any answer of the panel itself means that it is there, most of all that nobody
// is logged in.
func (c *Client) look(ctx context.Context) bool {
	k := &call{fn: funcWhoami, login: true, once: true, look: true}
	e := c.exchange(ctx, k, &credential{}, &document{})
	return e == nil || !e.silence() && e.Type != typeNotSent && e.Type != typeDown
}

func (c *Client) notice(line string) {
	if c.tell != nil {
		c.tell(line)
	}
}
