package plan

import (
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// Recheck asks the rules about the steps of a saved plan again, for one panel as
// it is now. A step's digest holds all fields but no meters: an account may have
// been empty when the plan was made and hold data now, and a policy that looks at
// quota_used must see that. What the plan says already, or was lifted when it
// was made, is not found again. stale are the ids of steps that do not run.
func Recheck(p *Plan, panel specs.Panel, rules *Rules, live, desired *specs.State, stale map[string]string) []Finding {
	d := &Draft{panel: panel, rules: rules}
	m := &maker{Input: Input{Panel: panel, Rules: rules}, draft: d}
	for i := range p.Steps {
		s := &p.Steps[i]
		if _, out := stale[s.ID]; out || s.Panel != panel.Name {
			continue
		}
		step := &draftStep{Step: *s, desired: wantedBy(s, desired)}
		if s.Action != Create {
			if step.live = live.Find(s.Kind, s.Key); step.live == nil {
				continue // gone: done by the run that this one continues
			}
		}
		d.steps = append(d.steps, step)
		if s.Action == Delete {
			reason, failed := shielded(rules.protect(s.Kind), step.live)
			if reason != "" && (failed || !m.unprotected(s.Ref, reason)) {
				m.hold(CodeProtected, s.Ref.String(), liftProtected(s.Ref), "it is now %s", reason)
			}
		}
	}
	found := append(d.findings, d.checkPolicies(p.Summary)...)
	return slices.DeleteFunc(found, func(f Finding) bool {
		return f.Severity != Error || slices.ContainsFunc(p.Findings, func(said Finding) bool {
			return said.Code == f.Code && said.Ref == f.Ref && (f.Code == CodeProtected || sameObjection(said.Message, f.Message))
		})
	})
}

// wantedBy is what a step wants: what the spec declares, or, in a plan that the
// spec did not ask for, what it sends.
func wantedBy(s *Step, desired *specs.State) *specs.Resource {
	if desired != nil && s.Call == nil {
		if r := desired.Find(s.Kind, s.Key); r != nil {
			return r
		}
	}
	r := s.Resource()
	return &r
}

// sameObjection compares messages without what they say of flags.
func sameObjection(a, b string) bool {
	bare := func(s string) string {
		for _, end := range []string{meant(""), "; lifted by "} {
			if i := strings.LastIndex(s, end); i >= 0 {
				s = s[:i]
			}
		}
		return s
	}
	return bare(a) == bare(b)
}
