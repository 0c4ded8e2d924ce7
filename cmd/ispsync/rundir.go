package main

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// What a run leaves under <state dir>/runs/<id>:
//
//	plan.json           the plan it ran
//	journal-0001.jsonl  its journal; a long one has more pieces
//	report.json         its report, once it came to an end
//	lock                locked while it runs
//	open                there as long as a step's fate may be unknown, or a restart owed
//	resumed             names the run that continued it
//
// The marker open is what makes looking for trouble cheap: runs without it are
// not read.

// Sizes of what is kept.
const (
	keepRuns   = 100
	pieceBytes = 16 << 20
)

// idTime is the beginning of a run's id.
const idTime = "20060102-150405.000"

// newRunID is a name that sorts by time.
func newRunID(t time.Time) string {
	b := make([]byte, 3)
	rand.Read(b) //nolint:errcheck // it never fails
	return t.UTC().Format(idTime) + "-" + hex.EncodeToString(b)
}

// nextRunID is an id that sorts after those there are, also when two runs begin
// in the same moment or the clock was set back: last must be the run that began
// last.
func (d stateDir) nextRunID() (string, error) {
	ids, err := d.runs()
	if err != nil {
		return "", err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	if len(ids) > 0 {
		if last, err := time.Parse(idTime, ids[0][:min(len(idTime), len(ids[0]))]); err == nil && !now.After(last) {
			now = last.Add(time.Millisecond)
		}
	}
	return newRunID(now), nil
}

func (d stateDir) run(id string, parts ...string) string {
	return filepath.Join(append([]string{string(d), "runs", id}, parts...)...)
}

// openRun is a run that is being journaled.
type openRun struct {
	dir     stateDir
	id      string
	lock    *flock.Flock
	pieces  *pieces
	journal *executor.Journal
}

// begin makes the directory of a run and writes down what it is about to do.
// Everything is on the disk when it returns; an error means that nothing may be
// written to any panel. wrap, unless it is nil, goes between the journal and its file.
func (d stateDir) begin(p *plan.Plan, start executor.RunStart, wrap func(executor.JournalFile) executor.JournalFile) (r *openRun, err error) {
	defer func() {
		if err != nil {
			r.abandon()
			err = notBegun(err)
			r = nil
		}
	}()
	d.prune()
	id, err := d.nextRunID()
	if err != nil {
		return nil, err
	}
	r = &openRun{dir: d, id: id}
	if err := os.MkdirAll(d.run(r.id), 0o700); err != nil {
		return r, err
	}
	r.lock = flock.New(d.run(r.id, "lock"), flock.SetPermissions(0o600))
	if got, err := r.lock.TryLock(); err != nil || !got {
		return r, cmp.Or(err, errors.New("the lock of a new run is held"))
	}
	if err := writeFile(d.run(r.id, "plan.json"), func(f *os.File) error { return plan.Write(f, p) }); err != nil {
		return r, err
	}
	if err := os.WriteFile(d.run(r.id, "open"), nil, 0o600); err != nil {
		return r, err
	}
	r.pieces = &pieces{dir: d.run(r.id)}
	if err := r.pieces.next(); err != nil {
		return r, err
	}
	start.PID = os.Getpid()
	start.Host, _ = os.Hostname()
	var file executor.JournalFile = r.pieces
	if wrap != nil {
		file = wrap(file)
	}
	r.journal = executor.NewJournal(file, r.id, p, time.Now)
	if err := r.journal.Start(start); err != nil {
		return r, err
	}
	return r, syncDir(filepath.Dir(d.run(r.id)))
}

// notBegun says that a run was not begun because it cannot be written down.
func notBegun(err error) error {
	return fmt.Errorf("the state directory cannot be written to, so nothing was sent: %w; make room, or choose another with --state-dir", err)
}

// finish keeps the report and closes the journal.
func (r *openRun) finish(rep *executor.Report) error {
	err := errors.Join(r.journal.End(rep.Result),
		writeFile(r.dir.run(r.id, "report.json"), func(f *os.File) error { return writeJSON(f, rep) }))
	r.close()
	if err != nil {
		return fmt.Errorf("what run %s did could not be written down to its end: %w", r.id, err)
	}
	return r.dir.settleMark(r.id)
}

// abandon takes back a run that did not send anything.
func (r *openRun) abandon() {
	if r == nil {
		return
	}
	os.Remove(r.dir.run(r.id, "open")) //nolint:errcheck // it has nothing open
	r.close()
	os.RemoveAll(r.dir.run(r.id)) //nolint:errcheck // an empty run that is left says nothing wrong
}

func (r *openRun) close() {
	if r == nil {
		return
	}
	if r.pieces != nil {
		r.pieces.Close() //nolint:errcheck // everything that counts was synced
	}
	if r.lock != nil {
		r.lock.Unlock() //nolint:errcheck // the process ends, and the lock with it
	}
}

// settleMark takes the marker of a run away when it left nothing open.
func (d stateDir) settleMark(id string) error {
	rec, err := d.record(id)
	if err != nil {
		return err
	}
	if rec.Open() {
		return nil
	}
	if err := os.Remove(d.run(id, "open")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// live reports whether a run is still at work.
func (d stateDir) live(id string) bool { return locked(d.run(id, "lock")) }

// runs lists the runs, the latest first.
func (d stateDir) runs() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(string(d), "runs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the state directory cannot be read: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() {
			ids = append(ids, e.Name())
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, nil
}

// findRun finds a run by its id, the beginning of it, or the word last.
func (d stateDir) findRun(name string) (string, error) {
	ids, err := d.runs()
	if err != nil {
		return "", err
	}
	var found []string
	for _, id := range ids {
		if id == name {
			return id, nil
		}
		if name == "last" {
			if _, err := d.record(id); errors.Is(err, executor.ErrNotBegun) {
				continue // it did nothing
			}
			return id, nil
		}
		if name != "" && strings.HasPrefix(id, name) {
			found = append(found, id)
		}
	}
	switch {
	case len(found) == 0:
		return "", withCode(exitUsage, noRun(d, name))
	case len(found) == 1:
		return found[0], nil
	}
	return "", fail(exitUsage, "%s is the beginning of %d runs (%s); write more of it", name, len(found), few(found))
}

var errNoRun = errors.New("`ispsync runs` lists them")

func noRun(d stateDir, name string) error {
	return fmt.Errorf("there is no run %s under %s; %w", name, d, errNoRun)
}

// record reads what the journal of a run tells.
func (d stateDir) record(id string) (*executor.Record, error) {
	if id == "" || id != filepath.Base(id) {
		return nil, fmt.Errorf("%q is no name of a run", id)
	}
	names, err := filepath.Glob(d.run(id, "journal-*.jsonl"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("run %s: %w", id, executor.ErrNotBegun)
	}
	slices.Sort(names)
	readers := make([]io.Reader, 0, 2*len(names))
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", id, err)
		}
		defer f.Close()
		readers = append(readers, f, strings.NewReader("\n"))
	}
	rec, err := executor.ReadRecord(io.MultiReader(readers...))
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", id, err)
	}
	return rec, nil
}

// chain reads what a run did together with the runs that it continued, whose
// ids it gives too, the latest first.
func (d stateDir) chain(id string) (rec *executor.Record, ids []string, err error) {
	if rec, err = d.record(id); err != nil {
		return nil, nil, err
	}
	ids = []string{id}
	for earlier := rec.Start.Resumes; earlier != "" && !slices.Contains(ids, earlier); {
		was, err := d.record(earlier)
		if err != nil {
			return nil, nil, err
		}
		rec.Continues(was)
		ids, earlier = append(ids, earlier), was.Start.Resumes
	}
	return rec, ids, nil
}

// planOf reads the plan that a run ran.
func (d stateDir) planOf(id string) (*plan.Plan, error) {
	p, err := readPlanFile(d.run(id, "plan.json"))
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", id, err)
	}
	return p, nil
}

