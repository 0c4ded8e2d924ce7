package apiclient

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

func sorted(s []string) []string { slices.Sort(s); return s }

// told is a resource as a test writes it: field=value, sorted.
func told(r *specs.Resource) map[string]string {
	if r == nil {
		return nil
	}
	m := map[string]string{}
	for _, f := range r.Fields {
		m[f.Name] = f.Value.String()
	}
	return m
}

// answerList makes a client whose panel answers one list with a document.
func answerList(t testing.TB, kind, doc string) *Client {
	c, _ := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
		if fn == kind {
			return 200, doc
		}
		return 0, ""
	})
	return c
}

func TestRowsV6(t *testing.T) {
	l := listed(t, answerList(t, "webdomain", xmlDecl+`<doc lang="en" func="webdomain" binary="/ispmgr">
  <metadata name="webdomain" type="list" key="name"><coldata><col name="name"/></coldata></metadata>
  <elem>
    <active>off</active><analyzer orig="off">None &amp; nothing</analyzer><database orig="db_not_assigned">Not used</database>
    <docroot>/var/www/alice/data/www/пример.рф</docroot><ipaddr>192.0.2.11, 192.0.2.10</ipaddr><name>ПРИМЕР.рф</name>
    <owner>Alice</owner><php_mode><![CDATA[php_mode_]]>cgi</php_mode><secure/><nested>x<name>not the name</name></nested>
  </elem>
  <elem><name>plain.example.com</name><owner>bob</owner><active>on</active><secure>on</secure></elem>
  <p_elems>2</p_elems></doc>`), webdomains())
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	idn, plain := &l.Resources[1], &l.Resources[0]
	if idn.Ref.String() != "web1/webdomain/xn--e1afmkfd.xn--p1ai" || idn.Elid != "ПРИМЕР.рф" || plain.Elid != "" {
		t.Errorf("%v by %q, %v by %q", idn.Ref, idn.Elid, plain.Ref, plain.Elid)
	}
	want := map[string]string{
		"active": "false", "analyzer": "off", "docroot": "www/пример.рф", "home": "www/пример.рф", "ipaddrs": "192.0.2.10 192.0.2.11",
		"owner": "alice", "php_mode": "php_mode_cgi", "secure": "false",
	}
	if diff := cmp.Diff(want, told(idn)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	// What some rows carry is unset in the others.
	want = map[string]string{"active": "true", "analyzer": "", "docroot": "", "home": "", "ipaddrs": "", "owner": "bob", "php_mode": "", "secure": "true"}
	if diff := cmp.Diff(want, told(plain)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !slices.IsSortedFunc(idn.Fields, func(a, b specs.Field) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("fields are not sorted")
	}
}

// TestRowsV4: bare nodes are on, absent ones off, and a column no row has is
// not told at all.
func TestRowsV4(t *testing.T) {
	l := listed(t, answerList(t, "webdomain", xmlDecl+`<doc><elem><name>a.example.com</name><owner>alice</owner><active/></elem><elem><name>b.example.com</name></elem></doc>`), webdomains())
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	want := []map[string]string{{"active": "true", "owner": "alice"}, {"active": "false", "owner": ""}}
	if diff := cmp.Diff(want, []map[string]string{told(&l.Resources[0]), told(&l.Resources[1])}); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestMeters(t *testing.T) {
	l := listed(t, answerList(t, "user", rows(2, `<elem><name>alice</name><quota_used>12</quota_used><level>x16</level></elem>`, `<elem><name>bob</name></elem>`)), specs.Want{Kind: specs.Builtin().Kind("user")})
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	want := specs.Fields{{Name: "level", Value: specs.Text("x16")}, {Name: "quota_used", Value: specs.Number(12)}}
	if !slices.Equal(l.Resources[0].Meters, want) || len(l.Resources[1].Meters) != 0 {
		t.Errorf("%v, %v", l.Resources[0].Meters, l.Resources[1].Meters)
	}
	if _, ok := l.Resources[0].Fields.Get("quota_used"); ok {
		t.Error("a meter is no field")
	}
}

// TestUnusableKeys: a name that elid cannot carry does not spoil the listing;
// its resource is left alone.
func TestUnusableKeys(t *testing.T) {
	l := listed(t, answerList(t, "webdomain", rows(5, site("a, b"), site("x&#1;y"), site("x&#2;y"), site("z\xff"), site("fine.example.com"))), webdomains())
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	want := map[string]string{"a, b": "comma", `x\x01y`: "control", `x\x02y`: "control", "z\uFFFD": "UTF-8", "fine.example.com": ""}
	for _, r := range l.Resources {
		says, ok := want[r.Ref.Key]
		if !ok || (r.Unusable == "") != (says == "") || !strings.Contains(r.Unusable, says) {
			t.Errorf("%q: %q", r.Ref.Key, r.Unusable)
		}
		delete(want, r.Ref.Key)
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
}

// TestColumnsInAnyOrder: rows need not have their columns alike.
func TestColumnsInAnyOrder(t *testing.T) {
	cols := []string{"<active>on</active>", "<x1/>", "<x2/>", "<x3/>", "<x4/>", "<owner>alice</owner>", "<php_mode>m</php_mode>"}
	var elems []string
	for i := range 40 {
		name := "<name>s" + string(rune('a'+i/10)) + string(rune('a'+i%10)) + ".example.com</name>"
		elem := name
		for j := range cols {
			if (i+j)%3 != 0 || j == 5 {
				elem += cols[(j*(i%7+1)+i)%len(cols)]
			}
		}
		elems = append(elems, "<elem>"+elem+"</elem>")
	}
	l := listed(t, answerList(t, "webdomain", rows(len(elems), elems...)), webdomains())
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	for i, r := range l.Resources {
		for field, col := range map[string]string{"active": "<active>", "owner": "<owner>alice", "php_mode": "<php_mode>m"} {
			v, _ := r.Fields.Get(field)
			if has := strings.Contains(elems[i], col); has == (v.IsEmpty() || v == specs.Bool(false)) {
				t.Errorf("%s: %s is %q in %s", r.Ref.Key, field, v, elems[i])
			}
		}
	}
}

// TestSimulatedGenerations: what a client reads is what the panel has, in each dialect.
func TestSimulatedGenerations(t *testing.T) {
	for _, g := range []simpanel.Generation{simpanel.V6, simpanel.V5, simpanel.V4} {
		c, sim := simulated(t, simpanel.Options{Generation: g})
		sim.Seed(3, 2)
		sim.Put("webdomain", "site00001-1.example.com", map[string]string{"active": "off", "docroot": "www/elsewhere", "aliases": "b.example.com a.example.com", "php": "off"})
		want := webdomains()
		want.Forms = func(string) bool { return true }
		state, err := c.Snapshot(t.Context(), []specs.Want{want, {Kind: specs.Builtin().Kind("user")}})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"webdomain", "user"} {
			k := specs.Builtin().Kind(kind)
			if len(state.Resources(kind)) != sim.Count(kind) {
				l, _ := state.Listing(kind)
				t.Fatalf("%s: %d of %d: %v", kind, len(l.Resources), sim.Count(kind), l.Err)
			}
			for _, r := range state.Resources(kind) {
				truth, _ := sim.Get(kind, r.Ref.Key)
				for _, f := range r.Fields {
					text, ok := truth[f.Name]
					if f.Name == "docroot" && text == "" || f.Name == "home" || !ok {
						continue
					}
					if v := k.Field(f.Name).Canon.FromPanel(text); v != f.Value {
						t.Errorf("generation %d: %s %s is %q, and the panel has %q", g, r.Ref, f.Name, f.Value, text)
					}
				}
			}
		}
		one := told(state.Find("webdomain", "site00001-1.example.com"))
		if one["active"] != "false" || one["docroot"] != "www/elsewhere" || one["aliases"] != "a.example.com b.example.com" || one["php"] != "false" {
			t.Errorf("generation %d: %v", g, one)
		}
	}
}
