package apiclient

import (
	"fmt"
	"strings"
	"time"
)

// Types of errors that are ours and not the panel's. The panel's own types
// (auth, access, exists, value, …: panel-api.md section 3) stand in Error.Type
// as it sent them.
const (
	typeUnreachable = "unreachable"  // no connection: nothing was sent
	typeLost        = "lost"         // connected, but no whole answer came
	typeHTTP        = "http"         // an HTTP status other than 200
	typeDocument    = "document"     // an answer that is no panel document, or not all of one
	typeNoOK        = "no_ok"        // a writing call answered neither ok nor error
	typeNotSent     = "not_sent"     // refused by ispsync before it left
	typeDown        = "panel_down"   // not sent, because the panel has not answered for some time
	typeListing     = "listing"      // a list that cannot be believed
	typeNotFinished = "not_finished" // begun, and its end was not seen
	typeAsyncFailed = "async_failed" // begun, and the panel says that it failed
)

// Error says why a call to a panel failed, or why its answer is not believed.
// What it means is decided by type, object and code, never by a text: texts
// follow the language of the account (panel-api.md section 3).
type Error struct {
	Panel string // the panel's name in the spec
	Func  string // the function that was called
	// Type and Object are the panel's own (v5/6); for a v4 panel they are made
	// of its numeric code. Types of ispsync itself: unreachable, lost, http,
	// document, no_ok, not_sent, panel_down, listing, not_finished, async_failed.
	Type, Object string
	// Value is what the panel complains about, free of secrets.
	Value string
	// Msg is the panel's text or ispsync's own, free of secrets and of control characters.
	Msg string
	// HTTPStatus is the status of the answer, 0 when there was none.
	HTTPStatus int
	// Code is the number of a v4 error, 0 for others.
	Code int
	// Done says what of the same step had been done before this call failed;
	// empty for the first call of a step.
	Done string

	about      string        // the resource, by elid or name
	elid       bool          // the call named a resource that must exist
	list       bool          // the call asked for a whole list and named nothing
	write      bool          // the call changes something
	su         string        // the account the call ran as by su
	local      bool          // the call went through mgrctl
	level      string        // the level of the caller, as the panel says
	account    bool          // the call proved the account itself, by password or as a login
	bare       bool          // v4's <authfail/> or `access deny`
	wide       bool          // about the panel or the account: no other call would do better
	before     bool          // a login, made for a call that has not left
	final      bool          // asking again cannot help
	timeout    bool          // no answer in time
	retryAfter time.Duration // when the panel, or what stands before it, asks to come back; 0 if it does not say
	cause      error
}

// Error is one sentence: panel, function, what happened, what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "panel %s: ", e.Panel)
	if e.Func != "" {
		b.WriteString(e.Func)
		if e.about != "" {
			b.WriteString(" " + e.about)
		}
		b.WriteString(": ")
	}
	if e.Done != "" {
		fmt.Fprintf(&b, "%s, but then ", e.Done)
	}
	b.WriteString(e.what())
	if h := e.hint(); h != "" {
		b.WriteString("; " + h)
	}
	return b.String()
}

// what is what happened, without the place.
func (e *Error) what() string {
	if e.ours() {
		return e.Msg
	}
	s := "the panel says " + e.Type
	if e.Object != "" {
		s += "(" + e.Object + ")"
	}
	if e.Value != "" {
		s += fmt.Sprintf(" %q", e.Value)
	}
	if e.Msg != "" {
		s += ": " + e.Msg
	}
	return s
}

// ours reports whether the type is one of ispsync's and not of the panel.
func (e *Error) ours() bool {
	switch e.Type {
	case typeUnreachable, typeLost, typeHTTP, typeDocument, typeNoOK, typeNotSent, typeDown, typeListing, typeNotFinished, typeAsyncFailed:
		return true
	}
	return false
}

// hint is what to do about it, where there is something to do.
func (e *Error) hint() string {
	switch {
	case e.Refused():
		return "check auth.username and where its password comes from; ispsync does not try it a second time, because panels lock accounts out"
	case e.Type == "auth" && e.local:
		return "mgrctl has the rights of the unix user it runs as; that should be root"
	case e.Type == "auth":
		return "the session ended and a new one did not help; check what the account may do"
	case e.Type == "access":
		return e.accessHint()
	case e.Type == "dns" && e.Object == "domain_access":
		return "the domain belongs to another account's zone; the panel's option InsecureDomain lifts that check"
	case e.Type == "notconfigured":
		return "the software for this is not installed on the server"
	case e.Type == "license", e.Type == "licence":
		return "the panel's licence does not allow it"
	case e.Type == "limit":
		return "raise the account's limit, or use less"
	case e.Type == "request_failed":
		return "the request was ended on the server; its effect is unknown until the panel is read again"
	}
	return ""
}

