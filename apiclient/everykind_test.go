package apiclient

import (
	"slices"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// everyKind is one of each kind that can be made, as a spec declares it.
const everyKind = `
panels: [{name: web1, url: "http://localhost:1500/ispmgr", auth: {username: root, password: "${secret.env('PW')}"}}]
resources:
  preset: [{name: starter, limit_db: 5}]
  user: [{name: alice, fullname: Alice, passwd: "${secret.env('A')}"}]
  domain: [{name: one.example, owner: alice, ip: 192.0.2.1}]
  domain.record:
    - {plid: one.example, name: www2, rtype: a, value: 192.0.2.7, ttl: 60}
    - {plid: one.example, name: "@", rtype: mx, value: mail.one.example., priority: 10}
    - {plid: one.example, name: "@", rtype: txt, value: v=spf1 -all}
  webdomain: [{name: shop.one.example, owner: alice, aliases: [www.shop.one.example]}]
  emaildomain: [{name: one.example, owner: alice}]
  email: [{name: info@one.example, passwd: "${secret.env('A')}", forward: [boss@example.org]}]
  db: [{name: shop, owner: alice, user: "*", username: shop, password: "${secret.env('A')}"}]
  db.users: [{plid: shop->MySQL, name: reader, password: "${secret.env('A')}"}]
  ftp.user: [{name: upload, owner: alice, home: /www, passwd: "${secret.env('A')}"}]
  scheduler: [{su: alice, name: nightly/1, command: "true", input_min: "5", active: false}]
  sslcert:
    - {owner: alice, name: own, domains: [shop.one.example]}
    - {owner: alice, name: le, type: letsencrypt, domains: [shop.one.example], email: a@one.example}
`

// TestEveryKind makes one of each kind of the built-in catalog on a simulated
// panel, reads it back as declared, and deletes it again. The panel was written
// from the record of real ones and not from the catalog.
func TestEveryKind(t *testing.T) {
	spec, err := specs.Load(specs.Options{Paths: []string{"-"}, Stdin: strings.NewReader(everyKind)})
	if err != nil {
		t.Fatal(err)
	}
	desired := spec.Desired("web1")
	kinds := desired.Kinds()
	if len(kinds) != 12 || desired.Len() != 15 {
		t.Fatalf("the spec declares %d of %v", desired.Len(), kinds)
	}
	rank := func(a, b string) int { return spec.Catalog.Kind(a).Rank - spec.Catalog.Kind(b).Rank }
	slices.SortStableFunc(kinds, rank)
	sim := simpanel.New(simpanel.Options{Password: testPassword})
	p, o, _ := serve(t, sim)
	o.Catalog = spec.Catalog
	w := NewWriter(client(t, p, o))
	for _, name := range kinds {
		for _, r := range desired.Resources(name) {
			if _, err := w.Create(t.Context(), r); err != nil {
				t.Errorf("create: %v", err)
				continue
			}
			live := read(t, w, spec, desired, &r)
			if live == nil {
				t.Errorf("%s was created and is not there", r.Ref)
				continue
			}
			if live.Parent != r.Parent || live.Su != r.Su {
				t.Errorf("%s is in %q of %q, want %q of %q", r.Ref, live.Parent, live.Su, r.Parent, r.Su)
			}
			for _, f := range r.Fields {
				row := spec.Catalog.Kind(name).Field(f.Name)
				if v, ok := live.Fields.Get(f.Name); row.Read != specs.Never && (!ok || v != f.Value) {
					t.Errorf("%s: %s is %v (told %v), want %v", r.Ref, f.Name, v, ok, f.Value)
				}
			}
		}
	}
	slices.Reverse(kinds)
	for _, name := range kinds {
		if spec.Catalog.Kind(name).Delete == "" {
			continue
		}
		for _, r := range desired.Resources(name) {
			live := read(t, w, spec, desired, &r)
			if live == nil {
				continue // reported above
			}
			if _, err := w.Delete(t.Context(), *live); err != nil {
				t.Errorf("delete: %v", err)
			}
			if read(t, w, spec, desired, &r) != nil {
				t.Errorf("%s was deleted and is there", r.Ref)
			}
		}
	}
}

// read reads the live counterpart of a declared resource, nil when there is none.
func read(t *testing.T, w *Writer, spec *specs.Spec, desired *specs.State, r *specs.Resource) *specs.Resource {
	t.Helper()
	k := spec.Catalog.Kind(r.Ref.Kind)
	state, err := w.Read(t.Context(), []specs.Want{{
		Kind: k, Su: []string{r.Su}, Parents: []string{r.Parent},
		Declared: func(key string) *specs.Resource { return desired.Find(k.Name, key) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	if l, _ := state.Listing(k.Name); l.Err != nil {
		t.Fatalf("%s: %v", r.Ref, l.Err)
	}
	return state.Find(k.Name, r.Ref.Key)
}
