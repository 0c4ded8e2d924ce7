package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// This file is the tour of the program: a spec is loaded, panels are read
// (readAll: Snapshot), a plan is made (plan: Make) or read and checked (saved:
// Read, Check), executed (Run) and rendered. Only here, and in call.go for one
// function that a person named, does a client become a Writer.

// applyFlags are the flags of apply alone.
type applyFlags struct {
	output      string
	approve     bool
	report      string
	restart     string
	failFast    bool
	maxFailures int
	onDrift     string
	lockTimeout durationFlag
}

func (a *app) applyCommand() *cobra.Command {
	var (
		sf specFlags
		pf panelFlags
		af applyFlags
	)
	c := &cobra.Command{
		Use:   "apply [FILE]",
		Short: "Make the panels what the spec says",
		Long: `Plans, shows the plan, asks, runs it and reports on every step. With FILE, a plan
that plan --out saved, nothing is asked: it was approved when it was saved. The
spec it was made from (-f) is needed again, for panels and secrets.

Without a terminal nobody can be asked: give --auto-approve.`,
		Example: "  ispsync apply -f specs/\n  ispsync apply -f specs/ --auto-approve --report report.json\n  ispsync apply plan.json -f specs/",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := errors.Join(checkOutput(af.output), oneOf("restart", af.restart, "end", "each", "never"), oneOf("on-drift", af.onDrift, "abort", "skip")); err != nil {
				return err
			}
			file := ""
			if len(args) == 1 {
				file = args[0]
			}
			return a.apply(&sf, &pf, &af, file)
		},
	}
	sf.add(c.Flags())
	pf.add(c.Flags())
	addOutput(c.Flags(), &af.output)
	c.Flags().BoolVar(&af.approve, "auto-approve", false, "do not ask")
	c.Flags().StringVar(&af.report, "report", "", "write the report to this file, as JSON")
	c.Flags().StringVar(&af.restart, "restart", "end", "when a panel asks for a restart of its services: end (once, after its last step), each or never")
	c.Flags().BoolVar(&af.failFast, "fail-fast", false, "start nothing new after the first failure")
	c.Flags().IntVar(&af.maxFailures, "max-failures", 0, "start nothing new after this many failures (0: no limit)")
	c.Flags().StringVar(&af.onDrift, "on-drift", "abort", "when a panel is not what a saved plan was made from: abort, or skip those steps")
	c.Flags().Var(&af.lockTimeout, "lock-timeout", "wait this long for another run to let go of a panel")
	return c
}

// application is one apply on its way.
type application struct {
	*target
	af    *applyFlags
	halts *halts
	plan  *plan.Plan
	stale []plan.Stale
}

func (a *app) apply(sf *specFlags, pf *panelFlags, af *applyFlags, file string) error {
	spec, err := sf.load(a, false)
	if err != nil {
		return err
	}
	var saved *plan.Plan
	if file != "" {
		if saved, err = a.openPlan(file, spec); err != nil {
			return err
		}
		pf.panels = panelsOf(saved)
	}
	t, err := a.aim(spec, pf)
	if err != nil {
		return err
	}
	defer t.close()
	ap := &application{target: t, af: af}
	ap.halts = haltable(time.Duration(pf.timeout), func(s string) { a.log.line(s) })
	defer ap.halts.release()
	release, err := ap.lock(saved)
	if err != nil {
		return err
	}
	defer release()

	a.log.start(t.names())
	if saved == nil {
		ap.plan, err = t.plan(ap.halts.soft, false)
	} else {
		err = ap.checkSaved(saved)
	}
	a.log.stop()
	if err == nil {
		err = ap.refusal(saved != nil)
	}
	if halted := ap.halts.halted(); halted != nil {
		err = fail(exitInterrupted, "%w before anything was written", halted)
	}
	if err != nil {
		return errors.Join(err, ap.refuse(err))
	}
	return ap.run(saved != nil)
}

