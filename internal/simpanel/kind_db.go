package simpanel

import (
	"regexp"
	"strings"
)

// defaultServer is the database server a panel comes with (section 6,
// db.edit: server "MySQL").
const defaultServer = "MySQL"

// kindServer: columns from section 4 (row db.server), where the password is
// on record as told in clear; fields from section 6 (db.server.edit).
var kindServer = kind{
	name: "db.server", least: levelAdmin, valid: validServer, existsObject: "name", missedObject: "db.server",
	required: []string{"host", "username"},
	filters:  []string{"name", "type"},
	columns: []column{
		idColumn(),
		keyColumn("name"),
		fieldColumn("host"),
		fieldColumn("type"),
		{name: "savedver", cell: func(_ *Panel, k *kind, r *row) string { return r.value(k, "version") }},
		fieldColumn("username"),
		fieldColumn("password"),
	},
	fields: []field{
		choice("type", "mysql", "mysql", "postgresql").at(onCreate), text("host", "localhost"),
		text("username", "root"), text("password", ""), onoff("change_password", "off").at(never),
		onoff("remote_access", "off"), text("version", ""),
	},
}.ready()

// kindDB: columns from section 4 (row db: clients read the identifier from
// key or from pair, so both are told), fields from section 6 (db.edit). The
// key is NAME->SERVER. user=* makes a new user with username and password,
// another value takes that user of the same owner.
var kindDB = kind{
	name: "db", owned: true, keyColumn: "key", existsObject: "name", missedObject: "db",
	limit: "limit_db", secret: "password",
	newKey:   (*call).newDB,
	complete: (*call).checkDBUser,
	after:    (*call).broughtByDB,
	parts: func(own string) [][2]string {
		name, server, _ := strings.Cut(own, "->")
		return [][2]string{{"name", name}, {"server", server}}
	},
	filters: []string{"name", "owner", "server"},
	columns: []column{
		{name: "name", cell: func(_ *Panel, _ *kind, r *row) string { return before(r.key, "->") }},
		ownerColumn(),
		{name: "server", cell: func(_ *Panel, _ *kind, r *row) string { return after(r.key, "->") }},
		keyColumn("key"),
		keyColumn("pair"),
		{name: "size", cell: func(_ *Panel, _ *kind, r *row) string { return meter(r, "size") }},
	},
	fields: []field{
		choice("charset", "utf8mb4", "utf8mb4", "utf8", "latin1", "UTF8").at(onCreate),
		text("user", "*").at(never), text("username", "").at(never), text("password", ""),
		onoff("remote_access", "off").at(never), text("addr_list", "").at(never),
	},
}.ready()

// kindDBUser: section 4 (row db.users: listed by elid of the database), section
// 6 (db.users.edit: plid is the database, elid the user).
var kindDBUser = kind{
	name: "db.users", owned: true, parent: kindDB, scoped: true, secret: "password", valid: validDBName,
	existsObject: "user", missedObject: "db.users",
	limit:    "limit_db_users",
	required: []string{"password"},
	filters:  []string{"name"},
	columns:  []column{keyColumn("name")},
	fields:   []field{text("password", ""), onoff("remote_access", "off"), text("addr_list", "")},
}.ready()

var (
	validServer = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$`)
	validDBName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)
)

func before(s, sep string) string { head, _, _ := strings.Cut(s, sep); return head }

func after(s, sep string) string { _, tail, _ := strings.Cut(s, sep); return tail }

// newDB is NAME->SERVER; without a server it is on the default one
// (inferred: forms offer it first).
func (c *call) newDB() (own, parent string, f *failure) {
	name, server := c.form.Get("name"), c.form.Get("server")
	if server == "" {
		server = defaultServer
	}
	switch _, ok := c.p.tables["db.server"].rows[server]; {
	case name == "":
		return "", "", missedParam("name")
	case !validDBName.MatchString(name):
		return "", "", badValue("name", name)
	case !ok:
		return "", "", badValue("server", server)
	}
	return name + "->" + server, "", nil
}

// checkDBUser checks the user that a new database names. Without user and
// username it has none (inferred).
func (c *call) checkDBUser(key string, _ map[string]string) *failure {
	user, name := c.dbUser()
	if name == "" {
		if user == "*" {
			return missedParam("username")
		}
		return nil
	}
	owner, f := c.newOwner(key, "")
	if f != nil {
		return f
	}
	exists := c.p.dbUserOf(owner, name) != nil
	switch {
	case user == "*" && c.form.Get("password") == "":
		return missedParam("password")
	case user == "*" && !validDBName.MatchString(name):
		return badValue("username", name)
	case user == "*" && exists:
		return &failure{typ: "exists", object: "user", value: name, kind: "db.users"}
	case user != "*" && !exists:
		return badValue("user", name)
	}
	return nil
}

// dbUser is what a create says of the user: "*" and a new name, or an
// existing one.
func (c *call) dbUser() (user, name string) {
	user, name = c.form.Get("user"), c.form.Get("username")
	switch {
	case user == "" && name != "":
		return "*", name
	case user != "*":
		return user, user
	}
	return user, name
}

func (p *Panel) dbUserOf(owner, name string) *row {
	t := p.tables["db.users"]
	for key := range t.byOwner[owner] {
		if strings.HasSuffix(key, "/"+name) {
			return t.rows[key]
		}
	}
	return nil
}

// broughtByDB makes the user row of a new database.
func (c *call) broughtByDB(made *row) {
	user, name := c.dbUser()
	if name == "" {
		return
	}
	t := c.p.tables["db.users"]
	key, password := t.kind.tableKey(made.key, name), c.form.Get("password")
	if user != "*" {
		password = c.p.secret(t.kind, c.p.dbUserOf(made.owner, name).key)
	}
	fields := map[string]string{"addr_list": c.form.Get("addr_list"), "remote_access": onOff(c.form.Get("remote_access") == "on")}
	t.put((&row{key: key, parent: made.key, owner: made.owner, active: true}).with(t.kind, fields))
	c.p.setSecret(t.kind, key, password)
}
