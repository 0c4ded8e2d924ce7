package specs

import (
	"slices"
	"strings"
)

// The schema of spec files is made from the catalog, so that an editor
// completes the fields of each kind, those of `kinds:` included. It is for
// editors and linters and rather allows too much: the loader has the last word.

// object is a part of a JSON schema.
type object = map[string]any

// Schema returns the JSON Schema (2020-12) of a spec document over a catalog.
func Schema(c *Catalog) map[string]any {
	resources, defaults, rules := object{}, object{}, object{}
	for _, k := range c.Kinds() {
		fields := object{}
		for _, f := range k.Fields {
			fields[f.Name] = f.schema()
		}
		resources[k.Name] = object{"description": k.Doc, "type": "array", "items": k.entrySchema(fields)}
		defaults[k.Name] = closed(withParams(fields))
		rules[k.Name] = expression("over the fields of a live " + k.Name + ", name, panel and vars")
	}
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     "https://github.com/ispsync/ispsync/spec.schema.json",
		"title":   "ispsync spec",
		"type":    "object",
		"properties": object{
			"vars":      object{"type": "object", "description": "Constants; overridden by --var k=v and ISPSYNC_VAR_k."},
			"panels":    object{"type": "array", "items": panelSchema()},
			"defaults":  closed(defaults),
			"resources": object{"type": "object", "properties": resources, "additionalProperties": false},
			"prune":     closed(rules),
			"protect":   closed(rules),
			"limits":    limitsSchema(),
			"rollout":   rolloutSchema(),
			"policies":  object{"type": "array", "items": policySchema()},
			"kinds":     object{"type": "object", "description": "More rows of the catalog, as `ispsync kinds -o yaml` prints them."},
		},
		"additionalProperties": false,
	}
}

func closed(properties object) object {
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}

func expression(doc string) object {
	return object{"type": []string{"string", "boolean"}, "description": "An expression " + doc + ", without ${}."}
}

func withParams(fields object) object {
	out := object{"params": closed(fields)}
	for name, f := range fields {
		if !slices.Contains(entryKeys, name) {
			out[name] = f
		}
	}
	return out
}

func (k *Kind) entrySchema(fields object) object {
	p := withParams(fields)
	p["name"] = object{"type": []string{"string", "number", "boolean"}, "description": strings.TrimSpace(k.Key.Doc), "examples": []string{k.Key.Example}}
	p["panels"] = object{"type": []string{"string", "array"}, "description": "all, a list of names, or an expression over name, url, labels and vars."}
	p["for_each"] = object{"type": []string{"array", "object", "string"}, "description": "A list, a map, or an expression that yields one: ${csv('sites.csv')}."}
	p["when"] = expression("over vars, panel, each and key")
	p["ensure"] = object{"type": "string", "description": "present, the default, or absent: the tombstone.", "examples": []string{"present", "absent"}}
	p["su"] = object{"type": "string", "description": "Call with the rights of this account."}
	e := closed(p)
	e["required"] = []string{"name"}
	return e
}

// schema of a field: a template may stand for any value, so texts are allowed
// everywhere.
func (f *FieldRow) schema() object {
	types := []string{"string"}
	switch {
	case f.Secret:
	case f.Canon.typ == BoolType:
		types = append(types, "boolean")
	case f.Canon.typ == ListType:
		types = append(types, "array")
	case f.Canon.typ == NumberType:
		types = append(types, "integer")
	default:
		types = append(types, "number", "boolean")
	}
	out := object{"type": types, "description": f.Doc}
	if f.Canon.typ == ListType {
		out["items"] = object{"type": []string{"string", "number"}}
	}
	var examples []string
	examples = append(examples, f.Values...)
	if f.Example != "" && !slices.Contains(examples, f.Example) {
		examples = append(examples, f.Example)
	}
	if len(examples) > 0 {
		out["examples"] = examples
	}
	return out
}

func panelSchema() object {
	text := object{"type": "string"}
	flag := object{"type": []string{"boolean", "string"}}
	count := object{"type": []string{"integer", "string"}}
	p := closed(object{
		"name":     object{"type": "string", "description": "Letters, digits, dots, hyphens and underscores."},
		"for_each": object{"type": []string{"array", "object", "string"}},
		"url":      object{"type": "string", "examples": []string{"https://web1.example.net:1500/ispmgr", "ssh://root@web1.example.net", "local:"}},
		"auth": closed(object{"method": object{"type": "string", "enum": []string{"session", "authinfo", "key"}}, "username": text,
			"password": object{"type": "string", "examples": []string{"${secret.env('WEB1_PASSWORD')}"}}, "as": text}),
		"su": text, "lang": text, "labels": object{"type": "object"}, "generation": count,
		"tls":     closed(object{"ca_file": text, "pin_sha256": text, "insecure_skip_verify": flag, "plaintext": flag}),
		"limits":  closed(object{"reads": count, "writes": count, "rate": object{"type": []string{"string", "number"}, "examples": []string{"10/s"}}}),
		"timeout": object{"type": []string{"string", "integer"}, "examples": []string{"60s"}},
	})
	p["required"] = []string{"name", "url"}
	return p
}

func limitsSchema() object {
	return closed(object{"deletes": closed(object{
		"count":   object{"type": "integer", "minimum": 0},
		"percent": object{"type": "number", "minimum": 0, "maximum": 100},
	})})
}

func rolloutSchema() object {
	r := closed(object{
		"waves": object{"type": "array", "minItems": 1, "description": "How many panels have had their turn when each wave is over.",
			"items": object{"type": []string{"integer", "string"}, "examples": []any{1, "10%"}}},
		"pause":        object{"type": []string{"string", "integer"}, "description": "Between two waves.", "examples": []string{"30s"}},
		"max_failures": object{"type": "integer", "minimum": 0, "description": "The rollout stops when more have failed."},
	})
	r["required"] = []string{"waves"}
	return r
}

func policySchema() object {
	p := closed(object{"name": object{"type": "string"}, "message": object{"type": "string"},
		"deny": expression("over step, live, desired, panel and plan"), "warn": expression("over step, live, desired, panel and plan")})
	p["required"] = []string{"name"}
	return p
}
