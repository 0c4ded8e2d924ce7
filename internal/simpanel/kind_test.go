package simpanel

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// walk is a call and what it must answer: an outcome, or the keys of a list
// in order, or for a form FIELD=VALUE.
type walk struct {
	why  string
	call []string
	want string
}

func (w walk) run(t *testing.T, p *Panel) {
	t.Helper()
	n := ask(t, p, w.call[0], w.call[1:]...)
	got := n.outcome()
	if strings.HasPrefix(w.want, "[") {
		column := "name"
		if fn := byName[w.call[0]]; fn.kind != nil {
			column = fn.kind.keyColumn
		}
		var keys []string
		for i := range n.Nodes {
			if n.Nodes[i].XMLName.Local == "elem" {
				keys = append(keys, n.Nodes[i].text(column))
			}
		}
		got = "[" + strings.Join(keys, "|") + "]"
		if n.find("error") != nil {
			got = n.outcome()
		}
	} else if field, _, ok := strings.Cut(w.want, "="); ok {
		got = field + "=" + n.text(strings.Split(field, "/")...)
	}
	if got != w.want {
		t.Errorf("%s: %v answers %s, want %s", w.why, w.call, got, w.want)
	}
}

// kindWalks are one story a kind on the sample panel: the keys, parents and
// errors the record tells.
var kindWalks = map[string][]walk{
	"mail": {
		{"a mail domain", save("emaildomain.edit", "name", "Example.com", "owner", "alice", "dkim", "on"), "ok"},
		{"once", save("emaildomain.edit", "name", "example.com", "owner", "alice"), "exists/name"},
		{"not in another's zone", save("emaildomain.edit", "name", "bob.example.com", "owner", "bob"), "dns/domain_access"},
		{"dkim is told when on", []string{"emaildomain"}, "elem/dkim="},
		{"a mailbox needs its domain", save("email.edit", "name", "info", "passwd", "x"), "missed/domainname"},
		{"which must be there", save("email.edit", "name", "info", "domainname", "none.example", "passwd", "x"), "value/domainname"},
		{"and a password", save("email.edit", "name", "info", "domainname", "example.com"), "missed/passwd"},
		{"confirmed", save("email.edit", "name", "info", "domainname", "example.com", "passwd", "x", "confirm", "y"), "value/passwd"},
		{"a name of mail", save("email.edit", "name", "in fo", "domainname", "example.com", "passwd", "x"), "value/name"},
		{"a mailbox", save("email.edit", "name", "info", "domainname", "example.com", "passwd", "x", "maxsize", "50", "forward", "a@example.org b@example.org"), "ok"},
		{"its key is the address", []string{"email"}, "[info@example.com]"},
		{"its size is told", []string{"email"}, "elem/size_total=50"},
		{"its owner is the domain's", []string{"email"}, "elem/owner=alice"},
		{"once", save("email.edit", "name", "info", "domainname", "example.com", "passwd", "x"), "exists/mailbox"},
		{"an edit is partial", save("email.edit", "elid", "info@example.com", "note", "n"), "ok"},
		{"it keeps the rest", []string{"email.edit", "elid", "info@example.com"}, "forward=a@example.org b@example.org"},
		{"addresses are separated by spaces", save("email.edit", "elid", "info@example.com", "forward", "a@b.c, d@e.f"), "value/forward"},
		{"suspend", []string{"email.suspend", "elid", "info@example.com"}, "ok"},
		{"is told", []string{"email"}, "elem/active=off"},
		{"resume", []string{"email.resume", "elid", "info@example.com"}, "ok"},
		{"users see their own", []string{"email", "su", "bob"}, "[]"},
		{"the domain goes with its mailboxes", []string{"emaildomain.delete", "elid", "example.com"}, "ok"},
		{"none is left", []string{"email"}, "[]"},
		{"a missing one", []string{"email.delete", "elid", "info@example.com"}, "value/elid"},
	},
	"db": {
		{"the server is there", []string{"db.server"}, "[MySQL]"},
		{"its password is told", []string{"db.server"}, "elem/password=sim-mysql"},
		{"a server that is none", save("db.edit", "name", "shop", "owner", "alice", "server", "Oracle"), "value/server"},
		{"a new user has a name", save("db.edit", "name", "shop", "owner", "alice", "user", "*"), "missed/username"},
		{"and a password", save("db.edit", "name", "shop", "owner", "alice", "user", "*", "username", "shop"), "missed/password"},
		{"an existing one exists", save("db.edit", "name", "shop", "owner", "alice", "user", "shop"), "value/user"},
		{"a database", save("db.edit", "name", "shop", "owner", "alice", "server", "MySQL", "user", "*", "username", "shop", "password", "x", "confirm", "x"), "ok"},
		{"once", save("db.edit", "name", "shop", "owner", "alice"), "exists/name"},
		{"its key", []string{"db"}, "[shop->MySQL]"},
		{"also as pair", []string{"db"}, "elem/pair=shop->MySQL"},
		{"and its name", []string{"db"}, "elem/name=shop"},
		{"it brings the user", []string{"db.users", "elid", "shop->MySQL"}, "[shop]"},
		{"another with that user", save("db.edit", "name", "wiki", "owner", "alice", "user", "shop"), "ok"},
		{"has it", []string{"db.users", "elid", "wiki->MySQL"}, "[shop]"},
		{"a second user of a name", save("db.edit", "name", "blog", "owner", "alice", "user", "*", "username", "shop", "password", "x"), "exists/user"},
		{"users are listed by database", []string{"db.users"}, "missed/elid"},
		{"that is there", []string{"db.users", "elid", "none->MySQL"}, "value/elid"},
		{"a further user", save("db.users.edit", "plid", "shop->MySQL", "name", "reader", "password", "x"), "ok"},
		{"needs its database", save("db.users.edit", "name", "reader", "password", "x"), "missed/plid"},
		{"is changed", save("db.users.edit", "plid", "shop->MySQL", "elid", "reader", "remote_access", "on"), "ok"},
		{"is there", []string{"db.users", "elid", "shop->MySQL"}, "[reader|shop]"},
		{"is deleted", []string{"db.users.delete", "plid", "shop->MySQL", "elid", "reader"}, "ok"},
		{"is gone", []string{"db.users.delete", "plid", "shop->MySQL", "elid", "reader"}, "value/elid"},
		{"a database goes with its users", []string{"db.delete", "elid", "shop->MySQL"}, "ok"},
		{"the other stays", []string{"db"}, "[wiki->MySQL]"},
	},
	"records": {
		{"a zone has its records", save("domain.edit", "name", "z.example", "owner", "alice", "ns", "ns1.example.net. ns2.example.net.", "ip", "192.0.2.7"), "ok"},
		{"as keys with two spaces", []string{"domain.record", "elid", "z.example", "filter", "on", "name", "www"}, "[www.z.example. A  192.0.2.7]"},
		{"a list needs its zone", []string{"domain.record"}, "missed/elid"},
		{"a record", save("domain.record.edit", "plid", "z.example", "name", "mail", "rtype", "a", "ip", "192.0.2.8"), "ok"},
		{"its answer tells the key", save("domain.record.edit", "plid", "z.example", "name", "mx", "rtype", "txt", "value", "v=1, x"), "id=mx.z.example. TXT  v=1, x"},
		{"once", save("domain.record.edit", "plid", "z.example", "name", "mail.z.example.", "rtype", "a", "ip", "192.0.2.8"), "exists/record"},
		{"the zone must be there", save("domain.record.edit", "plid", "none.example", "name", "mail", "ip", "192.0.2.8"), "value/plid"},
		{"an address must be one", save("domain.record.edit", "plid", "z.example", "name", "x", "rtype", "a", "ip", "2001:db8::1"), "value/ip"},
		{"a type needs its value", save("domain.record.edit", "plid", "z.example", "name", "x", "rtype", "mx", "domain", "mail.z.example."), "missed/priority"},
		{"with all parts", save("domain.record.edit", "plid", "z.example", "name", "@", "rtype", "mx", "priority", "10", "domain", "mail.z.example."), "id=z.example. MX  mail.z.example."},
		{"the priority is in the form", []string{"domain.record.edit", "plid", "z.example", "elid", "z.example. MX  mail.z.example."}, "priority=10"},
		{"a name of another zone", save("domain.record.edit", "plid", "z.example", "name", "x.example.com.", "ip", "192.0.2.8"), "value/name"},
		{"another value, another key", save("domain.record.edit", "plid", "z.example", "elid", "mail.z.example. A  192.0.2.8", "ip", "192.0.2.9"), "ok"},
		{"is told", []string{"domain.record", "elid", "z.example", "filter", "on", "name", "mail"}, "[mail.z.example. A  192.0.2.9]"},
		{"the old one is gone", []string{"domain.record.edit", "plid", "z.example", "elid", "mail.z.example. A  192.0.2.8"}, "value/elid"},
		{"its form", []string{"domain.record.edit", "plid", "z.example", "elid", "mail.z.example. A  192.0.2.9"}, "ip=192.0.2.9"},
		{"a delete of a missing one", []string{"domain.record.delete", "plid", "z.example", "elid", "mail.z.example. A  192.0.2.8"}, "ok"},
		{"a comma and a space make two keys", []string{"domain.record.delete", "plid", "z.example", "elid", "mx.z.example. TXT  v=1, x"}, "ok"},
		{"and delete neither", []string{"domain.record", "elid", "z.example", "filter", "on", "name", "mx."}, "[mx.z.example. TXT  v=1, x]"},
		{"delete", []string{"domain.record.delete", "plid", "z.example", "elid", "mail.z.example. A  192.0.2.9"}, "ok"},
		{"is done", []string{"domain.record", "elid", "z.example", "filter", "on", "name", "mail"}, "[]"},
		{"the zone goes with them", []string{"domain.delete", "elid", "z.example"}, "ok"},
		{"and is no parent", []string{"domain.record", "elid", "z.example"}, "value/elid"},
	},
	"ftp": {
		{"an FTP user", save("ftp.user.edit", "name", "alice_ftp", "owner", "alice", "home", "/www", "passwd", "x"), "ok"},
		{"is listed", []string{"ftp.user"}, "elem/home=/www"},
		{"another's is not there", []string{"ftp.user.suspend", "su", "bob", "elid", "alice_ftp"}, "missed/ftp.user"},
		{"suspend", []string{"ftp.user.suspend", "elid", "alice_ftp"}, "ok"},
		{"is told", []string{"ftp.user"}, "elem/active=off"},
		{"delete", []string{"ftp.user.delete", "elid", "alice_ftp"}, "ok"},
	},
	"jobs": {
		{"a job has a command", save("scheduler.edit", "su", "alice"), "missed/command"},
		{"a job", save("scheduler.edit", "su", "alice", "command", "a", "schedule_type", "type_expert", "input_min", "*/5", "active", "off"), "id=1"},
		{"a second", save("scheduler.edit", "su", "alice", "command", "b"), "id=2"},
		{"a number is an account's", save("scheduler.edit", "su", "bob", "command", "b"), "id=1"},
		{"a job of the administrator", save("scheduler.edit", "su", "root", "command", "r"), "id=1"},
		{"each sees the own", []string{"scheduler", "su", "alice"}, "[1|2]"},
		{"also the administrator", []string{"scheduler"}, "[1]"},
		{"the interval is told", []string{"scheduler", "su", "alice"}, "elem/interval=*/5 * * * *"},
		{"so is active", []string{"scheduler", "su", "alice"}, "elem/active=off"},
		{"an edit may change active", save("scheduler.edit", "su", "alice", "elid", "1", "active", "on"), "ok"},
		{"it did", []string{"scheduler.edit", "su", "alice", "elid", "1"}, "active=on"},
		{"a field of cron", save("scheduler.edit", "su", "alice", "elid", "1", "input_hour", "soon"), "value/input_hour"},
		{"delete", []string{"scheduler.delete", "su", "alice", "elid", "1"}, "ok"},
		{"the others stay", []string{"scheduler", "su", "alice"}, "[2]"},
		{"bob's too", []string{"scheduler", "su", "bob"}, "[1]"},
	},
	"certificates": {
		{"a certificate has an owner", save("sslcert.selfsigned", "domain", "shop.example.com"), "missed/username"},
		{"and hosts", save("sslcert.selfsigned", "username", "alice", "name", "x"), "missed/domain"},
		{"self-signed", save("sslcert.selfsigned", "username", "alice", "domain", "shop.example.com www.shop.example.com"), "id=alice%#%shop.example.com"},
		{"is told", []string{"sslcert"}, "elem/type=ssl_selfsigned"},
		{"once", save("sslcert.selfsigned", "username", "alice", "domain", "shop.example.com"), "exists/ssl cert"},
		{"another's is another", save("sslcert.selfsigned", "username", "bob", "domain", "shop.example.com"), "ok"},
		{"an import has a key", save("sslcert.setcrt", "username", "alice", "name", "bought", "crt", "C"), "missed/key"},
		{"an import", save("sslcert.setcrt", "username", "alice", "name", "bought", "crt", "C", "key", "K"), "ok"},
		{"users see their own", []string{"sslcert", "su", "alice"}, "[alice%#%bought|alice%#%shop.example.com]"},
		{"delete of several", []string{"sslcert.delete", "elid", "alice%#%bought, alice%#%shop.example.com"}, "ok"},
		{"they are gone", []string{"sslcert"}, "[bob%#%shop.example.com]"},
		{"edit makes none", save("sslcert.edit", "username", "bob"), "missed/elid"},
	},
	"presets and addresses": {
		{"a preset", save("preset.edit", "name", "Starter plan", "limit_db", "3"), "ok"},
		{"is listed", []string{"preset"}, "[Starter plan]"},
		{"its limits are in the form", []string{"preset.edit", "elid", "Starter plan"}, "limit_db=3"},
		{"users have none", []string{"preset", "su", "alice"}, "access/preset"},
		{"delete", []string{"preset.delete", "elid", "Starter plan"}, "ok"},
		{"the addresses", []string{"ipaddrlist"}, "[192.0.2.10]"},
		{"cannot be edited here", save("ipaddrlist.edit", "name", "192.0.2.11"), "missed/func"},
	},
	"fronts": {
		{"site.edit has a prefix", []string{"site.edit", "elid", "shop.example.com"}, "site_aliases=www.shop.example.com"},
		{"it writes the site", save("site.edit", "site_name", "new.example", "site_owner", "alice", "site_cgi", "on"), "ok"},
		{"it did", []string{"webdomain.edit", "elid", "new.example"}, "cgi=on"},
		{"bare names are unknown to it", save("site.edit", "elid", "new.example", "cgi", "off"), "ok"},
		{"and ignored", []string{"webdomain.edit", "elid", "new.example"}, "cgi=on"},
		{"its errors name its fields", save("site.edit", "site_name", "no name", "site_owner", "alice"), "value/site_name"},
		{"a delete that asks", []string{"webdomain.delete.confirm", "elid", "new.example"}, "remove_directory=off"},
		{"and deletes", save("webdomain.delete.confirm", "elid", "new.example", "remove_directory", "on"), "ok"},
		{"once", save("webdomain.delete.confirm", "elid", "new.example"), "value/elid"},
		{"a user in one go", save("user.add.finish", "name", "carol", "passwd", "x"), "ok"},
		{"a password of one's own", save("usrparam", "su", "carol", "passwd", "new", "confirm", "new"), "ok"},
		{"is in force", []string{"webdomain", "authinfo", "carol:new"}, "[]"},
		{"confirmed", save("usrparam", "su", "carol", "passwd", "new", "confirm", "old"), "value/passwd"},
	},
}

