package simpanel

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Levels of accounts (section 2: 16 and 30 are recorded; a reseller's, which
// lies between them, is not).
const (
	levelUser     = 16
	levelReseller = 29
	levelAdmin    = 30
)

// session is somebody logged in, or with isKey a key that is good for one
// login.
type session struct {
	account string
	used    time.Time
	isKey   bool
}

// level is the level of an account, and whether it exists.
func (p *Panel) level(account string) (int, bool) {
	if account == p.opt.Account {
		return levelAdmin, true
	}
	r, ok := p.tables[kindUser.name].rows[account]
	if ok && r.set["level"] == strconv.Itoa(levelReseller) {
		return levelReseller, true
	}
	return levelUser, ok
}

// badPassword is recorded (section 2): its value names the caller's address.
func (c *call) badPassword() *failure {
	addr := c.http.RemoteAddr
	if i := strings.LastIndexByte(addr, ':'); i >= 0 {
		addr = addr[:i]
	}
	return &failure{typ: "auth", object: "badpassword", value: fmt.Sprintf("remote_addr: [%s]", addr)}
}

// checkPassword is the login of auth and authinfo.
func (c *call) checkPassword(account, password string) *failure {
	level, ok := c.p.level(account)
	known, has := c.p.secrets[secretKey{kindUser.name, account}]
	if !ok || !has || known != password {
		return c.badPassword()
	}
	c.account, c.level = account, level
	return nil
}

// authenticate finds out who calls: by authinfo, by the auth parameter, or
// by the cookie that auth has set (section 2).
func (c *call) authenticate() *failure {
	if c.local {
		c.account, c.level = c.p.opt.Account, levelAdmin
		return nil
	}
	if info := c.form.Get("authinfo"); info != "" {
		account, password, _ := strings.Cut(info, ":")
		if f := c.checkPassword(account, password); f != nil {
			return f
		}
		if c.p.opt.RestrictAuthinfo {
			return &failure{typ: "access", object: "authinfo"}
		}
		return nil
	}
	s, ok := c.p.sessions[c.sessionID()]
	if !ok || s.isKey {
		return noSession()
	}
	now := c.p.opt.Now()
	level, exists := c.p.level(s.account)
	if !exists || now.Sub(s.used) >= c.p.opt.SessionTTL {
		delete(c.p.sessions, c.sessionID())
		return noSession()
	}
	s.used = now
	c.account, c.level = s.account, level
	return nil
}

const sessionCookie = "ispmgrses5"

func (c *call) sessionID() string {
	if id := c.form.Get("auth"); id != "" {
		return id
	}
	if cookie, err := c.http.Cookie(sessionCookie); err == nil {
		return cookie.Value
	}
	return ""
}

// substitute obeys su=USER: the administrator may call as anybody, a reseller
// as its own users, ordinary users may not (guide, "privileges of another user").
func (c *call) substitute() *failure {
	su := c.form.Get("su")
	if su == "" || su == c.account {
		return nil
	}
	level, ok := c.p.level(su)
	switch {
	case c.level < levelReseller, c.level < levelAdmin && !c.p.belongsTo(su, c.account):
		return &failure{typ: "access", object: "su"}
	case !ok:
		return badValue("su", su)
	}
	c.account, c.level = su, level
	return nil
}

// newSession makes an id: 24 hexadecimal digits in v5/6, decimal in v4
// (section 2).
func (p *Panel) newSession(account string) string {
	id := strconv.FormatUint(p.random.Uint64(), 10)
	if p.opt.Generation != V4 {
		var b [12]byte
		for i := range b {
			b[i] = byte(p.random.Uint32())
		}
		id = hex.EncodeToString(b[:])
	}
	p.sessions[id] = &session{account: account, used: p.opt.Now()}
	return id
}

// auth logs in by name and password, or by name and a key that
// session.newkey has made. Its document has the session both as text and as
// attribute in v5/6; in v4 only as the guide's attribute (section 2).
func (c *call) auth() (answer, *failure) {
	account := c.form.Get("username")
	if key := c.form.Get("key"); key != "" {
		s, ok := c.p.sessions[key]
		level, exists := c.p.level(account)
		if !ok || !s.isKey || s.account != account || !exists {
			return answer{}, c.badPassword()
		}
		delete(c.p.sessions, key)
		c.account, c.level = account, level
	} else if f := c.checkPassword(account, c.form.Get("password")); f != nil {
		return answer{}, f
	}
	id, level := c.p.newSession(c.account), c.level
	c.cookie = id
	return answer{body: func(d *document) {
		if d.gen == V4 {
			d.raw(`<auth id="` + id + `"/>`)
			return
		}
		d.raw(`<auth id="` + id + `" level="` + strconv.Itoa(level) + `">` + id + `</auth>`)
	}}, nil
}

func (c *call) whoami() (answer, *failure) {
	account, level := c.account, c.level
	return answer{body: func(d *document) {
		d.raw("<user")
		d.attr("name", account)
		d.attr("level", strconv.Itoa(level))
		d.raw(`/><mgr dist="ISPmanager"/>`)
	}}, nil
}

func (c *call) sessionDelete() (answer, *failure) {
	id := c.form.Get("elid")
	s, ok := c.p.sessions[id]
	if !ok || s.isKey || c.level < levelAdmin && s.account != c.account {
		return answer{}, badValue("elid", id)
	}
	delete(c.p.sessions, id)
	return answer{body: writeOK}, nil
}

// sessionList tells who is logged in (section 2: the function is on record,
// its columns are not): the administrator all, others their own.
func (c *call) sessionList() (answer, *failure) {
	type line struct {
		id, name string
		level    int
	}
	var lines []line
	for id, s := range c.p.sessions {
		level, ok := c.p.level(s.account)
		alive := ok && !s.isKey && c.p.opt.Now().Sub(s.used) < c.p.opt.SessionTTL
		if alive && (c.level >= levelAdmin || s.account == c.account) {
			lines = append(lines, line{id, s.account, level})
		}
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.id, b.id) })
	return answer{body: func(d *document) {
		for _, l := range lines {
			d.raw("<elem>")
			d.text("id", l.id)
			d.text("name", l.name)
			d.text("level", strconv.Itoa(l.level))
			d.raw("</elem>")
		}
		d.text("p_elems", strconv.Itoa(len(lines)))
	}}, nil
}

