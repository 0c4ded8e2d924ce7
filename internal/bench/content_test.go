package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Every site belongs to a user that is declared before it, no user has more
// sites than its limit, and keys are unique.
func TestContentFitsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := size{rapid.IntRange(1, 3).Draw(t, "panels"), rapid.IntRange(1, 20).Draw(t, "users"), rapid.IntRange(1, 200).Draw(t, "sites")}
		limit, seen := map[string]string{}, map[string]bool{}
		for u := range s.usersOf() {
			limit[u.key] = u.asMap()["limit_webdomains"]
		}
		if len(limit) != s.users {
			t.Fatalf("%d users, not %d", len(limit), s.users)
		}
		owned := map[string]int{}
		for r := range s.sitesOf(0, false) {
			owner := r.asMap()["owner"]
			if limit[owner] == "" || seen[r.key] {
				t.Fatalf("%s is there twice or belongs to %q, which is not declared", r.key, owner)
			}
			seen[r.key] = true
			owned[owner]++
		}
		for u, n := range owned {
			if most := 2*s.sites/s.users + 1; n > most {
				t.Fatalf("%s owns %d, more than its limit %s", u, n, limit[u])
			}
		}
		if len(seen) != s.sites {
			t.Fatalf("%d sites, not %d", len(seen), s.sites)
		}
	})
}

// What the specs look like.
func TestSpecsAsWritten(t *testing.T) {
	dir := t.TempDir()
	s := scenario{size: size{2, 1, 2}, aliases: true}
	if err := writeSpecs(dir, s, []string{"http://127.0.0.1:1/ispmgr", "http://127.0.0.1:2/ispmgr"}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"panels.yaml": `panels:
  - name: web01
    url: http://127.0.0.1:1/ispmgr
    auth: {username: root, password: "${secret.env('BENCH_PANEL_PASSWORD')}"}
  - name: web02
    url: http://127.0.0.1:2/ispmgr
    auth: {username: root, password: "${secret.env('BENCH_PANEL_PASSWORD')}"}
`,
		"web02.yaml": `resources:
  user:
    - name: u00001
      panels: [web02]
      fullname: User 1
      limit_webdomains: 5
      passwd: "${secret.env('BENCH_USER_PASSWORD')}"
  webdomain:
    - name: site000001.web02.example.com
      panels: [web02]
      owner: u00001
      php_mode: php_mode_fcgi_nginxfpm
      secure: off
      aliases: [www.site000001.web02.example.com]
    - name: site000002.web02.example.com
      panels: [web02]
      owner: u00001
      php_mode: php_mode_cgi
      secure: off
      aliases: [www.site000002.web02.example.com]
`,
	} {
		got, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// The aiohttp script finds nothing to do on panels that hold the spec, and the
// one site that is missing.
func TestTheScriptComparesWhatIsDeclared(t *testing.T) {
	p := findPython(context.Background())
	if p.path == "" {
		t.Skip("no Python with aiohttp and yaml: " + p.missing)
	}
	w := testWorkshop(t)
	w.python = p
	s := scenario{size: size{2, 1, 3}}
	f := testFleet(t, s)
	specs := t.TempDir()
	if err := writeSpecs(specs, s, f.urls()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.runPython(t.Context(), specs, s.size.resources()); err != nil {
		t.Error(err)
	}
	f.hosts[1].panel.Load().Delete("webdomain", "site000002.web02.example.com")
	f.hosts[0].panel.Load().Put("webdomain", "site000003.web01.example.com", map[string]string{"secure": "on"})
	_, err := w.runPython(t.Context(), specs, s.size.resources())
	if err == nil || !strings.Contains(err.Error(), "8 declared, 1 missing, 1 different") {
		t.Errorf("the error is %v", err)
	}
}
