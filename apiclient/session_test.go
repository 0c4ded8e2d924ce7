package apiclient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// three are three wants that are read side by side.
func three() []specs.Want {
	return []specs.Want{webdomains(), {Kind: specs.Builtin().Kind("user")}, {Kind: specs.Builtin().Kind("domain")}}
}

func TestOneLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
			time.Sleep(100 * time.Millisecond) // on the bubble's clock: calls overlap
			if fn == funcAuth {
				return 0, ""
			}
			return 200, rows(0)
		})
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := c.Snapshot(t.Context(), three()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		logins := s.calls(funcAuth)
		if len(logins) != 1 || logins[0].Get("username") != "root" || logins[0].Get("password") != testPassword || logins[0].Has("auth") {
			t.Errorf("%d logins: %v", len(logins), logins)
		}
	})
}

// TestExpiryLogsInOnce: when a session ends under many calls, one of them logs
// in anew, and all are sent once more.
func TestExpiryLogsInOnce(t *testing.T) {
	for _, ended := range []string{
		`<doc><error type="auth" object="session"/></doc>`,
		`<doc><error type="access" object="user"><stack><action level="0" user="">user</action></stack></error></doc>`,
		`<doc><authfail/></doc>`, `access deny`, `<doc><error type="session" object="expired"/></doc>`, `<doc><error type="badauth"/></doc>`,
	} {
		synctest.Test(t, func(t *testing.T) {
			c, s := scripted(t, func(fn string, _ int, form url.Values) (int, string) {
				time.Sleep(100 * time.Millisecond)
				switch {
				case fn == funcAuth:
					return 0, ""
				case form.Get("auth") == "session1":
					return 200, ended
				}
				return 200, rows(0)
			})
			state, err := c.Snapshot(t.Context(), three())
			if err != nil || !state.Complete("user") || !state.Complete("webdomain") || !state.Complete("domain") {
				t.Errorf("%s: %v", ended, err)
			}
			if len(s.calls(funcAuth)) != 2 || c.Requests() != 2+3+3 {
				t.Errorf("%s: %d logins, %d requests", ended, len(s.calls(funcAuth)), c.Requests())
			}
		})
	}
}

// TestExpiryIsRenewedOncePerCall: a panel that takes no session is not asked for ever.
func TestExpiryIsRenewedOncePerCall(t *testing.T) {
	c, s := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
		if fn == funcAuth {
			return 0, ""
		}
		return 200, `<doc><error type="auth" object="session"/></doc>`
	})
	_, err := c.Snapshot(t.Context(), oneWant())
	if e := asError(t, err); e.Type != "auth" || e.Refused() || len(s.calls(funcAuth)) != 2 || len(s.calls("webdomain")) != 2 {
		t.Errorf("%d logins, %d lists, %v", len(s.calls(funcAuth)), len(s.calls("webdomain")), err)
	}
}

// TestWrongPassword: one attempt, whatever is asked and how often, because
// panels lock accounts out.
func TestWrongPassword(t *testing.T) {
	for _, method := range []specs.AuthMethod{specs.AuthSession, specs.AuthAuthinfo} {
		for _, gen := range []simpanel.Generation{simpanel.V6, simpanel.V4} {
			synctest.Test(t, func(t *testing.T) {
				sim := simpanel.New(simpanel.Options{Password: "another", Generation: gen, Latency: 50 * time.Millisecond})
				p, o, _ := serve(t, sim)
				p.Auth.Method = method
				c := client(t, p, o)
				for range 3 {
					_, err := c.Snapshot(t.Context(), three())
					if e := asError(t, err); !e.Refused() || !strings.Contains(err.Error(), "check auth.username") {
						t.Errorf("%s: %v", method, err)
					}
				}
				if _, err := NewWriter(c).Delete(t.Context(), specs.Resource{Ref: specs.Ref{Panel: "web1", Kind: "user", Key: "alice"}}); !asError(t, err).Refused() {
					t.Errorf("%s: %v", method, err)
				}
				if c.Requests() != 1 || len(sim.Calls()) != 1 {
					t.Errorf("%s, generation %d: %d requests", method, gen, c.Requests())
				}
			})
		}
	}
}

func TestAuthinfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simpanel.New(simpanel.Options{Password: testPassword, Latency: 50 * time.Millisecond})
		p, o, _ := serve(t, sim)
		p.Auth.Method = specs.AuthAuthinfo
		c := client(t, p, o)
		if _, err := c.Snapshot(t.Context(), three()); err != nil || c.Requests() != 3 {
			t.Errorf("%d requests, %v", c.Requests(), err)
		}
		if _, err := c.Snapshot(t.Context(), three()); err != nil || c.Requests() != 6 {
			t.Errorf("%d requests, %v", c.Requests(), err)
		}
		for _, call := range sim.Calls() {
			if call.Func == funcAuth || call.SecretInURL {
				t.Errorf("%+v", call)
			}
		}
	})
}

func TestPasswordNobodyHas(t *testing.T) {
	for _, method := range []specs.AuthMethod{specs.AuthSession, specs.AuthAuthinfo} {
		s := &script{t: t}
		p, o, _ := serve(t, s)
		p.Auth.Method, p.Auth.Password = method, envSecret("MISSING")
		c := client(t, p, o)
		_, err := c.Snapshot(t.Context(), three())
		if err == nil || !strings.Contains(err.Error(), "the password of root: the variable MISSING is not set") || asError(t, err).MaybeApplied() || c.Requests() != 0 {
			t.Errorf("%s: %d requests, %v", method, c.Requests(), err)
		}
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t}
		s.answer = func(fn string, _ int, _ url.Values) (int, string) {
			if fn == funcAuth {
				return 0, ""
			}
			time.Sleep(10 * time.Minute)
			return 200, rows(0)
		}
		p, o, _ := serve(t, s)
		p.Timeout = 5 * time.Second
		c := client(t, p, o)
		took := clock()
		_, err := c.Snapshot(t.Context(), oneWant())
		e := asError(t, err)
		if !strings.Contains(err.Error(), "no whole answer within 5s") || !e.MaybeApplied() || errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		// The last request is a look, which finds the panel silent.
		if d := took(); d > 16*time.Second || c.Requests() != 1+maxTriesTimeout+1 {
			t.Errorf("%d requests in %v", c.Requests(), d)
		}
		_, err = NewWriter(client(t, p, o)).Delete(t.Context(), specs.Resource{Ref: specs.Ref{Panel: "web1", Kind: "user", Key: "alice"}})
		if !asError(t, err).MaybeApplied() || len(s.calls("user.delete")) != 1 {
			t.Errorf("a write without an answer: %v", err)
		}
		time.Sleep(time.Hour) // the handlers end
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
			if fn == funcAuth {
				return 0, ""
			}
			time.Sleep(time.Minute)
			return 200, rows(0)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		took := clock()
		_, err := c.Snapshot(ctx, oneWant())
		if !errors.Is(err, context.DeadlineExceeded) || took() > 2*time.Second || c.Requests() != 2 {
			t.Errorf("%d requests in %v: %v", c.Requests(), took(), err)
		}
		time.Sleep(time.Hour)
	})
}

// TestLimits: no more calls at a time, and no more per second, than allowed.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			if r.PostFormValue("func") == funcAuth {
				w.Write([]byte(`<doc><auth id="x"/></doc>`))
				return
			}
			w.Write([]byte(rows(0)))
		})
		p, o, _ := serve(t, h)
		p.Limits.Reads = 2
		c := client(t, p, o)
		took := clock()
		if _, err := c.Snapshot(t.Context(), append(three(), three()...)); err != nil {
			t.Fatal(err)
		}
		if d := took(); most != 2 || d != 4*time.Second {
			t.Errorf("%d at a time, %v", most, d)
		}
		p.Limits.Rate = 0.5
		c = client(t, p, o)
		took = clock()
		if _, err := c.Snapshot(t.Context(), three()); err != nil {
			t.Fatal(err)
		}
		if d := took(); d != 7*time.Second { // calls begin at 0, 2, 4 and 6 s
			t.Errorf("four calls at one in two seconds took %v", d)
		}
	})
}
