package main

// Locks: one run at a time per panel and state directory. A run holds one file
// lock (flock), of a file that is its own, however many panels it is about; for
// each panel a note names that file. A note counts as long as the file it names
// is locked, and the system unlocks it when its holder dies, however it dies. So
// a thousand panels cost one descriptor, and a dead holder blocks nobody.
//
// Notes are read and written only under a lock of the whole directory, which is
// held for a moment.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// holder is who holds a panel, for the person who waits.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
	Run     string    `json:"run"` // the file, beside the note, that is locked while this counts
}

func (h holder) String() string {
	return fmt.Sprintf("pid %d on %s, since %s", h.PID, h.Host, h.Started.Format(time.RFC3339))
}

// hold is what a run holds.
type hold struct {
	dir  stateDir
	file *flock.Flock
}

// lockPoll is how often a run looks whether the panels it waits for are free.
const lockPoll = 200 * time.Millisecond

// lock takes panels for this run, all or none. It waits at most timeout for
// them. The error names the holder.
func (d stateDir) lock(ctx context.Context, panels []string, timeout time.Duration) (*hold, error) {
	until := time.Now().Add(timeout)
	for {
		h, busy, err := d.tryLock(ctx, panels)
		if err != nil || h != nil {
			return h, err
		}
		if !time.Now().Before(until) {
			return nil, fail(exitLocked, "%w; wait for it, or give --lock-timeout", busy)
		}
		select {
		case <-ctx.Done():
			return nil, fail(exitInterrupted, "%w while waiting: %w", context.Cause(ctx), busy)
		case <-time.After(min(lockPoll, time.Until(until))):
		}
	}
}

// tryLock takes the panels, or says who has one of them.
func (d stateDir) tryLock(ctx context.Context, panels []string) (h *hold, busy, err error) {
	all := flock.New(d.locks("all"), flock.SetPermissions(0o600))
	if _, err := all.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, nil, fmt.Errorf("the state directory cannot be locked: %w", err)
	}
	defer all.Unlock() //nolint:errcheck // closing the file is what counts
	d.sweepLocks()
	for _, panel := range panels {
		if by, held := d.heldBy(panel); held {
			return nil, fmt.Errorf("panel %s is held by another run (%s)", panel, by), nil
		}
	}
	host, _ := os.Hostname()
	me := holder{os.Getpid(), host, time.Now().UTC().Truncate(time.Second), newRunID(time.Now()) + ".run"}
	h = &hold{d, flock.New(d.locks(me.Run), flock.SetPermissions(0o600))}
	if got, err := h.file.TryLock(); err != nil || !got {
		return nil, nil, fmt.Errorf("the state directory cannot be locked: %w", errors.Join(err, os.Remove(d.locks(me.Run))))
	}
	note, _ := json.Marshal(me) //nolint:errcheck // plain data
	for _, panel := range panels {
		if err := os.WriteFile(d.locks(panel+".lock"), append(note, '\n'), 0o600); err != nil {
			h.release()
			return nil, nil, fmt.Errorf("the lock of panel %s cannot be written: %w", panel, err)
		}
	}
	return h, nil, nil
}

// sweepLocks takes away the files of holders that died. Nobody else may be at it.
func (d stateDir) sweepLocks() {
	names, _ := filepath.Glob(d.locks("*.run"))
	for _, name := range names {
		if !locked(name) {
			os.Remove(name) //nolint:errcheck // an unlocked file counts for nothing
		}
	}
}

// heldBy says who holds a panel, if anybody who is alive does.
func (d stateDir) heldBy(panel string) (holder, bool) {
	var h holder
	b, err := os.ReadFile(d.locks(panel + ".lock"))
	if err != nil || json.Unmarshal(b, &h) != nil || h.Run == "" || filepath.Base(h.Run) != h.Run {
		return h, false // a note that is not whole was being written when its writer died
	}
	return h, locked(d.locks(h.Run))
}

// locked reports whether somebody alive holds a file lock.
func locked(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	f := flock.New(path, flock.SetFlag(os.O_RDONLY))
	got, err := f.TryRLock()
	if got {
		f.Unlock() //nolint:errcheck // closing the file is what counts
	}
	return !got && err == nil
}

func (h *hold) release() {
	os.Remove(h.file.Path()) //nolint:errcheck // an unlocked file that is left counts for nothing
	h.file.Unlock()          //nolint:errcheck // the process ends, and the lock with it
}

func (d stateDir) locks(name string) string { return filepath.Join(string(d), "locks", name) }
