package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
)

// A list that is whole and empty where the last run saw many decides nothing:
// it is read again, and what a second reading confirms is for a person to
// believe.

// collapseStage is a panel with sites on which one apply ran.
func collapseStage(t *testing.T, sites int) (*stage, error) {
	w := &world{
		panels: []worldPanel{{options: simpanel.Options{Name: "web1"}, limits: map[string]int{"writes": 1}, auth: "session"}},
		spec: map[string]any{
			"resources": map[string]any{"webdomain": []any{
				map[string]any{"name": "site00001-1.example.com", "owner": "u00001", "php_mode": "php_mode_cgi"},
				map[string]any{"name": "site00001-2.example.com", "owner": "u00001", "php_mode": "php_mode_cgi"},
			}},
			"prune": map[string]any{"user": `name == "u00002"`},
		},
	}
	s, err := w.stage(t)
	if err != nil {
		return nil, err
	}
	s.panels["web1"].Seed(1, sites)
	_, err = s.want(exitOK, "apply", "--auto-approve")
	s.panels["web1"].ResetCalls()
	return s, err
}

// emptySites empties the first n lists of sites from now on.
func (s *stage) emptySites(n int) {
	s.panels["web1"].ResetCalls()
	s.panels["web1"].SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
		if c.Func == "webdomain" && c.OfFunc <= n {
			return simpanel.EmptyList
		}
		return ""
	}})
}

// collapse is the finding of a plan about a collapsed list.
func collapse(p *plan.Plan) (f plan.Finding) {
	for _, found := range p.Findings {
		if found.Code == plan.CodeCollapsed {
			f = found
		}
	}
	return f
}

func TestLawCollapse(t *testing.T) {
	for name, law := range map[string]func(*testing.T) error{
		"once empty, it is read again": func(t *testing.T) error {
			s, err := collapseStage(t, 30)
			if err != nil {
				return err
			}
			s.emptySites(1)
			p, r, err := s.plan(exitOK)
			if err != nil || len(p.Steps) > 0 || len(p.Findings) > 0 || s.panels["web1"].Counts()["webdomain"] != 2 {
				return fmt.Errorf("%v, want a second reading and no step: %v", err, r)
			}
			return nil
		},
		"always empty, it is refused":                                refusedCollapse,
		"a saved plan, too":                                          savedCollapse,
		"what is true is believed when it is said, once":             believedCollapse,
		"the loss of a few is a warning":                             smallLoss,
		"an empty list where accounts use space, and no memory":      withoutMemory,
		"our own deletes are no collapse, wherever a run is cut off": ownDeletes,
	} {
		t.Run(name, func(t *testing.T) {
			if err := inBubble(t, law); err != nil {
				t.Error(err)
			}
		})
	}
}

func refusedCollapse(t *testing.T) error {
	s, err := collapseStage(t, 30)
	if err != nil {
		return err
	}
	s.emptySites(100)
	p, r, err := s.plan(exitOK)
	if err != nil {
		return err
	}
	if f := collapse(p); f.Severity != plan.Error || f.Ref != "web1/webdomain" || f.Lift != "--allow-collapse web1/webdomain" {
		return fmt.Errorf("finding %+v: %v", f, r)
	}
	r, err = s.want(exitRail, "apply", "--auto-approve")
	if err != nil || !strings.Contains(r.stderr, "--allow-collapse web1/webdomain") || len(s.writes()["web1"]) > 0 {
		return fmt.Errorf("%v, %d writes: %v", err, len(s.writes()["web1"]), r)
	}
	_, err = s.want(exitUsage, "apply", "--auto-approve", "--allow-collapse", "web1")
	return err
}

