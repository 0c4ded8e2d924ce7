package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// Stale is a step of a saved plan that may not run, because the panel is not
// what the plan was made from.
type Stale struct {
	Step string // its id
	Ref  specs.Ref
	// Why says what the live resource was when the plan was made, what it is
	// now, and what the plan wants, in one line per field.
	Why string
	// Unread means that nobody can tell: the kind could not be read this time.
	Unread bool
}

// Check compares a plan that was read from a file with the panels as they are
// now, and returns the steps that may not run, in plan order. It fills in what
// a file does not hold: Elid, Su and SecretRefs of each step.
//
// live and desired hold the states by panel name; for the resources of the
// plan's steps live must carry all fields, those of forms too. kinds returns a
// row of the catalog by name, or nil.
func Check(p *Plan, live, desired map[string]*specs.State, kinds func(string) *specs.Kind) []Stale {
	along := map[string]map[specs.Ref][]Count{}
	var out []Stale
	for i := range p.Steps {
		s := &p.Steps[i]
		state, wanted := live[s.Panel], desired[s.Panel]
		if state == nil {
			state = specs.NewState(s.Panel)
		}
		if wanted == nil {
			wanted = specs.NewState(s.Panel)
		}
		c := checker{plan: p, step: s, live: state, kinds: kinds}
		c.check()
		if s.Action == Delete && c.why == "" {
			if along[s.Panel] == nil {
				along[s.Panel] = p.goAlong(s.Panel, state, kinds)
			}
			c.checkAlong(along[s.Panel][s.Ref])
		}
		c.fill(wanted)
		if c.why != "" {
			out = append(out, Stale{Step: s.ID, Ref: s.Ref, Why: c.why, Unread: c.unread})
		}
	}
	return out
}

// checker holds one step against the panel.
type checker struct {
	plan   *Plan
	step   *Step
	live   *specs.State
	kinds  func(string) *specs.Kind
	why    string
	unread bool
}

func (c *checker) check() {
	s := c.step
	if c.kinds(s.Kind) == nil {
		c.why = "the catalog has no kind " + s.Kind
		return
	}
	if !c.live.Complete(s.Kind) {
		c.unread = true
		c.why = "the list of " + s.Kind + " was not read"
		if l, ok := c.live.Listing(s.Kind); ok {
			c.why = "the list of " + s.Kind + " cannot be relied on: " + l.Err.Error()
		}
		return
	}
	r := c.live.Find(s.Kind, s.Key)
	switch {
	case r == nil && s.Action == Create:
	case r == nil:
		c.why = "was there when the plan was made, is gone, wanted: " + wanted(s)
	case s.Action == Create:
		c.why = "was absent when the plan was made, is there now, wanted: create"
	case ResourceDigest(r) != s.Was:
		c.why = c.plan.threeWay(s, r)
	}
}

// wanted says in a few words what a step would do.
func wanted(s *Step) string {
	if s.Action == Update {
		return "update of " + strings.Join(fieldsOf(s), ", ")
	}
	return string(s.Action)
}

func fieldsOf(s *Step) []string {
	names := slices.Clone(s.Secrets)
	for _, ch := range s.Changes {
		names = append(names, ch.Field)
	}
	slices.Sort(names)
	return names
}

// goAlong counts what would go along with each delete of the plan now.
func (p *Plan) goAlong(panel string, live *specs.State, kinds func(string) *specs.Kind) map[specs.Ref][]Count {
	deletes := map[specs.Ref]*draftStep{}
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Panel == panel && s.Action == Delete && kinds(s.Kind) != nil {
			deletes[s.Ref] = &draftStep{Step: *s}
		}
	}
	g := goesAlong(live, kinds, deletes)
	counts := g.counts()
	out := make(map[specs.Ref][]Count, len(deletes))
	for ref, d := range deletes {
		out[ref] = counts[d]
	}
	for _, u := range g.unknown {
		out[u.root.Ref] = append(out[u.root.Ref], Count{Kind: u.kind, Count: unknownCount})
	}
	return out
}

// unknownCount stands for a number that could not be read.
const unknownCount = -1

// checkAlong compares what goes along with a delete now with what the plan says.
func (c *checker) checkAlong(now []Count) {
	for _, n := range now {
		if n.Count == unknownCount {
			c.unread = true
			c.why = "the list of " + n.Kind + ", which go with it, was not read"
			return
		}
	}
	if !slices.Equal(now, c.step.TakesWithIt) {
		c.why = fmt.Sprintf("goes with it: was %s, is %s, wanted: delete", countsText(c.step.TakesWithIt), countsText(now))
	}
}

func countsText(counts []Count) string {
	if len(counts) == 0 {
		return "nothing"
	}
	parts := make([]string, len(counts))
	for i, n := range counts {
		parts[i] = fmt.Sprintf("%d %s", n.Count, n.Kind)
	}
	return strings.Join(parts, ", ")
}

// fill gives the step what its calls need besides the document.
func (c *checker) fill(desired *specs.State) {
	s := c.step
	if r := c.live.Find(s.Kind, s.Key); r != nil {
		s.Elid, s.Su, s.Parent = r.Elid, r.Su, r.Parent
	}
	if s.Call != nil {
		s.Su, s.Parent = cmp.Or(s.Call.Su, s.Su), cmp.Or(s.Call.Parent, s.Parent)
		s.SecretRefs = s.Call.secretRefs(s.Secrets)
		return
	}
	var secrets []specs.SecretField
	if d := desired.Find(s.Kind, s.Key); d != nil {
		s.Su, s.Parent = cmp.Or(d.Su, s.Su), cmp.Or(d.Parent, s.Parent)
		secrets = d.Secrets
	}
	s.SecretRefs = nil
	for _, name := range s.Secrets {
		i := slices.IndexFunc(secrets, func(f specs.SecretField) bool { return f.Name == name })
		if i < 0 {
			c.why = "the spec no longer says where the secret " + name + " comes from"
			return
		}
		s.SecretRefs = append(s.SecretRefs, secrets[i])
	}
}
