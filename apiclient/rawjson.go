package apiclient

import (
	"encoding/json"
	"strconv"
	"strings"
)

// judgeJSON finds the error in an answer in one of the panel's JSON forms
// (panel-api.md section 1): that of v5/6, where attributes begin with $ and
// text stands under "$", the flat one of JSONdata, and v4's. Where a form says
// one thing or a list, both are taken.
func (c *Client) judgeJSON(k *call, text []byte, hidden secrets) *Error {
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		if e := c.bareRefusal(k, hidden.firstLine(text[:min(len(text), headSize)])); e != nil {
			return e
		}
		return c.documentError(k, "the answer is no JSON but begins with %q", hidden.firstLine(text[:min(len(text), headSize)]))
	}
	root := node(whole)
	if doc, ok := root["doc"]; ok {
		root = node(doc)
	}
	var d document
	if _, d.authfail = root["authfail"]; d.authfail {
		d.failed = true
		return c.panelError(k, &d, hidden)
	}
	said, failed := root["error"]
	if !failed || said == false || said == nil {
		return nil
	}
	n := &d.errorNode
	d.failed, n.text = true, leaf(said)
	e := node(said)
	n.typ, n.object = attrOf(e, "type"), attrOf(e, "object", "obj")
	n.code, n.val = attrOf(e, "code"), attrOf(e, "val")
	if _, err := strconv.Atoi(n.code); n.typ == "" && err != nil {
		n.typ = n.code // JSONdata calls the type so
	}
	n.msg, n.detail = leaf(e["msg"]), leaf(e["detail"])
	for _, p := range list(e["param"]) {
		if attrOf(node(p), "name") == "value" {
			n.value = leaf(p)
		}
	}
	if actions := list(node(e["stack"])["action"]); len(actions) > 0 {
		n.level = attrOf(node(actions[0]), "level")
	}
	return c.panelError(k, &d, hidden)
}

// node is a JSON object, or none.
func node(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// list is a JSON array, or one of the single thing that stands in its place.
func list(v any) []any {
	if l, ok := v.([]any); ok || v == nil {
		return l
	}
	return []any{v}
}

// leaf is the text of a node: "text", a number, or {"$": "text"}.
func leaf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		if text, ok := v["$"]; ok {
			return leaf(text)
		}
	}
	return ""
}

// attrOf is the first attribute of some names, written with $ or without.
func attrOf(m map[string]any, names ...string) string {
	for _, name := range names {
		for _, key := range []string{"$" + name, name} {
			if text := strings.TrimSpace(leaf(m[key])); text != "" {
				return text
			}
		}
	}
	return ""
}
