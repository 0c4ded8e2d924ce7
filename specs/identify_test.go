package specs

import (
	"testing"

	"pgregory.net/rapid"
)

// callOf is the create call of a resource, as the client makes it.
func callOf(t *rapid.T, k *Kind, r *Resource) (fn string, params map[string]string) {
	params = map[string]string{}
	for _, f := range r.Fields {
		if row := k.Field(f.Name); !row.KeyPart {
			params[row.Param] = row.ToPanel(f.Value)
		}
	}
	made, err := k.CreateParams(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range made {
		params[p[0]] = p[1]
	}
	if fn, err = k.FuncToCreate(r); err != nil {
		t.Fatal(err)
	}
	return fn, params
}

var label = rapid.StringMatching(`[a-z][a-z0-9]{0,6}`)

// entryOf draws the name and the parts of an entry of each kind whose key is
// not simply a name, and of one whose is.
var entries = map[string]func(t *rapid.T, l func(string) string) (name, su string, fields map[string]string){
	"webdomain": func(_ *rapid.T, l func(string) string) (string, string, map[string]string) {
		return l("a") + "." + l("b"), "", nil
	},
	"email": func(_ *rapid.T, l func(string) string) (string, string, map[string]string) {
		return l("box") + "@" + l("a") + "." + l("b"), "", nil
	},
	"db": func(_ *rapid.T, l func(string) string) (string, string, map[string]string) {
		return l("name") + "->" + l("server"), "", nil
	},
	"db.users": func(_ *rapid.T, l func(string) string) (string, string, map[string]string) {
		return l("name"), "", map[string]string{"plid": l("db") + "->" + l("server")}
	},
	"scheduler": func(_ *rapid.T, l func(string) string) (string, string, map[string]string) {
		return l("name") + " " + l("more"), l("su"), nil
	},
	"sslcert": func(t *rapid.T, l func(string) string) (string, string, map[string]string) {
		f := map[string]string{"owner": l("owner"), "type": rapid.SampledFrom([]string{"selfsigned", "letsencrypt"}).Draw(t, "type")}
		f["domains"] = l("a") + "." + l("b")
		return l("name"), "", f
	},
	"domain.record": func(t *rapid.T, l func(string) string) (string, string, map[string]string) {
		f := map[string]string{"plid": l("zone") + ".org", "rtype": rapid.SampledFrom([]string{"a", "aaaa", "cname", "mx", "txt", "srv", "caa", "tlsa"}).Draw(t, "type")}
		switch f["rtype"] {
		case "a":
			f["value"] = "192.0.2.1"
		case "aaaa":
			f["value"] = "2001:db8::1"
		case "txt", "tlsa":
			f["value"] = "v=" + l("value") + " -all"
		default:
			f["value"] = l("value") + ".net."
		}
		return l("name"), "", f
	},
}

// The way back leads home: of the create call that the row makes of an entry,
// and of the elid its key is, comes the same identity.
func TestIdentityIsFoundAgain(t *testing.T) {
	for kind, draw := range entries {
		t.Run(kind, rapid.MakeCheck(func(t *rapid.T) {
			k := Builtin().Kind(kind)
			name, su, texts := draw(t, func(n string) string { return label.Draw(t, n) })
			var fields Fields
			for _, f := range k.Fields {
				if text, ok := texts[f.Name]; ok {
					v, err := f.FromParam(text)
					if err != nil {
						t.Fatal(err)
					}
					fields = fields.With(f.Name, v)
				}
			}
			key, err := k.KeyOf(name, su, fields)
			if err != nil {
				t.Fatal(err)
			}
			r := &Resource{Ref: Ref{Kind: kind, Key: key}, Su: su, Fields: fields}
			fn, params := callOf(t, k, r)
			known := Fields{}
			if k.Parent != nil {
				v, _ := fields.Get(k.Parent.Field)
				known = known.With(k.Parent.Field, v)
			}
			sent := known
			for _, f := range fields {
				if !k.Field(f.Name).KeyPart {
					sent = sent.With(f.Name, f.Value)
				}
			}
			id, ok := k.FromCreate(fn, params, su, sent)
			if !ok || id.Key != key || !id.Told {
				t.Fatalf("FromCreate(%s, %v) = %+v, %t; want %q", fn, params, id, ok, key)
			}
			if again, err := k.KeyOf(id.Name, su, id.Fields); err != nil || again != key {
				t.Fatalf("the entry found has the key %q, %v", again, err)
			}
			if k.Key.Elid != "" {
				return
			}
			id, ok = k.FromElid(key, su, known)
			if !ok || id.Key != key {
				t.Fatalf("FromElid(%q) = %+v, %t", key, id, ok)
			}
			if again, err := k.KeyOf(id.Name, su, id.Fields); err != nil || again != key {
				t.Fatalf("the entry found has the key %q, %v", again, err)
			}
		}))
	}
}

// What cannot be proved is no answer.
func TestIdentityIsNotGuessed(t *testing.T) {
	for _, c := range []struct {
		why, kind, fn string
		params        map[string]string
	}{
		{"a mailbox without its domain", "email", "email.edit", map[string]string{"name": "info"}},
		{"a record without its zone", "domain.record", "domain.record.edit", map[string]string{"name": "www", "rtype": "a", "ip": "192.0.2.1"}},
		{"a job without a description", "scheduler", "scheduler.edit", map[string]string{"command": "/bin/true"}},
		{"a certificate made by another function", "sslcert", "sslcert.renew", map[string]string{"name": "a", "username": "b"}},
		{"no name", "user", "user.edit", map[string]string{"fullname": "A"}},
	} {
		if id, ok := Builtin().Kind(c.kind).FromCreate(c.fn, c.params, "", nil); ok {
			t.Errorf("%s: got %+v", c.why, id)
		}
	}
	for _, c := range []struct{ why, kind, elid string }{
		{"only the list knows what number 7 is", "scheduler", "7"},
		{"no address", "email", "info"},
		{"two names", "user", "a, b"},
		{"no zone", "domain.record", "www"},
	} {
		if id, ok := Builtin().Kind(c.kind).FromElid(c.elid, "", nil); ok {
			t.Errorf("%s: got %+v", c.why, id)
		}
	}
}
