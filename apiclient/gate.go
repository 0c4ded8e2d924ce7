package apiclient

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate is where calls to one panel wait for their turn: for a restart of the
// panel to be over, for a place among the calls at a time, for the rate, and
// for the time at which pressure lets the next one begin. The limits of the
// spec are never exceeded, whatever pressure says.
type gate struct {
	reads, writes int           // the limits
	rate          *rate.Limiter // nil for no limit

	mu       sync.Mutex
	pressure pressure
	circuit  circuit
	outage   *outage // while the panel is waited for
	reading  int
	writing  int
	waiters  int
	logins   int // waiting for a place

	restarting bool          // the panel restarts at our wish
	changed    chan struct{} // closed when a place may have become free
}

func newGate(reads, writes int, perSecond float64) *gate {
	g := &gate{reads: reads, writes: writes, pressure: newPressure(reads), changed: make(chan struct{})}
	if perSecond > 0 {
		g.rate = rate.NewLimiter(rate.Limit(perSecond), 1)
	}
	return g
}

// enter waits until a call may begin. It fails when the context ends first, and
// when the panel is not to be called at all now.
func (c *Client) enter(ctx context.Context, k *call) (release func(), e *Error) {
	for {
		if e := c.admitted(ctx, k); e != nil {
			return nil, e
		}
		if err := c.gate.place(ctx, k); err != nil {
			return nil, c.noTurn(k, err)
		}
		if c.gate.calm(k) {
			break
		}
		c.gate.release(k.write) // the panel went down while this call waited for its place
	}
	release = func() { c.gate.release(k.write) }
	if err := c.gate.time(ctx); err != nil {
		release()
		return nil, c.noTurn(k, err)
	}
	return release, nil
}

func (c *Client) noTurn(k *call, err error) *Error {
	return c.notSent(k, "it did not get its turn: %w", err)
}

// admitted waits for a panel that is being waited for, and says why a call may
// not be sent at all, or nil.
func (c *Client) admitted(ctx context.Context, k *call) *Error {
	for {
		c.gate.mu.Lock()
		now := time.Now()
		o, says, circuit, away := c.gate.outage, c.gate.circuit.admit(now), c.gate.circuit, c.gate.pressure.away
		c.gate.mu.Unlock()
		switch {
		case away.Sub(now) > maxRetryAfter:
			return c.sentAway(k, away)
		case k.look:
			return nil
		case o != nil:
			if err := o.wait(ctx); err != nil {
				return c.noTurn(k, err)
			}
		case says == enter:
			return nil
		case ctx.Err() != nil:
			return c.noTurn(k, ctx.Err())
		case says == refuse || k.once:
			return c.isDown(k, circuit)
		default:
			c.lookAgain(ctx)
		}
	}
}

// calm reports whether nothing has gone wrong with the panel meanwhile.
func (g *gate) calm(k *call) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return k.look || g.outage == nil && !g.circuit.open
}

// place waits for a place among the calls at a time. A login goes first: what
// others send before it may be in vain.
func (g *gate) place(ctx context.Context, k *call) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if k.login {
		g.logins++
		defer func() { g.logins--; g.wake() }()
	}
	for !g.free(k) {
		changed := g.changed
		g.waiters++
		g.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		}
		g.mu.Lock()
		g.waiters--
		if err != nil {
			return err
		}
	}
	if k.write {
		g.writing++
	} else {
		g.reading++
	}
	return nil
}

func (g *gate) free(k *call) bool {
	switch {
	case g.logins > 0 && !k.login:
		return false
	case k.write:
		return g.writing < g.writes
	}
	return g.reading < min(g.reads, g.pressure.reads())
}

// release gives the place of a call to whoever waits for it.
func (g *gate) release(write bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if write {
		g.writing--
	} else {
		g.reading--
	}
	g.wake()
}

// wake has those who wait for a place look again. The lock is held.
func (g *gate) wake() {
	if g.waiters > 0 {
		close(g.changed)
		g.changed = make(chan struct{})
	}
}

// time waits for the rate, and until pressure lets the call begin.
func (g *gate) time(ctx context.Context) error {
	if g.rate != nil {
		if err := g.rate.Wait(ctx); err != nil {
			return err
		}
	}
	for {
		g.mu.Lock()
		now := time.Now()
		at := g.pressure.begin(now)
		g.mu.Unlock()
		if !at.After(now) {
			return nil
		}
		if err := sleep(ctx, at.Sub(now)); err != nil {
			return err
		}
		g.mu.Lock()
		moved := g.pressure.away.After(time.Now()) // somebody was sent away meanwhile
		g.mu.Unlock()
		if !moved {
			return nil
		}
	}
}

// ended takes note of how a call went that began at began and whose answer
// began to come at came.
func (g *gate) ended(k *call, began, came time.Time, e *Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.wake()
	now := time.Now()
	if e != nil && e.retryAfter > 0 {
		g.pressure.leave(now.Add(e.retryAfter))
	}
	switch {
	case e == nil || !e.ours() && e.Type != "request_failed" || e.Type == typeNoOK:
		if !k.look {
			g.circuit.answer()
		}
		g.pressure.answered(k.fn, began, came)
	case k.look || g.restarting || !e.Retryable():
		// Ours, or no news: who looks knows that the panel may be down.
	case e.Type == typeUnreachable && !g.circuit.known:
		// No panel yet, so none that is strained.
	default:
		g.pressure.strained(began, now)
	}
}

// restarts takes note that the panel restarts at our wish, or is back: until
// then that it does not answer is no news.
func (g *gate) restarts(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.restarting = on
	g.pressure.restarted(time.Now())
}

// dead takes note that the panel was waited for in vain.
func (g *gate) dead(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.circuit.why = why; g.circuit.failed == 0 {
		g.circuit.since = now
	}
	g.circuit.dies(now)
}

// sentAway reports whether the panel asks to be left alone for longer than a
// call waits.
func (g *gate) sentAway() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.pressure.away) > maxRetryAfter
}

// sentAway is the refusal of a call to a panel that asked to be left alone for
// longer than a call waits.
func (c *Client) sentAway(k *call, until time.Time) *Error {
	return c.refusal(k, fmt.Sprintf("the panel, or what stands before it, asks everybody to stay away until %s (Retry-After), and a call waits for %v at most; run again after that",
		until.Format(time.DateTime), maxRetryAfter))
}

// isDown is the refusal of a call to a panel that does not answer.
func (c *Client) isDown(k *call, now circuit) *Error {
	e := c.refusal(k, fmt.Sprintf("the panel has not answered since %s (%s); look at it on the server; calls fail at once until it answers, and ispsync looks again after %s",
		now.since.Format(time.TimeOnly), now.why, now.look.Format(time.TimeOnly)))
	e.wide = now.dead
	return e
}

// refusal is an error before anything left, because of the panel.
func (c *Client) refusal(k *call, why string) *Error {
	e := c.newError(k)
	e.Type, e.Msg, e.final = typeDown, "not sent: "+why, true
	return e
}
