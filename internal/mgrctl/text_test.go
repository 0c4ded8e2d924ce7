package mgrctl

import (
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseError(t *testing.T) {
	for _, c := range []struct {
		text string
		want *Failure // nil when it is no ERROR line
	}{
		{"ERROR value(site_name): invalid domain\n", &Failure{Type: "value", Object: "site_name", Message: "invalid domain"}},
		{"ERROR value(packagegroup_apache): The 'Apache' field has invalid value (now): really", &Failure{Type: "value", Object: "packagegroup_apache", Message: "The 'Apache' field has invalid value (now): really"}},
		{"ERROR dns(domain_access)", &Failure{Type: "dns", Object: "domain_access"}},
		{"error request_failed: The request was terminated by administrator", &Failure{Type: "request_failed", Message: "The request was terminated by administrator"}},
		{"some warning\r\nERROR missed(feature): x\r\nERROR second(y): z\r\n", &Failure{Type: "missed", Object: "feature", Message: "x"}},
		{"ERROR value(): empty", &Failure{Type: "value", Message: "empty"}},
		{"ERROR value(a\x1b[2Jb): \x07bell", &Failure{Type: "value", Object: "a [2Jb", Message: "bell"}},
		{"ERROR", nil},
		{"ERROR cannot connect", nil},
		{"ERRORS value(x): y", nil},
		{"name=ERROR value(x): y", nil},
		{"OK", nil},
	} {
		got, ok := ParseError(c.text)
		if d := cmp.Diff(c.want, got); d != "" || ok != (c.want != nil) {
			t.Errorf("%q (-want +got):\n%s", c.text, d)
		}
	}
}

func TestParseOK(t *testing.T) {
	for text, want := range map[string]bool{"OK": true, "OK\n": true, "OK\r\n": true, "OK\nid=5\n": true, "": false, "NOT OK": false, "OKAY": false, "ERROR x(y)": false} {
		if got := ParseOK(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestParseList(t *testing.T) {
	text := "owner=www-root key=www-root%#%a.example.com name=a.example.com info=a.example.com www.a.example.com active=on\n" +
		"id=7 name=web featlist=Apache MPM-ITK 2.4, nginx 1.28 active= badstate=install\n" +
		"\n" +
		"name=q=1 name=2 other=3 active=off\n"
	got, err := ParseList(text, []string{"name", "owner", "key", "info", "active", "featlist", "badstate"})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{
		{"owner": "www-root", "key": "www-root%#%a.example.com", "name": "a.example.com", "info": "a.example.com www.a.example.com", "active": "on"},
		{"name": "web", "featlist": "Apache MPM-ITK 2.4, nginx 1.28", "active": "", "badstate": "install"}, // id was not asked for
		{"name": "q=1 name=2 other=3", "active": "off"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := ParseList("name=a\nthe rest of a value\n", []string{"name"}); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a line without a field: %v", err)
	}
	if _, err := ParseList("ERROR access(user): no\n", []string{"name"}); err == nil || err.Error() != "the panel says access(user): no" {
		t.Errorf("an ERROR line: %v", err)
	}
}

var listKeys = []string{"name", "owner", "active", "id", "db.user"}

// A list reads back as it was written, in whatever order its fields stand, as
// long as no value holds what looks like a field.
func TestListsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[ a-z=%#,."'\\]{0,12}`).Filter(func(v string) bool {
			for _, k := range listKeys {
				if strings.Contains(" "+v, " "+k+"=") {
					return false
				}
			}
			return true
		})
		var want []map[string]string
		var text strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "rows") {
			keys := rapid.Permutation(listKeys).Draw(t, "order")[:rapid.IntRange(1, len(listKeys)).Draw(t, "fields")]
			row, words := map[string]string{}, []string{}
			for _, k := range keys {
				row[k] = value.Draw(t, k)
				words = append(words, k+"="+row[k])
			}
			want = append(want, row)
			text.WriteString(strings.Join(words, " ") + "\n")
		}
		got, err := ParseList(text.String(), listKeys)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Fatalf("%q: %v (-want +got):\n%s", text.String(), err, d)
		}
	})
}

func TestParseForm(t *testing.T) {
	got, err := ParseForm("title=Web-server (WWW)\npackage_php-fpm=on\nhide=\nnote=first\nsecond: a = b\n\nthird\nsaved_filters=\n")
	want := map[string]string{"title": "Web-server (WWW)", "package_php-fpm": "on", "hide": "", "note": "first\nsecond: a = b\n\nthird", "saved_filters": ""}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if got, err := ParseForm(""); len(got) != 0 || err != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
	if _, err := ParseForm("OK\n"); err == nil {
		t.Error("OK was read as a form")
	}
	if _, err := ParseForm("ERROR value(elid): no\n"); err == nil || err.Error() != "the panel says value(elid): no" {
		t.Errorf("an ERROR line: %v", err)
	}
}

