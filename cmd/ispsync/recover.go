package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/specs"
)

// Before anything is planned, what earlier runs left open is settled: a run that
// was killed may have sent calls of which nobody knows the answer, and those may
// still land. Steps are named, looked up on the panel, and what was found is
// written into the journal of the run that sent them.

// settledFate is what was found of one step.
type settledFate struct {
	run string
	executor.Fate
}

// recover settles what earlier runs left open on the panels aimed at. With
// keep the findings are written down; only a run that holds the panels may do that.
func (t *target) recover(ctx context.Context, keep bool) ([]settledFate, error) {
	dir := stateDir(t.a.stateDir)
	open, err := dir.openRuns()
	if err != nil || len(open) == 0 {
		return nil, err
	}
	var all []settledFate
	for _, id := range open {
		fates, err := t.recoverRun(ctx, dir, id, keep)
		if errors.Is(err, executor.ErrNotBegun) {
			if keep { // it sent nothing, and says nothing
				os.RemoveAll(dir.run(id)) //nolint:errcheck // the next run tries again
			}
			continue
		}
		if err != nil {
			// What cannot be read cannot be settled; the plan reads the panels anyway.
			t.a.log.warn("what run %s left open cannot be settled: %v", id, err)
			continue
		}
		all = append(all, fates...)
	}
	return all, nil
}

// soughtFor is how long runs try to read what became of a step, which may have
// been in something that is gone. Then it is unknown for good: no call lands so
// late, and a saved plan that could be continued has expired.
const soughtFor = 24 * time.Hour

// openRuns lists the runs that may have left a step open, the oldest first.
func (d stateDir) openRuns() ([]string, error) {
	ids, err := d.runs()
	if err != nil {
		return nil, err
	}
	slices.Reverse(ids)
	return slices.DeleteFunc(ids, func(id string) bool {
		_, err := os.Stat(d.run(id, "open"))
		return errors.Is(err, fs.ErrNotExist) || d.live(id)
	}), nil
}

func (t *target) recoverRun(ctx context.Context, dir stateDir, id string, keep bool) ([]settledFate, error) {
	rec, err := dir.record(id)
	if err != nil {
		return nil, err
	}
	p, err := dir.planOf(id)
	if err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		fates []settledFate
		g     errgroup.Group
	)
	g.SetLimit(t.flags.parallelism)
	for _, panel := range t.panels {
		steps, sent := rec.StepsFor(panel.Name, p)
		if len(steps) == 0 || t.clients[panel.Name] == nil {
			continue
		}
		g.Go(func() error {
			found, err := executor.LookUp(ctx, t.reader(panel), steps, sent, executor.Options{Kind: t.dialects[panel.Generation].Kind, Stop: ctx.Done(), Observe: t.a.log.observe, LandsWithin: t.a.landsWithin})
			mu.Lock()
			defer mu.Unlock()
			for _, f := range found {
				f.Unread = f.Unread && time.Since(sent[f.Step.ID]) < soughtFor
				fates = append(fates, settledFate{id, f})
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(fates, func(a, b settledFate) int { return a.Step.Ref.Compare(b.Step.Ref) })
	t.tellFates(rec, fates)
	if keep {
		err = dir.keepFates(rec, fates)
	}
	return fates, err
}

// tellFates names the steps nobody knew about, and what was found.
func (t *target) tellFates(rec *executor.Record, fates []settledFate) {
	if len(fates) == 0 {
		return
	}
	how := "left steps open"
	if !rec.Whole() {
		how = "was cut off"
	}
	t.a.log.warn("run %s of %s (pid %d on %s) %s; nobody knew what became of %s:", rec.Run, rec.Began.Format(time.RFC3339), rec.Start.PID, rec.Start.Host, how, counted(len(fates), "step"))
	for _, f := range fates {
		t.a.log.warn("  %s %s: %s: %s", f.Step.Action, f.Step.Ref, fateWord(f.Outcome), f.Evidence)
	}
}

func fateWord(o executor.What) string {
	switch o {
	case executor.Done:
		return "done"
	case executor.NotRun:
		return "not done"
	default:
		return "unknown"
	}
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// keepFates writes what was found into the journal of the run that sent the
// steps. What could not be read stays open.
func (d stateDir) keepFates(rec *executor.Record, fates []settledFate) error {
	return d.amend(rec.Run, func(w io.Writer) error {
		for _, fate := range fates {
			if fate.Unread {
				continue
			}
			if err := executor.AppendSettled(w, time.Now(), rec, fate.Fate); err != nil {
				return err
			}
		}
		return nil
	})
}

// amend adds lines to the journal of a run that is over, and takes its marker
// away when nothing is open any more.
func (d stateDir) amend(id string, write func(io.Writer) error) error {
	names, err := filepath.Glob(d.run(id, "journal-*.jsonl"))
	if err != nil || len(names) == 0 {
		return fmt.Errorf("run %s has no journal", id)
	}
	f, err := os.OpenFile(slices.Max(names), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("the state directory cannot be written to: %w", err)
	}
	defer f.Close()
	if err := errors.Join(write(f), f.Sync()); err != nil {
		return fmt.Errorf("the state directory cannot be written to: %w", err)
	}
	return d.settleMark(id)
}

// owedRestarts finds the panels to which earlier runs owe a restart of their
// services, and which runs those are.
func (ap *application) owedRestarts() (map[string][]string, error) {
	if ap.af.restart == string(executor.RestartNever) {
		return nil, nil
	}
	dir := stateDir(ap.a.stateDir)
	open, err := dir.openRuns()
	if err != nil {
		return nil, err
	}
	owed := map[string][]string{}
	for _, id := range open {
		rec, err := dir.record(id)
		if err != nil {
			continue // recover has warned of it
		}
		for _, panel := range ap.names() {
			if rec.OwesRestart(panel) {
				ap.a.log.warn("panel %s asked run %s for a restart of its services and did not get it; it gets it now", panel, id)
				owed[panel] = append(owed[panel], id)
			}
		}
	}
	return owed, nil
}

// keepRestarts writes into the journals of earlier runs that the restarts they
// owed were done.
func (ap *application) keepRestarts(r *executor.Report) error {
	dir := stateDir(ap.a.stateDir)
	var errs []error
	for _, end := range r.Panels {
		if end.Restart != executor.RestartOK && end.Restart != executor.RestartUnsupported {
			continue
		}
		for _, id := range ap.owed[end.Name] {
			rec, err := dir.record(id)
			if err == nil {
				err = dir.amend(id, func(w io.Writer) error { return executor.AppendRestarted(w, time.Now(), rec, end.Name, end.Restart) })
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// reader reads one panel for the executor.
func (t *target) reader(p specs.Panel) executor.Reader {
	return panelReader{t.clients[p.Name], t.dialects[p.Generation]}
}

// panelReader is a client for those who know kinds by name only.
type panelReader struct {
	client  *apiclient.Client
	dialect *specs.Catalog
}

func (r panelReader) Read(ctx context.Context, wants []specs.Want) (*specs.State, error) {
	own := slices.Clone(wants)
	for i := range own {
		own[i].Kind = r.dialect.Kind(own[i].Kind.Name)
	}
	return r.client.Snapshot(ctx, own)
}

// settledReport is what the report says about what was settled.
func settledReport(fates []settledFate) []executor.Settled {
	var out []executor.Settled
	for _, f := range fates {
		out = append(out, executor.Settled{Run: f.run, Step: f.Step.ID, Ref: f.Step.Ref, Action: f.Step.Action, Outcome: f.Outcome, Evidence: f.Evidence})
	}
	return out
}
