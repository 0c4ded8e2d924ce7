package apiclient

import "time"

// The premise of this file: a panel that does not answer costs each call its
// tries, its pauses and its timeouts, and a plan has many calls. So a failure
// that no retry has mended is remembered for the whole panel. When there is no
// hope the circuit opens: further calls fail at once, without being sent, so
// that a write fails as surely not done. From time to time one look is allowed,
// because panels come back.
//
// When is there no hope? A panel that has never answered in this run is given up
// with its first call: its address may be wrong, and nothing is lost by not
// planning it. One that has answered may only be restarting, and is looked at
// and waited for first (outage.go); when that was in vain, or when it answers
// looks but not one of tripAt calls in a row, the circuit opens.
//
// circuit is pure: it has no clock and no lock. The gate asks it.

// How many calls in a row, each given up after its tries, open the circuit of a
// panel that answers looks; and how long nobody looks after it opened, at first
// and at most.
const (
	tripAt    = 5
	firstRest = 5 * time.Second
	mostRest  = time.Minute
)

// circuit is what is known of whether one panel answers.
type circuit struct {
	known  bool      // the panel has answered in this run
	failed int       // calls given up since it last answered
	since  time.Time // when the first of them was given up
	why    string    // what the last of them ended with
	silent time.Time // since when looks have found it silent
	open   bool
	dead   bool          // it opened because the panel is silent, not only because calls fail
	rest   time.Duration // from the last look to the next
	look   time.Time     // the next look
}

// answer takes note that the panel answered, be it with an error of its own.
func (c *circuit) answer() { *c = circuit{known: true} }

// gaveUp takes note of a call that got no answer for all its tries.
func (c *circuit) gaveUp(now time.Time, why string) {
	if c.failed == 0 {
		c.since = now
	}
	c.failed++
	c.why = why
	if !c.known || c.failed >= tripAt {
		c.dead = c.dead || !c.known
		c.trip(now)
	}
}

// dies takes note that looks found the panel silent until its time was over.
func (c *circuit) dies(now time.Time) {
	c.dead = true
	c.trip(now)
}

// trip opens the circuit, or keeps it open, for twice as long each time.
func (c *circuit) trip(now time.Time) {
	c.rest = min(max(2*c.rest, firstRest), mostRest)
	c.open, c.look = true, now.Add(c.rest)
}

// halfOpen takes note that a look found the panel answering, though calls have
// failed: they go on, and after an open circuit the next one that is given up
// opens it again.
func (c *circuit) halfOpen() {
	if c.open {
		c.open, c.failed = false, tripAt-1
	}
	c.known, c.silent = true, time.Time{}
}

// admission is what a circuit says to a call.
type admission uint8

const (
	enter  admission = iota
	refuse           // the circuit is open
	peek             // it is open, and the time has come to look
)

func (c *circuit) admit(now time.Time) admission {
	switch {
	case !c.open:
		return enter
	case now.Before(c.look):
		return refuse
	default:
		return peek
	}
}
