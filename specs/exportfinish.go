package specs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Export is a finished export: files to be written, one by one.
type Export struct {
	Files []ExportFile
	// Secrets are the variables of the environment that the entries refer to.
	Secrets []SecretUse
	// Notes are lines for people about what is not in it.
	Notes []string
	// Incomplete says that something could not be read.
	Incomplete bool

	kinds    []*exportKind
	defaults map[string]Fields // by kind
	many     bool              // entries say their panels
	single   bool              // one document
	chosen   bool              // somebody chose the fields
}

// ExportFile is one file of an export.
type ExportFile struct {
	Name      string // relative, with slashes
	Resources int    // entries

	defaults []string // kinds whose defaults stand here
	entries  [][]int  // by kind as in Export.kinds: indexes of its entries
}

// SecretUse is a variable of the environment that an entry refers to.
type SecretUse struct {
	Name, Field string
	Ref         Ref
}

// Finish puts together what was added. Nothing may be added after it.
func (x *Exporter) Finish() *Export {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := &Export{single: len(x.o.Split) == 0, chosen: x.o.Field != nil, Notes: x.notes.lines(), Incomplete: len(x.notes.missing) > 0, defaults: map[string]Fields{}, many: len(x.o.Panels) > 1}
	files := newExportFiles(x.o)
	names := SecretNames{}
	for _, k := range x.o.Catalog.Kinds() {
		ek := x.kinds[k.Name]
		if ek == nil || len(ek.entries) == 0 {
			continue
		}
		slices.SortFunc(ek.entries, compareEntries)
		if common := ek.common(); len(common) > 0 {
			e.defaults[k.Name] = common
		}
		ek.spell(e.defaults[k.Name])
		ek.entries = files.merge(ek)
		for i := range ek.entries {
			ent := &ek.entries[i]
			for _, f := range ek.secrets {
				ref := Ref{Panel: ent.panel, Kind: k.Name, Key: ent.key}
				use := SecretUse{Name: names.Next(ref, f.Name), Field: f.Name, Ref: ref}
				ent.secrets = append(ent.secrets, SecretField{f.Name, Secret{SecretEnv, use.Name}})
				e.Secrets = append(e.Secrets, use)
			}
			files.place(ent, k.Name, len(e.kinds), i)
		}
		e.kinds = append(e.kinds, ek)
	}
	e.Files = files.finish(e)
	return e
}

// common finds the fields that most resources of a kind have alike, for
// `defaults`. Defaults are for every entry of the kind, and an entry can say
// another value but not that it has none: so every resource must have the field.
// They are worth it when they save lines, and a rule when they hold for most.
func (ek *exportKind) common() Fields {
	var out Fields
	for _, row := range ek.rows {
		if !row.common || ek.untold[row.Name] {
			continue
		}
		v, written, same := ek.majority(row.Name)
		if n := len(ek.entries); same >= 2 && same*2 > n && 1+n-same < written {
			out = append(out, Field{row.Name, v})
		}
	}
	return out
}

// majority is the value of a field that more than half of the entries have, if
// there is one; written is how many have the field, same how many the value.
func (ek *exportKind) majority(field string) (v Value, written, same int) {
	lead := 0
	for i := range ek.entries {
		switch w, ok := ek.entries[i].fields.Get(field); {
		case !ok:
			lead = max(lead-1, 0)
			continue
		case lead == 0:
			v, lead = w, 1
		case w == v:
			lead++
		default:
			lead--
		}
		written++
	}
	for i := range ek.entries {
		if w, ok := ek.entries[i].fields.Get(field); ok && w == v {
			same++
		}
	}
	return v, written, same
}

// spell brings the fields of the entries into the form in which they are
// written: those of the identity first, without what the defaults say, and with
// what differs from them even where it is what a new resource gets.
func (ek *exportKind) spell(defaults Fields) {
	rows := map[string]*exportRow{}
	for i := range ek.rows {
		rows[ek.rows[i].Name] = &ek.rows[i]
	}
	for i := range ek.entries {
		e := &ek.entries[i]
		out := make(Fields, 0, len(e.fields)+len(defaults))
		for _, f := range e.fields {
			if rows[f.Name].part {
				out = append(out, f)
			}
		}
		parts := len(out)
		for _, f := range e.fields {
			if v, _ := defaults.Get(f.Name); v != f.Value && !rows[f.Name].part {
				out = append(out, f)
			}
		}
		for _, d := range defaults {
			if _, ok := e.fields.Get(d.Name); !ok {
				out = append(out, Field{d.Name, rows[d.Name].usual(ek.fresh[e.panel])})
			}
		}
		slices.SortFunc(out[parts:], func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
		e.fields = out
	}
}

// title is the first line of a file: what is in it.
func (e *Export) title(f *ExportFile) string {
	var kinds []string
	for i, indexes := range f.entries {
		if len(indexes) > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", e.kinds[i].kind.Name, len(indexes)))
		}
	}
	if len(kinds) == 0 {
		return exportMark
	}
	return exportMark + ": " + strings.Join(kinds, ", ")
}

// exportMark begins the first comment of each file of an export.
const exportMark = "Made by ispsync export of what is live"

// IsExport reports whether this is the first line of a file of an export.
func IsExport(line string) bool { return strings.HasPrefix(line, "# "+exportMark) }

// Resources counts what the export declares; one entry may stand for several panels.
func (e *Export) Resources() int {
	n := 0
	for _, ek := range e.kinds {
		for i := range ek.entries {
			n += max(1, len(ek.entries[i].panels))
		}
	}
	return n
}

// SecretNames makes names of environment variables for secrets, each once. It
// holds those that are taken.
type SecretNames map[string]bool

// Next makes a name such as WEB1_USER_ALICE_PASSWD.
func (s SecretNames) Next(r Ref, field string) string {
	var b strings.Builder
	gap := false
	for _, c := range strings.ToUpper(r.String() + "/" + field) {
		if c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			if gap && b.Len() > 0 || b.Len() == 0 && c <= '9' {
				b.WriteByte('_')
			}
			b.WriteRune(c)
			gap = false
		} else {
			gap = true
		}
	}
	name := cmp.Or(b.String(), "SECRET")
	for i := 2; s[name]; i++ {
		name = fmt.Sprintf("%s_%d", cmp.Or(b.String(), "SECRET"), i)
	}
	s[name] = true
	return name
}
