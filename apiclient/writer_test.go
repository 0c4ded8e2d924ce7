package apiclient

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// executorPanel and callError are what the executor asks for (executor.Panel
// and executor.CallError), written down a second time because the two packages
// do not know each other.
type executorPanel interface {
	Create(ctx context.Context, r specs.Resource) (restart bool, err error)
	Update(ctx context.Context, r specs.Resource) (restart bool, err error)
	Delete(ctx context.Context, r specs.Resource) (restart bool, err error)
	Read(ctx context.Context, wants []specs.Want) (*specs.State, error)
	Restart(ctx context.Context) error
	Requests() int
}

type callError interface {
	error
	MaybeApplied() bool
	Exists() bool
	Gone() bool
	Unsupported() bool
	Down() bool
	Detail() (typ, object, message string)
}

var (
	_ executorPanel = (*Writer)(nil)
	_ callError     = (*Error)(nil)
)

// sent is what a panel was asked, without what every call has.
func sent(s *script) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, f := range s.asked {
		if f.Get("func") == funcAuth {
			continue
		}
		v := url.Values{}
		for name, values := range f {
			if name != "func" && name != "out" && name != "lang" && name != "auth" {
				v[name] = values
			}
		}
		plain, _ := url.QueryUnescape(v.Encode())
		out = append(out, f.Get("func")+"?"+plain)
	}
	return out
}

func res(kind, key string, fields ...any) specs.Resource {
	r := specs.Resource{Ref: specs.Ref{Panel: "web1", Kind: kind, Key: key}}
	for i := 0; i < len(fields); i += 2 {
		r.Fields = append(r.Fields, specs.Field{Name: fields[i].(string), Value: fields[i+1].(specs.Value)})
	}
	return r
}

