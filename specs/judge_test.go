package specs

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// unsupported is what a client says of a kind that the panel does not know.
type unsupported struct{ error }

func (unsupported) Unsupported() bool { return true }

// targetOf is a panel with what the rows say, and nothing else known.
func targetOf(t *testing.T, forms map[string]*Form, rows ...string) Target {
	live := panelOf(t, rows...)
	for _, k := range Builtin().Kinds() {
		if _, ok := live.Listing(k.Name); !ok {
			live.Set(k.Name, nil) //nolint:errcheck // nothing has no doubles
		}
	}
	return Target{Live: live, Catalog: Builtin(), Forms: forms}
}

// Each row: what is known of the target, and an obstacle: its code, its ref and
// the line of the map that mends it.
func TestJudge(t *testing.T) {
	offers := []string{"preset|silver", "ipaddrlist|192.0.2.1", "ipaddrlist|192.0.2.2", "db.server|MySQL"}
	mode := func(modes ...string) map[string]*Form {
		return map[string]*Form{"webdomain": {Choices: map[string][]string{"php_mode": modes}}}
	}
	for _, c := range []struct {
		name  string
		rows  []string
		forms map[string]*Form
		code  string
		ref   string
		line  string // of the map; empty: there is no such obstacle
	}{
		{"a template", offers, nil, ObstacleNotOffered, "new/user/alice", "preset: {gold: …}"},
		{"a template that is offered", append(offers, "preset|gold"), nil, ObstacleNotOffered, "new/user/alice", ""},
		{"an address", append(offers[:1:1], "ipaddrlist|192.0.2.1", "db.server|MySQL"), nil, ObstacleNotOffered, "new/webdomain/shop.example.com", "ipaddrs: {192.0.2.2: 192.0.2.1}"},
		{"a database server", append(offers[:3:3], "db.server|MariaDB"), nil, ObstacleNotOffered, "new/db/shop->MySQL", "server: {MySQL: MariaDB}"},
		{"a choice of a form", offers, mode("a", "b"), ObstacleNotOffered, "new/webdomain/shop.example.com", "php_mode: {php_mode_mod: …}"},
		{"a choice that is there", offers, mode("a", "php_mode_mod"), ObstacleNotOffered, "new/webdomain/shop.example.com", ""},
		{"what is so already is taken", append(offers, "webdomain|shop.example.com|owner=alice|php_mode=php_mode_mod"), mode("a", "b"), ObstacleNotOffered, "new/webdomain/shop.example.com", ""},
		{"a field that the form lacks", offers, map[string]*Form{"user": {Params: map[string]bool{"fullname": true, "limit_webdomains": true}}}, ObstacleField, "new/user/alice", "user.preset: null"},
		{"a name of somebody else's", append(offers, "webdomain|shop.example.com|owner=carol"), nil, ObstacleTaken, "new/webdomain/shop.example.com", "webdomain.name: {shop.example.com: null}"},
		{"an account that differs", append(offers, "user|alice|fullname=Other"), nil, ObstacleTaken, "new/user/alice", "user: {alice: …}"},
		{"an account as it should be", append(offers, "user|alice|fullname=Alice"), nil, ObstacleTaken, "new/user/alice", ""},
		{"an owner that is nobody there", append(offers, "user|carol"), nil, ObstacleOwner, "new/webdomain/root.example.org", "user: {root: …}"},
		{"a zone of somebody else's", append(offers, "domain|example.com|owner=carol"), nil, ObstacleTaken, "new/webdomain/shop.example.com", "webdomain.name: {shop.example.com: null}"},
		{"a limit, with what is there already", append(offers, "webdomain|a.example.org|owner=alice", "webdomain|b.example.org|owner=alice", "webdomain|c.example.org|owner=alice",
			"webdomain|d.example.org|owner=alice", "webdomain|e.example.org|owner=alice"), nil, ObstacleLimit, "new/user/alice", `user.limit_webdomains: {"5": "6"}`},
		{"an address of the source", append(offers[:1:1], "ipaddrlist|198.51.100.7", "db.server|MySQL"), nil, ObstaclePointsBack, "new/domain.record/www.example.com. A  192.0.2.1", "ip: {192.0.2.1: …}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := move(t, panelOf(t, append(slices.Clone(household), "ipaddrlist|192.0.2.1", "webdomain|root.example.org|owner=root")...), "")
			m.Judge(targetOf(t, c.forms, c.rows...))
			i := slices.IndexFunc(m.Obstacles, func(o Obstacle) bool { return o.Code == c.code && o.Ref == c.ref })
			switch {
			case c.line == "" && i >= 0:
				t.Errorf("found %v", m.Obstacles[i])
			case c.line != "" && i < 0:
				t.Errorf("not found among %v", m.Obstacles)
			case c.line != "" && !strings.HasSuffix(m.Obstacles[i].Message, ": "+c.line):
				t.Errorf("the line is not %s: %s", c.line, m.Obstacles[i].Message)
			}
		})
	}
}

