package simpanel

import "strings"

// check says whether a panel takes a value for a parameter.
type check func(string) bool

// when says what becomes of a parameter that an edit sends.
type when int

const (
	always   when = iota // taken by create and edit
	onCreate             // taken by create; an edit answers ok and ignores it
	never                // shown in the form; ok and no effect
)

// field is one parameter of an edit function.
type field struct {
	name    string
	def     string // value of a new resource that does not say otherwise
	check   check
	options []string // told by the form as a choice list
	box     bool     // a check box: an empty value is off
	when    when
	// as names the field that keeps the value, when one value has two
	// parameters.
	as string
}

func text(name, def string) field { return field{name: name, def: def, check: anyText} }

func onoff(name, def string) field { return field{name: name, def: def, check: isOnOff, box: true} }

func number(name, def string) field { return field{name: name, def: def, check: isNumber} }

func choice(name, def string, options ...string) field {
	return field{name: name, def: def, options: options, check: func(v string) bool {
		for _, o := range options {
			if v == o {
				return true
			}
		}
		return false
	}}
}

func (f field) at(w when) field { f.when = w; return f }

func (f field) keptAs(name string) field { f.as = name; return f }

func anyText(string) bool { return true }

// isOnOff takes check boxes; an empty one is off (panel-api.md section 5:
// an empty value is sent as a change).
func isOnOff(v string) bool { return v == "on" || v == "off" || v == "" }

func isNumber(v string) bool {
	return strings.Trim(v, "0123456789") == ""
}
