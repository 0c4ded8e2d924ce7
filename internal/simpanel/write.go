package simpanel

import (
	"strconv"
	"strings"
)

// Writes are checked first and take effect after, in one function each, so
// that a fault can lose, delay or ignore the effect of a call that the panel
// has accepted.

// serverAccount owns what the administrator makes without naming an owner.
// It is no user of the list (guide, log line: owner=www-root).
const serverAccount = "www-root"

// kindZone names the kind of zones where its own value cannot be used without
// a cycle: its hooks make zones of sites and sites of zones.
const kindZone = "domain"

// edit shows a form, creates or changes (section 5: sok saves; with elid an
// edit, without a create).
func (c *call) edit() (answer, *failure) {
	k, elid := c.fn.kind, c.form.Get("elid")
	var old *row
	if elid != "" {
		var f *failure
		if old, f = c.lookup(elid); f != nil {
			return answer{}, f
		}
		if old == nil {
			return answer{}, gone(k, elid)
		}
	}
	switch {
	case c.form.Get("sok") == "":
		return c.showForm(old)
	case old == nil:
		return c.create()
	default:
		return c.change(old)
	}
}

// param is a parameter of the form, under the name it has in this function.
func (c *call) param(name string) string { return c.form.Get(c.fn.told(name)) }

// editOnly is an edit that creates nothing.
func (c *call) editOnly() (answer, *failure) {
	if c.form.Get("elid") == "" {
		return answer{}, missedParam("elid")
	}
	return c.edit()
}

// lookup finds a resource by elid, in either spelling of an IDN name, among
// those the caller may see; nil when there is none. It fails for a parent
// that is not there.
func (c *call) lookup(elid string) (*row, *failure) {
	k, parent := c.fn.kind, ""
	switch {
	case k.perAccount:
		parent = c.account
	case k.scoped:
		var f *failure
		if parent, f = c.parentRow("plid", c.form.Get("plid")); f != nil {
			return nil, f
		}
	}
	r, ok := c.p.tables[k.name].rows[k.tableKey(parent, k.stored(elid))]
	if !ok || !k.perAccount && !c.sees(k, r) {
		return nil, nil
	}
	return r, nil
}

// parentRow checks the key of a parent that a parameter names.
func (c *call) parentRow(param, key string) (string, *failure) {
	k := c.fn.kind.parent
	if key == "" {
		return "", missedParam(param)
	}
	r, ok := c.p.tables[k.name].rows[k.stored(key)]
	if !ok || !c.sees(k, r) {
		return "", badValue(param, key)
	}
	return r.key, nil
}

// change edits: what is not sent keeps its value (section 0, fact 2). The
// name and the owner cannot be changed this way; panels answer ok all the
// same (section 6: rename not supported, owner change not through the form;
// that they are ignored is inferred).
func (c *call) change(old *row) (answer, *failure) {
	fields, f := c.values(false)
	if f != nil {
		return answer{}, f
	}
	k, key, secret := c.fn.kind, old.key, c.form.Get(c.fn.kind.secret)
	edited := old.with(k, fields)
	if k == kindRecord {
		if f := checkRecord(func(name string) string { return edited.value(k, name) }); f != nil {
			return answer{}, f
		}
	}
	t := c.p.tables[k.name]
	if k.rekey != nil {
		own := k.rekey(k, edited)
		if _, taken := t.rows[k.tableKey(old.parent, own)]; taken && own != k.own(old) {
			return answer{}, &failure{typ: "exists", object: k.existsObject, value: own, kind: k.name}
		}
	}
	return c.done(k.own(old), func() {
		r, ok := t.rows[key]
		if !ok {
			return
		}
		r = secured(k, r.with(k, fields))
		if k.rekey != nil {
			t.drop(key)
			r.key = k.tableKey(r.parent, k.rekey(k, r))
		}
		t.put(r)
		c.p.setSecret(k, key, secret)
	}), nil
}

// create makes a resource, and what comes with it.
func (c *call) create() (answer, *failure) {
	k := c.fn.kind
	made, f := c.newRow()
	if f != nil {
		return answer{}, f
	}
	for _, name := range k.required {
		if c.param(name) == "" {
			return answer{}, missedParam(c.fn.told(name))
		}
	}
	fields, f := c.values(true)
	if f != nil {
		return answer{}, f
	}
	if k == kindUser && c.level < levelAdmin {
		fields["owner"] = c.account
	}
	if k.complete != nil {
		if f := k.complete(c, k.own(made), c.withDefaults(fields)); f != nil {
			return answer{}, f
		}
	}
	secret := c.form.Get(k.secret)
	return c.done(k.own(made), func() {
		made, f := c.newRow() // a late one finds what has come meanwhile
		if c.void = f != nil || !c.p.canOwn(k, made); c.void {
			return // its owner or parent has gone, or another one of its name has come
		}
		r := secured(k, made.with(k, fields))
		c.p.tables[k.name].put(r)
		c.noteMade(k, r)
		c.p.setSecret(k, r.key, secret)
		if k == kindWebdomain && c.p.opt.BringsZones {
			c.p.bring(kindZone, r.key, r.owner)
		}
		if k.after != nil {
			k.after(c, r)
		}
	}), nil
}