func TestKinds(t *testing.T) {
	for name, steps := range kindWalks {
		t.Run(name, func(t *testing.T) {
			p := sample(Options{})
			for _, w := range steps {
				w.run(t, p)
			}
		})
	}
	if p := sample(Options{Generation: V5}); ask(t, p, "site.edit").outcome() != "missed/func" {
		t.Error("a v5 panel has site.edit")
	}
	if got := ask(t, sample(Options{}), "wwwdomain").outcome(); got != "missed/func" {
		t.Errorf("a v6 panel answers wwwdomain %s", got)
	}
}

// TestV4Names: the functions and parameters of v4 that are on record.
func TestV4Names(t *testing.T) {
	p := sample(Options{Generation: V4})
	for _, w := range []walk{
		{"suspend", []string{"user.disable", "elid", "alice"}, "ok"},
		{"is told", []string{"user"}, "elem/active=off"},
		{"resume", []string{"user.enable", "elid", "alice"}, "ok"},
		{"sites", []string{"wwwdomain"}, "[bob.example.org|shop.example.com]"},
		{"aliases", save("wwwdomain.edit", "elid", "shop.example.com", "alias", "a.example.com"), "ok"},
		{"in the form", []string{"wwwdomain.edit", "elid", "shop.example.com"}, "alias=a.example.com"},
		{"suspend a site", []string{"wwwdomain.disable", "elid", "shop.example.com"}, "ok"},
		{"resume a site", []string{"wwwdomain.enable", "elid", "shop.example.com"}, "ok"},
		{"a record", save("domain.sublist.edit", "plid", "example.com", "name", "x", "sdtype", "mx", "prio", "5", "domain", "m.example.com."), "ok"},
		{"is listed", []string{"domain.sublist", "elid", "example.com"}, "[x.example.com. MX  m.example.com.]"},
		{"without its value", save("domain.sublist.edit", "plid", "example.com", "name", "y", "sdtype", "a"), "error 4 ip"},
		{"is deleted", []string{"domain.sublist.delete", "plid", "example.com", "elid", "x.example.com. MX  m.example.com."}, "ok"},
		{"delete a site", []string{"wwwdomain.delete", "elid", "shop.example.com"}, "ok"},
	} {
		w.run(t, p)
	}
}

