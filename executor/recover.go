package executor

// Recovering: a run that was killed leaves steps of which nobody knows whether
// the panel took them. Whoever comes next looks, and goes on looking until no
// call of that run can still be on its way.

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// LandsWithin is how long after it was sent a call may still take effect: the
// sum of the looks with which a run settles a lost reply.
const LandsWithin = 15 * time.Second

// Fate is what looking found of a step that an earlier run began.
type Fate struct {
	Step *plan.Step
	// Outcome is Done; or NotRun when the panel shows that it did not take
	// effect; or Unknown when nobody can tell.
	Outcome What
	// Evidence says in words what was seen.
	Evidence string
	// Begun is set when a create came half way: it is there, and only what is
	// switched by a call of its own is not as declared.
	Begun bool
	// Unread is set when it could not be looked up.
	Unread bool
}

// LookUp finds out what became of steps of one panel whose last call was sent
// at the times of sent, by step id. It looks at once, and again as long as a
// call may still land and something is not done. When Stop is closed before that,
// what is not done is unread: it may land yet. The steps must say in what resource and for which
// account theirs is (Parent, Su).
func LookUp(ctx context.Context, p Reader, steps []*plan.Step, sent map[string]time.Time, o Options) ([]Fate, error) {
	o, err := o.filled()
	if err != nil {
		return nil, fmt.Errorf("look up: %w", err)
	}
	l := &lane{run: &run{o: o, plan: &plan.Plan{}, full: make(chan struct{})}, panel: onlyReader{Reader: p}}
	var until time.Time
	for _, s := range steps {
		if k := o.Kind(s.Kind); k == nil {
			return nil, fmt.Errorf("look up %s: the catalog has no kind %s", s.Ref, s.Kind)
		}
		if t := sent[s.ID].Add(o.LandsWithin); t.After(until) {
			until = t
		}
	}
	fates := make([]Fate, len(steps))
	for n := 0; ; n++ {
		open := l.fates(ctx, steps, fates)
		left := until.Sub(o.Now())
		if !open || left <= 0 {
			return fates, nil
		}
		wait := min(left, o.SettleWaits[min(n+1, len(o.SettleWaits)-1)])
		o.Observe(Event{Kind: Waiting, Panel: steps[0].Panel, Note: fmt.Sprintf("looking in %s whether what a cut-off run sent took effect", wait.Round(time.Second))})
		if cut := l.pause(ctx, max(wait, time.Millisecond)); cut {
			return untilNow(fates), nil
		}
	}
}

// untilNow is what is known when nobody looks any more though calls may still
// land: what is done is done, and the rest is for the next who looks.
func untilNow(fates []Fate) []Fate {
	for i := range fates {
		if f := &fates[i]; f.Outcome != Done {
			f.Outcome, f.Begun, f.Unread = Unknown, false, true
			f.Evidence = "last seen: " + f.Evidence + "; it may take effect yet, and the looking was interrupted"
		}
	}
	return fates
}

// onlyReader is a panel of which nothing but reading is asked.
type onlyReader struct {
	Panel // nil
	Reader
}

func (r onlyReader) Read(ctx context.Context, wants []specs.Want) (*specs.State, error) {
	return r.Reader.Read(ctx, wants)
}

// fates looks once at all steps that are not done, kind by kind, and reports
// whether any is still not.
func (l *lane) fates(ctx context.Context, steps []*plan.Step, fates []Fate) (open bool) {
	byKind := map[string][]int{}
	for i, s := range steps {
		if fates[i].Outcome != Done {
			byKind[s.Kind] = append(byKind[s.Kind], i)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		var group []*plan.Step
		for _, i := range byKind[kind] {
			group = append(group, steps[i])
		}
		state, why := l.readFor(ctx, kind, group)
		for _, i := range byKind[kind] {
			seen, what := unreadable, why
			if state != nil {
				seen, what = l.sightOf(steps[i], state)
			}
			fates[i] = fateOf(steps[i], seen, what)
			open = open || fates[i].Outcome != Done
		}
	}
	return open
}

// fateOf says what a sight means for a step that was begun.
func fateOf(s *plan.Step, seen sight, what string) Fate {
	f := Fate{Step: s, Evidence: what}
	gone := s.Action == plan.Delete
	switch {
	case seen == unreadable:
		f.Outcome, f.Unread = Unknown, true
	case gone && seen == absent, !gone && seen == equal, s.Action == plan.Create && seen == untold:
		f.Outcome = Done
	case !gone && seen == untold:
		f.Outcome, f.Evidence = Unknown, what+", so nobody can tell; write it again if in doubt"
	default:
		f.Outcome = NotRun
		f.Begun = s.Action == plan.Create && seen == unswitched
	}
	if f.Outcome == Done {
		f.Evidence = seenDone(s)
	}
	return f
}

func seenDone(s *plan.Step) string {
	switch s.Action {
	case plan.Delete:
		return "it is gone"
	case plan.Create:
		return "it is there as it was sent"
	default:
		return "it is as it was sent"
	}
}

// StepsFor gives the doubtful steps of a record that are of a panel, as the plan
// has them and with what their calls said. Steps that the plan does not have,
// or has for another resource, are left out.
func (r *Record) StepsFor(panel string, p *plan.Plan) (steps []*plan.Step, sent map[string]time.Time) {
	sent = map[string]time.Time{}
	for i := range p.Steps {
		st := r.Steps[p.Steps[i].ID]
		if st == nil || st.Ref != p.Steps[i].Ref || st.Ref.Panel != panel || !st.Doubtful() {
			continue
		}
		s := p.Steps[i]
		s.Changes = slices.Clone(s.Changes)
		s.Elid, s.Su, s.Parent = st.Last.Elid, st.Last.Su, st.Last.Parent
		steps, sent[s.ID] = append(steps, &s), st.Sent
	}
	return steps, sent
}