func savedCollapse(t *testing.T) error {
	s, err := collapseStage(t, 30)
	if err != nil {
		return err
	}
	s.panels["web1"].Delete("webdomain", "site00001-2.example.com")
	if _, err := s.want(exitOK, "plan", "--out", s.path("plan.json")); err != nil {
		return err
	}
	s.emptySites(100)
	if r, err := s.want(exitRail, "apply", s.path("plan.json")); err != nil || len(s.writes()["web1"]) > 0 {
		return fmt.Errorf("%v, %d writes: %v", err, len(s.writes()["web1"]), r)
	}
	s.emptySites(0)
	_, err = s.want(exitOK, "apply", s.path("plan.json")) // refused, so not used up
	return err
}

func believedCollapse(t *testing.T) error {
	s, err := collapseStage(t, 30)
	if err != nil {
		return err
	}
	for key := range s.ends()["web1"]["webdomain"] {
		s.panels["web1"].Delete("webdomain", key)
	}
	if _, err := s.want(exitRail, "apply", "--auto-approve"); err != nil {
		return err
	}
	report, r, err := s.apply("--allow-collapse", "web1/webdomain")
	if err != nil || report.Result != executor.Applied || report.Summary.Done != 2 {
		return fmt.Errorf("%v: %v", err, r)
	}
	p, r, err := s.plan(exitOK)
	if err == nil && (len(p.Steps) > 0 || len(p.Findings) > 0) {
		err = fmt.Errorf("afterwards: %v", r)
	}
	return err
}

func smallLoss(t *testing.T) error {
	s, err := collapseStage(t, 2)
	if err != nil {
		return err
	}
	for key := range s.ends()["web1"]["webdomain"] {
		s.panels["web1"].Delete("webdomain", key)
	}
	p, r, err := s.plan(exitOK)
	if err != nil {
		return err
	}
	if f := collapse(p); f.Severity != plan.Warning || s.panels["web1"].Counts()["webdomain"] != 2 {
		return fmt.Errorf("finding %+v: %v", f, r)
	}
	_, err = s.want(exitOK, "apply", "--auto-approve")
	return err
}

func withoutMemory(t *testing.T) error {
	s, err := collapseStage(t, 30)
	if err != nil {
		return err
	}
	s.panels["web1"].Put("user", "u00002", map[string]string{"quota_used": "12"})
	if err := os.RemoveAll(s.path("state")); err != nil {
		return err
	}
	s.emptySites(100)
	p, r, err := s.plan(exitOK)
	if err != nil {
		return err
	}
	if f := collapse(p); f.Severity != plan.Warning || f.Ref != "web1/webdomain" {
		return fmt.Errorf("finding %+v: %v", f, r)
	}
	return nil
}

// ownDeletes looks into the state directory while deletes are under way: what a
// run that is cut off would leave there is no more than what may be left.
func ownDeletes(t *testing.T) error {
	s, err := collapseStage(t, 30)
	if err != nil {
		return err
	}
	spec, err := os.ReadFile(s.path("spec.yaml"))
	if err != nil {
		return err
	}
	gone := strings.Replace(string(spec), `"prune": {`, `"prune": {"webdomain": "not (name in ['site00001-1.example.com', 'site00001-2.example.com'])",`, 1)
	if err := os.WriteFile(s.path("spec.yaml"), []byte(gone), 0o600); err != nil {
		return err
	}
	var seen []string
	s.panels["web1"].SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
		if c.Func == "webdomain.delete" {
			b, err := os.ReadFile(s.path(filepath.Join("state", "seen", "web1.json")))
			seen = append(seen, fmt.Sprint(strings.Contains(string(b), `"webdomain": 2`), err))
		}
		return ""
	}})
	if _, err := s.want(exitOK, "apply", "--auto-approve", "--allow-deletes", "28"); err != nil {
		return err
	}
	if len(seen) != 28 || seen[0] != "true <nil>" || seen[27] != "true <nil>" {
		return fmt.Errorf("what a run would leave that is cut off: %v", seen)
	}
	p, r, err := s.plan(exitOK)
	if err == nil && (len(p.Steps) > 0 || len(p.Findings) > 0) {
		err = fmt.Errorf("afterwards: %v", r)
	}
	return err
}
