package specs

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCatalog(t *testing.T) {
	for _, k := range Builtin().Kinds() {
		if k.Doc == "" || k.Key.Doc == "" || k.Key.Example == "" || !slices.Contains([]string{"high", "medium", "low"}, k.Sure) {
			t.Errorf("%s: doc, key.doc, key.example and sure must say something", k.Name)
		}
		if _, err := k.Key.Canon.Parse(k.Key.Example); err != nil {
			t.Errorf("%s: its key's example %q %v", k.Name, k.Key.Example, err)
		}
		for _, f := range k.Fields {
			if f.Doc == "" || f.Example == "" || !slices.Contains([]string{"high", "medium", "low"}, f.Sure) {
				t.Errorf("%s.%s: doc, example and sure must say something", k.Name, f.Name)
			}
			items := strings.Fields(f.Example)
			if f.Canon.Type() != ListType {
				items = []string{f.Example}
			}
			if _, err := f.Canon.Parse(items...); err != nil {
				t.Errorf("%s.%s: its example %q %v", k.Name, f.Name, f.Example, err)
			}
			if slices.Contains(entryKeys, f.Name) {
				t.Logf("%s.%s can only be written under params", k.Name, f.Name)
			}
		}
	}
}

// What `kinds -o yaml` prints is what `kinds:` takes.
func TestKindsRoundTrip(t *testing.T) {
	var first, second bytes.Buffer
	if err := WriteKinds(&first, Builtin().Kinds()...); err != nil {
		t.Fatal(err)
	}
	s := mustLoad(t, onePanel+first.String())
	if err := WriteKinds(&second, s.Catalog.Kinds()...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Errorf("-written +read\n%s", diff)
	}
}

// The form of a row fits keys made of parts, parents, and calls as another
// account, without code: these are kinds of the panel that the catalog does
// not have yet.
func TestRowsForComposedKinds(t *testing.T) {
	s := mustLoad(t, onePanel+`
kinds:
  email:
    key: {canon: email}
    create: {name: 'split(key, "@")[0]', domainname: 'split(key, "@")[1]'}
    fields: {passwd: {secret: true, confirm: confirm}, maxsize: {canon: size_mib, read: list, column: size_total}}
  db:
    key: {canon: text, compose: 'name contains "->" ? name : name + "->MySQL"'}
    create: {name: 'split(key, "->")[0]', server: 'split(key, "->")[1]'}
    fields: {owner: {refers: user, create_only: true}}
    owner: owner
  domain.record:
    parent: {kind: domain, field: plid}
    key: {canon: text, column: rkey, compose: '(name endsWith "." ? name : name + "." + plid + ".") + " " + upper(rtype) + "  " + value'}
    create: {name: 'split(key, " ")[0]', ip: 'rtype in ["a", "aaaa"] ? value : nil', domain: 'rtype == "cname" ? value : nil'}
    fields: {plid: {canon: host, create_only: true}, rtype: {canon: lower, create_only: true}, value: {create_only: true, read: never}}
  scheduler:
    su: user
    key: {canon: text, column: description, elid: key, unique: false}
    create: {description: key}
    fields: {command: {}}
resources:
  domain: [{name: example.com}]
  email: [{name: Info@Example.com}]
  db: [{name: shop, owner: alice}, {name: shop->PostgreSQL}]
  domain.record: [{name: www, plid: example.com, rtype: A, value: 192.0.2.1}]
  scheduler: [{name: nightly, su: alice, command: /bin/true}]
`)
	st := s.Desired("web1")
	for _, tc := range []struct {
		kind, key string
		create    [][2]string
	}{
		{"email", "info@example.com", [][2]string{{"domainname", "example.com"}, {"name", "info"}}},
		{"db", "shop->MySQL", [][2]string{{"name", "shop"}, {"server", "MySQL"}}},
		{"db", "shop->PostgreSQL", [][2]string{{"name", "shop"}, {"server", "PostgreSQL"}}},
		{"domain.record", "www.example.com. A  192.0.2.1", [][2]string{{"ip", "192.0.2.1"}, {"name", "www.example.com."}}},
		{"scheduler", "nightly", [][2]string{{"description", "nightly"}}},
		{"domain", "example.com", [][2]string{{"name", "example.com"}}},
	} {
		r := st.Find(tc.kind, tc.key)
		if r == nil {
			t.Errorf("no %s %q among\n%s", tc.kind, tc.key, dump(s))
			continue
		}
		got, err := s.Catalog.Kind(tc.kind).CreateParams(r)
		if diff := cmp.Diff(tc.create, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", r.Ref, err, diff)
		}
	}
	if rec, zone := s.Catalog.Kind("domain.record"), s.Catalog.Kind("domain"); rec.Rank <= zone.Rank {
		t.Error("a record must come after its zone")
	}
}

