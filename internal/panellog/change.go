package panellog

import (
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// What of a log is worth doing again: requests that save a form (sok) or work
// on a group of resources (delete, suspend, …). Everything else the web
// interface asks for is a read, a login, or about itself.

// operation is what a function does to resources of a kind.
type operation int

const (
	edits operation = iota
	deletes
	suspends
	resumes
)

// doer is a function the catalog knows.
type doer struct {
	kind *specs.Kind
	op   operation
}

// functions finds what the catalog knows of a function.
type functions struct {
	catalog *specs.Catalog
	byName  map[string]doer
}

// newFunctions knows the functions of the catalog's rows, and where none has a
// name, those of the rows as one generation of panels speaks them: the log does
// not say of which it is.
func newFunctions(c *specs.Catalog) *functions {
	f := &functions{catalog: c, byName: map[string]doer{}}
	for _, generation := range []int{0, 6, 5, 4} {
		for _, k := range c.For(generation).Kinds() {
			f.learn(k)
		}
	}
	return f
}

func (f *functions) learn(k *specs.Kind) {
	add := func(fn string, op operation) {
		if _, taken := f.byName[fn]; fn != "" && !taken {
			f.byName[fn] = doer{k, op}
		}
	}
	add(k.Edit, edits)
	add(k.Delete, deletes)
	add(k.Suspend, suspends)
	add(k.Resume, resumes)
	for _, fn := range k.CreateFuncs() {
		add(fn, edits)
	}
}

// find returns what a function does. The web interface may delete through a
// form that asks first (webdomain.delete.confirm, domain.delete.request:
// panel-api.md section 6): that is the delete.
func (f *functions) find(fn string) (doer, bool) {
	if d, ok := f.byName[fn]; ok {
		return d, true
	}
	if i := strings.LastIndexByte(fn, '.'); i > 0 {
		if d, ok := f.byName[fn[:i]]; ok && d.op == deletes {
			return d, true
		}
	}
	return doer{}, false
}

// groupVerbs end functions that work on elid without a form.
var groupVerbs = []string{"delete", "suspend", "resume", "enable", "disable"}

// interfaceOnly are functions, and families of them, that concern the web
// interface or the session and no resource (panel-api.md section 10 and the
// function list of a live panel).
var interfaceOnly = []string{"auth", "logon", "logout", "su", "session", "authenticate", "check", "menu", "menuvisited", "dashboard", "desktop", "longtask",
	"progress", "keepalive", "tip", "notify", "help", "helpboard", "helpcenter", "globalindex", "addsorter", "colwidth", "collapse", "request"}

// changes reports whether a request is one to do again.
func (f *functions) changes(r *request) bool {
	first, _, _ := strings.Cut(r.fn, ".")
	last := r.fn[strings.LastIndexByte(r.fn, '.')+1:]
	if d, known := f.byName[r.fn]; known && d.op != edits {
		return r.get("elid") != ""
	}
	switch {
	case r.fn == "" || slices.Contains(interfaceOnly, first) || last == "filter":
		return false
	case r.get("sv_field") != "" || r.get("sback") != "": // the form is redrawn, a wizard goes back
		return false
	case r.get("sok") != "":
		return true
	}
	return slices.Contains(groupVerbs, last) && last != r.fn && r.get("elid") != ""
}

// chatter are parameters that only the web interface needs: those the guide
// strips, those of panel-api.md section 10, and the session's own, which are
// secret besides.
var chatter = []string{"sfrom", "operafake", "progressid", "owner_admins", "clickstat", "elname", "newwindow", "snext", "sback", "show_params",
	"currname", "tconvert", "cancreatebox", "auth", "authinfo", "out", "lang", "sv_field", "sv_autocomplete"}

// isChatter reports whether a parameter of a function is to be stripped. A
// parameter that a catalog row knows never is.
func isChatter(fn, name string) bool {
	switch {
	case slices.Contains(chatter, name), strings.HasPrefix(name, "zoom-"), strings.HasPrefix(name, "p_"),
		strings.HasSuffix(name, "_inaccess"), strings.HasSuffix(name, "_existing"):
		return true
	case name == "clicked_button": // which button matters in the forms of plug-ins
		return !slices.ContainsFunc(strings.Split(fn, "."), func(s string) bool { return strings.HasPrefix(s, "plugin") })
	}
	return false
}

// looksSecret reports whether the name of a parameter that no catalog row knows
// says that its value is a secret: then it is never written, masked or not.
func looksSecret(name string) bool {
	n := strings.ToLower(name)
	return strings.Contains(n, "passw") || strings.Contains(n, "secret") || strings.Contains(n, "token") || strings.HasSuffix(n, "key") ||
		slices.Contains([]string{"confirm", "pass", "pwd", "pin"}, n)
}

// rowOf finds the field of a kind that a parameter carries; confirm reports
// that it only repeats a secret.
func rowOf(k *specs.Kind, name string) (row *specs.FieldRow, confirm bool) {
	if k == nil {
		return nil, false
	}
	for _, f := range k.Fields {
		if f.Param == name {
			return f, false
		}
		if f.Confirm != "" && f.Confirm == name {
			return f, true
		}
	}
	return nil, false
}

// mask is what a panel writes in place of a secret (guide).
const mask = "*"

// fate is what becomes of a parameter.
type fate int

const (
	kept     fate = iota
	stripped      // of no use to anybody
	empty         // the guide strips it; for an edit it may mean "clear this"
	secret        // its value is not in the log, or must not leave it
)

// fateOf judges one parameter of a request.
func fateOf(r *request, k *specs.Kind, p param) fate {
	row, confirm := rowOf(k, p.name)
	hidden := confirm || row != nil && row.Secret || row == nil && (looksSecret(p.name) || p.value == mask)
	switch {
	case row == nil && isChatter(r.fn, p.name):
		return stripped
	case p.value == "":
		return empty
	case hidden && p.name != "elid" && p.name != "plid":
		return secret
	}
	return kept
}
