package apiclient

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// declare makes a want of web domains that declare these fields.
func declare(fields map[string][]string) specs.Want {
	w := webdomains()
	w.Declared = func(key string) *specs.Resource {
		names, ok := fields[key]
		if !ok {
			return nil
		}
		r := &specs.Resource{Ref: specs.Ref{Panel: "web1", Kind: "webdomain", Key: key}}
		for _, n := range names {
			r.Fields = append(r.Fields, specs.Field{Name: n, Value: specs.Text("x")})
		}
		return r
	}
	return w
}

// TestFormsOnlyWhereNeeded: promise 2: a form is read for a resource whose
// declared fields the list does not carry, and for no other.
func TestFormsOnlyWhereNeeded(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{})
	sim.Seed(1, 4)
	state, err := c.Snapshot(t.Context(), []specs.Want{declare(map[string][]string{
		"site00001-1.example.com": {"owner", "php_mode"}, // in the list
		"site00001-2.example.com": {"aliases"},           // in the form
		"site00001-3.example.com": {},
		"new.example.com":         {"aliases"}, // not there
	})})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"auth": 1, "webdomain": 1, "webdomain.edit": 1}, sim.Counts()); diff != "" {
		t.Error(diff)
	}
	with, without := told(state.Find("webdomain", "site00001-2.example.com")), told(state.Find("webdomain", "site00001-1.example.com"))
	if _, ok := without["dirindex"]; ok || with["dirindex"] != "index.php" || with["ssl_port"] != "443" || with["owner"] != "u00001" {
		t.Errorf("%v\n%v", with, without)
	}
	if _, ok := with["emailcreate"]; ok {
		t.Error("a field that is never read was read")
	}
}

// TestFormsForMissingColumns: a declared field of the list that this panel's
// list does not have is looked for in the form.
func TestFormsForMissingColumns(t *testing.T) {
	c, s := scripted(t, func(fn string, _ int, form url.Values) (int, string) {
		switch fn {
		case "webdomain":
			return 200, rows(2, `<elem><name>a.example.com</name></elem>`, `<elem><name>b.example.com</name></elem>`)
		case "webdomain.edit":
			return 200, `<doc lang="en"><elid>` + form.Get("elid") + `</elid><name>x</name><owner>alice</owner><php>off</php><secure></secure><aliases>b a</aliases><slist name="owner"><val key="bob">bob</val></slist></doc>`
		}
		return 0, ""
	})
	state, err := c.Snapshot(t.Context(), []specs.Want{declare(map[string][]string{"a.example.com": {"owner"}})})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"owner": "alice", "php": "false", "secure": "false", "aliases": "a b"}
	if diff := cmp.Diff(want, told(state.Find("webdomain", "a.example.com"))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	asked := s.calls("webdomain.edit")
	if len(asked) != 1 || asked[0].Get("elid") != "a.example.com" || asked[0].Has("sok") {
		t.Errorf("%v", asked)
	}
}

// TestFormsOfEveryResource: Want.Forms reads them whatever is declared.
func TestFormsOfEveryResource(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{})
	sim.Seed(2, 3)
	w := webdomains()
	w.Forms = func(key string) bool { return strings.HasPrefix(key, "site00002") }
	if _, err := c.Snapshot(t.Context(), []specs.Want{w}); err != nil || sim.Counts()["webdomain.edit"] != 3 {
		t.Errorf("%v, %v", sim.Counts(), err)
	}
}

// TestFormsAfterwards: a state that was listed without forms gets them later,
// each once.
func TestFormsAfterwards(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{})
	sim.Seed(1, 2)
	state, err := c.Snapshot(t.Context(), oneWant())
	if err != nil {
		t.Fatal(err)
	}
	ref := func(key string) specs.Ref { return specs.Ref{Panel: "web1", Kind: "webdomain", Key: key} }
	refs := []specs.Ref{ref("site00001-1.example.com"), ref("site00001-1.example.com"), ref("nobody.example.com"), {Panel: "web1", Kind: "nokind", Key: "x"}}
	for range 2 {
		if err := c.Forms(t.Context(), state, refs); err != nil {
			t.Fatal(err)
		}
	}
	if n := sim.Counts()["webdomain.edit"]; n != 1 || told(state.Find("webdomain", "site00001-1.example.com"))["ssl_port"] != "443" {
		t.Errorf("%d forms", n)
	}
	sim.Delete("webdomain", "site00001-2.example.com")
	if err := c.Forms(t.Context(), state, []specs.Ref{ref("site00001-2.example.com")}); err != nil || state.Complete("webdomain") {
		t.Errorf("the form of one that is gone: %v", err)
	}
}

// TestFormOfAnother: a form is believed only when it is the one asked for.
func TestFormOfAnother(t *testing.T) {
	for elid, ok := range map[string]bool{"a.example.com": true, "A.Example.COM": true, "b.example.com": false, "": false} {
		c, _ := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
			switch fn {
			case "webdomain":
				return 200, rows(1, site("a.example.com"))
			case "webdomain.edit":
				return 200, `<doc lang="en"><elid>` + elid + `</elid><aliases>x.example.com</aliases></doc>`
			}
			return 0, ""
		})
		l := listed(t, c, declare(map[string][]string{"a.example.com": {"aliases"}}))
		if (l.Err == nil) != ok || l.Err != nil && !strings.Contains(l.Err.Error(), "web1/webdomain/a.example.com was asked for") {
			t.Errorf("%q: %v", elid, l.Err)
		}
	}
}

