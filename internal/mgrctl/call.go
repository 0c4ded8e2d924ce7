package mgrctl

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Call is one function of the panel with its parameters.
type Call struct {
	// Func is the function, such as webdomain.edit.
	Func string
	// Params are names and values in their order. A value may hold any bytes
	// but NUL. The words are seen by whoever may list processes.
	Params [][2]string
	// Secrets are names and values no process list shows: mgrctl reads them
	// from its environment (guide; panel-api.md section 9, `-e 'p=$VAR'`).
	Secrets [][2]string
	// Format is how mgrctl prints: xml (the default), devel, json or text by
	// its option -o. Any other goes as the parameter out, which mgrctl takes
	// as a request over HTTP does; on record for text only (panel-api.md section 1).
	Format string
	// Su is the account to act as; empty for the unix user mgrctl runs as.
	Su string
	// Lang is the language of the panel's texts; empty leaves it to the panel.
	Lang string
}

// word is what a function, parameter or format may be called. No option of
// mgrctl fits it.
var word = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// longest is how many bytes a word of a command line, or a variable of the
// environment, may have: MAX_ARG_STRLEN of Linux, less a name of ours.
const longest = 131000

// options are the formats that mgrctl's own -o takes.
var options = []string{"xml", "devel", "json", "text"}

// check says why a call cannot be made, without any of its values.
func (c *Call) check() error {
	if !word.MatchString(c.Func) {
		return fmt.Errorf("%q cannot be a function of the panel; names hold letters, digits and _ . -", c.Func)
	}
	if c.Format != "" && !word.MatchString(c.Format) {
		return fmt.Errorf("%s: %q cannot be an output format; names hold letters, digits and _ . -", c.Func, c.Format)
	}
	for _, p := range slices.Concat(c.Params, c.Secrets, [][2]string{{"su", c.Su}, {"lang", c.Lang}}) {
		switch {
		case !word.MatchString(p[0]):
			return fmt.Errorf("%s: %q cannot be a parameter; names hold letters, digits and _ . -", c.Func, p[0])
		case p[0] == "func" || p[0] == "out":
			return fmt.Errorf("%s: the parameter %s would make this another call than it is checked as; leave it out", c.Func, p[0])
		case strings.IndexByte(p[1], 0) >= 0:
			return fmt.Errorf("%s: the value of %s holds a NUL byte, which no command line can; take it out", c.Func, p[0])
		case len(p[0])+len(p[1]) > longest:
			return fmt.Errorf("%s: the value of %s has %d bytes, but Linux takes words of 128 KiB at most; give the panel an https address for it", c.Func, p[0], len(p[1]))
		}
	}
	return nil
}

// words are what follows the name of the program.
func (c *Call) words() []string {
	format := c.Format
	if format == "" {
		format = "xml"
	}
	out := []string{"-m", "ispmgr"}
	byOption := slices.Contains(options, format)
	if byOption {
		out = append(out, "-o", format)
	}
	out = append(out, c.Func)
	for _, p := range c.Params {
		out = append(out, p[0]+"="+p[1])
	}
	if c.Su != "" {
		out = append(out, "su="+c.Su)
	}
	if c.Lang != "" {
		out = append(out, "lang="+c.Lang)
	}
	if !byOption {
		out = append(out, "out="+format)
	}
	for i, s := range c.Secrets {
		out = append(out, "-e", s[0]+"=$"+variable(i))
	}
	return out
}

// variable is the environment variable that carries a secret. Its name tells
// nothing about what it holds.
func variable(i int) string { return "ISPSYNC_SECRET_" + strconv.Itoa(i+1) }
