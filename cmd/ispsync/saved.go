package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// A saved plan does what it says or nothing. Before it runs it must be whole
// (plan.Read), made from this spec, for these panels and accounts, not expired,
// not applied before, and the panels must be what it was made from (plan.Check).

// openPlan reads a saved plan and holds it against the spec. Everything that
// is wrong with it is said at once.
func (a *app) openPlan(path string, spec *specs.Spec) (*plan.Plan, error) {
	p, err := readPlanFile(path)
	if err != nil {
		return nil, err
	}
	return p, checkPlan(p, path, spec)
}

// checkPlan holds a plan that was read against the spec.
func checkPlan(p *plan.Plan, name string, spec *specs.Spec) error {
	var errs []error
	again := "make the plan again with `ispsync plan --out`"
	if now := time.Now(); now.After(p.ExpiresAt) {
		errs = append(errs, fmt.Errorf("it expired at %s; %s", p.ExpiresAt.Format(time.RFC3339), again))
	}
	errs = append(errs, otherPanels(p, spec)...)
	if len(errs) == 0 && p.SpecDigest != spec.Digest() {
		errs = append(errs, fmt.Errorf("it was made from another spec than the one given with -f; %s, or give the spec (and --var) it was made from", again))
	}
	if err := errors.Join(errs...); err != nil {
		return fail(exitStale, "the plan %s is refused, nothing was written:\n%w", name, err)
	}
	return nil
}

// otherPanels says which panels of a plan the spec does not have, or has elsewhere.
func otherPanels(p *plan.Plan, spec *specs.Spec) (errs []error) {
	for _, saved := range p.Panels {
		now := spec.Panel(saved.Name)
		switch {
		case now == nil:
			errs = append(errs, fmt.Errorf("it is for the panel %s, which the spec does not have", saved.Name))
		case now.URL != saved.URL || now.Account() != saved.Account:
			errs = append(errs, fmt.Errorf("it is for the panel %s at %s as %s, and the spec now says %s as %s", saved.Name, saved.URL, saved.Account, now.URL, now.Account()))
		}
	}
	return errs
}

func readPlanFile(path string) (*plan.Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fail(exitUsage, "the plan cannot be read: %w", err)
	}
	defer f.Close()
	p, err := plan.Read(f)
	if err != nil {
		return nil, fail(exitStale, "the plan %s is refused: %w", path, err)
	}
	return p, nil
}

// panelsOf names the panels that a saved plan was read from; those it could
// not reach have no steps and are not asked again.
func panelsOf(p *plan.Plan) []string {
	var names []string
	for _, panel := range p.Panels {
		if panel.Reachable {
			names = append(names, panel.Name)
		}
	}
	return names
}

// checkSaved reads again what the steps of a saved plan were made from.
func (ap *application) checkSaved(p *plan.Plan) error {
	ap.plan = p
	if p.MadeBy != "" {
		ap.makeWanted(p)
	}
	live, desired := map[string]*specs.State{}, map[string]*specs.State{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(ap.flags.parallelism)
	unreachable := map[string]error{}
	for _, panel := range ap.panels {
		desired[panel.Name] = ap.desired(panel.Name)
		g.Go(func() error {
			ap.a.log.read(render.Reading{Panel: panel.Name})
			state, err := ap.readSteps(ap.halts.soft, panel, p)
			ap.clients[panel.Name].Rest() //nolint:errcheck // what is left goes with Close
			e := render.Reading{Panel: panel.Name, Ended: true, Requests: ap.clients[panel.Name].Requests()}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				unreachable[panel.Name], e.Error = err, err.Error()
			} else {
				live[panel.Name], e.Resources = state, state.Len()
			}
			ap.a.log.read(e)
			return nil
		})
	}
	g.Wait() //nolint:errcheck // the functions return nil
	refusals := 0
	for _, name := range slices.Sorted(maps.Keys(unreachable)) {
		err := unreachable[name]
		ap.a.log.warn("panel %s: %v", name, err)
		ap.clients[name].Close() //nolint:errcheck // idle connections only
		if delete(ap.clients, name); refused(err) {
			refusals++
		}
	}
	switch {
	case refusals > 0 && refusals == len(ap.panels):
		return fail(exitRefused, "every panel refused the account, nothing was written")
	case len(unreachable) > 0:
		ap.a.exit(exitPartial)
	}
	ap.stale = plan.Check(p, live, desired, ap.spec.Catalog.Kind)
	ap.stale = slices.DeleteFunc(ap.stale, func(s plan.Stale) bool { return unreachable[s.Ref.Panel] != nil })
	ap.gone = map[string][]plan.Gone{}
	for name, state := range live {
		ap.gone[name] = plan.GoneOf(p, state, ap.spec.Catalog.Kind)
	}
	ap.resumed.excuse(ap, live)
	return errors.Join(ap.judgeStale(), ap.heldBackNow(live))
}

