package apiclient

import (
	"maps"
	"slices"
	"strings"
)

// explanations say what an error means and what to do about it. Keys are types,
// or type(object) where the object changes the meaning.
var explanations = map[string]string{
	"auth": `The panel does not know who is calling: the session ended, or the account is not accepted.
An ended session is renewed once without a word; what you see is that this did not help.
Do: look whether the account is blocked or may log in from this address only.`,
	"auth(badpassword)": `The panel refused the name and the password of the account. ispsync tries once and no
more, because panels lock out who tries too often. When every panel refuses: exit code 7.
Do: check auth.username and where auth.password comes from. Accounts with two-factor
login cannot be used; make one for ispsync without it.`,
	"auth(authfail)": `A panel of version 4 refused the account, or its session ended.
Do: check auth.username and where auth.password comes from.`,
	"access": `The account may not do this. The vendor's rule for calls with su: an administrator may call as
anybody, a reseller as its own users, other accounts as nobody but themselves.
Do: log in with an account of a higher level, correct su, or leave this out for the panel.
An access error at level 0 means that nobody is logged in: see auth.`,
	"exists": `There is already one of that name. After a call whose reply was lost that is good
news: ispsync reads it and, when it is as declared, counts the step as done.
Do: plan again, so that the plan sees it; it may belong to another account.`,
	"table_value_exists": `The panel's database holds such an entry already, although its list may not show it.
Do: as for exists; when no list shows it, somebody must look on the server.`,
	"missed": `Something the call names is not there: the resource itself, when the call names one
(a delete counts that as done), or a parameter that the function needs.
Do: plan again; or add the field that the message names.`,
	"missed(users)": `The account to suspend or resume is not there.
Do: plan again.`,
	"value": `The panel does not accept the value of a parameter; the object names which one.
Do: correct the field. ispsync describe PANEL FUNC prints the values it takes, which
differ between versions and editions of the panel.`,
	"value(elid)": `The panel knows no resource of that identifier: somebody deleted or renamed it after it
was listed. A delete counts that as done.
Do: plan again.`,
	"limit": `The account, its template or the panel's licence allows no more of these.
Do: raise the limit of the account (limit_… of the user), or use less.`,
	"dns": `The panel's DNS service refused the change.
Do: read the message; the zone or the record may be at fault.`,
	"dns(domain_access)": `The domain lies in a zone of another account, and the panel keeps accounts apart.
Do: give it to the account that has the zone, or set Option InsecureDomain in the
panel's configuration file and restart the panel.`,
	"notconfigured": `The software that this needs is not installed on the server.
Do: install it in the panel (Software configuration), or leave this out for the panel.`,
	"license": `The panel's licence does not allow it, or has ended.
Do: look at the licence in the panel.`,
	"request_failed": `The request was ended on the server: by an administrator, or because the panel reloaded.
It may be half done. Reads are tried again after a pause; a write is looked up first.
Do: nothing, unless it stays so.`,
	"internal": `Something failed inside a panel of version 4.
Do: read the message and the panel's log on the server.`,
	"message": `A panel of version 4 tells the error as a text of its own.
Do: read the message.`,
	"error": `The panel reports an error without saying of what type; plug-ins do that.
Do: read the message and the panel's log on the server.`,
	typeUnreachable: `No connection to the panel came about, so nothing was sent. It is tried three times.
Do: check the url, the port, the name and the firewall; for ssh:// whether
ssh HOST works without a question, and for local: whether mgrctl is installed.`,
	typeLost: `The connection was there, and broke or stayed silent before the whole answer had come.
A read is made again. A write may have been done: it is looked up, never simply repeated.
Do: nothing, unless it stays so; then raise the panel's timeout or look at its load.`,
	typeHTTP: `The answer has an HTTP status other than 200. Panels report their own errors with 200, so
this is a proxy, or a panel that is down, or another server.
Do: check the url, and what stands before the panel. A redirect is not followed, because
the password would go along: make its target the panel's url.`,
	typeDocument: `The answer is no panel document, or not all of one: empty, cut off, an HTML page of a
proxy or of a panel that is starting, or larger or stranger than a panel's.
Do: run again; when it stays, look what the url shows in a browser.`,
	typeNoOK: `A writing call was answered neither with ok nor with an error, so nobody can tell whether it
was done. The panel may have died on it. It is looked up.
Do: nothing, unless it stays so; then read the panel's log on the server.`,
	typeNotSent: `ispsync did not send the call: it would not be a read, its secret cannot be fetched, or an
identifier in it holds ", ", which the panel would take for two.
Do: read the message; nothing happened on the panel.`,
	typeDown: `The call was not sent: earlier calls got no answer for all their tries, the panel was waited
for when it had answered before, and is still silent; or it asked to be left alone (Retry-After).
Nothing happened on the panel. ispsync looks again from time to time.
Do: look at the panel on its server, then run again; the other panels are not concerned.`,
	typeListing: `A list cannot be believed: fewer or more rows than announced, a page that repeats, a name
twice. It was read twice. Nothing of that kind is created or deleted on its word.
Do: run again when nobody else changes the panel. Exit code 3.`,
	typeNotFinished: `The panel took a call that only begins the work (a certificate of Let's Encrypt), and its
end did not come in time or could not be watched. The panel may still finish it.
Do: plan again later; look at the panel's own log of the work.`,
	typeAsyncFailed: `The panel began the work and then reported that it failed (a certificate that was not
issued, mostly because the name does not lead to this server).
Do: read the panel's own log of it, mend the cause, delete what is left, apply again.`,
}

// sameAs are other names for a code: the numbers of version 4 (panel-api.md
// section 3, numeric form) and spellings.
var sameAs = map[string]string{
	"1": "internal", "2": "exists", "3": "missed", "4": "value", "5": "limit", "6": "access", "7": "license", "8": "message",
	"licence": "license", "authfail": "auth(authfail)", "badpassword": "auth(badpassword)", "access deny": "auth(authfail)",
}

// Explain says what an error's code means and what to do about it, without
// asking a panel. A code is a type of the panel's or of ispsync's own (exists,
// lost), a type with its object as messages write it (value(elid)), or a
// number of version 4. ok is false for an unknown one.
func Explain(code string) (text string, ok bool) {
	code = strings.TrimSpace(code)
	if other, ok := sameAs[code]; ok {
		code = other
	}
	if text, ok = explanations[code]; ok {
		return text, true
	}
	if typ, _, found := strings.Cut(code, "("); found && strings.HasSuffix(code, ")") {
		return Explain(typ)
	}
	return "", false
}

// Codes lists the codes that have an explanation of their own, sorted.
func Codes() []string { return slices.Sorted(maps.Keys(explanations)) }
