package specs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Moving resources from one panel to another, without either: what one panel
// has becomes, through a map, what is wanted of the other. Kinds are taken
// parents first, so that a child is made of what its parent is called by then.
// Everything about kinds stands in their rows: which fields refer to others,
// of what a key is made, what a panel makes up by itself.

// Move is what is to be moved.
type Move struct {
	From    *State // of the source, with all fields
	To      string // name of the panel they are for
	Catalog *Catalog
	Mapping *Mapping
	// Kinds chooses the kinds that are moved; From may hold others, by which one
	// finds one's way. Wanted chooses among their resources. Nil is all.
	Kinds  func(*Kind) bool
	Wanted func(*Resource) bool
	// Stays are resources that are left where they are whatever else is said, with
	// the reason: the accounts ispsync logs in with.
	Stays map[Ref]string
}

// Moved is what a move wants of its target.
type Moved struct {
	State     *State
	Obstacles []Obstacle
	// Origins are the resources of the source, by what they are to be.
	Origins map[Ref]*Resource

	move    *Move
	byKind  map[string][]Resource
	told    map[Ref]Fields // all fields of the origins, those of their keys included
	entries map[Ref]string // the names the origins have in an entry, by what they are to be
	keys    map[Ref]string // what resources of the source are called on the target
	elids   map[Ref]Ref    // resources of the source by their panel's own identifier
	left    map[Ref]bool   // resources of the source that stay there; true: without a word
}

// Moved works out what is wanted of the target. What stands in the way as far
// as the source and the map go is in Obstacles; see Judge for the rest.
func (m *Move) Moved() *Moved {
	out := &Moved{State: NewState(m.To), Origins: map[Ref]*Resource{}, move: m, byKind: map[string][]Resource{}, told: map[Ref]Fields{}, entries: map[Ref]string{}, keys: map[Ref]string{}, elids: map[Ref]Ref{}, left: map[Ref]bool{}}
	for _, k := range m.Catalog.Kinds() {
		l, known := m.From.Listing(k.Name)
		switch {
		case !known || m.Mapping.LeavesBehind(k.Name):
			continue
		case l.Err != nil && out.moves(k):
			out.add(Obstacle{Code: ObstacleListing, Ref: m.From.Panel + "/" + k.Name,
				Message: fmt.Sprintf("the list of %s on %s cannot be relied on, so none of them is moved: %v", k.Name, m.From.Panel, l.Err)})
			continue
		}
		for i := range l.Resources {
			out.take(k, &l.Resources[i])
		}
		if rs := out.byKind[k.Name]; len(rs) > 0 {
			out.State.Set(k.Name, out.unique(rs)) //nolint:errcheck // doubles are gone
		}
	}
	return out
}

func (o *Moved) add(ob Obstacle) { o.Obstacles = append(o.Obstacles, ob) }

func (o *Moved) moves(k *Kind) bool { return o.move.Kinds == nil || o.move.Kinds(k) }

// take moves one resource, if it is wanted and can be.
func (o *Moved) take(k *Kind, r *Resource) {
	o.elids[Ref{Kind: k.Name, Key: r.elidOrKey()}] = r.Ref
	if !o.moves(k) || o.move.Wanted != nil && !o.move.Wanted(r) {
		return
	}
	leave := func(code string, fatal bool, format string, args ...any) {
		o.left[r.Ref] = false
		o.add(Obstacle{Code: code, Fatal: fatal, Ref: r.Ref.String(), Message: fmt.Sprintf(format, args...)})
	}
	if why := o.move.Stays[r.Ref]; why != "" {
		leave(ObstacleStays, false, "it stays on %s: %s", r.Ref.Panel, why)
		return
	}
	if k.Edit == "" && k.CreateFunc == "" || k.isBuiltin(r) {
		return // it is the panel's own
	}
	if above, silent := o.leftAbove(k, r); above != nil {
		if o.left[r.Ref] = true; !silent {
			leave(ObstacleCannotMove, false, "it is left on %s with %s/%s, to which it belongs", r.Ref.Panel, above.Kind, above.Key)
		}
		return
	}
	if r.Unusable != "" {
		leave(ObstacleCannotMove, false, "it is left on %s: %s", r.Ref.Panel, r.Unusable)
		return
	}
	id, ok := k.entryOf(r)
	if !ok {
		leave(ObstacleCannotMove, false, "it is left on %s: of its key nobody can say what a %s is made of", r.Ref.Panel, k.Name)
		return
	}
	of := &mapped{kind: k, name: id.Name, owner: o.move.Catalog.OwnerOf(o.move.From, r), from: r}
	res, drop, err := o.transform(of, id)
	switch {
	case err != nil:
		leave(ObstacleMap, true, "%v", err)
		return
	case drop:
		o.left[r.Ref] = true
		return
	}
	if needs := k.createNeeds(res.Fields); len(needs) > 0 {
		leave(ObstacleCannotMove, false, "it is left on %s: %s does not tell %s, without which no %s can be made; %s: null leaves the kind behind without a word, and this says what it is to be: %s",
			r.Ref.Panel, r.Ref.Panel, strings.Join(needs, ", "), k.Name, k.Name, mapLine(k.Name, needs[0], "…"))
		return
	}
	o.keys[r.Ref] = res.Ref.Key
	o.Origins[res.Ref], o.entries[res.Ref], o.told[res.Ref] = r, id.Name, id.Fields
	o.byKind[k.Name] = append(o.byKind[k.Name], res)
}

