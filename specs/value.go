package specs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ValueType says how a Value is written in YAML, JSON and expressions.
type ValueType uint8

// The types a canonical value can have. Absent is the zero Value: no value at
// all, which is different from an empty text or an empty list.
const (
	Absent ValueType = iota
	TextType
	BoolType
	NumberType
	ListType
)

// itemSeparator joins the items of a list inside a Value. Canonicalisers
// refuse control characters, so no item can hold it.
const itemSeparator = "\n"

// Value is one canonical value. Two Values are equal exactly when they are
// ==, which is what the planner relies on: there is no second notion of
// equality. Values are made by canonicalisers (see Canon) and by Text, Bool,
// Number and List; they are immutable.
type Value struct {
	s string
	t ValueType
}

// Text is a Value of plain text.
func Text(s string) Value { return Value{s, TextType} }

// Bool is a yes-or-no Value.
func Bool(b bool) Value {
	if b {
		return Value{"true", BoolType}
	}
	return Value{"false", BoolType}
}

// Number is a whole number; its unit is the field's (see Field in the catalog).
func Number(n int64) Value { return Value{strconv.FormatInt(n, 10), NumberType} }

// List is a list of items in the order given. Items must not hold "\n"; the
// canonicalisers guarantee that.
func List(items ...string) Value {
	if len(items) == 1 && items[0] == "" {
		items = nil
	}
	return Value{strings.Join(items, itemSeparator), ListType}
}

// Type says what kind of value this is.
func (v Value) Type() ValueType { return v.t }

// IsAbsent reports whether there is no value at all.
func (v Value) IsAbsent() bool { return v.t == Absent }

// IsEmpty reports whether the value is absent, an empty text or an empty list.
func (v Value) IsEmpty() bool { return v.s == "" }

// Items returns the items of a list, nil for an empty one. For a value of
// another type it returns that value's text as the only item.
func (v Value) Items() []string {
	if v.s == "" {
		return nil
	}
	if v.t != ListType {
		return []string{v.s}
	}
	return strings.Split(v.s, itemSeparator)
}

// String is the value as text for people: list items joined with a space.
func (v Value) String() string {
	if v.t == ListType {
		return strings.ReplaceAll(v.s, itemSeparator, " ")
	}
	return v.s
}

// Any is the value as an expression sees it: string, bool, int, []string, or
// nil when absent.
func (v Value) Any() any {
	switch v.t {
	case TextType:
		return v.s
	case BoolType:
		return v.s == "true"
	case NumberType:
		n, err := strconv.Atoi(v.s)
		if err != nil {
			return v.s
		}
		return n
	case ListType:
		items := v.Items()
		if items == nil {
			return []string{}
		}
		return items
	default:
		return nil
	}
}

// Zero is the value an expression sees for a field of this type that the
// panel does not tell.
func (t ValueType) Zero() Value {
	switch t {
	case BoolType:
		return Bool(false)
	case NumberType:
		return Number(0)
	case ListType:
		return List()
	default:
		return Text("")
	}
}

// MarshalJSON writes a bool, number, string, array or null.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.t == NumberType {
		return []byte(v.s), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a plan is read by people
	err := e.Encode(v.Any())
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0:
		return fmt.Errorf("empty JSON value")
	case string(b) == "null":
		*v = Value{}
	case string(b) == "true":
		*v = Bool(true)
	case string(b) == "false":
		*v = Bool(false)
	case b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*v = Text(s)
	case b[0] == '[':
		var items []string
		if err := json.Unmarshal(b, &items); err != nil {
			return err
		}
		*v = List(items...)
	default:
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return fmt.Errorf("a field's number must be a whole one: %w", err)
		}
		*v = Number(n)
	}
	return nil
}

// Field is one canonical field of a resource.
type Field struct {
	Name  string
	Value Value
}

// Fields are the fields of one resource, sorted by name, each name once.
type Fields []Field

// Get returns the value of a field; ok is false when the field is not there.
func (f Fields) Get(name string) (v Value, ok bool) {
	for i := range f { // resources have a handful of fields: a scan beats a search
		if f[i].Name == name {
			return f[i].Value, true
		}
	}
	return Value{}, false
}
