// Package apiclient speaks to one ISPmanager panel, over HTTP(S) or through the
// panel's program mgrctl (package internal/mgrctl).
//
// It owns the wire: how a call is encoded, how the account proves itself, how
// the panel's XML is read, what its errors mean, and when a call may be sent
// again. Lists and forms come out as canonical resources of package specs;
// catalog rows say which functions and columns, so no kind is named here.
//
// # What happens when a call fails
//
// A read is sent up to four times, with growing pauses, when that may help: a
// broken connection, half an answer, a page in place of the answer, a status of
// 5xx or 429, request_failed; three times when there is no connection, twice when
// no answer came in time. A write is sent again only when the panel provably did
// not take it: no connection, status 429, a session that had ended, a login that
// failed. Everything else may have taken effect: the error says so
// (Error.MaybeApplied), and whoever sent it finds out by reading. The whole
// policy is the function decide, in retry.go.
//
// A panel gets what it bears (pressure.go). It begins with Limits.Reads reads at
// a time. A sign of strain (503, 429, 5xx, request_failed, no answer in time, a
// broken connection, an answer three seconds and four times later than that
// function's best) halves that; at one read at a time, calls of any kind are
// spaced instead, by up to four seconds. Good answers bring it back step by step.
// Limits.Reads, Limits.Writes and Limits.Rate are never exceeded.
//
// Retry-After is meant for everybody: no call of any kind is sent to that panel
// before the time it names. When that is more than a minute away, calls fail at
// once, unsent.
//
// A panel that stops answering is waited for (outage.go). When a call has failed
// as often as it may, the panel is looked at with whoami. If it answers, the
// failure was the call's own. If not, all calls to it wait while one goes on
// looking, for up to a minute; then they are sent, if they are reads or
// were not taken. Sessions that ended meanwhile are renewed, once for each call
// and each time. A panel that takes connections and never answers is not waited
// for again, because the call's timeout was the wait.
//
// A panel without hope is called no more (circuit.go): one that never answered in
// this run after its first call; one that was waited for in vain; one of which
// five calls in a row failed although it answers whoami. Further calls fail at
// once, and provably unsent (panel_down, Error.Down). One look is allowed after 5
// seconds, then after twice as long each time, up to a minute.
//
// A Client can only read. What writes is a Writer, got from a Client by
// NewWriter, which only the apply command calls. Facts about panels are cited
// as "guide" (the vendor's guide to the API) and "panel-api.md".
package apiclient
