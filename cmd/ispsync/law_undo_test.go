package main

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// TestLawUndo: a run, whole or killed somewhere and completed, and the plan that
// undoes it leave the panels as they were. Accounts do not go in these worlds: no
// panel tells the passwords without which they cannot be made again.
func TestLawUndo(t *testing.T) {
	checks(t, "25")
	undone, deletes := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		for i := range w.panels {
			w.panels[i].options.BringsZones = false // what a panel makes by itself is no step
			for _, r := range w.panels[i].live {
				if r.fields["secure"] == "on" && r.fields["ssl_cert"] == "" {
					r.fields["ssl_cert"] = "selfsigned" // a panel has no such site without
				}
			}
		}
		var kill *dyingSpec
		if rapid.Bool().Draw(rt, "killed") {
			kill = &dyingSpec{Line: rapid.IntRange(2, 30).Draw(rt, "line"), How: rapid.SampledFrom(deaths).Draw(rt, "how")}
		}
		if err := inBubble(t, func(t *testing.T) error {
			p, err := w.undone(t, kill)
			if p != nil {
				undone, deletes = undone+1, deletes+p.Summary.Delete
			}
			return err
		}); err != nil {
			rt.Fatalf("%v\n%+v\n%s", err, kill, w)
		}
	})
	if t.Logf("%d runs undone, with %d deletes", undone, deletes); undone < 5 || deletes < 1 {
		t.Error("the law says little")
	}
}

// undone applies and undoes. The plan is that of the run; nil when the world
// does not fit the law.
func (w *world) undone(t *testing.T, kill *dyingSpec) (*plan.Plan, error) {
	s, err := w.stage(t)
	if err != nil {
		return nil, err
	}
	before := canonicalEnds(s.ends())
	if _, err := s.want(exitOK, "plan", "--out", s.path("plan.json")); err != nil {
		return nil, err
	}
	p, err := readPlanFile(s.path("plan.json"))
	if err != nil {
		return nil, err
	}
	for _, st := range p.Steps {
		if st.Kind == "user" && st.Action == plan.Delete {
			return nil, nil
		}
	}
	if len(p.Steps) == 0 {
		return nil, nil
	}
	args := []string{"apply", s.path("plan.json")}
	died := false
	if kill != nil {
		if _, died, err = s.killed(*kill, args...); err != nil {
			return nil, err
		}
		args = s.goOn(args)
	}
	if (kill == nil || died) && args != nil {
		if _, err := s.want(exitOK, args...); err != nil {
			return nil, err
		}
	}
	if _, err := s.want(exitOK, "undo", "last", "--out", s.path("undo.json"), "--allow-deletes", fmt.Sprint(p.Summary.Create)); err != nil {
		return nil, err
	}
	r, err := s.want(exitOK, "apply", s.path("undo.json"), "--allow-deletes", fmt.Sprint(p.Summary.Create))
	if err != nil {
		return nil, err
	}
	if d := cmp.Diff(before, canonicalEnds(s.ends())); d != "" {
		return nil, fmt.Errorf("the panels are not as they were:\n%s\n%v", d, r)
	}
	return p, nil
}

// canonicalEnds are what panels hold of the kinds of these worlds, as canonical
// values: what comes back means the same as before, and a set may be written in
// another order. What a panel does by itself is not looked at: the records it
// makes with a zone, the certificate it gives to a site with TLS, and the address
// it chooses when that is left to it.
func canonicalEnds(ends map[string]map[string]map[string]map[string]string) any {
	out := map[string]map[string]any{}
	for panel, kinds := range ends {
		out[panel] = map[string]any{}
		for _, kind := range lawKinds {
			out[panel][kind] = kinds[kind]
			for _, fields := range kinds[kind] {
				for _, name := range []string{"ssl_cert", "ipsrc", "ipaddrs"} {
					delete(fields, name)
				}
				for name, v := range fields {
					if row := specs.Builtin().Kind(kind).Field(name); row != nil {
						fields[name] = row.Canon.FromPanel(v).String()
					}
				}
			}
		}
	}
	return out
}

// TestLawUndoLeavesAlone: what somebody changed after the run stays as it was
// changed, whatever the run did to it, and the rest goes back.
func TestLawUndoLeavesAlone(t *testing.T) {
	checks(t, "15")
	rapid.Check(t, func(rt *rapid.T) {
		what := rapid.SampledFrom([]string{"alice", "u00001"}).Draw(rt, "changed since") // made by the run, and changed by it
		if err := inBubble(t, func(t *testing.T) error {
			w := &world{spec: map[string]any{"resources": map[string]any{"user": []any{
				map[string]any{"name": "alice", "passwd": "${secret.env('SIM_PASSWORD')}", "fullname": "Alice"},
				map[string]any{"name": "bob", "passwd": "${secret.env('SIM_PASSWORD')}"},
				map[string]any{"name": "u00001", "fullname": "One"},
				map[string]any{"name": "u00002", "fullname": "Two"},
			}}}, panels: []worldPanel{{options: simpanel.Options{Name: "web1"}, limits: map[string]int{}, auth: "session"}}}
			s, err := w.stage(t)
			if err != nil {
				return err
			}
			web1 := s.panels["web1"]
			web1.Seed(2, 0)
			before, _ := web1.Get("user", "u00002")
			if _, _, err := s.apply(); err != nil {
				return err
			}
			time.Sleep(time.Minute)
			now, _ := web1.Get("user", what)
			now["fullname"] = "Somebody else's"
			web1.Put("user", what, now)
			if _, err := s.want(exitOK, "undo", "last", "--out", s.path("undo.json")); err != nil {
				return err
			}
			text, err := os.ReadFile(s.path("undo.json"))
			if err != nil {
				return err
			}
			p := &plan.Plan{}
			if err := json.Unmarshal(text, p); err != nil {
				return err
			}
			if len(p.Steps) != 3 || len(p.Findings) == 0 {
				return fmt.Errorf("%d steps, findings %+v", len(p.Steps), p.Findings)
			}
			if _, err := s.want(exitOK, "apply", s.path("undo.json")); err != nil {
				return err
			}
			if got, _ := web1.Get("user", what); got["fullname"] != "Somebody else's" {
				return fmt.Errorf("%s is now %v", what, got)
			}
			if _, there := web1.Get("user", "bob"); there {
				return fmt.Errorf("bob is still there")
			}
			if got, _ := web1.Get("user", "u00002"); got["fullname"] != before["fullname"] {
				return fmt.Errorf("u00002 is now %v", got)
			}
			return nil
		}); err != nil {
			rt.Fatalf("%s: %v", what, err)
		}
	})
}