// leftAbove is what a resource belongs to, by its owner, its account, what it
// lives in or its key, when that stays behind.
func (o *Moved) leftAbove(k *Kind, r *Resource) (above *Ref, silent bool) {
	refs := k.KeyReferences(r.Ref.Key)
	if k.Su != "" {
		refs = append(refs, Ref{Kind: k.Su, Key: r.Su})
	}
	if owner, ok := r.Fields.Get(k.Owner); ok && k.Owner != "" {
		refs = append(refs, Ref{Kind: k.byName[k.Owner].Refers, Key: owner.String()})
	}
	if k.Parent != nil {
		if parent, ok := o.parentRef(k, r); ok {
			refs = append(refs, parent)
		}
	}
	for _, ref := range refs {
		ref.Panel = o.move.From.Panel
		if silent, left := o.left[ref]; left && o.move.Stays[ref] == "" {
			return &ref, silent
		}
	}
	return nil, false
}

// unique drops what the map makes one of several, which is an obstacle.
func (o *Moved) unique(rs []Resource) []Resource {
	slices.SortStableFunc(rs, func(a, b Resource) int { return strings.Compare(a.Ref.Key, b.Ref.Key) })
	out := rs[:1]
	for i := 1; i < len(rs); i++ {
		if rs[i].Ref == out[len(out)-1].Ref {
			kind := rs[i].Ref.Kind
			o.add(Obstacle{Code: ObstacleCollision, Fatal: true, Ref: rs[i].Ref.String(),
				Message: fmt.Sprintf("%s and another resource become this one; leave one behind, or call it something else: %s", rs[i].Pos.File, nameLine(o.move.Catalog.Kind(kind), o.entries[rs[i].Ref], "…"))})
			continue
		}
		out = append(out, rs[i])
	}
	return slices.Clip(out)
}

// parentRef is the resource of the source that another one lives in.
func (o *Moved) parentRef(k *Kind, r *Resource) (Ref, bool) {
	ref, ok := o.elids[Ref{Kind: k.Parent.Kind, Key: r.Parent}]
	return ref, ok
}

// transform makes of a resource what it is to be on the target.
func (o *Moved) transform(of *mapped, id Identity) (res Resource, drop bool, err error) {
	k, m := of.kind, o.move.Mapping
	name, drop, err := m.rename(of)
	if err != nil || drop {
		return res, drop, err
	}
	fields := make(Fields, 0, len(id.Fields)+2)
	for _, row := range k.Fields {
		v, told := id.Fields.Get(row.Name)
		if only, ok := onlyValue(row); ok && !told {
			v = only
		}
		if row.Secret {
			continue
		}
		v, left, err := m.value(of, row, v)
		if err != nil {
			return res, false, err
		}
		if !left {
			fields = append(fields, Field{row.Name, o.follow(of, row, v)})
		}
	}
	fields = withMeaning(k, fields)
	res = Resource{Su: o.keyOf(k.Su, of.from.Su), Fields: fields, Pos: Pos{File: of.from.Ref.String()}}
	if err := o.setKey(of, &res, name); err != nil {
		return res, false, err
	}
	if err := o.setSecrets(of, &res); err != nil {
		return res, false, err
	}
	return res, false, nil
}

// keyOf is what a resource of the source is called on the target.
func (o *Moved) keyOf(kind, key string) string {
	if to, ok := o.keys[Ref{Panel: o.move.From.Panel, Kind: kind, Key: key}]; ok {
		return to
	}
	k := o.move.Catalog.Kind(kind)
	if k == nil || key == "" {
		return key
	}
	// Not moved itself, but the map may know it: an account that is there already.
	of := &mapped{kind: k, name: key, from: &Resource{Ref: Ref{Panel: o.move.From.Panel, Kind: kind, Key: key}}}
	if r := o.move.Mapping.names[kind]; r == nil {
		return key
	}
	if name, drop, err := o.move.Mapping.rename(of); err == nil && !drop {
		return name
	}
	return key
}

