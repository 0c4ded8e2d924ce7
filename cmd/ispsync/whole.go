package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// Reading a whole panel, for export and migrate: what is there, not what a spec
// asks about. Kinds that live in others are read after those, for every parent
// and account that is there; then the forms, for what no list tells.

// wholeScope limits what whole reads. The zero scope is all of a panel.
type wholeScope struct {
	// kinds chooses kinds; nil is all. What they live in is listed too, without
	// forms, so a state may hold a kind that was not asked for.
	kinds func(*specs.Kind) bool
	// fields chooses the fields that are wanted; nil is all.
	fields func(*specs.Kind, *specs.FieldRow) bool
	// forms chooses the resources whose forms are read; nil is all.
	forms func(*specs.Kind, *specs.Resource) bool
	// listed, when not nil, gets the state when all lists have been read and no
	// form yet.
	listed func(*specs.State)
	// begin, when not nil, gets how many resources of a kind are listed and what a
	// new one has where nobody says (nil when the panel does not tell), before
	// the forms of the kind are read.
	begin func(k *specs.Kind, listed int, fresh specs.Fields)
	// each, when not nil, gets every resource of the chosen kinds once there is
	// no more to read of it, from several goroutines at a time. It may drop fields.
	each func(*specs.Kind, *specs.Resource)
}

func (s *wholeScope) wants(k *specs.Kind) bool { return s.kinds == nil || s.kinds(k) }

// whole reads all kinds of a panel, or those of the scope, in canonical form,
// with lists and with forms for the fields that lists do not carry. A kind
// that the panel does not know at all is not in the state; one whose listing
// cannot be believed is there and failed; a resource whose form cannot be read
// is Unusable and says why. The error is for a panel that cannot be used.
func (t *target) whole(ctx context.Context, p specs.Panel, scope wholeScope) (*specs.State, error) {
	c, catalog := t.clients[p.Name], t.dialects[p.Generation]
	state := specs.NewState(p.Name)
	for left := wholeKinds(catalog, &scope); len(left) > 0; {
		var now, later []*specs.Kind
		for _, k := range left {
			if readAfter(k, left) {
				later = append(later, k)
			} else {
				now = append(now, k)
			}
		}
		if len(now) == 0 {
			return nil, fmt.Errorf("panel %s: the kinds %s live in each other, so none can be read first", p.Name, later[0].Name)
		}
		if err := t.lists(ctx, c, state, now); err != nil {
			return nil, err
		}
		left = later
	}
	if scope.listed != nil {
		scope.listed(state)
	}
	for _, k := range catalog.Kinds() {
		if !scope.wants(k) || !state.Complete(k.Name) {
			continue
		}
		if err := scope.beginKind(ctx, c, state, k); err != nil {
			return nil, err
		}
		f := apiclient.Filling{Kind: k}
		if scope.fields != nil {
			f.Field = func(row *specs.FieldRow) bool { return scope.fields(k, row) }
		}
		if scope.forms != nil {
			f.Keep = func(r *specs.Resource) bool { return scope.forms(k, r) }
		}
		if scope.each != nil {
			f.Each = func(r *specs.Resource) { scope.each(k, r) }
		}
		if err := c.Fill(ctx, state, f); err != nil {
			return nil, err
		}
	}
	return state, nil
}

// beginKind reads the form of a new resource, if somebody asks and there are any.
func (s *wholeScope) beginKind(ctx context.Context, c *apiclient.Client, state *specs.State, k *specs.Kind) error {
	rs := state.Resources(k.Name)
	if s.begin == nil || len(rs) == 0 {
		return nil
	}
	fresh, err := c.NewForm(ctx, k, rs[0].Su, rs[0].Parent)
	if err != nil {
		return err
	}
	s.begin(k, len(rs), fresh)
	return nil
}

// wholeKinds lists the kinds of a scope and those they live in, the latter first.
func wholeKinds(catalog *specs.Catalog, scope *wholeScope) []*specs.Kind {
	need := map[string]bool{}
	var add func(*specs.Kind)
	add = func(k *specs.Kind) {
		if k == nil || need[k.Name] {
			return
		}
		need[k.Name] = true
		for _, name := range plan.LivesIn(k) {
			add(catalog.Kind(name))
		}
	}
	for _, k := range catalog.Kinds() {
		if scope.wants(k) {
			add(k)
		}
	}
	var out []*specs.Kind
	for _, k := range catalog.Kinds() {
		if need[k.Name] {
			out = append(out, k)
		}
	}
	return out
}

func readAfter(k *specs.Kind, left []*specs.Kind) bool {
	for _, name := range plan.LivesIn(k) {
		for _, other := range left {
			if other.Name == name && other != k {
				return true
			}
		}
	}
	return false
}

// lists reads the lists of some kinds whose parents and accounts are known.
func (t *target) lists(ctx context.Context, c *apiclient.Client, state *specs.State, kinds []*specs.Kind) error {
	var wants []specs.Want
	for _, k := range kinds {
		w, err := wholeWant(k, state)
		if err != nil {
			state.Fail(k.Name, err)
			continue
		}
		if w != nil {
			wants = append(wants, *w)
		}
	}
	got, err := c.Snapshot(ctx, wants)
	switch {
	case err == nil:
	case state.Len() == 0 || refused(err) || ctx.Err() != nil:
		return err
	default: // what was read before it is no less true
		for _, w := range wants {
			state.Fail(w.Kind.Name, err)
		}
		return nil
	}
	for _, name := range got.Kinds() {
		l, _ := got.Listing(name)
		var e interface{ Unsupported() bool }
		switch {
		case l.Err == nil:
			state.Set(name, l.Resources) //nolint:errcheck // a listing of a snapshot has no doubles
		case t.spec.Catalog.Kind(name).Optional && errors.As(l.Err, &e) && e.Unsupported():
			t.a.log.debug("kind not known to the panel", "panel", state.Panel, "kind", name)
		default:
			state.Fail(name, l.Err)
		}
	}
	return nil
}

// wholeWant asks for the list of a kind, with all parents and accounts that are
// there; nil for a kind that lives in one the panel does not know.
func wholeWant(k *specs.Kind, state *specs.State) (*specs.Want, error) {
	w := &specs.Want{Kind: k}
	for _, name := range plan.LivesIn(k) {
		l, known := state.Listing(name)
		switch {
		case !known:
			return nil, nil
		case l.Err != nil:
			return nil, fmt.Errorf("it is listed by %s, and that kind could not be read", name)
		}
		elids := elidsOf(l.Resources)
		if name == k.Su {
			w.Su = elids
		} else {
			w.Parents = elids
		}
	}
	return w, nil
}

// elidsOf are the panel's own identifiers of resources, as lists of what lives
// in them are asked for.
func elidsOf(rs []specs.Resource) []string {
	var out []string
	for i := range rs {
		if r := &rs[i]; r.Unusable == "" {
			out = append(out, cmp.Or(r.Elid, r.Ref.Key))
		}
	}
	return out
}
