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

// edit shows a form, creates or changes (section 5: sok saves; with elid an
// edit, without a create).
func (c *call) edit() (answer, *failure) {
	k, elid := c.fn.kind, c.form.Get("elid")
	var old *row
	if elid != "" {
		if old = c.lookup(elid); old == nil {
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

// lookup finds a resource by elid, in either spelling of an IDN name, among
// those the caller may see.
func (c *call) lookup(elid string) *row {
	k := c.fn.kind
	r, ok := c.p.tables[k.name].rows[k.stored(elid)]
	if !ok || c.level < levelAdmin && r.owner != c.account {
		return nil
	}
	return r
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
	k, key, passwd := c.fn.kind, old.key, c.form.Get("passwd")
	return c.done(key, func() {
		t := c.p.tables[k.name]
		if r, ok := t.rows[key]; ok {
			t.put(secured(k, r.with(k, fields)))
			c.p.setPassword(k, key, passwd)
		}
	}), nil
}

// create makes a resource, and what comes with it.
func (c *call) create() (answer, *failure) {
	k := c.fn.kind
	key, f := c.newKey()
	if f != nil {
		return answer{}, f
	}
	owner, f := c.newOwner(key)
	if f != nil {
		return answer{}, f
	}
	for _, name := range k.required {
		if c.form.Get(name) == "" {
			return answer{}, missedParam(name)
		}
	}
	fields, f := c.values(true)
	if f != nil {
		return answer{}, f
	}
	passwd, withSite := c.form.Get("passwd"), k == kindDomain && c.form.Get("webdomain") == "on"
	return c.done(key, func() {
		if !c.p.isOwner(k, owner) {
			return // a late create whose owner has gone
		}
		made := (&row{key: key, owner: owner, active: true}).with(k, fields)
		c.p.tables[k.name].put(secured(k, made))
		c.p.setPassword(k, key, passwd)
		switch {
		case k == kindWebdomain && c.p.opt.BringsZones:
			c.p.bring(kindDomain, key, owner)
		case withSite:
			c.p.bring(kindWebdomain, key, owner)
		}
	}), nil
}

// newKey checks the name of a new resource.
func (c *call) newKey() (string, *failure) {
	k, name := c.fn.kind, c.form.Get("name")
	if name == "" {
		return "", missedParam("name")
	}
	key := k.stored(name)
	valid := validUser
	if k.host {
		valid = validHost
	}
	if len(key) > 253 || !valid.MatchString(key) {
		return "", badValue("name", name)
	}
	_, taken := c.p.tables[k.name].rows[key]
	if taken || k == kindUser && (key == c.p.opt.Account || key == serverAccount) {
		return "", &failure{typ: "exists", object: k.existsObject, value: name, kind: k.name}
	}
	return key, nil
}

// newOwner finds who will own a new resource and whether that account may
// have it: the owner must exist, be below its limit, and not build in
// another's zone (section 3: limit, dns/domain_access).
func (c *call) newOwner(key string) (string, *failure) {
	k, owner := c.fn.kind, c.account
	if !k.owned {
		return "", nil
	}
	if c.level >= levelAdmin {
		owner = c.form.Get("owner")
		if owner == "" && k == kindWebdomain {
			return "", missedParam("owner")
		}
		if owner == "" {
			owner = serverAccount
		}
	}
	if !c.p.isOwner(k, owner) {
		return "", badValue("owner", owner)
	}
	if owner == serverAccount {
		return owner, nil
	}
	for zone := key; zone != ""; _, zone, _ = strings.Cut(zone, ".") {
		r, ok := c.p.tables[kindDomain.name].rows[zone]
		if ok && r.owner != owner && r.owner != serverAccount {
			return "", &failure{typ: "dns", object: "domain_access", value: key}
		}
	}
	account := c.p.tables[kindUser.name].rows[owner]
	limit, err := strconv.Atoi(account.value(kindUser, k.limit))
	if err == nil && len(c.p.tables[k.name].byOwner[owner]) >= limit {
		return "", &failure{typ: "limit", object: k.limit, value: key}
	}
	return owner, nil
}

// isOwner tells whether an account can own resources of a kind.
func (p *Panel) isOwner(k *kind, account string) bool {
	_, ok := p.tables[kindUser.name].rows[account]
	return ok || !k.owned || account == serverAccount
}

// values are the fields a call sets. Parameters the form lacks are ignored
// (section 5, Unknown parameters); values it does not take are refused.
func (c *call) values(creating bool) (map[string]string, *failure) {
	fields := make(map[string]string)
	for _, f := range c.fn.kind.fields {
		if !c.form.Has(f.name) {
			continue
		}
		v := c.form.Get(f.name)
		if !f.check(v) {
			return nil, badValue(f.name, v)
		}
		switch f.name {
		case "passwd":
			// An empty password leaves it as it is (section 5, caveats).
			if c.form.Has("confirm") && c.form.Get("confirm") != v {
				return nil, badValue("passwd", "")
			}
			continue
		case "aliases":
			hosts, ok := hostList(v)
			if !ok {
				return nil, badValue(f.name, v)
			}
			v = hosts
		case "ipsrc":
			if v == "auto" && !c.form.Has("ipaddrs") && c.fn.kind == kindWebdomain {
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

func (p *Panel) setPassword(k *kind, key, passwd string) {
	if k == kindUser && passwd != "" {
		p.passwords[key] = passwd
	}
}

// bring makes a resource that comes with another, unless it is there.
func (p *Panel) bring(k *kind, key, owner string) {
	if _, ok := p.tables[k.name].rows[key]; !ok {
		p.tables[k.name].put(&row{key: key, owner: owner, active: true})
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
		r := c.lookup(name)
		if r == nil {
			return nil, missing(c.fn.kind, name)
		}
		keys = append(keys, r.key)
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
