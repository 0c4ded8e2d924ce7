package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
)

// Passwords are tried when that is asked for, each account once in a run,
// slowly, and not further when it looks like the beginning of a block.

// passwordCase is a panel with accounts, those with a wrong password, and what
// happens to logins; then what is found, by account, "web1" for the panel.
type passwordCase struct {
	why   string
	users []string // alice is right; bob and those with a number are wrong; idle is suspended; new is not there
	auth  string
	fault func(simpanel.Call) simpanel.Fault
	args  []string
	want  map[string]string // code by ref
	tries map[string]int
	drift exitCode
}

var passwordCases = []passwordCase{
	{"right, wrong, suspended and not there", []string{"alice", "bob", "idle", "new"}, "session", nil, nil,
		map[string]string{"web1/user/bob": plan.CodePasswordDiffers}, map[string]int{"alice": 1, "bob": 1}, exitChanges},
	{"calls that log in each time", []string{"alice", "bob"}, "authinfo", nil, nil,
		map[string]string{"web1/user/bob": plan.CodePasswordDiffers}, map[string]int{"alice": 1, "bob": 1}, exitChanges},
	{"all are right", []string{"alice"}, "session", nil, nil, map[string]string{}, map[string]int{"alice": 1}, exitOK},
	{"three in a row are refused: no more", []string{"alice", "w1", "w2", "w3", "w4", "w5"}, "session", nil, nil,
		map[string]string{"web1/user/w1": plan.CodePasswordDiffers, "web1/user/w2": plan.CodePasswordDiffers, "web1/user/w3": plan.CodePasswordDiffers, "web1": plan.CodePasswordUnknown},
		map[string]int{"alice": 1, "w1": 1, "w2": 1, "w3": 1}, exitChanges},
	{"a lost reply is not tried again", []string{"alice", "bob"}, "session", loseLogin("alice", simpanel.DropAfter), nil,
		map[string]string{"web1/user/alice": plan.CodePasswordUnknown, "web1/user/bob": plan.CodePasswordDiffers}, map[string]int{"alice": 1, "bob": 1}, exitChanges},
	{"nor one that was cut, or a bad gateway", []string{"alice"}, "session", loseLogin("alice", simpanel.BadGateway), nil,
		map[string]string{"web1/user/alice": plan.CodePasswordUnknown}, map[string]int{"alice": 1}, exitOK},
	{"refused, and then nothing: a block", []string{"bob", "carol1", "dave1"}, "session", loseLogin("carol1", simpanel.DropBefore), nil,
		map[string]string{"web1/user/bob": plan.CodePasswordDiffers, "web1/user/carol1": plan.CodePasswordUnknown, "web1": plan.CodePasswordUnknown}, map[string]int{"bob": 1, "carol1": 1}, exitChanges},
	{"nothing at all comes back", []string{"a1", "a2", "a3"}, "session", func(c simpanel.Call) simpanel.Fault {
		if c.Func == "auth" && c.Params["username"] != "root" {
			return simpanel.DropAfter
		}
		return ""
	}, nil, map[string]string{"web1/user/a1": plan.CodePasswordUnknown, "web1/user/a2": plan.CodePasswordUnknown, "web1": plan.CodePasswordUnknown}, map[string]int{"a1": 1, "a2": 1}, exitOK},
	{"only what is asked about", []string{"alice", "bob"}, "session", nil, []string{"--target", "*/alice"}, map[string]string{}, map[string]int{"alice": 1}, exitOK},
	{"what will be written is not tried", []string{"alice", "bob"}, "session", nil, []string{"--rotate", "*/bob"}, map[string]string{}, map[string]int{"alice": 1}, exitChanges},
	{"our own account was tried by logging in", []string{"alice", "root"}, "session", nil, nil,
		map[string]string{"web1/user/root": plan.CodePasswordUnknown}, map[string]int{"alice": 1}, exitOK},
}

func loseLogin(account string, f simpanel.Fault) func(simpanel.Call) simpanel.Fault {
	return func(c simpanel.Call) simpanel.Fault {
		if c.Func == "auth" && c.Params["username"] == account {
			return f
		}
		return ""
	}
}

func TestLawPasswords(t *testing.T) {
	for _, c := range passwordCases {
		t.Run(c.why, func(t *testing.T) {
			if err := inBubble(t, c.check); err != nil {
				t.Error(err)
			}
		})
	}
}

func (c passwordCase) check(t *testing.T) error {
	w := &world{panels: []worldPanel{{options: simpanel.Options{Name: "web1"}, limits: map[string]int{"writes": 1}, auth: c.auth}},
		env: []string{"PW=" + canary + "&right"}}
	var entries []any
	for _, name := range c.users {
		entries = append(entries, map[string]any{"name": name, "passwd": "${secret.env('PW')}"})
		live := map[string]string{"passwd": canary + "wrong"}
		switch name {
		case "alice":
			live["passwd"] = canary + "&right"
		case "idle":
			live["active"] = "off"
		case "root":
			live["passwd"] = testPassword
		case "new":
			continue
		}
		w.panels[0].live = append(w.panels[0].live, liveResource{"user", name, live})
	}
	w.spec = map[string]any{"resources": map[string]any{"user": entries}}
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	s.panels["web1"].SetFaults(simpanel.Faults{Hook: c.fault})
	p, r, err := s.plan(exitOK, append([]string{"--check-passwords", "-v"}, c.args...)...)
	if err != nil {
		return err
	}
	if err := c.held(s, p, r); err != nil {
		return fmt.Errorf("%w\n%v", err, r)
	}
	want := c.drift
	if slices.Contains(c.users, "new") {
		want = exitChanges
	}
	s.panels["web1"].ResetCalls()
	if _, err := s.want(want, append([]string{"drift", "--check-passwords"}, c.args...)...); err != nil {
		return err
	}
	if len(p.Steps) == 0 { // a password is nothing that a plan changes by itself
		if _, err := s.want(exitOK, append([]string{"plan", "--detailed-exitcode", "--check-passwords"}, c.args...)...); err != nil {
			return err
		}
	}
	return s.silent("plan", append([]string{"--check-passwords", "-v", "--log-format", "json", "--out", s.path("plan.json")}, c.args...)...)
}

// held holds what was found and what was sent against the case.
func (c passwordCase) held(s *stage, p *plan.Plan, r ran) error {
	got, tries := map[string]string{}, map[string]int{}
	for _, f := range p.Findings {
		got[f.Ref] = f.Code
		if f.Severity != plan.Warning || f.Code == plan.CodePasswordDiffers && !strings.Contains(f.Message, "passwd: differs on the panel") {
			return fmt.Errorf("%+v", f)
		}
	}
	var last time.Time
	for _, call := range s.panels["web1"].Calls() {
		if call.Func != "auth" {
			continue
		}
		if account := call.Params["username"]; account != "root" {
			tries[account]++
			if !last.IsZero() && call.At.Sub(last) < time.Second {
				return fmt.Errorf("%s was tried %v after the one before", account, call.At.Sub(last))
			}
			last = call.At
		}
	}
	switch {
	case !maps.Equal(got, c.want):
		return fmt.Errorf("found %v, want %v", got, c.want)
	case !maps.Equal(tries, c.tries):
		return fmt.Errorf("tried %v, want %v", tries, c.tries)
	case len(s.writes()["web1"]) > 0:
		return fmt.Errorf("there are writing calls")
	case strings.Contains(r.stdout+r.stderr, canary):
		return fmt.Errorf("a secret is told")
	}
	return nil
}
