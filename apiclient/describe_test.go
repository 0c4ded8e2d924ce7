package apiclient

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
)

func TestDescribe(t *testing.T) {
	form := `<doc lang="en" func="webdomain.edit"><elid>a.example.com</elid><name>a.example.com</name><charset>utf-8</charset><passwd>hunter2</passwd><x/>
<metadata name="webdomain.edit" type="form" mgr="ispmgr"><form><page name="main"><field name="name"><input type="text" name="name" required="yes"/></field>
<field name="charset"><select name="charset"/></field></page><page name="more"><field name="note"><textarea name="note" readonly="yes"/></field>
<field name="passwd"><input type="password" name="passwd"/><link name="passwd" type="js"/></field>
<field name="mode"><input type="radio" name="mode"/><input type="radio" name="mode"/></field><field name="odd"><novelty name="odd"/></field></page></form></metadata>
<messages name="webdomain.edit"><msg name="title">Site</msg><msg name="name">Do<b/>main</msg><msg name="hint_name">Its&#27;[2J name</msg><msg name="off">None</msg></messages>
<slist name="charset"><val key="utf-8">UTF-8</val><val key="off"/><val>koi8-r</val></slist></doc>`
	list := `<doc><elem><name>a.example.com</name></elem><metadata name="webdomain" type="list" key="name"><coldata>
<col type="data" name="name" sort="alpha"/><col type="prop" name="ssl"><prop name="ssl_ok"/><xprop name="ssl_status" value="1"/><xprop name="ssl_status" value="2"/></col><col name="odd"/></coldata></metadata>
<messages><msg name="name">Domain</msg></messages></doc>`
	c, s := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
		switch fn {
		case "webdomain.edit":
			return 200, form
		case "webdomain":
			return 200, list
		case "plain":
			return 200, `<doc><metadata/><messages/></doc>`
		case "refused":
			return 200, `<doc><metadata type="list"/><error type="access" object="refused"/></doc>`
		}
		return 0, ""
	})
	for _, x := range []struct {
		fn   string
		want Description
	}{
		{"webdomain.edit", Description{Type: "form", Title: "Site", Fields: []DescribedField{
			{Name: "name", Type: "text", Label: "Domain", Hint: "Its [2J name", Required: true, Value: "a.example.com"},
			{Name: "charset", Type: "select", Value: "utf-8", Choices: []Choice{{"utf-8", "UTF-8"}, {"off", "None"}, {"koi8-r", "koi8-r"}}},
			{Name: "note", Type: "textarea", ReadOnly: true},
			{Name: "passwd", Type: "password"}, {Name: "mode", Type: "radio"}, {Name: "odd"},
		}}},
		{"webdomain", Description{Type: "list", Key: "name", Columns: []DescribedColumn{{"name", "data", "Domain"}, {"ssl_ok", "prop", ""}, {"ssl_status", "prop", ""}, {"odd", "", ""}}}},
		{"plain", Description{}},
	} {
		x.want.Func = x.fn
		got, err := c.Describe(t.Context(), x.fn, [][2]string{{"elid", "a.example.com"}}, "ru")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&x.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", x.fn, diff)
		}
		if f := s.calls(x.fn)[0]; f.Get("out") != "devel" || f.Get("lang") != "ru" || f.Get("elid") != "a.example.com" || f.Has("sok") {
			t.Errorf("asked %v", f)
		}
	}
	if _, err := c.Describe(t.Context(), "refused", nil, ""); err == nil || asError(t, err).Type != "access" {
		t.Error(err)
	}
	for _, fn := range []string{"user.delete", "user.add", ""} {
		if _, err := c.Describe(t.Context(), fn, nil, ""); err == nil || asError(t, err).Type != typeNotSent || len(s.calls(fn)) > 0 {
			t.Errorf("%s: %v", fn, err)
		}
	}
}

func TestDescribeOnSimulatedPanel(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{})
	sim.Put("user", "alice", map[string]string{"fullname": "Alice"})
	form, err := c.Describe(t.Context(), "user.edit", [][2]string{{"elid", "alice"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(form.Fields, func(f DescribedField) bool { return f.Name == "fullname" })
	if form.Type != "form" || i < 0 || form.Fields[i].Value != "Alice" || form.Fields[i].Label == "" {
		t.Errorf("%+v", form)
	}
	list, err := c.Describe(t.Context(), "user", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if list.Type != "list" || list.Key != "name" || !slices.ContainsFunc(list.Columns, func(c DescribedColumn) bool { return c.Name == "fullname" && strings.Contains(c.Label, "name") }) {
		t.Errorf("%+v", list)
	}
}
