package render

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// trouble is an error or a warning about a plan or a run, as every format
// tells it. Its texts are not clean yet.
type trouble struct {
	isError bool
	where   string // a ref, or a part of one; may be empty
	message string
	code    string // of a finding; empty otherwise
}

// word is how a trouble is called in front of its message.
func (t *trouble) word() string {
	if t.isError {
		return "Error"
	}
	return "Warning"
}

// planTroubles are the panels that could not be read and the findings, errors
// before warnings.
func planTroubles(pl *plan.Plan) []trouble {
	all := panelTroubles(pl)
	for _, f := range pl.Findings {
		all = append(all, trouble{isError: f.Severity == plan.Error, where: f.Ref, message: f.Message, code: f.Code})
	}
	return errorsFirst(all)
}

func errorsFirst(all []trouble) []trouble {
	slices.SortStableFunc(all, func(a, b trouble) int { return strings.Compare(a.word(), b.word()) })
	return all
}

// panelTroubles names the panels that could not be read, wholly or in part,
// and says what it means.
func panelTroubles(pl *plan.Plan) []trouble {
	var all []trouble
	for i := range pl.Panels {
		panel := &pl.Panels[i]
		switch {
		case panel.Reachable && (panel.Error == "" || hasListingFinding(pl.Findings, panel.Name)):
		case panel.Reachable:
			all = append(all, trouble{where: panel.Name, message: "read in part, so only what could be read is planned: " + panel.Error})
		case panel.Refused:
			all = append(all, trouble{isError: true, where: panel.Name, message: "refused the account " + strconv.Quote(panel.Account) +
				", so nothing is planned for it; check auth in the spec: " + panel.Error})
		default:
			all = append(all, trouble{isError: true, where: panel.Name, message: "could not be reached, so nothing is planned for it: " + panel.Error})
		}
	}
	return all
}

// hasListingFinding reports whether a finding tells already what of a panel
// could not be read.
func hasListingFinding(findings []plan.Finding, panel string) bool {
	return slices.ContainsFunc(findings, func(f plan.Finding) bool {
		return f.Code == plan.CodeListing && strings.HasPrefix(f.Ref, panel+"/")
	})
}

const restartedAsAsked = ": restarted, as the panel asked"

// laneTroubles is what went wrong with the lane of a panel as a whole.
func laneTroubles(l *executor.LaneEnd) []trouble {
	var all []trouble
	switch l.Restart {
	case executor.RestartUnsupported:
		all = append(all, trouble{where: l.Name, message: "the panel asked for a restart but has no such function; newer panels restart their services themselves, so look whether the changes are in effect"})
	case executor.RestartFailed:
		why := l.Error
		if why == "" {
			why = "no reason was given"
		}
		return []trouble{{isError: true, where: l.Name, message: "the restart the panel asked for failed, so changes may not be in effect; restart it in the panel: " + why}}
	}
	if l.Error != "" {
		all = append(all, trouble{isError: true, where: l.Name, message: l.Error})
	}
	return all
}

// lanesToTell are the lanes but for those whose error panelTroubles tells
// already, because the panel could not even be read. pl may be nil.
func lanesToTell(pl *plan.Plan, r *executor.Report) []*executor.LaneEnd {
	said := map[string]string{}
	if pl != nil {
		for i := range pl.Panels {
			said[pl.Panels[i].Name] = pl.Panels[i].Error
		}
	}
	var lanes []*executor.LaneEnd
	for i := range r.Panels {
		if l := &r.Panels[i]; l.Error == "" || l.Error != said[l.Name] {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// settledTroubles are the steps that an earlier run had left open, with what was
// found of them. Text does not tell them: there the run has said so when it began.
func settledTroubles(r *executor.Report) []trouble {
	var all []trouble
	for i := range r.Settled {
		s := &r.Settled[i]
		message := "the run " + s.Run + " was cut off before it knew what became of its " + string(s.Action) + "; looked up, it is " + outcomeWord(s.Outcome)
		if s.Evidence != "" {
			message += ": " + s.Evidence
		}
		all = append(all, trouble{where: s.Ref.String(), message: message})
	}
	return all
}

// reportTroubles are the troubles of the lanes, and of the panels that could
// not be read when the plan is at hand; errors before warnings.
func reportTroubles(pl *plan.Plan, r *executor.Report) []trouble {
	all := settledTroubles(r)
	for _, l := range lanesToTell(pl, r) {
		all = append(all, laneTroubles(l)...)
	}
	if pl != nil {
		all = append(all, panelTroubles(pl)...)
	}
	return errorsFirst(all)
}
