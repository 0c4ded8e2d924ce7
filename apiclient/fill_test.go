package apiclient

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// filled snapshots the sites of a scripted panel with n of them and fills them.
// form answers for the form of a site.
func filled(t *testing.T, n int, f Filling, form func(elid string) string) (*specs.State, *script, error) {
	t.Helper()
	c, s := scripted(t, func(fn string, _ int, call url.Values) (int, string) {
		switch fn {
		case "webdomain":
			elems := make([]string, n)
			for i := range elems {
				elems[i] = site(fmt.Sprintf("s%02d.example.com", i))
			}
			return 200, rows(n, elems...)
		case "webdomain.edit":
			return 200, form(call.Get("elid"))
		}
		return 0, ""
	})
	state, err := c.Snapshot(t.Context(), oneWant())
	if err != nil {
		t.Fatal(err)
	}
	f.Kind = webdomains().Kind
	return state, s, c.Fill(t.Context(), state, f)
}

func siteForm(elid string) string {
	return fmt.Sprintf(`<doc><elid>%s</elid><name>%s</name><owner>alice</owner><comment>c</comment></doc>`, elid, elid)
}

const goneSite = `<doc><error type="missed" object="webdomain"><msg>no such site</msg></error></doc>`

// TestFill: the forms of all that are kept are read, each resource is handed on
// once, and one that is gone by then is not in the state.
func TestFill(t *testing.T) {
	var mu sync.Mutex
	var got []string
	state, s, err := filled(t, 4, Filling{
		Keep: func(r *specs.Resource) bool { return r.Ref.Key != "s01.example.com" },
		Each: func(r *specs.Resource) {
			mu.Lock()
			defer mu.Unlock()
			v, _ := r.Fields.Get("comment")
			got = append(got, r.Ref.Key+" "+v.String())
		},
	}, func(elid string) string {
		if elid == "s02.example.com" {
			return goneSite
		}
		return siteForm(elid)
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"s00.example.com c", "s01.example.com ", "s03.example.com c"}, got); d != "" {
		t.Error(d)
	}
	if n := len(state.Resources("webdomain")); n != 3 || state.Find("webdomain", "s02.example.com") != nil || len(s.calls("webdomain.edit")) != 3 {
		t.Errorf("%d resources and %d forms", n, len(s.calls("webdomain.edit")))
	}
}

// TestFillOfListedFields: no form is read when the list has all that is wanted.
func TestFillOfListedFields(t *testing.T) {
	count := 0
	_, s, err := filled(t, 3, Filling{Field: func(f *specs.FieldRow) bool { return f.Name == "owner" }, Each: func(*specs.Resource) { count++ }}, siteForm)
	if err != nil || count != 3 || len(s.calls("webdomain.edit")) != 0 {
		t.Errorf("%v, %d resources, %d forms", err, count, len(s.calls("webdomain.edit")))
	}
}

// TestFillUnread: one form that cannot be read makes its resource unusable; when
// none can be read, the kind is not known, and not all are tried.
func TestFillUnread(t *testing.T) {
	denied := `<doc><error type="access"><msg>no</msg></error></doc>`
	state, _, err := filled(t, 3, Filling{}, func(elid string) string {
		if elid == "s01.example.com" {
			return denied
		}
		return siteForm(elid)
	})
	r := state.Find("webdomain", "s01.example.com")
	if err != nil || r == nil || !FormUnread(r) || !strings.Contains(r.Unusable, "access") || FormUnread(state.Find("webdomain", "s00.example.com")) {
		t.Errorf("%v, %+v", err, r)
	}
	state, s, err := filled(t, 90, Filling{}, func(string) string { return denied })
	if l, _ := state.Listing("webdomain"); err != nil || l.Err == nil || len(s.calls("webdomain.edit")) > 20 {
		t.Errorf("%v, %v, %d forms", err, l.Err, len(s.calls("webdomain.edit")))
	}
	_, _, err = filled(t, 3, Filling{}, func(string) string { return `<doc><error type="auth" object="badpassword"/></doc>` })
	if e := asError(t, err); !e.panelWide() {
		t.Error(e)
	}
}

