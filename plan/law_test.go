package plan

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/specs"
)

// The laws of planning, over random small catalogs and states. A random kind
// may be owned, live inside another, refer to several, bring and take with it;
// keys and values come from tiny alphabets, so that everything collides.

var (
	lawKeys   = []string{"a", "b", "c", "d", "e"}
	lawValues = []string{"0", "1", "2"}
)

// lawWorld is a random catalog with random states of one panel.
type lawWorld struct {
	catalog       *specs.Catalog
	kinds         []*specs.Kind // parents first
	desired, live *specs.State
	rules         *Rules
	protected     map[string]bool // kinds in which value p=2 is protected
	failed        string          // the kind whose listing failed, or ""
}

func (w lawWorld) input() Input {
	return Input{Panel: specs.Panel{Name: "web1"}, Desired: w.desired, Live: w.live, Kinds: w.catalog.Kind, Rules: w.rules}
}

func (w lawWorld) plan() *Plan {
	return Assemble(testHeader, []*Draft{Make(w.input())}, []Panel{{Name: "web1"}}, nil)
}

func drawWorld(t *rapid.T) lawWorld {
	w := lawWorld{desired: specs.NewState("web1"), live: specs.NewState("web1"), protected: map[string]bool{}}
	w.kinds = drawKinds(t)
	var err error
	if w.catalog, err = specs.NewCatalog(w.kinds...); err != nil {
		t.Fatal(err)
	}
	pruned := map[string]bool{}
	known := map[string][]string{} // keys of a kind to refer to
	for _, k := range w.kinds {
		live := drawResources(t, k, known, false)
		for _, r := range live {
			known[k.Name] = append(known[k.Name], r.Ref.Key)
		}
		set(t, w.live, k.Name, live)
		if rapid.Bool().Draw(t, k.Name+" declared") {
			desired := drawResources(t, k, known, true)
			for _, r := range desired {
				known[k.Name] = append(known[k.Name], r.Ref.Key)
			}
			set(t, w.desired, k.Name, desired)
		}
		pruned[k.Name] = rapid.IntRange(0, 2).Draw(t, k.Name+" pruned") == 0
		w.protected[k.Name] = rapid.IntRange(0, 2).Draw(t, k.Name+" protected") == 0
	}
	rule := func(kinds map[string]bool, value string) func(string) Match {
		return func(kind string) Match {
			if !kinds[kind] {
				return Match{}
			}
			return Match{Source: "p == " + value, Test: func(r *specs.Resource) (bool, error) { return valueOfP(r) == value, nil }}
		}
	}
	w.rules = &Rules{Prune: rule(pruned, "1"), Protect: rule(w.protected, "2"), Deletes: DeleteLimit{Count: 100}, AllowDeletes: -1}
	if rapid.IntRange(0, 3).Draw(t, "fail") == 0 {
		w.failed = rapid.SampledFrom(w.kinds).Draw(t, "failed").Name
		w.live.Fail(w.failed, errors.New("cut short"))
	}
	return w
}

func valueOfP(r *specs.Resource) string { v, _ := r.Fields.Get("p"); return v.String() }

func set(t *rapid.T, s *specs.State, kind string, rs []specs.Resource) {
	if err := s.Set(kind, rs); err != nil {
		t.Fatal(err)
	}
}

func drawKinds(t *rapid.T) []*specs.Kind {
	n := rapid.IntRange(1, 4).Draw(t, "kinds")
	var kinds []*specs.Kind
	for i := range n {
		k := &specs.Kind{Name: fmt.Sprintf("k%d", i), Delete: "x.delete",
			Fields: []*specs.FieldRow{{Name: "p"}, {Name: "q"}, {Name: "fixed", CreateOnly: true}, {Name: "mute", Read: specs.Never}}}
		one := func(label string) *specs.Kind {
			if i == 0 || !rapid.Bool().Draw(t, k.Name+" "+label) {
				return nil
			}
			return rapid.SampledFrom(kinds).Draw(t, label)
		}
		if owner := one("owner"); owner != nil {
			k.Owner = "owner"
			k.Fields = append(k.Fields, &specs.FieldRow{Name: "owner", Refers: owner.Name, CreateOnly: true})
			if rapid.Bool().Draw(t, "taken by owner") {
				owner.TakesWithIt = append(owner.TakesWithIt, k.Name)
			}
		}
		if parent := one("parent"); parent != nil {
			k.Parent = &specs.Parent{Kind: parent.Name, Field: "plid"}
			k.Fields = append(k.Fields, &specs.FieldRow{Name: "plid"})
			if !slices.Contains(parent.TakesWithIt, k.Name) {
				parent.TakesWithIt = append(parent.TakesWithIt, k.Name)
			}
		}
		if other := one("refers"); other != nil {
			k.Fields = append(k.Fields, &specs.FieldRow{Name: "refs", Refers: other.Name})
		}
		if brought := one("brings"); brought != nil {
			k.Brings = []string{brought.Name}
		}
		kinds = append(kinds, k)
	}
	return kinds
}

