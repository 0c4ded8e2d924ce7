package render

import (
	"io"
	"strconv"

	"github.com/ispsync/ispsync/plan"
)

// manyPanels is the number of panels above which a text counts panels instead
// of giving each a line.
const manyPanels = 12

// sourceColumn is where the source of a step ends on a wide terminal.
const sourceColumn = 100

// PlanText writes a plan for review: every step with every field, panel by
// panel, then what is kept, what must be known, the requests made, and the last
// line (contract section 7). It writes as it goes; a plan of any size takes no
// memory of its own. The error is of w.
func PlanText(w io.Writer, p *plan.Plan, s Style) error {
	out := newPrinter(w, s)
	byName := make(map[string]*plan.Panel, len(p.Panels))
	for i := range p.Panels {
		byName[p.Panels[i].Name] = &p.Panels[i]
	}
	for i := range p.Steps {
		step := &p.Steps[i]
		if i == 0 || step.Panel != p.Steps[i-1].Panel {
			out.section()
			out.panelHead(step.Panel, byName[step.Panel])
		}
		out.step(step)
	}
	out.planEnding(p)
	return out.flush("the plan")
}

func (p *printer) panelHead(name string, panel *plan.Panel) {
	p.put(bold.on(p.Style, quoted(name)))
	if panel != nil && panel.URL != "" {
		about := clean(panel.URL)
		if panel.Account != "" {
			about += " as " + clean(panel.Account)
		}
		p.put("  ", dim.on(p.Style, about))
	}
	p.line()
}

// step writes one step: its head line, then its fields in two columns.
func (p *printer) step(s *plan.Step) {
	p.hanging(6)
	ref := clean(s.Kind) + "/" + cleanKey(s.Key)
	p.put("  ", look(s.Action).on(p.Style, s.Action.Symbol()), " ")
	if s.Action == plan.Delete {
		p.put(red.on(p.Style, ref))
	} else {
		p.put(ref)
	}
	at := 4 + columns(ref)
	if s.Why != "" && (s.Action == plan.Delete || p.Verbose) {
		why := "  (" + clean(s.Why) + ")"
		p.put(dim.on(p.Style, why))
		at += columns(why)
	}
	p.source(s.Source, at)
	p.line()
	p.fields(s)
	if len(s.TakesWithIt) > 0 {
		p.hanging(8)
		p.line("      takes with it: ", red.on(p.Style, takesText(s.TakesWithIt)))
	}
}

// source writes where the spec asks for a step, at the right of a terminal, or
// just after the step; at is the column it starts from.
func (p *printer) source(source string, at int) {
	if source == "" {
		return
	}
	source = clean(source)
	gap := 2
	if p.Width > 0 {
		gap = max(gap, min(p.Width, sourceColumn)-at-columns(source))
	}
	p.put(pad(gap), dim.on(p.Style, source))
}

func (p *printer) fields(s *plan.Step) {
	wide := 0
	for _, c := range s.Changes {
		wide = max(wide, columns(clean(c.Field)))
	}
	for _, name := range s.Secrets {
		wide = max(wide, columns(clean(name)))
	}
	for _, c := range s.Changes {
		p.hanging(8 + wide)
		name := clean(c.Field)
		p.line("      ", name, pad(wide-columns(name)), "  ", changeText(p.Style, s.Action, c))
	}
	for _, name := range s.Secrets {
		name = clean(name)
		p.line("      ", name, pad(wide-columns(name)), "  ", dim.on(p.Style, secretWritten))
	}
}

// changesLine is the last line of a plan.
func changesLine(s plan.Summary) string {
	if s.Changes() == 0 {
		return "No changes."
	}
	return "Plan: " + strconv.Itoa(s.Create) + " to add, " + strconv.Itoa(s.Update) + " to change, " + strconv.Itoa(s.Delete) + " to destroy."
}
