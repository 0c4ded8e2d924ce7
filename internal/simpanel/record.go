package simpanel

import (
	"net/netip"
	"slices"
	"strings"
)

// kindRecord: section 4 (row domain.record: listed by elid of the zone), section
// 6 (domain.record.edit) and 7: the key is `FQDN. TYPE  VALUE`, with two
// spaces, so another value is another key. Whether an edit keeps what it is
// not sent is not on record for records (section 5); here it does, as
// everywhere. What the key of a record with several values looks like is not
// on record either: here VALUE is the one value, and priority, weight, port,
// flags and tag stand beside it.
var kindRecord = kind{
	name: "domain.record", owned: true, parent: kindDomain, scoped: true, keyColumn: "rkey", vague: true,
	existsObject: "record", missedObject: "domain.record",
	newKey: (*call).newRecord,
	rekey:  recordKey,
	parts:  func(own string) [][2]string { return [][2]string{{"name", before(own, " ")}} },
	complete: func(c *call, _ string, fields map[string]string) *failure {
		return checkRecord(func(name string) string { return fields[name] })
	},
	filters: []string{"name", "rtype"},
	columns: []column{
		keyColumn("rkey"),
		{name: "rkey_name", cell: recordName},
		{name: "name", cell: recordName},
		fieldColumn("ttl"),
		{name: "rtype", cell: func(_ *Panel, k *kind, r *row) string { return strings.ToUpper(r.value(k, "rtype")) }},
		{name: "value", cell: func(_ *Panel, k *kind, r *row) string { return after(k.own(r), "  ") }},
		{name: "info", cell: func(*Panel, *kind, *row) string { return "" }},
	},
	fields: []field{
		{name: "rtype", def: "a", when: onCreate, options: recordTypes, check: func(v string) bool { return slices.Contains(recordTypes, v) }},
		number("ttl", "3600"), text("ip", ""), text("domain", ""), text("value", ""),
		number("priority", ""), number("weight", ""), number("port", ""), text("srvdomain", ""),
		number("caa_flags", ""), text("caa_tag", ""), text("caa_value_domain", ""),
	},
}.ready()

func recordName(_ *Panel, k *kind, r *row) string { return before(k.own(r), " ") }

// recordTypes are those whose parameters are on record by name (section 6);
// ds and tlsa are not.
var recordTypes = []string{"a", "aaaa", "cname", "txt", "mx", "ns", "srv", "caa"}

// recordParams are the parameters each type needs, the value last.
var recordParams = map[string][]string{
	"a": {"ip"}, "aaaa": {"ip"}, "cname": {"domain"}, "ns": {"domain"}, "txt": {"value"}, "soa": {"value"},
	"mx": {"priority", "domain"}, "srv": {"priority", "weight", "port", "srvdomain"},
	"caa": {"caa_flags", "caa_tag", "caa_value_domain"},
}

func recordValue(value func(string) string) string {
	params := recordParams[value("rtype")]
	if len(params) == 0 {
		return ""
	}
	return value(params[len(params)-1])
}

func recordKey(k *kind, r *row) string {
	value := func(name string) string { return r.value(k, name) }
	return before(k.own(r), " ") + " " + strings.ToUpper(value("rtype")) + "  " + recordValue(value)
}

// checkRecord refuses a record whose value lacks a part or is of another
// family.
func checkRecord(value func(string) string) *failure {
	rtype := value("rtype")
	for _, name := range recordParams[rtype] {
		if value(name) == "" {
			return missedParam(name)
		}
	}
	switch rtype {
	case "a", "aaaa":
		ip, err := netip.ParseAddr(value("ip"))
		if err != nil || ip.Is4() != (rtype == "a") {
			return badValue("ip", value("ip"))
		}
	case "cname", "ns", "mx":
		if !strings.HasSuffix(value("domain"), ".") {
			return badValue("domain", value("domain"))
		}
	}
	return nil
}

// newRecord is the key of a new record: its name is a label of the zone, or
// a full name with its dot (section 6). "@" for the zone itself is inferred.
func (c *call) newRecord() (own, parent string, f *failure) {
	parent, f = c.parentRow("plid", c.form.Get("plid"))
	if f != nil {
		return "", "", f
	}
	name, zone := toPunycode(strings.ToLower(c.form.Get("name"))), parent+"."
	switch {
	case name == "":
		return "", "", missedParam("name")
	case name == "@":
		name = zone
	case !strings.HasSuffix(name, "."):
		name += "." + zone
	}
	if name != zone && !strings.HasSuffix(name, "."+zone) || !validHost.MatchString(strings.TrimSuffix(name, ".")) {
		return "", "", badValue("name", c.form.Get("name"))
	}
	value := func(param string) string {
		if v := c.param(param); v != "" {
			return v
		}
		return c.fn.kind.defaults[param]
	}
	return name + " " + strings.ToUpper(value("rtype")) + "  " + recordValue(value), parent, nil
}

// broughtByZone makes what comes with a zone: its own records, and with
// webdomain=on or maildomain=on a site and a mail domain of its name
// (section 6, domain.edit).
func (c *call) broughtByZone(made *row) {
	c.p.zoneRecords(made)
	if c.form.Get("webdomain") == "on" {
		c.p.bring("webdomain", made.key, made.owner)
	}
	if c.form.Get("maildomain") == "on" {
		c.p.bring("emaildomain", made.key, made.owner)
	}
}

// zoneRecords makes the records a zone starts with: SOA, its name servers and
// its addresses (which they are is inferred from the form: ns and ip).
func (p *Panel) zoneRecords(zone *row) {
	k := p.tables["domain"].kind
	origin := zone.key + "."
	servers := strings.Fields(zone.value(k, "ns"))
	if len(servers) == 0 {
		servers = []string{"ns1." + origin}
	}
	p.putRecord(zone, origin, map[string]string{"rtype": "soa", "value": servers[0] + " root." + origin + " 1 10800 3600 604800 86400"})
	for _, ns := range servers {
		p.putRecord(zone, origin, map[string]string{"rtype": "ns", "domain": ns})
	}
	for _, ip := range strings.Fields(zone.value(k, "ip")) {
		rtype := "a"
		if strings.Contains(ip, ":") {
			rtype = "aaaa"
		}
		p.putRecord(zone, origin, map[string]string{"rtype": rtype, "ip": ip})
		p.putRecord(zone, "www."+origin, map[string]string{"rtype": rtype, "ip": ip})
	}
}

func (p *Panel) putRecord(zone *row, name string, fields map[string]string) {
	t := p.tables["domain.record"]
	r := (&row{parent: zone.key, key: zone.key + "/" + name, owner: zone.owner, active: true}).with(t.kind, fields)
	r.key = t.kind.tableKey(zone.key, recordKey(t.kind, r))
	t.put(r)
}
