package main

import (
	"slices"
	"testing"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// What moved between two readings is named, whichever way it moved.
func TestStepsThatMoved(t *testing.T) {
	step := func(key string, a plan.Action, was, after string) plan.Step {
		return plan.Step{Ref: specs.Ref{Panel: "web1", Kind: "user", Key: key}, Panel: "web1", Action: a, Was: was,
			Changes: []plan.Change{{Field: "comment", After: specs.Text(after)}}}
	}
	before := &plan.Plan{Steps: []plan.Step{step("same", plan.Update, "d1", "x"), step("edited", plan.Update, "d1", "x"), step("done", plan.Create, "absent", "x")}}
	after := &plan.Plan{Steps: []plan.Step{step("new", plan.Update, "d3", "x"), step("edited", plan.Update, "d2", "x"), step("same", plan.Update, "d1", "x")}}
	want := []string{"web1/user/done", "web1/user/edited", "web1/user/new"}
	if got := stepsThatMoved(before, after, []string{"web1"}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := stepsThatMoved(before, after, []string{"web2"}); len(got) != 0 {
		t.Errorf("web2 was looked at, but %v", got)
	}
	if got := stepsThatMoved(before, before, []string{"web1"}); len(got) != 0 {
		t.Errorf("nothing moved, but %v", got)
	}
}
