package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/executor"
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
	waves       string
	wavePause   durationFlag
}

func (af *applyFlags) add(f *pflag.FlagSet) {
	addOutput(f, &af.output)
	f.StringVar(&af.report, "report", "", "write the report to this file, as JSON")
	f.StringVar(&af.restart, "restart", "end", "when a panel asks for a restart of its services: end (once, after its last step), each or never")
	f.BoolVar(&af.failFast, "fail-fast", false, "start nothing new after the first failure")
	f.IntVar(&af.maxFailures, "max-failures", 0, "start nothing new after this many failures (0: no limit)")
	f.StringVar(&af.onDrift, "on-drift", "abort", "when a panel is not what a saved plan was made from: abort, or skip those steps")
	f.Var(&af.lockTimeout, "lock-timeout", "wait this long for another run to let go of a panel")
	f.StringVar(&af.waves, "waves", "", "go over the panels in waves, such as 1,10%,100%: how many have had their turn when each is over (default: the spec's rollout)")
	f.Var(&af.wavePause, "wave-pause", "time between two waves (default: the spec's rollout)")
}

// check finds mistakes in the flags.
func (af *applyFlags) check() error {
	return errors.Join(checkOutput(af.output), oneOf("restart", af.restart, "end", "each", "never"), oneOf("on-drift", af.onDrift, "abort", "skip"))
}

// rollout is how the run goes over the panels: the spec's word, and the flags' above it.
func (af *applyFlags) rollout(spec *specs.Spec) (specs.Rollout, error) {
	r := spec.Rollout
	if af.waves != "" {
		waves, err := specs.ParseWaves(af.waves)
		if err != nil {
			return r, fail(exitUsage, "--waves: %w", err)
		}
		r.Waves = waves
	}
	if af.wavePause > 0 {
		if len(r.Waves) == 0 {
			return r, fail(exitUsage, "--wave-pause: there are no waves to pause between; give --waves, or a rollout: in the spec")
		}
		r.Pause = time.Duration(af.wavePause)
	}
	return r, nil
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
			if err := af.check(); err != nil {
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
	af.add(c.Flags())
	c.Flags().BoolVar(&af.approve, "auto-approve", false, "do not ask")
	return c
}

// application is one apply on its way.
type application struct {
	*target
	af      *applyFlags
	halts   *halts
	saved   bool // the plan came from a file, or from a run that is continued
	plan    *plan.Plan
	stale   []plan.Stale
	rollout specs.Rollout
	settled []settledFate
	owed    map[string][]string // panels that earlier runs owe a restart: those runs
	resumed *resumption         // nil for a run that continues no other
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
	}
	return a.applyPlan(spec, pf, af, saved, nil)
}

// applyPlan makes a plan, or takes a saved one, and runs it.
func (a *app) applyPlan(spec *specs.Spec, pf *panelFlags, af *applyFlags, saved *plan.Plan, resumed *resumption) error {
	rollout, err := af.rollout(spec)
	if err != nil {
		return err
	}
	if saved != nil {
		pf.panels = panelsOf(saved)
	}
	t, err := a.aim(spec, pf)
	if err != nil {
		return err
	}
	defer t.close()
	ap := &application{target: t, af: af, saved: saved != nil, rollout: rollout, resumed: resumed}
	ap.halts = haltable(time.Duration(pf.timeout), func(s string) { a.log.line(s) })
	defer ap.halts.release()
	release, err := ap.lock(saved)
	if err != nil {
		return err
	}
	defer release()
	if err := ap.prepare(saved); err != nil {
		return errors.Join(err, ap.refuse(err))
	}
	return ap.run()
}