func drawResources(t *rapid.T, k *specs.Kind, known map[string][]string, desired bool) []specs.Resource {
	var out []specs.Resource
	for _, key := range lawKeys {
		if !rapid.Bool().Draw(t, key) {
			continue
		}
		r := specs.Resource{Ref: specs.Ref{Panel: "web1", Kind: k.Name, Key: key}}
		if desired && rapid.IntRange(0, 4).Draw(t, "absent") == 0 {
			r.Absent = true
			out = append(out, r)
			continue
		}
		for _, f := range k.Fields {
			to, isLink := linkedKind(k, f)
			if !desired && f.Read == specs.Never || rapid.IntRange(0, 3).Draw(t, f.Name+" there") == 0 {
				continue
			}
			v := rapid.SampledFrom(lawValues).Draw(t, f.Name)
			if isLink {
				keys := append([]string{"nowhere"}, known[to]...)
				if len(keys) > 1 && rapid.IntRange(0, 19).Draw(t, "dangling") > 0 {
					keys = keys[1:]
				}
				v = rapid.SampledFrom(keys).Draw(t, f.Name)
			}
			value := specs.Text(v)
			if f.Name == "refs" {
				value = specs.List(v)
			}
			r.Fields = append(r.Fields, specs.Field{Name: f.Name, Value: value})
		}
		slices.SortFunc(r.Fields, func(a, b specs.Field) int { return strings.Compare(a.Name, b.Name) })
		out = append(out, r)
	}
	return out
}

func linkedKind(k *specs.Kind, f *specs.FieldRow) (string, bool) {
	if k.Parent != nil && f.Name == k.Parent.Field {
		return k.Parent.Kind, true
	}
	return f.Refers, f.Refers != ""
}

// apply does to a state what a panel would do for a plan's steps.
func (w lawWorld) apply(t *rapid.T, p *Plan) *specs.State {
	now := map[specs.Ref]specs.Resource{}
	for _, kind := range w.live.Kinds() {
		for _, r := range w.live.Resources(kind) {
			now[r.Ref] = r
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		switch s.Action {
		case Create:
			if _, there := now[s.Ref]; there {
				t.Fatalf("%s creates what is there", s.ID)
			}
			now[s.Ref] = withFields(w.catalog.Kind(s.Kind), specs.Resource{Ref: s.Ref}, s.Changes)
			for _, brought := range w.catalog.Kind(s.Kind).Brings {
				ref := specs.Ref{Panel: "web1", Kind: brought, Key: s.Key}
				// A panel may bring one, it need not. Where the spec has a tombstone
				// for what comes along, the law asks for a panel that does not:
				// one that does needs a second run.
				tombstone := w.desired.Find(brought, s.Key) != nil && w.declared(brought, s.Key) == nil
				if _, there := now[ref]; !there && brought != w.failed && !tombstone {
					now[ref] = specs.Resource{Ref: ref, Fields: specs.Fields{{Name: "p", Value: specs.Text("1")}}}
				}
			}
		case Update:
			now[s.Ref] = withFields(w.catalog.Kind(s.Kind), now[s.Ref], s.Changes)
		case Delete:
			if _, there := now[s.Ref]; !there {
				t.Fatalf("%s deletes what is not there", s.ID)
			}
			w.remove(now, s.Ref)
		}
	}
	after := specs.NewState("web1")
	for _, k := range w.kinds {
		var rs []specs.Resource
		for ref, r := range now {
			if ref.Kind == k.Name {
				rs = append(rs, r)
			}
		}
		set(t, after, k.Name, rs)
	}
	if w.failed != "" {
		after.Fail(w.failed, errors.New("cut short"))
	}
	return after
}

func withFields(k *specs.Kind, r specs.Resource, changes []Change) specs.Resource {
	fields := map[string]specs.Value{}
	for _, f := range r.Fields {
		fields[f.Name] = f.Value
	}
	for _, c := range changes {
		if k.Field(c.Field).Read != specs.Never {
			fields[c.Field] = c.After
		}
	}
	r.Fields = nil
	for _, row := range k.Fields {
		if v, ok := fields[row.Name]; ok {
			r.Fields = append(r.Fields, specs.Field{Name: row.Name, Value: v})
		}
	}
	return r
}

func (w lawWorld) declared(kind, key string) *specs.Resource {
	return (&maker{Input: w.input()}).declared(kind, key)
}

// remove deletes a resource and all that goes with it.
func (w lawWorld) remove(now map[specs.Ref]specs.Resource, ref specs.Ref) {
	delete(now, ref)
	owner := w.catalog.Kind(ref.Kind)
	for _, kind := range owner.TakesWithIt {
		for other, r := range now {
			if v, _ := r.Fields.Get(ownedThrough(w.catalog.Kind(kind), owner)); other.Kind == kind && v.String() == ref.Key {
				w.remove(now, other)
			}
		}
	}
}

func hasErrors(p *Plan) bool {
	return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Severity == Error })
}

