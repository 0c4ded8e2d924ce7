package apiclient

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/specs"
)

// weak is a panel that counts how many calls it serves at a time, each for a
// while, and that refuses what is more than it bears.
type weak struct {
	mu                sync.Mutex
	bears             int // 0 bears everything
	reading, writing  int
	mostRead, mostWrt int
	refused, served   int
	takes             time.Duration
	// instead answers in place of the panel, after the time a call takes.
	instead func(w http.ResponseWriter, fn string, n int) bool
	at      []time.Time // when calls arrived, the login left out
}

func (p *weak) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fn := r.PostFormValue("func")
	if fn == funcAuth {
		fmt.Fprint(w, `<doc><auth id="x"/><ok/></doc>`)
		return
	}
	write := r.PostFormValue("sok") != ""
	p.mu.Lock()
	p.at = append(p.at, time.Now())
	n := len(p.at)
	if write {
		p.writing++
		p.mostWrt = max(p.mostWrt, p.writing)
	} else {
		p.reading++
		p.mostRead = max(p.mostRead, p.reading)
	}
	over := p.bears > 0 && p.reading+p.writing > p.bears
	p.mu.Unlock()
	time.Sleep(p.takes)
	p.mu.Lock()
	if write {
		p.writing--
	} else {
		p.reading--
	}
	if over {
		p.refused++
	} else {
		p.served++
	}
	p.mu.Unlock()
	switch {
	case over:
		w.WriteHeader(http.StatusServiceUnavailable)
	case p.instead != nil && p.instead(w, fn, n):
	case write:
		fmt.Fprint(w, "<doc><ok/></doc>")
	default:
		fmt.Fprint(w, rows(0))
	}
}

// readAtOnce makes n lists, all asked for at once, and gives how many failed.
func readAtOnce(t *testing.T, c *Client, n int) (failed int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for range n {
		all.Go(func() {
			if _, err := c.list(t.Context(), webdomains()); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed++
			}
		})
	}
	all.Wait()
	return failed
}

// TestAdapts: a panel that bears two calls at a time, of the eight that the spec
// allows, soon gets about two, and refuses little; when it bears everything
// again, it soon gets eight again.
func TestAdapts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &weak{bears: 2, takes: 200 * time.Millisecond}
		p, o, _ := serve(t, h)
		p.Limits.Reads = 8
		c := client(t, p, o)
		if failed := readAtOnce(t, c, 300); failed > 0 || h.served < 300 {
			t.Errorf("%d of 300 reads failed, %d served", failed, h.served)
		}
		// Unadapted, three of four calls would be refused, four times over.
		if h.refused > 120 {
			t.Errorf("%d refused of %d", h.refused, len(h.at))
		}
		h.bears, h.mostRead = 0, 0
		took := clock()
		if failed := readAtOnce(t, c, 200); failed > 0 || h.mostRead != 8 || took() > 10*time.Second {
			t.Errorf("%d failed, %d at a time, %v: the panel bears all again", failed, h.mostRead, took())
		}
	})
}

// TestLateIsStrain: a panel that answers much later than it could gets less.
func TestLateIsStrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &weak{takes: 100 * time.Millisecond}
		p, o, _ := serve(t, h)
		c := client(t, p, o)
		readAtOnce(t, c, 8)
		h.takes = 10 * time.Second
		readAtOnce(t, c, 8)
		if n := c.gate.pressure.reads(); n != 1 {
			t.Errorf("it gets %d reads at once", n)
		}
	})
}

