package render

import (
	"io"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// maxNotRun is how many steps of one panel that were not run for the same
// reason are listed unless Verbose.
const maxNotRun = 20

// ReportText writes what became of a plan's steps: each that is not done with
// its reason and the panel's answer, those done only when Verbose; then the
// restarts, what went wrong with whole panels, the requests, and the last line
// (contract section 7). p may be nil when only the report is at hand: sources
// of steps and panels that could not be read are then not told. The error is of w.
func ReportText(w io.Writer, p *plan.Plan, r *executor.Report, s Style) error {
	out := newPrinter(w, s)
	out.outcomes(p, r)
	out.lanes(p, r)
	out.laneRequests(r)
	out.section()
	unreadPanels := 0
	if p != nil {
		unreadPanels = len(unread(p))
		if sentence := unreadSentence(p); sentence != "" {
			out.line(sentence)
		}
	}
	out.line(bold.on(s, resultLine(r, unreadPanels)))
	return out.flush("the report")
}

// outcomes lists the steps panel by panel.
func (p *printer) outcomes(pl *plan.Plan, r *executor.Report) {
	panel, begun := "", false
	notRun := map[string]int{} // of this panel, by reason
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if o.Ref.Panel != panel {
			p.notRunMore(notRun)
			panel, begun = o.Ref.Panel, false
		}
		if o.Outcome == executor.Done && !p.Verbose {
			continue
		}
		if o.Outcome == executor.NotRun && !p.Verbose {
			why := ""
			if o.Error != nil {
				why = o.Error.Message
			}
			if notRun[why]++; notRun[why] > maxNotRun {
				continue
			}
		}
		if !begun {
			p.section()
			p.line(bold.on(p.Style, quoted(panel)))
			begun = true
		}
		p.outcome(o, sourceOf(pl, i, o.Step))
	}
	p.notRunMore(notRun)
}

// notRunMore says how many steps of the panel just listed were left out, and
// forgets them.
func (p *printer) notRunMore(count map[string]int) {
	more := 0
	for _, n := range count {
		more += max(0, n-maxNotRun)
	}
	clear(count)
	if more > 0 {
		p.line("  and ", strconv.Itoa(more), " more not run for the same reason (-v lists them)")
	}
}

// stepOf is the i-th step of a report's plan. A report follows its plan step by
// step; a plan that does not fit, or is nil, has none of the report's steps.
func stepOf(pl *plan.Plan, i int, id string) *plan.Step {
	if pl == nil || i >= len(pl.Steps) || pl.Steps[i].ID != id {
		return nil
	}
	return &pl.Steps[i]
}

// sourceOf is where the spec asks for the i-th step of a report; empty when
// that is not known.
func sourceOf(pl *plan.Plan, i int, id string) string {
	if s := stepOf(pl, i, id); s != nil {
		return s.Source
	}
	return ""
}

func (p *printer) outcome(o *executor.Outcome, source string) {
	p.hanging(8)
	word := outcomeWord(o.Outcome)
	ref := clean(o.Ref.Kind) + "/" + cleanKey(o.Ref.Key)
	p.put("  ", outcomeLook(o.Outcome).on(p.Style, word), pad(len("blocked")-len(word)), "  ",
		look(o.Action).on(p.Style, o.Action.Symbol()), " ", ref)
	at := len("  blocked  + ") + columns(ref)
	if o.Attempts > 1 {
		tries := "  (" + strconv.Itoa(o.Attempts) + " attempts)"
		p.put(dim.on(p.Style, tries))
		at += len(tries)
	}
	if o.Error == nil {
		p.source(source, at)
		p.line()
		return
	}
	if o.Outcome == executor.NotRun { // there may be many, all for one reason
		why := "  (" + clean(o.Error.Message) + ")"
		p.put(dim.on(p.Style, why))
		p.source(source, at+columns(why))
		p.line()
		return
	}
	p.source(source, at)
	p.line()
	p.hanging(8)
	p.put("      ", prose(o.Error.Message, "      "))
	if o.Outcome == executor.Failed || o.Outcome == executor.Unknown {
		p.put(dim.on(p.Style, "  ["+clean(strings.TrimSpace(o.Error.Type+" "+o.Error.Object))+"]"))
	}
	p.line()
}

func outcomeWord(o executor.What) string {
	if o == executor.NotRun {
		return "not run"
	}
	return clean(string(o))
}

func outcomeLook(o executor.What) paint {
	switch o {
	case executor.Done:
		return green
	case executor.Failed, executor.Unknown:
		return red
	default:
		return yellow
	}
}

// lanes writes what concerns whole panels: unread ones, restarts, errors.
func (p *printer) lanes(pl *plan.Plan, r *executor.Report) {
	p.section()
	for _, l := range lanesToTell(pl, r) {
		if l.Restart == executor.RestartOK {
			p.line(quoted(l.Name), restartedAsAsked)
		}
		for _, t := range laneTroubles(l) {
			p.problem(t.isError, t.where, t.message, t.code)
		}
	}
	if pl != nil {
		p.panelProblems(pl)
	}
}

func (p *printer) laneRequests(r *executor.Report) {
	p.section()
	if len(r.Panels) <= manyPanels || p.Verbose {
		for i := range r.Panels {
			l := &r.Panels[i]
			p.line(dim.on(p.Style, quoted(l.Name)+": "+counted(l.Requests, "request")+", "+counted(l.Writes, "write")))
		}
		return
	}
	requests, writes := 0, 0
	for i := range r.Panels {
		requests += r.Panels[i].Requests
		writes += r.Panels[i].Writes
	}
	p.line(dim.on(p.Style, counted(len(r.Panels), "panel")+": "+counted(requests, "request")+", "+counted(writes, "write")))
}

// resultLine is the last line of a report.
func resultLine(r *executor.Report, unreadPanels int) string {
	done := map[plan.Action]int{}
	for i := range r.Outcomes {
		if r.Outcomes[i].Outcome == executor.Done {
			done[r.Outcomes[i].Action]++
		}
	}
	resources := strconv.Itoa(done[plan.Create]) + " added, " + strconv.Itoa(done[plan.Update]) + " changed, " +
		strconv.Itoa(done[plan.Delete]) + " destroyed."
	switch r.Result {
	case executor.Nothing:
		return "No changes."
	case executor.Applied:
		return "Apply complete! Resources: " + resources
	}
	return "Apply incomplete: " + shortfall(r, unreadPanels) + "; " + resources
}

// shortfall says in what way a run is incomplete.
func shortfall(r *executor.Report, unreadPanels int) string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+what)
		}
	}
	switch r.Result {
	case executor.Refused:
		parts = append(parts, "refused")
	case executor.Interrupted:
		parts = append(parts, "interrupted")
	}
	add(r.Summary.Failed, "failed")
	add(r.Summary.Blocked, "blocked")
	add(r.Summary.Stale, "stale")
	add(r.Summary.Unknown, "unknown")
	add(r.Summary.NotRun, "not run")
	troubled := 0
	for i := range r.Panels {
		if r.Panels[i].Error != "" {
			troubled++
		}
	}
	if troubled > 0 {
		parts = append(parts, counted(troubled, "panel")+" with errors")
	}
	if unreadPanels > 0 {
		parts = append(parts, counted(unreadPanels, "panel")+" not read")
	}
	if len(parts) == 0 { // a listing of some panel was incomplete
		parts = append(parts, "not everything could be read")
	}
	return strings.Join(parts, ", ")
}
