package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// Secrets arrive as they are and show up nowhere else. Each holds a word that
// no encoding changes, which is then looked for in everything that a run says
// and leaves behind.

// drawSecret draws a password with what is special to URLs, forms, XML, JSON,
// YAML, shells and terminals.
func drawSecret(t *rapid.T, label string) string {
	special := rapid.SampledFrom([]rune("&=+%\"'; $:<>\\/#?{}`\tпя🐘"))
	return canary + rapid.StringOfN(special, 0, 12, -1).Draw(t, label) + canary
}

// TestLawSecrets: whatever a run does, and whatever a panel answers.
func TestLawSecrets(t *testing.T) {
	checks(t, "20")
	rapid.Check(t, func(rt *rapid.T) {
		c := secretCase{
			login: drawSecret(rt, "login"), alice: drawSecret(rt, "alice"), bob: drawSecret(rt, "bob"), carol: drawSecret(rt, "carol"),
			auth:   rapid.SampledFrom([]string{"session", "authinfo"}).Draw(rt, "auth"),
			format: rapid.SampledFrom([]string{"text", "json"}).Draw(rt, "log format"),
			fault: rapid.SampledFrom([]simpanel.Fault{"", simpanel.DropAfter, simpanel.DropBefore, simpanel.Cut, simpanel.ServerError, simpanel.RequestFailed,
				simpanel.ForgetSession, simpanel.EntityBomb, simpanel.Ignore}).Draw(rt, "fault"),
			generation: rapid.SampledFrom([]simpanel.Generation{simpanel.V6, simpanel.V4}).Draw(rt, "generation"),
		}
		if err := inBubble(t, c.check); err != nil {
			rt.Fatalf("%v\n%+v", err, c)
		}
	})
}

type secretCase struct {
	login, alice, bob, carol string
	auth, format             string
	fault                    simpanel.Fault
	generation               simpanel.Generation
}

func (c secretCase) check(t *testing.T) error {
	file := filepath.Join(t.TempDir(), "bob")
	w := &world{
		panels: []worldPanel{{options: simpanel.Options{Name: "web1", Password: c.login, Generation: c.generation}, limits: map[string]int{"writes": 1}, auth: c.auth,
			live: []liveResource{{"user", "carol", map[string]string{"passwd": "old"}}}}},
		spec: map[string]any{"resources": map[string]any{"user": []any{
			map[string]any{"name": "alice", "passwd": "${secret.env('ALICE')}"},
			map[string]any{"name": "bob", "passwd": "${secret.file('" + file + "')}"},
			map[string]any{"name": "carol", "passwd": "${secret.env('CAROL')}"},
		}}},
		env: []string{"SIM_PASSWORD=" + c.login, "ALICE=" + c.alice, "CAROL=" + c.carol},
	}
	if err := os.WriteFile(file, []byte(c.bob+"\n"), 0o600); err != nil {
		return err
	}
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	loud := []string{"-v", "--log-format", c.format}
	if err := s.silent("plan", append(loud, "--out", s.path("plan.json"))...); err != nil {
		return err
	}
	panel := s.panels["web1"]
	panel.SetFaults(simpanel.Faults{Hook: func(call simpanel.Call) simpanel.Fault {
		if call.Write && call.OfFunc == 1 {
			return c.fault
		}
		return ""
	}})
	for _, args := range [][]string{
		{"plan", "-o", "html"}, {"plan", "-o", "markdown"}, {"plan", "-o", "compact", "--metrics", s.path("plan.prom")},
		{"apply", "--auto-approve", "--rotate", "web1/user/carol", "--report", s.path("report.json")},
		{"apply", "--auto-approve", "--rotate", "*/user/*", "--report", s.path("report.json"), "-o", "json", "--metrics", s.path("apply.prom")},
		{"drift"}, {"show", s.path("plan.json")}, {"show", s.path("report.json")}, {"show", s.path("report.json"), "-o", "html"}, {"validate", "-f", s.path("spec.yaml")},
	} {
		if err := s.silent(args[0], append(args[1:], loud...)...); err != nil {
			return err
		}
	}
	for _, call := range panel.Calls() {
		if call.SecretInURL {
			return fmt.Errorf("%s has a secret in its URL", call.Func)
		}
	}
	for account, want := range map[string]string{"alice": c.alice, "bob": c.bob, "carol": c.carol} {
		if got := panel.Password(account); got != want {
			return fmt.Errorf("the password of %s arrived as %q", account, got)
		}
	}
	return c.refusedLogin(s)
}