// TestApplyThenPlanIsEmpty is the law above all: a plan that is carried out
// leaves nothing to do. It holds for plans without error findings: others are
// not applied. Enough of the random plans must do something for it to mean anything.
func TestApplyThenPlanIsEmpty(t *testing.T) {
	plans, busy := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		p := w.plan()
		plans++
		if hasErrors(p) {
			return
		}
		if len(p.Steps) > 1 {
			busy++
		}
		again := w
		again.live = w.apply(t, p)
		if p2 := again.plan(); len(p2.Steps) > 0 {
			t.Fatalf("after\n%s the second plan is not empty:\n%s", text(p), text(p2))
		}
	})
	if busy*5 < plans {
		t.Errorf("only %d of %d plans were applied with more than one step: the law was hardly tried", busy, plans)
	}
}

func TestNeedsPointBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		d := Make(w.input())
		p := Assemble(testHeader, []*Draft{d}, []Panel{{Name: "web1"}}, nil)
		if err := p.check(); err != nil {
			t.Fatalf("%v\n%s", err, text(p))
		}
		lastRank, deleting := -1, false
		for i := range p.Steps {
			s := &p.Steps[i]
			rank := w.catalog.Kind(s.Kind).Rank
			if (s.Action == Delete) != deleting && deleting {
				t.Fatalf("%s is not a delete, but comes after one\n%s", s.ID, text(p))
			}
			if s.Action == Delete && !deleting {
				deleting, lastRank = true, 1<<30
			}
			if !deleting && rank < lastRank || deleting && rank > lastRank {
				t.Fatalf("%s is out of order\n%s", s.ID, text(p))
			}
			lastRank = rank
		}
	})
}

// TestEveryLiveResourceIsAccountedFor: of the managed kinds each live resource
// is either unchanged, updated, deleted, kept or gone along with a delete.
func TestEveryLiveResourceIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		p := w.plan()
		for _, f := range p.Findings {
			if f.Code == CodeReferenceMissing || f.Code == CodeTakesDeclared {
				return // such a plan is not applied, and a broken update is nothing but its finding
			}
		}
		seen := map[specs.Ref]bool{}
		once := func(r specs.Ref) {
			if seen[r] {
				t.Fatalf("%s is there twice\n%s", r, text(p))
			}
			seen[r] = true
		}
		along := map[string]int{}
		for _, s := range p.Steps {
			if s.Action != Create {
				once(s.Ref)
			}
			for _, c := range s.TakesWithIt {
				along[c.Kind] += c.Count
			}
		}
		for _, k := range p.Kept {
			once(k.Ref)
		}
		total := 0
		for _, k := range w.kinds {
			_, declared := w.desired.Listing(k.Name)
			if declared || w.rules.prune(k.Name).Test != nil {
				total += len(w.live.Resources(k.Name)) - along[k.Name]
			}
		}
		if got := len(seen) + p.Summary.Unchanged; got != total {
			t.Fatalf("%d of %d live resources are accounted for\n%s", got, total, text(p))
		}
	})
}

