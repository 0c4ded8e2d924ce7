package apiclient

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Restart calls func=restart once (guide, "If the web-server needs to be
// rebooted"), waits until the panel answers again and logs in anew. A
// connection that breaks on the call counts as restarting: the panel may take
// its own server down. An *Error that says Unsupported means the panel has no
// such function (panel-api.md section 8: newer ones have not).
func (w *Writer) Restart(ctx context.Context) error {
	var e *Error
	err := w.do(ctx, &call{fn: funcRestart, write: true}, nil, &document{})
	if err != nil && (!errors.As(err, &e) || !e.MaybeApplied()) {
		return err
	}
	return w.c.comeBack(ctx)
}

// comeBack waits until the panel answers. The old session and connections may
// be dead, so both are given up first.
func (c *Client) comeBack(ctx context.Context) error {
	c.session.forget()
	c.door.idle()
	c.gate.restarts(true)
	defer c.gate.restarts(false)
	ctx, cancel := context.WithTimeoutCause(ctx, c.restartWait, errNoReturn)
	defer cancel()
	pauses := newPauses()
	for {
		// The first pause gives the panel the time to go down.
		if err := pauses.wait(ctx, decision{}); err != nil {
			return c.noReturn(ctx, nil)
		}
		err := c.probe(ctx)
		var e *Error
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return c.noReturn(ctx, err)
		case errors.Is(err, context.DeadlineExceeded):
			// The probe's time went by in waiting for its turn: Retry-After.
		case !errors.As(err, &e) || !e.Retryable():
			return err
		}
	}
}

// errNoReturn is the cause when the panel does not come back in time.
var errNoReturn = errors.New("the panel did not come back")

// probeTimeout bounds one probe: a panel that is starting may take a
// connection and never answer.
const probeTimeout = 10 * time.Second

// probe asks the panel something cheap, once: a login, or where there
// is none whoami. An answer of the panel itself, even an error, means it is back.
func (c *Client) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, min(probeTimeout, c.timeout))
	defer cancel()
	if c.inSession() {
		_, err := c.credential(ctx, &call{fn: funcAuth})
		return err
	}
	err := c.do(ctx, &call{fn: funcWhoami, once: true}, &document{})
	var e *Error
	if errors.As(err, &e) && !e.ours() && !e.panelWide() && !e.Retryable() {
		return nil
	}
	return err
}

// noReturn is the error when the panel does not come back, or nobody waits for it.
func (c *Client) noReturn(ctx context.Context, last error) error {
	e := &Error{Panel: c.panel.Name, Func: funcRestart, Type: typeLost, wide: true, cause: context.Cause(ctx)}
	e.Msg = "waiting for the panel after its restart was interrupted"
	if errors.Is(e.cause, errNoReturn) {
		c.gate.dead("it did not come back after its restart")
		e.Msg = fmt.Sprintf("the panel did not come back within %v after its restart; look at it on the server", c.restartWait)
	}
	if last != nil {
		e.Msg += " (last answer: " + last.Error() + ")"
	}
	return e
}
