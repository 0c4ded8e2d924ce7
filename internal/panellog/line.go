package panellog

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// request is one line of the log that says what was asked of the panel.
type request struct {
	line   int    // in the log, from 1
	from   string // address; empty when the panel did not know one
	user   string // whose session; empty without one
	fn     string // func
	params []param
}

// param is one decoded parameter, func aside, in the order of the log.
type param struct{ name, value string }

// get is the last value of a parameter: that is the one a panel takes.
func (r *request) get(name string) string {
	for i := len(r.params) - 1; i >= 0; i-- {
		if r.params[i].name == name {
			return r.params[i].value
		}
	}
	return ""
}

// A panel writes `Mon D HH:MM:SS [pid:thread] MODULE LEVEL text`, the day
// padded with a space or not, and ` [pid]` alone by scripts (panel-api.md
// section 10). The head must be whole and begin the line, but for the file name
// that grep puts before it: a value that was logged elsewhere and only looks
// like a request must not pass for one.
var requestLine = regexp.MustCompile(`^(?:[^\s:'\[\]]+:){0,2}[A-Z][a-z]{2} +[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2} \[[0-9]+(?::[0-9]+)?\] +[^\s']+ +[A-Z]+ +Request +\[(\[?[^\[\]\s']*\]?)\]\[([^\[\]']*)\] +'(.*)$`)

// colour is an ANSI escape sequence that sets colours (SGR).
var colour = regexp.MustCompile(`\x1b\[[0-9;]*m`)

var requestMark = []byte("Request ")

// parseLine reads one line. found is false for a line that is no request; an
// error means that it is one that cannot be read.
func parseLine(line []byte) (r request, found bool, err error) {
	if !bytes.Contains(line, requestMark) {
		return request{}, false, nil
	}
	line = bytes.TrimRight(colour.ReplaceAll(line, nil), " \r\n")
	m := requestLine.FindSubmatch(line)
	if m == nil {
		return request{}, false, nil
	}
	query, whole := bytes.CutSuffix(m[3], []byte("'"))
	if !whole {
		return request{}, true, errors.New("the request is cut off: its closing quote is missing")
	}
	r = request{from: strings.Trim(string(m[1]), "[]"), user: string(m[2])}
	for pair := range strings.SplitSeq(string(query), "&") {
		if pair == "" {
			continue
		}
		p, err := decodePair(pair)
		if err != nil {
			return request{}, true, err
		}
		if p.name == "func" {
			r.fn = p.value
			continue
		}
		r.params = append(r.params, p)
	}
	return r, true, r.check()
}

// decodePair decodes name=value. A panel encodes nearly everything, - _ and .
// too (panel-api.md section 10).
func decodePair(pair string) (param, error) {
	name, value, _ := strings.Cut(pair, "=")
	n, err := url.QueryUnescape(name)
	if err == nil {
		name = n
		value, err = url.QueryUnescape(value)
	}
	if err != nil {
		return param{}, fmt.Errorf("the request is not percent-encoded as a panel does it: %w", err)
	}
	return param{name, value}, nil
}

var (
	functionName  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	parameterName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:@\[\]-]*$`)
)

// check refuses what no panel writes and no command line could carry.
func (r *request) check() error {
	if r.fn != "" && !functionName.MatchString(r.fn) {
		return fmt.Errorf("%q is no name of a function", r.fn)
	}
	for _, p := range r.params {
		if !parameterName.MatchString(p.name) {
			return fmt.Errorf("%q is no name of a parameter", p.name)
		}
		if strings.ContainsRune(p.value, 0) {
			return fmt.Errorf("the parameter %s holds a zero byte", p.name)
		}
	}
	return nil
}