// lock takes the panels for this run. A saved plan that was applied already is
// refused here, when nobody else can be applying it.
func (ap *application) lock(saved *plan.Plan) (release func(), err error) {
	dir := stateDir(ap.a.stateDir)
	if err := dir.make(); err != nil {
		return nil, err
	}
	held, err := dir.lock(ap.halts.soft, ap.names(), time.Duration(ap.af.lockTimeout))
	if err != nil {
		return nil, err
	}
	if saved != nil {
		done, err := dir.applied(saved.Digest)
		if err == nil && done {
			err = fail(exitStale, "this plan was applied already; make a new one with `ispsync plan --out`")
		}
		if err != nil {
			held.release()
			return nil, err
		}
	}
	return held.release, nil
}

// refusal is why the plan must not run: error findings, and secrets that
// cannot be had. An error is returned before anything is written.
func (ap *application) refusal(saved bool) error {
	p := ap.plan
	var blocking []plan.Finding
	for _, f := range p.Findings {
		lifted := saved && f.Code == plan.CodeDeletesLimit && ap.flags.allowDeletes == p.Summary.Delete
		if f.Severity == plan.Error && !lifted {
			blocking = append(blocking, f)
		}
	}
	if len(blocking) > 0 {
		if !ap.oneDocument() {
			if err := ap.a.showPlan(ap.a.stdout, p, ap.af.output, ""); err != nil {
				return err
			}
		}
		code := exitRail
		if findingCode(p) != exitOK {
			code = findingCode(p)
		}
		texts := make([]string, len(blocking))
		for i, f := range blocking {
			texts[i] = fmt.Sprintf("%s: %s", f.Ref, f.Message)
		}
		return fail(code, "the plan is refused, nothing was written:\n  %s", strings.Join(texts, "\n  "))
	}
	var errs []error
	seen := map[specs.Secret]bool{}
	for i := range p.Steps {
		for _, s := range p.Steps[i].SecretRefs {
			if seen[s.Secret] {
				continue
			}
			seen[s.Secret] = true
			if err := ap.secrets.check(s.Secret); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", p.Steps[i].Ref, s.Name, err))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fail(exitUsage, "secrets cannot be had, nothing was written:\n%w", err)
	}
	return nil
}

// run shows the plan, asks, runs it and reports.
func (ap *application) run(saved bool) error {
	a, p := ap.a, ap.plan
	if len(p.Steps) == 0 {
		return ap.nothing()
	}
	if !ap.oneDocument() {
		if err := a.showPlan(a.stdout, p, ap.af.output, ""); err != nil {
			return err
		}
	}
	if !saved && !ap.af.approve {
		err := ap.ask()
		if err == nil {
			err = ap.lookAgain()
		}
		if err != nil {
			return errors.Join(err, ap.refuse(err))
		}
	}
	if saved {
		if err := stateDir(a.stateDir).markApplied(p.Digest); err != nil {
			return errors.Join(err, ap.refuse(err))
		}
	}
	panels := make(map[string]executor.Panel, len(ap.clients))
	for name, c := range ap.clients {
		panels[name] = apiclient.NewWriter(c)
	}
	a.log.start(ap.names())
	a.log.begin(p)
	report, err := executor.Run(ap.halts.hard, p, panels, executor.Options{
		Parallelism: ap.flags.parallelism, Writes: func(panel string) int { return ap.spec.Panel(panel).Limits.Writes },
		FailFast: ap.af.failFast, MaxFailures: ap.af.maxFailures, Restart: executor.RestartPolicy(ap.af.restart),
		Kind: ap.spec.Catalog.Kind, Observe: a.log.observe, Stop: ap.halts.soft.Done(), Stale: ap.staleSteps(),
	})
	a.log.stop()
	return ap.finish(report, err)
}

// staleSteps is why steps of a saved plan are stale, by id.
func (ap *application) staleSteps() map[string]string {
	out := make(map[string]string, len(ap.stale))
	for _, s := range ap.stale {
		out[s.Step] = s.Why
	}
	return out
}

// oneDocument reports whether stdout takes the report alone: a plan before it
// would make it two documents.
func (ap *application) oneDocument() bool {
	return ap.af.output == "json" || ap.af.output == "html" || ap.af.output == "markdown"
}

// nothing ends a run without steps: the plan says it all, findings included.
func (ap *application) nothing() error {
	r := ap.emptyReport(executor.Nothing)
	if ap.af.output == "json" {
		return errors.Join(ap.writeReport(r), writeJSON(ap.a.stdout, r))
	}
	return errors.Join(ap.writeReport(r), ap.a.showPlan(ap.a.stdout, ap.plan, ap.af.output, ""))
}

// ask shows nothing more than the question: the plan is on the screen.
func (ap *application) ask() error {
	if !term.IsTerminal(int(ap.a.stdin.Fd())) || !term.IsTerminal(int(ap.a.stderr.Fd())) {
		return fail(exitUsage, "nobody can be asked, nothing was written: give --auto-approve, or save the plan with `ispsync plan --out` and apply that")
	}
	fmt.Fprint(ap.a.stderr, "\nApply this plan? Only \"yes\" is taken as approval: ")
	answer := make(chan string, 1)
	go func() { // reading a terminal cannot be interrupted; the process ends instead
		line, _ := bufio.NewReader(ap.a.stdin).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ap.halts.soft.Done():
		fmt.Fprintln(ap.a.stderr)
		return fail(exitInterrupted, "%w before anything was written", context.Cause(ap.halts.soft))
	case got := <-answer:
		if got != "yes" {
			return fail(exitError, "not approved, nothing was written")
		}
	}
	return nil
}

// freshFor is how long after the reading an approval stands for what was read.
const freshFor = time.Minute

// lookAgain reads the panels once more when the approval took its time: what
// was approved is what is on the screen, and nothing else is run.
func (ap *application) lookAgain() error {
	if time.Since(ap.plan.CreatedAt) < freshFor {
		return nil
	}
	ap.a.log.start(ap.names())
	again, err := ap.target.plan(ap.halts.soft, false)
	ap.a.log.stop()
	if err != nil {
		return err
	}
	if moved := stepsThatMoved(ap.plan, again); len(moved) > 0 {
		return fail(exitStale, "the panels moved while you were deciding, nothing was written; run it again and look at: %s", few(moved))
	}
	return nil
}

// stepsThatMoved names the resources about which two plans of the same spec do
// not say the same.
func stepsThatMoved(a, b *plan.Plan) []string {
	said := map[specs.Ref]string{}
	text := func(s *plan.Step) string {
		return fmt.Sprint(s.Action, s.Changes, s.Secrets, s.Was, s.TakesWithIt)
	}
	for i := range a.Steps {
		said[a.Steps[i].Ref] = text(&a.Steps[i])
	}
	var moved []string
	for i := range b.Steps {
		s := &b.Steps[i]
		if said[s.Ref] != text(s) {
			moved = append(moved, s.Ref.String())
		}
		delete(said, s.Ref)
	}
	for ref := range said {
		moved = append(moved, ref.String())
	}
	slices.Sort(moved)
	return moved
}

// finish writes and shows the report, and notes the exit code.
func (ap *application) finish(r *executor.Report, err error) error {
	if r == nil {
		return err
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
	r := &executor.Report{FormatVersion: executor.FormatVersion, PlanDigest: ap.plan.Digest, StartedAt: now, FinishedAt: now, Result: result,
		Panels: []executor.LaneEnd{}, Outcomes: []executor.Outcome{}}
	for _, p := range ap.plan.Panels {
		end := executor.LaneEnd{Name: p.Name, Requests: p.Requests, Restart: executor.RestartNone, Error: p.Error}
		if c := ap.clients[p.Name]; c != nil {
			end.Requests = c.RequestsInAll()
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
