package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stateDir is the directory where ispsync remembers between runs: who holds
// which panel (lock.go), what each run did (rundir.go), and which saved plans
// were applied. Only apply and resume write to it.
type stateDir string

func (d stateDir) make() error {
	for _, sub := range []string{"locks", "runs"} {
		if err := os.MkdirAll(filepath.Join(string(d), sub), 0o700); err != nil {
			return fmt.Errorf("the state directory cannot be used: %w; choose another with --state-dir", err)
		}
	}
	ignore := filepath.Join(string(d), ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(ignore, []byte("*\n"), 0o600); err != nil {
			return fmt.Errorf("the state directory cannot be written to: %w; choose another with --state-dir", err)
		}
	}
	return nil
}

// applied says which run applied a saved plan before; empty: none did.
func (d stateDir) applied(digest string) (run string, err error) {
	b, err := os.ReadFile(d.appliedPath(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the state directory cannot be read: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// markApplied remembers that a saved plan is being applied by a run. It is said
// before the first writing call: a plan that was begun is used up. Whoever says
// it holds the panels and has looked whether it was applied, so nobody else can
// be saying it too.
func (d stateDir) markApplied(digest, run string) error {
	path := d.appliedPath(digest)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = writeFile(path, func(f *os.File) error {
			_, err := fmt.Fprintln(f, run)
			return err
		})
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return notBegun(err)
	}
	return nil
}

// appliedAlready refuses a saved plan that a run applied, and says what to do
// when that run did not come to its end.
func (d stateDir) appliedAlready(run string) error {
	for seen := (map[string]bool{}); !seen[run]; {
		seen[run] = true
		if by := d.resumedBy(run); by != "" {
			run = by
		}
	}
	rec, err := d.record(run)
	if err == nil && resumable(rec) == nil && !d.live(run) {
		return fail(exitStale, "this plan was applied already by run %s, which did not come to its end; continue it with `ispsync resume %s`, or make a new one with `ispsync plan --out`", run, run)
	}
	return fail(exitStale, "this plan was applied already; make a new one with `ispsync plan --out`")
}

func (d stateDir) appliedPath(digest string) string {
	return filepath.Join(string(d), "applied", strings.NewReplacer(":", "-", "/", "-").Replace(digest))
}

// writeFile writes a file whole or not at all: to a temporary name beside it,
// synced, then renamed.
func writeFile(path string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // best effort
			err = fmt.Errorf("%s cannot be written: %w", path, err)
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
