package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/specs"
)

// TestMake shows, case by case, what becomes of a resource and why. The wanted
// text is the whole plan, in the short form of text().
func TestMake(t *testing.T) {
	unusable := func(r specs.Resource) specs.Resource { r.Unusable = `its key holds ", "`; return r }
	tests := []struct {
		name string
		w    func(t *testing.T) world
		want string
	}{
		{"what is equal is not mentioned, and what is not declared is not compared", func(t *testing.T) world {
			return world{desired: state(t, "", res("ip", "1", "mask=24")), live: state(t, "", res("ip", "1", "mask=24", "other=x"))}
		}, ""},
		{"parents are made first, and what is made needs what it refers to", func(t *testing.T) world {
			return world{
				desired: state(t, "",
					res("site", "a.org", "ips=[1 2]", "owner=alice"), res("zone", "a.org", "owner=alice"), res("record", "www", "plid=a.org"),
					res("user", "alice", "!passwd"), res("ip", "1")),
				live: state(t, allKinds, res("ip", "2", "mask=24")),
			}
		}, `s1 +ip/1 (declared, not on the panel)
s2 +user/alice !passwd (declared, not on the panel)
s3 +zone/a.org owner:absent>"alice" needs s2 (declared, not on the panel)
s4 +record/www plid:absent>"a.org" needs s3 (declared, not on the panel)
s5 +site/a.org ips:absent>["1" "2"] owner:absent>"alice" needs s1,s2,s3 (declared, not on the panel)
kept ip/2 (not declared)
`},
		{"an update needs no update, only creates", func(t *testing.T) world {
			return world{
				desired: state(t, "", res("user", "alice", "limit=2"), res("site", "a.org", "ips=[1]", "owner=alice", "php=on"), res("ip", "1")),
				live:    state(t, allKinds, res("user", "alice", "limit=1"), res("site", "a.org", "ips=[]", "owner=alice", "php=off")),
			}
		}, `s1 +ip/1 (declared, not on the panel)
s2 ~user/alice limit:"1">"2" (differs in limit)
s3 ~site/a.org ips:[]>["1"] php:"off">"on" needs s1 (differs in ips, php)
`},
		{"what only a create can set is a finding, and the rest is planned", func(t *testing.T) world {
			return world{
				desired: state(t, "", declaredAt(7, res("site", "a.org", "home=www/new", "owner=bob", "php=on"))),
				live:    state(t, allKinds, res("site", "a.org", "home=www/old", "owner=alice", "php=off")),
			}
		}, `s1 ~site/a.org php:"off">"on" (differs in php)
warning create_only_differs web1/site/a.org: home is "www/old", but site.yaml:7 declares "www/new"; it can be set only when the site is made: correct the spec, or delete and make it anew
warning owner_differs web1/site/a.org: it belongs to "alice", but site.yaml:7 declares the owner "bob"; an owner is not changed: correct the spec, or move it in the panel
`},
		{"what the panel does not tell is one finding per field, except where it never tells", func(t *testing.T) world {
			return world{
				desired: state(t, "", res("site", "a", "php=on"), res("site", "b", "hidden=x", "php=on"), res("site", "c", "php=on"), res("site", "d", "php=on"), res("site", "e", "php=on")),
				live:    state(t, allKinds, res("site", "a"), res("site", "b"), res("site", "c"), res("site", "d"), res("site", "e", "php=on")),
			}
		}, `warning field_unreadable web1/site: the panel does not tell the field php, so it is not compared for a, b, c and 1 more
`},
		{"secrets are written on create only", func(t *testing.T) world {
			return world{desired: state(t, "", res("user", "alice", "!passwd", "!pin"), res("user", "bob", "!pin", "!passwd")), live: state(t, "", res("user", "alice"))}
		}, `s1 +user/bob !passwd !pin (declared, not on the panel)
`},
		{"or when asked to, unless only a create can write them", func(t *testing.T) world {
			return world{desired: state(t, "", res("user", "alice", "limit=2", "!passwd", "!pin"), res("user", "bob", "!pin")), live: state(t, "", res("user", "alice", "limit=1"), res("user", "bob")),
				rotate: func(specs.Ref) bool { return true }}
		}, `s1 ~user/alice limit:"1">"2" !passwd (differs in limit; rotates passwd)
`},
		{"a create without a required field is an error and no step", func(t *testing.T) world {
			return world{desired: state(t, "", declaredAt(3, res("user", "alice")), declaredAt(5, res("site", "a.org"))), live: state(t, allKinds)}
		}, `error required_missing web1/site/a.org: web1/site/a.org: to be made it needs owner, which site.yaml:5 does not give
error required_missing web1/user/alice: web1/user/alice: to be made it needs passwd, which site.yaml:3 does not give
`},
		{"calls with an account's rights need no owner", func(t *testing.T) world {
			r := res("site", "a.org")
			r.Su = "alice"
			return world{desired: state(t, "", r), live: state(t, allKinds)}
		}, `s1 +site/a.org (declared, not on the panel)
`},
		{"an unusable key is left alone whatever the spec says", func(t *testing.T) world {
			return world{desired: state(t, "", declaredAt(4, res("ip", "1, 2", "mask=24")), absent("ip", "3, 4")),
				live:  state(t, "", unusable(res("ip", "1, 2", "mask=8")), unusable(res("ip", "3, 4")), unusable(res("ip", "5, 6"))),
				rules: &Rules{Prune: matching("ip", "name", "5, 6"), AllowDeletes: -1, Deletes: DefaultDeletes}}
		}, `kept ip/1, 2 (its key holds ", ")
kept ip/3, 4 (its key holds ", ")
kept ip/5, 6 (its key holds ", ")
warning unusable_key web1/ip/1, 2: site.yaml:4 declares it, but it is left alone: its key holds ", "
warning unusable_key web1/ip/3, 4: site.yaml:9 declares it, but it is left alone: its key holds ", "
`},
		{"a kind nobody declares or prunes is nobody's business", func(t *testing.T) world {
			return world{desired: state(t, "", res("ip", "1", "mask=24")), live: state(t, "", res("ip", "1", "mask=24"), res("site", "a.org"))}
		}, ""},
		{"--target plans what matches and the creates it needs, and finds nothing about the rest", func(t *testing.T) world {
			return world{desired: state(t, "", res("user", "alice", "!passwd"), res("user", "bob"), res("site", "a.org", "owner=alice"), res("site", "b.org", "owner=nobody"), absent("ip", "1")),
				live:    state(t, allKinds, res("ip", "1")),
				targets: func(r specs.Ref) bool { return r.Key == "a.org" }}
		}, `s1 +user/alice !passwd (declared, not on the panel)
s2 +site/a.org owner:absent>"alice" needs s1 (declared, not on the panel)
`},
		{"--target keeps the findings about a create that a target needs", func(t *testing.T) world {
			return world{desired: state(t, "", res("user", "alice"), res("site", "a.org", "owner=alice")), live: state(t, allKinds),
				targets: func(r specs.Ref) bool { return r.Kind == "site" }}
		}, `s1 +site/a.org owner:absent>"alice" (declared, not on the panel)
error required_missing web1/user/alice: web1/user/alice: to be made it needs passwd, which the spec does not give
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, text(tt.w(t).plan(t))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestReferences is about what a step refers to.
func TestReferences(t *testing.T) {
	site := declaredAt(7, res("site", "a.org", "owner=alcie"))
	failedUsers := func(live *specs.State) *specs.State { live.Fail("user", errors.New("short list")); return live }
	tests := []struct {
		name, want string
		w          world
	}{
		{"nothing of that name", `error reference_missing web1/site/a.org: site.yaml:7: its field owner refers to user "alcie", which is neither declared nor on web1
`, world{desired: state(t, "", site), live: state(t, allKinds)}},
		{"a misspelt name", `error reference_missing web1/site/a.org: site.yaml:7: its field owner refers to user "alcie", which is neither declared nor on web1; did you mean "alice"?
`, world{desired: state(t, "", site), live: state(t, allKinds, res("user", "zoe"), res("user", "alice"))}},
		{"declared absent", `error reference_missing web1/site/a.org: site.yaml:7: its field owner refers to user "alcie", which is neither declared nor on web1 (it is declared absent)
`, world{desired: state(t, "", site, absent("user", "alcie")), live: state(t, allKinds)}},
		{"the account in use need not be listed", `s1 +site/a.org owner:absent>"alcie" (declared, not on the panel)
`, world{desired: state(t, "", site), live: state(t, allKinds), account: "alcie"}},
		{"a list that cannot be relied on proves nothing missing", `s1 +site/a.org owner:absent>"alcie" (declared, not on the panel)
`, world{desired: state(t, "", site), live: failedUsers(state(t, allKinds))}},
		{"nor does one that was not read", `s1 +site/a.org owner:absent>"alcie" (declared, not on the panel)
`, world{desired: state(t, "", site), live: state(t, "site")}},
		{"each item of a list counts, and an update with a bad one is left out", `error reference_missing web1/site/a.org: the spec: its field ips refers to ip "9", which is neither declared nor on web1; did you mean "1"?
`, world{desired: state(t, "", res("site", "a.org", "ips=[1 9]", "php=on")), live: state(t, allKinds, res("site", "a.org", "ips=[]", "php=off"), res("ip", "1"))}},
		{"what the panel itself holds is not questioned", `s1 ~site/a.org php:"off">"on" (differs in php)
`, world{desired: state(t, "", res("site", "a.org", "ips=[9]", "php=on")), live: state(t, allKinds, res("site", "a.org", "ips=[9]", "php=off"))}},
		{"what this plan deletes cannot be referred to", `s1 -ip/1 (ensure: absent)
error reference_missing web1/site/a.org: site.yaml:8: its field ips refers to ip "1", which this plan deletes (ensure: absent)
`, world{desired: state(t, "", declaredAt(8, res("site", "a.org", "ips=[1]")), absent("ip", "1")), live: state(t, allKinds, res("site", "a.org", "ips=[1]"), res("ip", "1"))}},
		{"unless the reference is let go of first", `s1 ~site/a.org ips:["1"]>["2"] (differs in ips)
s2 -ip/1 needs s1 (ensure: absent)
kept ip/2 (not declared)
`, world{desired: state(t, "", res("site", "a.org", "ips=[2]"), absent("ip", "1")), live: state(t, allKinds, res("site", "a.org", "ips=[1]"), res("ip", "1"), res("ip", "2"))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, text(tt.w.plan(t))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCircle(t *testing.T) {
	c, err := specs.NewCatalog(&specs.Kind{Name: "group", Fields: []*specs.FieldRow{{Name: "in", Refers: "group"}}})
	if err != nil {
		t.Fatal(err)
	}
	d := Make(Input{Panel: specs.Panel{Name: "web1"}, Kinds: c.Kind, Live: state(t, "group"),
		Desired: state(t, "", res("group", "a", "in=b"), res("group", "b", "in=a"), res("group", "c", "in=c"), res("group", "d", "in=c"), res("group", "e", "in=a"))})
	want := `s1 +group/c in:absent>"c" (declared, not on the panel)
s2 +group/d in:absent>"c" needs s1 (declared, not on the panel)
error circle web1: these need each other in a circle, or need one that does, so none can be first: group/a, group/b, group/e; remove one of the references between them
`
	if d := cmp.Diff(want, text(assembled(t, []*Draft{d}, "web1"))); d != "" {
		t.Error(d)
	}
}

func TestListingsThatCannotBeReliedOn(t *testing.T) {
	live := state(t, allKinds, res("ip", "1"))
	live.Fail("site", errors.New("43 rows of 50"))
	w := world{desired: state(t, "", res("site", "a.org", "owner=alice"), res("ip", "1"), res("unread", "x")), live: live,
		rules: &Rules{Prune: matching("site", "owner", "bob"), Deletes: DefaultDeletes, AllowDeletes: -1}}
	in := w.input(t)
	catalog := in.Kinds
	in.Kinds = func(name string) *specs.Kind {
		if name == "unread" {
			return &specs.Kind{Name: name}
		}
		return catalog(name)
	}
	want := `warning listing_incomplete web1/site: the list of site on web1 cannot be relied on, so nothing of it is planned: 43 rows of 50
warning listing_incomplete web1/unread: the list of unread on web1 cannot be relied on, so nothing of it is planned: it was not read
`
	if d := cmp.Diff(want, text(assembled(t, []*Draft{Make(in)}, "web1"))); d != "" {
		t.Error(d)
	}
}

// TestMakeKeepsNoListing: a draft must not hold on to the live state through
// pointers into it.
func TestMakeKeepsNoListing(t *testing.T) {
	live := state(t, allKinds, res("ip", "1", "mask=8"), res("ip", "2"))
	d := Make(world{desired: state(t, "", res("ip", "1", "mask=24")), live: live}.input(t))
	if got := d.steps[0].live; got == live.Find("ip", "1") || got.Ref.Key != "1" {
		t.Errorf("the step holds %p, the listing's own resource", got)
	}
}

func TestTypos(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"alice", "alice", 0}, {"alcie", "alice", 2}, {"alic", "alice", 1}, {"alice", "malice", 1}, {"bob", "rob", 1},
		{"a", "xyz", 3}, {"", "ab", 2}, {"kitten", "sitting", 3}, {strings.Repeat("a", 100), strings.Repeat("b", 100), 3},
		{strings.Repeat("a", 100) + "x", strings.Repeat("a", 100) + "y", 1},
	}
	for _, tt := range tests {
		for _, got := range []int{typos(tt.a, tt.b), typos(tt.b, tt.a)} {
			if got != tt.want {
				t.Errorf("typos(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
			}
		}
	}
}