func TestParseFunctions(t *testing.T) {
	text, err := os.ReadFile("testdata/functions.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := []Function{
		{"admin", "list", "Administrators."},
		{"admin.delete", "group operation", "Delete the selected administrators."},
		{"admin.edit", "form", "Add or edit an administrator. The account can do everything on the server."},
		{"acmesh.certs.update", "", "Description is not available"},
		{"a.very.long.function.name.of.some.plugin.indeed", "external function", "Takes more than its column."},
		{"exit", "", "Stop the panel"},
	}
	if d := cmp.Diff(want, ParseFunctions(string(text))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	odd := "Help of the panel\n\nelid  the account\n  \x1b[1mby its name\nAnd more of it\nsok\n"
	want = []Function{{"elid", "", "the account [1mby its name And more of it"}, {"sok", "", ""}}
	if d := cmp.Diff(want, ParseFunctions(odd)); d != "" {
		t.Errorf("odd text (-want +got):\n%s", d)
	}
}

// Help as mgrctl lays it out, wrapped at any place, reads back.
func TestFunctionsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		types := rapid.SampledFrom([]string{"", "list", "form", "group operation", "validator", "report", "external function", "dashboard", "none"})
		name := rapid.StringMatching(`[a-z][a-z0-9_.-]{0,60}`)
		words := rapid.SliceOfN(rapid.StringMatching(`[A-Za-z0-9,()=-]{1,12}`), 1, 20)
		var want []Function
		var text strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "entries") {
			f := Function{name.Draw(t, "name"), types.Draw(t, "type"), ""}
			all := words.Draw(t, "words")
			f.Description = strings.Join(all, " ")
			if f.Type != "" {
				all = append(all, strings.Fields("Function type: "+f.Type)...)
			}
			line := f.Name + strings.Repeat(" ", max(1, nameColumns-len(f.Name))) + all[0]
			for _, w := range all[1:] {
				if len(line)+len(w) > 80 || rapid.IntRange(0, 9).Draw(t, "wrap") == 0 {
					text.WriteString(line + "\n")
					line = strings.Repeat(" ", nameColumns) + w
					continue
				}
				line += " " + w
			}
			text.WriteString(line + "\n")
			want = append(want, f)
		}
		if d := cmp.Diff(want, ParseFunctions(text.String())); d != "" {
			t.Fatalf("%s(-want +got):\n%s", text.String(), d)
		}
	})
}

// Whatever mgrctl prints, what goes to messages has no control characters, and
// what is read was in the text.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"OK\n", "ERROR value(site_name): invalid domain\n", "error request_failed: ended", "name=a b=c active=on\nname= active=\n",
		"title=x\nnote=a\nb\n", "admin                                        Administrators. Function type: list\n", "name=\x1b[31m\xff active=\u202e",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var shownTexts []string
		if e, ok := ParseError(text); ok {
			shownTexts = append(shownTexts, e.Type, e.Object, e.Message, e.Error())
			if e.Type == "" || ParseOK(strings.TrimLeft(text, "\n")) && !strings.Contains(text, "\n") {
				t.Errorf("%q: %+v", text, e)
			}
		}
		rows, err := ParseList(text, []string{"name", "active", "b"})
		if err != nil {
			shownTexts = append(shownTexts, err.Error())
		}
		for _, row := range rows {
			for k, v := range row {
				if !strings.Contains(text, k+"="+v) {
					t.Errorf("%q: the list has no %s=%q", text, k, v)
				}
			}
		}
		form, err := ParseForm(text)
		if err != nil {
			shownTexts = append(shownTexts, err.Error())
		}
		for k, v := range form {
			if !strings.Contains(text, k+"="+v) {
				t.Errorf("%q: the form has no %s=%q", text, k, v)
			}
		}
		for _, fn := range ParseFunctions(text) {
			if fn.Name == "" || !strings.Contains(text, fn.Name) {
				t.Errorf("%q: no function is called %q", text, fn.Name)
			}
			shownTexts = append(shownTexts, fn.Name, fn.Type, fn.Description)
		}
		for _, s := range shownTexts {
			if strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("%q would be shown as %q", text, s)
			}
		}
	})
}
