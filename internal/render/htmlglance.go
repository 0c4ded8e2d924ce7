package render

// What a page says without its script: the steps in sentences, what is
// destroyed first. With the script it is the overview above the steps, when
// there is anything to fold; without it, it is the plan.

import (
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

const (
	// glanceLines is how many lines the overview has at most.
	glanceLines = 30
	// plainLines is that number for viewers that run no script.
	plainLines = 2_000
)

// pageLine is one sentence: about one step, or about many that do the same.
// All its texts are clean.
type pageLine struct {
	Class, Sign, Outcome, What, Deed, Takes, Source string
}

// actionClasses are the names in page.css of what is destroyed, changed and added.
var actionClasses = [3]string{"destroy", "change", "add"}

// glance are the sentences about a plan of so many steps; none when they would
// say little less than the steps themselves.
func glance(folds []fold, steps int) []pageLine {
	if 2*len(folds) > steps {
		return nil
	}
	lines := make([]pageLine, len(folds))
	for i := range folds {
		lines[i] = foldLine(&folds[i])
	}
	return lines
}

func foldLine(f *fold) pageLine {
	s := f.steps[0]
	if len(f.steps) == 1 {
		return stepSentence(s)
	}
	l := pageLine{Class: actionClasses[danger(s.Action)], Sign: s.Action.Symbol(), Source: strings.TrimSpace(f.sources()), Takes: takesText(f.takes())}
	where := quoted(s.Panel)
	if n := f.panels(); n > 1 {
		where = counted(n, "panel")
	}
	l.What = countedKind(len(f.steps), s.Kind) + " of " + where
	if s.Action == plan.Delete {
		l.Deed = f.why()
	} else {
		l.Deed = f.deed()
	}
	return l
}

// stepSentence is the sentence about one step.
func stepSentence(s *plan.Step) pageLine {
	l := pageLine{Class: actionClasses[danger(s.Action)], Sign: s.Action.Symbol(), What: quoted(s.Panel) + "/" + clean(s.Kind) + "/" + cleanKey(s.Key),
		Source: clean(s.Source), Takes: takesText(s.TakesWithIt)}
	if s.Action == plan.Delete {
		l.Deed = clean(s.Why)
	} else {
		l.Deed = (&fold{steps: []*plan.Step{s}}).deed()
	}
	return l
}

// plainPlan are the sentences for viewers without scripts: each delete by its
// name, the others folded.
func plainPlan(folds []fold) []pageLine {
	var lines []pageLine
	for i := range folds {
		if folds[i].steps[0].Action != plan.Delete {
			lines = append(lines, foldLine(&folds[i]))
			continue
		}
		for _, s := range folds[i].steps {
			lines = append(lines, stepSentence(s))
		}
	}
	return lines
}

// plainReport are the sentences about a report, what has to be looked after first.
func plainReport(p *plan.Plan, r *executor.Report) []pageLine {
	at := reportIndex(r)
	lines := make([]pageLine, 0, min(len(at), plainLines+1))
	for _, i := range at {
		if len(lines) > plainLines {
			break // one more than is shown: that there are more is said
		}
		o := &r.Outcomes[i]
		lines = append(lines, pageLine{Class: actionClasses[danger(o.Action)], Sign: o.Action.Symbol(), Outcome: outcomeWord(o.Outcome), What: refText(o.Ref),
			Deed: answerText(o), Source: clean(sourceOf(p, i, o.Step))})
	}
	return lines
}

// cut takes at most limit of n lines and says how many are left out.
func cut(lines []pageLine, limit, n int) (shown []pageLine, more string) {
	if len(lines) <= limit {
		return lines, ""
	}
	return lines[:limit], strconv.Itoa(n - limit)
}

// blast says what goes with the deletes though no step names it.
func blast(steps []plan.Step) string {
	var all fold
	takers := 0
	for i := range steps {
		if n := len(steps[i].TakesWithIt); n > 0 {
			all.steps = append(all.steps, &steps[i])
			takers++
		}
	}
	if takers == 0 {
		return ""
	}
	return counted(takers, "delete") + " " + takeVerb(takers) + " others along: " + takesText(all.takes()) + "."
}
