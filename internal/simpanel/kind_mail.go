package simpanel

import (
	"regexp"
	"strings"
)

// kindEmaildomain: columns from section 4 (row emaildomain: dkim is there
// only when on), fields from section 6 (emaildomain.edit); suspend and resume
// from the list of functions.
var kindEmaildomain = kind{
	name: "emaildomain", host: true, owned: true, valid: validHost, existsObject: "name", missedObject: "emaildomain",
	limit:   "limit_emaildomains",
	filters: []string{"name", "owner"},
	columns: []column{
		ownerColumn(),
		keyColumn("name"),
		{name: "dkim", flag: true, cell: func(_ *Panel, k *kind, r *row) string { return flagIf(r.value(k, "dkim") == "on") }},
		activeColumn(),
	},
	fields: []field{
		choice("ipsrc", "auto", "auto", "manual"), text("ip", defaultIP),
		choice("defaction", "error", "error", "ignore", "redirect", "domain"), text("redirval", ""),
		onoff("spamassassin", "off"), onoff("dkim", "off"), text("dkim_selector", "dkim"),
		choice("dkim_keylen", "1024", "1024", "2048"), onoff("dmarc", "off"),
		onoff("secure", "off"), text("secure_alias", ""), text("ssl_name", "selfsigned"), text("email", ""),
	},
}.ready()

// kindEmail: columns from section 4 (row email), fields from section 6
// (email.edit). Its key is the full address, a create says its two halves.
// The object of a second one, mailbox, is in section 3.
var kindEmail = kind{
	name: "email", owned: true, parent: kindEmaildomain, secret: "passwd", existsObject: "mailbox", missedObject: "email",
	limit:    "limit_emails",
	required: []string{"passwd"},
	newKey:   (*call).newMailbox,
	parts: func(own string) [][2]string {
		local, domain, _ := strings.Cut(own, "@")
		return [][2]string{{"name", local}, {"domainname", domain}}
	},
	filters: []string{"name", "owner"},
	columns: []column{
		keyColumn("name"),
		ownerColumn(),
		fieldColumn("forward"),
		{name: "size_used", cell: func(_ *Panel, _ *kind, r *row) string { return meter(r, "size_used") }},
		{name: "size_total", cell: func(_ *Panel, k *kind, r *row) string { return r.value(k, "maxsize") }},
		fieldColumn("dontsave"),
		fieldColumn("note"),
		activeColumn(),
	},
	fields: []field{
		text("note", ""), text("passwd", ""), addresses("forward"), number("maxsize", "0"), onoff("dontsave", "off"),
		text("aliases", ""), onoff("spamassassin", "off"), onoff("greylist", "off"),
	},
}.ready()

// meter is a number that only Put sets.
func meter(r *row, name string) string {
	if v, ok := r.set[name]; ok {
		return v
	}
	return "0"
}

var (
	validLocal   = regexp.MustCompile(`^[a-z0-9_]([a-z0-9._+-]{0,62}[a-z0-9_])?$`)
	validAddress = regexp.MustCompile(`^[^\s@,]+@[^\s@,]+$`)
)

// addresses is a list of mail addresses separated by spaces (section 5,
// Multi-values).
func addresses(name string) field {
	return field{name: name, check: func(v string) bool {
		for _, a := range strings.Fields(v) {
			if !validAddress.MatchString(a) {
				return false
			}
		}
		return true
	}}
}

// newMailbox is the address a create says by name and domainname (section 6).
func (c *call) newMailbox() (own, parent string, f *failure) {
	local, domain := strings.ToLower(c.form.Get("name")), c.form.Get("domainname")
	switch {
	case local == "":
		return "", "", missedParam("name")
	case domain == "":
		return "", "", missedParam("domainname")
	case !validLocal.MatchString(local):
		return "", "", badValue("name", local)
	}
	parent, f = c.parentRow("domainname", domain)
	return local + "@" + parent, parent, f
}