// TestLimitsLaw: however a panel answers, it gets no more reads and writes at a
// time than the spec allows.
func TestLimitsLaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		reads, writes := rapid.IntRange(1, 6).Draw(rt, "reads"), rapid.IntRange(1, 3).Draw(rt, "writes")
		h := &weak{bears: rapid.IntRange(0, 4).Draw(rt, "bears"), takes: time.Duration(rapid.IntRange(1, 5000).Draw(rt, "takes")) * time.Millisecond}
		answers := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "429", "502", "drop", "killed"}), 1, 20).Draw(rt, "answers")
		h.instead = func(w http.ResponseWriter, _ string, n int) bool {
			switch answers[n%len(answers)] {
			case "429":
				w.Header().Set("Retry-After", "2")
				w.WriteHeader(429)
			case "502":
				w.WriteHeader(502)
			case "drop":
				panic(http.ErrAbortHandler)
			case "killed":
				fmt.Fprint(w, `<doc><error type="request_failed"/></doc>`)
			default:
				return false
			}
			return true
		}
		synctest.Test(t, func(t *testing.T) {
			p, o, _ := serve(t, h)
			p.Limits = specs.Limits{Reads: reads, Writes: writes}
			c := client(t, p, o)
			w := NewWriter(c)
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() { c.Snapshot(t.Context(), three()) })
				all.Go(func() { w.Update(t.Context(), newUser("a")) })
			}
			all.Wait()
		})
		if h.mostRead > reads || h.mostWrt > writes {
			rt.Errorf("%d reads and %d writes at a time; %d and %d are allowed", h.mostRead, h.mostWrt, reads, writes)
		}
	})
}

// TestRetryAfterIsForAll: when one call is sent away, all calls to the panel stay
// away as long, reads and writes; and the write that was sent away is sent again,
// because it was not taken.
func TestRetryAfterIsForAll(t *testing.T) {
	for name, header := range map[string]func() string{
		"seconds": func() string { return "20" },
		"date":    func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		for _, status := range []int{429, 503} {
			synctest.Test(t, func(t *testing.T) {
				h := &weak{takes: 10 * time.Millisecond}
				h.instead = func(w http.ResponseWriter, _ string, n int) bool {
					if n == 1 {
						w.Header().Set("Retry-After", header())
						w.WriteHeader(status)
					}
					return n == 1
				}
				p, o, _ := serve(t, h)
				c := client(t, p, o)
				w := NewWriter(c)
				if err := c.ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				all.Go(func() {
					if _, err := w.Update(t.Context(), newUser("a")); (err != nil) != (status == 503) {
						t.Errorf("%s, %d: the write: %v", name, status, err)
					}
				})
				time.Sleep(100 * time.Millisecond)
				all.Go(func() {
					if _, err := c.Snapshot(t.Context(), three()); err != nil {
						t.Errorf("%s, %d: %v", name, status, err)
					}
				})
				all.Go(func() {
					if _, err := w.Delete(t.Context(), newUser("b")); err != nil {
						t.Errorf("%s, %d: %v", name, status, err)
					}
				})
				all.Wait()
				for _, at := range h.at[1:] {
					if d := at.Sub(h.at[0]); d < 19*time.Second || d > 25*time.Second {
						t.Errorf("%s, %d: a call arrived %v after we were sent away for 20 s", name, status, d)
					}
				}
			})
		}
	}
}

// TestSentAwayForLong: nobody waits longer than maxRetryAfter; calls fail at
// once, unsent, and say until when.
func TestSentAwayForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &weak{}
		h.instead = func(w http.ResponseWriter, _ string, n int) bool {
			if n == 1 {
				w.Header().Set("Retry-After", "600")
				w.WriteHeader(503)
			}
			return n == 1
		}
		p, o, _ := serve(t, h)
		c := client(t, p, o)
		w := NewWriter(c)
		_, err := c.Snapshot(t.Context(), oneWant())
		if e := asError(t, err); e.HTTPStatus != 503 {
			t.Error(err)
		}
		took := clock()
		_, err = w.Delete(t.Context(), newUser("b"))
		if e := asError(t, err); !e.Down() || e.MaybeApplied() || took() > 0 || len(h.at) != 1 || !strings.Contains(err.Error(), "stay away until 2000-01-01 00:10:00") {
			t.Errorf("%d calls, %v: %v", len(h.at), took(), err)
		}
		time.Sleep(9*time.Minute + 30*time.Second)
		took = clock()
		if _, err = w.Delete(t.Context(), newUser("b")); err != nil || took() != 30*time.Second {
			t.Errorf("half a minute is waited for: %v, %v", took(), err)
		}
	})
}
