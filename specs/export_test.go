package specs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// nastyText draws texts that YAML, templates and expressions take for something
// else, and any other.
func nastyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "on", "No", "0755", "1.10", "*x", "&a", "!t", "# no", "a: b", "- x", "null", "~", "<<", "${vars.x}", "$${x}", "$$", "a ${ b",
			"${secret.env('X')}", "'", `"`, `\`, "two\nlines", "\n", "\t", " edges ", "emoji 🐘", "\u202ebidi", "\u00a0", "\u2028", "\ufeff", "2001-01-01", "{a: b}", "[x]", "@x", "%x", "|", ">",
			"? x", "y", "=", "1_000", "0x1F", "пример.рф", "xn--e1afmkfd.xn--p1ai", "XN--E1AFMKFD.XN--P1AI", "xn--80ak6aa92e.com", "xn--a", "info@xn--e1afmkfd.xn--p1ai", ".", "a.b.", "1e3", "-0", "+1", "007"}),
		rapid.String(), rapid.StringMatching(`[a-z0-9.@>%#/ -]{1,12}`))
}

// drawState draws what may be live on a panel: any text as key and as value,
// made canonical as the client does it.
func drawState(t *rapid.T, catalog *Catalog, panel string) *State {
	st := NewState(panel)
	for _, k := range catalog.Kinds() {
		if !k.Declarable() || !rapid.Bool().Draw(t, k.Name) {
			continue
		}
		seen := map[string]bool{}
		var rs []Resource
		for range rapid.IntRange(0, 4).Draw(t, "how many "+k.Name) {
			r, ok := drawResource(t, k, panel)
			if ok && !seen[r.Ref.Key] {
				seen[r.Ref.Key] = true
				rs = append(rs, r)
			}
		}
		if err := st.Set(k.Name, rs); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func drawResource(t *rapid.T, k *Kind, panel string) (Resource, bool) {
	text := func(label string) string { return nastyText().Draw(t, k.Name+" "+label) }
	r := Resource{Ref: Ref{Panel: panel, Kind: k.Name}}
	if k.Su != "" {
		r.Su = rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "su")
	}
	for _, f := range k.Fields {
		if f.Secret || f.Read == Never && !(k.Parent != nil && f.Name == k.Parent.Field) || !rapid.Bool().Draw(t, k.Name+" has "+f.Name) && !f.KeyPart && f.Name != k.parentField() {
			continue
		}
		v := f.Canon.FromPanel(text(f.Name))
		if len(f.Values) > 0 && rapid.Bool().Draw(t, "documented") {
			v = f.Canon.FromPanel(rapid.SampledFrom(f.Values).Draw(t, f.Name))
		}
		if f.Name == k.parentField() {
			v = f.Canon.FromPanel(rapid.SampledFrom([]string{"example.com", "xn--e1afmkfd.xn--p1ai", "shop->MySQL"}).Draw(t, f.Name))
			r.Parent = v.String()
		}
		r.Fields = append(r.Fields, Field{f.Name, v})
	}
	raw := text("key")
	switch {
	case k.Name == "domain.record":
		rtype, _ := r.Fields.Get("rtype")
		raw = rapid.SampledFrom([]string{"www.", "", "*.", "_dmarc."}).Draw(t, "label") + r.Parent + ". " + strings.ToUpper(rtype.String()) + "  " + raw
	case k.compose != nil && rapid.Bool().Draw(t, "composed"):
		if key, err := k.composeKey(raw, r.Su, r.Fields); err == nil {
			raw = key
		}
	}
	r.Ref.Key = k.Key.Canon.FromPanel(raw).String()
	return r, r.Ref.Key != ""
}

// TestLawExportIsReadBack: what an export writes of any states is a spec that
// declares exactly what was live, whatever texts there are: each field it says
// has the live value, and what it leaves unsaid is what a new one has, or is
// noted.
func TestLawExportIsReadBack(t *testing.T) {
	rapid.Check(t, lawExport(t.TempDir()))
}

func FuzzExport(f *testing.F) {
	dir := f.TempDir()
	f.Fuzz(rapid.MakeFuzz(lawExport(dir)))
}

func lawExport(dir string) func(*rapid.T) {
	return func(t *rapid.T) {
		names := []string{"web1", "web2", "1.web"}[:rapid.IntRange(1, 3).Draw(t, "panels")]
		beside := besidePanels(t, dir, names)
		o := ExportOptions{Catalog: beside.Catalog, Panels: names}
		if n := rapid.IntRange(0, len(Splits)).Draw(t, "splits"); n > 0 {
			o.Split = rapid.Permutation(Splits).Draw(t, "split")[:n]
		}
		x := NewExporter(o)
		live := map[string]*State{}
		for _, name := range names {
			st := drawState(t, beside.Catalog, name)
			live[name] = cloneState(st)
			for _, k := range beside.Catalog.Kinds() {
				x.Fresh(name, k, drawFresh(t, k))
				rs := st.Resources(k.Name)
				for i := range rs {
					x.Slim(name, k, &rs[i])
				}
			}
			x.Add(*beside.Panel(name), st, nil)
		}
		e := x.Finish()
		spec, err := Load(Options{Paths: writeExport(t, e, filepath.Join(dir, "out")), Beside: beside})
		if err != nil {
			t.Fatalf("the export is no spec: %v", err)
		}
		if spec.Len() != e.Resources() {
			t.Fatalf("%d resources are declared and %d were written", spec.Len(), e.Resources())
		}
		for _, name := range names {
			holdAgainst(t, beside.Catalog, spec.Desired(name), live[name])
		}
		if spec.Len()+leftOut(x) != liveLen(live) {
			t.Fatalf("of %d live ones %d are declared and %d left out:\n%s", liveLen(live), spec.Len(), leftOut(x), strings.Join(e.Notes, "\n"))
		}
	}
}

func besidePanels(t *rapid.T, dir string, names []string) *Spec {
	text := "panels:\n"
	for _, name := range names {
		text += "  - {name: " + name + ", url: 'local:'}\n"
	}
	path := filepath.Join(dir, "panels.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(Options{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drawFresh draws what a new resource has.
func drawFresh(t *rapid.T, k *Kind) Fields {
	var out Fields
	for _, f := range k.Fields {
		if !f.Secret && f.Read != Never && rapid.Bool().Draw(t, "a new "+k.Name+" has "+f.Name) {
			out = append(out, Field{f.Name, f.Canon.FromPanel(nastyText().Draw(t, f.Name))})
		}
	}
	return out
}

func cloneState(s *State) *State {
	out := NewState(s.Panel)
	for _, k := range s.Kinds() {
		rs := slices.Clone(s.Resources(k))
		for i := range rs {
			rs[i].Fields = slices.Clone(rs[i].Fields)
		}
		out.Set(k, rs) //nolint:errcheck // as it was
	}
	return out
}

func writeExport(t *rapid.T, e *Export, dir string) []string {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	paths := []string{}
	for i := range e.Files {
		var b bytes.Buffer
		if err := e.Write(&b, &e.Files[i]); err != nil {
			t.Fatal(err)
		}
		if c := strings.IndexFunc(b.String(), invisible); c >= 0 {
			t.Fatalf("a character that no eye can see: %q", b.String()[c:])
		}
		path := filepath.Join(dir, filepath.FromSlash(e.Files[i].Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// holdAgainst holds what a spec declares against what was live.
func holdAgainst(t *rapid.T, c *Catalog, desired, live *State) {
	for _, kind := range desired.Kinds() {
		for _, d := range desired.Resources(kind) {
			l := live.Find(kind, d.Ref.Key)
			if l == nil {
				t.Fatalf("%s was not live", d.Ref)
			}
			if d.Su != l.Su || d.Parent != l.Parent {
				t.Fatalf("%s: su %q and parent %q were %q and %q", d.Ref, d.Su, d.Parent, l.Su, l.Parent)
			}
			for _, f := range d.Fields {
				v, ok := l.Fields.Get(f.Name)
				if row := c.Kind(kind).Field(f.Name); ok && v != f.Value || !ok && !c.Kind(kind).isPart()(row) {
					t.Fatalf("%s: %s is declared %q and was %q (%t)", d.Ref, f.Name, f.Value, v, ok)
				}
			}
		}
	}
}

func leftOut(x *Exporter) int {
	n := 0
	for _, keys := range x.notes.left {
		n += len(keys)
	}
	return n
}

func liveLen(live map[string]*State) int {
	n := 0
	for _, s := range live {
		n += s.Len()
	}
	return n
}

// TestDeclare: the entries that keys become, as a person writes them.
func TestDeclare(t *testing.T) {
	for _, tc := range []struct {
		kind, key, su, parent string
		fields                Fields
		name, want            string // want is the other fields of the key, as text
	}{
		{"webdomain", "xn--e1afmkfd.xn--p1ai", "", "", nil, "пример.рф", ""},
		{"webdomain", "a_b.example.com", "", "", nil, "a_b.example.com", ""},
		{"email", "info@xn--e1afmkfd.xn--p1ai", "", "", nil, "info@пример.рф", ""},
		{"db", "shop->MySQL", "", "", nil, "shop", ""},
		{"db", "shop->pg main", "", "", nil, "shop->pg main", ""},
		{"db.users", "shop->MySQL/writer", "", "shop->MySQL", Fields{{"plid", Text("shop->MySQL")}}, "writer", "plid=shop->MySQL"},
		{"scheduler", "alice/nightly: a/b", "alice", "", nil, "nightly: a/b", ""},
		{"sslcert", "alice%#%shop.example.com", "", "", Fields{{"owner", Text("alice")}}, "shop.example.com", "owner=alice"},
		{"domain.record", "www.example.com. A  192.0.2.1", "", "example.com", Fields{{"plid", Text("example.com")}, {"rtype", Text("a")}}, "www", "plid=example.com rtype=a value=192.0.2.1"},
		{"domain.record", "example.com. MX  mail.example.com.", "", "example.com", Fields{{"plid", Text("example.com")}, {"rtype", Text("mx")}}, "@", "plid=example.com rtype=mx value=mail.example.com."},
		{"domain.record", "a.b.example.com. TXT  v=x; p= y  z", "", "example.com", Fields{{"plid", Text("example.com")}, {"rtype", Text("txt")}}, "a.b", "plid=example.com rtype=txt value=v=x; p= y  z"},
		{"domain.record", "example.com.example.com. A  192.0.2.1", "", "example.com", Fields{{"plid", Text("example.com")}, {"rtype", Text("a")}}, "example.com.example.com.", "plid=example.com rtype=a value=192.0.2.1"},
		{"webdomain", "a, b", "", "", nil, "", ""},
		{"domain.record", "something else", "", "example.com", Fields{{"plid", Text("example.com")}, {"rtype", Text("a")}}, "", ""},
	} {
		k := Builtin().Kind(tc.kind)
		r := &Resource{Ref: Ref{"web1", tc.kind, tc.key}, Su: tc.su, Parent: tc.parent, Fields: tc.fields}
		id, ok := k.Declare(r)
		var parts []string
		for _, f := range id.Fields {
			parts = append(parts, f.Name+"="+f.Value.String())
		}
		if !ok && tc.name == "" {
			continue
		}
		if got := strings.Join(parts, " "); !ok || id.Name != tc.name || got != tc.want {
			t.Errorf("%s %q: got %t, %q with %q; want %q with %q", tc.kind, tc.key, ok, id.Name, got, tc.name, tc.want)
		}
	}
}

// exportText exports sites of one panel, or the same of several, as one document.
func exportText(t *testing.T, fresh Fields, panels []string, resources ...Resource) string {
	t.Helper()
	x := NewExporter(ExportOptions{Catalog: Builtin(), Panels: panels})
	for _, name := range panels {
		st := NewState(name)
		byKind := map[string][]Resource{}
		for _, r := range resources {
			if r.Ref.Panel == "" || r.Ref.Panel == name {
				r.Ref.Panel = name
				byKind[r.Ref.Kind] = append(byKind[r.Ref.Kind], r)
			}
		}
		for kind, rs := range byKind {
			st.Set(kind, rs) //nolint:errcheck // no doubles in this test
			x.Fresh(name, Builtin().Kind(kind), fresh)
			for i := range rs {
				x.Slim(name, Builtin().Kind(kind), &rs[i])
			}
		}
		x.Add(Panel{Name: name}, st, nil)
	}
	var b bytes.Buffer
	if err := x.Finish().WriteDocument(&b); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(b.String(), "\n\n")
	return text
}

func site(panel, name string, fields ...Field) Resource {
	fields = append(fields, Field{"owner", Text("alice")})
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return Resource{Ref: Ref{panel, "webdomain", name}, Fields: fields}
}

// TestExportDefaults: what most have alike moves to defaults, but only when every
// resource of the kind has the field: defaults are for all of them.
func TestExportDefaults(t *testing.T) {
	mode := func(v string) Field { return Field{"php_mode", Text(v)} }
	for name, tc := range map[string]struct {
		resources []Resource
		want      string
	}{
		"most alike": {[]Resource{site("", "a.ru", mode("fpm")), site("", "b.ru", mode("fpm")), site("", "c.ru", mode("cgi"))},
			"defaults:\n  webdomain:\n    php_mode: fpm\n\nresources:\n  webdomain:\n    - name: a.ru\n      owner: alice\n    - name: b.ru\n      owner: alice\n    - name: c.ru\n      owner: alice\n      php_mode: cgi\n"},
		"what a new one has is said where it differs from the default": {[]Resource{site("", "a.ru", mode("fpm")), site("", "b.ru", mode("fpm")), site("", "c.ru", mode("fpm")), site("", "d.ru", mode("usual"))},
			"defaults:\n  webdomain:\n    php_mode: fpm\n\nresources:\n  webdomain:\n    - name: a.ru\n      owner: alice\n    - name: b.ru\n      owner: alice\n    - name: c.ru\n      owner: alice\n    - name: d.ru\n      owner: alice\n      php_mode: usual\n"},
		"one does not have it": {[]Resource{site("", "a.ru", mode("fpm")), site("", "b.ru", mode("fpm")), site("", "c.ru")},
			"resources:\n  webdomain:\n    - name: a.ru\n      owner: alice\n      php_mode: fpm\n    - name: b.ru\n      owner: alice\n      php_mode: fpm\n    - name: c.ru\n      owner: alice\n"},
		"not worth it": {[]Resource{site("", "a.ru", mode("fpm")), site("", "b.ru", mode("cgi"))},
			"resources:\n  webdomain:\n    - name: a.ru\n      owner: alice\n      php_mode: fpm\n    - name: b.ru\n      owner: alice\n      php_mode: cgi\n"},
		"the usual value is left out": {[]Resource{site("", "a.ru", mode("usual"), Field{"active", Bool(true)}, Field{"docroot", Text("www/a.ru")}), site("", "b.ru", Field{"active", Bool(false)}, Field{"docroot", Text("www/x")})},
			"resources:\n  webdomain:\n    - name: a.ru\n      owner: alice\n    - name: b.ru\n      owner: alice\n      active: false\n      docroot: www/x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, exportText(t, Fields{{"php_mode", Text("usual")}}, []string{"web1"}, tc.resources...)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestExportPanels: with several panels each entry says where it belongs, and
// what is the same on some of them is one entry, but not with a secret.
func TestExportPanels(t *testing.T) {
	user := Resource{Ref: Ref{Kind: "user", Key: "alice"}}
	got := exportText(t, nil, []string{"web1", "web2"}, site("", "a.ru"), site("web2", "b.ru"), user)
	want := `resources:
  user:
    - name: alice
      panels: [web1]
      passwd: "${secret.env('WEB1_USER_ALICE_PASSWD')}"
    - name: alice
      panels: [web2]
      passwd: "${secret.env('WEB2_USER_ALICE_PASSWD')}"
  webdomain:
    - name: a.ru
      panels: [web1, web2]
      owner: alice
    - name: b.ru
      panels: [web2]
      owner: alice

# Secrets to fill in, as variables of the environment, before a resource can be made anew:
#   WEB1_USER_ALICE_PASSWD
#   WEB2_USER_ALICE_PASSWD
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestSecretNames: names of variables are such, and each is there once.
func TestSecretNames(t *testing.T) {
	names := SecretNames{}
	for _, tc := range []struct{ key, want string }{
		{"alice", "WEB1_USER_ALICE_PASSWD"}, {"a.b", "WEB1_USER_A_B_PASSWD"}, {"a-b", "WEB1_USER_A_B_PASSWD_2"}, {"вася", "WEB1_USER_PASSWD"}, {"a..b", "WEB1_USER_A_B_PASSWD_3"},
	} {
		if got := names.Next(Ref{"web1", "user", tc.key}, "passwd"); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.key, got, tc.want)
		}
	}
	if got := names.Next(Ref{"1", "2", "3"}, "4"); got != "_1_2_3_4" {
		t.Errorf("got %s", got)
	}
}

// TestExportFileNames: files of accounts whatever their names, on any disk.
func TestExportFileNames(t *testing.T) {
	x := NewExporter(ExportOptions{Catalog: Builtin(), Panels: []string{"web1"}, Split: []string{"owner"}})
	st := NewState("web1")
	var rs []Resource
	for i, owner := range []string{"alice", "Alice", "../up", ".hidden", "a/b", "defaults", "", strings.Repeat("й", 80)} {
		rs = append(rs, Resource{Ref: Ref{"web1", "webdomain", fmt.Sprintf("%d.ru", i)}, Fields: Fields{{"owner", Text(owner)}}})
	}
	st.Set("webdomain", rs) //nolint:errcheck // no doubles
	x.Add(Panel{Name: "web1"}, st, nil)
	var got []string
	for _, f := range x.Finish().Files {
		got = append(got, f.Name)
	}
	want := []string{"-server-.yaml", "Alice-2.yaml", "_.._up.yaml", "_.hidden.yaml", "a_b.yaml", "alice.yaml", "defaults-2.yaml", strings.Repeat("й", 50) + ".yaml"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