// TestNewForm: the form without elid tells what a new one has; asking is a read.
func TestNewForm(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{})
	sim.Put("domain", "example.com", nil)
	for kind, want := range map[string]string{"webdomain": "index.php index.html", "domain.record": "3600", "scheduler": "*"} {
		field := map[string]string{"webdomain": "dirindex", "domain.record": "ttl", "scheduler": "input_min"}[kind]
		fields, err := c.NewForm(t.Context(), specs.Builtin().Kind(kind), "", "example.com")
		v, _ := fields.Get(field)
		if err != nil || v.String() != want {
			t.Errorf("%s: %v, %s is %q, want %q", kind, err, field, v, want)
		}
	}
	for _, call := range sim.Calls() {
		if call.Write {
			t.Errorf("it sent the writing call %s", call.Func)
		}
	}
	if fields, err := c.NewForm(t.Context(), specs.Builtin().Kind("sslcert"), "", ""); err != nil || fields != nil {
		t.Errorf("a kind without a form: %v, %v", fields, err)
	}
}

// TestListsSideBySide: the lists of many parents are read side by side within
// limits.reads, and together they are as if read one after the other: a column that
// some rows have is unset in the others, whoever read them.
func TestListsSideBySide(t *testing.T) {
	read := func(reads int) (*specs.State, int) {
		var mu sync.Mutex
		now, most := 0, 0
		c, _ := scripted(t, func(fn string, _ int, form url.Values) (int, string) {
			if fn != "domain.record" {
				return 0, ""
			}
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			defer func() { mu.Lock(); now--; mu.Unlock() }()
			ttl := ""
			if form.Get("elid") == "z3.example" {
				ttl = "<ttl>60</ttl>"
			}
			return 200, fmt.Sprintf(`<doc><elem><rkey>www.%s. A  192.0.2.1</rkey><rtype>A</rtype>%s</elem><p_elems>1</p_elems></doc>`, form.Get("elid"), ttl)
		})
		c.gate = newGate(reads, 1, 0)
		w := specs.Want{Kind: specs.Builtin().Kind("domain.record")}
		for i := range 20 {
			w.Parents = append(w.Parents, fmt.Sprintf("z%d.example", i))
		}
		state, err := c.Snapshot(t.Context(), []specs.Want{w})
		if err != nil {
			t.Fatal(err)
		}
		return state, most
	}
	one, _ := read(1)
	many, most := read(3)
	if most > 3 {
		t.Errorf("%d calls at a time", most)
	}
	if d := cmp.Diff(fmt.Sprintf("%+v", one.Resources("domain.record")), fmt.Sprintf("%+v", many.Resources("domain.record"))); d != "" || len(one.Resources("domain.record")) != 20 {
		t.Error(d)
	}
}

// TestOneKeyInTwoParents: a zone and its parent may hold the same NS record. Nobody
// can say which of them a spec means, but the listing is whole.
func TestOneKeyInTwoParents(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{})
	const ns = "sub.example.com. NS  ns1.example.com."
	for _, zone := range []string{"example.com", "sub.example.com"} {
		sim.Put("domain", zone, nil)
		sim.Put("domain.record", zone+"/"+ns, map[string]string{"rtype": "ns", "domain": "ns1.example.com."})
	}
	state, err := c.Snapshot(t.Context(), []specs.Want{{Kind: specs.Builtin().Kind("domain.record"), Parents: []string{"example.com", "sub.example.com"}}})
	if err != nil || !state.Complete("domain.record") {
		l, _ := state.Listing("domain.record")
		t.Fatal(err, l.Err)
	}
	rs := state.Resources("domain.record")
	if len(rs) != 2 || rs[0].Unusable == "" || rs[1].Unusable == "" || rs[0].Ref.Key != ns || rs[1].Ref.Key != ns+" #sub.example.com" {
		t.Errorf("%+v", rs)
	}
}
