package apiclient

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// funcs are the functions a panel was asked, in order.
func funcs(s *script) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.asked {
		out = append(out, f.Get("func"))
	}
	return out
}

// keyed is a panel whose calls are made as alice, by a key of root's.
func keyed(t testing.TB, answer func(fn string, n int, form url.Values) (int, string)) (*Client, *script) {
	s := &script{t: t, answer: answer}
	p, o, _ := serve(t, s)
	p.Auth.Method, p.Auth.As = specs.AuthKey, "alice"
	return client(t, p, o), s
}

// keyAnswers takes each key once.
func keyAnswers(fn string, n int, _ url.Values) (int, string) {
	switch fn {
	case funcNewKey:
		return 200, `<doc><ok/></doc>`
	case "webdomain":
		return 200, rows(0)
	}
	return 0, ""
}

func TestKeyLogin(t *testing.T) {
	c, s := keyed(t, keyAnswers)
	var lines []string
	c.trace = func(line string) { lines = append(lines, line) }
	if _, err := c.Snapshot(t.Context(), oneWant()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"auth", "session.newkey", "auth", "webdomain"}, funcs(s)); diff != "" {
		t.Fatal(diff)
	}
	admin, newkey, login, list := s.asked[0], s.asked[1], s.asked[2], s.asked[3]
	key := newkey.Get("key")
	switch {
	case admin.Get("username") != "root" || admin.Get("password") != testPassword || admin.Has("key"):
		t.Errorf("the administrator's login: %v", admin)
	case newkey.Get("username") != "alice" || newkey.Get("auth") != "session1" || len(key) != 32 || newkey.Has("su"):
		t.Errorf("the key: %v", newkey)
	case login.Get("username") != "alice" || login.Get("key") != key || login.Get("checkcookie") != "no" || login.Has("password") || login.Has("auth"):
		t.Errorf("the login by key: %v", login)
	case list.Get("auth") != "session2":
		t.Errorf("the call: %v", list)
	}
	if all := strings.Join(lines, "\n"); strings.Contains(all, key) || strings.Contains(all, "session1") {
		t.Errorf("the trace shows a secret:\n%s", all)
	}
}

// TestKeyIsNew: each login has a key of its own, also when the session ended
// and when the fate of a key is unknown.
func TestKeyIsNew(t *testing.T) {
	for _, x := range []struct {
		why   string
		spoil func(fn string, n int, form url.Values) (int, string)
		want  []string
		says  string
	}{
		{"the session ended", func(fn string, n int, form url.Values) (int, string) {
			if fn == "webdomain" && form.Get("auth") == "session2" {
				return 200, `<doc><error type="auth" object="session"/></doc>`
			}
			return 0, ""
		}, []string{"auth", "session.newkey", "auth", "webdomain", "auth", "session.newkey", "auth", "webdomain"}, ""},
		{"the reply to the login by key was lost", func(fn string, n int, _ url.Values) (int, string) {
			if fn == funcAuth && n == 2 {
				return -1, ""
			}
			return 0, ""
		}, []string{"auth", "session.newkey", "auth", "session.newkey", "auth", "webdomain"}, ""},
		{"the reply to the new key was lost", func(fn string, n int, _ url.Values) (int, string) {
			if fn == funcNewKey && n == 1 {
				return -1, ""
			}
			return 0, ""
		}, []string{"auth", "session.newkey", "session.newkey", "auth", "webdomain"}, ""},
		{"an account that may not make keys", func(fn string, n int, _ url.Values) (int, string) {
			if fn == funcNewKey {
				return 200, `<doc><error type="access" object="session.newkey"><stack><action level="16" user="bob">session.newkey</action></stack><msg>No</msg></error></doc>`
			}
			return 0, ""
		}, []string{"auth", "session.newkey"}, "session.newkey for alice: the panel says access(session.newkey): No; the account of the session lacks the right to do this (its level is 16; that of an administrator is 30)"},
		{"a key that is refused is not tried again", func(fn string, n int, form url.Values) (int, string) {
			if fn == funcAuth && form.Has("key") {
				return 200, `<doc><error type="auth" object="badpassword"><param name="value">` + form.Get("key") + `</param></error></doc>`
			}
			return 0, ""
		}, []string{"auth", "session.newkey", "auth"}, `auth as alice, by key: the panel says auth(badpassword) "***"`},
		{"a wrong password of the administrator", func(fn string, n int, form url.Values) (int, string) {
			return 200, `<doc><error type="auth" object="badpassword"/></doc>`
		}, []string{"auth"}, "auth as root: the panel says auth(badpassword)"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, s := keyed(t, func(fn string, n int, form url.Values) (int, string) {
				if status, body := x.spoil(fn, n, form); status != 0 {
					return status, body
				}
				return keyAnswers(fn, n, form)
			})
			_, err := c.Snapshot(t.Context(), oneWant())
			if (err == nil) != (x.says == "") || err != nil && !strings.Contains(err.Error(), x.says) {
				t.Errorf("%s: %v", x.why, err)
			}
			if diff := cmp.Diff(x.want, funcs(s)); diff != "" {
				t.Errorf("%s: -want +asked\n%s", x.why, diff)
			}
			keys := map[string]bool{}
			for _, f := range s.calls(funcNewKey) {
				if keys[f.Get("key")] {
					t.Errorf("%s: a key was told twice", x.why)
				}
				keys[f.Get("key")] = true
			}
		})
	}
}

