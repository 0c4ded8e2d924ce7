package apiclient

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDecodeXML(t *testing.T) {
	for _, x := range []struct{ why, xml, want string }{
		{"a list", `<doc func="user"><elem><name>alice</name><php/></elem><p_elems>1</p_elems></doc>`, `{"doc":{"$func":"user","elem":[{"name":{"$":"alice"},"php":{}}],"p_elems":{"$":"1"}}}`},
		{"rows among other nodes are one array", `<doc><elem><a>1</a></elem><x>2</x><elem/></doc>`, `{"doc":{"elem":[{"a":{"$":"1"}},{}],"x":{"$":"2"}}}`},
		{"a localised cell", `<doc><elem><database orig="db_not_assigned">Not used</database></elem></doc>`, `{"doc":{"elem":[{"database":{"$orig":"db_not_assigned","$":"Not used"}}]}}`},
		{"an error", `<doc><error type="value" object="elid"><param name="value">x</param><msg>No</msg></error></doc>`, `{"doc":{"error":{"$type":"value","$object":"elid","param":[{"$name":"value","$":"x"}],"msg":{"$":"No"}}}}`},
		{"several of one name", `<doc><msg name="a">1</msg><msg name="b">2</msg></doc>`, `{"doc":{"msg":[{"$name":"a","$":"1"},{"$name":"b","$":"2"}]}}`},
		{"space between nodes is layout, space in a value is not", "<doc>\n  <a> x </a>\n</doc>\n", `{"doc":{"a":{"$":" x "}}}`},
		{"what moves cursors and turns texts is escaped", "<doc><a>\x1b[2J\u009b\u202e\u2028 \"\\\n</a></doc>", `{"doc":{"a":{"$":"\u001b[2J\u009b\u202e\u2028 \"\\\n"}}}`},
		{"v4's authfail", `<authfail/>`, `{"authfail":{}}`},
		{"a bare text", `<doc>x</doc>`, `{"doc":{"$":"x"}}`},
		{"nothing in it", `<doc/>`, `{"doc":{}}`},
	} {
		v, err := DecodeXML(strings.NewReader(x.xml))
		if err != nil {
			t.Errorf("%s: %v", x.why, err)
			continue
		}
		got, err := json.Marshal(v)
		if diff := cmp.Diff(x.want, string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v -want +got\n%s", x.why, err, diff)
		}
	}
	for says, body := range map[string]string{
		"it is empty": " ", "the text \"access deny\"": "access deny", "cut off": "<doc><elem>", "HTML page": "<!DOCTYPE html><html></html>",
		"entity tricks": `<!DOCTYPE doc [<!ENTITY a "a">]><doc/>`, "second document": "<doc/><doc/>", "nested more than": strings.Repeat("<a>", 100),
		"more than 4194304 nodes": "<doc>" + strings.Repeat("<a></a>", maxElements+1) + "</doc>",
	} {
		if _, err := DecodeXML(strings.NewReader(body)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

// TestDecodeXMLKeepsAll: any text comes back out of the JSON as it was, and the
// JSON holds nothing that a terminal obeys.
func TestDecodeXMLKeepsAll(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringN(1, 20, -1).Filter(func(s string) bool { return !strings.ContainsAny(s, "\r\x00") }).Draw(rt, "text")
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", "\"", "&quot;").Replace(text)
		v, err := DecodeXML(strings.NewReader(`<doc a="` + escaped + `"><b>` + escaped + `</b></doc>`))
		if err != nil {
			rt.Fatal(err)
		}
		got, err := json.Marshal(v)
		if err != nil {
			rt.Fatal(err)
		}
		var back struct {
			Doc struct {
				A string            `json:"$a"`
				B map[string]string `json:"b"`
			} `json:"doc"`
		}
		if err := json.Unmarshal(got, &back); err != nil || back.Doc.A != text || back.Doc.B["$"] != text {
			rt.Fatalf("%q became %s: %v", text, got, err)
		}
		if bytes.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			rt.Fatalf("%q holds what a terminal obeys", got)
		}
	})
}

// FuzzDecodeXML: whatever comes in, what comes out is valid JSON.
func FuzzDecodeXML(f *testing.F) {
	for _, s := range []string{`<doc a="1" a="2"><elem/>x<elem>y</elem></doc>`, "<doc>\xff\x1b</doc>", `<a b='"'><![CDATA[<]]></a>`, rows(1, site("a.example.com"))} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := DecodeXML(bytes.NewReader(body))
		if err != nil {
			return
		}
		if got, err := json.Marshal(v); err != nil || !json.Valid(got) {
			t.Errorf("%q became %s: %v", body, got, err)
		}
	})
}
