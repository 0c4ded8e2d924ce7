package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
)

// nothing ends a run without steps: the plan says it all, findings included.
func (ap *application) nothing() error {
	r := ap.emptyReport(executor.Nothing)
	seen := ap.rememberSeen(r)
	if ap.af.output == "json" {
		return errors.Join(seen, ap.writeReport(r), writeJSON(ap.a.stdout, r))
	}
	return errors.Join(seen, ap.writeReport(r), ap.a.showPlan(ap.a.stdout, ap.plan, ap.af.output, ""))
}

// finish writes and shows the report, and notes the exit code.
func (ap *application) finish(journaled *openRun, r *executor.Report, err error) error {
	if r == nil {
		journaled.abandon()
		return err
	}
	r.Run, r.Settled = journaled.id, settledReport(ap.settled)
	if jerr := journaled.journal.Err(); jerr != nil {
		err = errors.Join(err, fmt.Errorf("nothing more was sent: %w", jerr))
	}
	err = errors.Join(err, journaled.finish(r), ap.keepRestarts(r), ap.rememberSeen(r))
	for _, end := range r.Panels {
		if end.Restart == executor.RestartUnsupported && ap.oneDocument() {
			ap.a.log.warn("panel %s asked for a restart of its services, but has no function that does it; newer panels restart by themselves", end.Name)
		}
	}
	switch r.Result {
	case executor.Interrupted:
		ap.a.exit(exitInterrupted)
	case executor.Partial:
		ap.a.exit(exitPartial)
	}
	return errors.Join(err, ap.writeReport(r), ap.showReport(r))
}

// refuse writes the report of a run in which nothing was written.
func (ap *application) refuse(why error) error {
	if ap.plan == nil {
		return nil
	}
	result := executor.Refused
	if codeOf(why) == exitInterrupted {
		result = executor.Interrupted
	}
	r := ap.emptyReport(result)
	if ap.oneDocument() {
		return errors.Join(ap.writeReport(r), ap.showReport(r))
	}
	return ap.writeReport(r)
}

// emptyReport accounts for a plan of which no step ran.
func (ap *application) emptyReport(result executor.Result) *executor.Report {
	now := time.Now().UTC()
	r := &executor.Report{FormatVersion: executor.FormatVersion, PlanDigest: ap.plan.Digest, StartedAt: now, FinishedAt: now, Result: result, Settled: settledReport(ap.settled),
		Panels: []executor.LaneEnd{}, Outcomes: []executor.Outcome{}}
	for _, p := range ap.plan.Panels {
		end := executor.LaneEnd{Name: p.Name, Requests: p.Requests, Restart: executor.RestartNone, Error: p.Error}
		if c := ap.clients[p.Name]; c != nil {
			end.Requests = c.Requests()
		}
		r.Panels = append(r.Panels, end)
		if p.Error != "" && result == executor.Nothing {
			r.Result = executor.Partial
		}
	}
	stale := ap.staleSteps()
	for i := range ap.plan.Steps {
		s := &ap.plan.Steps[i]
		o := executor.Outcome{Step: s.ID, Ref: s.Ref, Action: s.Action, Outcome: executor.NotRun}
		if why, ok := stale[s.ID]; ok {
			o.Outcome, o.Error = executor.Stale, &executor.ErrorDetail{Type: "stale", Message: why}
			r.Summary.Stale++
		} else {
			r.Summary.NotRun++
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}

func (ap *application) writeReport(r *executor.Report) error {
	ap.a.facts = facts{ap.plan, r}
	if ap.af.report == "" {
		return nil
	}
	return writeFile(ap.af.report, func(f *os.File) error { return writeJSON(f, r) })
}

func (ap *application) showReport(r *executor.Report) error {
	return ap.a.showReport(ap.plan, r, ap.af.output)
}

// showReport writes a report in the format asked for; p may be nil.
func (a *app) showReport(p *plan.Plan, r *executor.Report, output string) error {
	switch output {
	case "json":
		return writeJSON(a.stdout, r)
	case "markdown":
		return render.ReportMarkdown(a.stdout, p, r)
	case "html":
		return render.ReportHTML(a.stdout, p, r)
	default:
		return render.ReportText(a.stdout, p, r, a.style())
	}
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
