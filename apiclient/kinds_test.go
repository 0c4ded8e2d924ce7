package apiclient

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// hardRows are kinds with everything that is not plain: composed keys, a
// parent, an account, several ways to create, and a create that takes its time.
const hardRows = `
panels: [{name: web1, url: "http://localhost:1500/ispmgr", auth: {username: root, password: "${secret.env('PW')}"}}]
kinds:
  job:
    su: user
    suspend: job.suspend
    resume: job.resume
    key: {elid: id, canon: text, compose: 'su + "/" + name', live: 'su + "/" + note'}
    create: {note: 'split(key, "/", 2)[1]'}
    fields:
      command: {read: list}
      active: {read: list, canon: bool, toggle: true}
  record:
    parent: {kind: domain, field: plid, param: elid}
    key: {elid: rkey, canon: text, compose: 'plid + "/" + name', live: 'plid + "/" + name'}
    create: {name: 'split(key, "/")[1]', addr: value}
    fields:
      plid: {refers: domain, canon: host, required: true, key_part: true, read: never}
      value: {key_part: true, read: never}
      ttl: {canon: int}
  cert:
    edit: ""
    create_func: 'type == "slow" ? "slow.generate" : "cert.selfsigned"'
    async: {column: state, busy: [issuing, begun, waiting, working, processing], failed: [refused], wait: 2m}
    key: {canon: text}
    fields:
      type: {key_part: true, read: never}
`

func hardKinds(t testing.TB) *specs.Catalog {
	t.Helper()
	spec, err := specs.Load(specs.Options{Paths: []string{"-"}, Stdin: strings.NewReader(hardRows)})
	if err != nil {
		t.Fatal(err)
	}
	return spec.Catalog
}

// hard is a client whose catalog has the hard rows.
func hard(t testing.TB, answer func(fn string, n int, form url.Values) (int, string)) (*Client, *script) {
	s := &script{t: t, answer: answer}
	p, o, _ := serve(t, s)
	o.Catalog = hardKinds(t)
	return client(t, p, o), s
}

// TestLiveKeys: keys are made of columns, of the account and of the parent, so
// that they are unique on the panel; the panel's own identifier is kept.
func TestLiveKeys(t *testing.T) {
	c, _ := hard(t, func(fn string, _ int, form url.Values) (int, string) {
		switch fn {
		case "job":
			return 200, rows(1, `<elem><id>`+form.Get("su")+`-7</id><note>nightly</note><command>true</command></elem>`)
		case "record":
			return 200, rows(1, `<elem><rkey>www.`+form.Get("elid")+`.</rkey><name>www</name></elem>`)
		}
		return 0, ""
	})
	k := c.catalog.Kind("job")
	l := listed(t, c, specs.Want{Kind: k, Su: []string{"alice", "bob"}})
	var got []string
	for _, r := range l.Resources {
		got = append(got, fmt.Sprint(r.Ref.Key, " ", r.Elid, " ", r.Su, " ", r.Parent))
	}
	l = listed(t, c, specs.Want{Kind: c.catalog.Kind("record"), Parents: []string{"one.example", "two.example"}})
	for _, r := range l.Resources {
		got = append(got, fmt.Sprint(r.Ref.Key, " ", r.Elid, " ", r.Su, " ", r.Parent))
	}
	want := []string{"alice/nightly alice-7 alice ", "bob/nightly bob-7 bob ", "one.example/www www.one.example.  one.example", "two.example/www www.two.example.  two.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +listed\n%s", diff)
	}
}

