package apiclient

import "time"

// The premise of this file: a panel under load tells it by answering late, by
// refusing (503, 429), by ending requests or by not answering at all, and who
// goes on asking as before makes it worse (panel-api.md section 11). How much a
// panel can bear nobody says, and it changes; so it is found out the way TCP
// finds out what a line bears: a little more after each good answer, half as
// much at each sign of strain (additive increase, multiplicative decrease).
// That ends near what the panel bears, comes back when the strain is over, and
// never exceeds what the spec allows, because that is where it begins.
//
// What is adapted is the number of reads at once. When one at a time is still
// too much, it is the time between the beginnings of two calls, of any kind.
// Writes at once are what the spec says: they are few, and their order matters.
//
// pressure is pure: it has no clock and no lock. The gate asks it.

// The first and the longest pause between two calls, and by how many calls per
// second the rate grows with each good answer.
const (
	firstGap = 250 * time.Millisecond
	mostGap  = 4 * time.Second
	easing   = 0.5
)

// An answer is late when it takes lateAfter and also late times what the same
// function took at its best: one list is no measure of another.
const (
	lateAfter = 3 * time.Second
	late      = 4
)

// pressure is how much one panel is asked at present.
type pressure struct {
	most  int           // limits.reads
	width float64       // reads at once, from 1 to most; the whole part counts
	gap   time.Duration // between the beginnings of two calls; above 0 only while width is 1
	cut   time.Time     // when it was last made less
	last  time.Time     // when the last call began, or will
	away  time.Time     // nobody calls before then: Retry-After
	best  map[string]time.Duration
}

func newPressure(most int) pressure {
	return pressure{most: most, width: float64(most), best: map[string]time.Duration{}}
}

// reads is how many reads the panel gets at once.
func (p *pressure) reads() int { return int(p.width) }

// begin is when the next call may begin, which is taken to be done.
func (p *pressure) begin(now time.Time) time.Time {
	at := now
	if p.gap > 0 && p.last.Add(p.gap).After(at) {
		at = p.last.Add(p.gap)
	}
	if p.away.After(at) {
		at = p.away
	}
	p.last = at
	return at
}

// answered takes note of an answer: of which function, when it was asked and
// when the answer began to come.
func (p *pressure) answered(fn string, began, now time.Time) {
	took := now.Sub(began)
	best, known := p.best[fn]
	if !known || took < best {
		p.best[fn] = took
	}
	if known && took >= lateAfter && took >= late*best {
		p.strained(began, now)
		return
	}
	switch {
	case began.Before(p.cut):
		// It was asked when there was more; it says nothing of how it is now.
	case p.gap > 0:
		p.gap = time.Duration(float64(time.Second) / (float64(time.Second)/float64(p.gap) + easing))
		if p.gap < firstGap {
			p.gap = 0
		}
	default:
		p.width = min(float64(p.most), p.width+1/p.width)
	}
}

// strained takes note of a sign of strain in a call that began at began. Calls
// that were under way when it was last made less are the same sign.
func (p *pressure) strained(began, now time.Time) {
	if began.Before(p.cut) {
		return
	}
	p.cut = now
	switch {
	case p.width > 1:
		p.width = max(1, p.width/2)
	case p.gap == 0:
		p.gap = firstGap
	default:
		p.gap = min(2*p.gap, mostGap)
	}
}

// restarted begins anew with a panel that has just come back: one call at a
// time, and more as it answers.
func (p *pressure) restarted(now time.Time) {
	p.width, p.gap, p.cut = 1, 0, now
}

// leave takes note of a Retry-After: nobody calls before then. What was asked
// for earlier and lasts longer stands.
func (p *pressure) leave(until time.Time) {
	if until.After(p.away) {
		p.away = until
	}
}
