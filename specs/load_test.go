package specs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// onePanel is the head of a spec whose entries need not say on which panel they are.
const onePanel = `
panels:
  - name: web1
    url: https://web1.example.net:1500/ispmgr
    auth: {username: root, password: "${secret.env('P')}"}
`

// twoPanels has labels, so entries must choose.
const twoPanels = `
panels:
  - {name: web1, url: "https://web1.example.net:1500/ispmgr", auth: {username: root, password: "${secret.env('P')}"}, labels: {region: ams, size: 2}}
  - {name: web2, url: "https://web2.example.net:1500/ispmgr", auth: {username: root, password: "${secret.env('P')}"}, labels: {region: fra, size: 1}}
`

func loadText(t testing.TB, text string, o Options) (*Spec, error) {
	t.Helper()
	o.Paths, o.Stdin = []string{"-"}, strings.NewReader(text)
	return Load(o)
}

func mustLoad(t testing.TB, text string) *Spec {
	t.Helper()
	s, err := loadText(t, text, Options{})
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return s
}

// dump writes what a spec wants, one resource a line.
func dump(s *Spec) string {
	var b strings.Builder
	for _, p := range s.Panels {
		st := s.Desired(p.Name)
		for _, kind := range st.Kinds() {
			for _, r := range st.Resources(kind) {
				fmt.Fprintf(&b, "%s", r.Ref)
				if r.Absent {
					b.WriteString(" absent")
				}
				if r.Su != "" {
					b.WriteString(" su=" + r.Su)
				}
				for _, f := range r.Fields {
					fmt.Fprintf(&b, " %s=%v", f.Name, f.Value.Any())
				}
				for _, f := range r.Secrets {
					fmt.Fprintf(&b, " %s=%s", f.Name, f.Secret)
				}
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}

func TestDesired(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sites.csv":  "name,owner\nshop,alice\nblog,bob\n",
		"excel.csv":  "\ufeffname;owner\nshop;alice\n",
		"sites.json": `[{"name": "shop", "limit": 10}]`,
		"sites.yml_": "{b: {owner: bob}, a: {owner: alice}}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ name, spec, want string }{
		{"texts stay as written", onePanel + `
resources:
  user: [{name: alice, fullname: 0755, comment: 1.10, preset: on, backup: on}]`,
			"web1/user/alice backup=true comment=1.10 fullname=0755 preset=on\n"},
		{"defaults lie under what an entry says", onePanel + `
defaults: {webdomain: {php_mode: php_mode_mod, secure: true}}
resources: {webdomain: [{name: a.org, php_mode: php_mode_cgi}, {name: b.org}]}`,
			"web1/webdomain/a.org php_mode=php_mode_cgi secure=true\nweb1/webdomain/b.org php_mode=php_mode_mod secure=true\n"},
		{"for_each over a list, a map and data files", onePanel + `
resources:
  webdomain:
    - {for_each: [shop, blog], name: "${each}.example.com"}
    - {for_each: {b: 2, a: 1}, name: "${key}${each}.example.org", aliases: ["${key}.net", www.x.net]}
    - {for_each: "${csv('sites.csv')}", name: "${each.name}.example.net", owner: "${each.owner}"}
    - {for_each: "${csv('excel.csv')}", name: "x-${each.name}.net", owner: "${each.owner}"}
    - {for_each: "${yaml('sites.yml_')}", name: "${key}.yaml.net", owner: "${each.owner}"}
  user:
    - {for_each: "${json('sites.json')}", name: "${each.name}", limit_webdomains: "${each.limit * 2}"}`,
			`web1/user/shop limit_webdomains=20
web1/webdomain/a.yaml.net owner=alice
web1/webdomain/a1.example.org aliases=[a.net www.x.net]
web1/webdomain/b.yaml.net owner=bob
web1/webdomain/b2.example.org aliases=[b.net www.x.net]
web1/webdomain/blog.example.com
web1/webdomain/blog.example.net owner=bob
web1/webdomain/shop.example.com
web1/webdomain/shop.example.net owner=alice
web1/webdomain/x-shop.net owner=alice
`},
		{"for_each over what expressions yield, whatever type of Go that is", onePanel + `
resources:
  webdomain:
    - {for_each: "${1..2}", name: "s${each}.net", aliases: "${split('a.net b.net', ' ')}"}
    - {for_each: "${map(1..2, 1..#)}", name: "m${each[-1]}.net", ssl_port: "${len(each)}"}
    - {for_each: "${groupBy(1..4, # % 2 == 0 ? 'even' : 'odd')}", name: "${key}.net", gzip_level: "${each[0]}"}
    - {for_each: "${fromPairs([['x', 1]])}", name: "${key}.net", gzip_level: "${each}"}`,
			`web1/webdomain/even.net gzip_level=2
web1/webdomain/m1.net ssl_port=1
web1/webdomain/m2.net ssl_port=2
web1/webdomain/odd.net gzip_level=1
web1/webdomain/s1.net aliases=[a.net b.net]
web1/webdomain/s2.net aliases=[a.net b.net]
web1/webdomain/x.net gzip_level=1
`},
		{"panels by all, by name, by expression", twoPanels + `
resources:
  user:
    - {name: everywhere, panels: all}
    - {name: named, panels: [web2]}
    - {name: chosen, panels: 'labels.region == "ams" && labels.size > 1'}
    - {name: plain, panels: web1}`,
			"web1/user/chosen\nweb1/user/everywhere\nweb1/user/plain\nweb2/user/everywhere\nweb2/user/named\n"},
		{"when and panel in templates", twoPanels + `
resources:
  user:
    - {name: alice, panels: all, fullname: "Alice at ${panel.name}", when: panel.labels.size > 1}
    - {for_each: [1, 2, 3], name: "u${each}", panels: [web2], when: each != 2}`,
			"web1/user/alice fullname=Alice at web1\nweb2/user/u1\nweb2/user/u3\n"},
		{"params, ensure, su and clearing", onePanel + `
resources:
  webdomain:
    - {name: a.org, aliases: [], comment: "", ensure: present}
    - {name: b.org, ensure: absent, su: alice}
    - {name: c.org, params: {owner: alice}}`,
			"web1/webdomain/a.org aliases=[] comment=\nweb1/webdomain/b.org absent su=alice\nweb1/webdomain/c.org owner=alice\n"},
		{"secrets are references", onePanel + `
resources:
  user: [{name: alice, passwd: "${secret.file('pw/' + 'alice')}"}, {name: bob, passwd: "${secret.env(upper('bob') + '_PW')}"}]`,
			"web1/user/alice passwd=secret.file('pw/alice')\nweb1/user/bob passwd=secret.env('BOB_PW')\n"},
		{"literal ${ and braces in expressions", onePanel + `
resources:
  user: [{name: alice, comment: "$${x} ${ {'a': '}'}['a'] } costs $5"}]`,
			"web1/user/alice comment=${x} } costs $5\n"},
		{"anchors, merge keys and several documents", onePanel + `
resources:
  webdomain:
    - &base {name: a.org, php_mode: php_mode_mod, secure: true}
    - {<<: *base, name: b.org}
---
resources: {webdomain: [{name: c.org}]}
`, "web1/webdomain/a.org php_mode=php_mode_mod secure=true\nweb1/webdomain/b.org php_mode=php_mode_mod secure=true\nweb1/webdomain/c.org\n"},
		{"IDN has one spelling", onePanel + `
resources: {webdomain: [{name: Пример.рф, aliases: [www.Пример.рф]}]}`,
			"web1/webdomain/xn--e1afmkfd.xn--p1ai aliases=[www.xn--e1afmkfd.xn--p1ai]\n"},
		{"maps are walked in order, so nothing is random", onePanel + `
vars: {m: {c: 3, a: 1, b: 2}}
resources: {user: [{name: alice, comment: "${join(keys(vars.m))} ${string(values(vars.m))}"}]}`,
			"web1/user/alice comment=abc [1 2 3]\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(dir)
			if diff := cmp.Diff(tc.want, dump(mustLoad(t, tc.spec))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestVars(t *testing.T) {
	const spec = onePanel + `
vars: {php: isp-php83, n: 3, list: [a]}
resources: {user: [{name: alice, comment: "${vars.php} ${vars.n + 1} ${join(vars.list)}"}]}`
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{}, "isp-php83 4 a"},
		{Options{Environ: []string{"ISPSYNC_VAR_php=env", "HOME=/x"}}, "env 4 a"},
		{Options{Environ: []string{"ISPSYNC_VAR_php=env"}, Vars: map[string]string{"php": "flag"}}, "flag 4 a"},
		{Options{Vars: map[string]string{"n": "7", "list": "[x, y]"}}, "isp-php83 8 xy"},
	} {
		s, err := loadText(t, spec, tc.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := dump(s); got != "web1/user/alice comment="+tc.want+"\n" {
			t.Errorf("%v: got %s", tc.o, got)
		}
	}
	if _, err := loadText(t, spec, Options{Vars: map[string]string{"n": "many"}}); err == nil {
		t.Error("a number was overridden with a text")
	}
}

// Each mistake is found, with its place and what to do, and all in one run.
func TestMistakes(t *testing.T) {
	for _, tc := range []struct{ name, spec, at, msg, hint string }{
		{"field", onePanel + "resources:\n  webdomain:\n    - name: a.org\n      docrot: x\n", "9:7", `webdomain has no field "docrot"`, `did you mean "docroot"?`},
		{"kind", onePanel + "resources: {webdomains: []}\n", "6:13", `unknown kind "webdomains"`, `did you mean "webdomain"?`},
		{"section", onePanel + "resource: {}\n", "6:1", `unknown key "resource"`, `did you mean "resources"?`},
		{"kind at the top", onePanel + "webdomain: []\n", "6:1", `unknown key "webdomain"`, "kinds stand under resources:"},
		{"panel", twoPanels + "resources: {user: [{name: a, panels: [web3]}]}\n", "5:39", `there is no panel "web3"`, `did you mean "web1"?`},
		{"which panel", twoPanels + "resources: {user: [{name: a}]}\n", "5:20", "does not say on which panels", "panels: all"},
		{"null", onePanel + "resources: {user: [{name: a, comment: }]}\n", "6:39", "comment has no value", `write "" or []`},
		{"duplicate", onePanel + "resources: {webdomain: [{name: Пример.рф}, {name: xn--e1afmkfd.xn--p1ai}]}\n", "6:44", "already declared at stdin:6:25", ""},
		{"duplicate key", onePanel + "resources: {user: [{name: a, comment: x, comment: y}]}\n", "6:42", `the key "comment" is already set in line 6`, ""},
		{"reference to a tombstone", onePanel + "resources: {user: [{name: a, ensure: absent}], webdomain: [{name: a.org, owner: a}]}\n", "6:60", `refers to user "a", which is to be absent`, ""},
		{"variable", onePanel + "vars: {php: x}\nresources: {user: [{name: \"${vars.phq}\"}]}\n", "7:35", "unknown field phq", `did you mean "php"?`},
		{"clock", onePanel + "resources: {user: [{name: \"${string(now())}\"}]}\n", "6:37", "unknown name now", "a spec has no clock"},
		{"each outside a loop", onePanel + "resources: {user: [{name: \"${each}\"}]}\n", "6:28", "each and key exist only in an entry with for_each", ""},
		{"unclosed template", onePanel + "resources: {user: [{name: \"a${x\"}]}\n", "6:29", "never closed", "$${"},
		{"mixed secret", onePanel + "resources: {user: [{name: a, passwd: \"x${secret.env('A')}\"}]}\n", "6:38", "a secret, which cannot stand inside a text", "whole value"},
		{"secret in a plain field", onePanel + "resources: {user: [{name: a, comment: \"${secret.env('A')}\"}]}\n", "6:39", "comment is not a secret field", ""},
		{"comma in a name", onePanel + "kinds: {x: {key: {canon: text}}}\nresources: {x: [{name: \"a, b\"}]}\n", "7:24", `holds ", "`, ""},
		{"policy", onePanel + "policies: [{name: p, denny: true}]\n", "6:22", `unknown key "denny"`, `did you mean "deny"?`},
		{"rule", onePanel + "prune: {webdomain: ownr == \"a\"}\n", "6:20", "unknown name ownr", `did you mean "owner"?`},
		{"rule type", onePanel + "prune: {webdomain: owner}\n", "6:20", "expected bool, but got string", ""},
		{"limit", onePanel + "limits: {deletes: {count: -1}}\n", "6:27", "whole number, 0 or more", ""},
		{"http", "panels: [{name: a, url: \"http://192.0.2.1/ispmgr\", auth: {username: r, password: \"${secret.env('P')}\"}}]\n", "1:25", "in the clear", "plaintext"},
		{"password in url", "panels: [{name: a, url: \"https://r:p@x/ispmgr\", auth: {username: r, password: \"${secret.env('P')}\"}}]\n", "1:25", "must not hold a user or password", ""},
		{"tab", onePanel + "resources:\n\tuser: []\n", "7:2", "this is not YAML", ""},
		{"not a map", "- a\n", "1:1", "a spec document must be a map, not a list", ""},
		{"wrong type", onePanel + "resources: {user: [{name: a, limit_db: [1]}]}\n", "6:40", "limit_db takes one value, not a list", ""},
		{"bad number", onePanel + "resources: {user: [{name: a, limit_db: many}]}\n", "6:40", `limit_db: "many" is not a whole number`, "for example 5"},
		{"path outside", onePanel + "resources: {user: [{for_each: \"${csv('../x.csv')}\", name: a}]}\n", "6:34", "only files below the spec's own directory", ""},
		{"alias bomb", onePanel + aliasBomb(), "10:", "aliases (*name) blow this file up", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := loadText(t, tc.spec, Options{})
			es, ok := err.(Errors)
			if !ok || len(es) != 1 {
				t.Fatalf("want one mistake, got %v", err)
			}
			e := es[0]
			if place := strings.TrimPrefix(e.Pos.String(), "stdin:"); !strings.HasPrefix(place, tc.at) {
				t.Errorf("at %s, want %s\n%s", place, tc.at, e.Detail())
			}
			if !strings.Contains(e.Msg, tc.msg) || !strings.Contains(e.Hint, tc.hint) {
				t.Errorf("want %q, hint %q; got\n%s", tc.msg, tc.hint, e.Detail())
			}
			if e.Line == "" {
				t.Errorf("the line is not shown:\n%s", e.Detail())
			}
		})
	}
}

func aliasBomb() string {
	b := "vars:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'k'; c++ {
		b += fmt.Sprintf("  %c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10))
	}
	return b
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := loadText(t, onePanel+`
resources:
  usr: []
  user:
    - {name: alice, limit_db: ten, fullname: null, prset: x, when: "each =="}
    - {name: Alice}
  webdomain:
    - {name: x.com, owner: bob, docrot: y}
`, Options{Offline: true})
	es, _ := err.(Errors)
	var got []string
	for _, e := range es {
		got = append(got, fmt.Sprintf("%d %s", e.Pos.Line, strings.Fields(e.Msg)[0]))
	}
	want := []string{"8 unknown", "10 limit_db:", "10 fullname", "10 user", "10 in", "11 web1/user/alice", "13 web1/webdomain/x.com", "13 webdomain"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s\n%v", diff, err)
	}
}

// A password written out is a warning, and nothing ever prints it.
func TestLiteralSecret(t *testing.T) {
	s := mustLoad(t, onePanel+"resources: {user: [{name: a, passwd: hunter2}]}\n")
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0].Msg, "written out") {
		t.Fatalf("warnings: %v", s.Warnings)
	}
	r := s.Desired("web1").Find("user", "a")
	v, ok := s.Literal(r.Secrets[0].Secret)
	if v != "hunter2" || !ok {
		t.Errorf("the literal is %q, %v", v, ok)
	}
	seen := fmt.Sprintf("%+v %#v %s %s", *r, *r, s.Warnings[0].Detail(), dump(s))
	_, err := loadText(t, onePanel+"resources: {user: [{name: a, passwd: hunter2, x: y}]}\n", Options{})
	if seen += err.Error(); strings.Contains(seen, "hunter2") {
		t.Errorf("the password shows: %s", seen)
	}
}

func TestBadInput(t *testing.T) {
	if _, err := loadText(t, "a: \xff\n", Options{}); err == nil || !strings.Contains(err.Error(), "stdin:1:4: this is not UTF-8") {
		t.Errorf("invalid UTF-8: %v", err)
	}
	if _, err := loadText(t, strings.Repeat("x", maxFile+1), Options{}); err == nil || !strings.Contains(err.Error(), "larger than 128 MiB") {
		t.Errorf("a huge file: %.80v", err)
	}
	if _, err := Load(Options{Paths: []string{"nowhere", t.TempDir()}}); err == nil || !strings.Contains(err.Error(), "nowhere") || !strings.Contains(err.Error(), "no *.yaml") {
		t.Errorf("missing files: %v", err)
	}
	if _, err := loadText(t, strings.Repeat("[", 10_000), Options{}); err == nil {
		t.Error("deep nesting was accepted")
	}
}

// A file read in pieces means what it means read whole, mistakes included.
func TestChunksMeanTheSame(t *testing.T) {
	cut, tried := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		b.WriteString(onePanel[1:] + "resources:\n")
		for _, k := range []string{"user", "webdomain", "domain"}[:rapid.IntRange(1, 3).Draw(t, "kinds")] {
			indent := strings.Repeat(" ", rapid.IntRange(2, 4).Draw(t, "indent"))
			fmt.Fprintf(&b, "  %s:\n", k)
			for i := range rapid.IntRange(0, 40).Draw(t, "entries") {
				odd := rapid.IntRange(0, 200).Draw(t, "odd")
				if odd >= len(oddEntries) {
					fmt.Fprintf(&b, "%s- name: n%d # %d\n", indent, i, i)
					continue
				}
				b.WriteString(indent + "- " + strings.ReplaceAll(oddEntries[odd], "~", indent))
			}
		}
		b.WriteString(rapid.SampledFrom([]string{"", "vars: {a: 1}\n", "---\nresources:\n  user:\n    - name: q\n", "# end\n", "resources:\n  user: []\n"}).Draw(t, "tail"))
		text := b.String()
		read := func(sizes cutSizes) string {
			s, err := load(Options{Paths: []string{"-"}, Stdin: strings.NewReader(text)}, sizes)
			if err != nil {
				return err.Error()
			}
			return dump(s)
		}
		sizes := cutSizes{from: 0, piece: rapid.IntRange(1, 200).Draw(t, "size")}
		if tried++; len(cutChunks([]byte(text), sizes.piece)) > 1 {
			cut++
		}
		if diff := cmp.Diff(read(cutSizes{from: 1 << 30}), read(sizes)); diff != "" {
			t.Fatalf("-whole +pieces\n%s\n%s", diff, text)
		}
	})
	if cut < tried/4 {
		t.Errorf("only %d of %d files were cut", cut, tried)
	}
}

