package simpanel

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// node is any XML element, for looking at answers.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

func (n *node) find(names ...string) *node {
	if n == nil || len(names) == 0 {
		return n
	}
	for i := range n.Nodes {
		if n.Nodes[i].XMLName.Local == names[0] {
			return n.Nodes[i].find(names[1:]...)
		}
	}
	return nil
}

func (n *node) text(names ...string) string {
	if f := n.find(names...); f != nil {
		return f.Text
	}
	return "(no " + strings.Join(names, "/") + ")"
}

func (n *node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// rows are the keys of a list, in order.
func (n *node) rows() []string {
	var out []string
	for i := range n.Nodes {
		if n.Nodes[i].XMLName.Local == "elem" {
			out = append(out, n.Nodes[i].text("name"))
		}
	}
	return out
}

// outcome sums an action's answer up: ok, ok:restart, or type/object.
func (n *node) outcome() string {
	if e := n.find("error"); e != nil {
		if code := e.attr("code"); code != "" {
			return "error " + code + " " + e.attr("obj") + e.attr("val")
		}
		return e.attr("type") + "/" + e.attr("object")
	}
	if n.find("authfail") != nil {
		return "authfail"
	}
	if ok := n.find("ok"); ok != nil {
		return strings.TrimSuffix("ok:"+ok.Text, ":")
	}
	return "no ok"
}

// params turns "name", "value" pairs into a form.
func params(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// post sends one call as root and tells status and body.
func post(p *Panel, fn string, pairs ...string) (int, string) {
	form := params(pairs...)
	form.Set("func", fn)
	if !form.Has("authinfo") && !form.Has("auth") && fn != "auth" {
		form.Set("authinfo", "root:pw")
	}
	if !form.Has("out") {
		form.Set("out", "xml")
	}
	r := httptest.NewRequest(http.MethodPost, "https://panel.example.net:1500/ispmgr", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// ask sends one call and reads the document.
func ask(t testing.TB, p *Panel, fn string, pairs ...string) *node {
	t.Helper()
	status, body := post(p, fn, pairs...)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d, want 200", fn, status)
	}
	return parse(t, body)
}

func parse(t testing.TB, body string) *node {
	t.Helper()
	var n node
	if err := xml.Unmarshal([]byte(body), &n); err != nil {
		t.Fatalf("document: %v\n%s", err, body)
	}
	return &n
}

func newPanel(o Options) *Panel {
	o.Password = "pw"
	return New(o)
}

// sample is a panel with two users, two sites and a zone.
func sample(o Options) *Panel {
	p := newPanel(o)
	p.Put("user", "alice", map[string]string{"fullname": "Alice <A&B>", "passwd": "wonder", "quota_used": "12"})
	p.Put("user", "bob", map[string]string{"limit_webdomains": "1", "limit_domains": "0"})
	p.Put("webdomain", "shop.example.com", map[string]string{"owner": "alice", "aliases": "www.shop.example.com", "secure": "on", "ssl_cert": "selfsigned"})
	p.Put("webdomain", "bob.example.org", map[string]string{"owner": "bob", "active": "off"})
	p.Put("domain", "example.com", map[string]string{"owner": "alice"})
	return p
}

// TestSessions: login, expiry, logout, keys.
func TestSessions(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p := sample(Options{Now: func() time.Time { return now }})
	login := func() string {
		return ask(t, p, "auth", "username", "root", "password", "pw").text("auth")
	}
	id := login()
	if len(id) != 24 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("session id %q, want 24 hexadecimal digits", id)
	}
	works := func(id string) string {
		who := ask(t, p, "whoami", "auth", id)
		if u := who.find("user"); u != nil {
			return u.attr("name")
		}
		return who.outcome()
	}
	expect := func(why, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", why, got, want)
		}
	}
	expect("a session", works(id), "root")
	now = now.Add(59 * time.Minute)
	expect("used within the hour", works(id), "root")
	now = now.Add(time.Hour)
	expect("an hour unused", works(id), "auth/session")
	expect("unknown", works("feedfeedfeedfeedfeedfeed"), "auth/session")

	id = login()
	expect("logout", ask(t, p, "session.delete", "auth", id, "elid", id).outcome(), "ok")
	expect("after logout", works(id), "auth/session")

	const key = "0123456789abcdef"
	expect("a short key", ask(t, p, "session.newkey", "username", "alice", "key", "short").outcome(), "value/key")
	expect("a key", ask(t, p, "session.newkey", "username", "alice", "key", key).outcome(), "ok")
	expect("a key is no session", works(key), "auth/session")
	byKey := ask(t, p, "auth", "username", "alice", "key", key)
	expect("its session", works(byKey.text("auth")), "alice")
	expect("a key is good once", ask(t, p, "auth", "username", "alice", "key", key).outcome(), "auth/badpassword")

	id = ask(t, p, "auth", "username", "alice", "password", "wonder").text("auth")
	expect("another's session", ask(t, p, "session.delete", "auth", id, "elid", login()).outcome(), "value/elid")
	p.Delete("user", "alice")
	expect("a session of nobody", works(id), "auth/session")

	v4 := newPanel(Options{Generation: V4})
	id = ask(t, v4, "auth", "username", "root", "password", "pw").find("auth").attr("id")
	if id == "" || strings.Trim(id, "0123456789") != "" {
		t.Errorf("v4 session id %q, want decimal", id)
	}
}

// TestLevels: what ordinary users and su may do.
func TestLevels(t *testing.T) {
	p := sample(Options{})
	for _, tc := range []struct {
		why  string
		call []string
		want string
	}{
		{"users see their own", []string{"webdomain", "authinfo", "alice:wonder"}, "shop.example.com"},
		{"su sees the same", []string{"webdomain", "su", "alice"}, "shop.example.com"},
		{"the administrator sees all", []string{"webdomain"}, "bob.example.org shop.example.com"},
		{"users have no user list", []string{"user", "authinfo", "alice:wonder"}, "access/user"},
		{"users may not su", []string{"webdomain", "authinfo", "alice:wonder", "su", "bob"}, "access/su"},
		{"su to nobody", []string{"webdomain", "su", "nobody"}, "value/su"},
		{"another's site is not there", []string{"webdomain.delete", "authinfo", "alice:wonder", "elid", "bob.example.org"}, "value/elid"},
		{"a user's site needs no owner", []string{"webdomain.edit", "authinfo", "alice:wonder", "name", "a.example.com", "sok", "ok"}, "ok"},
		{"a wrong password", []string{"webdomain", "authinfo", "alice:wrong"}, "auth/badpassword"},
	} {
		n := ask(t, p, tc.call[0], tc.call[1:]...)
		got := strings.Join(n.rows(), " ")
		if got == "" {
			got = n.outcome()
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.why, got, tc.want)
		}
	}
	if f, _ := p.Get("webdomain", "a.example.com"); f["owner"] != "alice" {
		t.Errorf("owner %q, want alice", f["owner"])
	}
	if u := ask(t, p, "user").rows(); !slices.Equal(u, []string{"alice", "bob"}) {
		t.Errorf("user list %v, want alice and bob without root", u)
	}
}

