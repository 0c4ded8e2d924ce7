package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
)

// A listing that cannot be believed decides nothing: whatever is wrong with
// the list of one kind, nothing of that kind is created or deleted.

// listFaults are the faults of a list, and whether the panel still answers for
// itself, so that its other kinds go on. Endless is left to apiclient: a
// gigabyte takes too long here.
var listFaults = map[simpanel.Fault]bool{
	simpanel.ShortList: true, simpanel.NoTotal: true, simpanel.RepeatPage: true, simpanel.ErrorInList: true, simpanel.DuplicateRows: true,
	simpanel.Cut: true, simpanel.CutConnection: true, simpanel.EntityBomb: true, simpanel.DeepNesting: true,
	simpanel.ServerError: true, simpanel.BadGateway: true, simpanel.GatewayTimeout: true, simpanel.Unavailable: true,
	simpanel.DropBefore: true, simpanel.DropAfter: true, simpanel.RequestFailed: true, simpanel.ForgetSession: false,
}

// listingSpec declares, prunes and deletes something of every kind. The panels
// hold four of each, so that every fault has something to spoil.
var listingSpec = map[string]any{
	"resources": map[string]any{
		"user": []any{
			map[string]any{"name": "u00001", "fullname": "Changed"},
			map[string]any{"name": "u00002", "ensure": "absent"},
			map[string]any{"name": "newcomer", "passwd": "${secret.env('SIM_PASSWORD')}"},
		},
		"domain": []any{
			map[string]any{"name": "zone00003-1.example.net", "ensure": "absent"},
			map[string]any{"name": "new.example.net", "owner": "u00001"},
			map[string]any{"name": "zone00001-1.example.net", "dnssec": true},
		},
		"webdomain": []any{
			map[string]any{"name": "site00003-1.example.com", "ensure": "absent"},
			map[string]any{"name": "site00001-1.example.com", "php_mode": "php_mode_mod"},
			map[string]any{"name": "new.example.com", "owner": "u00001"},
		},
	},
	"prune":  map[string]any{"webdomain": `owner == "u00004"`, "domain": `owner == "u00004"`, "user": `name == "u00004"`},
	"limits": map[string]any{"deletes": map[string]any{"count": 100}},
}

// TestLawDoubtfulListing tries every fault on the list of every kind.
func TestLawDoubtfulListing(t *testing.T) {
	for _, fault := range slices.Sorted(maps.Keys(listFaults)) {
		goesOn := listFaults[fault]
		for _, kind := range lawKinds {
			t.Run(string(fault)+" "+kind, func(t *testing.T) {
				if err := inBubble(t, func(t *testing.T) error { return doubtful(t, fault, kind, goesOn) }); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func doubtful(t *testing.T, fault simpanel.Fault, kind string, goesOn bool) error {
	w := &world{panels: []worldPanel{
		{options: simpanel.Options{Name: "web1", PageSize: 2}, limits: map[string]int{"writes": 2}, auth: "session"},
		{options: simpanel.Options{Name: "web2"}, limits: map[string]int{"writes": 1}, auth: "session"},
	}}
	w.spec = everywhere(maps.Clone(listingSpec))
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	for _, p := range s.panels {
		p.Seed(4, 1)
		p.SeedZones(4, 1)
	}
	whole, _, err := s.plan(exitOK)
	if err != nil {
		return err
	}
	if _, err := s.want(exitOK, "plan", "--out", s.path("plan.json")); err != nil {
		return err
	}
	s.panels["web1"].SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
		if c.Func == kind {
			return fault
		}
		return ""
	}})
	p, r, err := s.plan(exitPartial)
	if err != nil {
		return err
	}
	if err := onlyOthers(whole, p, kind, goesOn); err != nil {
		return fmt.Errorf("%w\n%v", err, r)
	}
	for _, args := range [][]string{{s.path("plan.json")}, {}} {
		report, r, err := s.apply(args...)
		if err != nil {
			return err
		}
		if r.code != exitPartial || report.Result != executor.Partial {
			return fmt.Errorf("apply %v of what could be read: want exit code 3 and a partial result, got %v", args, r)
		}
		for _, c := range s.writes()["web1"] {
			if makesOrDeletes(c, kind) {
				return fmt.Errorf("apply %v, on the word of a listing with %s: %s %v", args, fault, c.Func, c.Params)
			}
		}
	}
	return nil
}

// everywhere declares the resources of a spec on all panels.
func everywhere(spec map[string]any) map[string]any {
	resources := map[string]any{}
	for kind, entries := range spec["resources"].(map[string]any) {
		var all []any
		for _, e := range entries.([]any) {
			on := map[string]any{"panels": "all"}
			maps.Copy(on, e.(map[string]any))
			all = append(all, on)
		}
		resources[kind] = all
	}
	spec["resources"] = resources
	return spec
}

func makesOrDeletes(c simpanel.Call, kind string) bool {
	return c.Func == kind+".delete" || c.Func == kind+".edit" && c.Params["elid"] == ""
}

// onlyOthers holds a plan with a doubtful listing of web1 against the plan
// without: no step of that kind there; the steps of web2 as ever; and of web1's
// other kinds every update, and every create that needs no step of that kind.
func onlyOthers(whole, p *plan.Plan, kind string, goesOn bool) error {
	have := map[string]bool{}
	for _, st := range p.Steps {
		if st.Panel == "web1" && st.Kind == kind {
			return fmt.Errorf("there is a step %s %s", st.Action, st.Ref)
		}
		have[string(st.Action)+" "+st.Ref.String()] = true
	}
	for _, st := range whole.Steps {
		name := string(st.Action) + " " + st.Ref.String()
		expected := st.Panel == "web2" || goesOn && st.Kind != kind && st.Action != plan.Delete
		if expected && !have[name] {
			return fmt.Errorf("%s is missing: the other kinds and panels go on", name)
		}
	}
	return nil
}

// TestLawSavedFilters: filters that the account has saved in the panel hide
// nothing from a plan.
func TestLawSavedFilters(t *testing.T) {
	checks(t, "10")
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		kind := rapid.SampledFrom(lawKinds).Draw(rt, "kind")
		text := rapid.SampledFrom([]string{"a", "example.com", "nothing"}).Draw(rt, "filter")
		if err := inBubble(t, func(t *testing.T) error {
			s, err := w.stage(t)
			if err != nil {
				return err
			}
			_, without, err := s.plan(exitOK)
			if err != nil {
				return err
			}
			for _, p := range s.panels {
				p.SaveFilter("root", kind, map[string]string{"name": text})
			}
			_, with, err := s.plan(exitOK)
			if err == nil && timeless(without.stdout) != timeless(with.stdout) {
				err = fmt.Errorf("a filter of %s changes the plan from\n%s\nto\n%s", kind, without.stdout, with.stdout)
			}
			return err
		}); err != nil {
			rt.Fatalf("%v\n%s", strings.TrimSpace(err.Error()), w)
		}
	})
}
