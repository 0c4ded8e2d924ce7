package mgrctl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// mgrctl's text form quotes nothing (panel-api.md section 9): a value that
// holds " name=" or a line end cannot be told from a field of that name. It is
// for eyes and for single words; what decides something is read as xml.

// errorLine is `ERROR type(object): message`. The object or the message may be
// left out, not both; the word is seen in lower case too.
var errorLine = regexp.MustCompile(`^(?i:ERROR)[ \t]+([A-Za-z][A-Za-z0-9_]*)(?:(?:\(([^\r\n]*?)\))(?:[ \t]*:[ \t]*(.*)|[ \t]*)|[ \t]*:[ \t]*(.*))$`)

// ParseError finds the first ERROR line in what mgrctl printed; false when
// there is none. Only Type, Object and Message are set.
func ParseError(text string) (*Failure, bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := errorLine.FindStringSubmatch(line); m != nil {
			return &Failure{Type: m[1], Object: clean(m[2]), Message: clean(m[3] + m[4])}, true
		}
	}
	return nil, false
}

// ParseOK reports whether mgrctl printed that an action succeeded: OK, alone in
// the first line.
func ParseOK(text string) bool {
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimRight(first, " \r") == "OK"
}

// ParseList reads a list: one row a line, `key=value` joined by single spaces,
// in any order, absent fields left out. keys are the fields to look for; what
// stands under a name that is not among them belongs to the value before it, so
// give all that the list has. A name that comes twice in a line counts the first
// time. An ERROR line is a *Failure; a line with none of the keys is an error.
func ParseList(text string, keys []string) ([]map[string]string, error) {
	if f, ok := ParseError(text); ok {
		return nil, f
	}
	var out []map[string]string
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			continue
		}
		row := parseRow(line, keys)
		if len(row) == 0 {
			return nil, fmt.Errorf("line %d of mgrctl's list has none of the fields %s: %q", n, strings.Join(keys, ", "), clean(line))
		}
		out = append(out, row)
	}
	return out, nil
}

// parseRow cuts a line where a field begins: at its start or after a space,
// with the name of a key not met before and a `=`.
func parseRow(line string, keys []string) map[string]string {
	row := map[string]string{}
	name, from := "", 0
	for at := 0; at < len(line); {
		key, _, ok := strings.Cut(line[at:], "=")
		if _, met := row[key]; ok && !met && key != name && slices.Contains(keys, key) {
			if name != "" {
				row[name] = line[from : at-1]
			}
			name, from = key, at+len(key)+1
		}
		space := strings.IndexByte(line[at:], ' ')
		if space < 0 {
			break
		}
		at += space + 1
	}
	if name != "" {
		row[name] = line[from:]
	}
	return row
}

// formLine is a line of a form.
var formLine = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]*)=(.*)$`)

// ParseForm reads a form: one `key=value` a line, empty values kept. A line that
// has no such beginning goes on with the value before it, as texts of several
// lines do. An ERROR line is a *Failure; text before the first field is an error.
func ParseForm(text string) (map[string]string, error) {
	if f, ok := ParseError(text); ok {
		return nil, f
	}
	out := map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch m := formLine.FindStringSubmatch(line); {
		case m != nil:
			name = m[1]
			out[name] = m[2]
		case name != "":
			out[name] += "\n" + line
		case line != "":
			return nil, fmt.Errorf("mgrctl's form begins with %q, not with a field; was it a form that was asked for?", clean(line))
		}
	}
	return out, nil
}