// TestUserTakesAll: nothing of a deleted account is left, in any kind.
func TestUserTakesAll(t *testing.T) {
	p := sample(Options{})
	for name, steps := range kindWalks {
		if name == "fronts" {
			continue
		}
		for _, w := range steps {
			post(p, w.call[0], w.call[1:]...)
		}
	}
	for _, user := range []string{"alice", "bob"} {
		ask(t, p, "user.delete", "elid", user)
	}
	for kind, rows := range p.Snapshot() {
		for key, f := range rows {
			if f["owner"] == "alice" || f["owner"] == "bob" {
				t.Errorf("%s %s is left", kind, key)
			}
		}
	}
	for k := range p.secrets {
		if k.kind != "user" {
			t.Errorf("the secret of %s is left", k)
		}
	}
}

// TestLimits: each kind has its limit, told by the limit's name.
func TestLimits(t *testing.T) {
	for limit, call := range map[string][]string{
		"limit_emaildomains": save("emaildomain.edit", "name", "new.example", "owner", "bob"),
		"limit_emails":       save("email.edit", "name", "info", "domainname", "bob.example", "passwd", "x"),
		"limit_db":           save("db.edit", "name", "shop", "owner", "bob"),
		"limit_db_users":     save("db.users.edit", "plid", "bob->MySQL", "name", "reader", "password", "x"),
		"limit_ftp_users":    save("ftp.user.edit", "name", "ftp", "owner", "bob", "passwd", "x"),
		"limit_domains":      save("domain.edit", "name", "new.example", "owner", "bob"),
		"limit_webdomains":   save("webdomain.edit", "name", "new.example", "owner", "bob"),
	} {
		p := sample(Options{})
		p.Put("emaildomain", "bob.example", map[string]string{"owner": "bob"})
		p.Put("db", "bob->MySQL", map[string]string{"owner": "bob"})
		for _, table := range p.tables {
			if table.kind.limit == limit {
				p.Put("user", "bob", map[string]string{limit: "0"})
			}
		}
		if got := ask(t, p, call[0], call[1:]...).outcome(); got != "limit/"+limit {
			t.Errorf("%v answers %s, want limit/%s", call, got, limit)
		}
	}
}

