package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// stateDir is the directory where ispsync remembers between runs: who holds
// which panel, and which saved plans were applied. Only apply writes to it.
type stateDir string

// holder is who holds a lock, for the person who waits.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
}

func (d stateDir) make() error {
	if err := os.MkdirAll(filepath.Join(string(d), "locks"), 0o700); err != nil {
		return fmt.Errorf("the state directory cannot be used: %w; choose another with --state-dir", err)
	}
	ignore := filepath.Join(string(d), ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(ignore, []byte("*\n"), 0o600); err != nil {
			return fmt.Errorf("the state directory cannot be written to: %w; choose another with --state-dir", err)
		}
	}
	return nil
}

// locks are the panels this run holds.
type locks []*flock.Flock

// lock takes the panels for this run, all or none. It waits at most timeout
// for each; a lock whose holder died is free. The error names the holder.
func (d stateDir) lock(ctx context.Context, panels []string, timeout time.Duration) (held locks, err error) {
	defer func() {
		if err != nil {
			held.release()
			held = nil
		}
	}()
	host, _ := os.Hostname()
	me, _ := json.Marshal(holder{os.Getpid(), host, time.Now().UTC().Truncate(time.Second)}) //nolint:errcheck // plain data
	for _, panel := range panels {
		path := filepath.Join(string(d), "locks", panel+".lock")
		l := flock.New(path, flock.SetPermissions(0o600))
		got, err := l.TryLock()
		if err == nil && !got && timeout > 0 {
			wait, cancel := context.WithTimeout(ctx, timeout)
			got, err = l.TryLockContext(wait, 200*time.Millisecond)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				err = nil
			}
		}
		if err != nil {
			return held, fmt.Errorf("the lock of panel %s cannot be taken: %w", panel, err)
		}
		if !got {
			return held, fail(exitLocked, "panel %s is held by another run (%s); wait for it, or give --lock-timeout", panel, readHolder(path))
		}
		held = append(held, l)
		if err := os.WriteFile(path, append(me, '\n'), 0o600); err != nil {
			return held, fmt.Errorf("the lock of panel %s cannot be written: %w", panel, err)
		}
	}
	return held, nil
}

func (l locks) release() {
	for _, f := range l {
		f.Unlock() //nolint:errcheck // the process ends, and the lock with it
	}
}

func readHolder(path string) string {
	var h holder
	b, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(b, &h) != nil {
		return "its holder has not said who it is"
	}
	return fmt.Sprintf("pid %d on %s, since %s", h.PID, h.Host, h.Started.Format(time.RFC3339))
}

// applied says whether a saved plan was applied before.
func (d stateDir) applied(digest string) (bool, error) {
	_, err := os.Stat(d.appliedPath(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// markApplied remembers that a saved plan is being applied. It is said before
// the first writing call: a plan that was begun is used up.
func (d stateDir) markApplied(digest string) error {
	path := d.appliedPath(digest)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("the state directory cannot be written to: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fail(exitStale, "this plan was applied already; make a new one with `ispsync plan --out`")
	}
	if err != nil {
		return fmt.Errorf("the state directory cannot be written to: %w", err)
	}
	_, err = fmt.Fprintln(f, time.Now().UTC().Format(time.RFC3339))
	return errors.Join(err, f.Sync(), f.Close())
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
