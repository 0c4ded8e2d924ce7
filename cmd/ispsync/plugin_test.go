package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// plugin is a simulated panel with a plug-in: mailing lists, of which neither
// the simulator nor the catalog knows anything.
type plugin struct {
	panel http.Handler
	mu    sync.Mutex
	lists map[string]map[string]string
}

func (p *plugin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || !strings.HasPrefix(r.Form.Get("func"), "maillist") {
		p.panel.ServeHTTP(w, r)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<doc lang="en" func="%s">`, r.Form.Get("func"))
	defer fmt.Fprint(w, "</doc>")
	name := r.Form.Get("elid")
	switch fn := r.Form.Get("func"); {
	case fn == "maillist":
		for key, l := range p.lists {
			fmt.Fprintf(w, "<elem><name>%s</name><owner>%s</owner><title>%s</title><moderated>%s</moderated></elem>", key, l["owner"], html.EscapeString(l["title"]), l["moderated"])
		}
		fmt.Fprintf(w, "<p_elems>%d</p_elems>", len(p.lists))
	case fn == "maillist.delete":
		delete(p.lists, name)
		fmt.Fprint(w, "<ok/>")
	case r.Form.Get("sok") == "":
		fmt.Fprintf(w, "<elid>%s</elid><members>%s</members>", name, p.lists[name]["members"])
	default:
		if name == "" {
			name = r.Form.Get("name")
			p.lists[name] = map[string]string{}
		}
		for k := range r.Form {
			p.lists[name][k] = r.Form.Get(k)
		}
		fmt.Fprint(w, "<ok/>")
	}
}

// A kind that a spec adds works end to end: made, compared by list and form,
// changed, and pruned.
func TestPluginExample(t *testing.T) {
	ex := newExample(t, filepath.Join("..", "..", "examples", "plugin"))
	p := &plugin{panel: simpanel.New(simpanel.Options{Password: testPassword}), lists: map[string]map[string]string{
		"old@example.com": {"owner": "alice", "title": "Old news", "moderated": "off"},
	}}
	srv := httptest.NewServer(p)
	defer srv.Close()
	ex.spec.Panels[0].URL = srv.URL + "/ispmgr"
	ex.run(t, exitOK, ex.apply)
	l := p.lists["news@example.com"]
	if l == nil || l["owner"] != "alice" || l["moderated"] != "on" || l["admin_passwd"] != testPassword || l["members"] != "bob@example.org carol@example.org" {
		t.Errorf("the list is %v", l)
	}
	if p.lists["old@example.com"] != nil {
		t.Error("the undeclared list of alice is still there")
	}
	noChanges := func() {
		t.Helper()
		if out := ex.run(t, exitOK, func(a *app) error { return ex.plan(a, "text") }); !strings.HasSuffix(out, "No changes.\n") {
			t.Errorf("after the apply:\n%s", out)
		}
	}
	noChanges()
	l["members"] = "carol@example.org  Bob@example.org" // as the panel might write them
	noChanges()
	l["members"] = "mallory@example.org"
	ex.run(t, exitOK, ex.apply)
	if got := strings.Fields(l["members"]); !slices.Equal(got, []string{"bob@example.org", "carol@example.org"}) {
		t.Errorf("the members are %v", got)
	}
}
