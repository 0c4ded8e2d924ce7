package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ispsync/ispsync/specs"
)

// Header is what a plan says about itself. It is the only part that differs
// between two plans made from the same states and rules.
type Header struct {
	ID                   string // random, one per plan
	CreatedAt, ExpiresAt time.Time
	SpecDigest           string
	MadeBy               string // see Plan.MadeBy
}

// Assemble joins the drafts of all panels to a plan: it sorts, numbers the
// steps, applies the delete limits and the policies, and seals. panels has one
// entry per panel asked, reachable or not; extra are findings of others, of the
// spec for example. Neither is changed.
func Assemble(h Header, drafts []*Draft, panels []Panel, extra []Finding) *Plan {
	drafts = slices.Clone(drafts)
	slices.SortFunc(drafts, func(a, b *Draft) int { return strings.Compare(a.panel.Name, b.panel.Name) })
	p := &Plan{FormatVersion: FormatVersion, ID: h.ID, SpecDigest: h.SpecDigest, MadeBy: h.MadeBy,
		CreatedAt: h.CreatedAt.UTC().Truncate(time.Second), ExpiresAt: h.ExpiresAt.UTC().Truncate(time.Second),
		Panels: append([]Panel{}, panels...), Steps: []Step{}, Kept: []Kept{}, Findings: append([]Finding{}, extra...)}
	if names := fieldNames(drafts); len(names) > 0 {
		p.Fields = names
	}
	for _, d := range drafts {
		p.add(d)
	}
	p.Summary.Kept = len(p.Kept)
	for _, d := range drafts {
		p.Findings = append(p.Findings, overLimit(d, p.Summary.Delete)...)
		p.Findings = append(p.Findings, d.checkPolicies(p.Summary)...)
	}
	slices.SortFunc(p.Panels, func(a, b Panel) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(p.Kept, func(a, b Kept) int { return a.Ref.Compare(b.Ref) })
	slices.SortStableFunc(p.Findings, compareFindings)
	p.Findings = slices.Compact(p.Findings)
	Seal(p)
	return p
}

// add appends one panel's part.
func (p *Plan) add(d *Draft) {
	ids := make(map[specs.Ref]string, len(d.steps))
	for _, s := range d.steps {
		step := s.Step
		step.ID = fmt.Sprintf("s%d", len(p.Steps)+1)
		ids[step.Ref] = step.ID
		step.Needs = make([]string, len(s.needs))
		for i, need := range s.needs {
			step.Needs[i] = ids[need]
		}
		if s.live != nil {
			step.WasFields = marks(s.live, p.Fields[s.Kind])
		}
		if p.MadeBy != "" {
			step.Call = callOf(&step)
		}
		p.Steps = append(p.Steps, step)
		p.Summary.count(step.Action)
	}
	p.Summary.Unchanged += d.unchanged
	p.Kept = append(p.Kept, d.kept...)
	p.Findings = append(p.Findings, withoutEcho(d.findings, p.Findings)...)
}

func compareFindings(a, b Finding) int {
	if a.Severity != b.Severity {
		if a.Severity == Error {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(a.Ref, b.Ref), strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
}

// overLimit finds the kinds of a panel of which more is deleted than the limit
// allows, unless exactly the whole plan's number was allowed by hand.
func overLimit(d *Draft, allDeletes int) []Finding {
	if d.rules == nil || d.rules.AllowDeletes == allDeletes {
		return nil
	}
	deletes := map[string]int{}
	for _, s := range d.steps {
		if s.Action == Delete {
			deletes[s.Kind]++
		}
	}
	var out []Finding
	for kind, n := range deletes {
		live := d.deletable[kind]
		if allowed := d.rules.Deletes.Allowed(live); n > allowed {
			out = append(out, Finding{Severity: Error, Code: CodeDeletesLimit, Ref: d.panel.Name + "/" + kind,
				Message: fmt.Sprintf("%d of %d %s on %s would be deleted, and the limit is %d", n, live, kind, d.panel.Name, allowed) + meant(liftDeletes(allDeletes)), Lift: liftDeletes(allDeletes)})
		}
	}
	return out
}
