package simpanel

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFormats compares what each format says of a list, a form, a success and
// an error with goldens that were checked against the record by hand.
func TestFormats(t *testing.T) {
	calls := [][]string{
		{"ftp.user"},
		{"ftp.user.edit", "elid", "alice_ftp"},
		save("ftp.user.edit", "name", "new_ftp", "owner", "alice", "passwd", "x"),
		{"ftp.user.delete", "elid", "none", "lang", "ru"},
		{"auth", "username", "root", "password", "wrong"},
	}
	for name, gen := range map[string]Generation{"v6": V6, "v4": V4} {
		for _, out := range []string{"devel", "text", "json", "sjson", "JSONdata", "print"} {
			t.Run(name+" "+out, func(t *testing.T) {
				var all strings.Builder
				for _, call := range calls {
					p := sample(Options{Generation: gen})
					p.Put("ftp.user", "alice_ftp", map[string]string{"owner": "alice", "home": "/www <x>"})
					_, body := post(p, call[0], append([]string{"out", out}, call[1:]...)...)
					all.WriteString("== " + strings.Join(call, " ") + "\n" + strings.ReplaceAll(body, "><", ">\n<"))
				}
				golden(t, "format-"+name+"-"+out+".txt", all.String())
			})
		}
	}
}

// TestContentTypes: each format says what it is; no format is xml, an
// unknown one is for a browser.
func TestContentTypes(t *testing.T) {
	for out, want := range map[string]string{
		"xml": "text/xml", "devel": "text/xml", "text": "text/plain", "json": "application/json",
		"sjson": "application/json", "xjson": "application/json", "JSONdata": "application/json", "bjson": "application/json",
		"print": "text/html", "": "text/xml", "mycustom": "text/html",
	} {
		w := httptest.NewRecorder()
		form := url.Values{"func": {"webdomain"}, "authinfo": {"root:pw"}, "out": {out}}
		sample(Options{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ispmgr?"+form.Encode(), nil))
		if got, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";"); got != want {
			t.Errorf("out=%s is %s, want %s", out, got, want)
		}
		if !strings.Contains(w.Body.String(), "shop.example.com") {
			t.Errorf("out=%s does not tell the sites: %s", out, w.Body)
		}
	}
}

// TestFormatsAgree: whatever a list holds, the JSON formats tell what xml
// tells, and text has a line for each row.
func TestFormatsAgree(t *testing.T) {
	text := rapid.StringMatching(`[ -~é\n]{0,12}`)
	rapid.Check(t, func(rt *rapid.T) {
		p, homes := newPanel(Options{}), make(map[string]string)
		for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,6}`), 0, 4, rapid.ID).Draw(rt, "names") {
			homes[name] = text.Draw(rt, "home")
			p.Put("ftp.user", name, map[string]string{"owner": "alice", "home": homes[name]})
		}
		in := func(out string, to any) {
			_, body := post(p, "ftp.user", "out", out)
			if err := json.Unmarshal([]byte(body), to); err != nil {
				rt.Fatalf("out=%s: %v\n%s", out, err, body)
			}
		}
		var rows []map[string]string
		in("JSONdata", &rows)
		var wrapped struct {
			Doc struct {
				Elem []map[string]struct {
					Text string `json:"$"`
				}
			}
		}
		in("sjson", &wrapped)
		if len(rows) != len(homes) || len(wrapped.Doc.Elem) != len(homes) {
			rt.Fatalf("%d and %d rows, want %d", len(rows), len(wrapped.Doc.Elem), len(homes))
		}
		for i, r := range rows {
			want := homes[r["name"]]
			if got := wrapped.Doc.Elem[i]["home"].Text; r["home"] != want || got != want {
				rt.Errorf("home of %s: %q and %q, want %q", r["name"], r["home"], got, want)
			}
		}
	})
}

// TestOneRow: json tells one row as an object, sjson as an array; readers
// must take both.
func TestOneRow(t *testing.T) {
	p := sample(Options{})
	for out, want := range map[string]string{"json": `"elem":{`, "sjson": `"elem":[{`} {
		if _, body := post(p, "domain", "out", out); !strings.Contains(body, want) {
			t.Errorf("out=%s lacks %s: %s", out, want, body)
		}
	}
}

// TestLanguages: texts differ, types do not; an unknown language is English.
func TestLanguages(t *testing.T) {
	p := sample(Options{})
	msgs := make(map[string]string)
	for _, lang := range []string{"en", "ru", "xx"} {
		n := ask(t, p, "user.delete", "elid", "nobody", "lang", lang)
		if n.outcome() != "value/elid" {
			t.Errorf("lang=%s: %s", lang, n.outcome())
		}
		msgs[lang] = n.text("error", "msg")
	}
	if msgs["en"] == msgs["ru"] || msgs["en"] != msgs["xx"] {
		t.Errorf("messages %v", msgs)
	}
	for typ := range errorText["en"] {
		if errorText["ru"][typ] == "" {
			t.Errorf("%s has no Russian text", typ)
		}
	}
}

// TestDevel: metadata names every field and column the document has.
func TestDevel(t *testing.T) {
	p := sample(Options{})
	p.Put("domain.record", "example.com/www.example.com. A  192.0.2.1", map[string]string{"ip": "192.0.2.1"})
	for name, fn := range byName {
		if fn.kind == nil || !fn.list && !fn.edit || name == "webdomain.delete.confirm" || name == "sslcert.edit" || fn.restart || fn.v4 {
			continue
		}
		call := []string{"out", "devel"}
		if fn.kind.scoped && fn.kind.parent != nil && fn.list {
			if fn.kind != kindRecord {
				continue
			}
			call = append(call, "elid", "example.com")
		}
		n := ask(t, p, name, call...)
		told := make(map[string]bool)
		for _, path := range [][]string{{"metadata", "coldata"}, {"metadata", "form"}} {
			if at := n.find(path...); at != nil {
				for i := range at.Nodes {
					told[at.Nodes[i].attr("name")] = true
				}
			}
		}
		of := n.find("elem")
		if fn.edit {
			of = n
		}
		for i := range of.kids() {
			field := of.Nodes[i].XMLName.Local
			if !notData[field] && !told[field] {
				t.Errorf("%s does not describe %s", name, field)
			}
		}
		if len(told) == 0 || n.find("messages") == nil {
			t.Errorf("%s has no metadata", name)
		}
	}
}

func (n *node) kids() []node {
	if n == nil {
		return nil
	}
	return n.Nodes
}