// refusedLogin: nor does a login that is refused tell what was tried.
func (c secretCase) refusedLogin(s *stage) error {
	s.environ = append(s.environ, "SIM_PASSWORD="+c.login+"wrong")
	return s.silent("plan", "-v", "--log-format", c.format)
}

// silent runs a command and fails when a canary is in what it says, or in any
// file on the stage.
func (s *stage) silent(command string, args ...string) error {
	r, err := s.run(append([]string{command}, args...)...)
	if err != nil {
		return err
	}
	if err := leaks(s.dir, r.stdout+r.stderr); err != nil {
		return fmt.Errorf("%s %v: %w", command, args, err)
	}
	return nil
}

// TestLawLiteralSecrets: a password written out in the spec is a warning and
// works, and is not told either, even where the spec is wrong beside it.
func TestLawLiteralSecrets(t *testing.T) {
	resource := map[string]any{"name": "alice", "passwd": canary + "&literal"}
	for name, more := range map[string]map[string]any{
		"right":                         {},
		"an unknown field beside it":    {"fulname": "x"},
		"a wrong value beside it":       {"limit_db": "many"},
		"a list instead of it":          {"passwd": []any{canary}},
		"an expression that is wrong":   {"passwd": "${'" + canary + "' +}"},
		"an expression that is right":   {"passwd": "${'" + canary + "' + vars.nothing}"},
		"a secret that is not whole":    {"passwd": canary + "${secret.env('SIM_PASSWORD')}"},
		"a hash in it":                  {"passwd": "a#" + canary, "fulname": "x"},
		"twice":                         {"panels": []any{"web1", "web1"}},
		"a field that takes no secrets": {"fullname": "${secret.env('SIM_PASSWORD')}"},
	} {
		for _, layout := range []string{"one line", "lines"} {
			t.Run(name+", "+layout, func(t *testing.T) {
				entry := maps.Clone(resource)
				maps.Copy(entry, more)
				if err := inBubble(t, func(t *testing.T) error { return literal(t, entry, layout, len(more) == 0) }); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// literal applies a spec with a literal password: all of it on one line, as a
// generator may write it, or each entry on a line of its own.
func literal(t *testing.T, entry map[string]any, layout string, right bool) error {
	w := &world{panels: []worldPanel{{options: simpanel.Options{Name: "web1"}, limits: map[string]int{"writes": 1}, auth: "session"}}, spec: map[string]any{}}
	if layout == "one line" {
		w.spec["resources"] = map[string]any{"user": []any{entry}}
	}
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	spec, err := os.ReadFile(s.path("spec.yaml"))
	if err != nil {
		return err
	}
	text := strings.Join(strings.Fields(string(spec)), " ")
	if layout == "lines" {
		line, err := json.Marshal(entry)
		if err != nil {
			return err
		}
		text += "\n---\nresources:\n  user:\n    - " + string(line) + "\n"
	}
	if err := os.WriteFile(s.path("spec.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	r, err := s.run("apply", "--auto-approve", "-v")
	switch {
	case err != nil:
		return err
	case strings.Contains(r.stdout+r.stderr, canary):
		return fmt.Errorf("apply tells a secret: %v", r)
	case right && (r.code != exitOK || !strings.Contains(r.stdout, "literal") || s.panels["web1"].Password("alice") != canary+"&literal"):
		return fmt.Errorf("the literal password did not arrive, or without a warning: %v", r)
	}
	return nil
}