// follow makes a reference one to what the resource is called on the target.
// The parent is found by its panel's own identifier. A value that the map
// changed already is what the map says.
func (o *Moved) follow(of *mapped, row *FieldRow, v Value) Value {
	k := of.kind
	if k.Parent != nil && row.Name == k.Parent.Field {
		if ref, ok := o.parentRef(k, of.from); ok {
			return Value{o.keyOf(ref.Kind, ref.Key), v.t}
		}
	}
	kind := row.Refers
	if kind == "" {
		kind = row.Names
	}
	if kind == "" || v.IsEmpty() {
		return v
	}
	if was, ok := of.from.Fields.Get(row.Name); ok && was != v {
		return v
	}
	items := v.Items()
	for i := range items {
		items[i] = o.keyOf(kind, items[i])
	}
	if v.t == ListType {
		return row.Canon.list(items)
	}
	return Value{items[0], v.t}
}

// withMeaning drops fields that mean nothing under the values of others: the
// address of a site to which the panel gives one.
func withMeaning(k *Kind, fields Fields) Fields {
	return slices.DeleteFunc(slices.Clone(fields), func(f Field) bool {
		for with, want := range k.byName[f.Name].With {
			if v, ok := fields.Get(with); ok && v.String() != want {
				return true
			}
		}
		return false
	})
}

// setKey gives the resource its key on the target, and its parent. First the
// key is what the row makes of the name and the fields as they are now; then
// parts of it that are parameters of the create call are mapped, and the row is
// asked which key has those.
func (o *Moved) setKey(of *mapped, res *Resource, name string) error {
	k := of.kind
	key, err := k.KeyOf(name, res.Su, res.Fields)
	if err != nil {
		return fmt.Errorf("%s: on %s its name would be wrong: %w", of.from.Ref, o.move.To, err)
	}
	res.Ref = Ref{o.move.To, k.Name, key}
	if err := o.mapParams(of, res); err != nil {
		return err
	}
	if p := k.Parent; p != nil {
		v, _ := res.Fields.Get(p.Field)
		res.Parent = v.String()
	}
	return nil
}

// mapParams maps the parameters of the create call that the key is made of: a
// database's server, a mailbox's domain.
func (o *Moved) mapParams(of *mapped, res *Resource) error {
	k := of.kind
	if len(k.Create) == 0 {
		return nil
	}
	made, err := k.CreateParams(res)
	if err != nil {
		return err
	}
	params, changed := map[string]string{}, false
	refers := k.KeyReferences(res.Ref.Key)
	for _, p := range made {
		param, text := p[0], p[1]
		to := text
		if k.Field(param) == nil && param != "name" {
			if to, err = o.move.Mapping.param(of, param, text); err != nil {
				return err
			}
		}
		for _, ref := range refers {
			if to == text && text == ref.Key {
				to = o.keyOf(ref.Kind, ref.Key)
			}
		}
		params[param] = to
		changed = changed || to != text
	}
	if !changed {
		return nil
	}
	fn, err := k.FuncToCreate(res)
	if err != nil {
		return err
	}
	known := slices.DeleteFunc(slices.Clone(res.Fields), func(f Field) bool {
		row := k.byName[f.Name]
		return row.KeyPart && row.Read == Never && f.Name != k.parentField() && row.Refers == ""
	})
	id, ok := k.FromCreate(fn, params, res.Su, known)
	if !ok {
		return fmt.Errorf("%s: no %s has the parts that the map gives it: %s", of.from.Ref, k.Name, textOfParams(params))
	}
	for _, f := range id.Fields {
		res.Fields = res.Fields.With(f.Name, f.Value)
	}
	res.Ref.Key = id.Key
	return nil
}

func textOfParams(params map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		parts = append(parts, name+"="+params[name])
	}
	return strings.Join(parts, " ")
}

// setSecrets gives the resource the references of the map; a create that needs
// one nobody gave says so.
func (o *Moved) setSecrets(of *mapped, res *Resource) error {
	for _, row := range of.kind.Fields {
		if !row.Secret {
			continue
		}
		s, ok, err := o.move.Mapping.secret(of, row)
		switch {
		case err != nil:
			return err
		case ok:
			res.Secrets = append(res.Secrets, SecretField{row.Name, s})
		case row.Required:
			res.SecretsNeeded = append(res.SecretsNeeded, row.Name)
		}
	}
	return nil
}
