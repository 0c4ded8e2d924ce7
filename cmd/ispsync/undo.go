package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

func (a *app) undoCommand() *cobra.Command {
	var (
		sf     specFlags
		pf     panelFlags
		output string
		out    string
	)
	c := &cobra.Command{
		Use:   "undo RUN",
		Short: "Plan the way back from a past run",
		Long: `Makes a plan that takes back what a run did: what it made is deleted, what it changed
gets its old values, what it deleted is made again with the fields it had. Nothing
is written: save the plan with --out, look at it, and apply it. The rails and the
preconditions are those of every plan; what somebody changed since is left alone.

Files, mail, the contents of databases and passwords do not come back: the plan says
for what. RUN is its id, the beginning of it, or last; ` + "`ispsync runs`" + ` lists them.`,
		Example: "  ispsync undo last -f specs/ --out undo.json && ispsync apply undo.json -f specs/",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			p, err := a.undo(&sf, &pf, args[0], out != "")
			if err != nil {
				return err
			}
			return a.hand(p, &sf, out, output)
		},
	}
	sf.add(c.Flags())
	pf.add(c.Flags())
	addOutput(c.Flags(), &output)
	c.Flags().StringVar(&out, "out", "", "save the plan to this file")
	return c
}

func (a *app) undo(sf *specFlags, pf *panelFlags, name string, forms bool) (*plan.Plan, error) {
	dir := stateDir(a.stateDir)
	id, err := dir.findRun(name)
	if err != nil {
		return nil, err
	}
	if dir.live(id) {
		return nil, fail(exitLocked, "run %s is still at work", id)
	}
	p, err := dir.planOf(id)
	if err != nil {
		return nil, err
	}
	spec, err := sf.load(a, false)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(otherPanels(p, spec)...); err != nil {
		return nil, fail(exitStale, "run %s cannot be undone: %w", id, err)
	}
	pf.panels = panelsOf(p)
	t, err := a.aim(spec, pf)
	if err != nil {
		return nil, err
	}
	t.readOnly, t.madeBy, t.pruned = true, "undo "+id, nil
	h := haltable(time.Duration(pf.timeout), func(s string) { a.log.line(s) })
	defer h.release()
	a.log.start(t.names())
	defer a.log.stop()
	fates, err := t.recover(h.soft, false)
	if err != nil {
		return nil, err
	}
	if err := t.wishBack(dir, id, p, fates); err != nil {
		return nil, err
	}
	undone, err := t.plan(h.soft, forms)
	t.close()
	if halted := h.halted(); halted != nil {
		return nil, fail(exitInterrupted, "%w before the plan was made", halted)
	}
	return undone, err
}

// wishBack makes the target want what was before a run.
func (t *target) wishBack(dir stateDir, id string, p *plan.Plan, fates []settledFate) error {
	rec, ids, err := dir.chain(id)
	if err != nil {
		return err
	}
	for _, f := range fates {
		if st := rec.Steps[f.Step.ID]; slices.Contains(ids, f.run) && st.Outcome != executor.Done && !f.Unread {
			st.Outcome = f.Outcome
		}
	}
	before := goneIn(rec)
	undoing := map[string]*plan.Undoing{}
	t.wanted = map[string]*specs.State{}
	for _, panel := range t.panels {
		u := &plan.Undoing{Panel: panel.Name, Gone: before, Kinds: t.dialects[panel.Generation].Kind, Secrets: t.specSecrets, Within: t.dialects[panel.Generation].Within}
		for i := range p.Steps {
			s := p.Steps[i]
			st := rec.Steps[s.ID]
			if s.Panel != panel.Name || st == nil || st.Outcome != executor.Done {
				continue
			}
			if st.Calls > 0 {
				s.Su, s.Parent = st.Last.Su, st.Last.Parent
			}
			u.Steps = append(u.Steps, &s)
		}
		undoing[panel.Name], t.wanted[panel.Name] = u, u.Wish()
	}
	t.adjust = func(panel string, live *specs.State) (*specs.State, []plan.Finding) {
		return undoing[panel].WishOf(live)
	}
	return nil
}

// goneIn gathers what a run, and the runs it continued, took away. Those come
// last, and are right: they saw it first.
func goneIn(rec *executor.Record) map[specs.Ref]plan.Gone {
	gone := map[specs.Ref]plan.Gone{}
	for _, l := range rec.Before {
		if g, ok := goneOf(l); ok {
			gone[g.Resource.Ref] = g
		}
	}
	return gone
}

// goneOf reads the line that keeps what a resource was.
func goneOf(l executor.Line) (plan.Gone, bool) {
	ref, err := specs.ParseRef(l.Ref)
	if err != nil {
		return plan.Gone{}, false
	}
	g := plan.Gone{Resource: specs.Resource{Ref: ref, Elid: l.Elid, Su: l.Su, Parent: l.Parent}}
	for name, v := range l.Fields {
		g.Resource.Fields = append(g.Resource.Fields, specs.Field{Name: name, Value: v})
	}
	slices.SortFunc(g.Resource.Fields, func(a, b specs.Field) int { return strings.Compare(a.Name, b.Name) })
	if l.Root != "" {
		if g.With, err = specs.ParseRef(l.Root); err != nil {
			return plan.Gone{}, false
		}
	}
	return g, true
}

// specSecrets are the references that the spec gives for a resource's secrets.
func (t *target) specSecrets(ref specs.Ref) []specs.SecretField {
	if r := t.spec.Desired(ref.Panel).Find(ref.Kind, ref.Key); r != nil {
		return r.Secrets
	}
	return nil
}