// accessHint says whose right is missing, by the guide's rule ("Calling
// ISPmanager function with privileges of another user").
func (e *Error) accessHint() string {
	who := "the account of the session"
	if e.local {
		who = "the unix user that mgrctl runs as"
	}
	if e.su != "" {
		return fmt.Sprintf("the call was made as %s by su: an administrator may do that for anybody, a reseller for its own users, other accounts for nobody; and then %s itself must have the right to do this", cleanLine(e.su), cleanLine(e.su))
	}
	level := ""
	if e.level != "" {
		level = fmt.Sprintf(" (its level is %s; that of an administrator is 30)", cleanLine(e.level))
	}
	return who + " lacks the right to do this" + level + "; some functions are an administrator's or a reseller's alone"
}

// Unwrap gives the cause: a network error, or that of the context.
func (e *Error) Unwrap() error { return e.cause }

// Detail is the panel's own type and object and its message, for reports.
func (e *Error) Detail() (typ, object, message string) {
	if e.Done != "" {
		return e.Type, e.Object, e.Done + ", but then " + e.what()
	}
	if e.ours() {
		return e.Type, e.Object, e.Msg
	}
	return e.Type, e.Object, strings.TrimPrefix(e.what(), "the panel says ")
}

// MaybeApplied reports whether a writing call may have taken effect although
// it failed: the reply was lost, or is not a document, or says that the
// request was ended on the server, or the work it began was not seen to end. It is false when nothing was sent and when
// the panel answered with an error of its own (panel-api.md section 3,
// "Judgement for writes").
func (e *Error) MaybeApplied() bool {
	if e.before {
		return false
	}
	switch e.Type {
	case typeLost, typeDocument, typeNoOK, typeNotFinished, "request_failed":
		return true
	case typeHTTP:
		return e.HTTPStatus != 429
	}
	return false
}

// Down reports whether nothing of the step was sent because the panel does not
// answer, so that further calls would not be sent either.
func (e *Error) Down() bool { return e.Type == typeDown && e.Done == "" }

// Exists reports whether the panel says that the resource is already there
// (panel-api.md section 3: exists, table_value_exists; v4 code 2).
func (e *Error) Exists() bool {
	return e.Type == "exists" || e.Type == "table_value_exists"
}

// Gone reports whether the panel says that the resource the call named is not
// there (panel-api.md section 7: value/elid, missed/*, v4 code 3). A create
// names none: there, missed means a missing parameter.
func (e *Error) Gone() bool {
	return e.elid && (e.Type == "missed" || e.Type == "value" && e.Object == "elid")
}

// Unsupported reports whether the answer may mean that the panel has no such
// function: newer panels have no restart (panel-api.md section 8), and modules
// may be absent. What panels answer then is on no record, so any error of their
// own counts that is not about the account or the moment. That holds for
// calls that name nothing which could be wrong instead: restart and whole lists.
func (e *Error) Unsupported() bool {
	if e.Func != funcRestart && !e.list || e.ours() || e.bare {
		return false
	}
	switch e.Type {
	case "access":
		// An administrator has the right to call whatever there is (panel-api.md section 2: 30).
		return e.Func == funcRestart && e.level == "30"
	case "auth", "badauth", "session", "license", "licence", "request_failed":
		return false
	}
	return true
}

// Refused reports whether the panel does not accept the account at all: wrong
// credentials (auth/badpassword), v4's authfail or bare `access deny`, or any
// error of type auth that answers a password; only badpassword is on record.
func (e *Error) Refused() bool {
	return e.bare || e.Type == "auth" && (e.account || e.Object == "badpassword")
}

// Retryable reports whether the same reading call may well succeed later. Writes
// are another matter: see MaybeApplied.
func (e *Error) Retryable() bool {
	if e.final {
		return false
	}
	switch e.Type {
	case typeUnreachable, typeLost, typeDocument, "request_failed":
		return true
	case typeHTTP:
		return e.HTTPStatus == 429 || e.HTTPStatus >= 500
	}
	return false
}

// sessionEnded reports whether the answer means that the session is no more.
// The body of an ended session is on no record; panel-api.md section 2 infers:
// type auth with any object, access at level 0, v4's authfail. Code that people
// run logs in anew after the types badauth and session too.
func (e *Error) sessionEnded() bool {
	switch e.Type {
	case "auth", "badauth", "session":
		return true
	}
	return e.bare || e.Type == "access" && e.level == "0"
}

// panelWide reports whether the error is about the panel or the account and
// not about one function.
func (e *Error) panelWide() bool {
	return e.wide || e.Type == "auth" || e.bare || e.Type == typeUnreachable
}

// v4Type names the numeric codes of v4 (panel-api.md section 3, numeric form)
// as v5/6 names such errors.
func v4Type(code int) string {
	switch code {
	case 1:
		return "internal"
	case 2:
		return "exists"
	case 3:
		return "missed"
	case 4:
		return "value"
	case 5:
		return "limit"
	case 6:
		return "access"
	case 7:
		return "license"
	case 8:
		return "message"
	}
	return "error"
}
