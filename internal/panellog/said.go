package panellog

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ispsync/ispsync/specs"
)

// said is what one request says of its resource, in the words of the catalog.
type said struct {
	fields  specs.Fields
	secrets []string // fields whose values are hidden
	unknown []string // name=value of parameters that no row knows
}

// handled are parameters that say which resource and how, not what it is like.
var handled = []string{"elid", "plid", "su", "sok"}

// said reads the parameters of a request.
func (f *folder) said(r *request, k *specs.Kind) said {
	s := said{fields: parentField(r, k)}
	identity := append([]string{k.Key.Param}, handled...)
	for i := range k.Create {
		identity = append(identity, k.Create[i].Name)
	}
	for _, p := range r.params {
		row, confirm := rowOf(k, p.name)
		switch fate := fateOf(r, k, p); {
		case slices.Contains(handled, p.name), fate == stripped, confirm:
		case fate == secret && row == nil:
			f.note(r, "the catalog has no field for %s, and its value is hidden; it is left out", p.name)
			s.unknown = append(s.unknown, p.name+"=*")
		case fate == secret:
			s.secrets = append(s.secrets, row.Name)
		case fate == empty:
			if row != nil && clears(r, row) {
				v, _ := row.FromParam("")
				s.fields = s.fields.With(row.Name, v)
			}
		case row != nil:
			v, err := row.FromParam(p.value)
			if err != nil {
				f.note(r, "%s: %q %v; it is left out", row.Name, p.value, err)
				s.unknown = append(s.unknown, shown(p))
				continue
			}
			s.fields = s.fields.With(row.Name, v)
		case !slices.Contains(identity, p.name):
			s.unknown = append(s.unknown, shown(p))
		}
	}
	return s
}

// clears reports whether an empty parameter means that a field is to be
// cleared: in a change, not in a create, which only leaves it out, and not
// where nothing can be changed.
func clears(r *request, row *specs.FieldRow) bool {
	return r.get("elid") != "" && !row.Secret && !row.CreateOnly && !row.KeyPart && !row.Toggle
}

// maxShown bounds a value in a comment, in bytes.
const maxShown = 80

func shown(p param) string {
	v := p.value
	if len(v) > maxShown {
		cut := maxShown
		for !utf8.RuneStart(v[cut]) {
			cut--
		}
		v = v[:cut] + "…"
	}
	if strings.ContainsAny(v, " ,\"") {
		v = fmt.Sprintf("%q", v)
	}
	return p.name + "=" + v
}