func TestBadRows(t *testing.T) {
	for _, tc := range []struct{ row, msg string }{
		{"list: user.delete", "a function that changes something"},
		{"fields: {a: {refers: nothing}}", `refers to the unknown kind "nothing"`},
		{"fields: {a: {toggle: true}}", "needs suspend and resume"},
		{"fields: {a: {secret: true, read: list}}", "read must be never"},
		{"fields: {a: {canon: hostname}}", `unknown canonicaliser "hostname"`},
		{"fields: {a: {read: elsewhere}}", "read must be list, form or never"},
		{"owner: nobody", "must be a field that refers to a kind"},
		{"parent: {kind: domain}", "must both exist"},
		{"brings: [nothing]", `unknown kind "nothing"`},
		{"key: {compose: 'nam + 1'}", "unknown name nam"},
		{"wrong: 1", `unknown key "wrong"`},
		{"fields: {a: {refers: y}}}, y: {fields: {b: {refers: x}}", "in a circle: x → y → x"},
	} {
		_, err := loadText(t, onePanel+"kinds: {x: {"+tc.row+"}}\n", Options{})
		if err == nil || !strings.Contains(err.Error(), tc.msg) || !strings.Contains(err.Error(), "stdin:6:") {
			t.Errorf("%s: want %q, got %v", tc.row, tc.msg, err)
		}
	}
}

func TestPanels(t *testing.T) {
	s := mustLoad(t, `
panels:
  - for_each: [{n: web1, r: ams}, {n: web2, r: fra}]
    name: "${each.n}"
    url: "https://${each.n}.example.net:1500/ispmgr"
    auth: {method: authinfo, username: root, password: "${secret.env(upper(each.n) + '_PW')}"}
    labels: {region: "${each.r}"}
    tls: {ca_file: ca.pem, pin_sha256: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=, insecure_skip_verify: off}
    limits: {reads: 8, writes: 2, rate: 5/s}
    timeout: 90s
    su: bob
    lang: ru
`)
	p := s.Panel("web2")
	if p == nil || p.URL != "https://web2.example.net:1500/ispmgr" || p.Auth != (Auth{Method: AuthAuthinfo, Username: "root", Password: Secret{SecretEnv, "WEB2_PW"}}) ||
		p.Labels["region"] != "fra" || p.TLS.CAFile != "ca.pem" || len(p.TLS.PinSHA256) != 32 || p.TLS.InsecureSkipVerify ||
		p.Limits != (Limits{8, 2, 5}) || p.Timeout.Seconds() != 90 || p.Su != "bob" || p.Lang != "ru" {
		t.Errorf("got %+v", p)
	}
}

func TestRules(t *testing.T) {
	s := mustLoad(t, onePanel+`
vars: {who: alice}
resources: {webdomain: [{name: a.org}]}
prune: {webdomain: owner == vars.who && "www.x.org" in aliases && !active && panel.name == "web1"}
protect: {user: name startsWith "r" || quota_used > 100}
`)
	panel := *s.Panel("web1")
	site := Resource{Ref: Ref{"web1", "webdomain", "b.org"}, Fields: Fields{{"aliases", List("www.x.org")}, {"owner", Text("alice")}}}
	for _, tc := range []struct {
		rule *Rule
		r    Resource
		want bool
	}{
		{s.Prune["webdomain"], site, true},
		{s.Prune["webdomain"], Resource{Ref: site.Ref, Fields: site.Fields[1:]}, false},
		{s.Protect["user"], Resource{Ref: Ref{"web1", "user", "root"}, Meters: Fields{{"quota_used", Number(1)}}}, true},
		{s.Protect["user"], Resource{Ref: Ref{"web1", "user", "bob"}, Meters: Fields{{"quota_used", Number(101)}}}, true},
		{s.Protect["user"], Resource{Ref: Ref{"web1", "user", "bob"}, Meters: Fields{{"quota_used", Number(1)}}}, false},
	} {
		if got, err := tc.rule.Test(panel, &tc.r); got != tc.want || err != nil {
			t.Errorf("%s of %v: %v, %v", tc.rule.Source, tc.r, got, err)
		}
	}
	if _, err := s.Protect["user"].Test(panel, &Resource{}); err == nil {
		t.Error("a rule over a meter that is not told was decided")
	}
}

// Panels of a generation have their own names for functions and parameters.
func TestDialects(t *testing.T) {
	six, four := Builtin().For(6).Kind("webdomain"), Builtin().For(4).Kind("webdomain")
	plain := Builtin().For(0).Kind("webdomain")
	if six.Edit != "site.edit" || six.Key.Param != "site_name" || six.Field("aliases").Param != "site_aliases" || six.Field("aliases").Form != "site_aliases" || six.List != "webdomain" {
		t.Errorf("v6: %s %s %s", six.Edit, six.Key.Param, six.Field("aliases").Param)
	}
	if four.List != "wwwdomain" || four.Field("aliases").Param != "alias" || four.Suspend != "wwwdomain.disable" {
		t.Errorf("v4: %s %s %s", four.List, four.Field("aliases").Param, four.Suspend)
	}
	if plain != Builtin().Kind("webdomain") || plain.Field("aliases").Param != "aliases" || plain.Edit != "webdomain.edit" {
		t.Error("without a generation the row is not as written")
	}
}

// TestWithin: what lives in what.
func TestWithin(t *testing.T) {
	for kind, want := range map[string][]string{
		"user": {"scheduler"}, "domain": {"domain.record"}, "emaildomain": {"email"}, "db": {"db.users"}, "webdomain": nil,
	} {
		if d := cmp.Diff(want, Builtin().Within(kind)); d != "" {
			t.Errorf("%s: %s", kind, d)
		}
	}
}
