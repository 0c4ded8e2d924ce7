package render

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/plan"
)

// Limits of what is listed unless Verbose.
const (
	maxReasons  = 8  // reasons to keep
	maxWarnings = 10 // warnings of one code
	maxNames    = 10 // panels in a sentence
)

// planEnding writes what follows the steps, in the text and the compact form alike.
func (p *printer) planEnding(pl *plan.Plan) {
	p.kept(pl.Kept)
	p.panelProblems(pl)
	p.findings(pl.Findings)
	p.planRequests(pl)
	p.section()
	if pl.MadeBy != "" {
		p.line("Made by ", clean(pl.MadeBy), ", not from the spec.")
	}
	if s := unreadSentence(pl); s != "" {
		p.hanging(4)
		p.line(s)
	}
	p.line(bold.on(p.Style, changesLine(pl.Summary)))
}

// kept counts what is left alone by reason, or lists it when Verbose.
func (p *printer) kept(kept []plan.Kept) {
	p.section()
	if p.Verbose {
		for _, k := range kept {
			p.line("kept: ", refText(k.Ref), dim.on(p.Style, "  ("+clean(k.Why)+")"))
		}
		return
	}
	reasons, count := keptReasons(kept)
	left := len(kept)
	for i, why := range reasons {
		if i == maxReasons {
			p.line("kept: ", strconv.Itoa(left), " for other reasons (-v lists them)")
			return
		}
		left -= count[why]
		p.line("kept: ", strconv.Itoa(count[why]), " ", clean(why))
	}
}

// keptReasons counts what is left alone by reason; reasons has the most frequent first.
func keptReasons(kept []plan.Kept) (reasons []string, count map[string]int) {
	count = map[string]int{}
	for _, k := range kept {
		count[k.Why]++
	}
	return byCount(count), count
}

// byCount are the names in count, those with the highest count first.
func byCount(count map[string]int) []string {
	return slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
}

// findings writes what must be known, below what panelProblems wrote. Errors are all there; of warnings of one
// code the first few, unless Verbose.
func (p *printer) findings(findings []plan.Finding) {
	p.section()
	of := map[string]int{}
	for _, f := range findings {
		if f.Severity == plan.Error {
			p.problem(true, f.Ref, f.Message, f.Code)
			continue
		}
		if of[f.Code]++; p.Verbose || of[f.Code] <= maxWarnings {
			p.problem(false, f.Ref, f.Message, f.Code)
		}
	}
	codes := make([]string, 0, len(of))
	for code := range of {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		if more := of[code] - maxWarnings; more > 0 && !p.Verbose {
			p.line(yellow.on(p.Style, "Warning:"), " ", strconv.Itoa(more), " more like these (-v lists them)  ", dim.on(p.Style, "["+clean(code)+"]"))
		}
	}
}

// problem writes one error or warning: where, what, and its code if it has one.
func (p *printer) problem(isError bool, where, message, code string) {
	p.hanging(4)
	if isError {
		p.put(red.on(p.Style, "Error:"), " ")
	} else {
		p.put(yellow.on(p.Style, "Warning:"), " ")
	}
	if where != "" {
		p.put(cleanRef(where), ": ")
	}
	p.put(prose(message, "  "))
	if code != "" {
		p.put("  ", dim.on(p.Style, "["+clean(code)+"]"))
	}
	p.line()
}

// panelProblems names the panels that could not be read, wholly or in part,
// and says what it means.
func (p *printer) panelProblems(pl *plan.Plan) {
	p.section()
	for _, t := range panelTroubles(pl) {
		p.problem(t.isError, t.where, t.message, t.code)
	}
}

func unread(pl *plan.Plan) []string {
	var names []string
	for i := range pl.Panels {
		if !pl.Panels[i].Reachable {
			names = append(names, quoted(pl.Panels[i].Name))
		}
	}
	return names
}

// unreadSentence says that panels are missing from the plan; empty when none is.
func unreadSentence(pl *plan.Plan) string {
	names := unread(pl)
	if len(names) == 0 {
		return ""
	}
	return counted(len(names), "panel") + " could not be read (" + few(names, maxNames) + "), so what would change there is not known."
}

// planRequests says how many calls the plan cost: a line per panel, or one
// for all when there are many.
func (p *printer) planRequests(pl *plan.Plan) {
	p.section()
	if len(pl.Panels) <= manyPanels || p.Verbose {
		for i := range pl.Panels {
			p.line(dim.on(p.Style, quoted(pl.Panels[i].Name)+": "+counted(pl.Panels[i].Requests, "request")+ofForms(pl.Panels[i].Forms)))
		}
		return
	}
	sum, forms, most := 0, 0, &pl.Panels[0]
	for i := range pl.Panels {
		sum += pl.Panels[i].Requests
		forms += pl.Panels[i].Forms
		if pl.Panels[i].Requests > most.Requests {
			most = &pl.Panels[i]
		}
	}
	p.line(dim.on(p.Style, counted(len(pl.Panels), "panel")+": "+counted(sum, "request")+ofForms(forms)+", most of one panel: "+
		strconv.Itoa(most.Requests)+" ("+quoted(most.Name)+")"))
}

// ofForms says how many requests read a form of one resource each: the price of
// declaring fields that no list carries.
func ofForms(n int) string {
	if n == 0 {
		return ""
	}
	return " (" + counted(n, "form") + ")"
}