func TestWriterCalls(t *testing.T) {
	on, off, text := specs.Bool(true), specs.Bool(false), specs.Text
	secret := res("user", "alice", "fullname", text("Alice & Co"))
	secret.Secrets = []specs.SecretField{{Name: "passwd", Secret: envSecret("A")}}
	rotate := res("user", "alice")
	rotate.Secrets = secret.Secrets
	idn := res("webdomain", "xn--e1afmkfd.example.com", "aliases", specs.List("a.example.com", "b.example.com"))
	idn.Elid = "пример.example.com"
	child := func(fields ...any) specs.Resource {
		r := res("domain.record", "www", append([]any{"plid", text("one.example")}, fields...)...)
		r.Parent = "one.example"
		return r
	}
	cron := res("scheduler", "nightly", "command", text("true"), "active", off)
	cron.Su = "bob"
	for _, c := range []struct {
		why  string
		do   func(*Writer, context.Context, specs.Resource) (bool, error)
		r    specs.Resource
		want []string
	}{
		{"a create names the new one and sends every field", (*Writer).Create, res("webdomain", "a.example.com", "aliases", specs.List("x.example.com", "y.example.com"), "cgi", off, "owner", text("alice"), "php", on, "ssl_port", specs.Number(443)),
			[]string{"webdomain.edit?aliases=x.example.com y.example.com&cgi=off&name=a.example.com&owner=alice&php=on&sok=ok&ssl_port=443"}},
		{"secrets go where they are confirmed too", (*Writer).Create, secret, []string{"user.edit?confirm=A's & value&fullname=Alice & Co&name=alice&passwd=A's & value&sok=ok"}},
		{"what is new is on", (*Writer).Create, res("user", "alice", "active", on), []string{"user.edit?name=alice&sok=ok"}},
		{"a new one that is off takes a second call", (*Writer).Create, res("user", "alice", "active", off), []string{"user.edit?name=alice&sok=ok", "user.suspend?elid=alice&sok=ok"}},
		{"an update sends what changes", (*Writer).Update, res("user", "alice", "limit_db", specs.Number(5)), []string{"user.edit?elid=alice&limit_db=5&sok=ok"}},
		{"an empty value clears", (*Writer).Update, res("user", "alice", "comment", text("")), []string{"user.edit?comment=&elid=alice&sok=ok"}},
		{"a toggle is no parameter", (*Writer).Update, res("user", "alice", "active", off, "comment", text("x")), []string{"user.edit?comment=x&elid=alice&sok=ok", "user.suspend?elid=alice&sok=ok"}},
		{"a toggle alone needs no edit", (*Writer).Update, res("user", "alice", "active", on), []string{"user.resume?elid=alice&sok=ok"}},
		{"a new password alone does", (*Writer).Update, rotate, []string{"user.edit?confirm=A's & value&elid=alice&passwd=A's & value&sok=ok"}},
		{"elid is what the panel wrote", (*Writer).Update, idn, []string{"webdomain.edit?aliases=a.example.com b.example.com&elid=пример.example.com&sok=ok"}},
		{"a delete", (*Writer).Delete, res("webdomain", "a.example.com"), []string{"webdomain.delete?elid=a.example.com&sok=ok"}},
		{"a child is made in its parent", (*Writer).Create, child("ttl", specs.Number(60), "value", text("192.0.2.1")), []string{"domain.record.edit?name=www&plid=one.example&sok=ok&ttl=60&value=192.0.2.1"}},
		{"and changed there", (*Writer).Update, child("ttl", specs.Number(60)), []string{"domain.record.edit?elid=www&plid=one.example&sok=ok&ttl=60"}},
		{"where nothing changes nothing is sent", (*Writer).Update, child(), nil},
		{"and deleted there, with the row's own parameters", (*Writer).Delete, child(), []string{"domain.record.delete?elid=www&plid=one.example&sok=ok&with=files"}},
		{"calls run as the account", (*Writer).Create, cron, []string{"scheduler.edit?command=true&name=nightly&sok=ok&su=bob", "scheduler.suspend?elid=nightly&sok=ok&su=bob"}},
	} {
		s := &script{t: t, answer: func(fn string, _ int, _ url.Values) (int, string) {
			if fn == funcAuth {
				return 0, ""
			}
			return 200, `<doc lang="en"><ok/><tparams><sok>ok</sok></tparams></doc>`
		}}
		p, o, _ := serve(t, s)
		o.Catalog = userKinds(t)
		w := NewWriter(client(t, p, o))
		restart, err := c.do(w, t.Context(), c.r)
		if err != nil || restart {
			t.Errorf("%s: %v, %v", c.why, restart, err)
		}
		if diff := cmp.Diff(c.want, sent(s)); diff != "" {
			t.Errorf("%s: -want +sent\n%s", c.why, diff)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, c := range []struct {
		says string
		do   func(*Writer, context.Context, specs.Resource) (bool, error)
		r    specs.Resource
	}{
		{"the catalog has no kind nokind", (*Writer).Create, res("nokind", "x")},
		{"has no field nofield", (*Writer).Create, res("user", "x", "nofield", specs.Text("y"))},
		{"has no field passwd that can be written so", (*Writer).Update, res("user", "x", "passwd", specs.Text("y"))},
		{"its field plid is missing", (*Writer).Delete, res("domain.record", "www")},
		{"its field plid is missing", (*Writer).Create, res("domain.record", "www", "plid", specs.Text("one.example"))},
	} {
		s := &script{t: t}
		p, o, _ := serve(t, s)
		o.Catalog = userKinds(t)
		_, err := c.do(NewWriter(client(t, p, o)), t.Context(), c.r)
		if err == nil || !strings.Contains(err.Error(), c.says) || asError(t, err).MaybeApplied() || len(s.asked) > 0 {
			t.Errorf("%v, want %q; sent %v", err, c.says, sent(s))
		}
	}
}

// TestSecondCallFails: an error of a step's second call says what was done,
// keeps its meaning, and the restart that the first call asked for is not lost.
func TestSecondCallFails(t *testing.T) {
	for _, first := range []struct {
		do   func(*Writer, context.Context, specs.Resource) (bool, error)
		says string
	}{{(*Writer).Create, "it was created"}, {(*Writer).Update, "its other fields were changed"}} {
		c, _ := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
			switch fn {
			case "user.edit":
				return 200, `<doc><ok>restart</ok></doc>`
			case "user.suspend":
				return 200, `<doc><error type="access" object="user.suspend"><msg>No</msg></error></doc>`
			}
			return 0, ""
		})
		restart, err := first.do(NewWriter(c), t.Context(), res("user", "alice", "active", specs.Bool(false), "comment", specs.Text("x")))
		e := asError(t, err)
		typ, object, msg := e.Detail()
		if !restart || e.Done != first.says || !strings.Contains(err.Error(), first.says+", but then the panel says access") || typ != "access" || object != "user.suspend" || !strings.HasPrefix(msg, first.says) {
			t.Errorf("%v, %v, %q", restart, err, msg)
		}
	}
}

