package specs

import "fmt"

// exportAdd turns one panel's resources into entries. What an entry refers to
// must be declared too where the spec declares others of that kind: a spec that
// `validate` finds wrong is no spec.
type exportAdd struct {
	x       *Exporter
	panel   Panel
	state   *State
	entries map[string][]exportEntry   // by kind
	at      map[string]map[string]bool // by kind: the keys taken
	tried   map[Ref]bool               // that could not be taken
}

// take makes an entry of a resource, or notes why there is none.
func (a *exportAdd) take(k *Kind, r *Resource) {
	id, ok := k.Declare(r)
	switch {
	case r.Unusable != "":
		a.leave(r.Ref, r.Unusable)
		return
	case !ok:
		a.leave(r.Ref, "no entry of a spec is provably this one")
		return
	}
	e := exportEntry{panel: a.panel.Name, key: id.Key, name: id.Name, su: r.Su, parent: r.Parent, owner: a.x.o.Catalog.OwnerOf(a.state, r), fields: r.Fields}
	for _, f := range id.Fields {
		if _, ok := e.fields.Get(f.Name); !ok {
			e.fields = e.fields.With(f.Name, f.Value)
		}
	}
	if a.at[k.Name] == nil {
		a.at[k.Name] = map[string]bool{}
	}
	a.at[k.Name][id.Key] = true
	a.entries[k.Name] = append(a.entries[k.Name], e)
}

func (a *exportAdd) leave(r Ref, why string) {
	a.tried[r] = true
	a.x.leave(r, why)
}

// closeReferences goes over the entries until each refers only to what is
// declared, is not of a kind that is declared here, or is the account's own.
func (a *exportAdd) closeReferences() {
	for again := true; again; {
		again = false
		for _, k := range a.x.o.Catalog.Kinds() {
			part := k.isPart()
			for i := 0; i < len(a.entries[k.Name]); i++ { // it may grow
				if a.closeEntry(k, part, i) {
					again = true
				}
			}
		}
	}
	for name, entries := range a.entries {
		left := entries[:0]
		for i := range entries {
			if !entries[i].gone {
				left = append(left, entries[i])
			}
		}
		a.entries[name] = left
	}
}

// closeEntry sees to the references of one entry; it is true when that changed
// what is declared.
func (a *exportAdd) closeEntry(k *Kind, part func(*FieldRow) bool, i int) (changed bool) {
	e := a.entries[k.Name][i]
	if e.gone {
		return false
	}
	leave := func(kind, key string) {
		a.leave(Ref{e.panel, k.Name, e.key}, fmt.Sprintf("it refers to %s %q, which cannot be declared", kind, key))
		delete(a.at[k.Name], e.key)
		a.entries[k.Name][i].gone, changed = true, true
	}
	for _, to := range k.KeyReferences(e.key) {
		if !a.declare(to.Kind, to.Key, &changed) {
			leave(to.Kind, to.Key)
			return changed
		}
	}
	if k.Su != "" && !a.declare(k.Su, e.su, &changed) {
		leave(k.Su, e.su)
		return changed
	}
	for _, ref := range k.references() {
		v, _ := e.fields.Get(ref.field)
		for _, key := range v.Items() {
			switch {
			case a.declare(ref.kind, key, &changed):
			case part(k.Field(ref.field)):
				leave(ref.kind, key)
				return changed
			default:
				a.x.note(&a.x.notes.dropped, fmt.Sprintf("%s: %s: %s %q cannot be declared, so %s is left out", e.panel, k.Name, ref.kind, key, ref.field), e.key)
				a.entries[k.Name][i].fields = e.fields.Without(ref.field)
			}
		}
	}
	return changed
}

// declare sees to it that a resource is declared, if that is asked for. It is
// false when it cannot be.
func (a *exportAdd) declare(kind, key string, changed *bool) bool {
	if a.at[kind][key] || len(a.at[kind]) == 0 || key == a.panel.Account() {
		return true
	}
	k := a.x.o.Catalog.Kind(kind)
	r := a.state.Find(kind, key)
	if r == nil || r.Unusable != "" || a.tried[r.Ref] {
		return false
	}
	a.x.Slim(a.panel.Name, k, r)
	a.take(k, r)
	if !a.at[kind][key] {
		return false
	}
	a.x.note(&a.x.notes.also, a.panel.Name+": "+kind, key)
	*changed = true
	return true
}
