package simpanel

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMoreFaultsOfWrites goes on where TestFaultsOfWrites ends: what the caller
// sees, and what is there at once and LateBy later.
func TestMoreFaultsOfWrites(t *testing.T) {
	for _, tc := range []struct {
		fault     Fault
		want      string
		now, last bool
	}{
		{BadGatewayAfter, "502", true, true},
		{Page, "broken", true, true},
		{TooMany, "429", false, false},
		{RequestFailedAfter, "request_failed/", true, true},
		{NoOK, "no ok", true, true},
		{DropLate, "dropped", false, true},
		{Restarted, "dropped", false, false},
	} {
		t.Run(string(tc.fault), func(t *testing.T) {
			now := someTime
			f := atEvery(tc.fault)
			f.LateBy = 10 * time.Second
			p := sample(Options{Now: func() time.Time { return now }})
			id := ask(t, p, "auth", "username", "root", "password", "pw").text("auth")
			p.ResetCalls()
			p.SetFaults(f)
			got, _ := under(p, "user.edit", "auth", id, "name", "carol", "passwd", "x", "sok", "ok")
			if got != tc.want {
				t.Errorf("the caller sees %q, want %q", got, tc.want)
			}
			for _, want := range []bool{tc.now, tc.last} {
				_, there := p.Get("user", "carol")
				c, made := p.Calls()[0], 0
				if want {
					made = 1
				}
				if there != want || c.Applied != want || (c.Made == "user/carol") != want || p.Made()["user/carol"] != made || c.Fault != tc.fault {
					t.Errorf("at %v: there: %v, made %v, ledger: %+v; want %v", now.Sub(someTime), there, p.Made(), c, want)
				}
				now = now.Add(10 * time.Second)
			}
		})
	}
}

var someTime = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// TestHang: the caller gets nothing until it leaves; the change lands all the
// same if it was taken.
func TestHang(t *testing.T) {
	for fault, lands := range map[Fault]bool{Hang: false, HangLate: true} {
		synctest.Test(t, func(t *testing.T) {
			f := atEvery(fault)
			f.LateBy = 10 * time.Second
			p := newPanel(Options{Faults: f})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			began := time.Now()
			func() {
				defer func() {
					if recover() != http.ErrAbortHandler {
						t.Errorf("%s: it was not dropped", fault)
					}
				}()
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/ispmgr?func=user.edit&name=carol&passwd=x&sok=ok&authinfo=root:pw", nil)
				p.ServeHTTP(httptest.NewRecorder(), r)
			}()
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("%s: it took %v", fault, took)
			}
			if n := p.Count("user"); n != 0 {
				t.Errorf("%s: %d users at once", fault, n)
			}
			time.Sleep(5 * time.Second)
			if there := p.Count("user") == 1; there != lands {
				t.Errorf("%s: there after 10 s: %v", fault, there)
			}
		})
	}
}

// TestLateMeetsAnother: a create that takes effect late, when the same was
// created again meanwhile, makes nothing where keys are unique, and a second one
// where the panel numbers them. The ledger tells.
func TestLateMeetsAnother(t *testing.T) {
	now := someTime
	p := sample(Options{Now: func() time.Time { return now }})
	twice := func(fn string, pairs ...string) {
		for _, f := range []Fault{DropLate, ""} {
			p.SetFaults(Faults{LateBy: 10 * time.Second, Hook: func(Call) Fault { return f }})
			under(p, fn, append(pairs, "sok", "ok")...)
		}
		now = now.Add(time.Minute)
	}
	twice("user.edit", "name", "carol", "passwd", "x")
	twice("scheduler.edit", "command", "/bin/true", "su", "alice")
	want := map[string]int{"user/carol": 1, "scheduler/alice/1": 1, "scheduler/alice/2": 1}
	if d := cmp.Diff(want, p.Made()); d != "" {
		t.Error(d)
	}
	for i, applied := range []bool{false, true, true, true} {
		if c := p.Calls()[i]; c.Applied != applied {
			t.Errorf("call %d: %+v", i, c)
		}
	}
}

// TestDown: a panel that is down refuses and drops, and comes back by itself; a
// restart ends sessions, downtime alone does not.
func TestDown(t *testing.T) {
	now := someTime
	p := sample(Options{Now: func() time.Time { return now }})
	hooks := 0
	p.OnDown(func() { hooks++ })
	login := func() string { return ask(t, p, "auth", "username", "root", "password", "pw").text("auth") }
	for i, tc := range []struct {
		down  func(time.Duration)
		after string
	}{{p.Down, "list"}, {p.RestartedByOthers, "auth/session"}} {
		id := login()
		tc.down(30 * time.Second)
		if got, _ := under(p, "user", "auth", id); got != "dropped" || !p.Refuses() || hooks != i+1 {
			t.Errorf("%d: %s, refuses: %v, %d hooks", i, got, p.Refuses(), hooks)
		}
		now = now.Add(30 * time.Second)
		if got, _ := under(p, "user", "auth", id); got != tc.after || p.Refuses() {
			t.Errorf("%d: afterwards %s, want %s", i, got, tc.after)
		}
	}
}