// TestOneNameForSeveral: where the panel has identifiers of its own, two of one
// name are left alone, both, and the others of the list are not hurt; one
// identifier twice is a list that cannot be believed.
func TestOneNameForSeveral(t *testing.T) {
	job := func(id, note string) string {
		return `<elem><id>` + id + `</id><note>` + note + `</note><command>true</command></elem>`
	}
	var body string
	c, _ := hard(t, func(fn string, _ int, _ url.Values) (int, string) {
		if fn == funcAuth {
			return 0, ""
		}
		return 200, body
	})
	want := specs.Want{Kind: c.catalog.Kind("job"), Su: []string{"alice"}}
	body = rows(4, job("9", ""), job("2", "nightly"), job("1", "nightly"), job("3", "weekly"))
	l := listed(t, c, want)
	var got []string
	for _, r := range l.Resources {
		got = append(got, fmt.Sprintf("%s %s %v", r.Ref.Key, r.Elid, strings.Contains(r.Unusable, "that of another one")))
	}
	if diff := cmp.Diff([]string{"alice/ 9 false", "alice/nightly 1 true", "alice/nightly #2 2 true", "alice/weekly 3 false"}, got); diff != "" {
		t.Errorf("-want +listed\n%s", diff)
	}
	for _, body = range []string{rows(2, job("1", "nightly"), job("1", "nightly")), rows(3, job("1", "nightly"), job("2", "nightly"), job("1", "nightly")), rows(2, job("2", "nightly"), job("1", "nightly #2"), job("1", "nightly"))} {
		if l := listed(t, c, want); l.Err == nil {
			t.Errorf("believed: %+v", l.Resources)
		}
	}
}

// TestHardCreates: parts of a key are sent as the row's create says and not
// twice, with the parent and the account of the resource.
func TestHardCreates(t *testing.T) {
	text := specs.Text
	job := res("job", "alice/nightly", "active", specs.Bool(false), "command", text("true"))
	job.Su = "alice"
	record := res("record", "one.example/www", "plid", text("one.example"), "ttl", specs.Number(60), "value", text("192.0.2.1"))
	record.Parent = "one.example"
	live := record
	live.Elid = "www.one.example. A  192.0.2.1"
	for _, x := range []struct {
		do   func(*Writer, context.Context, specs.Resource) (bool, error)
		r    specs.Resource
		want []string
	}{
		{(*Writer).Create, job, []string{"job.edit?command=true&note=nightly&sok=ok&su=alice", "job.suspend?elid=4711&sok=ok&su=alice"}},
		{(*Writer).Create, record, []string{"record.edit?addr=192.0.2.1&name=www&plid=one.example&sok=ok&ttl=60"}},
		{(*Writer).Update, live, []string{"record.edit?elid=www.one.example. A  192.0.2.1&plid=one.example&sok=ok&ttl=60"}},
		{(*Writer).Delete, live, []string{"record.delete?elid=www.one.example. A  192.0.2.1&plid=one.example&sok=ok"}},
	} {
		c, s := hard(t, func(fn string, _ int, _ url.Values) (int, string) {
			if fn == funcAuth {
				return 0, ""
			}
			return 200, `<doc><id>4711</id><ok/></doc>`
		})
		if _, err := x.do(NewWriter(c), t.Context(), x.r); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(x.want, sent(s)); diff != "" {
			t.Errorf("-want +sent\n%s", diff)
		}
	}
}

// TestOneElid is a law: whatever the panel calls a resource, a writing call
// names that one resource or does not leave.
func TestOneElid(t *testing.T) {
	sim := simpanel.New(simpanel.Options{Password: testPassword})
	p, o, _ := serve(t, sim)
	w := NewWriter(client(t, p, o))
	do := []func(*Writer, context.Context, specs.Resource) (bool, error){(*Writer).Update, (*Writer).Delete}
	rapid.Check(t, func(rt *rapid.T) {
		sim.Put("user", "alice", map[string]string{"active": "on"})
		sim.Put("user", "bob", map[string]string{"active": "on"})
		name := rapid.SampledFrom([]string{"alice, bob", "bob, alice", ", bob", "bob, ", "x, bob, y", "bob,  alice", "alice,bob", "a\x1bb", "bob\n"}).Draw(rt, "elid")
		r := res("user", name, "active", specs.Bool(false))
		if rapid.Bool().Draw(rt, "elid apart from the key") {
			r.Ref.Key, r.Elid = "carol", name
		}
		_, err := do[rapid.IntRange(0, 1).Draw(rt, "what")](w, t.Context(), r)
		e := asError(t, err)
		if refused := e.Type == typeNotSent; refused != (name != "alice,bob") || e.MaybeApplied() {
			rt.Fatalf("%q: %v", name, err)
		}
		if strings.ContainsAny(err.Error(), "\x1b\n") {
			rt.Fatalf("%q", err)
		}
		for _, other := range []string{"alice", "bob"} {
			if f, ok := sim.Get("user", other); !ok || f["active"] != "on" {
				rt.Fatalf("a call for %q changed %s: %v", name, other, f)
			}
		}
	})
}

