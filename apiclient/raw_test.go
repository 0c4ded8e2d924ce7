package apiclient

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// TestRawJudges holds answers of all forms against the error they mean; the
// answer is copied in any case.
func TestRawJudges(t *testing.T) {
	for _, x := range []struct {
		why, format, body, typ, object string
	}{
		{"a list", "xml", rows(0), "", ""},
		{"xml", "", `<doc><error type="exists" object="user"><msg>There</msg></error></doc>`, "exists", "user"},
		{"devel", "devel", `<doc><metadata/><error type="value" object="elid"/></doc>`, "value", "elid"},
		{"half a document", "xml", `<doc><elem>`, typeDocument, ""},
		{"a proxy", "xml", `<html><body>Bad Gateway</body></html>`, typeDocument, ""},
		{"nothing", "xml", ``, typeDocument, ""},
		{"json of v5/6", "json", `{"doc":{"error":{"$type":"exists","$object":"user","msg":{"$":"There"}}}}`, "exists", "user"},
		{"sjson, as recorded", "sjson", `{"doc":{"error":{"$type":"missed","$object":"users","$lang":"en","detail":{"$":"x"},"msg":{"$":"x"},"param":[{"$name":"object","$type":"msg","$":"users"},{"$name":"value","$":"bob"}]}}}`, "missed", "users"},
		{"one param, not a list of them", "json", `{"doc":{"error":{"$type":"value","$object":"name","param":{"$name":"value","$":"x"}}}}`, "value", "name"},
		{"flat", "JSONdata", `{"error":{"code":"exists","object":"user","msg":"There"}}`, "exists", "user"},
		{"a number of v4", "json", `{"error":{"code":2,"obj":"user","msg":"There"}}`, "exists", "user"},
		{"a number of v4 as text", "json", `{"error":{"code":"3","obj":"user"}}`, "missed", "user"},
		{"v4: not logged in", "json", `{"authfail":{}}`, "auth", "authfail"},
		{"only a text", "json", `{"error":"no"}`, "error", ""},
		{"a flat list", "JSONdata", `[{"name":"alice","error":"x"}]`, "", ""},
		{"ok", "json", `{"doc":{"ok":{}}}`, "", ""},
		{"a page for JSON", "json", `<html>Bad Gateway</html>`, typeDocument, ""},
		{"half of JSON", "sjson", `{"doc":{"elem":[`, typeDocument, ""},
		{"text", "text", "ERROR value(site_name): invalid domain\n", "value", "site_name"},
		{"text without an object", "text", "ERROR request_failed: ended\n", "request_failed", ""},
		{"a list in text", "text", "name=alice note=ERROR value(x): y\nERROR value(x): y\n", "", ""},
		{"an empty list in text", "text", "", "", ""},
		{"print", "print", "<html><table></table></html>", "", ""},
		{"a format of the panel's own, in XML", "rss", `<?xml version="1.0"?><rss/>`, "", ""},
		{"an error for a format nobody knows", "rss", `<?xml version="1.0"?><doc><error type="access" object="x"/></doc>`, "access", "x"},
		{"v4 in any format", "text", "access deny", "access", ""},
		{"v4 in JSON", "json", "access deny", "access", ""},
	} {
		t.Run(x.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
					if fn == funcAuth {
						return 0, ""
					}
					return 200, x.body
				})
				var out bytes.Buffer
				err := c.Raw(t.Context(), RawCall{Func: "user", Format: x.format, Lang: "ru", Su: "bob"}, &out)
				typ, object := "", ""
				if err != nil {
					e := asError(t, err)
					typ, object = e.Type, e.Object
				}
				if typ != x.typ || object != x.object || out.String() != x.body {
					t.Errorf("%q, %q, copied %q: %v", typ, object, out.String(), err)
				}
				if f := s.calls("user")[0]; f.Get("out") == "" || x.format != "" && f.Get("out") != x.format || f.Get("lang") != "ru" || f.Get("su") != "bob" {
					t.Errorf("asked %v", f)
				}
			})
		})
	}
}

