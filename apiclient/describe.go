package apiclient

import (
	"context"
	"strings"
)

// Description is what a panel tells of one of its forms or lists by out=devel
// (panel-api.md section 1). What the panel does not tell is empty.
type Description struct {
	Func string
	// Type is form, list or another word of the panel's.
	Type  string
	Title string
	// Key is the column of a list that elid takes.
	Key     string
	Fields  []DescribedField  // of a form, in its order
	Columns []DescribedColumn // of a list, in its order
}

// DescribedField is one field of a form: a parameter of the function.
type DescribedField struct {
	Name string
	// Type is the panel's word: text, password, checkbox, select, textarea, …
	Type        string
	Label, Hint string
	Required    bool
	ReadOnly    bool
	// Value is the present value, or the default where the form is for
	// something new, as the panel tells it: not yet fit for a terminal. That of
	// a password field is left out.
	Value   string
	Choices []Choice
}

// Choice is one of the values a field takes, as the panel tells it, with the
// panel's text for it.
type Choice struct{ Key, Text string }

// DescribedColumn is one column of a list.
type DescribedColumn struct{ Name, Type, Label string }

// Describe asks a panel what a form or a list looks like. It is a read: a
// function that does something is refused (not_sent). params may name the
// thing whose form it is (elid, plid). lang is the language of labels and
// hints; empty is the panel's own in the spec.
func (c *Client) Describe(ctx context.Context, fn string, params [][2]string, lang string) (*Description, error) {
	k, err := RawCall{Func: fn, Params: params, Lang: lang}.call()
	if err != nil {
		return nil, c.notSent(&call{fn: fn}, "%w", err)
	}
	k.format = "devel"
	d := document{form: map[string]string{}, about: &about{}}
	if err := c.do(ctx, k, &d); err != nil {
		return nil, err
	}
	return d.describe(fn), nil
}

// about is the part of a document that describes the interface.
type about struct {
	tree
	metadata, messages, slists []*element
}

// keep takes in a child of the root that describes the interface; it is false
// for others.
func (a *about) keep(s *scanner) (bool, error) {
	var to *[]*element
	switch string(s.name) {
	case "metadata":
		to = &a.metadata
	case "messages":
		to = &a.messages
	case "slist":
		to = &a.slists
	default:
		return false, nil
	}
	e, err := a.element(s)
	*to = append(*to, e)
	return true, err
}

func (d *document) describe(fn string) *Description {
	out := &Description{Func: fn}
	texts := map[string]string{}
	for _, m := range d.about.messages {
		m.walk(func(e *element) {
			if name := e.attr("name"); e.name == "msg" && texts[name] == "" {
				texts[name] = cleanLine(e.text)
			}
		})
	}
	choices := map[string][]Choice{}
	for _, l := range d.about.slists {
		name := l.attr("name")
		for _, v := range l.kids {
			if v.name == "val" || v.name == "msg" {
				choices[name] = append(choices[name], choice(v, texts))
			}
		}
	}
	out.Title = texts["title"]
	for _, m := range d.about.metadata {
		if out.Type == "" {
			out.Type, out.Key = cleanLine(m.attr("type")), cleanLine(m.attr("key"))
		}
		m.walk(func(e *element) {
			switch e.name {
			case "field":
				out.addFields(e, texts, choices, d.form)
			case "col":
				out.addColumns(e, texts)
			}
		})
	}
	return out
}

// choice is one val of an slist: its key, and its text or that of its message.
// A val without a key stands for itself.
func choice(v *element, texts map[string]string) Choice {
	c := Choice{v.attr("key"), cleanLine(v.text)}
	switch {
	case c.Key == "" && c.Text != "":
		c.Key = c.Text
	case c.Text == "":
		c.Text = texts[c.Key]
	}
	return c
}

// controls are the nodes of a field that take a value. The type of an input is
// in its attribute, of the others it is their name.
var controls = map[string]bool{"input": true, "select": true, "textarea": true, "textdata": true, "list": true, "tree": true, "slider": true, "datetime": true, "ssl": true, "file": true}

// addFields takes in a field node: it holds one control or more, each of
// which is a parameter. One that holds none that is known is told by its name.
func (out *Description) addFields(e *element, texts map[string]string, choices map[string][]Choice, values map[string]string) {
	found := false
	add := func(name, typ string, attrs *element) {
		found = true
		f := DescribedField{Name: name, Type: typ, Label: texts[name], Hint: texts["hint_"+name], Choices: choices[name]}
		f.Required, f.ReadOnly = yes(attrs.attr("required")), yes(attrs.attr("readonly"))
		if typ != "password" {
			f.Value = strings.TrimSpace(values[name])
		}
		for i := range out.Fields {
			if out.Fields[i].Name == name {
				return // radio buttons are many controls of one name
			}
		}
		out.Fields = append(out.Fields, f)
	}
	for _, k := range e.kids {
		name := k.attr("name")
		if name == "" || !controls[k.name] {
			continue
		}
		typ := k.attr("type")
		if typ == "" || k.name != "input" {
			typ = k.name
		}
		add(cleanLine(name), cleanLine(typ), k)
	}
	if name := cleanLine(e.attr("name")); !found && name != "" {
		add(name, cleanLine(e.attr("type")), e)
	}
}

// addColumns takes in a column. One of type prop has no text of its own: it
// shows signs, each for a node of the row.
func (out *Description) addColumns(e *element, texts map[string]string) {
	add := func(e *element, typ string) {
		name := cleanLine(e.attr("name"))
		for i := range out.Columns {
			if out.Columns[i].Name == name {
				return
			}
		}
		if name != "" {
			out.Columns = append(out.Columns, DescribedColumn{name, cleanLine(typ), texts[name]})
		}
	}
	signs := 0
	for _, k := range e.kids {
		if k.name == "prop" || k.name == "xprop" {
			add(k, "prop")
			signs++
		}
	}
	if signs == 0 {
		add(e, e.attr("type"))
	}
}

func yes(s string) bool { return s == "yes" || s == "on" || s == "true" || s == "1" }
