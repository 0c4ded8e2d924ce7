package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// delete plans a delete unless a guard stands in its way. desired is the
// tombstone, nil when a prune rule asks. What a prune rule may not have is
// quietly kept; a tombstone that cannot be honoured is an error, because
// somebody wrote down this very resource. Of our own account a prune rule is told
// with a warning: it is left alone, and the rest of the rule holds.
func (w *kindWalk) delete(live, desired *specs.Resource, why string) {
	ref := live.Ref
	if w.isOwnAccount(ref) {
		w.find(ownSeverity(desired), CodeOwnAccount, ref.String(), "%s would delete the account ispsync logs in with; log in with another one, or except it from the rule; no flag lifts this", why)
		w.keep(ref, "the account ispsync logs in with")
		return
	}
	if w.kind.Delete == "" {
		if desired != nil {
			w.find(Error, CodeNotDeletable, ref.String(), "%s declares it absent, but the panel has no function that deletes a %s; delete it by hand", at(desired), w.kind.Name)
		}
		w.keep(ref, "the panel has no function that deletes a "+w.kind.Name)
		return
	}
	reason, failed := shielded(w.protect, live)
	if reason != "" && !failed && w.unprotected(ref, reason) {
		reason = ""
	}
	if failed {
		w.find(Error, CodeRule, ref.String(), "%s; correct the expression `%s`", reason, w.protect.Source)
	} else if reason != "" && desired != nil {
		w.hold(CodeProtected, ref.String(), liftProtected(ref), "%s declares it absent, but it is %s; remove the tombstone or the rule", at(desired), reason)
	}
	if reason != "" {
		w.keep(ref, reason)
		return
	}
	w.step(Delete, desired, live).Why = why
}

// shielded says why a protect rule forbids to delete a resource, or "". A rule
// that cannot be evaluated protects.
func shielded(protect Match, live *specs.Resource) (reason string, failed bool) {
	if protect.Test == nil {
		return "", false
	}
	hit, err := protect.Test(live)
	switch {
	case err != nil:
		return "the protect rule cannot be evaluated: " + err.Error(), true
	case hit:
		return "protected by " + protect.Source, false
	}
	return "", false
}

// ownSeverity is how bad it is that our own account would be deleted: a tombstone
// names it, a prune rule only happens to be true of it.
func ownSeverity(tombstone *specs.Resource) Severity {
	if tombstone != nil {
		return Error
	}
	return Warning
}

// isOwnAccount reports whether a ref names the account ispsync logs in with.
func (m *maker) isOwnAccount(r specs.Ref) bool {
	return m.Account != "" && r.Key == m.Account && m.Kinds(r.Kind).Login
}

// settleDeletes looks at what goes along with each delete, fills in
// TakesWithIt, and takes deletes back that must not be. Taking one back changes
// what goes along with others, so it repeats until nothing is taken back. It
// returns what goes along with the deletes that stay, tombstones included.
func (m *maker) settleDeletes() *going {
	for {
		deletes := map[specs.Ref]*draftStep{}
		for _, s := range m.steps {
			if s.Action == Delete {
				deletes[s.Ref] = s
			}
		}
		g := goesAlong(m.Live, m.Kinds, deletes)
		if !m.takeBack(g) {
			m.countTaken(g)
			return g
		}
	}
}

// takeBack turns deletes into Kept when something that goes along is unknown,
// protected or our own account. It reports whether it did.
func (m *maker) takeBack(g *going) bool {
	back := map[*draftStep]bool{}
	for _, u := range g.unknown {
		if _, asked := m.Live.Listing(u.kind); !asked && !slices.Contains(m.draft.unread, u.kind) {
			m.draft.unread = append(m.draft.unread, u.kind)
		}
		m.incomplete(u.kind, "nothing is deleted that takes any with it")
		if !back[u.root] {
			back[u.root] = true
			m.keep(u.root.Ref, "what goes with it could not be read ("+u.kind+")")
		}
	}
	for _, t := range g.taken {
		if back[t.root] {
			continue
		}
		reason, failed := shielded(m.Rules.protect(t.live.Ref.Kind), t.live)
		own := m.isOwnAccount(t.live.Ref)
		switch {
		case own:
			reason = "the account ispsync logs in with"
		case reason != "" && !failed && m.unprotected(t.live.Ref, reason):
			reason = ""
		}
		if reason == "" {
			continue
		}
		back[t.root] = true
		what := "takes " + t.live.Ref.Kind + "/" + t.live.Ref.Key + " with it, which is " + reason
		m.keep(t.root.Ref, what)
		switch {
		case own:
			m.find(ownSeverity(t.root.desired), CodeOwnAccount, t.root.Ref.String(), "%s: the delete %s; no flag lifts this", t.root.Why, what)
		case failed:
			m.find(Error, CodeRule, t.root.Ref.String(), "%s: the delete takes %s with it, but %s", t.root.Why, t.live.Ref, reason)
		case t.root.desired != nil:
			m.hold(CodeProtected, t.root.Ref.String(), liftProtected(t.live.Ref), "%s declares it absent, but the delete %s; remove the tombstone or the rule", at(t.root.desired), what)
		}
	}
	m.reportDeclared(g, func(s *draftStep) bool { return back[s] })
	m.steps = slices.DeleteFunc(m.steps, func(s *draftStep) bool { return back[s] })
	return len(back) > 0
}

