package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/render"
)

func (a *app) runsCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "runs",
		Short: "List past runs of apply",
		Long: `Lists the runs whose journals are kept under --state-dir, the latest first: when,
what came of them, and whether steps are left of which nobody knows. show RUN
renders one, resume RUN continues one, undo RUN plans the way back.`,
		Example: "  ispsync runs\n  ispsync runs -o json\n  ispsync show last",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			runs, err := stateDir(a.stateDir).pastRuns()
			if err != nil {
				return err
			}
			if output == "json" {
				return writeJSON(a.stdout, runs)
			}
			return render.RunsText(a.stdout, runs, a.style())
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return c
}

// pastRuns reads what there is of past runs, the latest first. A run whose
// journal cannot be read is listed with the reason.
func (d stateDir) pastRuns() ([]render.Run, error) {
	ids, err := d.runs()
	if err != nil {
		return nil, err
	}
	out := make([]render.Run, 0, len(ids))
	for _, id := range ids {
		rec, err := d.record(id)
		if errors.Is(err, executor.ErrNotBegun) {
			continue // nothing was done, and the next apply clears it away
		}
		if err != nil {
			out = append(out, render.Run{ID: id, Result: "unreadable", Error: err.Error()})
			continue
		}
		out = append(out, d.pastRun(id, rec))
	}
	return out, nil
}

func (d stateDir) pastRun(id string, rec *executor.Record) render.Run {
	r := render.Run{ID: id, Began: rec.Began, Last: rec.Last, Command: rec.Start.Command, PID: rec.Start.PID, Host: rec.Start.Host,
		Panels: rec.Start.Panels, Saved: rec.Start.Saved, Resumes: rec.Start.Resumes, MadeBy: rec.Start.MadeBy, Result: string(rec.Result), Plan: rec.PlanDigest}
	for _, st := range rec.Steps {
		switch {
		case st.Doubtful():
			r.Unknown++
		case st.Outcome == executor.Done:
			r.Done++
		case st.Outcome == executor.Failed:
			r.Failed++
		}
	}
	switch {
	case rec.Whole():
	case d.live(id):
		r.Result = "running"
	default:
		r.Result = "cut off"
	}
	r.ResumedBy = d.resumedBy(id)
	r.Resumable = r.Result != "running" && r.ResumedBy == "" && resumable(rec) == nil
	return r
}

// showRun shows the report of a run; of one that was cut off, what its journal tells.
func (a *app) showRun(name, output string) error {
	dir := stateDir(a.stateDir)
	id, err := dir.findRun(name)
	if err != nil {
		return err
	}
	p, err := dir.planOf(id)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(dir.run(id, "report.json"))
	if err == nil {
		var r executor.Report
		if err := json.Unmarshal(data, &r); err != nil {
			return fmt.Errorf("the report of run %s cannot be read: %w", id, err)
		}
		return a.showReport(p, &r, output)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the report of run %s cannot be read: %w", id, err)
	}
	rec, err := dir.record(id)
	if err != nil {
		return err
	}
	how := "was cut off at " + rec.Last.Format(time.RFC3339)
	switch {
	case dir.live(id):
		how = "is still at work"
	case rec.Whole():
		how = "came to its end, but was cut off before it kept its report"
	}
	a.log.warn("run %s %s; this is what its journal tells", id, how)
	return a.showReport(p, rec.Report(p), output)
}
