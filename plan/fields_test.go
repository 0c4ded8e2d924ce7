package plan

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/specs"
)

// TestMovedNamesTheField: whatever one field becomes, and only then, it is
// named; marks of two bytes collide once in 32,000, which is left out.
func TestMovedNamesTheField(t *testing.T) {
	values := rapid.OneOf(
		rapid.Map(rapid.String(), specs.Text), rapid.Map(rapid.Int64(), specs.Number),
		rapid.Map(rapid.Bool(), specs.Bool), rapid.Map(rapid.SliceOf(rapid.StringMatching(`[a-z]{1,3}`)), func(s []string) specs.Value { return specs.List(s...) }),
		rapid.Just(specs.Value{}))
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c", "d"}
		r := &specs.Resource{}
		for _, n := range names {
			r.Fields = append(r.Fields, specs.Field{Name: n, Value: values.Draw(t, n)})
		}
		p := &Plan{Fields: map[string][]string{"k": names[:3]}} // d is a field that only shows up later
		s := &Step{Kind: "k", WasFields: marks(r, names[:3])}
		i := rapid.IntRange(0, 3).Draw(t, "which")
		after := values.Draw(t, "after")
		before := r.Fields[i].Value
		r.Fields[i].Value = after
		if i < 3 && before != after && mark(before) == mark(after) {
			t.Skip("a collision")
		}
		r.Fields[3].Value = specs.Value{}
		if i == 3 {
			r.Fields[3].Value = after
		}
		got, told := p.moved(s, r)
		want := ""
		if i < 3 && before != after || i == 3 && !after.IsAbsent() {
			want = names[i]
		}
		if strings.Join(got, " ") != want {
			t.Fatalf("moved: %v, want %q", got, want)
		}
		if want != "" && told[want] != (i < 3 && !before.IsAbsent()) {
			t.Fatalf("told: %v", told)
		}
	})
}

// TestMovedOfOtherPlans: a plan without marks, or with marks that do not fit,
// names nothing and does not fall over.
func TestMovedOfOtherPlans(t *testing.T) {
	r := &specs.Resource{Fields: specs.Fields{{Name: "a", Value: specs.Text("x")}}}
	for _, marks := range []string{"", "AA", "?", "AAAAAAAA"} {
		p := &Plan{Fields: map[string][]string{"k": {"a", "b"}}}
		if got, _ := p.moved(&Step{Kind: "k", WasFields: marks}, r); got != nil {
			t.Errorf("%q: %v", marks, got)
		}
	}
}