// TestWriteIsSentOnce: a write whose reply is lost is not sent again; one that
// met an ended session is, once.
func TestWriteIsSentOnce(t *testing.T) {
	for _, c := range []struct {
		fault simpanel.Fault
		calls int
		maybe bool
		fails bool
	}{
		{simpanel.DropAfter, 1, true, true}, {simpanel.DropBefore, 1, true, true}, {simpanel.GatewayTimeout, 1, true, true}, {simpanel.Cut, 1, true, true},
		{simpanel.CutConnection, 1, true, true}, {simpanel.RequestFailed, 1, true, true}, {simpanel.ForgetSession, 2, false, false}, {"", 1, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, sim := simulated(t, simpanel.Options{})
			sim.Put("user", "alice", map[string]string{})
			sim.SetFaults(simpanel.Faults{Hook: func(k simpanel.Call) simpanel.Fault {
				if k.Func == "user.edit" && k.OfFunc == 1 {
					return c.fault
				}
				return ""
			}})
			_, err := NewWriter(client).Update(t.Context(), res("user", "alice", "comment", specs.Text("x")))
			if (err != nil) != c.fails || sim.Counts()["user.edit"] != c.calls {
				t.Errorf("%s: %d calls, %v", c.fault, sim.Counts()["user.edit"], err)
			}
			if err != nil && asError(t, err).MaybeApplied() != c.maybe {
				t.Errorf("%s: %v", c.fault, err)
			}
		})
	}
}

func TestWriterOnSimulatedPanel(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{Restart: true})
	w := NewWriter(c)
	alice := res("user", "alice", "fullname", specs.Text("Alice"), "active", specs.Bool(false))
	alice.Secrets = []specs.SecretField{{Name: "passwd", Secret: envSecret("A")}}
	if _, err := w.Create(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if f, _ := sim.Get("user", "alice"); f["active"] != "off" || f["fullname"] != "Alice" || sim.Password("alice") != "A's & value" {
		t.Errorf("%v", f)
	}
	if _, err := w.Create(t.Context(), alice); err == nil || !asError(t, err).Exists() {
		t.Errorf("a second one: %v", err)
	}
	if restart, err := w.Create(t.Context(), res("webdomain", "a.example.com", "owner", specs.Text("alice"))); err != nil || !restart {
		t.Errorf("%v, %v", restart, err)
	}
	for range 2 {
		_, err := w.Delete(t.Context(), res("user", "alice"))
		if gone := err != nil && asError(t, err).Gone(); gone != (sim.Counts()["user.delete"] == 2) {
			t.Error(err)
		}
	}
	if _, err := w.Update(t.Context(), res("user", "alice", "active", specs.Bool(true))); err == nil || !asError(t, err).Gone() {
		t.Errorf("resume of one that is gone: %v", err)
	}
	for _, call := range sim.Calls() {
		if call.SecretInURL {
			t.Errorf("%+v", call)
		}
	}
	if w.Requests() != len(sim.Calls()) {
		t.Errorf("%d requests counted, %d made", w.Requests(), len(sim.Calls()))
	}
}

