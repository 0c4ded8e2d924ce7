package render

import (
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// Style says how a text is to look.
type Style struct {
	Color   bool // with SGR colour sequences
	Width   int  // columns of the terminal; 0 when unlimited or unknown
	Verbose bool // list what is otherwise counted
}

// Colour modes of the --color flag (contract section 4).
const (
	ColorAuto   = "auto"
	ColorAlways = "always"
	ColorNever  = "never"
)

// DetectStyle says how to write to f. In mode ColorAuto there is colour when f
// is a terminal, NO_COLOR is unset or empty and TERM is not "dumb"; ColorAlways
// and ColorNever, asked for by hand, win over the environment. getenv is
// os.Getenv, or nil for an empty environment. Width is zero unless f is a terminal.
func DetectStyle(mode string, f *os.File, getenv func(string) string) Style {
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	var s Style
	terminal := f != nil && term.IsTerminal(int(f.Fd()))
	if terminal {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			s.Width = w
		}
	}
	switch mode {
	case ColorAlways:
		s.Color = true
	case ColorNever:
	default:
		s.Color = terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	}
	return s
}

// A paint is an SGR sequence that begins a look; paint "" is plain.
type paint string

var (
	plain  paint
	bold   = paint(text.Bold.EscapeSeq())
	dim    = paint(text.Faint.EscapeSeq())
	red    = paint(text.FgRed.EscapeSeq())
	green  = paint(text.FgGreen.EscapeSeq())
	yellow = paint(text.FgYellow.EscapeSeq())
)

var unpaint = text.Reset.EscapeSeq()

// on returns s in this look when the style has colour. s must be clean already.
func (p paint) on(style Style, s string) string {
	if !style.Color || p == plain || s == "" {
		return s
	}
	return string(p) + s + unpaint
}
