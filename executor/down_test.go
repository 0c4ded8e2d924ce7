package executor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/plan"
)

// TestDeadPanel: when a call is not sent because the panel is down, the rest of
// its lane is not run, and says why; other lanes go on.
func TestDeadPanel(t *testing.T) {
	dead, well := newFake(), newFake()
	dead.faults["user/b"] = []fault{notSent}
	r, _ := try(t, []plan.Step{
		step("s1", plan.Create, "web1/user/a", nil, "x", "1"),
		step("s2", plan.Create, "web1/user/b", nil, "x", "1"),
		step("s3", plan.Create, "web1/user/c", []string{"s2"}, "x", "1"),
		step("s4", plan.Create, "web1/user/d", nil, "x", "1"),
		step("s5", plan.Create, "web2/user/e", nil, "x", "1"),
	}, map[string]*fake{"web1": dead, "web2": well}, Options{})
	want := `s1 create web1/user/a: done after 1
s2 create web1/user/b: not_run after 0
   [panel_down/name] the panel says panel_down
s3 create web1/user/c: not_run after 0
   [panel_down/] not run: the panel says panel_down
s4 create web1/user/d: not_run after 0
   [panel_down/] not run: the panel says panel_down
s5 create web2/user/e: done after 1
web1: 2 requests, 1 writes, restart none
web2: 2 requests, 1 writes, restart none
result: partial
`
	if d := cmp.Diff(want, told(r)); d != "" {
		t.Error(d)
	}
}

// TestDiesAfterDoubt: a call that was sent, found to have done nothing, and not
// sent again because the panel is down by then, has failed.
func TestDiesAfterDoubt(t *testing.T) {
	f := newFake()
	f.faults["user/a"] = []fault{lostBefore, notSent}
	r, _ := try(t, []plan.Step{step("s1", plan.Create, "web1/user/a", nil, "x", "1")}, map[string]*fake{"web1": f}, Options{})
	if o := r.Outcomes[0]; o.Outcome != Failed || o.Attempts != 1 || o.Error.Type != "panel_down" {
		t.Errorf("%+v: %+v", o, o.Error)
	}
}
