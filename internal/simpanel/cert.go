package simpanel

import (
	"maps"
	"strings"
	"time"
)

// The types of certificates. ssl_selfsigned is recorded (section 4); the
// others are named after it (inferred).
const (
	certSelfsigned = "ssl_selfsigned"
	certExisting   = "ssl_existing"
	certLE         = "ssl_letsencrypt"
	// leProcessing is the state of one that Let's Encrypt has not issued yet,
	// named as the web domain list names it (section 4).
	leProcessing = "ssl_le_processing"
)

// kindCert: columns from section 4 (row sslcert; the key is OWNER%#%NAME),
// fields from section 6 (letsencrypt.generate, sslcert.selfsigned,
// sslcert.setcrt). It has no edit that makes one: each way of getting one is
// a function of its own.
var kindCert = kind{
	name: "sslcert", owned: true, ownerParam: "username", keyColumn: "key", secret: "key", existsObject: "ssl cert", missedObject: "sslcert",
	newKey:   (*call).newCert,
	complete: (*call).completeCert,
	after:    (*call).issue,
	parts: func(own string) [][2]string {
		return [][2]string{{"name", after(own, "%#%")}}
	},
	filters: []string{"name", "owner", "type"},
	columns: []column{
		ownerColumn(),
		keyColumn("key"),
		{name: "name", cell: func(_ *Panel, _ *kind, r *row) string { return after(r.key, "%#%") }},
		fieldColumn("info"),
		fieldColumn("type"),
		fieldColumn("valid_after"),
		{name: "cert_type", cell: func(_ *Panel, k *kind, r *row) string { return r.value(k, "type") }},
		{name: "active", cell: func(_ *Panel, k *kind, r *row) string { return onOff(r.value(k, "webdomains") != "") }},
		fieldColumn("webdomains"),
	},
	fields: []field{
		text("info", "").at(never), text("type", "").at(never), text("valid_after", "").at(never), text("webdomains", "").at(never),
		text("domain", "").at(onCreate), number("keylen", "2048").at(onCreate), text("email", "").at(onCreate),
		text("start_date", "").at(never), text("end_date", "").at(never),
		onoff("wildcard", "off").at(onCreate), onoff("dns_check", "off").at(onCreate),
	},
}.ready()

// certTypes tells which function makes which type.
var certTypes = map[string]string{
	"sslcert.selfsigned": certSelfsigned, "sslcert.setcrt": certExisting, "letsencrypt.generate": certLE,
}

// newCert is OWNER%#%NAME: the name a call says, else its first host.
func (c *call) newCert() (own, parent string, f *failure) {
	if c.level >= levelReseller && c.form.Get("username") == "" {
		return "", "", missedParam("username")
	}
	name := c.form.Get("name")
	if c.fn.name == "letsencrypt.generate" || name == "" {
		name = c.form.Get("crtname")
	}
	if name == "" {
		name = before(c.hosts(), " ")
	}
	switch {
	case name == "" && c.fn.name == "sslcert.setcrt":
		return "", "", missedParam("name")
	case name == "":
		return "", "", missedParam("domain")
	case strings.ContainsAny(name, "%#\r\n\t"):
		return "", "", badValue("name", name)
	}
	owner, f := c.newOwner(name, "")
	return owner + "%#%" + name, "", f
}

// hosts are the names a certificate is for.
func (c *call) hosts() string {
	if d := c.form.Get("domain"); d != "" {
		return d
	}
	return c.form.Get("domain_name")
}

// completeCert says of what type the new certificate is and until when it is
// good: a year, or what the call says (inferred).
func (c *call) completeCert(key string, fields map[string]string) *failure {
	hosts, ok := hostList(c.hosts())
	kind := certTypes[c.fn.name]
	switch {
	case kind == certExisting:
		for _, name := range [...]string{"key", "crt"} {
			if c.form.Get(name) == "" {
				return missedParam(name)
			}
		}
		hosts = after(key, "%#%")
	case hosts == "":
		return missedParam("domain")
	case !ok:
		return badValue("domain", c.hosts())
	}
	maps.Copy(fields, map[string]string{"info": hosts, "type": kind, "valid_after": c.form.Get("end_date")})
	if kind == certLE {
		fields["type"], fields["valid_after"] = leProcessing, ""
	} else if fields["valid_after"] == "" {
		fields["valid_after"] = c.p.opt.Now().AddDate(1, 0, 0).Format(time.DateOnly)
	}
	return nil
}

// issue puts the certificate of Let's Encrypt into force after
// Options.LetsEncryptDelay (section 6: asynchronous), and with enable_cert on
// the site it is for.
func (c *call) issue(made *row) {
	if made.value(c.fn.kind, "type") != leProcessing {
		return
	}
	p, site, enable := c.p, toPunycode(strings.ToLower(c.form.Get("domain_name"))), c.form.Get("enable_cert") == "on"
	if enable {
		p.editSite(site, made.owner, map[string]string{leProcessing: "on"})
	}
	effect := func() {
		t := p.tables["sslcert"]
		r, ok := t.rows[made.key]
		if !ok {
			return
		}
		fields := map[string]string{"type": certLE, "valid_after": p.opt.Now().AddDate(0, 0, 90).Format(time.DateOnly)}
		name := after(made.key, "%#%")
		if enable && p.editSite(site, made.owner, map[string]string{leProcessing: "", "secure": "on", "ssl_cert": name}) {
			fields["webdomains"] = site
		}
		t.put(r.with(t.kind, fields))
	}
	if p.opt.LetsEncryptDelay <= 0 {
		effect()
		return
	}
	p.late = append(p.late, lateChange{due: p.opt.Now().Add(p.opt.LetsEncryptDelay), effect: effect, entry: noEntry})
}

// editSite changes a site of an account, if it is there.
func (p *Panel) editSite(site, owner string, fields map[string]string) bool {
	t := p.tables["webdomain"]
	r, ok := t.rows[site]
	if !ok || r.owner != owner {
		return false
	}
	t.put(r.with(t.kind, fields))
	return true
}
