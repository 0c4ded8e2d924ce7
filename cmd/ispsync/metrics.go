package main

import (
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
)

// facts is what a run has come to so far, for --metrics: a run that fails has
// what it had when it failed.
type facts struct {
	plan   *plan.Plan
	report *executor.Report
}

// withMetrics gives a command --metrics: a file for Prometheus, written when
// the run is over, however it ends.
func (a *app) withMetrics(c *cobra.Command) *cobra.Command {
	var path string
	c.Flags().StringVar(&path, "metrics", "", "write what the run came to as Prometheus metrics to this file, for node_exporter's textfile collector")
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if path == "" {
			return run(cmd, args)
		}
		r := &render.RunFacts{Command: cmd.Name(), Started: time.Now()}
		err := run(cmd, args)
		r.Finished, r.Plan, r.Report = time.Now(), a.facts.plan, a.facts.report
		code := worst(codeOf(err), a.code)
		r.ExitCode = int(code)
		return errors.Join(err, writeMetrics(path, r, code == exitOK || code == exitChanges))
	}
	return c
}

// writeMetrics writes the file. When the run did not succeed, the time at
// which one last did is taken over from the file as it is.
func writeMetrics(path string, r *render.RunFacts, succeeded bool) error {
	if succeeded {
		r.Succeeded = r.Finished
	} else if old, err := os.Open(path); err == nil {
		r.Succeeded = render.LastSuccess(old, r.Command)
		old.Close()
	}
	return writeFile(path, func(f *os.File) error {
		// The collector is another user. The file tells names of panels and counts.
		return errors.Join(f.Chmod(0o644), render.Metrics(f, r))
	})
}
