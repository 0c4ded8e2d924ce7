package simpanel

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// step is one call of a random run.
type step struct {
	fn   string
	form []string
}

func (s step) String() string { return s.fn + " " + strings.Join(s.form, " ") }

// drawStep draws calls over few names, so that they meet each other.
func drawStep(t *rapid.T) step {
	user := rapid.SampledFrom([]string{"alice", "bob", "carol"}).Draw(t, "user")
	site := rapid.SampledFrom([]string{"a.example.com", "b.example.com", "a.example.net"}).Draw(t, "site")
	zone := rapid.SampledFrom([]string{"example.com", "a.example.com", "example.net"}).Draw(t, "zone")
	return rapid.SampledFrom([]step{
		{"user.edit", []string{"name", user, "passwd", "x", "sok", "ok", "limit_webdomains", "2"}},
		{"user.edit", []string{"elid", user, "comment", site, "sok", "ok"}},
		{"user.delete", []string{"elid", user}},
		{"user.suspend", []string{"elid", user}},
		{"webdomain.edit", []string{"name", site, "owner", user, "sok", "ok"}},
		{"webdomain.edit", []string{"elid", site, "cgi", "on", "sok", "ok"}},
		{"webdomain.delete", []string{"elid", site}},
		{"webdomain.resume", []string{"elid", site}},
		{"domain.edit", []string{"name", zone, "owner", user, "sok", "ok"}},
		{"domain.delete", []string{"elid", zone}},
		{"domain.record.edit", []string{"plid", zone, "name", "w", "rtype", "txt", "value", site, "sok", "ok"}},
		{"domain.record.delete", []string{"plid", zone, "elid", "w." + zone + ". TXT  " + site}},
		{"emaildomain.edit", []string{"name", zone, "owner", user, "sok", "ok"}},
		{"emaildomain.delete", []string{"elid", zone}},
		{"email.edit", []string{"name", user, "domainname", zone, "passwd", "x", "sok", "ok"}},
		{"email.delete", []string{"elid", user + "@" + zone}},
		{"db.edit", []string{"name", user, "owner", user, "user", "*", "username", user, "password", "x", "sok", "ok"}},
		{"db.users.edit", []string{"plid", user + "->MySQL", "name", "other", "password", "x", "sok", "ok"}},
		{"db.users.delete", []string{"plid", user + "->MySQL", "elid", user}},
		{"db.delete", []string{"elid", user + "->MySQL"}},
		{"ftp.user.edit", []string{"name", "f" + user, "owner", user, "passwd", "x", "sok", "ok"}},
		{"scheduler.edit", []string{"su", user, "command", "true", "sok", "ok"}},
		{"scheduler.delete", []string{"su", user, "elid", "1"}},
		{"sslcert.selfsigned", []string{"username", user, "domain", site, "sok", "ok"}},
		{"sslcert.delete", []string{"elid", user + "%#%" + site}},
		{"webdomain", nil},
		{"user.edit", []string{"elid", user}},
	}).Draw(t, "call")
}

// TestConcurrentCalls: whatever calls arrive at once, the panel's rules hold
// afterwards, and lists, counts and ledger agree with the state.
func TestConcurrentCalls(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 40).Draw(rt, "calls")
		p := newPanel(Options{BringsZones: rapid.Bool().Draw(rt, "brings zones")})
		var wg sync.WaitGroup
		for lane := range 4 {
			wg.Go(func() {
				for i := lane; i < len(steps); i += 4 {
					post(p, steps[i].fn, steps[i].form...)
				}
			})
		}
		wg.Wait()
		calls := p.Calls()
		if n := len(calls); n != len(steps) {
			rt.Errorf("%d calls in the ledger, want %d", n, len(steps))
		}
		for i, c := range calls {
			if c.N != i+1 || c.Applied && (!c.Write || c.Error != "") {
				rt.Errorf("entry %d: %+v", i, c)
			}
		}
		checkRules(rt, p)
	})
}

// fataler is what ask needs of *testing.T and of *rapid.T.
type fataler interface {
	Helper()
	Errorf(string, ...any)
}