// withDefaults fills in what a call does not say; the same map is returned.
func (c *call) withDefaults(fields map[string]string) map[string]string {
	for name, def := range c.fn.kind.defaults {
		if _, ok := fields[name]; !ok && def != "" {
			fields[name] = def
		}
	}
	return fields
}

// newRow checks the key, the parent and the owner of a new resource.
func (c *call) newRow() (*row, *failure) {
	k, newKey := c.fn.kind, c.fn.kind.newKey
	if newKey == nil {
		newKey = (*call).plainKey
	}
	own, parent, f := newKey(c)
	if f != nil {
		return nil, f
	}
	key := k.tableKey(parent, own)
	_, taken := c.p.tables[k.name].rows[key]
	if taken || k == kindUser && (key == c.p.opt.Account || key == serverAccount) {
		return nil, &failure{typ: "exists", object: k.existsObject, value: own, kind: k.name}
	}
	owner, f := c.newOwner(own, parent)
	if f != nil {
		return nil, f
	}
	return &row{key: key, parent: parent, owner: owner, active: true}, nil
}

// plainKey is the name of a resource that has one.
func (c *call) plainKey() (own, parent string, f *failure) {
	k, name := c.fn.kind, c.param("name")
	if name == "" {
		return "", "", missedParam(c.fn.told("name"))
	}
	own = k.stored(name)
	if len(own) > 253 || !k.valid.MatchString(own) {
		return "", "", badValue(c.fn.told("name"), name)
	}
	if k.scoped {
		parent, f = c.parentRow("plid", c.form.Get("plid"))
	}
	return own, parent, f
}

// newOwner finds who will own a new resource and whether that account may
// have it: the owner must exist, be below its limit, and not build in
// another's zone (section 3: limit, dns/domain_access).
func (c *call) newOwner(key, parent string) (string, *failure) {
	k, owner := c.fn.kind, c.account
	switch {
	case !k.owned:
		return "", nil
	case k.parent != nil:
		owner = c.p.tables[k.parent.name].rows[parent].owner
	case c.choosesOwner():
		owner = c.param(k.ownerParam)
		if owner == "" && k == kindWebdomain {
			return "", missedParam(c.fn.told("owner"))
		}
		if owner == "" {
			owner = serverAccount
		}
		if !c.p.isOwner(k, owner) || c.level < levelAdmin && !c.p.belongsTo(owner, c.account) {
			return "", badValue(c.fn.told(k.ownerParam), owner)
		}
	}
	account, ok := c.p.tables[kindUser.name].rows[owner]
	if !ok {
		return owner, nil // the server's own
	}
	for zone := key; k.host && zone != ""; _, zone, _ = strings.Cut(zone, ".") {
		r, ok := c.p.tables[kindDomain.name].rows[zone]
		if ok && r.owner != owner && r.owner != serverAccount {
			return "", &failure{typ: "dns", object: "domain_access", value: key}
		}
	}
	limit, err := strconv.Atoi(account.value(kindUser, k.limit))
	if k.limit != "" && err == nil && len(c.p.tables[k.name].byOwner[owner]) >= limit {
		return "", &failure{typ: "limit", object: k.limit, value: key}
	}
	return owner, nil
}

// isOwner tells whether an account can own resources of a kind.
func (p *Panel) isOwner(k *kind, account string) bool {
	_, ok := p.tables[kindUser.name].rows[account]
	return ok || !k.owned || account == serverAccount || k.perAccount && account == p.opt.Account
}

// canOwn tells whether the owner and the parent of a row are there.
func (p *Panel) canOwn(k *kind, r *row) bool {
	if k.parent != nil {
		_, ok := p.tables[k.parent.name].rows[r.parent]
		return ok
	}
	return p.isOwner(k, r.owner)
}

