package simpanel

import (
	"net/url"
	"slices"
	"strings"
)

// function is one entry of the table of functions a panel has.
type function struct {
	name string
	kind *kind
	// list, edit and writes tell its form: a list; an edit, which writes only
	// with sok; or anything else that changes the panel.
	list, edit, writes bool
	// open: nobody need be logged in.
	open bool
	// least is the level it asks for; 0 is anybody's.
	least int
	// restart: the panel has it only with Options.Restart; v6 and v4, only
	// panels of that generation.
	restart, v6, v4 bool
	// prefix stands before the names of the fields; names are those that this
	// function calls otherwise.
	prefix string
	names  map[string]string
	// serve checks a call, with the state locked, and returns what it answers
	// and what it changes.
	serve func(*call) (answer, *failure)
	// fact is where the behaviour is on record.
	fact string
}

// answer is a successful reply: the inside of the document, written after
// the lock is released, and the change, which faults may withhold or delay.
type answer struct {
	body   func(*document)
	effect func()
}

// functions is the table. Its source is the public record, never the
// catalog; a further kind is further entries.
var functions = slices.Concat([]function{
	{name: "auth", open: true, serve: (*call).auth, fact: "guide, Session unique ID and Key authentication; panel-api.md section 2"},
	{name: "whoami", serve: (*call).whoami, fact: "panel-api.md section 2, whoami"},
	{name: "session", list: true, serve: (*call).sessionList, fact: "section 2 (v6 has session); columns inferred"},
	{name: "session.delete", serve: (*call).sessionDelete, fact: "panel-api.md section 2, logout"},
	{name: "session.newkey", least: levelAdmin, serve: (*call).sessionNewKey, fact: "guide, Key authentication; section 2, Key (recorded answer)"},
	{name: "restart", least: levelAdmin, restart: true, writes: true, serve: (*call).restartWeb, fact: "guide, Successful operation; sections 0.1 and 8"},
	{name: "usrparam", edit: true, serve: (*call).ownPassword, fact: "section 6, user.edit: usrparam su=USER passwd confirm"},

	{name: "user.add.finish", kind: kindUser, edit: true, serve: (*call).edit, fact: "section 5, Wizards: creates in one go"},
	{name: "site.edit", kind: kindWebdomain, edit: true, v6: true, prefix: "site_", serve: (*call).edit, fact: "sections 5 and 6 (site.edit: front of webdomain.edit)"},
	{name: "webdomain.delete.confirm", kind: kindWebdomain, edit: true, serve: (*call).removeConfirmed, fact: "sections 6 and 7 (remove_directory, sok=ok)"},

	{name: "sslcert", kind: kindCert, list: true, serve: (*call).list, fact: "section 4 (sslcert), recorded lines"},
	{name: "sslcert.edit", kind: kindCert, edit: true, serve: (*call).editOnly, fact: "section 4 (sslcert) and the list of functions; that it makes none is inferred"},
	{name: "sslcert.selfsigned", kind: kindCert, edit: true, serve: (*call).edit, fact: "section 6 (sslcert.selfsigned)"},
	{name: "sslcert.setcrt", kind: kindCert, edit: true, serve: (*call).edit, fact: "section 6 (sslcert.setcrt: import); names of crt and key inferred"},
	{name: "letsencrypt.generate", kind: kindCert, edit: true, serve: (*call).edit, fact: "section 6 (letsencrypt.generate: asynchronous)"},
	{name: "sslcert.delete", kind: kindCert, writes: true, serve: (*call).remove, fact: "section 7 (several elids, recorded call)"},

	{name: "ipaddrlist", kind: kindAddress, list: true, serve: (*call).list, fact: "section 4 (ipaddrlist)"},
},
	standard(kindUser, true, "sections 4 (user), 2 (level), 5 and 6 (user.edit), 3 (exists user); 7, recorded answers: value/elid, missed/users"),
	standard(kindWebdomain, true, "section 4 (recorded list), 5, 6 (webdomain.edit) and 7 (brings a zone; no question about files)"),
	standard(kindDomain, false, "guide, log line of domain.edit; sections 3 (dns/domain_access), 4 and 6"),
	standard(kindRecord, false, "sections 4 (domain.record), 6 and 7 (delete of a missing one)"),
	standard(kindEmaildomain, true, "sections 4 (emaildomain) and 6; list of functions"),
	standard(kindEmail, true, "sections 4 (email) and 6 (email.edit); list of functions"),
	standard(kindServer, false, "sections 4 (db.server: the password in clear) and 6 (db.server.edit)"),
	standard(kindDB, false, "sections 4 (db) and 6 (db.edit)"),
	standard(kindDBUser, false, "sections 4 (db.users) and 6 (db.users.edit)"),
	standard(kindFTP, true, "sections 4 (ftp.user) and 6 (ftp.user.edit)"),
	standard(kindScheduler, true, "sections 2 (su), 4 (scheduler) and 6 (scheduler.edit)"),
	v4Functions,
	standard(kindPreset, false, "sections 4 (preset) and 6 (preset.edit)"),
)