// TestGoneBeforeItsForm: a resource that goes away between list and form is no
// failure: the list is read again. Once.
func TestGoneBeforeItsForm(t *testing.T) {
	gone := `<doc><error type="value" object="elid"><param name="value">b</param></error></doc>`
	for _, stays := range []bool{false, true} {
		c, s := scripted(t, func(fn string, n int, form url.Values) (int, string) {
			switch {
			case fn == "webdomain" && (n == 1 || stays):
				return 200, rows(2, site("a.example.com"), site("b.example.com"))
			case fn == "webdomain":
				return 200, rows(1, site("a.example.com"))
			case form.Get("elid") == "b.example.com":
				return 200, gone
			case fn == "webdomain.edit":
				return 200, `<doc lang="en"><elid>a.example.com</elid><aliases/></doc>`
			}
			return 0, ""
		})
		l := listed(t, c, declare(map[string][]string{"a.example.com": {"aliases"}, "b.example.com": {"aliases"}}))
		if (l.Err != nil) != stays || len(s.calls("webdomain")) != 2 {
			t.Errorf("it stays in the list: %v; %d lists, %v", stays, len(s.calls("webdomain")), l.Err)
		}
		if stays && (!strings.Contains(l.Err.Error(), "web1/webdomain/b.example.com: its form") || !asError(t, l.Err).Gone()) {
			t.Error(l.Err)
		}
	}
}

// userRows is a spec with rows of its own kinds, as users write them.
const userRows = `
panels: [{name: web1, url: "http://localhost:1500/ispmgr", auth: {username: root, password: "${secret.env('PW')}"}}]
kinds:
  domain.record:
    edit: domain.record.edit
    list_params: {extra: "1"}
    key: {column: rkey_name, elid: rkey, canon: text}
    parent: {kind: domain, field: plid, param: elid}
    delete_params: {with: files}
    fields:
      plid: {refers: domain, canon: host, required: true}
      value: {read: list}
      ttl: {canon: int}
  scheduler:
    key: {column: key, canon: text}
    su: user
    suspend: scheduler.suspend
    resume: scheduler.resume
    fields:
      command: {read: list}
      active: {read: list, canon: bool, toggle: true}
      passwd: {secret: true, confirm: confirm}
`

func userKinds(t testing.TB) *specs.Catalog {
	t.Helper()
	spec, err := specs.Load(specs.Options{Paths: []string{"-"}, Stdin: bytes.NewReader([]byte(userRows))})
	if err != nil {
		t.Fatal(err)
	}
	return spec.Catalog
}

// TestParentKind: one list per parent, children named by plid, and a parent
// that is not there has none.
func TestParentKind(t *testing.T) {
	s := &script{t: t}
	p, o, _ := serve(t, s)
	o.Catalog = userKinds(t)
	c := client(t, p, o)
	s.answer = func(fn string, _ int, form url.Values) (int, string) {
		switch fn {
		case "domain.record":
			if form.Get("elid") == "gone.example" {
				return 200, `<doc><error type="value" object="elid"><param name="value">gone.example</param></error></doc>`
			}
			z := form.Get("elid")
			return 200, rows(1, fmt.Sprintf(`<elem><rkey>www.%s. A  192.0.2.1</rkey><rkey_name>www %s</rkey_name><value>192.0.2.1</value></elem>`, z, z))
		case "domain.record.edit":
			return 200, `<doc lang="en"><elid>` + form.Get("elid") + `</elid><plid>` + form.Get("plid") + `</plid><ttl>300</ttl></doc>`
		}
		return 0, ""
	}
	k := o.Catalog.Kind("domain.record")
	l := listed(t, c, specs.Want{Kind: k, Parents: []string{"one.example", "gone.example", "two.example"}, Forms: func(key string) bool { return key == "www two.example" }})
	if l.Err != nil || len(l.Resources) != 2 {
		t.Fatalf("%+v", l)
	}
	one, two := &l.Resources[0], &l.Resources[1]
	if one.Elid != "www.one.example. A  192.0.2.1" || told(one)["plid"] != "one.example" || told(two)["plid"] != "two.example" || told(two)["ttl"] != "300" {
		t.Errorf("%+v %+v", one, two)
	}
	if got := s.calls("domain.record.edit"); len(got) != 1 || got[0].Get("plid") != "two.example" || got[0].Get("elid") != two.Elid {
		t.Errorf("%v", got)
	}
	if got := s.calls("domain.record"); len(got) != 3 || got[0].Get("extra") != "1" {
		t.Errorf("%v", got)
	}
	if l := listed(t, c, specs.Want{Kind: k}); l.Err != nil || len(l.Resources) != 0 {
		t.Errorf("without parents: %+v", l)
	}
}

// TestSuKind: one list per account, and its resources remember the account.
func TestSuKind(t *testing.T) {
	s := &script{t: t}
	p, o, _ := serve(t, s)
	o.Catalog = userKinds(t)
	p.Su = "reseller"
	c := client(t, p, o)
	s.answer = func(fn string, _ int, form url.Values) (int, string) {
		if fn == "scheduler" {
			return 200, rows(1, `<elem><key>job of `+form.Get("su")+`</key><command>true</command><active>on</active></elem>`)
		}
		return 0, ""
	}
	l := listed(t, c, specs.Want{Kind: o.Catalog.Kind("scheduler"), Su: []string{"alice", "bob"}})
	if l.Err != nil || len(l.Resources) != 2 || l.Resources[0].Su != "alice" || l.Resources[1].Ref.Key != "job of bob" {
		t.Errorf("%+v", l)
	}
	if auth := s.calls(funcAuth); auth[0].Has("su") {
		t.Errorf("a login as another: %v", auth)
	}
	if _, err := c.Snapshot(t.Context(), oneWant()); err == nil && s.calls("webdomain")[0].Get("su") != "reseller" {
		t.Error("the panel's own su is not sent")
	}
}