// prepare settles what earlier runs left open and makes the plan, or holds the
// saved one against the panels.
func (ap *application) prepare(saved *plan.Plan) (err error) {
	a := ap.a
	a.log.start(ap.names())
	ap.settled, err = ap.recover(ap.halts.soft, true)
	if err == nil {
		ap.owed, err = ap.owedRestarts()
	}
	switch {
	case err != nil:
	case saved == nil:
		ap.plan, err = ap.target.plan(ap.halts.soft, false)
	default:
		err = ap.checkSaved(saved)
	}
	a.log.stop()
	if err == nil {
		err = ap.refusal()
	}
	if halted := ap.halts.halted(); halted != nil {
		err = fail(exitInterrupted, "%w before anything was written", halted)
	}
	return err
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
	switch {
	case ap.resumed != nil:
		err = ap.resumed.check(dir)
	case saved != nil:
		var by string
		if by, err = dir.applied(saved.Digest); err == nil && by != "" {
			err = dir.appliedAlready(by)
		}
	}
	if err != nil {
		held.release()
		return nil, err
	}
	return held.release, nil
}

// refusal is why the plan must not run: error findings, and secrets that
// cannot be had. An error is returned before anything is written.
func (ap *application) refusal() error {
	p := ap.plan
	if blocking := ap.blocking(); len(blocking) > 0 {
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
func (ap *application) run() error {
	a, p := ap.a, ap.plan
	if len(p.Steps) == 0 && len(ap.owed) == 0 {
		return ap.nothing()
	}
	if !ap.oneDocument() {
		if err := a.showPlan(a.stdout, p, ap.af.output, ""); err != nil {
			return err
		}
	}
	journaled, err := ap.begin()
	if err != nil {
		return errors.Join(err, ap.refuse(err))
	}
	panels := make(map[string]executor.Panel, len(ap.clients))
	for name, c := range ap.clients {
		c.WaitUntil(ap.halts.soft)
		panels[name] = apiclient.NewWriter(c).Journaled(callJournal(journaled.journal))
	}
	a.log.start(ap.names())
	a.log.begin(p)
	o := executor.Options{
		Parallelism: ap.flags.parallelism, Writes: func(panel string) int { return ap.spec.Panel(panel).Limits.Writes },
		FailFast: ap.af.failFast, MaxFailures: ap.af.maxFailures, Restart: executor.RestartPolicy(ap.af.restart), Rollout: ap.rollout,
		Kind: ap.spec.Catalog.Kind, Observe: ap.observe, Stop: ap.halts.soft.Done(), Stale: ap.staleSteps(), Journal: journaled.journal,
	}
	ap.resumed.into(&o)
	if len(ap.owed) > 0 {
		o.Owed = map[string]bool{}
		for panel := range ap.owed {
			o.Owed[panel] = true
		}
	}
	report, err := executor.Run(ap.halts.hard, p, panels, o)
	a.log.stop()
	return ap.finish(journaled, report, err)
}

// begin asks, and writes down what is about to be done. After it the run counts
// as begun; an error means that nothing was sent.
func (ap *application) begin() (*openRun, error) {
	if !ap.saved && !ap.af.approve && len(ap.plan.Steps) > 0 {
		if err := ap.ask(); err != nil {
			return nil, err
		}
	}
	if !ap.saved {
		if err := ap.lookAgain(); err != nil {
			return nil, err
		}
	}
	if err := ap.trySecrets(); err != nil {
		return nil, err
	}
	dir := stateDir(ap.a.stateDir)
	r, err := dir.begin(ap.plan, executor.RunStart{Command: "apply", Panels: ap.names(), Saved: ap.saved, Resumes: ap.resumed.run(), MadeBy: ap.plan.MadeBy, Restart: ap.af.restart}, ap.a.journalFile)
	if err != nil {
		return nil, err
	}
	err = errors.Join(ap.keepGone(r.journal), ap.foreseeSeen())
	if err != nil {
		err = notBegun(err)
	}
	switch {
	case err != nil:
	case ap.resumed != nil:
		err = dir.markResumed(ap.resumed.run(), r.id)
	case ap.saved:
		err = dir.markApplied(ap.plan.Digest, r.id)
	}
	if err != nil {
		r.abandon()
		return nil, err
	}
	return r, nil
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
