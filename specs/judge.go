package specs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Whether a panel will take what is wanted of it can be told before the first
// write: from its lists (templates, addresses, database servers), from the
// choices of its forms, and from what it has already. Only what is not so on the
// panel yet is looked at: what it has, it took.

// Target is what is known of the panel that a move is for.
type Target struct {
	Live    *State   // with the kinds of the move and those named by Catalog.Offering
	Catalog *Catalog // as the panel's generation speaks it
	Forms   map[string]*Form
	// SourceCatalog and SourceForms are the same of the source. Choices among which
	// the source's own values are not are no proof: then an obstacle is not fatal.
	SourceCatalog *Catalog
	SourceForms   map[string]*Form
}

// Form is what a panel tells of the form that makes one of a kind.
type Form struct {
	// Params are the parameters it takes; nil when the panel does not tell.
	Params map[string]bool
	// Choices are the values that some of them take.
	Choices map[string][]string
	// Filled are the parameters that have a value before anybody gives one.
	Filled map[string]bool
}

// Offering names the kinds whose keys are what a panel offers for fields of others.
func (c *Catalog) Offering() []string {
	all := map[string]bool{}
	for _, k := range c.kinds {
		for _, f := range k.Fields {
			if f.Offered != "" {
				all[f.Offered] = true
			}
		}
		for _, kind := range k.Offered {
			all[kind] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// judge is one judgement on its way.
type judge struct {
	*Moved
	t      Target
	counts map[string]*tally
}

// tally gathers the resources that stand before the same obstacle: one finding
// speaks for all of them.
type tally struct {
	obstacle Obstacle
	kind     string
	refs     []string
}

// Judge holds what is wanted against the target. It adds obstacles, and takes
// out of State what the target does not know and what is somebody else's there.
func (o *Moved) Judge(t Target) {
	j := &judge{Moved: o, t: t, counts: map[string]*tally{}}
	for _, name := range o.State.Kinds() {
		k := t.Catalog.Kind(name)
		if l, _ := t.Live.Listing(name); j.unknownKind(k, l.Err) {
			continue
		}
		j.dropUnknownFields(k)
		j.kind(k)
	}
	j.limits()
	for _, id := range slices.Sorted(maps.Keys(j.counts)) {
		c := j.counts[id]
		c.obstacle.Ref = c.refs[0]
		if n := len(c.refs); n > 1 {
			c.obstacle.Ref = o.State.Panel + "/" + c.kind
			shown := c.refs[:min(n, maxShown)]
			for i := range shown {
				shown[i] = strings.TrimPrefix(shown[i], o.State.Panel+"/")
			}
			c.obstacle.Message = fmt.Sprintf("%d resources (%s): %s", n, fewOf(shown, n), c.obstacle.Message)
		}
		j.add(c.obstacle)
	}
	slices.SortStableFunc(o.Obstacles, func(a, b Obstacle) int { return strings.Compare(a.Ref, b.Ref) })
}

// maxShown is how many resources a message names.
const maxShown = 3

func fewOf(shown []string, n int) string {
	s := strings.Join(shown, ", ")
	if more := n - len(shown); more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// count notes an obstacle of one resource; what, with the code and the kind,
// says which are the same.
func (j *judge) count(what string, code string, fatal bool, ref Ref, message string) {
	id := ref.Kind + "\x00" + code + "\x00" + what
	c := j.counts[id]
	if c == nil {
		c = &tally{obstacle: Obstacle{Code: code, Fatal: fatal, Message: message}, kind: ref.Kind}
		j.counts[id] = c
	}
	c.refs = append(c.refs, ref.String())
}

// unknownKind reports whether the target does not know a kind at all.
func (j *judge) unknownKind(k *Kind, err error) bool {
	var e interface{ Unsupported() bool }
	if !errors.As(err, &e) || !e.Unsupported() {
		return false
	}
	j.add(Obstacle{Code: ObstacleKind, Fatal: true, Ref: j.State.Panel + "/" + k.Name,
		Message: fmt.Sprintf("%s knows no %s, and %d of them are to be moved; leave them behind: %s", j.State.Panel, k.Name, len(j.State.Resources(k.Name)), oneLine(scalarOf(k.Name), nullNode()))})
	delete(j.State.listings, k.Name)
	return true
}

// dropUnknownFields takes out the fields that the target's form does not have.
// It is worth a word where a value is lost by it.
func (j *judge) dropUnknownFields(k *Kind) {
	form := j.t.Forms[k.Name]
	if form == nil || form.Params == nil {
		return
	}
	lost := map[string]bool{}
	for _, row := range k.Fields {
		special := row.Toggle || row.KeyPart || row.Secret || row.Name == k.parentField() || row.Name == k.Owner
		if !special && !form.Params[row.Param] {
			lost[row.Name] = true
		}
	}
	rs := j.State.Resources(k.Name)
	for i := range rs {
		r := &rs[i]
		fields := r.Fields
		r.Fields = slices.DeleteFunc(slices.Clone(fields), func(f Field) bool {
			if !lost[f.Name] {
				return false
			}
			if row := k.byName[f.Name]; !f.Value.IsEmpty() && f.Value != row.Canon.typ.Zero() && !k.toldTwice(row, lost) {
				j.count(f.Name, ObstacleField, false, r.Ref, fmt.Sprintf("%s has no field %s, and it is left out there; leave it out in silence: %s",
					j.State.Panel, f.Name, mapLine(k.Name, f.Name, nullTo)))
			}
			return true
		})
	}
}

// toldTwice reports whether another field, which is known, says the same: the
// directory of a site when it is made, and afterwards.
func (k *Kind) toldTwice(row *FieldRow, lost map[string]bool) bool {
	return row.Read == FromList && slices.ContainsFunc(k.Fields, func(f *FieldRow) bool {
		return f != row && f.Read == FromList && !lost[f.Name] && slices.Equal(f.Columns, row.Columns)
	})
}

// kind judges the resources of a kind.
func (j *judge) kind(k *Kind) {
	rs := j.State.Resources(k.Name)
	left := make([]Resource, 0, len(rs))
	for i := range rs {
		r := &rs[i]
		live := j.t.Live.Find(k.Name, r.Ref.Key)
		if live != nil && j.taken(k, r, live) {
			continue
		}
		if live == nil {
			j.name(k, r)
			j.owner(k, r)
			j.zone(k, r)
			j.params(k, r)
			r.Fields = j.withoutEmpty(k, r.Fields)
		}
		for _, f := range r.Fields {
			if live != nil {
				if v, ok := live.Fields.Get(f.Name); ok && v == f.Value {
					continue
				}
			}
			j.field(k, r, f)
		}
		left = append(left, *r)
	}
	j.State.Set(k.Name, left) //nolint:errcheck // fewer than before, so no doubles
}

// withoutEmpty drops what is empty and is so on the target by itself: a new
// resource is not told that it has no comment.
func (j *judge) withoutEmpty(k *Kind, fields Fields) Fields {
	form := j.t.Forms[k.Name]
	if form == nil {
		return fields
	}
	return slices.DeleteFunc(slices.Clone(fields), func(f Field) bool {
		row := k.byName[f.Name]
		return f.Value.IsEmpty() && !row.KeyPart && !form.Filled[row.Param]
	})
}

// taken judges a name that is there. A resource that is another account's is
// somebody else's; an account that is not as it should be may be.
func (j *judge) taken(k *Kind, r, live *Resource) bool {
	was := j.Origins[r.Ref]
	if owner, ok := r.Fields.Get(k.Owner); ok && k.Owner != "" {
		has, _ := live.Fields.Get(k.Owner)
		if has != owner && !has.IsEmpty() {
			j.add(Obstacle{Code: ObstacleTaken, Fatal: true, Ref: r.Ref.String(), Message: fmt.Sprintf("%s has it already, of the account %s, and it would be of %s; map the account, or leave this behind: %s",
				j.State.Panel, has, owner, nameLine(k, j.entries[r.Ref], nullTo))})
			return true
		}
	}
	if !k.Login {
		return false
	}
	for _, f := range r.Fields {
		if v, ok := live.Fields.Get(f.Name); ok && v != f.Value {
			j.add(Obstacle{Code: ObstacleTaken, Ref: r.Ref.String(), Message: fmt.Sprintf("%s has an account of this name, and its %s differs; if it is another person's, call the one of %s something else: %s",
				j.State.Panel, f.Name, was.Ref.Panel, nameLine(k, j.entries[r.Ref], "…"))})
			break
		}
	}
	return false
}

func (j *judge) name(k *Kind, r *Resource) {
	if n := utf8.RuneCountInString(r.Ref.Key); k.Key.Max > 0 && n > k.Key.Max {
		j.add(Obstacle{Code: ObstacleName, Fatal: true, Ref: r.Ref.String(), Message: fmt.Sprintf("its name has %d characters, and panels take %d at most; call it something shorter: %s",
			n, k.Key.Max, nameLine(k, j.entries[r.Ref], "…"))})
	}
}

// owner judges an owner that is no account of the target: the administrator as
// whom ispsync logs in may be none that panels let own things.
func (j *judge) owner(k *Kind, r *Resource) {
	owner, ok := r.Fields.Get(k.Owner)
	if !ok || k.Owner == "" || owner.IsEmpty() {
		return
	}
	accounts := j.t.Catalog.Kind(k.byName[k.Owner].Refers)
	if !j.t.Live.Complete(accounts.Name) || j.t.Live.Find(accounts.Name, owner.s) != nil || j.State.Find(accounts.Name, owner.s) != nil {
		return
	}
	old, _ := j.Origins[r.Ref].Fields.Get(k.Owner)
	j.count(owner.s, ObstacleOwner, false, r.Ref, fmt.Sprintf("it would belong to %s, which %s does not list among its accounts; name one that it does: %s",
		owner, j.State.Panel, nameLine(accounts, old.String(), "…")))
}

// zone judges a host below a name that is another account's on the target:
// panels let nobody build in another's zone. Zones are what a kind brings along.
func (j *judge) zone(k *Kind, r *Resource) {
	owner, ok := r.Fields.Get(k.Owner)
	if !ok {
		return
	}
	for _, name := range k.Brings {
		zones := j.t.Catalog.Kind(name)
		for host := r.Ref.Key; host != ""; _, host, _ = strings.Cut(host, ".") {
			z := j.t.Live.Find(name, host)
			if z == nil {
				continue
			}
			if has, ok := z.Fields.Get(zones.Owner); ok && has != owner && !has.IsEmpty() {
				j.add(Obstacle{Code: ObstacleTaken, Fatal: true, Ref: r.Ref.String(), Message: fmt.Sprintf("it lies in the %s %s of the account %s on %s, where nobody else may make one; leave it behind: %s",
					name, host, has, j.State.Panel, nameLine(k, j.entries[r.Ref], nullTo))})
			}
			return
		}
	}
}

// params judges the parts of a key that the target must offer.
func (j *judge) params(k *Kind, r *Resource) {
	if len(k.Offered) == 0 {
		return
	}
	made, err := k.CreateParams(r)
	was, _ := k.CreateParams(j.Origins[r.Ref])
	if err != nil {
		return
	}
	for _, p := range made {
		kind := k.Offered[p[0]]
		if kind == "" || !j.t.Live.Complete(kind) || j.t.Live.Find(kind, p[1]) != nil || j.State.Find(kind, p[1]) != nil {
			continue
		}
		old := p[1]
		for _, w := range was {
			if w[0] == p[0] {
				old = w[1]
			}
		}
		j.notOffered(k, r, p[0], p[1], old, j.keys(kind), true)
	}
}

func (j *judge) keys(kind string) []string {
	var out []string
	for _, r := range j.t.Live.Resources(kind) {
		out = append(out, r.Ref.Key)
	}
	return out
}

// field judges the value of one field that is not so on the target.
func (j *judge) field(k *Kind, r *Resource, f Field) {
	row := k.byName[f.Name]
	if f.Value.IsEmpty() || row.Canon.typ == BoolType {
		return
	}
	var offered []string
	proof := func(string) bool { return true }
	switch form := j.t.Forms[k.Name]; {
	case row.Offered != "" && j.t.Live.Complete(row.Offered):
		offered = j.keys(row.Offered)
		for _, moved := range j.State.Resources(row.Offered) {
			offered = append(offered, moved.Ref.Key)
		}
		offered = append(offered, row.Values...)
	case form != nil && row.Refers == "" && row.Names == "" && !row.KeyPart:
		offered = form.Choices[row.Param]
		proof = func(old string) bool { return j.sourceOffers(k.Name, f.Name, old) }
	}
	for _, item := range f.Value.Items() {
		switch {
		case len(offered) > 0 && !slices.Contains(offered, item):
			old := j.original(k, r, row, item)
			j.notOffered(k, r, f.Name, item, old, offered, proof(old))
		case len(offered) == 0:
			j.pointsBack(k, r, row, item)
		}
	}
}

// sourceOffers reports whether a value of the source is among the choices that
// its own form tells, or whether it tells none: else such choices say little.
func (j *judge) sourceOffers(kind, field, value string) bool {
	form := j.t.SourceForms[kind]
	if form == nil || j.t.SourceCatalog == nil {
		return true
	}
	choices := form.Choices[j.t.SourceCatalog.Kind(kind).Field(field).Param]
	return len(choices) == 0 || slices.Contains(choices, value)
}

// notOffered notes a value that the target does not offer; fatal is false when
// that is likely and no more.
func (j *judge) notOffered(k *Kind, r *Resource, field, value, old string, offered []string, fatal bool) {
	word := field
	if kind := j.move.Catalog.Kind(word); kind != nil && (kind.Login || kind.Field(old) != nil) {
		word = k.Name + "." + field
	}
	shown := slices.Clone(offered[:min(len(offered), 8)])
	j.count(field+"\x00"+value, ObstacleNotOffered, fatal, r.Ref, fmt.Sprintf("%s does not offer the %s %q (it has %s); map it: %s",
		j.State.Panel, field, value, fewOf(shown, len(offered)), valueLine(word, old, nearest(value, offered))))
}

// nearest is the offered value that is meant in all likelihood, or … .
func nearest(value string, offered []string) string {
	if len(offered) == 1 {
		return offered[0]
	}
	for _, o := range offered {
		if strings.HasSuffix(o, value) || strings.EqualFold(o, value) {
			return o
		}
	}
	return "…"
}

// original is the value of the source that became a value of the target.
func (j *judge) original(k *Kind, r *Resource, row *FieldRow, value string) string {
	from := j.Origins[r.Ref]
	v, _ := from.Fields.Get(row.Name)
	items := v.Items()
	if slices.Contains(items, value) {
		return value
	}
	of := &mapped{kind: k, name: j.entries[r.Ref], owner: j.move.Catalog.OwnerOf(j.move.From, from), from: from}
	for _, it := range items {
		if to, _, err := j.move.Mapping.item(of, row, j.move.Mapping.rulesOf(k, row), it, it); err == nil && slices.Contains(to, value) {
			return it
		}
	}
	return value
}

// pointsBack finds what still leads to the source when all is moved.
func (j *judge) pointsBack(k *Kind, r *Resource, row *FieldRow, value string) {
	address, err := canonIP(value)
	if err != nil {
		return
	}
	for _, kind := range j.move.Catalog.Offering() {
		if j.move.Catalog.Kind(kind).Key.Canon.name != "ip" || j.move.From.Find(kind, address) == nil || j.t.Live.Find(kind, address) != nil {
			continue
		}
		word := row.Name
		if slices.Contains(row.MappedAs, "ip") {
			word = "ip"
		}
		j.count(value, ObstaclePointsBack, false, r.Ref, fmt.Sprintf("%s is an address of %s, and what is moved keeps leading there until it is mapped: %s",
			value, j.move.From.Panel, valueLine(word, value, "…")))
	}
}
