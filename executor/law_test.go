package executor

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/plan"
)

// TestLaws runs random plans on panels that fail in every way there is.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, false)
		r := w.run(t)
		if r.err != nil {
			rt.Fatalf("%v\n%s", r.err, w)
		}
		for law, broken := range map[string]string{
			"every step has one outcome, in plan order":      w.accounted(r),
			"a step is sent only after its needs are done":   w.ordered(r),
			"a step is blocked iff a need did not succeed":   w.blocked(r),
			"a lost reply makes no two":                      w.noTwins(r),
			"done is in effect":                              w.truthful(r),
			"failed by refusal changes nothing":              w.refusedIsNothing(r),
			"a dead panel is called no more":                 w.leftAlone(r),
			"limits of lanes and writes hold":                w.bounded(r),
			"restarts are as asked":                          w.restarted(r),
			"events tell each step once":                     w.told(r),
			"the summary, writes and result fit the outcome": w.tallied(r),
		} {
			if broken != "" {
				rt.Fatalf("broken: %s: %s\n%s", law, broken, w)
			}
		}
	})
}

func (w *world) accounted(r ran) string {
	if len(r.report.Outcomes) != len(w.plan.Steps) {
		return fmt.Sprintf("%d outcomes", len(r.report.Outcomes))
	}
	for i, o := range r.report.Outcomes {
		s := &w.plan.Steps[i]
		sent := o.Outcome == Done || o.Outcome == Failed || o.Outcome == Unknown
		switch {
		case o.Step != s.ID || o.Ref != s.Ref || o.Action != s.Action:
			return fmt.Sprintf("place %d holds %+v", i, o)
		case o.Outcome == "" || o.Attempts > 2 || (o.Attempts > 0) != sent:
			return fmt.Sprintf("%+v", o)
		case (o.Error == nil) != (o.Outcome == Done), o.Error != nil && (o.Error.Type == "" || o.Error.Message == ""):
			return fmt.Sprintf("%+v: an error, and its words, exactly when not done", o)
		}
	}
	return ""
}

// firstEnds are the outcomes before the read-back corrected them.
func firstEnds(r ran) map[string]What {
	out := map[string]What{}
	for _, e := range r.events {
		if e.Kind == StepEnded {
			out[e.Step.ID] = e.Outcome.Outcome
		}
	}
	return out
}

func (w *world) ordered(r ran) string {
	ended := map[string]What{}
	for _, e := range r.events {
		switch e.Kind {
		case StepEnded:
			ended[e.Step.ID] = e.Outcome.Outcome
		case StepBegan:
			for _, n := range e.Step.Needs {
				if ended[n] != Done {
					return fmt.Sprintf("%s began when %s was %q", e.Step.ID, n, ended[n])
				}
			}
		}
	}
	return ""
}

func (w *world) blocked(r ran) string {
	ended := firstEnds(r)
	for i := range w.plan.Steps {
		s := &w.plan.Steps[i]
		hindered := false
		for _, n := range s.Needs {
			hindered = hindered || ended[n] == Failed || ended[n] == Unknown || ended[n] == Blocked || ended[n] == Stale
		}
		if _, stale := w.o.Stale[s.ID]; stale != (ended[s.ID] == Stale) {
			return s.ID + " is " + string(ended[s.ID]) + ": stale is what the caller says, and nothing else"
		} else if stale {
			continue
		}
		if hindered != (ended[s.ID] == Blocked) {
			return s.ID + " is " + string(ended[s.ID])
		}
		if ended[s.ID] == NotRun && w.stopAt < 0 && w.o.MaxFailures == 0 && r.report.Outcomes[i].Error.Type != errDown.typ {
			return s.ID + " was not run, and nobody stopped the run"
		}
	}
	return ""
}

func (w *world) noTwins(r ran) string {
	for name, f := range r.panels {
		for ref, n := range f.made {
			if n > 1 {
				return fmt.Sprintf("%s/%s was made %d times", name, ref, n)
			}
		}
	}
	return ""
}

// truthful looks at the panels a minute later. A lane that says it is not
// verified promises less.
func (w *world) truthful(r ran) string {
	verified := map[string]bool{}
	for _, p := range r.report.Panels {
		verified[p.Name] = p.Error == ""
	}
	for i, o := range r.report.Outcomes {
		s := &w.plan.Steps[i]
		is, there := r.panels[s.Panel].state()[s.Kind+"/"+s.Key]
		if o.Outcome != Done || !verified[s.Panel] {
			continue
		}
		if s.Action == plan.Delete && there || s.Action != plan.Delete && is != "1: a=new b=new" {
			return fmt.Sprintf("%s is done, and there is %q", title(s), is)
		}
	}
	return ""
}

func (w *world) refusedIsNothing(r ran) string {
	for i, o := range r.report.Outcomes {
		s := &w.plan.Steps[i]
		is, there := r.panels[s.Panel].state()[s.Kind+"/"+s.Key]
		untouched := there == (s.Action != plan.Create) && (is == "" || is == "1: a=old b=old")
		once := o.Outcome == Failed && o.Attempts == 1 && (o.Error.Type == "value" || o.Error.Type == "internal")
		if (o.Attempts == 0 || once) && !untouched {
			return fmt.Sprintf("%s is %s, and there is %q", title(s), o.Outcome, is)
		}
	}
	return ""
}