// judgeStale refuses a plan of which steps are stale, unless --on-drift skip.
// Steps of kinds that could not be read are left out either way: nobody can
// tell whether they are stale.
func (ap *application) judgeStale() error {
	var moved []string
	for _, s := range ap.stale {
		text := fmt.Sprintf("%s: %s", s.Ref, strings.ReplaceAll(s.Why, "\n", "; "))
		if s.Unread || ap.af.onDrift == "skip" {
			ap.a.log.warn("left out: %s", text)
			continue
		}
		moved = append(moved, text)
	}
	if len(moved) == 0 {
		return nil
	}
	return fail(exitStale, "the panels are not what the plan was made from, nothing was written:\n  %s\nmake the plan again, or give --on-drift skip to run the rest", strings.Join(moved, "\n  "))
}

// readSteps reads the kinds of a saved plan's steps on one panel, with the
// forms of the resources the steps are about.
func (ap *application) readSteps(ctx context.Context, panel specs.Panel, p *plan.Plan) (*specs.State, error) {
	c := ap.clients[panel.Name]
	kinds := map[string]bool{}
	var changed []specs.Ref
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Panel != panel.Name {
			continue
		}
		kinds[s.Kind] = true
		if s.Action != plan.Create {
			changed = append(changed, s.Ref)
		}
		if s.Action == plan.Delete {
			ap.addAlong(kinds, s.Kind)
		}
	}
	in := ap.input(panel)
	for kind := range maps.Clone(kinds) {
		if slices.Contains(ap.pruned, kind) {
			for _, home := range plan.LivesIn(in.Kinds(kind)) {
				kinds[home] = true
			}
		}
	}
	wants := slices.DeleteFunc(plan.Wants(in, ap.pruned), func(w specs.Want) bool { return !kinds[w.Kind.Name] })
	for i := range wants {
		delete(kinds, wants[i].Kind.Name)
	}
	state, err := ap.rounds(ctx, panel, wants)
	if err == nil {
		err = ap.believe(ctx, c, panel, state, wants)
	}
	if err != nil {
		return nil, err
	}
	var along []specs.Want
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		along = append(along, specs.Want{Kind: in.Kinds(kind)})
	}
	rest, err := c.Snapshot(ctx, along)
	if err != nil {
		return nil, err
	}
	ap.dropAbsentKinds(in, rest)
	if err := ap.believe(ctx, c, panel, rest, along); err != nil {
		return nil, err
	}
	state.Add(rest)
	return state, c.Forms(ctx, state, changed)
}

// addAlong adds the kinds of which resources go when one of a kind is deleted.
func (ap *application) addAlong(kinds map[string]bool, kind string) {
	row := ap.spec.Catalog.Kind(kind)
	if row == nil {
		return
	}
	for _, k := range row.TakesWithIt {
		if !kinds[k] {
			kinds[k] = true
			ap.addAlong(kinds, k)
		}
	}
}

// makeWanted gives the target what a plan wants that the spec did not ask for.
func (t *target) makeWanted(p *plan.Plan) {
	t.madeBy, t.pruned, t.wanted = p.MadeBy, nil, map[string]*specs.State{}
	for _, panel := range t.panels {
		t.wanted[panel.Name] = p.Wanted(panel.Name)
	}
}
