package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// rounds reads what is wanted of a panel, kinds after those they live in: of
// parents and accounts that are not there yet there is nothing to list, and a
// move makes hundreds of them.
func (t *target) rounds(ctx context.Context, p specs.Panel, wants []specs.Want) (*specs.State, error) {
	live := specs.NewState(p.Name)
	for len(wants) > 0 {
		var now, later []specs.Want
		for _, w := range wants {
			waits := slices.ContainsFunc(wants, func(o specs.Want) bool {
				return o.Kind.Name != w.Kind.Name && slices.Contains(plan.LivesIn(w.Kind), o.Kind.Name)
			})
			if waits {
				later = append(later, w)
				continue
			}
			w.Parents = parentsThere(live, w.Kind.Parent, w.Parents)
			if err := widen(&w, live); err != nil {
				live.Fail(w.Kind.Name, err)
				continue
			}
			now = append(now, w)
		}
		got, err := t.clients[p.Name].Snapshot(ctx, plan.OfAccounts(now, live))
		if err != nil {
			return nil, err
		}
		live.Add(got)
		wants = later
	}
	return live, nil
}

// parentsThere limits parents to those that are there, by elid; it keeps all
// when nobody knows.
func parentsThere(live *specs.State, p *specs.Parent, keys []string) []string {
	if p == nil || !live.Complete(p.Kind) {
		return keys
	}
	var out []string
	for _, key := range keys {
		if r := live.Find(p.Kind, key); r != nil {
			out = append(out, cmp.Or(r.Elid, key))
		}
	}
	return out
}

// widen makes a want that is for All ask for what lives in any parent and
// account that is there. Where those could not be read, nobody knows what a
// prune rule should look at, and the kind counts as not read.
func widen(w *specs.Want, live *specs.State) error {
	if !w.All {
		return nil
	}
	for _, home := range plan.LivesIn(w.Kind) {
		if !live.Complete(home) {
			return fmt.Errorf("prune looks at it in every %s, and that kind could not be read", home)
		}
		if there := elidsOf(live.Resources(home)); home == w.Kind.Su {
			w.Su = there
		} else {
			w.Parents = there
		}
	}
	return nil
}
