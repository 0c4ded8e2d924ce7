package simpanel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The state of a panel is one table a kind. A row is never changed in place:
// an edit puts a new one, and a list streams from a sorted slice that is
// made anew after a change. So a slow reader holds no lock, and sees one
// moment of the panel.

// row is one resource.
type row struct {
	key    string // host names in punycode; PARENT/KEY in a scoped kind
	owner  string
	parent string // the parent's key
	id     int
	active bool
	// set holds the fields whose value is not the kind's default. It is
	// shared between rows and never written to.
	set map[string]string
}

// value is what the row has in a field.
func (r *row) value(k *kind, field string) string {
	if v, ok := r.set[field]; ok {
		return v
	}
	return k.defaults[field]
}

// with is the row changed by fields. It keeps a docroot below the owner's
// data directory, and none where it is the usual one.
func (r *row) with(k *kind, fields map[string]string) *row {
	out := *r
	out.set = maps.Clone(r.set)
	if owner, ok := fields["owner"]; ok && k.owned {
		out.owner = owner
	}
	for f, v := range fields {
		if f == "docroot" {
			v = strings.Trim(strings.TrimPrefix(v, dataDir(out.owner)), "/")
			if v == "www/"+out.key {
				v = ""
			}
		}
		switch {
		case f == "name", f == "owner" && k.owned:
		case f == "active":
			out.active = v == "on"
		case v == k.defaults[f]:
			delete(out.set, f)
		default:
			if out.set == nil {
				out.set = make(map[string]string)
			}
			out.set[f] = v
		}
	}
	if len(out.set) == 0 {
		out.set = nil
	}
	return &out
}

// table holds the rows of one kind.
type table struct {
	kind    *kind
	rows    map[string]*row
	byOwner map[string]map[string]struct{}
	// byParent is kept for kinds that live in another only.
	byParent map[string]map[string]struct{}
	lastID   int
	sorted   []*row // by key; nil after a change
}

func newTable(k *kind) *table {
	t := &table{kind: k, rows: make(map[string]*row), byOwner: make(map[string]map[string]struct{})}
	if k.parent != nil {
		t.byParent = make(map[string]map[string]struct{})
	}
	return t
}

// put adds or replaces a row.
func (t *table) put(r *row) {
	t.drop(r.key)
	if r.id == 0 {
		t.lastID++
		r.id = t.lastID
	}
	t.rows[r.key] = r
	enter(t.byOwner, r.owner, r.key)
	if t.byParent != nil {
		enter(t.byParent, r.parent, r.key)
	}
	t.sorted = nil
}

func enter(index map[string]map[string]struct{}, under, key string) {
	keys := index[under]
	if keys == nil {
		keys = make(map[string]struct{})
		index[under] = keys
	}
	keys[key] = struct{}{}
}

func leave(index map[string]map[string]struct{}, under, key string) {
	delete(index[under], key)
	if len(index[under]) == 0 {
		delete(index, under)
	}
}

// drop takes a row away, if it is there.
func (t *table) drop(key string) {
	r, ok := t.rows[key]
	if !ok {
		return
	}
	delete(t.rows, key)
	leave(t.byOwner, r.owner, key)
	if t.byParent != nil {
		leave(t.byParent, r.parent, key)
	}
	t.sorted = nil
}

// inOrder is all rows by key, as the recorded web domain list is sorted
// (panel-api.md section 4: p_sort, p_order). The slice must not be changed.
func (t *table) inOrder() []*row {
	if t.sorted == nil {
		t.sorted = make([]*row, 0, len(t.rows))
		for _, r := range t.rows {
			t.sorted = append(t.sorted, r)
		}
		slices.SortFunc(t.sorted, func(a, b *row) int { return strings.Compare(a.key, b.key) })
	}
	return t.sorted
}

// take removes a row with what lives in it, and with a user all that the
// user owns (section 7, Cascade).
func (p *Panel) take(k *kind, key string) {
	p.tables[k.name].drop(key)
	delete(p.secrets, secretKey{k.name, key})
	for _, t := range p.tables {
		if t.kind.parent == k {
			for _, child := range slices.Collect(maps.Keys(t.byParent[key])) {
				p.take(t.kind, child)
			}
		}
	}
	if k != kindUser {
		return
	}
	for _, t := range p.tables {
		for _, owned := range slices.Collect(maps.Keys(t.byOwner[key])) {
			t.drop(owned)
			delete(p.secrets, secretKey{t.kind.name, owned})
		}
	}
	for id, s := range p.sessions {
		if s.account == key {
			delete(p.sessions, id)
		}
	}
}