func TestProtectedIsNeverDeleted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		p := w.plan()
		after := w.apply(t, p)
		for _, k := range w.kinds {
			for _, r := range w.live.Resources(k.Name) {
				if w.protected[k.Name] && valueOfP(&r) == "2" && after.Find(k.Name, r.Ref.Key) == nil {
					t.Fatalf("%s is protected and gone after\n%s", r.Ref, text(p))
				}
			}
		}
	})
}

// TestFailedListingIsLeftAlone: no step of a kind whose listing failed, no
// delete that could take any of it along, and the reader is told.
func TestFailedListingIsLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if w.failed == "" {
			w.failed = w.kinds[0].Name
			w.live.Fail(w.failed, errors.New("cut short"))
		}
		p := w.plan()
		for _, s := range p.Steps {
			if s.Kind == w.failed || s.Action == Delete && slices.Contains(w.catalog.Kind(s.Kind).TakesWithIt, w.failed) {
				t.Fatalf("%s was planned without a list of %s\n%s", s.ID, w.failed, text(p))
			}
		}
		_, declared := w.desired.Listing(w.failed)
		told := slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Code == CodeListing && f.Ref == "web1/"+w.failed })
		if declared && !told {
			t.Fatalf("nobody says that %s could not be read\n%s", w.failed, text(p))
		}
	})
}

// TestTargetsLimitThePlan: with --target only what matches is planned, and the
// creates that needs.
func TestTargetsLimitThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		key := rapid.SampledFrom(lawKeys).Draw(t, "target")
		in := w.input()
		in.Targets = func(r specs.Ref) bool { return r.Key == key }
		p := Assemble(testHeader, []*Draft{Make(in)}, []Panel{{Name: "web1"}}, nil)
		needed := map[string]bool{}
		for _, s := range slices.Backward(p.Steps) {
			// What needs it may be left out itself, with an error finding.
			if s.Key != key && !(s.Action == Create && (needed[s.ID] || hasErrors(p))) {
				t.Fatalf("%s is neither a target nor needed by one\n%s", s.ID, text(p))
			}
			for _, n := range s.Needs {
				needed[n] = true
			}
		}
		for _, s := range w.plan().Steps {
			if s.Key == key && s.Action == Create && !slices.ContainsFunc(p.Steps, func(o Step) bool { return o.Ref == s.Ref }) {
				t.Fatalf("%s is a target, but missing\n%s", s.Ref, text(p))
			}
		}
	})
}

// TestSameInputsSameBytes: the order in which resources, listings, drafts
// and panels are given leaves no trace.
func TestSameInputsSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		other := specs.Panel{Name: "web0"}
		bytesOf := func(w lawWorld, reverse bool) []byte {
			in := w.input()
			in2 := in
			in2.Panel = other
			drafts, panels := []*Draft{Make(in), Make(in2)}, []Panel{{Name: "web1"}, {Name: "web0"}}
			extra := []Finding{{Severity: Warning, Code: "x", Ref: "b"}, {Severity: Warning, Code: "x", Ref: "a"}}
			if reverse {
				slices.Reverse(drafts)
				slices.Reverse(panels)
				slices.Reverse(extra)
			}
			var b bytes.Buffer
			if err := Write(&b, Assemble(testHeader, drafts, panels, extra)); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		want := bytesOf(w, false)
		shuffled := w
		shuffled.desired, shuffled.live = permuted(t, w.desired), permuted(t, w.live)
		if got := bytesOf(shuffled, true); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func permuted(t *rapid.T, s *specs.State) *specs.State {
	out := specs.NewState(s.Panel)
	for _, kind := range rapid.Permutation(s.Kinds()).Draw(t, "order of kinds") {
		if l, _ := s.Listing(kind); l.Err != nil {
			out.Fail(kind, l.Err)
			continue
		}
		set(t, out, kind, rapid.Permutation(slices.Clone(s.Resources(kind))).Draw(t, "order"))
	}
	return out
}

// TestFileRoundTrip: Read(Write(p)) is p, but for what is never in a file.
func TestFileRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawWorld(t).plan()
		var b bytes.Buffer
		if err := Write(&b, p); err != nil {
			t.Fatal(err)
		}
		back, err := Read(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if d := diffPlans(p, back); d != "" {
			t.Fatal(d)
		}
	})
}
