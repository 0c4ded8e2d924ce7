package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// What a migration reads: the source as a whole, the target as the planner
// needs it, and of both what shows whether the target will take what is moved.

// wanted reports whether a kind is among those to be moved.
func (mi *migration) wanted(k *specs.Kind) bool {
	if len(mi.flags.kinds) > 0 {
		return slices.Contains(mi.flags.kinds, k.Name)
	}
	return !slices.Contains(mi.spec.Catalog.Offering(), k.Name)
}

// readSource reads what is to be moved and maps it.
func (mi *migration) readSource(ctx context.Context) error {
	offering := mi.spec.Catalog.Offering()
	log := mi.a.log
	log.read(render.Reading{Panel: mi.from.Name})
	scope := wholeScope{
		kinds:  func(k *specs.Kind) bool { return mi.wanted(k) || slices.Contains(offering, k.Name) && k.Edit == "" },
		forms:  func(k *specs.Kind, r *specs.Resource) bool { return mi.wanted(k) && mi.where.may(r) },
		listed: func(s *specs.State) { mi.where.listed(mi.from, mi.spec.Catalog, s) },
	}
	state, err := mi.whole(ctx, mi.from, scope)
	c := mi.clients[mi.from.Name]
	if err != nil {
		err = mi.unusable(mi.from, err)
		log.read(render.Reading{Panel: mi.from.Name, Ended: true, Requests: c.Requests(), Error: err.Error()})
		return err
	}
	log.read(render.Reading{Panel: mi.from.Name, Ended: true, Requests: c.Requests(), Resources: state.Len()})
	stays := map[specs.Ref]string{}
	for _, k := range mi.spec.Catalog.Kinds() {
		if account := strings.ToLower(mi.from.Account()); k.Login {
			stays[specs.Ref{Panel: mi.from.Name, Kind: k.Name, Key: account}] = "ispsync logs in with it"
		}
	}
	move := specs.Move{From: state, To: mi.to.Name, Catalog: mi.spec.Catalog, Mapping: mi.mapping, Stays: stays, Kinds: mi.wanted, Wanted: mi.where.test}
	mi.moved = move.Moved()
	return mi.where.err
}

// readTarget reads what the planner needs of the target, what it offers, and
// the forms that make the kinds of which something is new.
func (mi *migration) readTarget(ctx context.Context) (plan.Panel, map[string]*specs.Form, error) {
	c := mi.clients[mi.to.Name]
	info := plan.Panel{Name: mi.to.Name, URL: mi.to.URL, Account: mi.to.Account()}
	mi.a.log.read(render.Reading{Panel: mi.to.Name})
	in := mi.target.input(mi.to)
	in.Desired = mi.moved.State
	wants := plan.Wants(in, nil)
	for _, kind := range mi.judgedBy() {
		if !slices.ContainsFunc(wants, func(w specs.Want) bool { return w.Kind.Name == kind }) {
			wants = append(wants, specs.Want{Kind: in.Kinds(kind)})
		}
	}
	live, err := mi.rounds(ctx, mi.to, wants)
	if err == nil {
		err = mi.believe(ctx, c, mi.to, live, wants)
	}
	var forms map[string]*specs.Form
	if err == nil {
		kinds := slices.DeleteFunc(mi.moved.State.Kinds(), func(kind string) bool { return !live.Complete(kind) || !mi.anyNew(kind, live) })
		forms, err = mi.readForms(ctx, mi.to, kinds)
	}
	if err != nil {
		err = mi.unusable(mi.to, err)
		mi.a.log.read(render.Reading{Panel: mi.to.Name, Ended: true, Requests: c.Requests(), Error: err.Error()})
		return info, nil, err
	}
	mi.live, info.Reachable, info.Error = live, true, mi.listingErrors(live, wants)
	mi.a.log.read(render.Reading{Panel: mi.to.Name, Ended: true, Requests: c.Requests(), Resources: live.Len(), Error: info.Error})
	return info, forms, nil
}

// readForms reads what the forms that make some kinds offer.
func (mi *migration) readForms(ctx context.Context, p specs.Panel, kinds []string) (map[string]*specs.Form, error) {
	forms := map[string]*specs.Form{}
	slices.Sort(kinds)
	for _, kind := range kinds {
		f, err := mi.clients[p.Name].FormOffers(ctx, mi.dialects[p.Generation].Kind(kind))
		if err != nil {
			return nil, err
		}
		forms[kind] = f
	}
	return forms, nil
}

// judgedBy names the kinds by which one can tell what the target will take:
// what it offers, and what comes with others.
func (mi *migration) judgedBy() []string {
	kinds := mi.spec.Catalog.Offering()
	for _, name := range mi.moved.State.Kinds() {
		k := mi.spec.Catalog.Kind(name)
		if kinds = append(kinds, k.Brings...); k.Owner != "" {
			kinds = append(kinds, k.Field(k.Owner).Refers)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// listingErrors leaves out kinds that the target does not know: those are
// findings of their own.
func (mi *migration) listingErrors(live *specs.State, wants []specs.Want) string {
	known := specs.NewState(live.Panel)
	for _, kind := range live.Kinds() {
		l, _ := live.Listing(kind)
		var e interface{ Unsupported() bool }
		if errors.As(l.Err, &e) && e.Unsupported() {
			continue
		}
		if l.Err != nil {
			known.Fail(kind, l.Err)
		}
	}
	return listingErrors(known, wants)
}

func (mi *migration) anyNew(kind string, live *specs.State) bool {
	rs := mi.moved.State.Resources(kind)
	return slices.ContainsFunc(rs, func(r specs.Resource) bool { return live.Find(kind, r.Ref.Key) == nil })
}