// TestRestart: down for a while, sessions gone.
func TestRestart(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p := newPanel(Options{Restart: true, RestartDowntime: time.Minute, Now: func() time.Time { return now }})
	id := ask(t, p, "auth", "username", "root", "password", "pw").text("auth")
	if got := ask(t, p, "restart", "auth", id).outcome(); got != "ok" {
		t.Fatalf("restart: %s", got)
	}
	if !drops(p, "whoami") {
		t.Error("the panel answers while it is down")
	}
	now = now.Add(time.Minute)
	if got := ask(t, p, "whoami", "auth", id).outcome(); got != "auth/session" {
		t.Errorf("old session after the restart: %s, want auth/session", got)
	}
	if p.Counts()["restart"] != 1 {
		t.Errorf("counts %v, want one restart", p.Counts())
	}
}

// drops tells whether the connection is dropped instead of an answer.
func drops(p *Panel, fn string, pairs ...string) (dropped bool) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case http.ErrAbortHandler:
			dropped = true
		default:
			panic(r)
		}
	}()
	post(p, fn, pairs...)
	return false
}

// TestRequests: forms of request a panel takes.
func TestRequests(t *testing.T) {
	p := sample(Options{})
	srv := httptest.NewServer(p)
	defer srv.Close()
	get := func(target string, cookies ...*http.Cookie) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, srv.URL+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	resp, body := get("/manager/ispmgr?func=auth&username=root&password=pw&out=xml")
	if parse(t, body).find("auth") == nil || resp.Header.Get("Content-Type") != "text/xml; charset=UTF-8" {
		t.Errorf("login by GET: %v %s", resp.Header, body)
	}
	if c := p.Calls()[0]; !c.SecretInURL || c.Method != "GET" || c.Write {
		t.Errorf("ledger: %+v, want a GET with a secret in its URL", c)
	}
	if _, body := get("/ispmgr?func=whoami&out=xml", resp.Cookies()...); parse(t, body).find("user") == nil {
		t.Errorf("call by cookie: %s", body)
	}
	body = "--B\r\nContent-Disposition: form-data; name=\"func\"\r\n\r\nwhoami\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"authinfo\"\r\n\r\nroot:pw\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"out\"\r\n\r\nxml\r\n--B--\r\n"
	posted, err := srv.Client().Post(srv.URL+"/ispmgr", "multipart/form-data; boundary=B", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer posted.Body.Close()
	answer, err := io.ReadAll(posted.Body)
	if err != nil || parse(t, string(answer)).find("user") == nil {
		t.Errorf("call by multipart form: %v %s", err, answer)
	}
	if resp, _ := get("/ispmgr?func=%zz"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a query that is none: status %d, want 400", resp.StatusCode)
	}
	if resp, _ := get("/elsewhere"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("another path: status %d, want 404", resp.StatusCode)
	}
}

// TestDefaults: the administrator is root, and Name is what Options say.
func TestDefaults(t *testing.T) {
	p := newPanel(Options{Name: "web1"})
	if got := ask(t, p, "whoami").find("user").attr("name"); got != "root" || p.Name() != "web1" {
		t.Errorf("panel %s of %s, want web1 of root", p.Name(), got)
	}
}

// TestFunctions: every entry of the table cites the record.
func TestFunctions(t *testing.T) {
	for name, fact := range Functions() {
		if !strings.Contains(fact, "section") && !strings.Contains(fact, "guide") {
			t.Errorf("%s cites nothing: %q", name, fact)
		}
	}
}
