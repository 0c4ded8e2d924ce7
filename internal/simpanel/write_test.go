package simpanel

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// save is an edit that saves.
func save(name string, pairs ...string) []string {
	return append([]string{name, "sok", "ok"}, pairs...)
}

// writeCases are calls on the sample panel, fact by fact.
var writeCases = []struct {
	why  string
	opt  Options
	call []string
	want string
	// then kind/key/field=value must hold; "kind/key" alone: is there;
	// "!kind/key": is not.
	then []string
}{
	{"create", Options{}, save("user.edit", "name", "carol", "passwd", "a", "confirm", "a", "limit_db", "3"), "ok", []string{"user/carol/limit_db=3", "user/carol/active=on"}},
	{"confirm may be left out", Options{}, save("user.edit", "name", "carol", "passwd", "a"), "ok", []string{"user/carol"}},
	{"confirm must be equal", Options{}, save("user.edit", "name", "carol", "passwd", "a", "confirm", "b"), "value/passwd", []string{"!user/carol"}},
	{"passwd is required", Options{}, save("user.edit", "name", "carol"), "missed/passwd", []string{"!user/carol"}},
	{"name is required", Options{}, save("user.edit", "passwd", "a"), "missed/name", nil},
	{"a login has at most 16 characters", Options{}, save("user.edit", "name", "abcdefghijklmnopq", "passwd", "a"), "value/name", nil},
	{"a login is lower case", Options{}, save("user.edit", "name", "Carol", "passwd", "a"), "value/name", nil},
	{"a second one", Options{}, save("user.edit", "name", "alice", "passwd", "a"), "exists/user", nil},
	{"the administrator's name is taken", Options{}, save("user.edit", "name", "root", "passwd", "a"), "exists/user", nil},
	{"edits are partial", Options{}, save("user.edit", "elid", "alice", "limit_db", "7"), "ok", []string{"user/alice/limit_db=7", "user/alice/fullname=Alice <A&B>"}},
	{"an empty value clears", Options{}, save("webdomain.edit", "elid", "shop.example.com", "aliases", ""), "ok", []string{"webdomain/shop.example.com/aliases="}},
	{"an empty check box is off", Options{}, save("webdomain.edit", "elid", "shop.example.com", "php", ""), "ok", []string{"webdomain/shop.example.com/php=off"}},
	{"edit of a missing one", Options{}, save("user.edit", "elid", "nobody", "limit_db", "7"), "value/elid", nil},
	{"a number must be one", Options{}, save("user.edit", "elid", "alice", "limit_db", "many"), "value/limit_db", nil},
	{"an unknown PHP version", Options{}, save("user.edit", "elid", "alice", "limit_php_cgi_version", "isp-php99"), "value/limit_php_cgi_version", nil},
	{"ok without effect", Options{}, save("user.edit", "elid", "alice", "limit_webdomains_enabled", "off"), "ok", []string{"user/alice/limit_webdomains_enabled=on"}},
	{"an unknown parameter is ignored", Options{}, save("user.edit", "elid", "alice", "no_such", "1"), "ok", []string{"user/alice"}},
	{"active is not for edit", Options{}, save("user.edit", "elid", "alice", "active", "off"), "ok", []string{"user/alice/active=on"}},
	{"suspend", Options{}, []string{"user.suspend", "elid", "alice"}, "ok", []string{"user/alice/active=off"}},
	{"resume", Options{}, []string{"webdomain.resume", "elid", "bob.example.org"}, "ok", []string{"webdomain/bob.example.org/active=on"}},
	{"suspend of a missing one", Options{}, []string{"user.suspend", "elid", "nobody"}, "missed/users", nil},
	{"delete of a missing one", Options{}, []string{"user.delete", "elid", "nobody"}, "value/elid", nil},
	{"delete without elid", Options{}, []string{"user.delete"}, "missed/elid", nil},
	{"delete takes what is owned", Options{}, []string{"user.delete", "elid", "alice"}, "ok", []string{"!user/alice", "!webdomain/shop.example.com", "!domain/example.com", "webdomain/bob.example.org"}},
	{"delete of several", Options{}, []string{"webdomain.delete", "elid", "shop.example.com, bob.example.org"}, "ok", []string{"!webdomain/shop.example.com", "!webdomain/bob.example.org"}},
	{"several of which one is missing", Options{}, []string{"webdomain.delete", "elid", "shop.example.com, none.example.org"}, "value/elid", []string{"webdomain/shop.example.com"}},
	{"a comma alone does not separate", Options{}, []string{"webdomain.delete", "elid", "shop.example.com,bob.example.org"}, "value/elid", []string{"webdomain/shop.example.com"}},
	{"a site needs an owner", Options{}, save("webdomain.edit", "name", "new.example.com"), "missed/owner", nil},
	{"an owner that is not there", Options{}, save("webdomain.edit", "name", "new.example.com", "owner", "nobody"), "value/owner", nil},
	{"a name that is none", Options{}, save("webdomain.edit", "name", "not a name", "owner", "alice"), "value/name", nil},
	{"names are lower case", Options{}, save("webdomain.edit", "name", "NEW.Example.com", "owner", "alice"), "ok", []string{"webdomain/new.example.com/owner=alice"}},
	{"IDN is kept in punycode", Options{}, save("webdomain.edit", "name", "пример.рф", "owner", "alice"), "ok", []string{"webdomain/xn--e1afmkfd.xn--p1ai"}},
	{"aliases are separated by spaces", Options{}, save("webdomain.edit", "elid", "shop.example.com", "aliases", "A.example.com  b.example.com"), "ok", []string{"webdomain/shop.example.com/aliases=a.example.com b.example.com"}},
	{"not by commas", Options{}, save("webdomain.edit", "elid", "shop.example.com", "aliases", "a.example.com, b.example.com"), "value/aliases", nil},
	{"the limit of sites", Options{}, save("webdomain.edit", "name", "two.example.org", "owner", "bob"), "limit/limit_webdomains", []string{"!webdomain/two.example.org"}},
	{"the limit of zones", Options{}, save("domain.edit", "name", "two.example.org", "owner", "bob"), "limit/limit_domains", nil},
	{"a site in another's zone", Options{}, save("webdomain.edit", "name", "evil.example.com", "owner", "bob"), "dns/domain_access", nil},
	{"a zone in another's zone", Options{}, save("domain.edit", "name", "sub.example.com", "owner", "bob"), "dns/domain_access", nil},
	{"a second zone", Options{}, save("domain.edit", "name", "example.com", "owner", "alice"), "exists/name", nil},
	{"a zone without owner is the server's", Options{}, save("domain.edit", "name", "other.example"), "ok", []string{"domain/other.example/owner=www-root"}},
	{"a zone may bring a site", Options{}, save("domain.edit", "name", "both.example", "owner", "alice", "webdomain", "on"), "ok", []string{"domain/both.example", "webdomain/both.example/owner=alice"}},
	{"a site brings no zone", Options{}, save("webdomain.edit", "name", "new.example", "owner", "alice"), "ok", []string{"!domain/new.example"}},
	{"unless the panel does so", Options{BringsZones: true}, save("webdomain.edit", "name", "new.example", "owner", "alice"), "ok", []string{"domain/new.example/owner=alice"}},
	{"a zone's type is for its create", Options{}, save("domain.edit", "elid", "example.com", "dtype", "slave"), "ok", []string{"domain/example.com/dtype=master"}},
	{"the owner is for the create", Options{}, save("webdomain.edit", "elid", "shop.example.com", "owner", "bob"), "ok", []string{"webdomain/shop.example.com/owner=alice"}},
	{"home is for the create", Options{}, save("webdomain.edit", "name", "new.example", "owner", "alice", "home", "www/x"), "ok", []string{"webdomain/new.example/docroot=www/x"}},
	{"docroot may be absolute", Options{}, save("webdomain.edit", "elid", "shop.example.com", "docroot", "/var/www/alice/data/www/y"), "ok", []string{"webdomain/shop.example.com/docroot=www/y"}},
	{"TLS comes with a certificate", Options{}, save("webdomain.edit", "elid", "bob.example.org", "secure", "on"), "ok", []string{"webdomain/bob.example.org/ssl_cert=selfsigned"}},
	{"restart is asked for", Options{Restart: true}, save("webdomain.edit", "elid", "shop.example.com", "cgi", "on"), "ok:restart", nil},
	{"not after a user", Options{Restart: true}, save("user.edit", "elid", "alice", "comment", "x"), "ok", nil},
	{"there is no restart", Options{}, []string{"restart"}, "missed/func", nil},
	{"there is", Options{Restart: true}, []string{"restart"}, "ok", nil},
	{"there is no such function", Options{}, []string{"webdomain.add"}, "missed/func", nil},
	{"v4 exists", Options{Generation: V4}, save("user.edit", "name", "alice", "passwd", "a"), "error 2 user", nil},
	{"v4 missing", Options{Generation: V4}, []string{"user.delete", "elid", "nobody"}, "error 3 user", nil},
	{"v4 value", Options{Generation: V4}, save("user.edit", "elid", "alice", "limit_db", "many"), "error 4 limit_db", nil},
	{"v4 limit", Options{Generation: V4}, save("webdomain.edit", "name", "two.example.org", "owner", "bob"), "error 5 limit_webdomains", nil},
	{"v4 access", Options{Generation: V4}, []string{"user", "su", "bob"}, "error 6 user", nil},
}

