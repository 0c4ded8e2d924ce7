package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/executor"
)

// A state directory that cannot be written to.

// explained fails unless a run that could not write its journal said so, and had
// sent nothing unless it says what became of it.
func (g *ground) explained(code int, said string, ok bool) {
	g.t.Helper()
	wrote := 0
	for _, c := range g.sim.Calls() {
		if c.Write {
			wrote++
		}
	}
	switch {
	case ok:
	case code != int(exitError) && code != int(exitPartial):
		g.t.Errorf("exit code %d\n%s", code, said)
	case strings.Contains(said, "nothing was sent") || strings.Contains(said, "--state-dir"):
		if wrote > 0 {
			g.t.Errorf("%d calls were sent\n%s", wrote, said)
		}
	case !strings.Contains(said, "nothing more was sent") && !strings.Contains(said, "could not be written down to its end"):
		g.t.Errorf("it does not say what is wrong:\n%s", said)
	}
}

// TestStateDirUnusable: a state directory that is none, or cannot be made, is a
// clear error before any call is sent that writes; exit code 1.
func TestStateDirUnusable(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"a file in its place": func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"a file in the place of its runs": func(dir string) error {
			return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "runs"), nil, 0o600))
		},
		"a file in the place of its locks": func(dir string) error {
			return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "locks"), nil, 0o600))
		},
		"a link to nowhere": func(dir string) error { return os.Symlink("/proc/nowhere/at/all", dir) },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t)
			if err := spoil(g.path("state")); err != nil {
				t.Fatal(err)
			}
			r := g.run(exitError, "apply", "--auto-approve")
			if !strings.Contains(r.stderr, "state directory") || !strings.Contains(r.stderr, "--state-dir") {
				t.Errorf("it does not say what to do: %v", r)
			}
			if calls := g.sim.Calls(); len(calls) > 0 {
				t.Errorf("%d calls were sent", len(calls))
			}
		})
	}
}

// TestStateDirIsMade: a state directory whose parents are not there yet is made,
// and keeps itself out of version control.
func TestStateDirIsMade(t *testing.T) {
	g := newGround(t)
	g.run(exitOK, "apply", "--auto-approve", "--state-dir", g.path("a/b/c"))
	for _, name := range []string{"a/b/c/.gitignore", "a/b/c/runs", "a/b/c/locks"} {
		if _, err := os.Stat(g.path(name)); err != nil {
			t.Error(err)
		}
	}
}

// full is a journal's file on a disk that is full from one line on.
type full struct {
	executor.JournalFile
	left int
}

func (f *full) Write(line []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return f.JournalFile.Write(line)
}

// TestJournalFull: whichever line of the journal is the first that finds no
// room, no call is sent that is not written down, the report is whole and valid,
// and the next run ends as if nothing had happened.
func TestJournalFull(t *testing.T) {
	ends, lines := calmly(t)
	for n := range lines {
		t.Run(fmt.Sprintf("%d lines", n), func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			g.journalFile = func(f executor.JournalFile) executor.JournalFile { return &full{f, n} }
			r := g.do("apply", "--auto-approve", "-o", "json", "--report", g.path("report.json"))
			// Else nothing was begun, or everything was done.
			if partial := strings.Contains(r.stdout, `"result": "partial"`); partial != (r.code == exitPartial) {
				t.Errorf("%v", r)
			}
			g.explained(int(r.code), r.stderr, false)
			if err := validReport(r.stdout); err != nil {
				t.Errorf("%v\n%v", err, r)
			}
			if n == 0 && len(g.runs()) != 0 {
				t.Error("a run that sent nothing is listed")
			}
			g.journalFile = nil
			g.report("apply", "--auto-approve")
			g.ended(ends)
		})
	}
}
