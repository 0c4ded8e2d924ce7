package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
)

// migrateUsers is how many accounts TestMigrateFarm moves. The figures of
// docs/migration.md are those of 500:
//
//	go test ./cmd/ispsync -run TestMigrateFarm -v -migrate-users 500
var migrateUsers = flag.Int("migrate-users", 25, "accounts that the migration of the farm moves")

// ownEverything puts an account on a panel that owns something of every kind.
func ownEverything(p *simpanel.Panel, n int) {
	user := fmt.Sprintf("u%05d", n)
	site, zone := fmt.Sprintf("site%05d.example.com", n), fmt.Sprintf("zone%05d.example.net", n)
	owned := func(more ...string) map[string]string {
		out := map[string]string{"owner": user}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	onOff := map[bool]string{true: "on", false: "off"}
	p.Put("user", user, map[string]string{"fullname": "User " + user, "passwd": "old-" + user, "limit_webdomains": "3", "preset": "gold", "active": onOff[n%10 != 0]})
	p.Put("domain", zone, owned("ns", "ns1.old.example. ns2.old.example."))
	p.Put("domain.record", zone+"/www."+zone+". A  192.0.2.10", map[string]string{"name": "www." + zone + ".", "rtype": "a", "ip": "192.0.2.10", "ttl": "3600"})
	p.Put("domain.record", zone+"/"+zone+". TXT  v=spf1 -all", map[string]string{"name": zone + ".", "rtype": "txt", "value": "v=spf1 -all", "ttl": "600"})
	p.Put("webdomain", site, owned("aliases", "www."+site, "php_mode", "php_mode_mod", "secure", onOff[n%2 == 0], "ssl_cert", map[bool]string{true: "selfsigned"}[n%2 == 0], "active", onOff[n%7 != 0]))
	p.Put("emaildomain", site, owned("dkim", "on"))
	p.Put("email", "info@"+site, map[string]string{"forward": "boss@example.org", "note": "desk", "maxsize": "1024"})
	p.Put("db", "db"+user+"->MySQL", owned("charset", "utf8mb4"))
	p.Put("db.users", "db"+user+"->MySQL/w"+user, map[string]string{"remote_access": "on", "addr_list": "192.0.2.7"})
	p.Put("ftp.user", user+"-upload", owned("home", "/www"))
	p.Put("scheduler", user+"/1", map[string]string{"command": "/bin/true", "description": "nightly", "schedule_type": "type_expert", "input_hour": "3"})
}

// farmMap is the map of TestMigrateFarm: everything that differs between the two panels.
const farmMap = `
user: {u00001: first}
preset: {gold: silver}
php_mode: {php_mode_mod: php_mode_fcgi_nginxfpm}
ip: {192.0.2.10: 198.51.100.7}
ns: {ns1.old.example: ns1.new.example., ns2.old.example: ns2.new.example.}
server: {MySQL: MariaDB}
`

// farmOf makes the two panels of a migration: the source is of the fifth
// generation and full, the target of the sixth and empty.
func farmOf(t *testing.T, users int) (*stage, error) {
	s := newStage(t)
	old, oldURL := s.add(t, simpanel.Options{Name: "old", Generation: simpanel.V5})
	to, toURL := s.add(t, simpanel.Options{Name: "new", Generation: simpanel.V6, Seed: 7})
	for n := 1; n <= users; n++ {
		ownEverything(old.Panel, n)
	}
	to.Put("preset", "silver", nil)
	to.Put("ipaddrlist", "198.51.100.7", nil)
	to.Delete("ipaddrlist", "192.0.2.10")
	to.Put("db.server", "MariaDB", map[string]string{"type": "mysql"})
	to.Delete("db.server", "MySQL")
	panel := func(name, url string) any {
		return map[string]any{"name": name, "url": url, "auth": map[string]any{"username": "root", "password": "${secret.env('SIM_PASSWORD')}"}}
	}
	if err := os.WriteFile(s.path("map.yaml"), []byte(farmMap), 0o600); err != nil {
		return nil, err
	}
	return s, s.write("spec.yaml", map[string]any{"panels": []any{panel("old", oldURL), panel("new", toURL)}})
}

// migrate runs migrate -o json of a stage with more arguments.
func (s *stage) migrate(code exitCode, args ...string) (*plan.Plan, ran, error) {
	time.Sleep(time.Minute) // of the bubble
	r, err := s.want(code, append([]string{"migrate", "--from", "old", "--to", "new", "--map", s.path("map.yaml"), "-f", s.path("spec.yaml"), "-o", "json"}, args...)...)
	if err != nil {
		return nil, r, err
	}
	p := &plan.Plan{}
	return p, r, json.Unmarshal([]byte(r.stdout), p)
}

// loadSecrets puts the lines of a file of --generate-passwords into the environment.
func (s *stage) loadSecrets(name string) (int, error) {
	data, err := os.ReadFile(s.path(name))
	lines := strings.Fields(string(data))
	s.environ = append(s.environ, lines...)
	return len(lines), err
}

// TestMigrateFarm: accounts with everything they own move from a panel of the
// fifth generation to one of the sixth, of whose calls one in a hundred goes
// wrong. What a run leaves open the next one does. Then the parity is complete,
// a second migration finds nothing to do, and the source was only read.
func TestMigrateFarm(t *testing.T) {
	began := time.Now()
	var report strings.Builder
	if err := inBubble(t, func(t *testing.T) error { return moveFarm(t, *migrateUsers, &report) }); err != nil {
		t.Log(report.String())
		t.Fatal(err)
	}
	t.Logf("%s\n%d accounts in %.1f s", report.String(), *migrateUsers, time.Since(began).Seconds())
}

func moveFarm(t *testing.T, users int, told *strings.Builder) error {
	s, err := farmOf(t, users)
	if err != nil {
		return err
	}
	before, target := s.panels["old"].Snapshot(), s.panels["new"].Snapshot()
	rates := map[simpanel.Fault]float64{}
	for _, f := range flakyFaults {
		rates[f] = 0.01 / float64(len(flakyFaults))
	}
	for _, p := range s.panels {
		p.SetFaults(simpanel.Faults{Rates: rates})
	}
	for run := 1; ; run++ {
		left, err := s.moveOnce(run, told)
		if err != nil {
			return err
		}
		if left == 0 {
			break
		}
		if run == 10 {
			r, _ := s.run("migrate", "--from", "old", "--to", "new", "--map", s.path("map.yaml"), "-f", s.path("spec.yaml"))
			return fmt.Errorf("%d steps are left after %d runs: %v", left, run, r)
		}
	}
	for _, p := range s.panels {
		p.SetFaults(simpanel.Faults{})
	}
	if err := s.moved(users, told); err != nil {
		return err
	}
	if after := s.panels["old"].Snapshot(); fmt.Sprint(before) != fmt.Sprint(after) {
		return fmt.Errorf("the source is not what it was")
	}
	if err := s.backOut(); err != nil {
		return err
	}
	if d := cmp.Diff(target, s.panels["new"].Snapshot()); d != "" {
		return fmt.Errorf("the way back does not end where it began:\n%s", d)
	}
	return nil
}

// moved holds what must be true when all is moved.
func (s *stage) moved(users int, told *strings.Builder) error {
	p, r, err := s.migrate(exitOK)
	if err == nil && len(p.Steps) > 0 {
		err = fmt.Errorf("a second migration finds something to do: %v", r)
	}
	if err != nil {
		return err
	}
	calls := s.calls()
	v, err := s.want(exitOK, "migrate", "verify", "--from", "old", "--to", "new", "--map", s.path("map.yaml"), "-f", s.path("spec.yaml"))
	if err != nil {
		return err
	}
	if all := users * 11; !strings.HasSuffix(v.stdout, fmt.Sprintf("parity: %d of %d\n", all, all)) {
		return fmt.Errorf("the parity is not complete: %v", v)
	}
	for _, c := range s.writes()["old"] {
		return fmt.Errorf("the source was written to: %s", c.Func)
	}
	for _, kind := range []string{"user", "domain", "webdomain", "emaildomain", "email", "db", "db.users", "ftp.user", "scheduler"} {
		if n := s.panels["new"].Count(kind); n != users {
			return fmt.Errorf("there are %d %s on the target, not %d", n, kind, users)
		}
	}
	fmt.Fprintf(told, "requests to old and new: %v to verify, %v in all", since(s.calls(), calls), s.calls())
	return nil
}

// backOut undoes all runs of migrations, the last first.
func (s *stage) backOut() error {
	r, err := s.want(exitOK, "runs", "-o", "json")
	if err != nil {
		return err
	}
	var runs []struct {
		ID     string `json:"id"`
		MadeBy string `json:"made_by"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &runs); err != nil {
		return fmt.Errorf("%w: %v", err, r)
	}
	slices.SortFunc(runs, func(a, b struct {
		ID     string `json:"id"`
		MadeBy string `json:"made_by"`
	}) int {
		return strings.Compare(b.ID, a.ID)
	})
	for _, run := range runs {
		if !strings.HasPrefix(run.MadeBy, "migrate ") {
			continue
		}
		time.Sleep(time.Minute)
		file := s.path("back-" + run.ID + ".json")
		r, err := s.want(exitOK, "undo", run.ID, "-f", s.path("spec.yaml"), "-o", "json", "--out", file)
		if err != nil {
			return err
		}
		p := &plan.Plan{}
		if err := json.Unmarshal([]byte(r.stdout), p); err != nil {
			return err
		}
		if len(p.Steps) == 0 {
			continue
		}
		if _, err := s.want(exitOK, "apply", file, "--allow-deletes", fmt.Sprint(p.Summary.Delete)); err != nil {
			return err
		}
	}
	return nil
}

// calls counts the requests that the old and the new panel got so far.
func (s *stage) calls() [2]int {
	return [2]int{len(s.panels["old"].Calls()), len(s.panels["new"].Calls())}
}

func since(now, before [2]int) [2]int { return [2]int{now[0] - before[0], now[1] - before[1]} }

// moveOnce plans and applies what is left, and gives the number of steps that
// were not done.
func (s *stage) moveOnce(run int, told *strings.Builder) (left int, err error) {
	before := s.calls()
	env, file := fmt.Sprintf("new%d.env", run), s.path(fmt.Sprintf("plan%d.json", run))
	time.Sleep(time.Minute)
	r, err := s.run("migrate", "--from", "old", "--to", "new", "--map", s.path("map.yaml"), "-f", s.path("spec.yaml"), "-o", "json", "--out", file, "--generate-passwords", s.path(env))
	if err != nil || r.code != exitOK && r.code != exitPartial {
		return 0, fmt.Errorf("migrate: %w: %v", err, r)
	}
	if r.code == exitPartial {
		if r.stdout == "" || strings.Contains(r.stdout, `"reachable": false`) {
			return 1, nil // a bad moment: the panel could not be read
		}
	}
	p := &plan.Plan{}
	if err := json.Unmarshal([]byte(r.stdout), p); err != nil {
		return 0, err
	}
	for _, f := range p.Findings {
		if f.Severity == plan.Error {
			return 0, fmt.Errorf("finding: %v", f)
		}
	}
	if len(p.Steps) == 0 {
		return map[bool]int{true: 1, false: 0}[r.code == exitPartial], nil
	}
	made := 0
	if _, err := os.Stat(s.path(env)); err == nil {
		if made, err = s.loadSecrets(env); err != nil {
			return 0, err
		}
	}
	calls := s.calls()
	applied, err := s.run("apply", file, "-o", "json")
	if err != nil {
		return 0, err
	}
	rep := &executor.Report{}
	if applied.code == exitStale || applied.stdout == "" { // a bad moment of the reading: nothing was written
		return len(p.Steps), nil
	}
	if err := json.Unmarshal([]byte(applied.stdout), rep); err != nil {
		return 0, fmt.Errorf("%w: %v", err, applied)
	}
	fmt.Fprintf(told, "run %d: %d steps, %d passwords; done %d, failed %d, blocked %d, unknown %d; requests to old and new: %v to plan, %v to apply\n", run, len(p.Steps), made,
		rep.Summary.Done, rep.Summary.Failed, rep.Summary.Blocked, rep.Summary.Unknown, since(calls, before), since(s.calls(), calls))
	return len(p.Steps) - rep.Summary.Done + map[bool]int{true: 1, false: 0}[r.code == exitPartial], nil
}