// told is the name a field has in the parameters and forms of a function.
func (f *function) told(field string) string {
	if name, ok := f.names[field]; ok {
		return name
	}
	return f.prefix + field
}

// The names of v4 that are on record; it takes those of v5/6 here as well.
var (
	v4Site   = map[string]string{"aliases": "alias"}
	v4Record = map[string]string{"rtype": "sdtype", "ip": "addr", "priority": "prio", "weight": "wght"}

	v4Functions = []function{
		{name: "user.disable", v4: true, kind: kindUser, writes: true, serve: (*call).suspend, fact: "section 6, user.delete: v4 verbs"},
		{name: "user.enable", v4: true, kind: kindUser, writes: true, serve: (*call).resume, fact: "section 6, user.delete: v4 verbs"},
		{name: "wwwdomain", v4: true, kind: kindWebdomain, list: true, serve: (*call).list, fact: "section 4, recorded v4 list; columns of v5"},
		{name: "wwwdomain.edit", v4: true, kind: kindWebdomain, edit: true, names: v4Site, serve: (*call).edit, fact: "section 4, recorded v4 list; guide, form with alias"},
		{name: "wwwdomain.delete", v4: true, kind: kindWebdomain, writes: true, serve: (*call).remove, fact: "section 4, recorded v4 list; delete inferred"},
		{name: "wwwdomain.disable", v4: true, kind: kindWebdomain, writes: true, serve: (*call).suspend, fact: "section 6: v4 verbs of user; inferred for sites"},
		{name: "wwwdomain.enable", v4: true, kind: kindWebdomain, writes: true, serve: (*call).resume, fact: "section 6: v4 verbs of user; inferred for sites"},
		{name: "domain.sublist", v4: true, kind: kindRecord, list: true, serve: (*call).list, fact: "section 6, domain.record: v4 names; columns of v5"},
		{name: "domain.sublist.edit", v4: true, kind: kindRecord, edit: true, names: v4Record, serve: (*call).edit, fact: "section 6, domain.record: v4 names"},
		{name: "domain.sublist.delete", v4: true, kind: kindRecord, writes: true, serve: (*call).remove, fact: "section 6, domain.record: v4 names"},
	}
)

// standard is the functions nearly every kind has (list of functions): the
// list, the form, delete, and with toggle suspend and resume.
func standard(k *kind, toggle bool, fact string) []function {
	out := []function{
		{name: k.name, kind: k, list: true, serve: (*call).list, fact: fact},
		{name: k.name + ".edit", kind: k, edit: true, serve: (*call).edit, fact: fact},
		{name: k.name + ".delete", kind: k, writes: true, serve: (*call).remove, fact: fact},
	}
	if toggle {
		out = append(out,
			function{name: k.name + ".suspend", kind: k, writes: true, serve: (*call).suspend, fact: fact},
			function{name: k.name + ".resume", kind: k, writes: true, serve: (*call).resume, fact: fact})
	}
	return out
}

// byName finds functions; the table is small, the calls are many.
var byName = func() map[string]*function {
	m := make(map[string]*function, len(functions))
	for i := range functions {
		f := &functions[i]
		if f.kind != nil {
			f.least = max(f.least, f.kind.least)
		}
		m[f.name] = f
	}
	return m
}()

// Functions names every function the simulator has, each with the place in
// the public record that says how it behaves.
func Functions() map[string]string {
	out := make(map[string]string, len(functions))
	for _, f := range functions {
		out[f.name] = f.fact
	}
	return out
}

// isWrite tells whether a call asks for a change: an edit without sok only
// shows the form (section 5).
func isWrite(name string, form url.Values) bool {
	f, ok := byName[name]
	return ok && (f.writes || f.edit && form.Get("sok") != "")
}

// find looks a function up for a panel.
func (p *Panel) find(name string) (*function, *failure) {
	f, ok := byName[name]
	if !ok || f.restart && !p.opt.Restart || f.v6 && p.opt.Generation != V6 || f.v4 && p.opt.Generation != V4 {
		return nil, noFunction(name)
	}
	return f, nil
}

// elids splits the elid of a group operation: several are separated by a
// comma and a space (section 7).
func elids(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ", ")
}