// values are the fields a call sets. Parameters the form lacks are ignored
// (section 5, Unknown parameters); values it does not take are refused.
func (c *call) values(creating bool) (map[string]string, *failure) {
	fields := make(map[string]string)
	k := c.fn.kind
	for _, f := range k.fields {
		if !c.form.Has(c.fn.told(f.name)) {
			continue
		}
		v := c.param(f.name)
		if !f.check(v) {
			return nil, badValue(c.fn.told(f.name), v)
		}
		switch {
		case f.name == k.secret:
			if c.form.Has("confirm") && c.form.Get("confirm") != v {
				return nil, badValue(f.name, "")
			}
			continue
		case f.name == "aliases" && k.host:
			hosts, ok := hostList(v)
			if !ok {
				return nil, badValue(c.fn.told(f.name), v)
			}
			v = hosts
		case f.name == "ipsrc" && k == kindWebdomain:
			if v == "auto" && !c.form.Has(c.fn.told("ipaddrs")) {
				fields["ipaddrs"] = defaultIP
			}
		}
		f.collect(fields, v, creating)
	}
	return fields, nil
}

// collect notes a value under the name that keeps it, if it counts.
func (f field) collect(fields map[string]string, v string, creating bool) {
	if f.when == never || f.when == onCreate && !creating {
		return
	}
	name := f.name
	if f.as != "" {
		name = f.as
	}
	if v == "" && f.box {
		v = "off"
	}
	fields[name] = v
}

// secured gives a site with TLS and no certificate a self-signed one.
func secured(k *kind, r *row) *row {
	if k == kindWebdomain && r.value(k, "secure") == "on" && r.value(k, "ssl_cert") == "" {
		return r.with(k, map[string]string{"ssl_cert": "selfsigned"})
	}
	return r
}

// bring makes a resource that comes with another, unless it is there.
func (p *Panel) bring(kind, key, owner string) {
	t := p.tables[kind]
	if _, ok := t.rows[key]; ok {
		return
	}
	r := &row{key: key, owner: owner, active: true}
	t.put(r)
	if kind == kindZone {
		p.zoneRecords(r)
	}
}

// remove deletes one or several resources. All must be there; whether real
// panels delete some of several is not known (section 7), here they do not.
func (c *call) remove() (answer, *failure) {
	k := c.fn.kind
	keys, f := c.group(gone)
	if f != nil {
		return answer{}, f
	}
	return c.done("", func() {
		for _, key := range keys {
			c.p.take(k, key)
		}
	}), nil
}

// removeConfirmed is the delete that asks about files first (section 7).
func (c *call) removeConfirmed() (answer, *failure) {
	if c.form.Get("sok") != "" {
		return c.remove()
	}
	if _, f := c.group(gone); f != nil {
		return answer{}, f
	}
	elid := c.form.Get("elid")
	return answer{body: func(d *document) {
		d.text("elid", elid)
		d.text("remove_directory", "off")
	}}, nil
}

func (c *call) suspend() (answer, *failure) { return c.toggle("off") }

func (c *call) resume() (answer, *failure) { return c.toggle("on") }

// toggle switches active, which no edit can.
func (c *call) toggle(active string) (answer, *failure) {
	keys, f := c.group(goneForToggle)
	if f != nil {
		return answer{}, f
	}
	k := c.fn.kind
	return c.done("", func() {
		t := c.p.tables[k.name]
		for _, key := range keys {
			if r, ok := t.rows[key]; ok {
				t.put(r.with(k, map[string]string{"active": active}))
			}
		}
	}), nil
}

// group finds the keys a group operation names.
func (c *call) group(missing func(*kind, string) *failure) ([]string, *failure) {
	names := elids(c.form.Get("elid"))
	if len(names) == 0 {
		return nil, missedParam("elid")
	}
	keys := make([]string, 0, len(names))
	for _, name := range names {
		r, f := c.lookup(name)
		switch {
		case f != nil:
			return nil, f
		case r != nil:
			keys = append(keys, r.key)
		case !c.fn.kind.vague:
			return nil, missing(c.fn.kind, name)
		}
	}
	return keys, nil
}

// done is the answer of a write: ok, with the key of a created resource
// (section 5), and in panels that ask for it the word restart after writes
// to web domains (guide, Successful operation).
func (c *call) done(id string, effect func()) answer {
	restart := c.p.opt.Restart && c.fn.kind == kindWebdomain
	if c.form.Get("elid") != "" {
		id = ""
	}
	shown := c.p.shown(c.fn.kind, id)
	return answer{effect: effect, body: func(d *document) {
		if id != "" {
			d.text("id", shown)
		}
		if restart {
			d.text("ok", "restart")
			return
		}
		writeOK(d)
	}}
}
