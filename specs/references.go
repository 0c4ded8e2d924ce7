package specs

import "fmt"

// checkReferences finds references that lead nowhere: to a tombstone, which is
// always a mistake, and offline also to names the spec does not declare.
// Otherwise the planner, which sees the panel, judges those.
func (l *loader) checkReferences() {
	for i := range l.spec.Panels {
		panel := &l.spec.Panels[i]
		st := l.spec.desired[panel.Name]
		for _, name := range st.Kinds() {
			kind := l.spec.Catalog.Kind(name)
			refs := kind.references()
			if len(refs) == 0 && kind.Su == "" && len(kind.KeyRefers) == 0 {
				continue
			}
			rs := st.Resources(name)
			for j := range rs {
				if !rs[j].Absent {
					l.checkTargets(panel, st, &rs[j], refs)
				}
			}
		}
	}
}

// reference is a field that names a resource of another kind.
type reference struct{ field, kind string }

func (k *Kind) references() []reference {
	var out []reference
	for _, f := range k.Fields {
		if f.Refers != "" {
			out = append(out, reference{f.Name, f.Refers})
		}
	}
	if k.Parent != nil && k.byName[k.Parent.Field].Refers == "" {
		out = append(out, reference{k.Parent.Field, k.Parent.Kind})
	}
	return out
}

func (l *loader) checkTargets(panel *Panel, st *State, r *Resource, refs []reference) {
	if su := l.spec.Catalog.Kind(r.Ref.Kind).Su; su != "" && r.Su != "" {
		l.checkTarget(panel, st, r, reference{"su", su}, r.Su)
	}
	for _, to := range l.spec.Catalog.Kind(r.Ref.Kind).KeyReferences(r.Ref.Key) {
		l.checkTarget(panel, st, r, reference{"name", to.Kind}, to.Key)
	}
	for _, ref := range refs {
		v, ok := r.Fields.Get(ref.field)
		if !ok {
			continue
		}
		for _, key := range v.Items() {
			l.checkTarget(panel, st, r, ref, key)
		}
	}
}

func (l *loader) checkTarget(panel *Panel, st *State, r *Resource, ref reference, key string) {
	target := st.Find(ref.kind, key)
	switch {
	case target != nil && target.Absent:
		l.problems.addErr(&Error{Pos: r.Pos, Msg: fmt.Sprintf("%s refers to %s %q, which is to be absent (%s)", r.Ref, ref.kind, key, target.Pos),
			Hint: "make this entry absent too, or give it another " + ref.field})
	case target == nil && l.o.Offline && len(st.Resources(ref.kind)) > 0 && key != panel.Account():
		l.problems.addErr(&Error{Pos: r.Pos, Msg: fmt.Sprintf("%s refers to %s %q, which the spec does not declare on this panel", r.Ref, ref.kind, key),
			Hint: referenceHint(st, ref.kind, key)})
	}
}

func referenceHint(st *State, kind, key string) string {
	rs := st.Resources(kind)
	names := make([]string, 0, len(rs))
	for i := range rs {
		names = append(names, rs[i].Ref.Key)
	}
	if hint := didYouMean(key, names); hint != "" && len(names) < 1000 {
		return hint
	}
	return "declare it (an entry with only a name manages none of its fields), or let `ispsync plan` look for it on the panel"
}