// prune drops the oldest runs, but none of which a step may still be open.
func (d stateDir) prune() {
	ids, err := d.runs()
	if err != nil || len(ids) < keepRuns {
		return
	}
	for _, id := range ids[keepRuns-1:] {
		if _, err := os.Stat(d.run(id, "open")); errors.Is(err, fs.ErrNotExist) && !d.live(id) {
			os.RemoveAll(d.run(id)) //nolint:errcheck // the next run tries again
		}
	}
}

// pieces is the file of a journal, cut into pieces.
type pieces struct {
	dir string

	mu   sync.RWMutex // held for reading while syncing, so that no piece is closed meanwhile
	f    *os.File
	n    int
	size int64
}

// next begins a new piece.
func (p *pieces) next() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.f != nil {
		if err := errors.Join(p.f.Sync(), p.f.Close()); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(filepath.Join(p.dir, fmt.Sprintf("journal-%04d.jsonl", p.n+1)), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	p.f, p.n, p.size = f, p.n+1, 0
	return syncDir(p.dir)
}

// Write writes one line. It is never called twice at a time: see executor.Journal.
func (p *pieces) Write(line []byte) (int, error) {
	if p.size > 0 && p.size+int64(len(line)) > pieceBytes {
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	n, err := p.f.Write(line)
	p.size += int64(n)
	return n, err
}

func (p *pieces) Sync() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.f.Sync()
}

func (p *pieces) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.f == nil {
		return nil
	}
	return p.f.Close()
}

// syncDir brings the names in a directory to the disk.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