// Choices that the source's own values are not among are no proof.
func TestJudgeDoubts(t *testing.T) {
	form := func(modes ...string) map[string]*Form {
		return map[string]*Form{"webdomain": {Choices: map[string][]string{"php_mode": modes}}}
	}
	for _, c := range []struct {
		source map[string]*Form
		fatal  bool
	}{{nil, true}, {form(), true}, {form("php_mode_mod", "b"), true}, {form("b"), false}} {
		m := move(t, panelOf(t, household...), "")
		target := targetOf(t, form("a"))
		target.SourceForms, target.SourceCatalog = c.source, Builtin()
		m.Judge(target)
		i := slices.IndexFunc(m.Obstacles, func(o Obstacle) bool { return strings.Contains(o.Message, "php_mode_mod") })
		if i < 0 || m.Obstacles[i].Fatal != c.fatal {
			t.Errorf("%v: %v", c, m.Obstacles)
		}
	}
}

// A kind that the target does not know is one obstacle, whatever there is of it.
func TestJudgeUnknownKind(t *testing.T) {
	m := move(t, panelOf(t, append(slices.Clone(household), "emaildomain|example.org|owner=alice")...), "")
	target := targetOf(t, nil)
	target.Live.Fail("emaildomain", unsupported{errors.New("no such function")})
	m.Judge(target)
	i := slices.IndexFunc(m.Obstacles, func(o Obstacle) bool { return o.Code == ObstacleKind })
	if i < 0 || m.Obstacles[i].Ref != "new/emaildomain" || !strings.HasSuffix(m.Obstacles[i].Message, ": emaildomain: null") || !strings.Contains(m.Obstacles[i].Message, "2 of them") {
		t.Errorf("%v", m.Obstacles)
	}
	if _, known := m.State.Listing("emaildomain"); known {
		t.Error("the kind is still wanted")
	}
}

// The same obstacle of many resources is said once.
func TestJudgeSaysOnce(t *testing.T) {
	var rows []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		rows = append(rows, "user|"+name+"|preset=gold")
	}
	m := move(t, panelOf(t, rows...), "")
	m.Judge(targetOf(t, nil, "preset|silver"))
	if len(m.Obstacles) != 1 || m.Obstacles[0].Ref != "new/user" || !strings.HasPrefix(m.Obstacles[0].Message, "5 resources (user/a, user/b, user/c and 2 more): ") {
		t.Errorf("%v", m.Obstacles)
	}
}

// A new resource is not told that it has no comment, unless it would have one.
func TestJudgeDropsWhatIsEmpty(t *testing.T) {
	m := move(t, panelOf(t, "user|a|comment=|email=|fullname="), "")
	m.Judge(targetOf(t, map[string]*Form{"user": {Filled: map[string]bool{"fullname": true}}}))
	if got := textOf(m.State); len(got) != 1 || got[0] != "user|a|fullname=|needs passwd" {
		t.Errorf("%v", got)
	}
}