// checkRules: owners exist, limits hold, names are one account's own, and
// every way of telling the state tells the same.
func checkRules(t fataler, p *Panel) {
	t.Helper()
	s := p.Snapshot()
	for _, kind := range []string{"webdomain", "domain", "emaildomain", "email", "db", "db.users", "domain.record"} {
		owned := make(map[string]int)
		for key, f := range s[kind] {
			owned[f["owner"]]++
			if _, ok := s["user"][f["owner"]]; !ok {
				t.Errorf("%s %s belongs to %s, who is not there", kind, key, f["owner"])
			}
		}
		for user, n := range owned {
			if kind == "webdomain" && n > 2 {
				t.Errorf("%s owns %d sites, the limit is 2", user, n)
			}
			if got := len(p.tables[kind].byOwner[user]); got != n {
				t.Errorf("index of %s: %d, want %d", user, got, n)
			}
		}
		if got := len(p.tables[kind].byOwner); got != len(owned) {
			t.Errorf("index has %d owners, want %d", got, len(owned))
		}
	}
	for kind, rows := range s {
		k := p.tables[kind].kind
		body, parents := "", s[map[bool]string{true: "user"}[k.perAccount]]
		if k.parent != nil {
			parents = s[k.parent.name]
		}
		if !k.scoped {
			_, body = post(p, kind)
		} else {
			for parent := range parents {
				_, part := post(p, kind, map[bool]string{true: "su", false: "elid"}[k.perAccount], parent)
				body += part
			}
		}
		for key := range rows {
			own, column := key, k.keyColumn
			if k.scoped {
				parent, rest, _ := strings.Cut(key, "/")
				if own = rest; parents[parent] == nil {
					t.Errorf("%s %s lives in nothing", kind, key)
				}
			}
			if !strings.Contains(body, "<"+column+">"+escaped(own)+"</"+column+">") {
				t.Errorf("the list of %s lacks %s", kind, key)
			}
		}
		if n := strings.Count(body, "<elem>"); n != len(rows) || n != p.Count(kind) {
			t.Errorf("the list of %s has %d rows, want %d", kind, n, len(rows))
		}
	}
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// TestEditsAreIndependent: concurrent edits of different fields all take
// effect, because what is not sent keeps its value.
func TestEditsAreIndependent(t *testing.T) {
	p := sample(Options{})
	want := map[string]string{
		"fullname": "A", "comment": "B", "email": "a@example.org", "limit_db": "1", "limit_cpu": "2",
		"limit_ssl": "off", "backup": "off", "limit_process": "9",
	}
	var wg sync.WaitGroup
	for field, value := range want {
		wg.Go(func() { ask(t, p, "user.edit", "elid", "alice", field, value, "sok", "ok") })
	}
	wg.Wait()
	got, _ := p.Get("user", "alice")
	for field, value := range want {
		if got[field] != value {
			t.Errorf("%s = %q, want %q", field, got[field], value)
		}
	}
}

// TestAnyTextIsTold: whatever a field holds, the document is well-formed and
// tells it; only what XML cannot hold is replaced.
func TestAnyTextIsTold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.String().Draw(rt, "value")
		p := newPanel(Options{})
		p.Put("user", "alice", map[string]string{"fullname": value})
		_, body := post(p, "user.edit", "elid", "alice", value, "x")
		got := parse(t, body).text("fullname")
		want := strings.Map(func(r rune) rune {
			if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
				return 0xFFFD
			}
			return r
		}, value)
		if got != want {
			rt.Errorf("told %q, want %q", got, want)
		}
	})
}

// TestFormsAreComplete: a form tells what Get tells, and writing all that a
// form tells changes nothing.
func TestFormsAreComplete(t *testing.T) {
	for _, gen := range []Generation{V6, V5, V4} {
		p := sample(Options{Generation: gen})
		for _, ref := range [][2]string{{"user", "alice"}, {"webdomain", "shop.example.com"}, {"domain", "example.com"}} {
			form := ask(t, p, ref[0]+".edit", "elid", ref[1])
			fields, _ := p.Get(ref[0], ref[1])
			send := []string{"elid", ref[1], "sok", "ok"}
			for field, value := range fields {
				if field == "active" || field == "quota_used" {
					continue
				}
				if got := form.text(field); got != value && field != "docroot" {
					t.Errorf("%s: form tells %s=%q, want %q", ref, field, got, value)
				}
				send = append(send, field, form.text(field))
			}
			before := p.Snapshot()
			if got := ask(t, p, ref[0]+".edit", send...).outcome(); got != "ok" {
				t.Errorf("%s: writing the form back answers %s", ref, got)
			}
			if d := cmp.Diff(before, p.Snapshot()); d != "" {
				t.Errorf("%s: writing the form back changed:\n%s", ref, d)
			}
		}
	}
}

// TestBehindItsBack: Put and Delete need no call and leave no trace.
func TestBehindItsBack(t *testing.T) {
	p := sample(Options{})
	p.Put("webdomain", "Shop.Example.com", map[string]string{"comment": "x", "active": "off"})
	f, ok := p.Get("webdomain", "shop.example.com")
	if !ok || f["comment"] != "x" || f["active"] != "off" || f["aliases"] != "www.shop.example.com" || f["owner"] != "alice" {
		t.Errorf("after Put: %v", f)
	}
	if !p.Delete("user", "alice") || p.Delete("user", "alice") {
		t.Error("Delete tells wrongly whether there was one")
	}
	if n := p.Count("webdomain"); n != 1 {
		t.Errorf("%d sites after their owner went, want 1", n)
	}
	if n := len(p.Calls()); n != 0 {
		t.Errorf("%d calls in the ledger, want 0", n)
	}
	func() {
		defer func() {
			if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "webdomain") {
				t.Errorf("an unknown kind: %v, want a panic that names the kinds", r)
			}
		}()
		p.Put("mailbox", "x", nil)
	}()
}