// TestRawParams: what the guide writes as a parameter may be written so, and
// what is ispsync's own may not.
func TestRawParams(t *testing.T) {
	c, s := scripted(t, nil)
	var out bytes.Buffer
	err := NewWriter(c).Raw(t.Context(), RawCall{Func: "user.edit", Params: [][2]string{{"elid", "alice"}, {"passwd", "a&b"}, {"note", "1"}, {"note", "2"}, {"sok", "ok"}, {"su", "bob"}, {"out", "xml"}, {"lang", "ru"}}}, &out)
	if err != nil {
		t.Fatal(err)
	}
	f := s.calls("user.edit")[0]
	want := url.Values{"func": {"user.edit"}, "out": {"xml"}, "lang": {"ru"}, "su": {"bob"}, "auth": {"session1"}, "elid": {"alice"}, "passwd": {"a&b"}, "note": {"1", "2"}, "sok": {"ok"}}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("-want +sent\n%s", diff)
	}
	for _, name := range []string{"func", "auth", "authinfo", ""} {
		for _, w := range []func() error{
			func() error { return c.Raw(t.Context(), RawCall{Func: "user", Params: [][2]string{{name, "x"}}}, &out) },
			func() error {
				return NewWriter(c).Raw(t.Context(), RawCall{Func: "user", Params: [][2]string{{name, "x"}}}, &out)
			},
		} {
			if err := w(); err == nil || asError(t, err).Type != typeNotSent {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	if len(s.calls("user")) != 0 {
		t.Error("something was sent")
	}
}

// TestRawReadsOnly: a client refuses what may write, before it leaves.
func TestRawReadsOnly(t *testing.T) {
	c, s := scripted(t, nil)
	for _, x := range []struct {
		fn     string
		params [][2]string
		reads  bool
	}{
		{"user", nil, true}, {"user.edit", [][2]string{{"elid", "alice"}}, true}, {"usrparam", nil, true},
		{"user.edit", [][2]string{{"elid", "alice"}, {"sok", "ok"}}, false}, {"user.delete", [][2]string{{"elid", "alice"}}, false},
		{"user.add", [][2]string{{"snext", "ok"}}, false}, {"usrparam", [][2]string{{"sok", ""}}, false}, {"session.newkey", nil, false},
		{"usrparam", [][2]string{{"passwd", "x"}}, false}, {"user", [][2]string{{"auth", "x"}}, false}, {"", nil, false},
	} {
		if got := ReadFunction(x.fn, x.params); got != x.reads {
			t.Errorf("%s %v: a read is %v", x.fn, x.params, got)
		}
		var out bytes.Buffer
		err := c.Raw(t.Context(), RawCall{Func: x.fn, Params: x.params}, &out)
		if (err == nil) != x.reads || len(s.calls(x.fn)) > 0 != x.reads && x.fn != "user.edit" && x.fn != "usrparam" && x.fn != "user" {
			t.Errorf("%s %v: %v", x.fn, x.params, err)
		}
	}
	for _, f := range s.asked {
		if f.Has("sok") || f.Has("snext") {
			t.Errorf("a read sent %v", f)
		}
	}
}

// TestRawRenewsTheSession: nothing of the answer to an ended session is copied.
func TestRawRenewsTheSession(t *testing.T) {
	for _, format := range []string{"xml", "json", "sjson", "JSONdata", "text"} {
		c, sim := simulated(t, simpanel.Options{})
		sim.Put("user", "alice", map[string]string{})
		var first, second bytes.Buffer
		if err := c.Raw(t.Context(), RawCall{Func: "user", Format: format}, &first); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		c.session.mu.Lock()
		c.session.id = "0123456789abcdef01234567" // one that the panel does not know
		c.session.mu.Unlock()
		if err := c.Raw(t.Context(), RawCall{Func: "user", Format: format}, &second); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if first.String() != second.String() || sim.Counts()[funcAuth] != 2 {
			t.Errorf("%s: %q, then %q", format, first.String(), second.String())
		}
	}
}

// TestRawStreams: whatever its size, the body is copied byte for byte; one
// beyond the bound is an error, and a call of which something was copied is not repeated.
func TestRawStreams(t *testing.T) {
	s := &script{t: t}
	p, o, _ := serve(t, s)
	o.MaxBody = 3*rawHead + 7
	c := client(t, p, o)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(1, 4*rawHead), rapid.SampledFrom([]int{rawHead - 1, rawHead, rawHead + 1, int(o.MaxBody), int(o.MaxBody) + 1})).Draw(rt, "size")
		body := strings.Repeat("0123456789abcdef", n/16+1)[:n]
		s.answer = func(fn string, _ int, _ url.Values) (int, string) {
			if fn == funcAuth {
				return 0, ""
			}
			return 200, body
		}
		before := c.Requests()
		var out bytes.Buffer
		err := c.Raw(t.Context(), RawCall{Func: "user", Format: "text"}, &out)
		if large := int64(n) > o.MaxBody; large != (err != nil) || !large && out.String() != body || c.Requests()-before > 2 {
			rt.Fatalf("%d bytes: copied %d, %v", n, out.Len(), err)
		}
	})
	if err := c.Raw(t.Context(), RawCall{Func: "user", Format: "text"}, broken{}); err == nil || !strings.Contains(err.Error(), "writing its answer: the disk is full") {
		t.Errorf("%v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// TestRawBreaksOnce: a connection that breaks after something was copied is an
// error at once; one that breaks before is tried again.
func TestRawBreaksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, sim := simulated(t, simpanel.Options{})
		for i := range 2000 {
			sim.Put("webdomain", "site"+strings.Repeat("x", 20)+string(rune('a'+i%26))+strings.Repeat("y", i%30)+".example.com", map[string]string{"owner": "root"})
		}
		sim.SetFaults(simpanel.Faults{Hook: func(k simpanel.Call) simpanel.Fault {
			if k.Func == "webdomain" && k.OfFunc == 1 || k.Func == "user" && k.OfFunc == 1 {
				return simpanel.CutConnection
			}
			return ""
		}})
		var out bytes.Buffer
		err := c.Raw(t.Context(), RawCall{Func: "webdomain"}, &out)
		if err == nil || asError(t, err).Type != typeLost || out.Len() < rawHead || sim.Counts()["webdomain"] != 1 {
			t.Errorf("%d bytes, %d calls, %v", out.Len(), sim.Counts()["webdomain"], err)
		}
		out.Reset()
		if err := c.Raw(t.Context(), RawCall{Func: "user"}, &out); err != nil || sim.Counts()["user"] != 2 || !strings.Contains(out.String(), "</doc>") {
			t.Errorf("%d calls, %v", sim.Counts()["user"], err)
		}
	})
}

// FuzzRawError: whatever a panel answers, in whatever format, the judgement
// ends, and its message is one clean line.
func FuzzRawError(f *testing.F) {
	for _, body := range []string{`{"doc":{"error":{"$type":"exists","msg":{"$":"\u001b[2J"}}}}`, `{"error":[1,{"code":2}]}`, "ERROR value(x): \x1b[2J", `<doc><error type="a&#27;b">x</error></doc>`, "access deny \x1b", "[", `{"authfail":1}`} {
		for i := range formats {
			f.Add(i, []byte(body))
		}
	}
	c, err := New(specs.Panel{Name: "web1", URL: "http://localhost:1500/ispmgr"}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, format int, body []byte) {
		e := c.judgeRaw(t.Context(), &call{fn: "user", format: formats[uint(format)%uint(len(formats))]}, body, nil)
		if e == nil {
			return
		}
		typ, object, msg := e.Detail()
		for _, text := range []string{e.Error(), typ, object, msg} {
			if text != cleanLine(text) {
				t.Errorf("%q is no clean line", text)
			}
		}
	})
}

var formats = []string{"xml", "devel", "json", "sjson", "JSONdata", "text", "print", "rss"}