// ownPassword changes the caller's password: usrparam su=USER (section 6).
func (c *call) ownPassword() (answer, *failure) {
	account, passwd := c.account, c.form.Get("passwd")
	if c.form.Get("sok") == "" {
		return answer{body: func(d *document) {
			d.text("name", account)
			d.text("passwd", "")
			d.text("confirm", "")
		}}, nil
	}
	if c.form.Has("confirm") && c.form.Get("confirm") != passwd {
		return answer{}, badValue("passwd", "")
	}
	return answer{body: writeOK, effect: func() { c.p.setSecret(kindUser, account, passwd) }}, nil
}

// sessionNewKey takes a key of at least 16 characters (guide).
func (c *call) sessionNewKey() (answer, *failure) {
	account, key := c.form.Get("username"), c.form.Get("key")
	if _, ok := c.p.level(account); !ok {
		return answer{}, badValue("username", account)
	}
	if len(key) < 16 {
		return answer{}, badValue("key", "")
	}
	c.p.sessions[key] = &session{account: account, isKey: true}
	return answer{body: writeOK}, nil
}

// restartWeb takes the panel down for Options.RestartDowntime and forgets
// all sessions, so a client must wait and log in anew (section 8, Panel
// restart). v4 needs it after <ok>restart</ok>; v5/6 have no such function
// (section 0, fact 1).
func (c *call) restartWeb() (answer, *failure) {
	return answer{body: writeOK, effect: func() {
		c.p.downUntil = c.p.opt.Now().Add(c.p.opt.RestartDowntime)
		clear(c.p.sessions)
	}}, nil
}

func writeOK(d *document) { d.raw("<ok/>") }