// TestResetCalls: numbers start anew, and a call from before is not mixed up
// with one from after.
func TestResetCalls(t *testing.T) {
	hold, release := make(chan struct{}), make(chan struct{})
	p := sample(Options{Faults: Faults{Hook: func(c Call) Fault {
		if c.Func == "user.suspend" {
			close(hold)
			<-release
		}
		return ""
	}}})
	var wg sync.WaitGroup
	wg.Go(func() { post(p, "user.suspend", "elid", "alice") })
	<-hold
	p.ResetCalls()
	post(p, "whoami")
	close(release)
	wg.Wait()
	calls := p.Calls()
	if len(calls) != 1 || calls[0].Func != "whoami" || calls[0].N != 1 || calls[0].Applied {
		t.Errorf("ledger after a reset: %+v", calls)
	}
}

// TestSeed: the same seed, the same content; the numbers asked for.
func TestSeed(t *testing.T) {
	fill := func(seed uint64) *Panel {
		p := newPanel(Options{Seed: seed})
		p.Seed(3, 4)
		p.SeedZones(3, 2)
		return p
	}
	one, same, other := fill(7).Snapshot(), fill(7).Snapshot(), fill(8).Snapshot()
	if d := cmp.Diff(one, same); d != "" {
		t.Errorf("the same seed differs:\n%s", d)
	}
	if cmp.Equal(one, other) {
		t.Error("another seed gives the same content")
	}
	if len(one["user"]) != 3 || len(one["webdomain"]) != 12 || len(one["domain"]) != 6 {
		t.Errorf("%d users, %d sites, %d zones; want 3, 12, 6", len(one["user"]), len(one["webdomain"]), len(one["domain"]))
	}
	names := slices.Sorted(maps.Keys(one["webdomain"]))
	if names[0] != "site00001-1.example.com" || one["webdomain"][names[0]]["owner"] != "u00001" {
		t.Errorf("first site %s of %s", names[0], one["webdomain"][names[0]]["owner"])
	}
	p := fill(7)
	ask(t, p, "webdomain.edit", "elid", "site00001-1.example.com", "comment", "x", "sok", "ok")
	if f, _ := p.Get("webdomain", "site00002-1.example.com"); f["comment"] != "" {
		t.Error("an edit of one seeded site shows in another")
	}
}

// TestListIsOneMoment: a list that is being read does not hold up writes and
// does not see them.
func TestListIsOneMoment(t *testing.T) {
	p := newPanel(Options{})
	p.Seed(100, 10)
	pr, pw := io.Pipe()
	r := httptest.NewRequest(http.MethodGet, "/ispmgr?func=webdomain&out=xml&authinfo=root:pw", nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		p.ServeHTTP(&pipeWriter{w: pw}, r)
		_ = pw.Close()
	})
	head := make([]byte, 10)
	if _, err := io.ReadFull(pr, head); err != nil {
		t.Fatal(err)
	}
	p.Delete("user", "u00100")
	ask(t, p, "webdomain.edit", "elid", "site00099-1.example.com", "docroot", "changed", "sok", "ok")
	rest, err := io.ReadAll(pr)
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if n := strings.Count(string(rest), "<elem>"); n != 1000 || strings.Contains(string(rest), "changed") {
		t.Errorf("%d rows, want the 1000 there were when the call was made", n)
	}
}

// pipeWriter is a response whose reader is as slow as the test.
type pipeWriter struct{ w io.Writer }

func (p *pipeWriter) Header() http.Header         { return http.Header{} }
func (p *pipeWriter) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p *pipeWriter) WriteHeader(int)             {}

// BenchmarkList lists 100,000 web domains.
func BenchmarkList(b *testing.B) {
	p := newPanel(Options{})
	p.Seed(1000, 100)
	r := httptest.NewRequest(http.MethodGet, "/ispmgr?func=webdomain&out=xml&authinfo=root:pw", nil)
	size := &counter{}
	p.ServeHTTP(&pipeWriter{w: size}, r)
	b.SetBytes(size.n)
	b.ReportAllocs()
	for b.Loop() {
		p.ServeHTTP(&pipeWriter{w: io.Discard}, r)
	}
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) { c.n += int64(len(b)); return len(b), nil }

// BenchmarkSeed makes a panel of 100,000 web domains.
func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		newPanel(Options{}).Seed(1000, 100)
	}
}

// BenchmarkWrite creates web domains, one call each.
func BenchmarkWrite(b *testing.B) {
	p := sample(Options{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		post(p, "webdomain.edit", "name", fmt.Sprintf("s%d.example.com", i), "owner", "alice", "sok", "ok")
	}
}
