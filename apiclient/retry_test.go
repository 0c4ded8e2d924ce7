package apiclient

import (
	"context"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// clock starts to measure time.
func clock() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}

func TestDecide(t *testing.T) {
	var (
		down    = &Error{Type: typeUnreachable}
		noPath  = &Error{Type: typeUnreachable, timeout: true}
		tlsBad  = &Error{Type: typeUnreachable, final: true}
		lost    = &Error{Type: typeLost}
		slow    = &Error{Type: typeLost, timeout: true}
		cut     = &Error{Type: typeDocument}
		bomb    = &Error{Type: typeDocument, final: true}
		gateway = &Error{Type: typeHTTP, HTTPStatus: 502}
		many    = &Error{Type: typeHTTP, HTTPStatus: 429, retryAfter: 7 * time.Second}
		tooMany = &Error{Type: typeHTTP, HTTPStatus: 429, retryAfter: 2 * time.Minute}
		missing = &Error{Type: typeHTTP, HTTPStatus: 404}
		killed  = &Error{Type: "request_failed"}
		ended   = &Error{Type: "auth", Object: "session"}
		nobody  = &Error{Type: "access", level: "0"}
		denied  = &Error{Type: "access", level: "30"}
		v4ended = &Error{Type: "auth", Object: "authfail", bare: true}
		exists  = &Error{Type: "exists"}
		noOK    = &Error{Type: typeNoOK}
		ours    = &Error{Type: typeNotSent, final: true}
	)
	for _, c := range []struct {
		why   string
		e     *Error
		a     attempt
		want  verdict
		after time.Duration
	}{
		{"a read may be repeated when the connection breaks", lost, attempt{tries: 1}, again, 0},
		{"up to four tries", lost, attempt{tries: 3}, again, 0},
		{"and no more", lost, attempt{tries: 4}, giveUp, 0},
		{"a write whose reply is lost may have been done", lost, attempt{tries: 1, write: true}, giveUp, 0},
		{"so may one that got half an answer", cut, attempt{tries: 1, write: true}, giveUp, 0},
		{"or a proxy's answer", gateway, attempt{tries: 1, write: true}, giveUp, 0},
		{"or was killed", killed, attempt{tries: 1, write: true}, giveUp, 0},
		{"or got an answer without ok", noOK, attempt{tries: 1, write: true}, giveUp, 0},
		{"reads have another try at all these: half an answer", cut, attempt{tries: 1}, again, 0},
		{"a proxy's answer", gateway, attempt{tries: 1}, again, 0},
		{"a killed request", killed, attempt{tries: 1}, again, 0},
		{"what cannot get better is not repeated", bomb, attempt{tries: 1}, giveUp, 0},
		{"nor is another server's answer", missing, attempt{tries: 1}, giveUp, 0},
		{"without a connection nothing was sent: reads", down, attempt{tries: 2}, again, 0},
		{"and writes", down, attempt{tries: 2, write: true}, again, 0},
		{"but a dead panel must not hold the run", down, attempt{tries: 3}, giveUp, 0},
		{"nor one that lets us wait for a connection", noPath, attempt{tries: 2}, giveUp, 0},
		{"nor one that lets us wait for the answer", slow, attempt{tries: 2}, giveUp, 0},
		{"which is asked once more", slow, attempt{tries: 1}, again, 0},
		{"a certificate does not change", tlsBad, attempt{tries: 1}, giveUp, 0},
		{"429 was not taken: reads wait as long as asked", many, attempt{tries: 1}, again, 7 * time.Second},
		{"and writes", many, attempt{tries: 1, write: true}, again, 7 * time.Second},
		{"but nobody waits for minutes", tooMany, attempt{tries: 1}, giveUp, 0},
		{"an ended session is renewed for a read", ended, attempt{tries: 1, session: true}, renew, 0},
		{"and for a write: the panel did nothing", ended, attempt{tries: 1, session: true, write: true}, renew, 0},
		{"also when the panel says access at level 0", nobody, attempt{tries: 1, session: true}, renew, 0},
		{"or authfail", v4ended, attempt{tries: 1, session: true}, renew, 0},
		{"but once per call", ended, attempt{tries: 1, session: true, renewed: true}, giveUp, 0},
		{"without a session there is nothing to renew", ended, attempt{tries: 1}, giveUp, 0},
		{"a missing right is no ended session", denied, attempt{tries: 1, session: true}, giveUp, 0},
		{"the panel's no is a no", exists, attempt{tries: 1}, giveUp, 0},
		{"ours too", ours, attempt{tries: 1}, giveUp, 0},
		{"who repeats by himself gets every failure", lost, attempt{tries: 1, once: true}, giveUp, 0},
	} {
		d := decide(c.e, c.a)
		if d.what != c.want || d.after != c.after || d.why == "" {
			t.Errorf("%s: got %+v, want verdict %d after %v", c.why, d, c.want, c.after)
		}
	}
}

