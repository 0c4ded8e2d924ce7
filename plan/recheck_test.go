package plan

import (
	"testing"

	"github.com/ispsync/ispsync/specs"
)

// TestRecheck: a saved plan is held against what the rules say now, and not
// against what it says itself.
func TestRecheck(t *testing.T) {
	policies, err := CompilePolicies([]Policy{{Name: "full", Deny: true, Source: `step.action == "delete" && live.used > 5`, Message: "in use"}})
	if err != nil {
		t.Fatal(err)
	}
	holding := func(used int64) *specs.State {
		r := res("user", "gone", "active=true")
		r.Meters = specs.Fields{{Name: "used", Value: specs.Number(used)}}
		return state(t, allKinds, r)
	}
	for _, tt := range []struct {
		name        string
		was, is     int64
		made, given Lifts
		protect     func(string) Match
		stale       bool
		want        string
	}{
		{name: "as it was", was: 0, is: 0},
		{name: "a meter rose", was: 0, is: 9, want: "--allow-policy full"},
		{name: "and is lifted now", was: 0, is: 9, given: Lifts{Policies: []string{"full"}}},
		{name: "it was so, and the plan says it", was: 9, is: 9},
		{name: "it was so, and was lifted", was: 9, is: 9, made: Lifts{Policies: []string{"full"}}},
		{name: "a rule that looks at the meter", was: 0, is: 3, protect: matching("user", "name", "gone"), want: "--allow-protected web1/user/gone"},
		{name: "a step that does not run", was: 0, is: 9, stale: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := func(l Lifts) *Rules {
				return &Rules{Policies: policies, Deletes: DefaultDeletes, AllowDeletes: -1, Lifts: l}
			}
			desired := state(t, "", absent("user", "gone"))
			w := world{desired: desired, live: holding(tt.was), rules: rules(tt.made)}
			p := w.plan(t)
			now := rules(tt.given)
			now.Protect = tt.protect
			stale := map[string]string{}
			if tt.stale {
				stale["s1"] = "moved"
			}
			got := ""
			for _, f := range Recheck(p, specs.Panel{Name: "web1"}, now, holding(tt.is), desired, stale) {
				got += f.Lift
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
