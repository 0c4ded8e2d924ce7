package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// lawMap gives the values that the target of the law offers in the place of
// whatever the source has, and limits that are wide enough; one account is called
// something else. Some of the source's sites have TLS and no certificate, as no panel would.
const lawMap = `
user: {alice: alicia, root: hosting}
preset: '"#custom"'
ipaddrs: '"192.0.2.10"'
emaildomain.ip: '"192.0.2.10"'
server: {PG: MySQL}
ssl_cert: 'value == "" ? nil : value'
user.limit_db: 'type(value) == "int" ? max(value, 100) : value'
user.limit_db_users: 'type(value) == "int" ? max(value, 100) : value'
user.limit_ftp_users: 'type(value) == "int" ? max(value, 100) : value'
user.limit_webdomains: 'type(value) == "int" ? max(value, 100) : value'
user.limit_emaildomains: 'type(value) == "int" ? max(value, 100) : value'
user.limit_emails: 'type(value) == "int" ? max(value, 100) : value'
user.limit_domains: 'type(value) == "int" ? max(value, 100) : value'
`

// TestLawMigrate: whatever is on a panel of any generation, a migration to an
// empty panel of any generation tells before all writing what would be refused
// wherever that can be known; what it did is then equal, field by field, and is
// not planned again; what it did not do is exactly what the parity misses; and
// the source was only read.
func TestLawMigrate(t *testing.T) {
	checks(t, "30")
	rapid.Check(t, func(rt *rapid.T) {
		w := drawExportWorld(rt, true)
		w.panels = w.panels[:1]
		to := drawWorldPanel(rt, "target")
		if err := inBubble(t, func(t *testing.T) error { return migratesWhole(t, w, to) }); err != nil {
			rt.Fatalf("%v\nto generation %d\n%s", err, to.options.Generation, &w.world)
		}
	})
}

func migratesWhole(t *testing.T, w *exportWorld, to worldPanel) error {
	w.panels = append(w.panels[:1:1], to)
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path("map.yaml"), []byte(lawMap), 0o600); err != nil {
		return err
	}
	s.panels["target"].Put("user", "hosting", nil)
	before := fmt.Sprint(s.panels["web1"].Snapshot())
	ends := []string{"--from", "web1", "--to", "target", "--map", s.path("map.yaml"), "-f", s.path("spec.yaml"), "-o", "json"}
	r, err := s.want(exitOK, append([]string{"migrate", "--out", s.path("plan.json"), "--generate-passwords", s.path("new.env")}, ends...)...)
	if err != nil {
		return err
	}
	p := &plan.Plan{}
	if err := json.Unmarshal([]byte(r.stdout), p); err != nil {
		return err
	}
	if slices.ContainsFunc(p.Findings, func(f plan.Finding) bool { return f.Severity == plan.Error }) {
		return fmt.Errorf("findings: %v", r)
	}
	if _, err := os.Stat(s.path("new.env")); err == nil {
		if _, err := s.loadSecrets("new.env"); err != nil {
			return err
		}
	}
	open, err := s.applied(p)
	if err != nil {
		return err
	}
	v, err := s.run(append([]string{"migrate", "verify"}, ends...)...)
	if err != nil {
		return err
	}
	parity := &plan.Parity{}
	if err := json.Unmarshal([]byte(v.stdout), parity); err != nil {
		return fmt.Errorf("%w: %v", err, v)
	}
	for _, d := range parity.Differing {
		if !open[d.Ref.String()] {
			return fmt.Errorf("%s is done and %s: %v\n%v", d.Ref, d.State, d.Fields, r)
		}
		delete(open, d.Ref.String())
	}
	if len(open) > 0 {
		return fmt.Errorf("not done and equal: %v\n%v", open, v)
	}
	again, err := s.want(exitOK, append([]string{"migrate"}, ends...)...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(again.stdout), p); err != nil {
		return err
	}
	if len(p.Steps) > len(parity.Differing) {
		return fmt.Errorf("more is planned again than differs: %v", again)
	}
	if len(s.writes()["web1"]) > 0 || fmt.Sprint(s.panels["web1"].Snapshot()) != before {
		return fmt.Errorf("the source was written to")
	}
	return nil
}

// applied runs the saved plan and gives the refs that were not done.
func (s *stage) applied(p *plan.Plan) (open map[string]bool, err error) {
	open = map[string]bool{}
	if len(p.Steps) == 0 {
		return open, nil
	}
	r, err := s.run("apply", s.path("plan.json"), "-o", "json")
	if err != nil {
		return nil, err
	}
	report := &executor.Report{}
	if err := json.Unmarshal([]byte(r.stdout), report); err != nil {
		return nil, fmt.Errorf("%w: %v", err, r)
	}
	for _, o := range report.Outcomes {
		if o.Outcome != executor.Done {
			open[o.Ref.String()] = true
		}
	}
	return open, nil
}
