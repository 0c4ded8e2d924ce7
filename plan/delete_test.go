package plan

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/specs"
)

// TestDeletes shows what is deleted, what is not, and what goes along.
func TestDeletes(t *testing.T) {
	rules := func(prune, protect func(string) Match) *Rules {
		return &Rules{Prune: prune, Protect: protect, Deletes: DefaultDeletes, AllowDeletes: -1}
	}
	alice := []specs.Resource{res("user", "alice"), res("user", "bob"),
		res("site", "a.org", "owner=alice"), res("site", "b.org", "owner=alice"), res("site", "c.org", "owner=bob"),
		res("zone", "a.org", "owner=alice"), res("record", "www.a.org", "plid=a.org"), res("record", "www.c.org", "plid=c.org")}
	failed := func(kind string) *specs.State {
		s := state(t, allKinds, alice...)
		s.Fail(kind, errors.New("reply cut short"))
		return s
	}
	tests := []struct {
		name, want string
		w          world
	}{
		{"a tombstone of what is not there is nothing", "",
			world{desired: state(t, "", absent("ip", "1")), live: state(t, allKinds)}},
		{"prune deletes what its rule is true of and nothing declares", `s1 -ip/1 (prune: mask == "8")
kept ip/3 (not declared)
`, world{desired: state(t, "", res("ip", "2", "mask=8")), live: state(t, allKinds, res("ip", "1", "mask=8"), res("ip", "2", "mask=8"), res("ip", "3", "mask=24")), rules: rules(matching("ip", "mask", "8"), nil)}},
		{"prune needs no declaration of that kind", `s1 -ip/1 (prune: mask == "8")
`, world{live: state(t, allKinds, res("ip", "1", "mask=8")), rules: rules(matching("ip", "mask", "8"), nil)}},
		{"a prune rule that cannot be evaluated deletes nothing", `kept ip/1 (the prune rule cannot be evaluated)
error rule_failed web1/ip/1: the prune rule of ip cannot be evaluated: no such thing; correct the expression ` + "`nonsense`" + `
`, world{live: state(t, allKinds, res("ip", "1")), rules: rules(failing("ip"), nil)}},
		{"protection beats prune quietly, and a tombstone loudly", `kept ip/1 (protected by mask == "8")
kept ip/2 (protected by mask == "8")
error protected web1/ip/2: site.yaml:9 declares it absent, but it is protected by mask == "8"; remove the tombstone or the rule; if that is what you want, say --allow-protected web1/ip/2
`, world{desired: state(t, "", absent("ip", "2")), live: state(t, allKinds, res("ip", "1", "mask=8"), res("ip", "2", "mask=8")), rules: rules(matching("ip", "mask", "8"), matching("ip", "mask", "8"))}},
		{"a protect rule that cannot be evaluated protects", `kept ip/1 (the protect rule cannot be evaluated: no such thing)
error rule_failed web1/ip/1: the protect rule cannot be evaluated: no such thing; correct the expression ` + "`nonsense`" + `
`, world{desired: state(t, "", absent("ip", "1")), live: state(t, allKinds, res("ip", "1")), rules: rules(nil, failing("ip"))}},
		{"what a declared resource brings is not pruned", `s1 -zone/b.org (prune: owner == "bob")
kept zone/a.org (comes with site/a.org)
`, world{desired: state(t, "", res("site", "a.org"), absent("site", "b.org")), live: state(t, allKinds, res("site", "a.org"), res("zone", "a.org", "owner=bob"), res("zone", "b.org", "owner=bob")), rules: rules(matching("zone", "owner", "bob"), nil)}},
		{"a kind without a delete function is kept", `kept log/x (the panel has no function that deletes a log)
error not_deletable web1/log/x: site.yaml:9 declares it absent, but the panel has no function that deletes a log; delete it by hand
`, world{desired: state(t, "", absent("log", "x")), live: state(t, allKinds, res("log", "x"))}},
		{"what goes along is counted, at any remove", `s1 -user/alice takes 1 record takes 2 site takes 1 zone (ensure: absent)
kept user/bob (not declared)
`, world{desired: state(t, "", absent("user", "alice")), live: state(t, allKinds, alice...)}},
		{"what has its own delete does not go along, and goes first", `s1 -site/b.org (ensure: absent)
s2 -user/alice takes 1 record takes 1 site takes 1 zone needs s1 (ensure: absent)
kept site/c.org (not declared)
kept user/bob (not declared)
`, world{desired: state(t, "", absent("user", "alice"), absent("site", "b.org")), live: state(t, allKinds, alice...)}},
		{"children go before their parents", `s1 -record/www.a.org (ensure: absent)
s2 -zone/a.org needs s1 (ensure: absent)
kept record/www.c.org (not declared)
`, world{desired: state(t, "", absent("zone", "a.org"), absent("record", "www.a.org")), live: state(t, allKinds, alice...)}},
		{"nothing is deleted that takes the unknown with it", `kept user/alice (what goes with it could not be read (record))
kept user/bob (not declared)
warning listing_incomplete web1/record: the list of record on web1 cannot be relied on, so nothing is deleted that takes any with it: reply cut short
`, world{desired: state(t, "", absent("user", "alice")), live: failed("record")}},
		{"nor what takes the protected with it", `kept user/alice (takes record/www.a.org with it, which is protected by name == "www.a.org")
kept user/bob (not declared)
error protected web1/user/alice: site.yaml:9 declares it absent, but the delete takes record/www.a.org with it, which is protected by name == "www.a.org"; remove the tombstone or the rule; if that is what you want, say --allow-protected web1/record/www.a.org
`, world{desired: state(t, "", absent("user", "alice")), live: state(t, allKinds, alice...), rules: rules(nil, matching("record", "name", "www.a.org"))}},
		{"which prune does without", `kept user/alice (takes record/www.a.org with it, which is protected by name == "www.a.org")
kept user/bob (not declared)
`, world{live: state(t, allKinds, alice...), rules: rules(matching("user", "name", "alice"), matching("record", "name", "www.a.org"))}},
		{"a delete taken back lets others stand, and what it would have taken is kept", `s1 -site/b.org (ensure: absent)
kept site/a.org (not declared)
kept site/c.org (not declared)
kept user/alice (takes site/a.org with it, which is protected by name == "a.org")
kept user/bob (not declared)
error protected web1/user/alice: site.yaml:9 declares it absent, but the delete takes site/a.org with it, which is protected by name == "a.org"; remove the tombstone or the rule; if that is what you want, say --allow-protected web1/site/a.org
`, world{desired: state(t, "", absent("user", "alice"), absent("site", "b.org")), live: state(t, allKinds, append([]specs.Resource{}, alice[0], alice[1], res("site", "a.org", "owner=alice"), alice[3], alice[4])...), rules: rules(nil, matching("site", "name", "a.org"))}},
		{"what is declared must not go along", `s1 -user/alice takes 1 record takes 2 site takes 1 zone (ensure: absent)
kept site/c.org (not declared)
kept user/bob (not declared)
error takes_declared web1/user/alice: deleting it (ensure: absent) takes with it what the spec declares: site/a.org; declare that absent too, or keep the user
`, world{desired: state(t, "", absent("user", "alice"), res("site", "a.org", "owner=alice")), live: state(t, allKinds, alice...)}},
		{"not even where protection stops it: the spec contradicts itself", `kept user/alice (takes site/a.org with it, which is protected by name == "a.org")
kept user/bob (not declared)
error takes_declared web1/user/alice: deleting it (prune: name == "alice") takes with it what the spec declares: site/a.org; declare that absent too, or keep the user
`, world{desired: state(t, "", res("site", "a.org")), live: state(t, allKinds, alice[0], alice[1], alice[2]), rules: rules(matching("user", "name", "alice"), matching("site", "name", "a.org"))}},
		{"the account in use is not deleted", `kept user/alice (the account ispsync logs in with)
kept user/bob (not declared)
error own_account web1/user/alice: ensure: absent would delete the account ispsync logs in with; log in with another one, or except it from the rule; no flag lifts this
`, world{desired: state(t, "", absent("user", "alice")), live: state(t, allKinds, alice...), account: "alice"}},
		{"nor pruned, which does not keep the rule from the others", `s1 -user/bob takes 1 site (prune: rule)
kept user/alice (the account ispsync logs in with)
warning own_account web1/user/alice: prune: rule would delete the account ispsync logs in with; log in with another one, or except it from the rule; no flag lifts this
`, world{live: state(t, allKinds, alice...), account: "alice", rules: rules(func(kind string) Match {
			if kind != "user" {
				return Match{}
			}
			return Match{Source: "rule", Test: func(*specs.Resource) (bool, error) { return true, nil }}
		}, nil)}},
		{"nor suspended", `kept user/alice (the account ispsync logs in with)
error own_account web1/user/alice: site.yaml:2 would suspend the account ispsync logs in with; log in with another one, or do not declare active: false; no flag lifts this
`, world{desired: state(t, "", declaredAt(2, res("user", "alice", "active=false", "limit=3"))), live: state(t, allKinds, res("user", "alice", "active=true", "limit=1")), account: "alice"}},
		{"but its sites may be, and it may be changed and resumed", `s1 ~user/alice active:false>true limit:"1">"3" (differs in active, limit)
s2 ~site/alice active:true>false (differs in active)
`, world{desired: state(t, "", res("user", "alice", "active=true", "limit=3"), res("site", "alice", "active=false")), live: state(t, allKinds, res("user", "alice", "active=false", "limit=1"), res("site", "alice", "active=true")), account: "alice"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, text(tt.w.plan(t))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestGoesAlongOnce: what goes in several ways, or is of the kind that takes
// it, counts once.
func TestGoesAlongOnce(t *testing.T) {
	c, err := specs.NewCatalog(
		&specs.Kind{Name: "user", Delete: "user.delete", Owner: "owner", TakesWithIt: []string{"user", "zone", "record"},
			Fields: []*specs.FieldRow{{Name: "owner", Refers: "user"}}},
		&specs.Kind{Name: "zone", Owner: "owner", TakesWithIt: []string{"record"}, Fields: []*specs.FieldRow{{Name: "owner", Refers: "user"}}},
		&specs.Kind{Name: "record", Owner: "owner", Parent: &specs.Parent{Kind: "zone", Field: "plid"},
			Fields: []*specs.FieldRow{{Name: "owner", Refers: "user"}, {Name: "plid"}}})
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Panel: specs.Panel{Name: "web1"}, Kinds: c.Kind, Desired: state(t, "", absent("user", "reseller")),
		Live: state(t, "", res("user", "reseller", "owner=alice"), res("user", "alice", "owner=reseller"), res("user", "bob", "owner=bob"),
			res("zone", "a.org", "owner=alice"), res("record", "www", "owner=reseller", "plid=a.org"), res("record", "ftp", "owner=alice", "plid=a.org"))}
	want := `s1 -user/reseller takes 2 record takes 1 user takes 1 zone (ensure: absent)
kept user/bob (not declared)
`
	if d := cmp.Diff(want, text(assembled(t, []*Draft{Make(in)}, "web1"))); d != "" {
		t.Error(d)
	}
}

func TestDeleteLimit(t *testing.T) {
	tests := []struct {
		name          string
		live, deletes int
		allow         int // --allow-deletes
		limit         DeleteLimit
		want          string
	}{
		{"three are allowed however few there are", 3, 3, -1, DefaultDeletes, ""},
		{"four of few are not", 4, 4, -1, DefaultDeletes, "4 of 4 ip on web1 would be deleted, and the limit is 3; if that is what you want, say --allow-deletes 4"},
		{"a tenth of many is", 50, 5, -1, DefaultDeletes, ""},
		{"rounded down", 59, 6, -1, DefaultDeletes, "6 of 59 ip on web1 would be deleted, and the limit is 5; if that is what you want, say --allow-deletes 6"},
		{"a percentage without an exact binary form is not cut short", 100, 29, -1, DeleteLimit{0, 29}, ""},
		{"the exact number lifts it", 4, 4, 4, DefaultDeletes, ""},
		{"a larger number does not", 4, 4, 5, DefaultDeletes, "4 of 4 ip on web1 would be deleted, and the limit is 3; if that is what you want, say --allow-deletes 4"},
		{"a limit of nothing allows nothing", 9, 1, -1, DeleteLimit{}, "1 of 9 ip on web1 would be deleted, and the limit is 0; if that is what you want, say --allow-deletes 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var live, desired []specs.Resource
			for i := range tt.live {
				live = append(live, res("ip", string(rune('Ā'+i))))
				if i < tt.deletes {
					desired = append(desired, absent("ip", string(rune('Ā'+i))))
				}
			}
			p := world{desired: state(t, "", desired...), live: state(t, allKinds, live...), rules: &Rules{Deletes: tt.limit, AllowDeletes: tt.allow}}.plan(t)
			got := ""
			for _, f := range p.Findings {
				if f.Code != CodeDeletesLimit || f.Severity != Error || f.Ref != "web1/ip" {
					t.Errorf("unexpected finding %+v", f)
				}
				got = f.Message
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestDeleteLimitNamesTheWholePlan: N of --allow-deletes counts all panels and kinds.
func TestDeleteLimitNamesTheWholePlan(t *testing.T) {
	in := world{desired: state(t, "", absent("ip", "1"), absent("site", "a")), live: state(t, allKinds, res("ip", "1"), res("site", "a")), rules: &Rules{AllowDeletes: 2}}.input(t)
	other := in
	other.Panel.Name = "web2"
	p := Assemble(testHeader, []*Draft{Make(in), Make(other)}, nil, nil)
	if want := "error deletes_limit, error deletes_limit, error deletes_limit, error deletes_limit"; codes(p) != want {
		t.Errorf("with --allow-deletes 2: %s, want %s", codes(p), want)
	}
	in.Rules.AllowDeletes = 4
	if p := Assemble(testHeader, []*Draft{Make(in), Make(other)}, nil, nil); codes(p) != "" {
		t.Errorf("with --allow-deletes 4, the plan's own number: %s", codes(p))
	}
}
