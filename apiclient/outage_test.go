package apiclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// restartable serves a simulated panel whose connections end when it goes down,
// and that refuses new ones until it is back, as a restarting panel does.
func restartable(t testing.TB, o simpanel.Options) (specs.Panel, Options, *simpanel.Panel) {
	t.Helper()
	o.Password = testPassword
	sim := simpanel.New(o)
	p, co, pipes := serve(t, sim)
	var mu sync.Mutex
	var open []net.Conn
	pipes.refuse = func() error {
		if sim.Refuses() {
			return errors.New("connection refused")
		}
		return nil
	}
	dial := co.Dial
	co.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			open = append(open, c)
		}
		return c, err
	}
	sim.OnDown(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
		open = nil
	})
	return p, co, sim
}

func newUser(name string) specs.Resource {
	r := res("user", name, "fullname", specs.Text("Somebody"))
	r.Secrets = []specs.SecretField{{Name: "passwd", Secret: envSecret("A")}}
	return r
}

// TestDeadFromTheStart: a panel that never answers costs seconds, and after that
// nothing: what is not sent provably did nothing.
func TestDeadFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, o, sim := restartable(t, simpanel.Options{})
		sim.Down(time.Hour)
		c := client(t, p, o)
		took := clock()
		_, err := c.Snapshot(t.Context(), three())
		if e := asError(t, err); e.Type != typeUnreachable || took() > 3*time.Second {
			t.Errorf("after %v: %v", took(), err)
		}
		sent := c.Requests()
		took = clock()
		for range 100 {
			_, err = NewWriter(c).Create(t.Context(), newUser("alice"))
			if e := asError(t, err); !e.Down() || e.MaybeApplied() || !e.panelWide() {
				t.Fatal(err)
			}
		}
		if took() != 0 || c.Requests() != sent {
			t.Errorf("100 calls to a dead panel took %v and %d requests", took(), c.Requests()-sent)
		}
		if want := "panel web1: auth as root: not sent: the panel has not answered since 00:00:0"; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("it says %v; want %s…", err, want)
		}
	})
}

// TestRestartUnderUs: somebody restarts the panel between or under our calls. It
// is waited for, we log in anew, and go on; again and again; and nothing is made
// twice.
func TestRestartUnderUs(t *testing.T) {
	for _, method := range []specs.AuthMethod{specs.AuthSession, specs.AuthAuthinfo, specs.AuthKey} {
		synctest.Test(t, func(t *testing.T) {
			p, o, sim := restartable(t, simpanel.Options{})
			sim.Seed(1, 0)
			p.Auth.Method = method
			if method == specs.AuthKey {
				p.Auth.As = "u00001"
			}
			var told []string
			o.Notice = func(line string) { told = append(told, line) }
			c := client(t, p, o)
			for i, down := range []time.Duration{20 * time.Second, 40 * time.Second, 55 * time.Second} {
				if _, err := c.Snapshot(t.Context(), three()[:1]); err != nil {
					t.Fatalf("%s: %v", method, err)
				}
				sim.RestartedByOthers(down)
				took := clock()
				var err error
				if method == specs.AuthKey { // it may not write
					_, err = c.Snapshot(t.Context(), three()[:1])
				} else {
					_, err = NewWriter(c).Create(t.Context(), newUser([]string{"a", "b", "c"}[i]))
				}
				if err != nil || took() < down || took() > down+20*time.Second {
					t.Errorf("%s: down for %v, %v, %v", method, down, took(), err)
				}
			}
			for what, n := range sim.Made() {
				if n != 1 {
					t.Errorf("%s was made %d times", what, n)
				}
			}
			if len(told) != 6 || !strings.Contains(told[0], "is waited for up to 1m0s") || !strings.Contains(told[1], "answers again after ") {
				t.Errorf("the notices are %q", told)
			}
		})
	}
}

// TestOneLooks: while a panel is down, of all calls that wait one looks.
func TestOneLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, o, sim := restartable(t, simpanel.Options{})
		c := client(t, p, o)
		if _, err := c.Snapshot(t.Context(), three()); err != nil {
			t.Fatal(err)
		}
		sim.RestartedByOthers(time.Minute)
		before := c.Requests()
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				if state, err := c.Snapshot(t.Context(), three()); err != nil || !state.Complete("user") {
					t.Error(err)
				}
			})
		}
		all.Wait()
		// 120 lists, a login, a few tries of the first calls, and the looks:
		// with pauses of up to ten seconds, about a dozen in a minute.
		if n := c.Requests() - before; n < 121 || n > 160 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestDiesUnderUs: a panel that does not come back is waited for once, then
// calls fail at once, until a look finds it answering.
func TestDiesUnderUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, o, sim := restartable(t, simpanel.Options{})
		c := client(t, p, o)
		w := NewWriter(c)
		if _, err := c.Snapshot(t.Context(), three()); err != nil {
			t.Fatal(err)
		}
		sim.Down(5 * time.Minute)
		took := clock()
		_, err := w.Create(t.Context(), newUser("a"))
		if e := asError(t, err); e.Type != typeUnreachable || e.MaybeApplied() || took() < time.Minute || took() > 75*time.Second ||
			!strings.Contains(err.Error(), "waited for in vain") {
			t.Errorf("after %v: %v", took(), err)
		}
		took = clock()
		if _, err = w.Create(t.Context(), newUser("b")); !asError(t, err).Down() || took() > 0 {
			t.Errorf("after %v: %v", took(), err)
		}
		time.Sleep(10 * time.Second)
		took = clock()
		if _, err = w.Create(t.Context(), newUser("b")); !asError(t, err).Down() || took() > probeTimeout {
			t.Errorf("a look in vain took %v: %v", took(), err)
		}
		time.Sleep(4 * time.Minute)
		if _, err = w.Create(t.Context(), newUser("b")); err != nil {
			t.Errorf("it is back: %v", err)
		}
		if n := len(sim.Made()); n != 1 {
			t.Errorf("made: %v", sim.Made())
		}
	})
}