// TestLetsEncrypt: a certificate is listed at once and issued later.
func TestLetsEncrypt(t *testing.T) {
	now := time.Unix(1_700_000_000, 0).UTC()
	p := sample(Options{LetsEncryptDelay: time.Minute, Now: func() time.Time { return now }})
	call := save("letsencrypt.generate", "username", "bob", "domain_name", "bob.example.org", "domain", "bob.example.org", "crtname", "le", "enable_cert", "on")
	steps := []walk{
		{"is asked for", call, "id=bob%#%le"},
		{"is in the making", []string{"sslcert"}, "elem/type=ssl_le_processing"},
		{"the site tells it", []string{"webdomain", "su", "bob"}, "elem/ssl_le_processing="},
		{"and has no TLS", []string{"webdomain", "su", "bob"}, "elem/secure=off"},
		{"once", call, "exists/ssl cert"},
	}
	for _, w := range steps {
		w.run(t, p)
	}
	now = now.Add(time.Minute)
	for _, w := range []walk{
		{"is issued", []string{"sslcert"}, "elem/type=ssl_letsencrypt"},
		{"for 90 days", []string{"sslcert"}, "elem/valid_after=2024-02-12"},
		{"the site uses it", []string{"webdomain.edit", "elid", "bob.example.org"}, "ssl_cert=le"},
	} {
		w.run(t, p)
	}
	p.Delete("sslcert", "bob%#%le")
	steps[0].run(t, p)
	p.Delete("user", "bob")
	now = now.Add(time.Minute)
	if n := p.Count("sslcert"); n != 0 {
		t.Errorf("%d certificates of nobody, want none", n)
	}
}

