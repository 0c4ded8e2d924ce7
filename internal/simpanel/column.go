package simpanel

import (
	"strconv"
	"strings"
)

// column is one child of a list's elem nodes. A list shows few of the fields
// a form has (section 0, fact 5).
type column struct {
	name string
	cell func(*Panel, *kind, *row) string
	// orig is what a localised cell stands for; such a cell is printed with
	// that attribute (section 4, "Localised cell").
	orig func(*Panel, *kind, *row) string
	// flag: the node is there, and empty, exactly when cell is not "".
	flag bool

	open, shut, bare string
}

func keyColumn(name string) column {
	return column{name: name, cell: func(p *Panel, k *kind, r *row) string { return p.shown(k, k.own(r)) }}
}

func fieldColumn(name string) column {
	return column{name: name, cell: func(_ *Panel, k *kind, r *row) string { return r.value(k, name) }}
}

func ownerColumn() column {
	return column{name: "owner", cell: func(_ *Panel, _ *kind, r *row) string { return r.owner }}
}

func activeColumn() column {
	return column{name: "active", cell: func(_ *Panel, _ *kind, r *row) string { return onOff(r.active) }}
}

// shown is the spelling in which a key or a list of host names is printed.
func (p *Panel) shown(k *kind, names string) string {
	if !k.host || !p.opt.ListIDN || !strings.Contains(names, "xn--") {
		return names
	}
	return toUnicode(names)
}

// webdomainColumns are those of the recorded v6 list, in its order. There are
// no aliases, no address and no redirect; php is a text for people in v6 and
// on or off in v5; docroot is absolute in v6 and below the account's data
// directory in v5 (section 4).
var webdomainColumns = []column{
	activeColumn(),
	fieldColumn("analyzer"),
	{
		name: "database",
		cell: func(*Panel, *kind, *row) string { return "No database" },
		orig: func(*Panel, *kind, *row) string { return "db_not_assigned" },
	},
	{name: "docroot", cell: func(p *Panel, k *kind, r *row) string {
		if p.opt.Generation == V6 {
			return dataDir(r.owner) + docroot(k, r)
		}
		return docroot(k, r)
	}},
	{name: "handler", cell: func(_ *Panel, k *kind, r *row) string { return handlerTexts[r.value(k, "php_mode")] }},
	{name: "id", cell: func(_ *Panel, _ *kind, r *row) string { return strconv.Itoa(r.id) }},
	{name: "ipaddr", cell: func(_ *Panel, k *kind, r *row) string { return r.value(k, "ipaddrs") }},
	keyColumn("name"),
	{name: "owner", cell: func(_ *Panel, _ *kind, r *row) string { return r.owner }},
	{name: "php", cell: phpCell},
	fieldColumn("php_mode"),
	{name: "php_version", cell: func(_ *Panel, k *kind, r *row) string { return versionTexts[currentPHP(k, r)] }},
	fieldColumn("secure"),
	{name: "ssl_issued_success", flag: true, cell: func(_ *Panel, k *kind, r *row) string { return flagIf(r.value(k, "secure") == "on") }},
	{name: "ssl_le_processing", flag: true, cell: func(_ *Panel, _ *kind, r *row) string { return r.set[leProcessing] }},
	{name: "ssl_not_used", flag: true, cell: func(_ *Panel, k *kind, r *row) string { return flagIf(r.value(k, "secure") != "on") }},
	{name: "webscript_status", cell: func(*Panel, *kind, *row) string { return "" }},
}

func flagIf(on bool) string {
	if on {
		return "on"
	}
	return ""
}

func dataDir(owner string) string { return "/var/www/" + owner + "/data/" }

// docroot is a site's directory below its owner's data directory.
func docroot(k *kind, r *row) string {
	if d := r.value(k, "docroot"); d != "" {
		return d
	}
	return "www/" + r.key
}

// currentPHP is the version parameter that counts in the site's PHP mode.
func currentPHP(k *kind, r *row) string {
	switch r.value(k, "php_mode") {
	case "php_mode_mod":
		return r.value(k, "php_apache_version")
	case "php_mode_fcgi_nginxfpm":
		return r.value(k, "php_fpm_version")
	default:
		return r.value(k, "php_cgi_version")
	}
}

func phpCell(p *Panel, k *kind, r *row) string {
	on := r.value(k, "php") == "on"
	if p.opt.Generation != V6 {
		return onOff(on)
	}
	if !on {
		return ""
	}
	return pathTexts[currentPHP(k, r)]
}

// The texts that lists show for people, made once: a list of 100,000 sites
// prints each of them that often.
var (
	handlerTexts = map[string]string{
		"php_mode_mod":           "PHP as an Apache module",
		"php_mode_cgi":           "PHP as CGI",
		"php_mode_fcgi_apache":   "PHP as FastCGI (Apache)",
		"php_mode_fcgi_nginxfpm": "PHP as FastCGI (Nginx + PHP-FPM)",
	}
	versionTexts, pathTexts = phpTexts()
)

func phpTexts() (versions, paths map[string]string) {
	versions, paths = make(map[string]string), make(map[string]string)
	for _, v := range phpVersions {
		n := strings.TrimPrefix(v, "isp-php")
		version, path := "8.2.7 (native)", "PHP binary: /usr/bin/php"
		if n != v {
			version = n[:1] + "." + n[1:] + ".4 (alt)"
			path = "PHP binary: /opt/php" + n + "/bin/php"
		}
		for _, name := range []string{v, strings.TrimPrefix(v, "isp-")} {
			versions[name], paths[name] = version, path
		}
	}
	return versions, paths
}
