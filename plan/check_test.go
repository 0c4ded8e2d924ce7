package plan

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/specs"
)

// saved writes and reads a plan, as between `plan --out` and `apply FILE`.
func saved(t testing.TB, p *Plan) *Plan {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	back, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestCheck(t *testing.T) {
	desired := state(t, "", res("ip", "1", "mask=24"), res("ip", "2", "mask=24"), absent("user", "gone"), absent("site", "b.org"), res("user", "alice", "!passwd", "!pin"), res("user", "new", "!passwd"))
	before := []specs.Resource{res("ip", "1", "mask=8"), res("user", "gone"), res("site", "a.org", "owner=gone"), res("site", "b.org", "owner=x"), res("user", "alice")}
	w := world{desired: desired, live: state(t, allKinds, before...), rotate: func(r specs.Ref) bool { return r.Key == "alice" }}
	// The plan: +ip/2 +user/new ~ip/1 ~user/alice(passwd) -site/b.org -user/gone (takes site/a.org)
	without := func(key string, more ...specs.Resource) *specs.State {
		var rs []specs.Resource
		for _, r := range before {
			if r.Ref.Key != key {
				rs = append(rs, r)
			}
		}
		return state(t, allKinds, append(rs, more...)...)
	}
	failed := func(kind string) *specs.State { s := without(""); s.Fail(kind, errors.New("cut short")); return s }
	tests := []struct {
		name string
		live *specs.State
		want []string // ref: why
	}{
		{"nothing happened", without(""), nil},
		{"a meter moved, and the panel renumbered", func() *specs.State {
			r := res("ip", "1", "mask=8")
			r.Meters, r.Elid = specs.Fields{{Name: "used", Value: specs.Number(1)}}, "17"
			return without("1", r)
		}(), nil},
		{"somebody changed what the plan changes", without("1", res("ip", "1", "mask=16")), []string{`web1/ip/1: mask: was "8", is "16", wanted "24"`}},
		{"somebody did what the plan does", without("1", res("ip", "1", "mask=24")), []string{`web1/ip/1: mask: was "8", is "24", wanted "24"`}},
		{"somebody changed something else", without("1", res("ip", "1", "mask=8", "note=x")), []string{`web1/ip/1: note: was not told, is "x", wanted as it was`}},
		{"what was to be updated is gone", without("1"), []string{`web1/ip/1: was there when the plan was made, is gone, wanted: update of mask`}},
		{"what was to be deleted is gone", without("b.org"), []string{`web1/site/b.org: was there when the plan was made, is gone, wanted: delete`}},
		{"what was to be made is there", without("", res("ip", "2", "mask=24")), []string{`web1/ip/2: was absent when the plan was made, is there now, wanted: create`}},
		{"more would go along", without("", res("site", "c.org", "owner=gone"), res("zone", "c.org", "owner=gone")), []string{`web1/user/gone: goes with it: was 1 site, is 2 site, 1 zone, wanted: delete`}},
		{"less would go along", without("a.org"), []string{`web1/user/gone: goes with it: was 1 site, is nothing, wanted: delete`}},
		{"a kind cannot be read", failed("ip"), []string{`web1/ip/1: unread: the list of ip cannot be relied on: cut short`, `web1/ip/2: unread: the list of ip cannot be relied on: cut short`}},
		{"what goes along cannot be read", failed("zone"), []string{`web1/user/gone: unread: the list of zone, which go with it, was not read`}},
		{"the panel was not read", nil, []string{`web1/ip/1: unread: the list of ip was not read`, `web1/ip/2: unread: the list of ip was not read`,
			`web1/user/alice: unread: the list of user was not read`, `web1/user/new: unread: the list of user was not read`,
			`web1/site/b.org: unread: the list of site was not read`, `web1/user/gone: unread: the list of user was not read`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := saved(t, w.plan(t))
			var got []string
			for _, s := range Check(p, map[string]*specs.State{"web1": tt.live}, map[string]*specs.State{"web1": desired}, testCatalog(t).Kind) {
				line := s.Ref.String() + ": "
				if s.Unread {
					line += "unread: "
				}
				got = append(got, line+s.Why)
				if i := stepIndex(p, s.Ref); i < 0 || p.Steps[i].ID != s.Step {
					t.Errorf("%s is not step %s", s.Ref, s.Step)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func stepIndex(p *Plan, ref specs.Ref) int {
	for i := range p.Steps {
		if p.Steps[i].Ref == ref {
			return i
		}
	}
	return -1
}

// TestCheckFillsIn: after Check a step of a saved plan makes the same call as
// before it was saved.
func TestCheckFillsIn(t *testing.T) {
	live := res("user", "alice", "limit=1")
	live.Elid, live.Su = "42", "reseller"
	made := res("site", "a.org", "owner=alice")
	made.Su = "alice"
	w := world{desired: state(t, "", res("user", "alice", "limit=2", "!passwd", "!pin"), res("user", "new", "!passwd", "!pin"), made),
		live: state(t, allKinds, live), rotate: func(specs.Ref) bool { return true }}
	want := w.plan(t)
	got := saved(t, want)
	states := func(s *specs.State) map[string]*specs.State { return map[string]*specs.State{"web1": s} }
	if stale := Check(got, states(w.live), states(w.desired), testCatalog(t).Kind); stale != nil {
		t.Fatal(stale)
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b specs.Value) bool { return a == b })); d != "" {
		t.Error(d)
	}
	if r := got.Steps[0].Resource(); r.Elid != "42" || r.Su != "reseller" || len(r.Secrets) != 1 || r.Secrets[0].Secret.Arg != "PASSWD" || len(r.Fields) != 1 {
		t.Errorf("the update sends %+v", r)
	}
	stale := Check(saved(t, want), states(w.live), states(state(t, "", res("user", "new", "!passwd"))), testCatalog(t).Kind)
	if len(stale) != 2 || stale[1].Why != "the spec no longer says where the secret pin comes from" {
		t.Errorf("without the spec's secrets: %+v", stale)
	}
}

// TestResourceDigest: two resources have the same digest exactly when they have
// the same fields, whatever else is known of them.
func TestResourceDigest(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) specs.Value {
		s := rapid.StringMatching(`[a 1]{0,2}`).Draw(t, "text")
		return rapid.SampledFrom([]specs.Value{{}, specs.Text(s), specs.Bool(s == ""), specs.Number(int64(len(s))), specs.List(s), specs.List("a", s), specs.List("a " + s)}).Draw(t, "value")
	})
	fields := rapid.Custom(func(t *rapid.T) specs.Fields {
		var out specs.Fields
		for _, name := range []string{"a", "aa", "b"} {
			if rapid.Bool().Draw(t, name) {
				out = append(out, specs.Field{Name: name, Value: value.Draw(t, name)})
			}
		}
		return out
	})
	told := func(fs specs.Fields) (out specs.Fields) {
		for _, f := range fs {
			if !f.Value.IsAbsent() {
				out = append(out, f)
			}
		}
		return out
	}
	equal := cmp.Comparer(func(a, b specs.Value) bool { return a == b })
	rapid.Check(t, func(t *rapid.T) {
		a := specs.Resource{Fields: fields.Draw(t, "a")}
		b := specs.Resource{Fields: fields.Draw(t, "b"), Elid: "7", Meters: specs.Fields{{Name: "used", Value: specs.Number(1)}}}
		same := cmp.Equal(told(a.Fields), told(b.Fields), equal)
		if got := ResourceDigest(&a) == ResourceDigest(&b); got != same {
			t.Fatalf("%v and %v: same digest %v", a.Fields, b.Fields, got)
		}
	})
}
