// Package panellog turns the log of a panel into what would do the same again:
// entries of a spec, ispsync calls, or curl lines. It is the vendor's guide,
// "How to generate an API request using the log file", done by a program, with
// what panel-api.md section 10 adds to it.
//
// A log is text that strangers had a hand in: every value a visitor of the
// panel typed is in it. Nothing of it is trusted. Lines are bounded, a value
// never leaves its quotes, what cannot be seen is written escaped, and what
// cannot be turned into the output is told as a note and never dropped in silence.
//
// The log says what was asked of the panel, not what became of it: a request
// that the panel refused looks like one that it obeyed.
package panellog
