package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// Undoing a run is planning as usual, with another wish: what was made should
// be absent, what was changed should have its old values, what was deleted
// should be there with the fields it had. The wish is made here; everything
// else, rails and order and preconditions, is that of any plan.
//
// What somebody changed since the run is left alone: the way back from there is
// not known.

// Undoing is what a run did on one panel.
type Undoing struct {
	Panel string
	// Steps are the steps that are done, with Su and Parent.
	Steps []*Step
	// Gone is what went, by ref, as it was before.
	Gone map[specs.Ref]Gone
	// Secrets gives the references under which the spec knows the secrets of a
	// resource, nil when it does not. May be nil.
	Secrets func(specs.Ref) []specs.SecretField
	Kinds   func(name string) *specs.Kind
	// Within names the kinds whose resources live in one of a kind, and so went
	// with it. May be nil.
	Within func(kind string) []string
}

// Wish is what undoing wants of the panel, whatever it holds now. It says which
// kinds have to be read.
func (u *Undoing) Wish() *specs.State {
	wish, _ := u.wish(nil)
	return wish
}

// WishOf is Wish for what the panel holds now: without what was changed since
// the run. The findings say what cannot come back, and what is left alone.
func (u *Undoing) WishOf(live *specs.State) (*specs.State, []Finding) { return u.wish(live) }

func (u *Undoing) wish(live *specs.State) (*specs.State, []Finding) {
	w := &wisher{Undoing: u, live: live, byKind: map[string][]specs.Resource{}}
	for _, s := range u.Steps {
		switch s.Action {
		case Create:
			w.unmake(s)
		case Update:
			w.changeBack(s)
		}
	}
	for _, g := range u.gone() {
		w.bringBack(g)
	}
	state := specs.NewState(u.Panel)
	for kind, rs := range w.byKind {
		state.Set(kind, rs) //nolint:errcheck // a run has no step twice for one resource
	}
	return state, w.findings
}

// gone lists what went because a step that is done deleted it, or took it along.
func (u *Undoing) gone() []Gone {
	done := map[specs.Ref]bool{}
	for _, s := range u.Steps {
		done[s.Ref] = s.Action == Delete
	}
	var out []Gone
	for _, g := range u.Gone {
		if done[g.Resource.Ref] || g.With.Key != "" && done[g.With] {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b Gone) int { return a.Resource.Ref.Compare(b.Resource.Ref) })
	return out
}

// wisher gathers a wish.
type wisher struct {
	*Undoing
	live     *specs.State // nil when it is not known
	byKind   map[string][]specs.Resource
	findings []Finding
}

func (w *wisher) add(r specs.Resource) { w.byKind[r.Ref.Kind] = append(w.byKind[r.Ref.Kind], r) }

func (w *wisher) find(ref specs.Ref, format string, args ...any) {
	w.findings = append(w.findings, Finding{Severity: Warning, Code: CodeNotUndone, Ref: ref.String(), Message: fmt.Sprintf(format, args...)})
}

// now is the live resource; known is false when nobody knows.
func (w *wisher) now(ref specs.Ref) (r *specs.Resource, known bool) {
	if w.live == nil || !w.live.Complete(ref.Kind) {
		return nil, false
	}
	return w.live.Find(ref.Kind, ref.Key), true
}

func (w *wisher) unmake(s *Step) {
	if r, known := w.now(s.Ref); known && r != nil {
		if moved := movedSince(s, r); moved != "" {
			w.find(s.Ref, "it was changed since the run made it (%s), so it is left alone; delete it by hand if that is what you want", moved)
			return
		}
	}
	w.add(specs.Resource{Ref: s.Ref, Absent: true, Su: s.Su, Parent: s.Parent})
}

func (w *wisher) changeBack(s *Step) {
	if len(s.Secrets) > 0 {
		w.find(s.Ref, "the run wrote %s; what it was before is not known, so it stays", strings.Join(s.Secrets, ", "))
	}
	back := specs.Resource{Ref: s.Ref, Su: s.Su, Parent: s.Parent}
	live, known := w.now(s.Ref)
	if known && live == nil {
		w.find(s.Ref, "it is gone since the run, so its old values are not set")
		return
	}
	for _, ch := range s.Changes {
		if ch.Before.IsAbsent() {
			w.find(s.Ref, "the panel did not tell what %s was before, so it stays %s", ch.Field, quote(ch.After))
			continue
		}
		if known {
			if is, _ := live.Fields.Get(ch.Field); is != ch.After && !is.IsAbsent() {
				if is != ch.Before {
					w.find(s.Ref, "%s was %s, the run made it %s, and since then it became %s: it is left alone", ch.Field, quote(ch.Before), quote(ch.After), quote(is))
				}
				continue
			}
		}
		back.Fields = append(back.Fields, specs.Field{Name: ch.Field, Value: ch.Before})
	}
	if len(back.Fields) > 0 {
		w.add(back)
	}
}

func (w *wisher) bringBack(g Gone) {
	r, k := g.Resource, w.Kinds(g.Resource.Ref.Kind)
	if live, known := w.now(r.Ref); known && live != nil {
		w.find(r.Ref, "somebody made it again since the run, so it is left as it is now")
		return
	}
	if k == nil || k.Edit == "" && k.CreateFunc == "" {
		w.find(r.Ref, "the panel has no function that makes it again")
		return
	}
	again := specs.Resource{Ref: r.Ref, Su: r.Su, Parent: r.Parent, Fields: creatable(k, r.Fields)}
	if w.Secrets != nil {
		again.Secrets = w.Secrets(r.Ref)
	}
	for _, row := range k.Fields {
		has := slices.ContainsFunc(again.Secrets, func(f specs.SecretField) bool { return f.Name == row.Name })
		if row.Secret && row.Required && !has {
			again.SecretsNeeded = append(again.SecretsNeeded, row.Name)
		}
	}
	if len(k.TakesWithIt) > 0 || k.Owner != "" {
		w.find(r.Ref, "it is made again with its settings only: files, mail and the contents of databases do not come back; restore them from a backup")
	}
	if lost := w.lostWith(r.Ref); len(lost) > 0 {
		w.find(r.Ref, "what was in it was not kept and does not come back: its resources of %s", strings.Join(lost, ", "))
	}
	w.add(again)
}

// lostWith names the kinds of which resources may have gone with one that went,
// and none was kept.
func (w *wisher) lostWith(ref specs.Ref) []string {
	if w.Within == nil {
		return nil
	}
	return slices.DeleteFunc(w.Within(ref.Kind), func(kind string) bool {
		for _, g := range w.Gone {
			if g.Resource.Ref.Kind == kind && g.With == ref {
				return true
			}
		}
		return false
	})
}

// creatable are the fields of a live resource that a create can say.
func creatable(k *specs.Kind, fields specs.Fields) specs.Fields {
	var out specs.Fields
	for _, f := range fields {
		if row := k.Field(f.Name); row != nil && !row.Secret && !f.Value.IsAbsent() {
			out = append(out, f)
		}
	}
	return out
}

// movedSince says what of a resource is not as a step made it, or "".
func movedSince(s *Step, live *specs.Resource) string {
	var parts []string
	for _, ch := range s.Changes {
		if is, _ := live.Fields.Get(ch.Field); !is.IsAbsent() && !ch.After.IsAbsent() && is != ch.After {
			parts = append(parts, fmt.Sprintf("%s is %s, not %s", ch.Field, quote(is), quote(ch.After)))
		}
	}
	return strings.Join(parts, ", ")
}