// oddEntries are ends of entries that make cutting hard; ~ is the indentation.
var oddEntries = []string{
	"name: a.org\n~  aliases: [x.org, y.org]\n", "{name: b.org}\n", "name: c.org\n~  comment: |\n~    text\n\n~    - more\n", "&a\n~  name: d.org\n", "*a\n",
	"name: \"two\n~- lines\"\n", "# only a comment\n~  name: e.org\n", "name: 'it''s'\n", "name: f.org\n~  # end\n", "aliases: [x,\n~- 2]\n", "name: g.org\n~  name: h.org\n", "plain\n",
}

func FuzzLoad(f *testing.F) {
	f.Add(onePanel + "resources: {user: [{name: a}]}")
	f.Add("kinds: {x: {fields: {a: {canon: int}}}}\nresources: {x: [{name: b, a: '1'}]}")
	f.Add("a: &a [*a]\n")
	f.Add("vars: {a: \"${csv('x')}\"}\nprune: {user: 'true'}")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := loadText(t, text, Options{Offline: true})
		if err != nil {
			_ = err.Error()
			return
		}
		_, _ = dump(s), s.Digest()
	})
}

// FuzzTemplate: whatever stands in a template, it compiles or is a mistake
// with a place inside the text.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"${each}", "a${b}c", "$${x}", "${'}'}", "${{'a':1}}", "${", "${}", "$", "${secret.env('x')}"} {
		f.Add(s)
	}
	e := newExpressions(map[string]any{"a": 1})
	f.Fuzz(func(t *testing.T, text string) {
		tpl, terr := e.compile(".", text)
		if terr != nil {
			if terr.at < 0 || terr.at > len(text)+1 {
				t.Errorf("%q: the mistake is at %d", text, terr.at)
			}
			return
		}
		if !utf8.ValidString(text) {
			return
		}
		if v, terr := e.eval(tpl, scope{panel: PanelEnv(Panel{}), loop: true, each: "x", key: 1}); terr == nil && !hasTemplate(text) && v != text {
			t.Errorf("%q became %v", text, v)
		}
	})
}