// TestWritesAreNotRepeated is the law behind the table: whatever fails, a
// write is sent again only when it cannot have been applied.
func TestWritesAreNotRepeated(t *testing.T) {
	for _, typ := range []string{typeUnreachable, typeLost, typeHTTP, typeDocument, typeNoOK, typeNotSent, "auth", "access", "exists", "request_failed", "value"} {
		for _, status := range []int{0, 200, 302, 404, 429, 500, 502, 503} {
			for bits := range 8 {
				e := &Error{Type: typ, HTTPStatus: status, final: bits&1 != 0, timeout: bits&2 != 0, bare: bits&4 != 0}
				d := decide(e, attempt{write: true, tries: 1, session: true})
				if d.what != giveUp && e.MaybeApplied() && !e.bare {
					t.Errorf("%+v: %+v", e, d)
				}
			}
		}
	}
}

func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			d        decision
			min, max time.Duration
		}{
			{decision{}, 150 * time.Millisecond, 450 * time.Millisecond},
			{decision{after: 3 * time.Second}, 3 * time.Second, 3 * time.Second},
			{decision{slow: true}, 1200 * time.Millisecond, 3600 * time.Millisecond},
		} {
			took := clock()
			if err := newPauses().wait(t.Context(), c.d); err != nil {
				t.Fatal(err)
			}
			if d := took(); d < c.min || d > c.max+time.Millisecond {
				t.Errorf("%+v: a pause of %v", c.d, d)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if newPauses().wait(ctx, decision{}) == nil {
			t.Error("it waits although nobody wants it")
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, " 30 ": 30 * time.Second, "-1": 0, "soon": 0,
		"Fri, 01 May 2026 12:00:20 GMT": 20 * time.Second, "Fri, 01 May 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

// TestReadsAreRepeated: a read survives a panel that fails three times.
func TestReadsAreRepeated(t *testing.T) {
	for _, first := range []struct {
		why    string
		status int
		body   string
	}{
		{"dropped", -1, ""}, {"502", 502, "bad"}, {"page", 200, "<html></html>"}, {"empty", 200, ""}, {"cut", 200, rows(2, site("a.example.com"))[:90]},
		{"killed", 200, `<doc><error type="request_failed"/></doc>`}, {"busy", 429, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, s := scripted(t, func(fn string, n int, _ url.Values) (int, string) {
				switch {
				case fn == funcAuth:
					return 0, ""
				case n < maxTries:
					return first.status, first.body
				}
				return 200, rows(1, site("a.example.com"))
			})
			state, err := c.Snapshot(t.Context(), oneWant())
			if err != nil || len(state.Resources("webdomain")) != 1 {
				t.Errorf("%s: %v", first.why, err)
			}
			if n := len(s.calls("webdomain")); n != maxTries {
				t.Errorf("%s: %d calls", first.why, n)
			}
		})
	}
}
