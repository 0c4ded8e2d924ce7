package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ispsync/ispsync/specs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// diffPlans compares what is in the documents of two plans.
func diffPlans(a, b *Plan) string {
	return cmp.Diff(a, b, cmp.Comparer(func(a, b specs.Value) bool { return a == b }), cmpopts.IgnoreFields(Step{}, "Elid", "Su", "SecretRefs"))
}

// tour is a world with a bit of everything, for the golden plan.
func tour(t testing.TB) *Plan {
	live := state(t, allKinds,
		res("user", "alice", "active=true", "limit=5"), res("user", "gone", "limit=1"), res("user", "root"),
		res("site", "blog.example", "active=true", "aliases=[www.blog.example]", "owner=alice", "php=<8.1>"),
		res("site", "left.example", "owner=gone"), res("site", "old.example", "owner=alice"), res("site", "moved.example", "owner=root", "php=8.2"),
		res("zone", "blog.example", "owner=alice"))
	live.Fail("ip", errors.New("the reply ends after 3 of 9 rows"))
	rules := &Rules{Deletes: DeleteLimit{Count: 0, Percent: 50}, AllowDeletes: -1,
		Prune: matching("zone", "owner", "alice"), Protect: matching("user", "name", "root")}
	var err error
	rules.Policies, err = CompilePolicies([]Policy{
		{Name: "no-limit-cut", Source: `step.action == "update" && "limit" in step.changes`, Message: "limits are agreed by mail"},
		{Name: "no-gone-sites", Deny: true, Source: `step.action == "delete" && step.takes_with_it > 0`, Message: "the account still has sites"}})
	if err != nil {
		t.Fatal(err)
	}
	w := world{rules: rules, account: "admin", live: live, desired: state(t, "",
		declaredAt(3, res("user", "alice", "active=false", "limit=9", "!passwd")),
		declaredAt(8, res("user", "bob", "fullname=Bob", "!passwd")),
		absent("user", "gone"), absent("user", "root"),
		declaredAt(14, res("site", "blog.example", "aliases=[]", "owner=alice", "php=8.3")),
		declaredAt(20, res("site", "bobs.example", "aliases=[a.example b.example]", "owner=bob")),
		declaredAt(26, res("site", "moved.example", "owner=alice", "php=8.2")),
		declaredAt(29, res("site", "typo.example", "owner=alicf")),
		absent("site", "old.example"), res("ip", "192.0.2.1"))}
	return w.plan(t)
}

// TestGolden holds the document of a plan, as people and scripts read it.
func TestGolden(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, tour(t)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "tour.json")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Error(d)
	}
}

// TestEmptyPlanHasArrays: lists in the document are never null.
func TestEmptyPlanHasArrays(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, Assemble(testHeader, nil, nil, nil)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "null") {
		t.Error(b.String())
	}
	p := tour(t)
	for i := range p.Steps {
		for j := range p.Steps[i].Changes {
			p.Steps[i].Changes[j].Before = specs.Text("") // null only where there was nothing
		}
	}
	b.Reset()
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "null") {
		t.Error(b.String())
	}
}

