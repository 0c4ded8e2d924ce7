package simpanel

import (
	"net/url"
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
	// admin: level 30 only.
	admin bool
	// restart: the panel has it only with Options.Restart.
	restart bool
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
var functions = []function{
	{name: "auth", open: true, serve: (*call).auth, fact: "guide, Session unique ID and Key authentication; panel-api.md section 2"},
	{name: "whoami", serve: (*call).whoami, fact: "panel-api.md section 2, whoami"},
	{name: "session.delete", serve: (*call).sessionDelete, fact: "panel-api.md section 2, logout"},
	{name: "session.newkey", admin: true, serve: (*call).sessionNewKey, fact: "guide, Key authentication; section 2, Key (recorded answer)"},
	{name: "restart", admin: true, restart: true, writes: true, serve: (*call).restartWeb, fact: "guide, Successful operation; sections 0.1 and 8"},

	{name: "user", kind: kindUser, list: true, serve: (*call).list, fact: "sections 4 (user) and 2 (level)"},
	{name: "user.edit", kind: kindUser, edit: true, serve: (*call).edit, fact: "sections 5 and 6 (user.edit), 3 (exists user)"},
	{name: "user.delete", kind: kindUser, writes: true, serve: (*call).remove, fact: "section 7; recorded answer; missing: value/elid"},
	{name: "user.suspend", kind: kindUser, writes: true, serve: (*call).suspend, fact: "section 7; recorded answer; missing: missed/users"},
	{name: "user.resume", kind: kindUser, writes: true, serve: (*call).resume, fact: "section 7; recorded answer; missing: missed/users"},

	{name: "webdomain", kind: kindWebdomain, list: true, serve: (*call).list, fact: "section 4 (webdomain), recorded list"},
	{name: "webdomain.edit", kind: kindWebdomain, edit: true, serve: (*call).edit, fact: "sections 5, 6 (webdomain.edit) and 7 (brings a zone)"},
	{name: "webdomain.delete", kind: kindWebdomain, writes: true, serve: (*call).remove, fact: "sections 6 and 7 (no question about files)"},
	{name: "webdomain.suspend", kind: kindWebdomain, writes: true, serve: (*call).suspend, fact: "section 6; list of functions"},
	{name: "webdomain.resume", kind: kindWebdomain, writes: true, serve: (*call).resume, fact: "section 6; list of functions"},

	{name: "domain", kind: kindDomain, list: true, serve: (*call).list, fact: "section 4 (domain)"},
	{name: "domain.edit", kind: kindDomain, edit: true, serve: (*call).edit, fact: "guide, log line of domain.edit; sections 3 (dns/domain_access) and 6"},
	{name: "domain.delete", kind: kindDomain, writes: true, serve: (*call).remove, fact: "section 6 (domain.delete)"},
}

// byName finds functions; the table is small, the calls are many.
var byName = func() map[string]*function {
	m := make(map[string]*function, len(functions))
	for i := range functions {
		f := &functions[i]
		f.admin = f.admin || f.kind != nil && f.kind.adminOnly
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
	if !ok || f.restart && !p.opt.Restart {
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
