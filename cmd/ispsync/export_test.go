package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// filesIn maps the files below a directory to their texts.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func textFile(name, text string) outFile {
	return outFile{name, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }}
}

// TestWriteDirWholeOrNot: whatever goes wrong, the directory is as it was, and
// nothing is left beside it.
func TestWriteDirWholeOrNot(t *testing.T) {
	broken := outFile{"b/late.yaml", func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("half", 100_000)) //nolint:errcheck // the disk is full next
		return errors.New("no space left on device")
	}}
	for name, tc := range map[string]struct {
		before map[string]string
		files  []outFile
		force  bool
		after  map[string]string
		wrong  string
	}{
		"new directory": {nil, []outFile{textFile("a.yaml", "1"), textFile("b/c.yaml", "2")}, false,
			map[string]string{"out/x/a.yaml": "1", "out/x/b/c.yaml": "2"}, ""},
		"disk full": {nil, []outFile{textFile("a.yaml", "1"), broken}, false, map[string]string{}, "no space left"},
		"beside others": {map[string]string{"out/x/mine.yaml": "0"}, []outFile{textFile("a.yaml", "1")}, false,
			map[string]string{"out/x/mine.yaml": "0", "out/x/a.yaml": "1"}, ""},
		"one is there": {map[string]string{"out/x/b/c.yaml": "0"}, []outFile{textFile("a.yaml", "1"), textFile("b/c.yaml", "2")}, false,
			map[string]string{"out/x/b/c.yaml": "0"}, "is there already"},
		"forced": {map[string]string{"out/x/b/c.yaml": "0"}, []outFile{textFile("a.yaml", "1"), textFile("b/c.yaml", "2")}, true,
			map[string]string{"out/x/a.yaml": "1", "out/x/b/c.yaml": "2"}, ""},
		"forced, disk full": {map[string]string{"out/x/a.yaml": "0"}, []outFile{textFile("a.yaml", "1"), broken}, true,
			map[string]string{"out/x/a.yaml": "0"}, "no space left"},
		"forced, one cannot be moved": {map[string]string{"out/x/a.yaml": "0", "out/x/b": "a file"}, []outFile{textFile("a.yaml", "1"), textFile("b/c.yaml", "2")}, true,
			map[string]string{"out/x/a.yaml": "0", "out/x/b": "a file"}, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for path, text := range tc.before {
				if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o700), os.WriteFile(filepath.Join(root, path), []byte(text), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			err := writeDir(filepath.Join(root, "out", "x"), tc.files, tc.force)
			if (err == nil) != (tc.wrong == "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("got %v, want %q", err, tc.wrong)
			}
			if d := cmp.Diff(tc.after, filesIn(t, root)); d != "" {
				t.Error(d)
			}
		})
	}
}

// onExportStage runs a test on a stage with one panel that has something of every
// kind that is listed by another.
func onExportStage(t *testing.T, f func(*stage, *staged) error) {
	t.Helper()
	err := inBubble(t, func(t *testing.T) error {
		s, sim, err := exportStage(t)
		if err != nil {
			return err
		}
		return f(s, sim)
	})
	if err != nil {
		t.Error(err)
	}
}

// exportStage is a panel with something of every kind that is listed by another.
func exportStage(t *testing.T) (*stage, *staged, error) {
	s := newStage(t)
	sim, url := s.add(t, simpanel.Options{Name: "web1"})
	sim.Seed(2, 2)
	sim.Put("domain", "example.com", map[string]string{"owner": "u00001"})
	sim.Put("domain.record", "example.com/www.example.com. A  192.0.2.1", map[string]string{"ip": "192.0.2.1"})
	sim.Put("scheduler", "u00001/1", map[string]string{"command": "c", "description": "nightly"})
	return s, sim, s.write("spec.yaml", map[string]any{"panels": []any{map[string]any{"name": "web1", "url": url,
		"auth": map[string]any{"username": "root", "password": "${secret.env('SIM_PASSWORD')}"}}}})
}

// TestExportOfPartOfAPanel: what is listed by a kind that cannot be believed cannot be
// known either; all else is exported, and both are named.
func TestExportOfPartOfAPanel(t *testing.T) {
	onExportStage(t, func(s *stage, sim *staged) error {
		sim.SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
			if c.Func == "user" || c.Func == "domain.record" {
				return simpanel.ShortList
			}
			return ""
		}})
		r, err := s.want(exitPartial, "export", "-f", s.path("spec.yaml"), "--verify")
		if err != nil {
			return err
		}
		for _, want := range []string{"web1: user: ", "web1: domain.record: ", "web1: scheduler: it is listed by user, and that kind could not be read", "- name: site00002-2.example.com", "- name: example.com"} {
			if !strings.Contains(r.stdout, want) {
				return fmt.Errorf("there is no %q in %v", want, r)
			}
		}
		if !strings.Contains(r.stderr, "finds nothing to do for 5 resources") {
			return fmt.Errorf("not verified: %v", r)
		}
		return nil
	})
}

// TestExportWithoutChildren: answers that are no documents, for all that is listed by
// others, cost just those kinds.
func TestExportWithoutChildren(t *testing.T) {
	onExportStage(t, func(s *stage, sim *staged) error {
		sim.SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
			if c.Func == "scheduler" || c.Func == "domain.record" || c.Func == "db.users" {
				return simpanel.Cut
			}
			return ""
		}})
		r, err := s.want(exitPartial, "export", "-f", s.path("spec.yaml"))
		if err != nil {
			return err
		}
		for _, want := range []string{"web1: scheduler: ", "web1: domain.record: ", "- name: u00001", "- name: example.com"} {
			if !strings.Contains(r.stdout, want) {
				return fmt.Errorf("there is no %q in %v", want, r)
			}
		}
		return nil
	})
}

// TestExportVerifyFinds: a field that is another in the list than in the form is what
// a panel never has, but if it has: verify tells, and the exit code is 1.
func TestExportVerifyFinds(t *testing.T) {
	onExportStage(t, func(s *stage, sim *staged) error {
		lists := 0
		sim.SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
			if c.Func == "webdomain" {
				if lists++; lists == 2 { // somebody works on the panel between the two readings
					sim.Put("webdomain", "site00001-1.example.com", map[string]string{"active": "off", "php_mode": "php_mode_mod"})
				}
			}
			return ""
		}})
		sim.Put("webdomain", "site00001-1.example.com", map[string]string{"php_mode": "php_mode_cgi"})
		r, err := s.want(exitError, "export", "-f", s.path("spec.yaml"), "--verify", "--out", s.path("out"))
		if err != nil {
			return err
		}
		if !strings.Contains(r.stderr, "php_mode_mod") || !strings.Contains(r.stderr, "the export is not what the panels have") {
			return fmt.Errorf("it does not tell: %v", r)
		}
		return nil
	})
}

// TestExportTimeout: a run that is stopped writes nothing.
func TestExportTimeout(t *testing.T) {
	onExportStage(t, func(s *stage, sim *staged) error {
		sim.SetFaults(simpanel.Faults{Rates: map[simpanel.Fault]float64{simpanel.Slow: 1}})
		r, err := s.want(exitInterrupted, "export", "-f", s.path("spec.yaml"), "--out", s.path("out"), "--timeout", "5s")
		if _, statErr := os.Stat(s.path("out")); err == nil && (statErr == nil || r.stdout != "") {
			err = fmt.Errorf("something was written: %v", r)
		}
		return err
	})
}
