package panellog

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// Form is what a log is turned into.
type Form string

// The forms Convert writes.
const (
	Spec  Form = "spec"  // entries of a spec: what the requests amount to
	Calls Form = "calls" // one ispsync call per request
	Curl  Form = "curl"  // one curl command per request
)

// Options says how Convert writes.
type Options struct {
	As Form
	// Panel is the panel's name in calls, and in entries; empty: calls say
	// PANEL, to be filled in, and entries name none.
	Panel   string
	Catalog *specs.Catalog
	// Note is told what the output lacks and why: a secret the log masks, a
	// line that cannot be read, a function the catalog does not know. The line
	// is that of the log, from 1; 0 means the log as a whole. The text may hold
	// anything the log held.
	Note func(line int, text string)
}

// Convert reads a panel's log and writes what its requests changed, so that it
// can be done again. Calls and curl lines are written as the log is read; a
// spec needs the whole log, and memory for the resources it names. An error is
// one of reading or writing: what cannot be understood is a note.
func Convert(w io.Writer, log io.Reader, o Options) error {
	in := newReader(log, o.Note)
	fns := newFunctions(o.Catalog)
	each := func(do func(*request) error) error {
		for {
			r, err := in.next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("reading the log after line %d: %w", in.line, err)
			}
			if fns.changes(&r) {
				if err := do(&r); err != nil {
					return err
				}
			}
		}
	}
	if o.As == Spec {
		f := newFolder(fns, o)
		if err := each(func(r *request) error { f.take(r); return nil }); err != nil {
			return err
		}
		return f.write(w)
	}
	if o.As == Curl {
		if _, err := io.WriteString(w, curlHead); err != nil {
			return err
		}
	}
	return each(func(r *request) error { // line by line: the log may still be growing
		_, err := io.WriteString(w, lineOf(r, fns, o)+"\n")
		return err
	})
}

const curlHead = "# Needs PANEL_URL (https://panel.example.net:1500/ispmgr) and ISPSYNC_AUTHINFO (user:password).\n"

// lineOf is a request as a line of a shell, without what the guide strips.
func lineOf(r *request, fns *functions, o Options) string {
	d, _ := fns.find(r.fn)
	var params []param
	var hidden []string
	for _, p := range r.params {
		switch fateOf(r, d.kind, p) {
		case kept:
			value, cut := lineEnd(p.value)
			if cut {
				o.Note(r.line, fmt.Sprintf("%s: the line breaks at the end of %s are left out", r.fn, p.name))
			}
			params = append(params, param{p.name, value})
		case secret:
			hidden = append(hidden, p.name)
		}
	}
	if len(hidden) > 0 {
		o.Note(r.line, fmt.Sprintf("%s needs %s: the log masks it or it is secret, so it is left out; add it by hand", r.fn, strings.Join(hidden, " and ")))
	}
	if o.As == Curl {
		return curlLine(r, params)
	}
	panel := o.Panel
	if panel == "" {
		panel = "PANEL"
	}
	return callLine(panel, r, params)
}
