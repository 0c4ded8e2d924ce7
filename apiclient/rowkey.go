package apiclient

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ispsync/ispsync/specs"
)

// This file says which resource a row of a list is.

// identity finds the key of the row as the panel writes it, or as the kind's
// row makes it of several columns, and the text that the panel takes as elid
// unless Key.Elid names a column for that.
func (r *rowReader) identity() (key, elid string, ok bool) {
	text, ok := r.first(r.keys)
	if r.kind.HasLiveKey() {
		key, err := r.kind.LiveKey(r.column)
		if err != nil {
			r.fail("row %d: %v", r.count+1, err)
			return "", "", false
		}
		if elid = toText(text); elid == "" {
			elid = key
		}
		return key, elid, true
	}
	if !ok || len(text) == 0 {
		r.fail("row %d has no %s, so nobody can say which %s it is", r.count+1, strings.Join(r.kind.Key.Columns, " or "), r.kind.Name)
		return "", "", false
	}
	// Space around a name is how a document is laid out, never part of the name.
	if key = strings.TrimSpace(toText(text)); key == "" {
		key = toText(text)
	}
	return key, key, true
}

// column gives a column of the row by name; su and plid are those of the list call.
func (r *rowReader) column(name string) string {
	switch slot, ok := r.slots[name]; {
	case name == "su":
		return r.su
	case name == "plid":
		return r.plid
	case ok && r.cells[slot].row == r.row:
		return toText(r.text[r.cells[slot].from:r.cells[slot].to])
	}
	return ""
}

// ref makes a key canonical. A key that elid cannot carry makes the resource
// unusable; it still gets a ref of its own.
func (r *rowReader) ref(raw string) (ref specs.Ref, why string) {
	key := r.kind.Key.Canon.FromPanel(raw).String()
	if why = unusable(raw); why != "" {
		why = "its name " + why
		if strings.ContainsFunc(raw, unicode.IsControl) {
			key = strings.Trim(strconv.Quote(raw), `"`)
		}
	}
	return specs.Ref{Panel: r.panel, Kind: r.kind.Name, Key: key}, why
}

// unusable says why an identifier cannot be sent as elid, or nothing. The panel
// splits elid at ", " (panel-api.md section 7).
func unusable(s string) string {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ',' && i+1 < len(s) && s[i+1] == ' ':
			return "holds a comma and a space, which the panel takes for the end of one name and the beginning of another"
		case c < ' ' || c == 0x7f:
			return "holds a control character"
		case c >= utf8.RuneSelf:
			return unusableRunes(s[i:])
		}
	}
	return ""
}

func unusableRunes(s string) string {
	for i, c := range s {
		switch {
		case unicode.IsControl(c):
			return "holds a control character"
		case c == utf8.RuneError:
			return "holds characters that are not UTF-8"
		case c == ',' && strings.HasPrefix(s[i:], ", "):
			return unusable(", ")
		}
	}
	return ""
}
