package specs

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// hostileText draws texts that YAML, templates or terminals take for something else.
var hostileText = rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\n\t]{0,12}`), rapid.SampledFrom([]string{
	"", "true", "off", "null", "~", "0755", "1.10", "- a", "a: b", "# c", " lead", "trail ", "a\nb\n", "\n", "\t", "'", `"`, "[x]", "{y}", "&a", "*", "!t", "<<", "=", "%", "@", "`",
	"${vars.x}", "$${", "$$${", "${", "\u202e", "\u00a0", "\ufeff", "é", "2020-01-01", "0x1f", "1_000", ".inf", "|", ">", "? a", "---", "...",
}))

// What WriteEntries writes, Load reads: names, fields of every type, secrets, tombstones.
func TestEntryTextIsReadBack(t *testing.T) {
	kinds := `kinds: {x: {delete: x.delete, key: {canon: text}, fields: {
  t: {}, b: {canon: bool}, n: {canon: int}, l: {canon: words}, name: {}, when: {}, s: {secret: true}}}}
`
	rapid.Check(t, func(t *rapid.T) {
		canon := func(c string) Canon { v, _ := canonByName(c); return v }
		var fields Fields
		field := func(name string, c Canon, items ...string) {
			if v, err := c.Parse(items...); err == nil && rapid.Bool().Draw(t, name+" is there") {
				fields = append(fields, Field{name, v})
			}
		}
		field("b", canon("bool"), rapid.SampledFrom([]string{"", "on", "off"}).Draw(t, "b"))
		field("l", canon("words"), rapid.SliceOfN(hostileText, 0, 4).Draw(t, "l")...)
		field("n", canon("int"), rapid.SampledFrom([]string{"", "0", "-7", "10"}).Draw(t, "n"))
		field("name", canon("text"), hostileText.Draw(t, "name field"))
		field("t", canon("text"), hostileText.Draw(t, "t"))
		field("when", canon("text"), hostileText.Draw(t, "when field"))
		name := hostileText.Filter(func(s string) bool {
			v, err := canon("text").Parse(s)
			return err == nil && v.s != "" && !strings.Contains(s, ", ") && !strings.ContainsAny(v.s, "\n\t")
		}).Draw(t, "name")
		e := Entry{Kind: "x", Name: name, Panels: []string{"web1"}, Fields: fields, Absent: rapid.Bool().Draw(t, "absent"),
			Comments: rapid.SliceOfN(hostileText, 0, 3).Draw(t, "comments"),
			Secrets:  []SecretField{{"s", Secret{SecretFile, rapid.SampledFrom([]string{"/a b", "/it's", `/a\b`, "/é"}).Draw(t, "path")}}}}
		var b bytes.Buffer
		if err := WriteEntries(&b, e.Comments, []Entry{e}); err != nil {
			t.Fatal(err)
		}
		spec, err := Load(Options{Paths: []string{"-"}, Stdin: strings.NewReader(kinds + "panels: [{name: web1, url: 'https://a/', auth: {username: r, password: \"${secret.env('P')}\"}}]\n" + b.String())})
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		rs := spec.Desired("web1").Resources("x")
		if len(rs) != 1 {
			t.Fatalf("%d resources of\n%s", len(rs), b.String())
		}
		want, _ := canon("text").Parse(name)
		if rs[0].Ref.Key != want.s || rs[0].Absent != e.Absent {
			t.Fatalf("%v absent=%t, want %q\n%s", rs[0].Ref, rs[0].Absent, want.s, b.String())
		}
		if d := cmp.Diff(fields, rs[0].Fields, cmp.AllowUnexported(Value{})); d != "" && len(fields)+len(rs[0].Fields) > 0 {
			t.Fatalf("%s\n%s", d, b.String())
		}
		if d := cmp.Diff(e.Secrets, rs[0].Secrets); d != "" {
			t.Fatalf("%s\n%s", d, b.String())
		}
		for _, r := range b.String() {
			if invisible(r) {
				t.Fatalf("%U is written raw in\n%q", r, b.String())
			}
		}
	})
}

// A literal password has no reference to write.
func TestEntryTextRefusesLiterals(t *testing.T) {
	err := WriteEntries(&bytes.Buffer{}, nil, []Entry{{Kind: "user", Name: "a", Secrets: []SecretField{{"passwd", Secret{SecretLiteral, "a.yaml:1:2"}}}}})
	if err == nil || !strings.Contains(err.Error(), "not a reference") {
		t.Errorf("got %v", err)
	}
}