func TestKeyOnSimulatedPanel(t *testing.T) {
	sim := simpanel.New(simpanel.Options{Password: testPassword})
	sim.Put("user", "alice", map[string]string{})
	sim.Put("user", "bob", map[string]string{})
	sim.Put("webdomain", "a.example.com", map[string]string{"owner": "alice"})
	sim.Put("webdomain", "b.example.com", map[string]string{"owner": "bob"})
	p, o, _ := serve(t, sim)
	p.Auth.Method, p.Auth.As = specs.AuthKey, "alice"
	c, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	l := listed(t, c, webdomains())
	if len(l.Resources) != 1 || l.Resources[0].Ref.Key != "a.example.com" {
		t.Errorf("alice sees %+v", l.Resources)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, call := range sim.Calls() {
		if call.SecretInURL || call.Error != "" {
			t.Errorf("%+v", call)
		}
	}
}

// TestCloseSendsNothing: a session ends by itself, and a client that reads
// sends logins and reads (contract section 6, promises 1 and 2).
func TestCloseSendsNothing(t *testing.T) {
	for _, login := range []func(*testing.T) (*Client, *script){
		func(t *testing.T) (*Client, *script) { return keyed(t, keyAnswers) },
		func(t *testing.T) (*Client, *script) { return scripted(t, keyAnswers) },
	} {
		c, s := login(t)
		if _, err := c.Snapshot(t.Context(), oneWant()); err != nil {
			t.Fatal(err)
		}
		before := len(s.asked)
		if err := c.Close(); err != nil || len(s.asked) != before || c.Requests() != before {
			t.Errorf("%v: %d requests, %v", funcs(s), c.Requests(), err)
		}
	}
}

func TestAuthSettings(t *testing.T) {
	for says, a := range map[string]specs.Auth{
		`auth.method: "cookie" is not known`: {Method: "cookie"}, "auth.as: it is missing": {Method: specs.AuthKey, Username: "root"},
	} {
		_, err := New(specs.Panel{Name: "web1", URL: "https://web1.example.net/ispmgr", Auth: a}, Options{})
		if err == nil || !strings.HasPrefix(err.Error(), "panel web1: "+says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

// TestAccessHint: who may call as whom is the guide's rule, and the message
// tells the part of it that matters.
func TestAccessHint(t *testing.T) {
	body := `<doc><error type="access" object="webdomain"><stack><action level="16" user="alice">webdomain</action></stack><msg>No</msg></error></doc>`
	for _, x := range []struct {
		panelSu, su, says string
	}{
		{"", "", "the account of the session lacks the right to do this (its level is 16; that of an administrator is 30)"},
		{"bob", "", "the call was made as bob by su: an administrator may do that for anybody, a reseller for its own users"},
		{"bob", "carol", "the call was made as carol by su"},
	} {
		s := &script{t: t, answer: func(fn string, _ int, _ url.Values) (int, string) {
			if fn == funcAuth {
				return 0, ""
			}
			return 200, body
		}}
		p, o, _ := serve(t, s)
		p.Su = x.panelSu
		r := res("webdomain", "a.example.com")
		r.Su = x.su
		_, err := NewWriter(client(t, p, o)).Delete(t.Context(), r)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), x.says) || e.Meaning() != MeansNever {
			t.Errorf("%q, %q: %v", x.panelSu, x.su, err)
		}
	}
}