// TestWrites: what each write answers, and what it changes, fact by fact.
func TestWrites(t *testing.T) {
	for _, tc := range writeCases {
		t.Run(tc.why, func(t *testing.T) {
			p := sample(tc.opt)
			before := p.Snapshot()
			if got := ask(t, p, tc.call[0], tc.call[1:]...).outcome(); got != tc.want {
				t.Errorf("%v answers %s, want %s", tc.call, got, tc.want)
			}
			for _, want := range tc.then {
				holds(t, p, want)
			}
			if d := cmp.Diff(before, p.Snapshot()); !strings.HasPrefix(tc.want, "ok") && d != "" {
				t.Errorf("a refused call changed the panel:\n%s", d)
			}
			last := p.Calls()[0]
			if last.Applied != strings.HasPrefix(tc.want, "ok") {
				t.Errorf("ledger says applied %v for %s", last.Applied, tc.want)
			}
		})
	}
}

func holds(t *testing.T, p *Panel, want string) {
	t.Helper()
	path, value, hasValue := strings.Cut(want, "=")
	part := strings.SplitN(strings.TrimPrefix(path, "!"), "/", 3)
	fields, ok := p.Get(part[0], part[1])
	if ok == strings.HasPrefix(want, "!") {
		t.Errorf("want %s, but there is one: %v", want, ok)
	}
	if hasValue && fields[part[2]] != value {
		t.Errorf("want %s, got %q", want, fields[part[2]])
	}
}

