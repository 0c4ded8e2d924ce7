package main

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// cronMachine is a machine on which examples/cron is installed, in directories
// of the test's own, and its panel.
type cronMachine struct {
	paths *strings.Replacer // from where the example has things to where they are
	env   []string
	panel *simpanel.Panel
}

const cronExample = "../../examples/cron/"

func newCronMachine(t *testing.T) *cronMachine {
	dir := t.TempDir()
	m := &cronMachine{panel: simpanel.New(simpanel.Options{Password: simPassword})}
	srv := httptest.NewServer(m.panel)
	t.Cleanup(srv.Close)
	site, err := os.ReadFile(cronExample + "specs/site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write := map[string]string{
		"specs/site.yaml": strings.ReplaceAll(string(site), "https://web1.example.net:1500", srv.URL),
		"secrets/web1":    simPassword + "\n",
		"secrets/alice":   simPassword + "\n",
		"state/":          "",
	}
	for name, text := range write {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	program, err := exec.LookPath("ispsync")
	if err != nil {
		t.Fatal(err)
	}
	m.paths = strings.NewReplacer("/etc/ispsync", dir, "/var/lib/ispsync", filepath.Join(dir, "state"), "/usr/local/bin/ispsync", program)
	m.env = append(os.Environ(), "ISPSYNC_VAR_secrets="+filepath.Join(dir, "secrets"))
	return m
}

// shell runs a command line of the example and returns what it printed and its exit code.
func (m *cronMachine) shell(t *testing.T, line string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", m.paths.Replace(line))
	cmd.Env = m.env
	b, _ := cmd.CombinedOutput() //nolint:errcheck // its exit code tells
	return string(b), cmd.ProcessState.ExitCode()
}

// The lines of the crontab are silent when all is well, and say what happened
// with its exit code when not.
func TestCrontab(t *testing.T) {
	text, err := os.ReadFile(cronExample + "crontab")
	if err != nil {
		t.Fatal(err)
	}
	entry := regexp.MustCompile(`(?m)^#?((?:[0-9*,/-]+ +){5})root +(.*)$`)
	entries := entry.FindAllStringSubmatch(string(text), -1)
	if len(entries) != 2 {
		t.Fatalf("%d entries: %q", len(entries), entries)
	}
	apply, drift := entries[0][2], entries[1][2]
	if strings.Contains(apply+drift, "%") {
		t.Error("cron takes a % for the end of a line")
	}
	m := newCronMachine(t)
	if out, _ := m.shell(t, drift); !strings.HasPrefix(out, "ispsync drift: exit code 2\n") || !strings.Contains(out, "Plan: 3 to add") {
		t.Errorf("drift before the apply:\n%s", out)
	}
	for _, line := range []string{apply, apply, drift} {
		if out, code := m.shell(t, line); out != "" || code != 0 {
			t.Errorf("%s\nends with %d and says\n%s", line, code, out)
		}
	}
	m.panel.Put("webdomain", "shop.example.com", map[string]string{"php_mode": "php_mode_mod"})
	if out, _ := m.shell(t, drift); !strings.Contains(out, "exit code 2") || !strings.Contains(out, "shop.example.com") {
		t.Errorf("drift after an edit by hand:\n%s", out)
	}
}

// directive is the value of a setting in a unit file.
func directive(t *testing.T, unit, name string) string {
	t.Helper()
	text, err := os.ReadFile(cronExample + unit)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("%s has no %s", unit, name)
	}
	return string(m[1])
}

// What the services start works, and the timers spread their runs.
func TestSystemdServices(t *testing.T) {
	m := newCronMachine(t)
	for _, c := range []struct {
		unit string
		want exitCode
	}{{"ispsync-drift.service", exitChanges}, {"ispsync.service", exitOK}, {"ispsync-drift.service", exitOK}} {
		if out, code := m.shell(t, directive(t, c.unit, "ExecStart")); code != int(c.want) {
			t.Errorf("%s ended with %d:\n%s", c.unit, code, out)
		}
	}
	for _, unit := range []string{"ispsync.timer", "ispsync-drift.timer"} {
		if d, err := time.ParseDuration(strings.TrimSuffix(directive(t, unit, "RandomizedDelaySec"), "in")); err != nil || d < time.Minute {
			t.Errorf("%s: a jitter of %v, %v", unit, d, err)
		}
	}
}

// systemd reads the units without a complaint, where there is one to ask.
func TestSystemdVerifies(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	m := newCronMachine(t)
	dir := t.TempDir()
	units, err := filepath.Glob(cronExample + "ispsync*")
	if err != nil || len(units) != 4 {
		t.Fatalf("units: %v, %v", units, err)
	}
	var copies []string
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.Base(unit))
		if err := os.WriteFile(to, []byte(m.paths.Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, to)
	}
	slices.Sort(copies)
	out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, copies...)...).CombinedOutput()
	for l := range strings.Lines(string(out)) {
		if strings.Contains(l, dir) || strings.Contains(l, "ispsync") {
			t.Errorf("%s", l)
		}
	}
	if err != nil && len(out) == 0 {
		t.Error(err)
	}
}