// table finds the table of a kind that a test or the sim command names.
func (p *Panel) table(kind string) *table {
	t, ok := p.tables[kind]
	if !ok {
		panic(fmt.Sprintf("simpanel: there is no kind %q here; kinds are %s", kind, strings.Join(Kinds(), ", ")))
	}
	return t
}

// Kinds names the kinds that are simulated, sorted.
func Kinds() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

// Put makes or changes a resource behind everyone's back: no call, no check,
// no side effect, no entry in the ledger. Fields not given keep their value,
// or get the panel's default when the resource is new. Besides the fields of
// the kind's form, owner, active (on or off) and meters such as quota_used
// can be put, and level (29 makes a user a reseller); passwd or password sets
// the secret of a kind that has one. The key is the panel's elid; for
// domain.record, db.users and scheduler it is ZONE/RKEY, DB/USER and
// ACCOUNT/NUMBER. What lives in another has its owner. It panics for an
// unknown kind.
func (p *Panel) Put(kind, key string, fields map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	t := p.table(kind)
	key = t.kind.stored(key)
	if pw, ok := fields[t.kind.secret]; ok && t.kind.secret != "" {
		fields = maps.Clone(fields)
		delete(fields, t.kind.secret)
		p.setSecret(t.kind, key, pw)
	}
	old, ok := t.rows[key]
	if !ok {
		old = &row{key: key, parent: t.kind.parentOf(key), active: true}
		old.owner = p.ownerAbove(old, t.kind)
	}
	t.put(old.with(t.kind, fields))
}

// ownerAbove is the owner a row has by where it lives.
func (p *Panel) ownerAbove(r *row, k *kind) string {
	switch {
	case k.perAccount:
		return r.parent
	case k.parent != nil:
		if above, ok := p.tables[k.parent.name].rows[r.parent]; ok {
			return above.owner
		}
	}
	return ""
}

// Get tells one resource: every field of its form that keeps a value, owner,
// active, and what Put added. False when there is none. It panics for an
// unknown kind.
func (p *Panel) Get(kind, key string) (map[string]string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	t := p.table(kind)
	r, ok := t.rows[t.kind.stored(key)]
	if !ok {
		return nil, false
	}
	fields := maps.Clone(t.kind.defaults)
	maps.Copy(fields, r.told(t.kind))
	return fields, true
}

// told is the row as Snapshot tells it.
func (r *row) told(k *kind) map[string]string {
	fields := make(map[string]string, len(r.set)+2)
	maps.Copy(fields, r.set)
	fields["active"] = onOff(r.active)
	if k.owned {
		fields["owner"] = r.owner
	}
	return fields
}

// Delete takes a resource away behind everyone's back, and with a user all
// that the user owns. It tells whether there was one. It panics for an
// unknown kind.
func (p *Panel) Delete(kind, key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	t := p.table(kind)
	key = t.kind.stored(key)
	_, ok := t.rows[key]
	p.take(t.kind, key)
	return ok
}

// Snapshot is the whole state, by kind, key and field, for comparing ends.
// It holds owner, active, and the fields that differ from the panel's
// defaults; it holds no passwords and no numeric ids. A kind without
// resources is an empty map.
func (p *Panel) Snapshot() map[string]map[string]map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	out := make(map[string]map[string]map[string]string, len(p.tables))
	for name, t := range p.tables {
		rows := make(map[string]map[string]string, len(t.rows))
		for key, r := range t.rows {
			rows[key] = r.told(t.kind)
		}
		out[name] = rows
	}
	return out
}

// Count is how many resources of a kind there are. It panics for an unknown
// kind.
func (p *Panel) Count(kind string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	return len(p.table(kind).rows)
}

// Password is the password of an account, for assertions; no call tells it.
func (p *Panel) Password(account string) string { return p.Secret(kindUser.name, account) }

// Secret is the write-only value of a resource (the password of a user, a
// mailbox, a database user, an FTP user), for assertions. Keys are those of
// Put. It panics for an unknown kind.
func (p *Panel) Secret(kind, key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	k := p.table(kind).kind
	return p.secret(k, k.stored(key))
}

type secretKey struct{ kind, key string }

func (p *Panel) secret(k *kind, key string) string { return p.secrets[secretKey{k.name, key}] }

// setSecret keeps a secret; an empty one leaves it as it is (section 5,
// caveats).
func (p *Panel) setSecret(k *kind, key, value string) {
	if k.secret != "" && value != "" {
		p.secrets[secretKey{k.name, key}] = value
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