// TestPatienceEnds: nobody waits for a panel when the run was interrupted.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, o, sim := restartable(t, simpanel.Options{})
		c := client(t, p, o)
		stop, interrupt := context.WithCancel(t.Context())
		c.WaitUntil(stop)
		if _, err := c.Snapshot(t.Context(), three()); err != nil {
			t.Fatal(err)
		}
		sim.RestartedByOthers(time.Minute)
		time.AfterFunc(20*time.Second, interrupt)
		took := clock()
		_, err := NewWriter(c).Create(t.Context(), newUser("a"))
		if e := asError(t, err); e.MaybeApplied() || took() < 20*time.Second || took() > 21*time.Second {
			t.Errorf("after %v: %v", took(), err)
		}
		time.Sleep(time.Minute)
		if _, err := NewWriter(c).Create(t.Context(), newUser("a")); err != nil {
			t.Errorf("interrupted waiting says nothing of the panel: %v", err)
		}
	})
}

// front is what stands before a panel and answers in its place now and then.
func front(t testing.TB, panel http.Handler, instead func(http.ResponseWriter, *http.Request) bool) (specs.Panel, Options) {
	p, o, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if !instead(w, r) {
			panel.ServeHTTP(w, r)
		}
	}))
	return p, o
}

// TestFrontAnswers: while a panel restarts behind a proxy, the proxy answers.
// Reads outlast that; a write may have been taken, and is not sent again.
func TestFrontAnswers(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"502":  func(w http.ResponseWriter) { w.WriteHeader(502) },
		"503":  func(w http.ResponseWriter) { w.WriteHeader(503) },
		"page": func(w http.ResponseWriter) { w.Write([]byte("<html>the panel is starting</html>")) },
		"drop": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		synctest.Test(t, func(t *testing.T) {
			sim := simpanel.New(simpanel.Options{Password: testPassword})
			p, o := front(t, sim, func(w http.ResponseWriter, _ *http.Request) bool {
				if sim.Refuses() {
					answer(w)
				}
				return sim.Refuses()
			})
			c := client(t, p, o)
			if _, err := c.Snapshot(t.Context(), three()); err != nil {
				t.Fatal(err)
			}
			sim.RestartedByOthers(time.Minute)
			_, err := NewWriter(c).Create(t.Context(), newUser("a"))
			if e := asError(t, err); !e.MaybeApplied() {
				t.Errorf("%s: %v", name, err)
			}
			took := clock()
			state, err := c.Snapshot(t.Context(), three())
			if err != nil || !state.Complete("user") || took() < 59*time.Second {
				t.Errorf("%s: after %v: %v", name, took(), err)
			}
			if n := sim.Counts()["user.edit"]; n > 1 {
				t.Errorf("%s: the write was sent %d times", name, n)
			}
		})
	}
}

// TestSickFunction: a function that always fails is no panel that is down: it is
// looked at, and the other kinds are read.
func TestSickFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simpanel.New(simpanel.Options{Password: testPassword})
		p, o := front(t, sim, func(w http.ResponseWriter, r *http.Request) bool {
			if r.PostFormValue("func") == "webdomain" {
				w.WriteHeader(502)
				return true
			}
			return false
		})
		c := client(t, p, o)
		took := clock()
		state, err := c.Snapshot(t.Context(), three())
		if err != nil || state.Complete("webdomain") || !state.Complete("user") || !state.Complete("domain") || took() > 20*time.Second {
			t.Errorf("after %v: %v", took(), err)
		}
		if n := c.Requests(); n > 10 { // a login, two lists, five tries, a look
			t.Errorf("%d requests", n)
		}
	})
}

// TestAllSick: a panel that answers looks and nothing else is given up after a
// few calls, for the time being.
func TestAllSick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sick := false
		sim := simpanel.New(simpanel.Options{Password: testPassword})
		p, o := front(t, sim, func(w http.ResponseWriter, r *http.Request) bool {
			if fn := r.PostFormValue("func"); !sick || fn == funcWhoami || fn == funcAuth {
				return false
			}
			w.WriteHeader(500)
			return true
		})
		c := client(t, p, o)
		if _, err := c.Snapshot(t.Context(), three()); err != nil {
			t.Fatal(err)
		}
		sick = true
		before := c.Requests()
		down := 0
		for range 50 {
			state, err := c.Snapshot(t.Context(), oneWant())
			if err == nil {
				l, _ := state.Listing("webdomain")
				err = l.Err
			}
			if asError(t, err).Down() {
				down++
			}
		}
		if down != 50-tripAt || c.Requests()-before > tripAt*7 {
			t.Errorf("%d of 50 reads were not sent; %d requests", down, c.Requests()-before)
		}
		sick = false
		time.Sleep(firstRest)
		if _, err := c.Snapshot(t.Context(), oneWant()); err != nil {
			t.Errorf("it is well again: %v", err)
		}
	})
}
