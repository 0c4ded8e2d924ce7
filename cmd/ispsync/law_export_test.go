package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// exportWorld is some panels with anything of every kind on them, and how they
// are exported.
type exportWorld struct {
	world
	split []string
	// declared are the refs that the export must hold: all but those that no
	// spec can name, or that refer to nothing.
	declared map[string]bool
	// tame worlds hold values that panels take.
	tame bool
}

// nasty are texts that YAML, templates or expressions would take for something
// else, as far as XML can carry them.
var nasty = []string{"on", "0755", "1.10", "*x", "&a", "!tag", "# no", "a: b", "- x", "null", "~", "<<", "${vars.x}", "$${x}", "a ${ b", "'", `"`, `\`,
	"two\nlines", "tab\there", "emoji 🐘", " edges ", "2001-01-01", "{a: b}", "[x]", "@x", "`x`", "%x", "|", ">", "? x", "y", "=", "1_000", "0x1F", "пример", "\u00a0\u202e"}

// exportKeys are the resources that a panel may have beside its users, and what
// they must have. Owners are drawn; a child has that of its parent.
var exportKeys = []struct {
	kind, key, parent string
	fields            map[string]string
}{
	{"preset", "starter", "", nil},
	{"preset", "${plan} a: b", "", nil},
	{"domain", "example.com", "", nil},
	{"domain", "sub.example.com", "", nil},
	{"domain", "xn--e1afmkfd.xn--p1ai", "", nil},
	{"webdomain", "example.com", "", map[string]string{"docroot": "/var/www/alice/data/www/example.com"}},
	{"webdomain", "*.example.com", "", nil},
	{"webdomain", "shop.xn--e1afmkfd.xn--p1ai", "", nil},
	{"domain.record", "example.com/www.example.com. A  192.0.2.1", "domain example.com", map[string]string{"rtype": "a", "ip": "192.0.2.1"}},
	{"domain.record", "example.com/example.com. MX  mail.example.com.", "domain example.com", map[string]string{"rtype": "mx", "domain": "mail.example.com.", "priority": "10"}},
	{"domain.record", "example.com/example.com. TXT  v=spf1 a:b  ${x} -all", "domain example.com", map[string]string{"rtype": "txt", "value": "v=spf1 a:b  ${x} -all"}},
	{"domain.record", "example.com/sub.example.com. NS  ns1.example.com.", "domain example.com", map[string]string{"rtype": "ns", "domain": "ns1.example.com."}},
	{"domain.record", "xn--e1afmkfd.xn--p1ai/xn--80aaxitdbjk.xn--e1afmkfd.xn--p1ai. AAAA  2001:db8::1", "domain xn--e1afmkfd.xn--p1ai", map[string]string{"rtype": "aaaa", "ip": "2001:db8::1"}},
	{"emaildomain", "example.com", "", nil},
	{"emaildomain", "xn--e1afmkfd.xn--p1ai", "", nil},
	{"email", "info@example.com", "emaildomain example.com", map[string]string{"passwd": "x"}},
	{"email", "on@example.com", "emaildomain example.com", nil},
	{"email", "info@xn--e1afmkfd.xn--p1ai", "emaildomain xn--e1afmkfd.xn--p1ai", nil},
	{"db", "shop->MySQL", "", nil},
	{"db", "0755->PG", "", nil},
	{"db.users", "shop->MySQL/shop", "db shop->MySQL", map[string]string{"password": "x"}},
	{"db.users", "0755->PG/1.10", "db 0755->PG", nil},
	{"ftp.user", "alice-upload", "", nil},
	{"ftp.user", "on", "", nil},
	{"sslcert", "alice%#%shop.example.com", "user alice", map[string]string{"owner": "alice"}},
	{"sslcert", "root%#%own", "", map[string]string{"owner": "root"}},
	{"scheduler", "alice/1", "user alice", map[string]string{"command": "php ${x}", "description": "nightly"}},
	{"scheduler", "alice/2", "user alice", map[string]string{"command": "a: b", "description": "on"}},
	{"scheduler", "bob/1", "user bob", map[string]string{"command": "c", "description": "x/y, z"}}, // no spec can name it
	{"webdomain", "a, b.example.com", "", nil},                                                     // nor this
}

// canonicalKeys are keys as refs have them, where panels write them otherwise.
var canonicalKeys = map[string]string{"scheduler alice/1": "alice/nightly", "scheduler alice/2": "alice/on", "scheduler bob/1": "", "webdomain a, b.example.com": ""}

func drawExportWorld(t *rapid.T, tame bool) *exportWorld {
	w := &exportWorld{world: world{spec: map[string]any{}}, declared: map[string]bool{}, tame: tame}
	for i := range rapid.IntRange(1, 3).Draw(t, "panels") {
		p := drawWorldPanel(t, fmt.Sprintf("web%d", i+1))
		users := []string{}
		for _, user := range []string{"alice", "bob", "null"} {
			if rapid.Bool().Draw(t, user+" on "+p.options.Name) {
				users = append(users, user)
				p.live = append(p.live, w.drawLive(t, &p, "user", user, nil))
			}
		}
		there := map[string]bool{}
		for _, user := range users {
			there["user "+user] = true
		}
		w.drawRest(t, &p, users, there)
		w.panels = append(w.panels, p)
	}
	if n := rapid.IntRange(0, len(specs.Splits)).Draw(t, "splits"); n > 0 {
		w.split = rapid.Permutation(specs.Splits).Draw(t, "split")[:n]
	}
	return w
}

func (w *exportWorld) drawRest(t *rapid.T, p *worldPanel, users []string, there map[string]bool) {
	owners := append(slices.Clone(users), "root")
	for _, r := range exportKeys {
		label := r.kind + " " + r.key + " on " + p.options.Name
		if r.parent != "" && !there[r.parent] || !chance(t, 2, label) {
			continue
		}
		fields := maps.Clone(r.fields)
		if fields == nil {
			fields = map[string]string{}
		}
		if owned := specs.Builtin().Kind(r.kind).Owner; owned != "" && r.parent == "" && fields["owner"] == "" {
			fields["owner"] = rapid.SampledFrom(owners).Draw(t, label+" owner")
		}
		there[r.kind+" "+r.key] = true
		p.live = append(p.live, w.drawLive(t, p, r.kind, r.key, fields))
	}
	if there["domain sub.example.com"] && there["domain.record example.com/sub.example.com. NS  ns1.example.com."] && rapid.Bool().Draw(t, "apex on "+p.options.Name) {
		// One key in two zones: nobody can say which of them is meant.
		p.live = append(p.live, liveResource{"domain.record", "sub.example.com/sub.example.com. NS  ns1.example.com.", map[string]string{"rtype": "ns", "domain": "ns1.example.com."}})
		delete(w.declared, p.options.Name+"/domain.record/sub.example.com. NS  ns1.example.com.")
	}
}

// drawLive draws the fields of a live resource, and notes its ref.
func (w *exportWorld) drawLive(t *rapid.T, p *worldPanel, kind, key string, must map[string]string) liveResource {
	label := kind + " " + key + " on " + p.options.Name
	fields := map[string]string{}
	for name, v := range drawFields(t, kind, label, true) {
		fields[name] = v.(string)
		row := specs.Builtin().Kind(kind).Field(name)
		if !w.tame && chance(t, 4, label+" nasty "+name) && row.Canon.Type() != specs.BoolType {
			fields[name] = rapid.SampledFrom(nasty).Draw(t, label+" "+name)
		}
	}
	maps.Copy(fields, must)
	ref, other := canonicalKeys[kind+" "+key]
	switch {
	case kind == "domain.record":
		_, ref, _ = strings.Cut(key, "/")
	case !other:
		ref = key
	}
	if ref != "" {
		w.declared[p.options.Name+"/"+kind+"/"+ref] = true
	}
	return liveResource{kind, key, fields}
}

// TestLawExportThenPlanIsEmpty: whatever is on panels, the spec that export writes
// of it is valid and a plan of it finds nothing to do; it holds all that a spec
// can hold, and it is the same each time.
func TestLawExportThenPlanIsEmpty(t *testing.T) {
	checks(t, "40")
	rapid.Check(t, func(rt *rapid.T) {
		w := drawExportWorld(rt, false)
		if err := inBubble(t, func(t *testing.T) error { return exportsWhole(t, w) }); err != nil {
			rt.Fatalf("%v\nsplit %v\n%s", err, w.split, &w.world)
		}
	})
}

func exportsWhole(t *testing.T, w *exportWorld) error {
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	before := s.ends()
	args := []string{"export", "-f", s.path("spec.yaml"), "--out", s.path("out"), "--verify"}
	if len(w.split) > 0 {
		args = append(args, "--split", strings.Join(w.split, ","))
	}
	if _, err := s.want(exitOK, args...); err != nil {
		return err
	}
	if _, err := os.Stat(s.path("out")); err != nil && len(w.split) == 0 {
		return err
	}
	if _, err := os.Stat(s.path("out")); err == nil {
		if err := s.exportedIsLive(w); err != nil {
			return err
		}
	}
	var texts []string
	for range 2 {
		r, err := s.want(exitOK, "export", "-f", s.path("spec.yaml"))
		if err != nil {
			return err
		}
		texts = append(texts, r.stdout)
	}
	if texts[0] != texts[1] {
		return fmt.Errorf("two exports of the same differ:\n%s\n%s", texts[0], texts[1])
	}
	if calls := s.writes(); len(calls) > 0 {
		return fmt.Errorf("an export sent writing calls: %v", calls)
	}
	if fmt.Sprint(before) != fmt.Sprint(s.ends()) {
		return fmt.Errorf("an export changed panels")
	}
	return nil
}

// exportedIsLive holds the files of an export against the panels.
func (s *stage) exportedIsLive(w *exportWorld) error {
	if _, err := s.want(exitOK, "validate", "-f", s.path("spec.yaml"), "-f", s.path("out")); err != nil {
		return err
	}
	p, r, err := s.plan(exitOK, "-f", s.path("out"))
	if err != nil {
		return err
	}
	if len(p.Steps) > 0 || slices.ContainsFunc(p.Findings, func(f plan.Finding) bool { return f.Severity == plan.Error || differs(f) }) {
		return fmt.Errorf("a plan of the export is not empty: %v", r)
	}
	spec, err := specs.Load(specs.Options{Paths: []string{s.path("spec.yaml"), s.path("out")}})
	if err != nil {
		return err
	}
	got := map[string]bool{}
	for _, panel := range spec.PanelNames() {
		st := spec.Desired(panel)
		for _, kind := range st.Kinds() {
			for _, res := range st.Resources(kind) {
				got[res.Ref.String()] = true
			}
		}
	}
	for ref := range w.declared {
		if !got[ref] {
			return fmt.Errorf("%s is not in the export", ref)
		}
	}
	if n := p.Summary.Unchanged; n != len(got) {
		return fmt.Errorf("%d resources are declared and %d unchanged", len(got), n)
	}
	return nil
}