// The digest follows what a spec says, not how it is written.
func TestDigest(t *testing.T) {
	const base = onePanel + "vars: {who: alice}\nresources: {user: [{name: alice, comment: \"${vars.who}\"}]}\nprune: {webdomain: owner == vars.who}\n"
	digest := func(text string, vars map[string]string) string {
		s, err := loadText(t, text, Options{Vars: vars})
		if err != nil {
			t.Fatal(err)
		}
		return s.Digest()
	}
	want := digest(base, nil)
	for name, same := range map[string]string{
		"a comment":       "# hello\n" + base,
		"a template":      strings.Replace(base, "\"${vars.who}\"", "alice", 1),
		"a literal place": strings.Replace(base, "resources", "\n\nresources", 1),
	} {
		if got := digest(same, nil); got != want {
			t.Errorf("%s changes the digest", name)
		}
	}
	for name, other := range map[string]string{
		"a value":     strings.Replace(base, "\"${vars.who}\"", "bob", 1),
		"a rule":      strings.Replace(base, "owner ==", "owner !=", 1),
		"a url":       strings.Replace(base, "1500", "1501", 1),
		"a kind":      base + "kinds: {x.y: {doc: hello}}\n",
		"a limit":     base + "limits: {deletes: {count: 1}}\n",
		"a tombstone": strings.Replace(base, "{name: alice,", "{name: alice, ensure: absent,", 1),
		"a secret":    strings.Replace(base, "{name: alice,", "{name: alice, passwd: \"${secret.env('A')}\",", 1),
	} {
		if digest(other, nil) == want {
			t.Errorf("%s does not change the digest", name)
		}
	}
	if digest(base, map[string]string{"who": "bob"}) == want {
		t.Error("a variable that a rule uses does not change the digest")
	}
}
