package specs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// noSpec is a spec that says nothing: maps are read with its catalog.
func noSpec() *Spec { return &Spec{Catalog: Builtin(), exprs: newExpressions(nil)} }

func mustMap(t testing.TB, text string) *Mapping {
	t.Helper()
	m, err := noSpec().readMapping("map.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// panelOf makes the state of a panel of rows "KIND KEY FIELD=VALUE …"; a row may
// say su=ACCOUNT and in=PARENT. Fields are canonical texts, lists with commas.
func panelOf(t testing.TB, rows ...string) *State {
	t.Helper()
	byKind := map[string][]Resource{}
	for _, row := range rows {
		parts := strings.Split(row, "|")
		k := Builtin().Kind(parts[0])
		r := Resource{Ref: Ref{"old", parts[0], parts[1]}}
		for _, kv := range parts[2:] {
			name, text, _ := strings.Cut(kv, "=")
			switch f := k.Field(name); {
			case name == "su":
				r.Su = text
			case name == "elid":
				r.Elid = text
			case name == "in":
				r.Parent = text
				r.Fields = r.Fields.With(k.Parent.Field, Text(text))
			case f == nil:
				t.Fatalf("%s has no field %s", k.Name, name)
			default:
				r.Fields = r.Fields.With(name, f.Canon.FromPanel(text))
			}
		}
		byKind[parts[0]] = append(byKind[parts[0]], r)
	}
	s := NewState("old")
	for kind, rs := range byKind {
		if err := s.Set(kind, rs); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// household is an account with something of every kind that is made from what a panel tells.
var household = []string{
	"user|alice|fullname=Alice|preset=gold|active=true|limit_webdomains=5",
	"domain|example.com|owner=alice|ns=ns1.old.,ns2.old.|ip=192.0.2.1|dtype=master|masterip=192.0.2.1",
	"domain.record|www.example.com. A  192.0.2.1|in=example.com|rtype=a|ttl=3600",
	"domain.record|example.com. SOA  ns1.old. root 1|in=example.com|rtype=soa",
	"domain.record|example.com. NS  ns1.old.|in=example.com|rtype=ns",
	"domain.record|example.com. TXT  v=spf1  -all|in=example.com|rtype=txt",
	"webdomain|shop.example.com|owner=alice|php_mode=php_mode_mod|php_fpm_version=php74|ipaddrs=192.0.2.1,192.0.2.2|ipsrc=manual|docroot=www/a",
	"emaildomain|example.com|owner=alice|defaction=error|redirval=x",
	"email|info@example.com|owner=alice|forward=a@b.c",
	"db|shop->MySQL|owner=alice",
	"db.users|shop->MySQL/shop|in=shop->MySQL|remote_access=true",
	"ftp.user|up|owner=alice|home=/",
	"scheduler|alice/nightly|su=alice|command=/bin/true",
}

// textOf writes a state as rows, for tables.
func textOf(s *State) []string {
	var out []string
	for _, kind := range s.Kinds() {
		for _, r := range s.Resources(kind) {
			row := kind + "|" + r.Ref.Key
			if r.Su != "" {
				row += "|su=" + r.Su
			}
			if r.Parent != "" {
				row += "|in=" + r.Parent
			}
			for _, f := range r.Fields {
				row += "|" + f.Name + "=" + strings.Join(f.Value.Items(), ",")
			}
			for _, f := range r.Secrets {
				row += "|" + f.Name + "=" + f.Secret.String()
			}
			if len(r.SecretsNeeded) > 0 {
				row += "|needs " + strings.Join(r.SecretsNeeded, ",")
			}
			out = append(out, row)
		}
	}
	return out
}

func move(t testing.TB, from *State, text string) *Moved {
	m := Move{From: from, To: "new", Catalog: Builtin(), Mapping: mustMap(t, text)}
	return m.Moved()
}

// Each row: a map, and what it makes of one resource of the household; the rest
// of it must follow.
func TestMove(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing changes, and what a panel makes up is not taken", ``, "domain|example.com|dtype=master|ip=192.0.2.1|ns=ns1.old.,ns2.old.|owner=alice"},
		{"a record says what its key is made of", ``, "domain.record|example.com. TXT  v=spf1  -all|in=example.com|plid=example.com|rtype=txt|value=v=spf1  -all"},
		{"what means nothing is not taken", ``, "emaildomain|example.com|defaction=error|owner=alice"},
		{"a create says what has one value only", ``, "scheduler|alice/nightly|su=alice|command=/bin/true|schedule_type=type_expert"},
		{"an account", `user: {alice: bob}`, "user|bob|active=true|fullname=Alice|limit_webdomains=5|preset=gold|needs passwd"},
		{"is followed by owners", `user: {alice: bob}`, "db|shop->MySQL|owner=bob"},
		{"and by what is listed by accounts", `user: {alice: bob}`, "scheduler|bob/nightly|su=bob|command=/bin/true|schedule_type=type_expert"},
		{"an expression names accounts", `user: '"x" + value'`, "ftp.user|up|home=/|owner=xalice|needs passwd"},
		{"an owner alone", `ftp.user.owner: {alice: carol}`, "ftp.user|up|home=/|owner=carol|needs passwd"},
		{"a zone is followed by its records", `domain: {name: {example.com: example.net}}`, "domain.record|www.example.net. A  192.0.2.1|in=example.net|plid=example.net|rtype=a|ttl=3600|value=192.0.2.1"},
		{"a mail domain by its mailboxes", `emaildomain.name: {example.com: example.net}`, "email|info@example.net|forward=a@b.c|owner=alice|needs passwd"},
		{"a part of a key", `server: {MySQL: MariaDB}`, "db|shop->MariaDB|owner=alice"},
		{"is followed", `server: {MySQL: MariaDB}`, "db.users|shop->MariaDB/shop|in=shop->MariaDB|plid=shop->MariaDB|remote_access=true|needs password"},
		{"a database's name", `db: {name: {"shop->MySQL": "shop2->MySQL"}}`, "db.users|shop2->MySQL/shop|in=shop2->MySQL|plid=shop2->MySQL|remote_access=true|needs password"},
		{"addresses, item by item", `ip: {192.0.2.1: 198.51.100.7}`, "webdomain|shop.example.com|docroot=www/a|ipaddrs=192.0.2.2,198.51.100.7|ipsrc=manual|owner=alice|php_fpm_version=php74|php_mode=php_mode_mod"},
		{"and in records", `ip: {192.0.2.1: 198.51.100.7}`, "domain.record|www.example.com. A  198.51.100.7|in=example.com|plid=example.com|rtype=a|ttl=3600|value=198.51.100.7"},
		{"null leaves an item out", `ipaddrs: {192.0.2.1: null}`, "webdomain|shop.example.com|docroot=www/a|ipaddrs=192.0.2.2|ipsrc=manual|owner=alice|php_fpm_version=php74|php_mode=php_mode_mod"},
		{"one becomes two", `ipaddrs: {192.0.2.2: [198.51.100.7, 198.51.100.8]}`, "webdomain|shop.example.com|docroot=www/a|ipaddrs=192.0.2.1,198.51.100.7,198.51.100.8|ipsrc=manual|owner=alice|php_fpm_version=php74|php_mode=php_mode_mod"},
		{"name servers, with or without a dot", `ns: {ns1.old: ns1.new}`, "domain|example.com|dtype=master|ip=192.0.2.1|ns=ns1.new.,ns2.old.|owner=alice"},
		{"and in records of theirs", `ns: {ns1.old: ns1.new}`, "domain.record|example.com. NS  ns1.new.|in=example.com|plid=example.com|rtype=ns|value=ns1.new"},
		{"versions of PHP, by one word", `php_version: {php74: isp-php83}`, "webdomain|shop.example.com|docroot=www/a|ipaddrs=192.0.2.1,192.0.2.2|ipsrc=manual|owner=alice|php_fpm_version=isp-php83|php_mode=php_mode_mod"},
		{"the field's own name before the word", "php_version: {php74: isp-php83}\nphp_fpm_version: {php74: native}", "webdomain|shop.example.com|docroot=www/a|ipaddrs=192.0.2.1,192.0.2.2|ipsrc=manual|owner=alice|php_fpm_version=native|php_mode=php_mode_mod"},
		{"one kind before all", "php_mode: {php_mode_mod: a}\nwebdomain: {php_mode: {php_mode_mod: b}}", "webdomain|shop.example.com|docroot=www/a|ipaddrs=192.0.2.1,192.0.2.2|ipsrc=manual|owner=alice|php_fpm_version=php74|php_mode=b"},
		{"a path, by an expression", `docroot: replace(value, "www/", "sites/" + owner + "/")`, "webdomain|shop.example.com|docroot=sites/alice/a|ipaddrs=192.0.2.1,192.0.2.2|ipsrc=manual|owner=alice|php_fpm_version=php74|php_mode=php_mode_mod"},
		{"null in an expression leaves the field out", `preset: 'value == "gold" ? nil : value'`, "user|alice|active=true|fullname=Alice|limit_webdomains=5|needs passwd"},
		{"a field in other fields' company", `fullname: fields.preset + " " + value`, "user|alice|active=true|fullname=gold Alice|limit_webdomains=5|preset=gold|needs passwd"},
		{"a word that is a kind and a field", `preset: {gold: silver}`, "user|alice|active=true|fullname=Alice|limit_webdomains=5|preset=silver|needs passwd"},
		{"a number", `user.limit_webdomains: {5: 7}`, "user|alice|active=true|fullname=Alice|limit_webdomains=7|preset=gold|needs passwd"},
		{"a reference by an expression", `passwd: secret.env("PW_" + upper(name))`, "user|alice|active=true|fullname=Alice|limit_webdomains=5|preset=gold|passwd=secret.env('PW_ALICE')"},
		{"a reference in a table", "email.passwd: {info@example.com: \"${secret.file('pw/info')}\"}", "email|info@example.com|forward=a@b.c|owner=alice|passwd=secret.file('pw/info')"},
		{"what only a create says", `db.charset: '"utf8mb4"'`, "db|shop->MySQL|charset=utf8mb4|owner=alice"},
		{"a certificate, when the map says of what", `sslcert: {type: '"letsencrypt"', domains: '[name, "www." + name]'}`, "sslcert|alice%#%shop|domains=shop,www.shop|owner=alice|type=letsencrypt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := slices.Clone(household)
			if strings.HasPrefix(c.text, "sslcert") {
				rows = append(rows, "sslcert|alice%#%shop|owner=alice")
			}
			m := move(t, panelOf(t, rows...), c.text)
			if len(m.Obstacles) > 0 {
				t.Errorf("obstacles: %v", m.Obstacles)
			}
			if got := textOf(m.State); !slices.Contains(got, c.want) {
				t.Errorf("want %s\ngot:\n%s", c.want, strings.Join(got, "\n"))
			}
		})
	}
}

// A fourth-generation panel calls a database SERVER->NAME (panel-api.md section
// 4): the target gets the name first, and what lives in it finds it.
func TestMoveFromTheFourthGeneration(t *testing.T) {
	row := map[string]string{"dbkey": "MySQL->bt", "dbtype": "MySQL", "name": "bt", "owner": "bt"}
	key, err := Builtin().Kind("db").LiveKey(func(column string) string { return row[column] })
	if err != nil || key != "bt->MySQL" {
		t.Errorf("%q, %v", key, err)
	}
	m := move(t, panelOf(t, "user|bt", "db|bt->MySQL|owner=bt|elid=MySQL->bt", "db.users|MySQL->bt/bt|in=MySQL->bt|remote_access=false"), "")
	for _, want := range []string{"db|bt->MySQL|owner=bt", "db.users|bt->MySQL/bt|in=bt->MySQL|plid=bt->MySQL|remote_access=false|needs password"} {
		if got := textOf(m.State); !slices.Contains(got, want) {
			t.Errorf("want %s, got %v, %v", want, got, m.Obstacles)
		}
	}
}

// What cannot be moved is told, and nothing else suffers.
func TestMoveObstacles(t *testing.T) {
	rows := append(slices.Clone(household), "sslcert|alice%#%shop|owner=alice", "user|bob", "webdomain|bob.example.org|owner=bob")
	for _, c := range []struct{ name, text, want string }{
		{"a certificate's names are not told", ``, "cannot_move old/sslcert/alice%#%shop"},
		{"two become one", `user: {bob: alice}`, "map_collision new/user/alice"},
		{"a value that is none", `ipaddrs: {192.0.2.1: nowhere}`, "map_failed old/webdomain/shop.example.com"},
		{"a name that is none", `user: {bob: ""}`, "map_failed old/user/bob"},
		{"an expression that fails", `ftp.user.home: value.x`, "map_failed old/ftp.user/up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := move(t, panelOf(t, rows...), c.text)
			if !slices.ContainsFunc(m.Obstacles, func(o Obstacle) bool { return o.Code+" "+o.Ref == c.want }) {
				t.Errorf("want %s, got %v", c.want, m.Obstacles)
			}
			if m.State.Find("email", "info@example.com") == nil {
				t.Error("the mailbox is lost")
			}
		})
	}
	// What belongs to what is left behind is left too, without a word.
	left := move(t, panelOf(t, append(rows, "webdomain|two.example.org|owner=bob", "scheduler|bob/x|su=bob|command=x")...), "sslcert: null\nuser: {bob: null}\nemaildomain.name: {example.com: null}\ndomain.name: {example.com: null}")
	for _, kind := range []string{"email", "domain.record", "scheduler"} {
		for _, r := range left.State.Resources(kind) {
			if r.Ref.Key != "alice/nightly" {
				t.Errorf("%s is not left behind", r.Ref)
			}
		}
	}
	if len(left.Obstacles) > 0 || left.State.Find("webdomain", "bob.example.org") != nil || left.State.Find("user", "bob") != nil {
		t.Errorf("what is to be left behind is not: %v", left.Obstacles)
	}
}

// A secret's value never stands in an error, whatever a map says.
func TestMapNeverTellsSecrets(t *testing.T) {
	for _, text := range []string{"passwd: '\"hunter2hunter2\"'", "email.passwd: {a@b.c: hunter2hunter2}", "user: {passwd: {alice: hunter2hunter2}}", "passwd: hunter2hunter2 +"} {
		m, err := noSpec().readMapping("map.yaml", []byte(text))
		said := fmt.Sprint(err)
		if err == nil {
			said = fmt.Sprint((&Move{From: panelOf(t, household...), To: "new", Catalog: Builtin(), Mapping: m}).Moved().Obstacles)
		}
		if strings.Contains(said, "hunter2") || said == "[]" || said == "<nil>" {
			t.Errorf("%s: %s", text, said)
		}
	}
}

// TestLawRenamesAreFollowed: whatever accounts, zones, mail domains and
// databases are called on the target, as many resources as there were are
// there, and every reference leads to one.
func TestLawRenamesAreFollowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "accounts")
		var rows []string
		for i := range n {
			for _, row := range household {
				row = strings.ReplaceAll(strings.ReplaceAll(row, "alice", fmt.Sprintf("alice%d", i)), "example.com", fmt.Sprintf("example%d.com", i))
				rows = append(rows, strings.ReplaceAll(strings.ReplaceAll(row, "shop->", fmt.Sprintf("shop%d->", i)), "ftp.user|up", fmt.Sprintf("ftp.user|up%d", i)))
			}
		}
		text := ""
		for word, old := range map[string]string{"user": "alice%d", "domain.name": "example%d.com", "emaildomain.name": "example%d.com", "db.name": "shop%d->MySQL"} {
			text += word + ":\n"
			for i := range n {
				name := fmt.Sprintf(old, i)
				if rapid.Bool().Draw(t, word) {
					text += fmt.Sprintf("  %q: %q\n", name, strings.Replace(name, fmt.Sprint(i), fmt.Sprintf("x%d", i), 1))
				}
			}
			if strings.HasSuffix(text, word+":\n") {
				text = strings.TrimSuffix(text, word+":\n")
			}
		}
		spec := noSpec()
		m, err := spec.readMapping("map.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		tt := &testing.T{}
		got := (&Move{From: panelOf(tt, rows...), To: "new", Catalog: Builtin(), Mapping: m}).Moved()
		if len(got.Obstacles) > 0 {
			t.Fatalf("%v\n%s", got.Obstacles, text)
		}
		if got.State.Len() != len(rows)-n { // the SOAs stay
			t.Fatalf("%d of %d\n%s", got.State.Len(), len(rows), text)
		}
		for _, kind := range got.State.Kinds() {
			k := Builtin().Kind(kind)
			for _, r := range got.State.Resources(kind) {
				for _, ref := range k.references() {
					v, _ := r.Fields.Get(ref.field)
					for _, key := range v.Items() {
						if got.State.Find(ref.kind, key) == nil {
							t.Fatalf("%s: its %s leads to no %s %s\n%s", r.Ref, ref.field, ref.kind, key, text)
						}
					}
				}
				for _, to := range k.KeyReferences(r.Ref.Key) {
					if got.State.Find(to.Kind, to.Key) == nil {
						t.Fatalf("%s leads to no %s %s\n%s", r.Ref, to.Kind, to.Key, text)
					}
				}
				if k.Su != "" && got.State.Find(k.Su, r.Su) == nil {
					t.Fatalf("%s is of no account that is there\n%s", r.Ref, text)
				}
			}
		}
	})
}