// TestReadRefuses alters a good plan in one way each. Those that reseal speak of
// a file that somebody, or another program, made up whole.
func TestReadRefuses(t *testing.T) {
	text := func(p *Plan) string {
		var b bytes.Buffer
		if err := Write(&b, p); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	resealed := func(change func(p *Plan)) string {
		p := tour(t)
		change(p)
		Seal(p)
		return text(p)
	}
	good := text(tour(t))
	tests := []struct {
		name, file string
		want       error
		says       string
	}{
		{"nothing", "", ErrNotPlan, "plan --out"},
		{"a spec", "resources: {}\n", ErrNotPlan, "plan --out"},
		{"another document", `{"steps": []}`, ErrNotPlan, "format_version"},
		{"cut short", good[:len(good)/2], ErrNotPlan, "cut short"},
		{"something after it", good + "{}", ErrNotPlan, ""},
		{"a later version", strings.Replace(good, `"format_version": "1"`, `"format_version": "2", "new": 1`, 1), ErrVersion, `"2"`},
		{"an unknown field", strings.Replace(good, `"id": "p1"`, `"id": "p1", "surprise": 1`, 1), ErrNotPlan, "surprise"},
		{"a changed value", strings.Replace(good, `"after": "8.3"`, `"after": "5.6"`, 1), ErrAltered, "digest"},
		{"a dropped finding", strings.Replace(good, `"severity": "error"`, `"severity": "warning"`, 1), ErrAltered, "digest"},
		{"a later expiry", strings.Replace(good, "2026-01-03T", "2027-01-03T", 1), ErrAltered, "digest"},
		{"no digest", strings.Replace(good, `"digest": "sha256`, `"digest": "md5`, 1), ErrAltered, "digest"},
		{"an unknown action", resealed(func(p *Plan) { p.Steps[0].Action = "replace" }), ErrInvalid, "replace"},
		{"a need of nothing", resealed(func(p *Plan) { p.Steps[0].Needs = []string{"s99"} }), ErrInvalid, "s99"},
		{"a need of a later step", resealed(func(p *Plan) { p.Steps[0].Needs = []string{"s2"} }), ErrInvalid, "earlier"},
		{"a need of itself", resealed(func(p *Plan) { p.Steps[0].Needs = []string{"s1"} }), ErrInvalid, "earlier"},
		{"an id twice", resealed(func(p *Plan) { p.Steps[1].ID = "s1" }), ErrInvalid, "only one"},
		{"no id", resealed(func(p *Plan) { p.Steps[1].ID = "" }), ErrInvalid, "no id"},
		{"two steps of one resource", resealed(func(p *Plan) {
			s := p.Steps[0]
			s.ID = "again"
			p.Steps = append(p.Steps, s)
			p.Summary.count(s.Action)
		}), ErrInvalid, "both about"},
		{"a ref that says another key", resealed(func(p *Plan) { p.Steps[0].Key = "other" }), ErrInvalid, "agree"},
		{"a panel it does not list", resealed(func(p *Plan) { p.Panels = p.Panels[:0] }), ErrInvalid, "does not list"},
		{"a panel twice", resealed(func(p *Plan) { p.Panels = append(p.Panels, p.Panels[0]) }), ErrInvalid, "twice"},
		{"a create from something", resealed(func(p *Plan) { p.Steps[1].Was = "sha256:1" }), ErrInvalid, "create"},
		{"a delete with changes", resealed(func(p *Plan) {
			p.Steps[len(p.Steps)-1].Changes = []Change{{Field: "php"}}
		}), ErrInvalid, "delete"},
		{"a summary that does not count", resealed(func(p *Plan) { p.Summary.Delete++ }), ErrInvalid, "summary"},
		{"an unknown severity", resealed(func(p *Plan) { p.Findings[0].Severity = "note" }), ErrInvalid, "severity"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(tt.file))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v saying %q", err, tt.want, tt.says)
			}
		})
	}
	if _, err := Read(strings.NewReader(good)); err != nil {
		t.Errorf("the plan they were made from: %v", err)
	}
}

func TestReadBounds(t *testing.T) {
	var good bytes.Buffer
	if err := Write(&good, tour(t)); err != nil {
		t.Fatal(err)
	}
	size := int64(good.Len())
	if _, err := readAtMost(bytes.NewReader(good.Bytes()), size); err != nil {
		t.Errorf("a file of just the limit: %v", err)
	}
	if _, err := readAtMost(bytes.NewReader(good.Bytes()), size-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file beyond the limit: %v", err)
	}
	broken := errors.New("disk on fire")
	if _, err := Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
	if err := Write(failingWriter{broken}, tour(t)); !errors.Is(err, broken) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// TestFlippedBits: a plan with one bit flipped, somewhere in every third byte, is refused, or says exactly what
// it said (the flip hit the white space, or the case of a field's name).
func TestFlippedBits(t *testing.T) {
	p := tour(t)
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < b.Len(); i += 3 {
		data := bytes.Clone(b.Bytes())
		data[i] ^= 1 << (i % 7)
		back, err := Read(bytes.NewReader(data))
		if err == nil && diffPlans(p, back) != "" {
			t.Errorf("bit %d of byte %d: the plan changed and was accepted", i%7, i)
		}
	}
}

// TestDigestIsOfTheDocument: anybody can recompute it from the JSON.
func TestDigestIsOfTheDocument(t *testing.T) {
	p := tour(t)
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b.Bytes()); err != nil {
		t.Fatal(err)
	}
	without := strings.Replace(compact.String(), `"digest":"`+p.Digest+`",`, "", 1) + "\n"
	if got := sum([]byte(without)); got != p.Digest {
		t.Errorf("the document gives %s, the plan says %s", got, p.Digest)
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, tour(f)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	b.Reset()
	if err := Write(&b, Assemble(testHeader, nil, nil, nil)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		// Mutations seldom hit a digest, so what lies behind it is tried too.
		if p, err := parse(data); err == nil {
			Seal(p)
			b.Reset()
			if err := Write(&b, p); err != nil {
				t.Fatal(err)
			}
			data = bytes.Clone(b.Bytes())
		}
		p, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		b.Reset()
		if err := Write(&b, p); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&b)
		if err != nil {
			t.Fatalf("a plan that was read, written and read again: %v", err)
		}
		if d := diffPlans(p, again); d != "" {
			t.Fatal(d)
		}
	})
}
