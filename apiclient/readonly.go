package apiclient

import (
	"fmt"
	"slices"
	"strings"
)

// The premise of this file: a plan sends no writing call, provably (contract
// section 6, promise 1). The type Client has no method that writes; this is
// the second lock, for catalog rows that users write. Everything a Client
// sends passes readable. A form is a function named X.edit without the
// parameters that save; a list is a function whose name does not end like one
// that does something. A row that says otherwise is refused before the call
// leaves, never sent to see what happens.

// saving are the parameters that turn reading a form into saving it, or into
// a step of a wizard (panel-api.md section 5), and those that would replace
// what the client itself says.
var saving = []string{"sok", "snext", "sback", "clicked_button", "sv_field",
	"func", "out", "lang", "su", "auth", "authinfo", "username", "password", "key"}

// doing are the last segments of functions that do something, from the list of
// functions of a live panel.
var doing = func() map[string]bool {
	m := map[string]bool{}
	for verb := range strings.FieldsSeq(`
		activate add adddenyip adddenysubnet addmon apply approve autosolve backup bind buy cancel change
		clear clone complete configure confirm copyto create deconfigure default del delete deletemon disable
		dismiss download dropall dump enable exclude execute exit extract fetch final finalize finish fix fixall
		generate go hardreplace import initialize install kill localupload logon move pack passredirect pin pkginstall post
		prepare proceed prolong push queue reboot reconfigure refresh regenmain register reload relogin remove rename repair
		replace rescan reset resign restart restore restore2 restoreas resume rewriterules rollback rollover run
		save selfsigned send setting single solve start stop su submit suspend sync undo uninstall unpin up update
		update_version upload write`) {
		m[verb] = true
	}
	return m
}()

// logins are the functions that prove the account. They change nothing but who
// is logged in.
var logins = []string{funcAuth, funcNewKey}

// readable says why a call is no read, or nil.
func readable(k *call) error {
	switch {
	case k.login && slices.Contains(logins, k.fn):
		return nil
	case len(k.secrets) > 0:
		return fmt.Errorf("it carries a secret, and reads carry none")
	case k.fn == funcWhoami && len(k.params) == 0:
		return nil
	}
	for _, p := range k.params {
		if slices.Contains(saving, p.name) {
			return fmt.Errorf("a reading call must not have the parameter %s; look at the kind's list_params and parent in the catalog", p.name)
		}
	}
	verb := k.fn[strings.LastIndexByte(k.fn, '.')+1:]
	if verb == "edit" && verb != k.fn {
		return nil // without sok a form only
	}
	if k.form {
		return fmt.Errorf("forms are read from functions that end in .edit only, and this one does not; look at the kind's edit in the catalog")
	}
	if writes(verb) {
		return fmt.Errorf("the name of the function says that it does something, and a reading client sends no such call; look at the kind's list in the catalog")
	}
	return nil
}

// writes reports whether a function with this last segment may change
// something: it is one of doing, or begins with new or set (newkey, setpass,
// setdefault) without being settings.
func writes(verb string) bool {
	verb = strings.ToLower(verb)
	return verb == "" || verb == "edit" || doing[verb] ||
		verb != "settings" && (strings.HasPrefix(verb, "new") || strings.HasPrefix(verb, "set"))
}
