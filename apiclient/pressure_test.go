package apiclient

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var someDay = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// TestPressure: what a row of events comes to. s is a call with a sign of
// strain, g a good answer, l a late one, o a sign of strain in a call from
// before the last cut, r a restart. Each happens a minute after the other.
func TestPressure(t *testing.T) {
	for _, c := range []struct {
		why, events string
		reads       int
		gap         time.Duration
	}{
		{"it begins with what the spec allows", "", 4, 0},
		{"good answers never go beyond it", "ggggggggg", 4, 0},
		{"a sign of strain halves it", "s", 2, 0},
		{"two make it one", "ss", 1, 0},
		{"calls under way at the cut are the same sign", "sooo", 2, 0},
		{"then calls are spaced", "sss", 1, firstGap},
		{"twice as far each time", "sssss", 1, 4 * firstGap},
		{"and no further than that", "sssssssssssssss", 1, mostGap},
		{"a good answer gives back one place in a round: half a place of two", "sg", 2, 0},
		{"the other half", "sgg", 2, 0},
		{"three", "sggg", 3, 0},
		{"the spacing goes first", "sssg", 1, 0},
		{"from far apart it takes more", "sssssssssssgggg", 1, 444 * time.Millisecond},
		{"until it is gone", "sssssssssssgggggggg", 1, 0},
		{"late is late by the function's own measure", "gl", 2, 0},
		{"the first answer is no measure", "l", 4, 0},
		{"after a restart one at a time, at once", "sssssr", 1, 0},
	} {
		p, now := newPressure(4), someDay
		for _, e := range c.events {
			now = now.Add(time.Minute)
			switch e {
			case 's':
				p.strained(now.Add(-time.Second), now)
			case 'o':
				p.strained(now.Add(-10*time.Minute), now)
			case 'g':
				p.answered("user", now.Add(-100*time.Millisecond), now)
			case 'l':
				p.answered("user", now.Add(-lateAfter), now)
			case 'r':
				p.restarted(now)
			}
		}
		if gap := p.gap.Round(time.Millisecond); p.reads() != c.reads || gap != c.gap {
			t.Errorf("%s (%s): %d reads at once, %v apart; want %d, %v", c.why, c.events, p.reads(), gap, c.reads, c.gap)
		}
	}
}

// TestPressureBegins: when calls may begin, in seconds from now.
func TestPressureBegins(t *testing.T) {
	for _, c := range []struct {
		why       string
		gap, away time.Duration
		want      []time.Duration
	}{
		{"at once", 0, 0, []time.Duration{0, 0, 0}},
		{"spaced", time.Second, 0, []time.Duration{0, time.Second, 2 * time.Second}},
		{"not before Retry-After", 0, 5 * time.Second, []time.Duration{5 * time.Second, 5 * time.Second}},
		{"and then spaced", time.Second, 5 * time.Second, []time.Duration{5 * time.Second, 6 * time.Second}},
	} {
		p := newPressure(1)
		p.gap = c.gap
		p.leave(someDay.Add(c.away))
		p.leave(someDay.Add(c.away / 2)) // what was asked for earlier and lasts longer stands
		for i, want := range c.want {
			if got := p.begin(someDay).Sub(someDay); got != want {
				t.Errorf("%s: call %d begins after %v, want %v", c.why, i+1, got, want)
			}
		}
	}
}

// TestPressureLaw: whatever happens, a panel gets at least one call at a time
// and never more than the spec allows; spacing only when it gets no more than
// one; a good answer never takes away and a strain never gives; begins are
// spaced; and enough good answers bring everything back.
func TestPressureLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 16).Draw(t, "most")
		p, now, last := newPressure(most), someDay, time.Time{}
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "step")))
			began := now.Add(-time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "took")))
			before := p
			switch rapid.IntRange(0, 4).Draw(t, "event") {
			case 0:
				p.strained(began, now)
				if p.width > before.width || p.gap < before.gap {
					t.Fatalf("a strain gave more: %+v, %+v", before, p)
				}
			case 1:
				p.answered("user", now, now)
				if p.width < before.width || p.gap > before.gap {
					t.Fatalf("a good answer took away: %+v, %+v", before, p)
				}
			case 2:
				p.answered("domain", began, now)
			case 3:
				p.leave(now.Add(time.Duration(rapid.Int64Range(-10, 90).Draw(t, "away")) * time.Second))
			case 4:
				at := p.begin(now)
				if at.Before(now) || at.Before(p.away) || p.gap > 0 && !last.IsZero() && at.Before(last.Add(p.gap)) {
					t.Fatalf("a call may begin at %v, the one before at %v: %+v", at, last, p)
				}
				last = at
			}
			if n := p.reads(); n < 1 || n > most || p.gap < 0 || p.gap > mostGap || p.gap > 0 && n > 1 {
				t.Fatalf("%d reads at once of %d, %v apart", n, most, p.gap)
			}
		}
		// One round gives one more; the rounds have 1, 2, … most answers.
		for range 8 + most*(most+1)/2 {
			p.answered("user", now, now)
		}
		if p.reads() != most || p.gap != 0 {
			t.Fatalf("it does not come back: %+v", p)
		}
	})
}
