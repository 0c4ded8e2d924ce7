package mgrctl

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// Function is one entry of `mgrctl -i`: a function of the panel or, when one
// function was asked about, a parameter of it.
type Function struct {
	Name string
	// Type is what mgrctl calls the function: list, form, group operation,
	// validator, report, external function, dashboard or none; empty when it says nothing.
	Type string
	// Description is the panel's text in one line, without control characters.
	Description string
}

// helpMost is how many bytes of help are read; a whole panel's is some 100 KB.
const helpMost = 8 << 20

// Functions asks mgrctl what the panel can do or, with the name of a function,
// what that function takes (guide, "Use the mgrctl -i utility"). lang is the
// language of the texts, en when empty; mgrctl's own default is ru.
func (r *Runner) Functions(ctx context.Context, fn, lang string) ([]Function, error) {
	words := []string{"-m", "ispmgr", "-i"}
	if fn != "" {
		words = append(words, fn)
	}
	if lang == "" {
		lang = "en"
	}
	if !word.MatchString(lang) || fn != "" && !word.MatchString(fn) {
		return nil, fmt.Errorf("%q in %q cannot be a function and a language; names hold letters, digits and _ . -", fn, lang)
	}
	words = append(words, "lang="+lang)
	var reply *Reply
	var err error
	if r.at.local() {
		reply, err = r.runHere(ctx, "mgrctl -i", words, os.Environ(), newHider(nil))
	} else {
		reply, err = r.runThere(ctx, "mgrctl -i", words, nil, newHider(nil))
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(reply, helpMost+1))
	ended := reply.Close()
	switch {
	case len(text) > helpMost:
		return nil, fmt.Errorf("%s: mgrctl -i printed more than %d MiB; that is no help text", r.at, helpMost>>20)
	case ended != nil:
		return nil, ended
	case err != nil:
		return nil, err
	}
	return ParseFunctions(string(text)), nil
}

// nameColumns is the width of the names in `mgrctl -i` (panel-api.md section 9).
const nameColumns = 45

var (
	entryLine    = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.:-]*)([ \t]*)(.*)$`)
	functionType = regexp.MustCompile(`(?i)\bFunction type: ?(list|form|group operation|validator|report|external function|dashboard|none)\b\.?`)
)

// ParseFunctions reads the output of `mgrctl -i`: names padded to 45 columns,
// descriptions wrapped and indented, with "Function type: …" in them. What it
// cannot tell from a name goes on with the description before it; text before
// the first name is dropped. No sample of `-i FUNC` is on record; it is taken
// to have the same form.
func ParseFunctions(text string) []Function {
	var out []Function
	var texts []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if m := entryLine.FindStringSubmatch(line); m != nil && begins(m[1], m[2], m[3]) {
			out = append(out, Function{Name: m[1]})
			texts = append(texts, m[3])
		} else if len(out) > 0 {
			texts[len(texts)-1] += " " + line
		}
	}
	for i := range out {
		out[i].Type, out[i].Description = splitType(texts[i])
	}
	return out
}

// begins reports whether a line that starts with a word starts an entry: the
// word stands alone, or is padded to the column of the descriptions, or is too
// long for that. Prose has words at other places.
func begins(name, gap, rest string) bool {
	return rest == "" || len(name)+len(gap) == nameColumns || len(name) >= nameColumns || len(gap) > 1
}

// splitType takes the type of a function out of its description.
func splitType(text string) (typ, description string) {
	text = oneLine(text)
	if m := functionType.FindStringSubmatchIndex(text); m != nil {
		typ = strings.ToLower(text[m[2]:m[3]])
		text = oneLine(text[:m[0]] + " " + text[m[1]:])
	}
	return typ, text
}