// TestResellers: a reseller has its own accounts and calls as they only.
func TestResellers(t *testing.T) {
	p := sample(Options{})
	p.Put("user", "rita", map[string]string{"level": "29", "passwd": "r"})
	as := func(call ...string) []string { return append(call, "authinfo", "rita:r") }
	for _, w := range []walk{
		{"nobody yet", as("user"), "[]"},
		{"an account of hers", as(save("user.edit", "name", "carol", "passwd", "c")...), "ok"},
		{"is hers", as("user"), "[carol]"},
		{"its site", as(save("webdomain.edit", "name", "carol.example", "owner", "carol")...), "ok"},
		{"is hers to see", as("webdomain"), "[carol.example]"},
		{"not on another's account", as(save("webdomain.edit", "name", "x.example", "owner", "bob")...), "value/owner"},
		{"she calls as her accounts", as("webdomain", "su", "carol"), "[carol.example]"},
		{"not as others", as("webdomain", "su", "bob"), "access/su"},
		{"nor deletes them", as("user.delete", "elid", "bob"), "value/elid"},
		{"the server is not hers", as("db.server"), "access/db.server"},
		{"carol is no reseller", []string{"user", "authinfo", "carol:c"}, "access/user"},
		{"the list tells her level", []string{"user", "filter", "on", "name", "rita"}, "elem/level=29"},
	} {
		w.run(t, p)
	}
}

