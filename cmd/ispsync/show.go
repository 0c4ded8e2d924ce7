package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/executor"
)

func (a *app) showCommand() *cobra.Command {
	var (
		output string
		sf     specFlags
	)
	c := &cobra.Command{
		Use:   "show FILE|RUN",
		Short: "Show a saved plan, a report, or what a past run did",
		Long: `Shows a plan that plan --out saved, a report that apply --report wrote, or what a past
run did: RUN is its id, the beginning of it, or last.`,
		Example: "  ispsync show plan.json\n  ispsync show report.json -o json\n  ispsync show last",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return a.show(args[0], output, &sf)
		},
	}
	addOutput(c.Flags(), &output)
	sf.add(c.Flags())
	c.Flags().Lookup("file").Usage = "the spec in the apply command that Markdown ends with; repeatable"
	c.Flags().Lookup("var").Usage = "a variable in that command, k=v; repeatable"
	return c
}

func (a *app) show(path, output string, sf *specFlags) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && path == filepath.Base(path) {
		if err := a.showRun(path, output); !errors.Is(err, errNoRun) {
			return err
		}
		return fail(exitUsage, "%s is no file, and %w", path, noRun(stateDir(a.stateDir), path))
	}
	if err != nil {
		return fail(exitUsage, "%s cannot be read: %w", path, errors.Unwrap(err))
	}
	var kind struct {
		Outcomes *json.RawMessage `json:"outcomes"`
	}
	if json.Unmarshal(data, &kind) == nil && kind.Outcomes != nil {
		var r executor.Report
		if err := json.Unmarshal(data, &r); err != nil {
			return fail(exitUsage, "%s is not a report that this program wrote: %w", path, err)
		}
		return a.showReport(nil, &r, output)
	}
	p, err := readPlanFile(path)
	if err != nil {
		return err
	}
	return a.showPlan(a.stdout, p, output, applyCommandFor(path, sf))
}
