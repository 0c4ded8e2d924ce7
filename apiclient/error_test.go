package apiclient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/specs"
)

// meaning is everything an error can be asked.
type meaning struct{ MaybeApplied, Exists, Gone, Unsupported, Refused, Retryable bool }

func meaningOf(e *Error) meaning {
	return meaning{e.MaybeApplied(), e.Exists(), e.Gone(), e.Unsupported(), e.Refused(), e.Retryable()}
}

// TestErrorMeaning holds answers, as panels write them, against what they mean.
func TestErrorMeaning(t *testing.T) {
	v6 := func(typ, object, value, level string) string {
		return `<doc><error type="` + typ + `" object="` + object + `" lang="en"><param name="object" type="msg" msg="x">` + object +
			`</param><param name="value">` + value + `</param><stack><action level="` + level + `" user="root">x</action></stack><group>__object__ is bad</group><detail>__object__</detail><msg>It is bad</msg></error></doc>`
	}
	for _, c := range []struct {
		why, fn, body string
		elid          bool
		typ, object   string
		want          meaning
	}{
		{"v5/6: a second one", "user.edit", v6("exists", "user", "alice", "30"), false, "exists", "user", meaning{Exists: true}},
		{"a duplicate in the panel's database is one too", "db.edit", v6("table_value_exists", "", "x", "30"), false, "table_value_exists", "", meaning{Exists: true}},
		{"edit of a missing one", "user.edit", v6("value", "elid", "bob", "30"), true, "value", "elid", meaning{Gone: true}},
		{"suspend of a missing one", "user.suspend", v6("missed", "users", "bob", "30"), true, "missed", "users", meaning{Gone: true}},
		{"missed in a create is a missing parameter", "user.edit", v6("missed", "passwd", "", "30"), false, "missed", "passwd", meaning{}},
		{"a bad value says nothing of the resource", "user.edit", v6("value", "preset", "x", "30"), true, "value", "preset", meaning{}},
		{"the request was killed: it may be half done", "webdomain.edit", v6("request_failed", "", "", "30"), true, "request_failed", "", meaning{MaybeApplied: true, Retryable: true}},
		{"wrong password", "auth", v6("auth", "badpassword", "remote_addr: [192.0.2.1]", "0"), false, "auth", "badpassword", meaning{Refused: true}},
		{"an ended session is no refusal", "user", v6("auth", "session", "", "0"), false, "auth", "session", meaning{}},
		{"no right", "user", v6("access", "user", "", "16"), false, "access", "user", meaning{}},
		{"v4: a second one", "user.edit", `<doc><error code="2" obj="user">exists</error></doc>`, false, "exists", "user", meaning{Exists: true}},
		{"v4: a missing one", "user.delete", `<doc><error code="3" obj="user"/></doc>`, true, "missed", "user", meaning{Gone: true}},
		{"v4: a bad value; val names the parameter", "user.edit", `<doc><error code="4" val="name"/></doc>`, true, "value", "name", meaning{}},
		{"v4: the limit", "user.edit", `<doc><error code="5" val="limit_db">used up</error></doc>`, false, "limit", "limit_db", meaning{}},
		{"v4: no right", "user.edit", `<doc><error code="6" obj="user"/></doc>`, false, "access", "user", meaning{}},
		{"v4: licence", "user.edit", `<doc><error code="7"/></doc>`, false, "license", "", meaning{}},
		{"v4: internal", "user.edit", `<doc><error code="1">out of memory</error></doc>`, false, "internal", "", meaning{}},
		{"v4: not logged in", "user", `<doc><authfail/></doc>`, false, "auth", "authfail", meaning{Refused: true}},
		{"v4: authfail as root", "user", `<authfail/>`, false, "auth", "authfail", meaning{Refused: true}},
		{"v4: the bare text", "user", "access deny", false, "access", "", meaning{Refused: true}},
		{"the guide's form has only a text", "user.edit", `<doc><error>something is wrong</error></doc>`, true, "error", "", meaning{}},
		{"a plug-in's error without a type", "x.edit", `<doc><error/></doc>`, true, "error", "", meaning{}},
		{"no function restart, as far as one can tell", "restart", v6("missed", "func", "restart", "30"), false, "missed", "func", meaning{Unsupported: true}},
		{"no right to restart is another matter", "restart", v6("access", "restart", "", "16"), false, "access", "restart", meaning{}},
		{"an HTML page: a proxy, or the panel is starting", "user.edit", `<!DOCTYPE html><html><body><h1>Starting</h1></body></html>`, true, typeDocument, "", meaning{MaybeApplied: true, Retryable: true}},
		{"HTML without a document type", "user.edit", `<html><body>Bad</body></html>`, true, typeDocument, "", meaning{MaybeApplied: true, Retryable: true}},
		{"nothing", "user.edit", ``, true, typeDocument, "", meaning{MaybeApplied: true, Retryable: true}},
		{"half a document", "user.edit", `<doc><ok/>`, true, typeDocument, "", meaning{MaybeApplied: true, Retryable: true}},
		{"an entity bomb will not get better", "user.edit", `<!DOCTYPE doc [<!ENTITY a "a">]><doc/>`, true, typeDocument, "", meaning{MaybeApplied: true}},
		{"neither ok nor an error", "user.edit", `<doc><elid>alice</elid></doc>`, true, typeNoOK, "", meaning{MaybeApplied: true}},
	} {
		t.Run(c.why, func(t *testing.T) {
			client, _ := scripted(t, func(string, int, url.Values) (int, string) { return 200, c.body })
			k := &call{fn: c.fn, elid: c.elid, write: c.fn != "user" && c.fn != "auth"}
			client.session.id = "5e551on"
			e := client.exchange(context.Background(), k, &credential{session: "5e551on"}, &document{})
			if e == nil {
				t.Fatal("no error")
			}
			if e.Type != c.typ || e.Object != c.object {
				t.Errorf("it is %s(%s), want %s(%s)", e.Type, e.Object, c.typ, c.object)
			}
			if diff := cmp.Diff(c.want, meaningOf(e)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if msg := e.Error(); !strings.HasPrefix(msg, "panel web1: "+c.fn+": ") || strings.Contains(msg, "__") {
				t.Errorf("message: %s", msg)
			}
		})
	}
}

func TestErrorHTTP(t *testing.T) {
	for _, c := range []struct {
		why, says string
		status    int
		want      meaning
	}{
		{"a proxy without its panel", `HTTP status 502 (Bad Gateway): "nginx says no"`, 502, meaning{MaybeApplied: true, Retryable: true}},
		{"too many requests: it was not taken", "429", 429, meaning{Retryable: true}},
		{"another server", "404", 404, meaning{MaybeApplied: true}},
	} {
		client, _ := scripted(t, func(string, int, url.Values) (int, string) {
			return c.status, "<html><head></head><body>\n<h1>nginx&nbsp;says\x00 no</h1></body></html>"
		})
		client.session.id = "5e551on"
		e := client.exchange(context.Background(), &call{fn: "user.edit", write: true}, &credential{session: "5e551on"}, &document{})
		if diff := cmp.Diff(c.want, meaningOf(e)); diff != "" || !strings.Contains(e.Error(), c.says) || e.HTTPStatus != c.status {
			t.Errorf("%s: %v\n%s", c.why, e, diff)
		}
	}
}

// TestNoSecretComesBack: whatever a panel or a proxy does with what it was
// sent, no error, detail or trace line holds a secret.
func TestNoSecretComesBack(t *testing.T) {
	type echo struct {
		name string
		wrap func(s string) (int, string)
	}
	clean := func(s string) string { return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(s) }
	echoes := []echo{
		{"value", func(s string) (int, string) {
			return 200, `<doc><error type="value" object="passwd"><param name="value">` + clean(s) + `</param><msg>bad ` + clean(s) + `</msg></error></doc>`
		}},
		{"v4", func(s string) (int, string) { return 200, `<doc><error code="1">` + clean(s) + `</error></doc>` }},
		{"page", func(s string) (int, string) { return 200, "<html><p>" + s + "</p></html>" }},
		{"text", func(s string) (int, string) { return 200, "you sent " + s }},
		{"status", func(s string) (int, string) { return 500, strings.Repeat(" ", 480) + s }},
		{"name", func(s string) (int, string) { return 200, "<doc><" + s + "></x></doc>" }},
	}
	s := &script{t: t}
	p, o, _ := serve(t, s)
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.StringMatching(`[a-zA-Z0-9&%+/ ]{6,24}`).Filter(func(s string) bool {
			return len(cleanLine(s)) > 5 && !strings.Contains(s, "  ") && strings.TrimSpace(s) == s
		})
		password := word.Draw(rt, "password")
		e := rapid.SampledFrom(echoes).Draw(rt, "echo")
		encoded := rapid.Bool().Draw(rt, "encoded")
		authinfo := rapid.Bool().Draw(rt, "authinfo")
		p, o := p, o
		var trace []string
		o.Trace = func(line string) { trace = append(trace, line) }
		o.Secret = func(context.Context, specs.Secret) (string, error) { return password, nil }
		if authinfo {
			p.Auth.Method = specs.AuthAuthinfo
		}
		s.answer = func(fn string, _ int, form url.Values) (int, string) {
			if fn == funcAuth {
				return 0, ""
			}
			if sent := form["passwd"]; len(sent) != 1 || sent[0] != password {
				t.Errorf("passwd is %q, want %q", sent, password)
			}
			if encoded {
				return e.wrap(strings.NewReplacer("%", "%25", "&", "%26", " ", "+", "+", "%2B", "/", "%2F").Replace(password))
			}
			return e.wrap(password)
		}
		c, err := New(p, o)
		if err != nil {
			rt.Fatal(err)
		}
		_, err = NewWriter(c).Create(context.Background(), specs.Resource{
			Ref: specs.Ref{Panel: "web1", Kind: "user", Key: "alice"}, Secrets: []specs.SecretField{{Name: "passwd", Secret: envSecret("X")}},
		})
		c.Close()
		if err == nil {
			rt.Fatal("no error")
		}
		typ, object, msg := asError(t, err).Detail()
		for _, text := range append(trace, err.Error(), typ, object, msg) {
			for _, form := range []string{password, strings.ReplaceAll(password, " ", "+")} {
				if strings.Contains(text, form) {
					rt.Fatalf("%s: %q shows the password %q", e.name, text, password)
				}
			}
			if strings.ContainsFunc(text, unicode.IsControl) {
				rt.Fatalf("%q holds a control character", text)
			}
		}
	})
}