// TestSessionList: who is logged in, keys left out.
func TestSessionList(t *testing.T) {
	p := sample(Options{})
	id := ask(t, p, "auth", "username", "alice", "password", "wonder").text("auth")
	ask(t, p, "session.newkey", "username", "alice", "key", "0123456789abcdef")
	ask(t, p, "auth", "username", "root", "password", "pw")
	for by, want := range map[string]int{"root:pw": 2, "alice:wonder": 1} {
		if rows := ask(t, p, "session", "authinfo", by).rows(); len(rows) != want || !slices.Contains(rows, "alice") {
			t.Errorf("%s sees %v, want %d sessions", by, rows, want)
		}
	}
	if got := ask(t, p, "session.delete", "elid", id).outcome(); got != "ok" || ask(t, p, "whoami", "auth", id).outcome() != "auth/session" {
		t.Errorf("session.delete by the administrator: %s", got)
	}
}

// TestRestrictAuthinfo: authinfo is refused, sessions are not; ordinary users
// may use authinfo elsewhere.
func TestRestrictAuthinfo(t *testing.T) {
	p := sample(Options{RestrictAuthinfo: true})
	if got := ask(t, p, "webdomain").outcome(); got != "access/authinfo" {
		t.Errorf("authinfo: %s", got)
	}
	if got := ask(t, p, "webdomain", "authinfo", "root:wrong").outcome(); got != "auth/badpassword" {
		t.Errorf("a wrong password: %s", got)
	}
	id := ask(t, p, "auth", "username", "root", "password", "pw").text("auth")
	if rows := ask(t, p, "webdomain", "auth", id).rows(); len(rows) != 2 {
		t.Errorf("by session: %v", rows)
	}
}

// TestScopedKeys: Put, Get and Delete name what lives in another by PARENT/KEY.
func TestScopedKeys(t *testing.T) {
	p := sample(Options{})
	p.Put("domain.record", "example.com/www.example.com. A  192.0.2.1", map[string]string{"rtype": "a", "ip": "192.0.2.1"})
	p.Put("scheduler", "bob/7", map[string]string{"command": "c"})
	p.Put("db", "shop->MySQL", map[string]string{"owner": "alice"})
	p.Put("db.users", "shop->MySQL/shop", map[string]string{"password": "s3cret"})
	if got := p.Secret("db.users", "shop->MySQL/shop"); got != "s3cret" {
		t.Errorf("secret %q", got)
	}
	for _, w := range []walk{
		{"a record", []string{"domain.record", "elid", "example.com"}, "[www.example.com. A  192.0.2.1]"},
		{"a job", []string{"scheduler", "su", "bob"}, "[7]"},
		{"the next one", save("scheduler.edit", "su", "bob", "command", "d"), "id=8"},
		{"a database user", []string{"db.users", "elid", "shop->MySQL", "su", "alice"}, "[shop]"},
	} {
		w.run(t, p)
	}
	if f, ok := p.Get("domain.record", "example.com/www.example.com. A  192.0.2.1"); !ok || f["owner"] != "alice" || f["ttl"] != "3600" {
		t.Errorf("record: %v", f)
	}
	if !p.Delete("domain", "example.com") || p.Count("domain.record") != 0 {
		t.Error("records outlive their zone")
	}
}