// TestNewKeyIsTheAnswers: where the panel chooses the identifier, the second
// call of a create uses the one it told.
func TestNewKeyIsTheAnswers(t *testing.T) {
	rows := strings.Replace(userRows, "key: {column: key, canon: text}", "key: {column: name, elid: key, canon: text}", 1)
	spec, err := specs.Load(specs.Options{Paths: []string{"-"}, Stdin: strings.NewReader(rows)})
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, answer: func(fn string, _ int, _ url.Values) (int, string) {
		if fn == funcAuth {
			return 0, ""
		}
		return 200, `<doc lang="en"><id>4711</id><ok/></doc>`
	}}
	p, o, _ := serve(t, s)
	o.Catalog = spec.Catalog
	if _, err := NewWriter(client(t, p, o)).Create(t.Context(), res("scheduler", "nightly", "active", specs.Bool(false))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"scheduler.edit?name=nightly&sok=ok", "scheduler.suspend?elid=4711&sok=ok"}, sent(s)); diff != "" {
		t.Error(diff)
	}
}

func TestRestart(t *testing.T) {
	for _, method := range []specs.AuthMethod{specs.AuthSession, specs.AuthAuthinfo} {
		synctest.Test(t, func(t *testing.T) {
			sim := simpanel.New(simpanel.Options{Password: testPassword, Restart: true, RestartDowntime: 40 * time.Second})
			p, o, _ := serve(t, sim)
			p.Auth.Method = method
			w := NewWriter(client(t, p, o))
			if _, err := w.Read(t.Context(), oneWant()); err != nil {
				t.Fatal(err)
			}
			took := clock()
			if err := w.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if d := took(); d < 40*time.Second || d > time.Minute || sim.Counts()["restart"] != 1 {
				t.Errorf("%s: %d restarts in %v", method, sim.Counts()["restart"], d)
			}
			if _, err := w.Read(t.Context(), oneWant()); err != nil {
				t.Errorf("%s: after the restart: %v", method, err)
			}
		})
	}
}

func TestRestartUnsupported(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{})
	err := NewWriter(c).Restart(t.Context())
	if err == nil || !asError(t, err).Unsupported() || len(sim.Calls()) != 2 {
		t.Errorf("%v", err)
	}
}

// TestRestartDropsTheCall: a panel that takes itself down on func=restart has
// taken the call.
func TestRestartDropsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, func(fn string, n int, _ url.Values) (int, string) {
			if fn == funcRestart {
				return -1, ""
			}
			if fn == funcAuth && n > 1 && n < 4 {
				return 502, "starting"
			}
			return 0, ""
		})
		if err := NewWriter(c).Restart(t.Context()); err != nil || len(s.calls(funcRestart)) != 1 || len(s.calls(funcAuth)) != 4 {
			t.Errorf("%d logins, %v", len(s.calls(funcAuth)), err)
		}
	})
}

func TestRestartAndNoReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		s := &script{t: t}
		p, o, l := serve(t, s)
		s.answer = func(fn string, _ int, _ url.Values) (int, string) {
			down = down || fn == funcRestart
			if down {
				return -1, ""
			}
			return 0, ""
		}
		l.refuse = func() error {
			if down {
				return errors.New("connection refused")
			}
			return nil
		}
		o.RestartWait = 30 * time.Second
		w := NewWriter(client(t, p, o))
		took := clock()
		err := w.Restart(t.Context())
		if err == nil || !strings.Contains(err.Error(), "did not come back within 30s") || asError(t, err).Unsupported() {
			t.Error(err)
		}
		if d := took(); d != 30*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}