// TestParentOfTwo: what holds for elid holds for plid.
func TestParentOfTwo(t *testing.T) {
	c, s := hard(t, nil)
	r := res("record", "www")
	r.Parent = "one.example, two.example"
	for _, do := range []func(*Writer, context.Context, specs.Resource) (bool, error){(*Writer).Create, (*Writer).Update, (*Writer).Delete} {
		if _, err := do(NewWriter(c), t.Context(), r); err == nil || asError(t, err).Type != typeNotSent {
			t.Error(err)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("sent %v", sent(s))
	}
}

// TestAsyncCreate: a create that only begins is waited for, with long pauses,
// until the list tells an end or the time is over.
func TestAsyncCreate(t *testing.T) {
	for _, x := range []struct {
		why    string
		kind   string
		states []string // of the list, the last for ever; "" is not there, "!" an error
		typ    string
		maybe  bool
		lists  int
		took   time.Duration
	}{
		{"it is there at once", "fast", []string{"issued"}, "", false, 1, 0},
		{"it takes a while", "slow", []string{"", "processing", "processing", "issued"}, "", false, 4, 5*time.Second + 7500*time.Millisecond + 11250*time.Millisecond},
		{"it fails", "slow", []string{"processing", "refused"}, typeAsyncFailed, false, 2, 5 * time.Second},
		{"it never ends", "slow", []string{"processing"}, typeNotFinished, true, 8, 0},
		{"it never comes", "slow", []string{""}, typeNotFinished, true, 8, 0},
		{"the list cannot be read", "slow", []string{"!"}, typeNotFinished, true, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, s := hard(t, func(fn string, n int, _ url.Values) (int, string) {
				switch fn {
				case "slow.generate", "cert.selfsigned":
					return 200, `<doc><ok>restart</ok></doc>`
				case "cert":
					switch state := x.states[min(n, len(x.states))-1]; state {
					case "":
						return 200, rows(1, `<elem><name>other</name><state>refused</state></elem>`)
					case "!":
						return 200, `<doc><error type="access" object="cert"/></doc>`
					default:
						return 200, rows(1, `<elem><name>a</name><state>`+state+`</state></elem>`)
					}
				}
				return 0, ""
			})
			took := clock()
			restart, err := NewWriter(c).Create(t.Context(), res("cert", "a", "type", specs.Text(x.kind)))
			d := took()
			typ := ""
			if err != nil {
				e := asError(t, err)
				typ = e.Type
				if e.MaybeApplied() != x.maybe {
					t.Errorf("%s: %v", x.why, err)
				}
			}
			fn := map[string]string{"slow": "slow.generate", "fast": "cert.selfsigned"}[x.kind]
			if typ != x.typ || !restart || len(s.calls("cert")) != x.lists || len(s.calls(fn)) != 1 || x.took > 0 && d != x.took || d > 2*time.Minute {
				t.Errorf("%s: %d lists in %v, %v, %v", x.why, len(s.calls("cert")), d, restart, err)
			}
		})
	}
}

// TestAsyncInterrupted: nobody waits longer than the run.
func TestAsyncInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := hard(t, func(fn string, _ int, _ url.Values) (int, string) {
			if fn == "cert" {
				return 200, rows(0)
			}
			return 0, ""
		})
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		took := clock()
		err := NewWriter(c).finish(ctx, c.catalog.Kind("cert"), &specs.Resource{Ref: specs.Ref{Panel: "web1", Kind: "cert", Key: "a"}})
		if e := asError(t, err); e.Type != typeNotFinished || !e.MaybeApplied() || took() != 7*time.Second {
			t.Errorf("%v after %v", err, took())
		}
	})
}