// TestPassword: it is written and never told.
func TestPassword(t *testing.T) {
	p := sample(Options{})
	ask(t, p, "user.edit", "name", "carol", "passwd", "s3cret-1", "confirm", "s3cret-1", "sok", "ok")
	if got := p.Password("carol"); got != "s3cret-1" {
		t.Errorf("password %q after create", got)
	}
	ask(t, p, "user.edit", "elid", "carol", "passwd", "", "comment", "x", "sok", "ok")
	if got := p.Password("carol"); got != "s3cret-1" {
		t.Errorf("password %q after an empty one, want it unchanged", got)
	}
	ask(t, p, "user.edit", "elid", "carol", "passwd", "s3cret-2", "sok", "ok")
	if got := p.Password("carol"); got != "s3cret-2" {
		t.Errorf("password %q after edit", got)
	}
	_, form := post(p, "user.edit", "elid", "carol", "authinfo", "root:pw")
	_, list := post(p, "user")
	_, login := post(p, "auth", "username", "carol", "password", "s3cret-2")
	all := fmt.Sprint(form, list, login, p.Calls(), p.Snapshot())
	if strings.Contains(all, "s3cret") || strings.Contains(all, "root:pw") {
		t.Error("a document, the ledger or the snapshot holds a password")
	}
	if got := p.Calls()[0].Params["passwd"]; got != "*" {
		t.Errorf("ledger has passwd %q, want *", got)
	}
}
