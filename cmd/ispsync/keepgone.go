package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// keepGone writes into the journal what will be gone when the plan has run:
// every field of what is deleted and of what goes with it, so that undo can make
// it again. Fields that only a form tells are read now: one call for each
// resource that goes.
func (ap *application) keepGone(j *executor.Journal) error {
	var g errgroup.Group
	g.SetLimit(ap.flags.parallelism)
	for _, panel := range ap.names() {
		gone, c := ap.gone[panel], ap.clients[panel]
		if len(gone) == 0 || c == nil {
			continue
		}
		g.Go(func() error {
			whole, missing := readForms(ap.halts.soft, c, panel, gone)
			if missing != "" {
				ap.a.log.warn("panel %s: not all of what is deleted could be read, so undo will not bring all of it back: %s", panel, missing)
			}
			for _, r := range whole {
				root := ""
				if r.With.Key != "" {
					root = r.With.String()
				}
				if err := j.Before(&r.Resource, root); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// readForms reads the forms of resources, and says what could not be read.
func readForms(ctx context.Context, c *apiclient.Client, panel string, gone []plan.Gone) (whole []plan.Gone, missing string) {
	state := specs.NewState(panel)
	byKind := map[string][]specs.Resource{}
	refs := make([]specs.Ref, len(gone))
	with := map[specs.Ref]specs.Ref{}
	for i, g := range gone {
		r := g.Resource
		r.Fields = slices.Clone(r.Fields)
		byKind[r.Ref.Kind] = append(byKind[r.Ref.Kind], r)
		refs[i], with[r.Ref] = r.Ref, g.With
	}
	listed := map[string][]specs.Resource{}
	for kind, rs := range byKind {
		listed[kind] = slices.Clone(rs)
		state.Set(kind, rs) //nolint:errcheck // a plan has no resource twice
	}
	var troubles []string
	if err := c.Forms(ctx, state, refs); err != nil {
		troubles = append(troubles, err.Error())
	}
	for kind, rs := range listed {
		if l, _ := state.Listing(kind); l.Err != nil {
			troubles = append(troubles, fmt.Sprintf("%s: %v", kind, l.Err))
		} else {
			rs = state.Resources(kind)
		}
		for _, r := range rs {
			whole = append(whole, plan.Gone{Resource: r, With: with[r.Ref]})
		}
	}
	slices.SortFunc(whole, func(a, b plan.Gone) int { return a.Resource.Ref.Compare(b.Resource.Ref) })
	slices.Sort(troubles)
	return whole, strings.Join(troubles, "; ")
}

// callJournal writes the calls of a panel's writer into the journal.
func callJournal(j *executor.Journal) apiclient.Journal {
	return func(c apiclient.WriteCall) (func(bool, error), error) {
		return j.Begin(executor.Call{Ref: c.Ref, Func: c.Func, Params: c.Params, Elid: c.Elid, Su: c.Su, Parent: c.Parent})
	}
}
