package simpanel

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object that keeps its order.
type object []member

type member struct {
	name  string
	value any
}

func (o *object) set(name string, value any) { *o = append(*o, member{name, value}) }

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and objects only
	}
	return append(b, '\n')
}

// json is the document as recorded from v5/6: attributes have a $ before
// their name, texts are under $, an empty node is {}. v4 is flat. rows tells
// that one row is an array too.
func (r *reply) json(rows bool) []byte {
	if r.gen == V4 {
		return encoded(r.flatV4())
	}
	return encoded(object{{"doc", wrapped(r.root, rows)}})
}

func wrapped(e *element, rows bool) object {
	out := object{}
	for _, a := range e.attrs {
		out.set("$"+a[0], a[1])
	}
	if e.text != "" {
		out.set("$", e.text)
	}
	seen := make(map[string]bool)
	for i, k := range e.kids {
		if seen[k.name] {
			continue
		}
		seen[k.name] = true
		if e.name == "messages" && k.name == "msg" {
			out.set("msg", messageTexts(e.kids[i:]))
			continue
		}
		same := []object{}
		for _, other := range e.kids[i:] {
			if other.name == k.name {
				same = append(same, wrapped(other, rows))
			}
		}
		// The parameters of an error are an array even when alone, as
		// recorded.
		if len(same) > 1 || rows && k.name == "elem" || k.name == "param" {
			out.set(k.name, same)
		} else {
			out.set(k.name, same[0])
		}
	}
	return out
}

// messageTexts are the messages by name, as recorded.
func messageTexts(msgs []*element) object {
	out := object{}
	for _, m := range msgs {
		out.set(m.attr("name"), m.text)
	}
	return out
}

// flat is a node's children as texts.
func flat(e *element) object {
	out := object{}
	for _, k := range e.data() {
		out.set(k.name, k.value())
	}
	return out
}

func (r *reply) flatRows() []object {
	rows := []object{}
	for _, e := range r.root.data() {
		rows = append(rows, flat(e))
	}
	return rows
}

// jsonData is the flat form: a list is an array of objects, a form one
// object, success "ok":true (section 1, JSONdata).
func (r *reply) jsonData() []byte {
	typ, obj, msg, failed := r.failed()
	switch {
	case r.gen == V4:
		return encoded(r.flatV4())
	case failed:
		return encoded(object{{"error", object{{"code", typ}, {"object", obj}, {"msg", msg}}}})
	case r.list:
		return encoded(r.flatRows())
	}
	out := object{}
	for _, k := range r.root.data() {
		if k.name == "ok" {
			out.set("ok", true)
		} else {
			out.set(k.name, k.value())
		}
	}
	return encoded(out)
}

// flatV4 is the shape of v4: {"elem":[…]}, {"result":"OK"}, {"auth":"…"},
// {"authfail":…}, {"error":{"code":…,"msg":…}} (section 1, json of v4).
func (r *reply) flatV4() any {
	code, _, msg, failed := r.failed()
	switch {
	case r.root.kid("authfail") != nil:
		return object{{"authfail", object{}}}
	case failed:
		return object{{"error", object{{"code", code}, {"msg", msg}}}}
	case r.list:
		return object{{"elem", r.flatRows()}}
	case r.root.kid("ok") != nil:
		return object{{"result", "OK"}}
	}
	return flat(r.root)
}
