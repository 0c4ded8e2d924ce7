package simpanel

import (
	"regexp"
	"strings"
)

// kind is one kind of resource: what its list shows and what its form takes.
// A further kind is a further value here and its entries in the function
// table.
type kind struct {
	name string
	// host: keys are host names, kept in punycode.
	host bool
	// owned: each resource belongs to an account.
	owned bool
	// least is the level its functions ask for; 0 is anybody's.
	least int
	// parent is the kind it lives in. With scoped, own keys are unique only
	// within one parent; the panel's own identifier is then plid and elid
	// together, and its key in Put and Get is PARENT/KEY.
	parent *kind
	scoped bool
	// perAccount: the parent is the calling account; nobody sees another's
	// but with su.
	perAccount bool
	// ownerParam names the owner in a create; owner when empty.
	ownerParam string
	// secret is the write-only field, usually with a confirm beside it.
	secret string
	// valid is what a name must look like.
	valid *regexp.Regexp
	// newKey makes the key of a new one of the call; plainKey when nil.
	newKey func(*call) (own, parent string, f *failure)
	// rekey is the own key an edited one has, when it follows from fields.
	rekey func(*kind, *row) string
	// complete checks and completes the fields of a new one.
	complete func(c *call, key string, fields map[string]string) *failure
	// after is what a create brings, run with the change.
	after func(c *call, made *row)
	// parts are the leading nodes of the form, made from the own key; the
	// node name when nil.
	parts func(own string) [][2]string
	// vague: a delete of a missing one answers ok.
	vague bool
	// existsObject is the object of the error for a second one, missedObject
	// that of suspending a missing one (section 3, section 7).
	existsObject, missedObject string
	// limit is the user's field that bounds how many a user may own.
	limit string
	// required are the parameters a create must send, besides the name.
	required []string
	columns  []column
	// keyColumn is the column that tells the elid.
	keyColumn string
	fields    []field
	// filters are the columns p_possible_filters names.
	filters []string

	byName   map[string]field
	defaults map[string]string
}

// ready fills what is derived from the fields.
func (k kind) ready() *kind {
	k.byName = make(map[string]field, len(k.fields))
	k.defaults = make(map[string]string, len(k.fields))
	for _, f := range k.fields {
		k.byName[f.name] = f
		if f.as == "" && f.name != k.secret && f.name != "active" {
			k.defaults[f.name] = f.def
		}
	}
	if k.keyColumn == "" {
		k.keyColumn = "name"
	}
	if k.ownerParam == "" {
		k.ownerParam = "owner"
	}
	for i := range k.columns {
		c := &k.columns[i]
		c.open, c.shut, c.bare = "<"+c.name+">", "</"+c.name+">", "<"+c.name+"/>"
	}
	return &k
}

// stored is the spelling a key is kept in. Panels take both spellings of an
// IDN name and keep punycode (section 4, IDN).
func (k *kind) stored(key string) string {
	if local, domain, ok := strings.Cut(key, "@"); ok && k.name == "email" {
		return strings.ToLower(local) + "@" + toPunycode(strings.ToLower(domain))
	}
	if !k.host {
		return key
	}
	return toPunycode(strings.ToLower(key))
}

// inherits tells that the owner is the parent's, or the caller.
func (k *kind) inherits() bool { return k.parent != nil || k.perAccount }

// tableKey is what a row is kept under; own undoes it.
func (k *kind) tableKey(parent, own string) string {
	if !k.scoped {
		return own
	}
	return parent + "/" + own
}

func (k *kind) own(r *row) string {
	if !k.scoped {
		return r.key
	}
	return r.key[len(r.parent)+1:]
}

// parentOf is the parent a table key tells.
func (k *kind) parentOf(key string) string {
	switch {
	case k.scoped:
		parent, _, _ := strings.Cut(key, "/")
		return parent
	case k.parent != nil:
		_, parent, _ := strings.Cut(key, "@")
		return parent
	}
	return ""
}

var kinds = []*kind{
	kindUser, kindWebdomain, kindDomain, kindRecord, kindEmaildomain, kindEmail,
	kindServer, kindDB, kindDBUser, kindFTP, kindScheduler, kindCert, kindPreset, kindAddress,
}

// unlimited stands for "no limit": there is no such value, the interface
// writes a large number (section 5, caveats).
const unlimited = "1000000"