func TestRedirectIsNotFollowed(t *testing.T) {
	s := &script{t: t}
	p, o, _ := serve(t, s)
	o.Dial = redirector(t)
	c := client(t, p, o)
	_, err := c.Snapshot(context.Background(), []specs.Want{webdomains()})
	e := asError(t, err)
	if e.HTTPStatus != 302 || !strings.Contains(err.Error(), "https://other.example.net/manager/ispmgr, and redirects are not followed") ||
		!strings.Contains(err.Error(), "make it the panel's url") || strings.Contains(err.Error(), "secret=1") {
		t.Error(err)
	}
	if c.Requests() != 1 {
		t.Errorf("%d requests", c.Requests())
	}
}

// TestUnreachable: nothing was sent, so a write was not applied; and a panel
// that is down does not hold a run.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t}
		p, o, l := serve(t, s)
		dials := 0
		l.refuse = func() error { dials++; return errors.New("connect: connection refused") }
		c := client(t, p, o)
		took := clock()
		_, err := c.Snapshot(context.Background(), []specs.Want{webdomains(), {Kind: specs.Builtin().Kind("user")}})
		e := asError(t, err)
		if e.MaybeApplied() || e.Type != typeUnreachable || !strings.Contains(err.Error(), "connection refused") {
			t.Error(err)
		}
		if d := took(); dials != maxTriesDown || d.Seconds() > 2 {
			t.Errorf("%d dials in %v", dials, d)
		}
	})
}

