package apiclient

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// attempt is what the retry policy knows about the calls made so far.
type attempt struct {
	write   bool // the call changes something
	once    bool // the caller repeats by itself
	session bool // the call was made with a session
	tries   int  // how often it was sent, not counting one renewed session
	renewed bool // the session was renewed for this call
	outages int  // how many restarts of the panel the call has sat out
}

// verdict is what to do after a call failed.
type verdict uint8

const (
	giveUp verdict = iota
	renew          // log in again and send the call once more
	again          // pause and send the call once more
)

// decision is a verdict with the pause before it.
type decision struct {
	what  verdict
	after time.Duration // the pause somebody asked for; 0 leaves it to the back-off
	slow  bool          // pause much longer than usual
	why   string        // for the table test
}

// How often a call is sent. A panel that refuses connections is down, and its
// run must not wait for it: three tries with short pauses take less than 2 s.
// One that lets us wait is overloaded, and asking again makes that worse.
const (
	maxTries        = 4
	maxTriesDown    = 3
	maxTriesTimeout = 2
	maxRetryAfter   = time.Minute
)

// decide is the whole retry policy: a function of the failure and of what was
// tried, nothing else. Reads are repeated when that may help; writes only
// when the panel provably did not take them, because everything else is for
// the executor to settle by reading.
func decide(e *Error, a attempt) decision {
	tries := maxTries
	switch {
	case a.session && e.sessionEnded() && !a.renewed:
		return decision{what: renew, why: "the session ended, and the panel did nothing"}
	case a.once:
		return decision{why: "the caller repeats"}
	case !e.Retryable():
		return decision{why: "it would fail again"}
	case e.retryAfter > maxRetryAfter:
		return decision{why: "we are asked to stay away for longer than a call may take"}
	case e.Type == typeHTTP && e.HTTPStatus == http.StatusTooManyRequests:
		// Not taken: writes too.
	case e.Type == typeUnreachable:
		tries = maxTriesDown // not sent: writes too
	case a.write:
		return decision{why: "it may have been done: sending it again could do it twice"}
	}
	if e.timeout {
		tries = min(tries, maxTriesTimeout)
	}
	if a.tries >= tries {
		return decision{why: "tried often enough"}
	}
	return decision{what: again, after: e.retryAfter, slow: e.Type == "request_failed", why: "it may succeed later"}
}

// pauses are the pauses between the tries of one call: exponential with
// jitter, so that many callers do not come back together.
type pauses struct{ next *backoff.ExponentialBackOff }

func newPauses() pauses {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval = 300*time.Millisecond, 2, 10*time.Second
	return pauses{b}
}

// slower is the factor for a request that was ended on the server: somebody
// works there, and people who run such panels wait some 20 s (panel-api.md
// section 3, request_failed).
const slower = 8

// wait pauses; it fails when the context ends first.
func (p pauses) wait(ctx context.Context, d decision) error {
	pause := p.next.NextBackOff()
	if d.slow {
		pause = min(pause*slower, p.next.MaxInterval)
	}
	return sleep(ctx, max(pause, d.after))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if n, err := strconv.ParseInt(header, 10, 32); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