// kindUser: columns from section 4 (row user), fields from section 6
// (user.edit). limit_*_enabled answers ok without effect (section 5).
var kindUser = kind{
	name: "user", least: levelReseller, secret: "passwd", valid: validUser, existsObject: "user", missedObject: "users",
	required: []string{"passwd"},
	filters:  []string{"name", "active", "preset"},
	columns: []column{
		keyColumn("name"),
		fieldColumn("fullname"),
		activeColumn(),
		{name: "level", cell: userLevel},
		fieldColumn("preset"),
		{name: "quota_total", cell: func(_ *Panel, k *kind, r *row) string { return r.value(k, "limit_quota") }},
		{name: "quota_used", cell: quotaUsed},
		fieldColumn("limit_webdomains"),
		fieldColumn("limit_ftp_users"),
		fieldColumn("limit_db"),
		fieldColumn("limit_emails"),
	},
	fields: []field{
		text("passwd", ""), text("fullname", ""), text("preset", "#custom"), text("comment", ""), text("email", ""),
		onoff("backup", "on"), text("owner", "").at(onCreate), onoff("php_enable", "on"),
		number("limit_quota", unlimited), number("limit_traff", unlimited),
		number("limit_db", unlimited), number("limit_db_users", unlimited), number("limit_ftp_users", unlimited),
		number("limit_webdomains", unlimited), onoff("limit_webdomains_enabled", "on").at(never),
		number("limit_emaildomains", unlimited), number("limit_emails", unlimited),
		number("limit_domains", unlimited), onoff("limit_domains_enabled", "on").at(never),
		number("limit_cpu", "0"), number("limit_memory", "0"), number("limit_process", "0"),
		number("limit_email_quota", "0"), number("limit_mailrate", "0"),
		onoff("limit_ssl", "on"), onoff("limit_cgi", "off"), onoff("limit_shell", "off"), onoff("limit_python", "off"),
		choice("limit_php_mode", "php_mode_fcgi_nginxfpm", phpModes...),
		onoff("limit_php_mode_mod", "on"), onoff("limit_php_mode_cgi", "on"), onoff("limit_php_mode_fcgi_nginxfpm", "on"),
		phpVersion("limit_php_fpm_version"), phpVersion("limit_php_apache_version"), phpVersion("limit_php_cgi_version"),
		text("limit_charset", "off"),
	},
}.ready()

// userLevel is 16, or what Put made of the account: 29 is a reseller.
func userLevel(_ *Panel, _ *kind, r *row) string {
	if level, ok := r.set["level"]; ok {
		return level
	}
	return "16"
}

func quotaUsed(_ *Panel, _ *kind, r *row) string {
	if used, ok := r.set["quota_used"]; ok {
		return used
	}
	return "0"
}

// phpModes and phpVersions: section 6, webdomain.edit.
var (
	phpModes    = []string{"php_mode_mod", "php_mode_cgi", "php_mode_fcgi_apache", "php_mode_fcgi_nginxfpm"}
	phpVersions = []string{"native", "isp-php74", "isp-php80", "isp-php81", "isp-php82", "isp-php83", "isp-php84"}
)

// phpVersion is a choice among the versions of phpVersions; a version the
// panel lacks is refused (section 5: value(limit_php_cgi_version)). A v5
// panel names its alternatives php74, so both spellings are taken.
func phpVersion(name string) field {
	f := choice(name, "native", phpVersions...)
	known := f.check
	f.check = func(v string) bool { return known(v) || known("isp-"+v) }
	return f
}

// kindWebdomain: columns from section 4 (row webdomain; recorded list),
// fields from section 6 (webdomain.edit).
var kindWebdomain = kind{
	name: "webdomain", host: true, owned: true, valid: validHost, existsObject: "name", missedObject: "webdomain",
	limit:   "limit_webdomains",
	filters: []string{"name", "owner", "active"},
	columns: webdomainColumns,
	fields: []field{
		text("aliases", ""), text("home", "").at(onCreate).keptAs("docroot"), text("docroot", ""),
		choice("ipsrc", "auto", "auto", "manual"), text("ipaddrs", defaultIP),
		text("email", ""), onoff("emailcreate", "off").at(never),
		text("charset", "off"), text("dirindex", "index.php index.html"),
		onoff("php", "on"), onoff("php_enable", "on").keptAs("php"),
		choice("php_mode", "php_mode_fcgi_nginxfpm", phpModes...),
		phpVersion("php_cgi_version"), phpVersion("php_apache_version"), phpVersion("php_fpm_version"),
		onoff("basedir", "on"), onoff("cgi", "off"), onoff("ssi", "off"), onoff("python", "off"),
		onoff("nodejs", "off"), onoff("pagespeed", "off"), text("autosubdomain", "off"),
		onoff("secure", "off"), text("ssl_cert", ""), number("ssl_port", "443"),
		onoff("hsts", "off"), onoff("redirect_http", "off"),
		onoff("log_access", "on"), onoff("log_error", "on"), text("rotation_period", "every_day"),
		number("rotation_size", "100"), number("rotation_count", "10"), text("analyzer", "off"),
		onoff("srv_gzip", "off"), number("gzip_level", "1"),
		onoff("srv_cache", "off"), number("expire_times", ""), text("expire_period", ""),
		text("nginx_static_ext", ""), text("comment", ""),
	},
}.ready()

// defaultIP is the address a panel with ipsrc=auto gives.
const defaultIP = "192.0.2.10"

// kindDomain: columns from section 4 (row domain), fields from section 6
// (domain.edit) and the guide's log line.
var kindDomain = kind{
	name: "domain", host: true, owned: true, valid: validHost, after: (*call).broughtByZone, existsObject: "name", missedObject: "domain",
	limit:   "limit_domains",
	filters: []string{"name", "owner"},
	columns: []column{
		keyColumn("name"),
		{name: "owner", cell: func(_ *Panel, _ *kind, r *row) string { return r.owner }},
		fieldColumn("dtype"),
		{name: "status", cell: func(*Panel, *kind, *row) string { return "" }},
	},
	fields: []field{
		text("ip", defaultIP), text("ns", "ns1.example.com. ns2.example.com."),
		choice("dtype", "master", "master", "slave").at(onCreate), text("masterip", ""),
		text("ipsrc", "auto").at(onCreate), text("reversezone", "").at(onCreate),
		onoff("webdomain", "off").at(never), onoff("maildomain", "off").at(never),
		onoff("dnssec", "off"), text("email", ""),
	},
}.ready()
