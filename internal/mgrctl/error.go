package mgrctl

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrNotInstalled is what a ConnError unwraps to when mgrctl is neither in
// PATH nor at /usr/local/mgr5/sbin/mgrctl.
var ErrNotInstalled = errors.New("mgrctl is neither in PATH nor at " + installed)

// Failure says that mgrctl ran and answered no: it printed a line
// `ERROR type(object): message`, or ended with a status other than 0
// (panel-api.md section 9). The call was taken by the panel and refused. All
// texts are free of secrets and control characters.
type Failure struct {
	Func string
	// Type and Object are the panel's own, as in its XML errors. Type is empty
	// when mgrctl printed no ERROR line: the answer itself may tell more.
	Type, Object string
	Message      string
	// Exit is the status mgrctl ended with.
	Exit int
	// Text is the beginning of what mgrctl wrote on stderr, or else on stdout.
	Text string
}

// Error is one sentence: function, what mgrctl said.
func (f *Failure) Error() string {
	var b strings.Builder
	if f.Func != "" {
		b.WriteString(f.Func + ": ")
	}
	if f.Type == "" {
		fmt.Fprintf(&b, "mgrctl ended with status %d", f.Exit)
		if f.Text != "" {
			b.WriteString(": " + f.Text)
		}
		return b.String()
	}
	b.WriteString("the panel says " + f.Type)
	if f.Object != "" {
		b.WriteString("(" + f.Object + ")")
	}
	if f.Message != "" {
		b.WriteString(": " + f.Message)
	}
	return b.String()
}

// ConnError says that there is no whole answer: mgrctl could not be reached or
// started, or was lost before it ended.
type ConnError struct {
	// Where names the place: this machine, or a host over ssh.
	Where string
	Func  string
	// Sent is false when mgrctl provably was not started with this call. When
	// it is true the call may have been taken, whole, and be at work still.
	Sent bool
	// Msg says what happened and what to do, in one line free of secrets.
	Msg string
	// Err is the cause, if it is known: that of the context, ErrNotInstalled,
	// or the system's.
	Err error
}

// Error is one sentence: place, function, what happened.
func (e *ConnError) Error() string {
	s := e.Where + ": "
	if e.Func != "" {
		s += e.Func + ": "
	}
	s += e.Msg
	if e.Sent {
		s += "; the call may have been taken"
	}
	return s
}

// Unwrap gives the cause.
func (e *ConnError) Unwrap() error { return e.Err }

// shown is how many characters of a text of mgrctl or ssh a message shows.
const shown = 600

// oneLine makes a text one line without control and formatting characters.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " ")
}

// clean makes a text fit for a message: one line, not too long.
func clean(s string) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) > shown {
		s = string([]rune(s)[:shown-1]) + "…"
	}
	return s
}