// leftAlone: once a call was not sent because its panel is down, no step of that
// panel begins, and the rest says why.
func (w *world) leftAlone(r ran) string {
	down := map[string]bool{}
	for _, e := range r.events {
		switch {
		case e.Kind == StepBegan && down[e.Panel]:
			return e.Step.ID + " began on a panel that is down"
		case e.Kind == StepEnded && e.Outcome.Outcome == NotRun && e.Outcome.Error.Type == errDown.typ:
			down[e.Panel] = true
		}
	}
	for i, o := range r.report.Outcomes {
		if down[w.plan.Steps[i].Panel] && o.Outcome == NotRun && w.stopAt < 0 && w.o.MaxFailures == 0 && o.Error.Type != errDown.typ {
			return fmt.Sprintf("%s is not run: %+v", o.Step, o.Error)
		}
	}
	return ""
}

func (w *world) bounded(r ran) string {
	lanes := 0
	for _, e := range r.events {
		switch e.Kind {
		case LaneBegan:
			lanes++
		case LaneEnded:
			lanes--
		}
		if lanes > w.o.Parallelism {
			return fmt.Sprintf("%d lanes at once", lanes)
		}
	}
	for name, f := range r.panels {
		if f.mostWriting > w.writes {
			return fmt.Sprintf("%d calls at once on %s", f.mostWriting, name)
		}
		if f.restartedWhileWriting {
			return name + " was restarted while a call was in flight"
		}
	}
	return ""
}

func (w *world) restarted(r ran) string {
	for _, p := range r.report.Panels {
		f, asked := r.panels[p.Name], 0
		for _, c := range f.calls {
			if c.fault == asks && r.panels[p.Name].made[c.ref] <= 1 {
				asked++
			}
		}
		most := asked
		switch w.o.Restart {
		case RestartNever:
			most = 0
		case "", RestartAtEnd:
			most = min(1, asked)
		}
		if f.restarts > most {
			return fmt.Sprintf("%s was restarted %d times, asked %d", p.Name, f.restarts, asked)
		}
		if most > 0 && f.restarts == 0 && w.stopAt < 0 {
			return p.Name + " asked and was not restarted"
		}
		if (f.restarts > 0) != (p.Restart == RestartOK) {
			return fmt.Sprintf("%s: %d restarts, reported %q", p.Name, f.restarts, p.Restart)
		}
	}
	return ""
}

func (w *world) told(r ran) string {
	began, finished := map[string]int{}, map[string]int{}
	for _, e := range r.events {
		switch e.Kind {
		case StepBegan:
			began[e.Step.ID]++
		case StepEnded:
			finished[e.Step.ID]++
		case StepCorrected:
			if o := e.Outcome; o.Outcome != Failed || o.Error.Type != "not_in_effect" || finished[e.Step.ID] != 1 {
				return fmt.Sprintf("%s corrected to %+v", e.Step.ID, o)
			}
		}
	}
	for _, o := range r.report.Outcomes {
		tried := o.Outcome == NotRun && o.Error.Type == errDown.typ // and not sent
		if finished[o.Step] != 1 || began[o.Step] != min(1, o.Attempts) && !tried {
			return fmt.Sprintf("%s: began %d, ended %d, sent %d", o.Step, began[o.Step], finished[o.Step], o.Attempts)
		}
	}
	return ""
}

func (w *world) tallied(r ran) string {
	var sum Summary
	for _, o := range r.report.Outcomes {
		sum.count(o.Outcome)
	}
	if sum != r.report.Summary || sum.Done+sum.Failed+sum.Blocked+sum.Unknown+sum.NotRun+sum.Stale != len(w.plan.Steps) {
		return fmt.Sprintf("%+v", r.report.Summary)
	}
	trouble := false
	for _, p := range r.report.Panels {
		f := r.panels[p.Name]
		trouble = trouble || p.Error != ""
		if p.Writes != len(f.calls) || p.Requests != f.Requests() {
			return fmt.Sprintf("%+v, but %d writes and %d requests", p, len(f.calls), f.Requests())
		}
	}
	want := Applied
	switch {
	case len(w.plan.Steps) == 0:
		want = Nothing
	case trouble || sum.Done < len(w.plan.Steps):
		want = Partial
	}
	got := r.report.Result
	if got != want && (got != Interrupted || w.stopAt < 0) {
		return fmt.Sprintf("result %s, want %s", got, want)
	}
	return ""
}

// TestInterleavings: how many lanes and calls go side by side changes neither
// the outcomes nor the panels.
func TestInterleavings(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, true)
		one := *w
		one.o.Parallelism, one.writes = 1, 1
		a, b := w.run(t), one.run(t)
		if diff := cmp.Diff(ends(a.report), ends(b.report)); diff != "" {
			rt.Fatalf("outcomes differ from those of one call at a time:\n%s\n%s", diff, w)
		}
		for name := range a.panels {
			if diff := cmp.Diff(a.panels[name].state(), b.panels[name].state()); diff != "" {
				rt.Fatalf("%s differs from one call at a time:\n%s\n%s", name, diff, w)
			}
		}
	})
}