// TestMeanings: each answer means one thing to who made the call, and a write
// whose reply was lost never means that it may be sent again.
func TestMeanings(t *testing.T) {
	for _, x := range []struct {
		why  string
		e    Error
		want Meaning
	}{
		{"wrong password", Error{Type: "auth", Object: "badpassword"}, MeansRefused},
		{"v4 refuses the account", Error{Type: "auth", Object: "authfail", bare: true}, MeansRefused},
		{"an ended session", Error{Type: "auth", Object: "session"}, MeansLoginAgain},
		{"an ended session, as clients have met it", Error{Type: "session", Object: "expired", Func: "user", list: true}, MeansLoginAgain},
		{"another", Error{Type: "badauth", Func: "user", list: true}, MeansLoginAgain},
		{"nobody is logged in", Error{Type: "access", level: "0"}, MeansLoginAgain},
		{"no right", Error{Type: "access", level: "16"}, MeansNever},
		{"a second one", Error{Type: "exists", write: true}, MeansExists},
		{"one that is gone", Error{Type: "value", Object: "elid", elid: true, write: true}, MeansGone},
		{"a bad value", Error{Type: "value", Object: "name", write: true}, MeansNever},
		{"a read whose reply was lost", Error{Type: typeLost}, MeansTryAgain},
		{"a write whose reply was lost", Error{Type: typeLost, write: true}, MeansMaybeApplied},
		{"a write that was not sent", Error{Type: typeUnreachable, write: true}, MeansTryAgain},
		{"a write behind a busy proxy", Error{Type: typeHTTP, HTTPStatus: 429, write: true}, MeansTryAgain},
		{"a write behind a broken proxy", Error{Type: typeHTTP, HTTPStatus: 502, write: true}, MeansMaybeApplied},
		{"a read behind a broken proxy", Error{Type: typeHTTP, HTTPStatus: 502}, MeansTryAgain},
		{"an answer too large, to a read", Error{Type: typeDocument, final: true}, MeansNever},
		{"an answer too large, to a write", Error{Type: typeDocument, final: true, write: true}, MeansMaybeApplied},
		{"a killed request", Error{Type: "request_failed", write: true}, MeansMaybeApplied},
		{"no such function", Error{Type: "missed", Func: funcRestart, write: true}, MeansUnsupported},
		{"a restart that is denied to one who may do everything", Error{Type: "access", level: "30", Func: funcRestart, write: true}, MeansUnsupported},
		{"a restart that is denied to a user", Error{Type: "access", level: "16", Func: funcRestart, write: true}, MeansNever},
		{"refused by ispsync", Error{Type: typeNotSent, final: true, write: true}, MeansNever},
		{"a create that may go on", Error{Type: typeNotFinished, final: true, write: true}, MeansMaybeApplied},
		{"a create that failed later", Error{Type: typeAsyncFailed, final: true, write: true}, MeansNever},
	} {
		if got := x.e.Meaning(); got != x.want {
			t.Errorf("%s means %s, want %s", x.why, got, x.want)
		}
	}
}