// countTaken writes what goes along into the steps, and takes it out of Kept:
// it is not left alone.
func (m *maker) countTaken(g *going) {
	counts := g.counts()
	for _, s := range m.steps {
		if c := counts[s]; c != nil {
			s.TakesWithIt = c
		}
	}
	if len(g.refs) > 0 {
		m.draft.kept = slices.DeleteFunc(m.draft.kept, func(k Kept) bool { return g.refs[k.Ref] != nil })
	}
	m.reportDeclared(g, func(*draftStep) bool { return true })
}

// reportDeclared finds deletes, among those of, that take with them what the
// spec declares.
func (m *maker) reportDeclared(g *going, of func(*draftStep) bool) {
	declared := map[*draftStep][]string{}
	var roots []*draftStep
	for _, t := range g.taken {
		if !of(t.root) || m.declared(t.live.Ref.Kind, t.live.Ref.Key) == nil {
			continue
		}
		if declared[t.root] == nil {
			roots = append(roots, t.root)
		}
		declared[t.root] = append(declared[t.root], t.live.Ref.Kind+"/"+t.live.Ref.Key)
	}
	for _, s := range roots {
		names := declared[s]
		m.find(Error, CodeTakesDeclared, s.Ref.String(), "deleting it (%s) takes with it what the spec declares: %s; declare that absent too, or keep the %s",
			s.Why, fewOf(names[:min(len(names), maxExamples)], len(names)), s.Kind)
	}
}

// going is what goes along with deletes.
type going struct {
	taken   []takenAlong
	unknown []unknownAlong
	refs    map[specs.Ref]*draftStep
}

// takenAlong is a live resource that goes when root is deleted.
type takenAlong struct {
	live *specs.Resource
	root *draftStep
}

// unknownAlong is a kind of which resources may go when root is deleted, but
// which could not be read.
type unknownAlong struct {
	kind string
	root *draftStep
}

// goesAlong follows Kind.TakesWithIt from the deletes through the live
// resources: those owned by what goes, go. Resources with a delete of their own
// do not count. A resource reached in several ways counts once.
func goesAlong(live *specs.State, kinds func(string) *specs.Kind, deletes map[specs.Ref]*draftStep) *going {
	g := &going{refs: map[specs.Ref]*draftStep{}}
	asked := map[unknownAlong]bool{}
	front := deletes
	for len(front) > 0 {
		next := map[specs.Ref]*draftStep{}
		for _, owners := range byKind(front) {
			owner := kinds(owners.kind)
			for _, other := range owner.TakesWithIt {
				if !live.Complete(other) {
					g.addUnknown(other, owners, asked)
					continue
				}
				field := ownedThrough(kinds(other), owner)
				rs := live.Resources(other)
				for i := range rs {
					r := &rs[i]
					v, _ := r.Fields.Get(field)
					root := owners.roots[v.String()]
					if root == nil || deletes[r.Ref] != nil || g.refs[r.Ref] != nil {
						continue
					}
					g.refs[r.Ref], next[r.Ref] = root, root
					g.taken = append(g.taken, takenAlong{r, root})
				}
			}
		}
		front = next
	}
	return g
}

// owners are resources of one kind that go, each with the delete it goes with.
type owners struct {
	kind  string
	roots map[string]*draftStep // by key
}

// byKind sorts what goes by kind.
func byKind(front map[specs.Ref]*draftStep) []owners {
	kinds := map[string]owners{}
	for ref, root := range front {
		if kinds[ref.Kind].roots == nil {
			kinds[ref.Kind] = owners{ref.Kind, map[string]*draftStep{}}
		}
		kinds[ref.Kind].roots[ref.Key] = root
	}
	return slices.SortedFunc(maps.Values(kinds), func(a, b owners) int { return strings.Compare(a.kind, b.kind) })
}

func (g *going) addUnknown(kind string, o owners, asked map[unknownAlong]bool) {
	for _, key := range slices.Sorted(maps.Keys(o.roots)) {
		if u := (unknownAlong{kind, o.roots[key]}); !asked[u] {
			asked[u] = true
			g.unknown = append(g.unknown, u)
		}
	}
}

// ownedThrough is the field by which a kind belongs to another: the one that
// names its parent if that is the other kind, its owner if not.
func ownedThrough(k, owner *specs.Kind) string {
	if k.Parent != nil && k.Parent.Kind == owner.Name {
		return k.Parent.Field
	}
	return k.Owner
}

// counts are the numbers of what goes along with each delete, sorted by kind.
func (g *going) counts() map[*draftStep][]Count {
	out := map[*draftStep][]Count{}
	for _, t := range g.taken {
		list := out[t.root]
		i, ok := slices.BinarySearchFunc(list, t.live.Ref.Kind, func(c Count, kind string) int { return strings.Compare(c.Kind, kind) })
		if !ok {
			list = slices.Insert(list, i, Count{Kind: t.live.Ref.Kind})
		}
		list[i].Count++
		out[t.root] = list
	}
	return out
}
