package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// The state directory remembers how many resources of each kind a panel had at
// the end of the last apply, and nothing else about them: the panel is the
// truth, and this is only what tells a list that collapsed from one that was
// always short. See plan.Doubt.

// census is <state-dir>/seen/<panel>.json.
type census struct {
	FormatVersion string `json:"format_version"`
	// URL, Account and Su say of whom it is: another account sees other things.
	URL     string         `json:"url"`
	Account string         `json:"account"`
	Su      string         `json:"su,omitempty"`
	At      time.Time      `json:"at"`     // when it changed last
	Counts  map[string]int `json:"counts"` // by kind
}

const censusVersion = "1"

func (d stateDir) censusPath(panel string) string {
	return filepath.Join(string(d), "seen", panel+".json")
}

// census is what the last run saw of a panel. One of another address, account
// or version, and one that cannot be read, is none: the panel is then believed.
func (d stateDir) census(p specs.Panel) (c census, err error) {
	b, err := os.ReadFile(d.censusPath(p.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return census{}, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.FormatVersion != censusVersion || c.URL != p.URL || c.Account != p.Account() || c.Su != p.Su {
		return census{}, err
	}
	return c, nil
}

// saveCensus takes over the counts of the kinds that this run saw.
func (d stateDir) saveCensus(p specs.Panel, counts map[string]int) error {
	c, _ := d.census(p) //nolint:errcheck // what cannot be read is replaced
	if c.Counts == nil {
		c.Counts = map[string]int{}
	}
	before := maps.Clone(c.Counts)
	maps.Copy(c.Counts, counts)
	if maps.Equal(before, c.Counts) && c.FormatVersion == censusVersion {
		return nil // as it was: nothing to write, and nothing to wait for
	}
	c.FormatVersion, c.URL, c.Account, c.Su, c.At = censusVersion, p.URL, p.Account(), p.Su, time.Now().UTC().Truncate(time.Second)
	path := d.censusPath(p.Name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("the state directory cannot be written to: %w", err)
	}
	return writeFile(path, func(f *os.File) error { return writeJSON(f, c) })
}

// sight is what a run has seen of its panels.
type sight struct {
	mu     sync.Mutex
	counts map[string]map[string]int // by panel and kind
	doubts []plan.Doubt
}

func (s *sight) note(panel, kind string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[string]map[string]int{}
	}
	if s.counts[panel] == nil {
		s.counts[panel] = map[string]int{}
	}
	s.counts[panel][kind] = n
}

// doubt notes a list that stays doubtful, once.
func (s *sight) doubt(d plan.Doubt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.doubts, d) {
		s.doubts = append(s.doubts, d)
	}
}

// findings are the doubts as a plan shows them, in a fixed order.
func (s *sight) findings(l plan.Lifts) []plan.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]plan.Finding, len(s.doubts))
	for i, d := range s.doubts {
		out[i] = d.Finding(l)
	}
	slices.SortFunc(out, func(a, b plan.Finding) int { return strings.Compare(a.Ref, b.Ref) })
	return out
}

// secondLook is how long after the first a doubtful list is read again.
const secondLook = 2 * time.Second

// believe holds lists that were just read against the last run. What is
// doubtful is read again after a pause, and the second reading stands, also
// when it fails. Lists per account or parent depend on what was asked for, so
// they have no count.
func (t *target) believe(ctx context.Context, c *apiclient.Client, p specs.Panel, live *specs.State, wants []specs.Want) error {
	last, err := stateDir(t.a.stateDir).census(p)
	if err != nil {
		t.a.log.warn("what the last run saw of %s cannot be read, so nothing is held against it: %v", p.Name, err)
	}
	var doubtful []specs.Want
	for _, w := range wants {
		if countable(w.Kind) && live.Complete(w.Kind.Name) && plan.Doubtful(last.Counts[w.Kind.Name], len(live.Resources(w.Kind.Name))) {
			doubtful = append(doubtful, w)
		}
	}
	if len(doubtful) > 0 {
		if !pause(ctx, secondLook) {
			return fmt.Errorf("panel %s: reading was interrupted: %w", p.Name, ctx.Err())
		}
		again, err := c.Snapshot(ctx, doubtful)
		if err != nil {
			return err
		}
		t.dropAbsentKinds(t.input(p), again)
		live.Add(again)
	}
	for _, w := range wants {
		kind := w.Kind.Name
		if !countable(w.Kind) || !live.Complete(kind) {
			continue
		}
		before, now := last.Counts[kind], len(live.Resources(kind))
		t.seen.note(p.Name, kind, now)
		if plan.Doubtful(before, now) {
			t.seen.doubt(plan.Doubt{Panel: p.Name, Kind: kind, Before: before, Now: now})
		}
	}
	return nil
}

func countable(k *specs.Kind) bool { return k.Su == "" && k.Parent == nil }

// foreseeSeen writes down, before anything is sent, what there may be left of
// what the plan deletes: a run that is cut off must not leave its own deletes
// behind as a collapse.
func (ap *application) foreseeSeen() error {
	left := map[string]map[string]int{}
	for i := range ap.plan.Steps {
		s := &ap.plan.Steps[i]
		if s.Action != plan.Delete || ap.seen.counts[s.Panel] == nil {
			continue
		}
		if left[s.Panel] == nil {
			left[s.Panel] = maps.Clone(ap.seen.counts[s.Panel])
		}
		for _, c := range append([]plan.Count{{Kind: s.Kind, Count: 1}}, s.TakesWithIt...) {
			if n, ok := left[s.Panel][c.Kind]; ok {
				left[s.Panel][c.Kind] = max(0, n-c.Count)
			}
		}
	}
	return ap.saveSeen(left)
}

// saveSeen writes the counts of panels.
func (ap *application) saveSeen(counts map[string]map[string]int) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		errs = append(errs, stateDir(ap.a.stateDir).saveCensus(*ap.spec.Panel(name), counts[name]))
	}
	return errors.Join(errs...)
}

// rememberSeen writes down what there is after the run: what was seen, and what
// the steps made of it. A step whose fate is unknown counts for the smaller
// number, so that it does not raise a doubt the next time.
func (ap *application) rememberSeen(r *executor.Report) error {
	counts := ap.seen.counts
	for i, o := range r.Outcomes {
		s := &ap.plan.Steps[i]
		c := counts[s.Panel]
		add := func(kind string, n int) {
			if _, ok := c[kind]; ok {
				c[kind] = max(0, c[kind]+n)
			}
		}
		switch {
		case ap.resumed.did(s.ID): // and so it was seen as it is
		case o.Outcome == executor.Done && s.Action == plan.Create:
			add(s.Kind, 1)
		case (o.Outcome == executor.Done || o.Outcome == executor.Unknown) && s.Action == plan.Delete:
			add(s.Kind, -1)
			for _, along := range s.TakesWithIt {
				add(along.Kind, -along.Count)
			}
		}
	}
	return ap.saveSeen(counts)
}
