package plan

import "github.com/ispsync/ispsync/specs"

// Gone is a live resource that a plan takes away, alone or with another.
type Gone struct {
	Resource specs.Resource
	// With is the resource whose delete takes it along; the zero Ref when it is
	// deleted itself.
	With specs.Ref
}

// Gone are the live resources that the draft deletes, and what goes with them.
func (d *Draft) Gone() []Gone { return d.gone }

// goneWith lists what deletes take away: themselves first.
func goneWith(deletes []*draftStep, g *going) []Gone {
	var out []Gone
	for _, s := range deletes {
		if s.live != nil {
			out = append(out, Gone{Resource: *s.live})
		}
	}
	for _, t := range g.taken {
		out = append(out, Gone{*t.live, t.root.Ref})
	}
	return out
}

// GoneOf is Draft.Gone for a plan that was read from a file, by what the panel
// holds now.
func GoneOf(p *Plan, live *specs.State, kinds func(string) *specs.Kind) []Gone {
	deletes := map[specs.Ref]*draftStep{}
	var own []*draftStep
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Panel != live.Panel || s.Action != Delete || kinds(s.Kind) == nil {
			continue
		}
		d := &draftStep{Step: *s, live: live.Find(s.Kind, s.Key)}
		deletes[s.Ref], own = d, append(own, d)
	}
	if len(own) == 0 {
		return nil
	}
	return goneWith(own, goesAlong(live, kinds, deletes))
}

// Wanted is what a plan that was not made from a spec wants of a panel, as its
// steps tell: of an update only what it changes.
func (p *Plan) Wanted(panel string) *specs.State {
	byKind := map[string][]specs.Resource{}
	for i := range p.Steps {
		s := p.Steps[i]
		if s.Panel != panel {
			continue
		}
		r := s.Resource()
		r.Absent = s.Action == Delete
		if s.Call != nil {
			r.Su, r.Parent, r.Secrets = s.Call.Su, s.Call.Parent, s.Call.secretRefs(s.Secrets)
		}
		byKind[s.Kind] = append(byKind[s.Kind], r)
	}
	state := specs.NewState(panel)
	for kind, rs := range byKind {
		state.Set(kind, rs) //nolint:errcheck // a plan has no resource twice
	}
	return state
}