// FuzzMapping: no map file breaks the program, and what is wrong has a place.
func FuzzMapping(f *testing.F) {
	for _, s := range []string{"", "user: {a: b}", "ip: {192.0.2.1: null}", "docroot: replace(value, 'a', 'b')", "a: [", "user: x: y", "email.passwd: {a@b.c: x}", "preset: {gold: [a, b]}", "webdomain: null", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := noSpec().readMapping("map.yaml", data)
		if err != nil {
			es, ok := err.(Errors)
			if !ok || len(es) == 0 || es[0].Pos.Line == 0 {
				t.Errorf("%T %v", err, err)
			}
			return
		}
		(&Move{From: panelOf(t, household...), To: "new", Catalog: Builtin(), Mapping: m}).Moved()
	})
}

// The lines that messages end with are lines of a map file.
func TestMapLinesAreLines(t *testing.T) {
	for _, line := range []string{mapLine("sslcert", "domains", "x"), valueLine("preset", "gold: #1", "…"), valueLine("user.limit_db", "1", "2"),
		nameLine(Builtin().Kind("user"), "null", "x"), nameLine(Builtin().Kind("domain.record"), "a  b, c", nullTo), oneLine(scalarOf("email"), nullNode())} {
		if _, err := noSpec().readMapping("map.yaml", []byte(line)); err != nil && !strings.Contains(line, "sslcert") {
			t.Errorf("%s: %v", line, err)
		}
		if strings.Contains(line, "\n") {
			t.Errorf("more than a line: %q", line)
		}
	}
	if d := cmp.Diff("email: null", oneLine(scalarOf("email"), nullNode())); d != "" {
		t.Error(d)
	}
}
