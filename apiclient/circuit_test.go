package apiclient

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCircuit: what a row of events comes to. a is an answer of the panel, x a
// call given up, d waiting in vain, u a look that found the panel answering, and
// a dot is five seconds.
func TestCircuit(t *testing.T) {
	for _, c := range []struct {
		why, events string
		want        admission
		dead        bool
	}{
		{"a new panel is called", "", enter, false},
		{"one that never answered is given up with its first call", "x", refuse, true},
		{"one that answered once is not", "ax", enter, false},
		{"nor with four", "axxxx", enter, false},
		{"five in a row open the circuit", "axxxxx", refuse, false},
		{"in a row", "axxxxaxxxx", enter, false},
		{"waiting in vain opens it", "axd", refuse, true},
		{"after a rest one look is allowed", "axd.", peek, true},
		{"which may be in vain", "axd.d", refuse, true},
		{"then the rest is longer", "axd.d.", refuse, true},
		{"by twice", "axd.d..", peek, true},
		{"an answer closes it", "axd.a", enter, false},
		{"and all is forgotten", "axd.axxxx", enter, false},
		{"a look that is answered lets calls try", "axxxxx.u", enter, false},
		{"of which one failure is enough", "axxxxx.ux", refuse, false},
		{"and rests longer", "axxxxx.ux.", refuse, false},
		{"one answer is enough, too", "axxxxx.uaxxxx", enter, false},
		{"a look that is answered says that the panel is there", "ux", enter, false},
	} {
		var s circuit
		now := someDay
		for _, e := range c.events {
			switch e {
			case 'a':
				s.answer()
			case 'x':
				s.gaveUp(now, "no answer")
			case 'd':
				s.dies(now)
			case 'u':
				s.halfOpen()
			case '.':
				now = now.Add(firstRest)
			}
		}
		if got := s.admit(now); got != c.want || s.dead != c.dead {
			t.Errorf("%s (%s): %d, dead %v; want %d, %v", c.why, c.events, got, s.dead, c.want, c.dead)
		}
	}
}

// TestCircuitLaw: calls are refused only while the circuit is open; it says
// since when and why; a look is allowed within mostRest at the latest; and an
// answer always closes it.
func TestCircuitLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s circuit
		now := someDay
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "step")))
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				s.answer()
				if s.admit(now) != enter {
					t.Fatalf("an answer does not close it: %+v", s)
				}
			case 1, 2:
				s.gaveUp(now, "no answer")
			case 3:
				if s.open {
					s.dies(now)
				}
			}
			if s.admit(now) != enter && (s.since.IsZero() || s.since.After(now) || s.why == "" || s.failed == 0) {
				t.Fatalf("it does not say why: %+v", s)
			}
			if s.admit(now.Add(mostRest)) == refuse {
				t.Fatalf("nobody looks for longer than %v: %+v", mostRest, s)
			}
		}
	})
}