// TestExplain: every type that messages show has a text, short enough to be read.
func TestExplain(t *testing.T) {
	for _, code := range Codes() {
		text, ok := Explain(code)
		if lines := strings.Split(text, "\n"); !ok || len(lines) > 6 || !strings.Contains(text, "Do: ") {
			t.Errorf("%s: %d lines", code, len(lines))
		} else {
			for _, line := range lines {
				if len(line) > 100 || line != strings.TrimSpace(line) {
					t.Errorf("%s: %q", code, line)
				}
			}
		}
	}
	for code := range 9 {
		if _, ok := Explain(v4Type(code)); !ok {
			t.Errorf("v4's %d is not explained", code)
		}
		if _, ok := Explain(strconv.Itoa(code)); ok != (code > 0) {
			t.Errorf("the number %d of v4: %v", code, ok)
		}
	}
	for _, code := range []string{typeUnreachable, typeLost, typeHTTP, typeDocument, typeNoOK, typeNotSent, typeListing, typeNotFinished, typeAsyncFailed} {
		if _, ok := Explain(code); !ok || !(&Error{Type: code}).ours() {
			t.Errorf("%s is not explained", code)
		}
	}
	value, _ := Explain("value")
	elid, _ := Explain(" value(elid) ")
	name, ok := Explain("value(site_name)")
	if value == elid || name != value || !ok {
		t.Error("an object that changes the meaning has its own text, others have that of the type")
	}
	for _, code := range []string{"", "nonsense", "(", "()", "value(", "nonsense(value)"} {
		if text, ok := Explain(code); ok {
			t.Errorf("%q: %s", code, text)
		}
	}
}

// TestContentType: what an answer is, its body says. Panels and what stands
// before them label it in many ways.
func TestContentType(t *testing.T) {
	for _, typ := range []string{"text/xml", "text/html; charset=utf-8", "application/json", "application/octet-stream", "image/png", "nonsense"} {
		for body, want := range map[string]string{rows(0): "", "<html><body>Bad</body></html>": typeDocument, "\x89PNG": typeDocument, "": typeDocument} {
			synctest.Test(t, func(t *testing.T) {
				p, o, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", typ)
					if r.PostFormValue("func") == funcAuth {
						w.Write([]byte(`<doc><auth id="x"/></doc>`))
						return
					}
					w.Write([]byte(body))
				}))
				got := ""
				if _, err := client(t, p, o).Snapshot(t.Context(), oneWant()); err != nil {
					got = asError(t, err).Type
				}
				if got != want {
					t.Errorf("%s, %q: %q, want %q", typ, body, got, want)
				}
			})
		}
	}
}
