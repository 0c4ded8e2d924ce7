package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// Resuming: a saved plan whose run was cut off goes on where it was. What the
// run did is not done again, what it left open is settled by reading, and
// the rest is held against the panels as when a plan is applied.

func (a *app) resumeCommand() *cobra.Command {
	var (
		sf specFlags
		pf panelFlags
		af applyFlags
	)
	c := &cobra.Command{
		Use:   "resume RUN",
		Short: "Continue a saved plan whose run was interrupted",
		Long: `Continues the run of a saved plan that was interrupted or killed: steps that are done
stay done, steps of which nobody knew are looked up, the rest is run, as it was
approved when the plan was saved. The spec (-f) is needed again, for panels and
secrets. RUN is its id, the beginning of it, or last; ` + "`ispsync runs`" + ` lists them.

A run of a plan that was not saved is not continued: apply again, which plans what is left.`,
		Example: "  ispsync runs\n  ispsync resume last -f specs/",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := af.check(); err != nil {
				return err
			}
			return a.resume(&sf, &pf, &af, args[0])
		},
	}
	sf.add(c.Flags())
	pf.add(c.Flags())
	af.add(c.Flags())
	return c
}

func (a *app) resume(sf *specFlags, pf *panelFlags, af *applyFlags, name string) error {
	dir := stateDir(a.stateDir)
	id, err := dir.findRun(name)
	if err != nil {
		return err
	}
	rec, err := dir.record(id)
	if err != nil {
		return err
	}
	if err := resumable(rec); err != nil {
		return fail(exitUsage, "run %s cannot be continued: %w", id, err)
	}
	p, err := dir.planOf(id)
	if err != nil {
		return err
	}
	spec, err := sf.load(a, false)
	if err != nil {
		return err
	}
	if err := checkPlan(p, "of run "+id, spec); err != nil {
		return err
	}
	return a.applyPlan(spec, pf, af, p, &resumption{id: id, dir: dir})
}

// resumable says why a run cannot be continued, or nil.
func resumable(rec *executor.Record) error {
	switch {
	case !rec.Start.Saved:
		return errors.New("its plan was not saved by somebody; apply again, which plans what is left")
	case rec.Whole() && rec.Result != executor.Interrupted:
		return fmt.Errorf("it came to its end (%s); make a new plan for what is left", rec.Result)
	}
	return nil
}

// resumption is the run that is continued. The nil resumption continues none.
type resumption struct {
	id  string
	dir stateDir
	rec *executor.Record // read when the panels are held and all is settled
	// half are creates of which only the switch is left.
	half map[string]bool
}

func (r *resumption) run() string {
	if r == nil {
		return ""
	}
	return r.id
}

// check finds out, when nobody else can be at it, whether the run can still be
// continued.
func (r *resumption) check(dir stateDir) error {
	if dir.live(r.id) {
		return fail(exitLocked, "run %s is still at work", r.id)
	}
	if by := dir.resumedBy(r.id); by != "" {
		return fail(exitStale, "run %s was continued already, by run %s", r.id, by)
	}
	return nil
}

// did reports whether the earlier run did a step.
func (r *resumption) did(step string) bool {
	return r != nil && r.rec != nil && r.rec.Steps[step] != nil && r.rec.Steps[step].Outcome == executor.Done
}

// resumedBy is the run that continued another, or empty.
func (d stateDir) resumedBy(run string) string {
	by, err := os.ReadFile(d.run(run, "resumed"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(by))
}

// markResumed remembers that a run was continued by another.
func (d stateDir) markResumed(run, by string) error {
	return writeFile(d.run(run, "resumed"), func(f *os.File) error {
		_, err := fmt.Fprintln(f, by)
		return err
	})
}

// excuse takes out of the stale steps what is stale because the earlier run did
// it: steps that are done, and updates and creates that it did in part.
func (r *resumption) excuse(ap *application, live map[string]*specs.State) {
	if r == nil {
		return
	}
	rec, _, err := r.dir.chain(r.id)
	if err != nil {
		return // then everything that moved stays stale
	}
	r.rec, r.half = rec, map[string]bool{}
	for id, st := range rec.Steps {
		r.half[id] = st.Begun
	}
	steps := make(map[string]*plan.Step, len(ap.plan.Steps))
	for i := range ap.plan.Steps {
		steps[ap.plan.Steps[i].ID] = &ap.plan.Steps[i]
	}
	ap.stale = slices.DeleteFunc(ap.stale, func(s plan.Stale) bool {
		st := rec.Steps[s.Step]
		if s.Unread || st == nil {
			return false
		}
		return st.Outcome == executor.Done || r.half[s.Step] || st.Calls > 0 && between(steps[s.Step], live[s.Ref.Panel])
	})
}

// between reports whether every field of an update is as it was or as wanted.
func between(s *plan.Step, live *specs.State) bool {
	r := live.Find(s.Kind, s.Key)
	if s.Action != plan.Update || r == nil {
		return false
	}
	for _, ch := range s.Changes {
		if is, _ := r.Fields.Get(ch.Field); is != ch.Before && is != ch.After {
			return false
		}
	}
	return true
}

// into tells the executor what is done already.
func (r *resumption) into(o *executor.Options) {
	if r == nil || r.rec == nil {
		return
	}
	o.Prior, o.Begun = map[string]executor.Outcome{}, r.half
	for id, st := range r.rec.Steps {
		if st.Outcome == executor.Done {
			o.Prior[id] = executor.Outcome{Outcome: executor.Done}
		}
	}
}
