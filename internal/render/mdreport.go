package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// reportOrder is the order in which a document tells outcomes: what a person
// has to look after first.
var reportOrder = []executor.What{executor.Failed, executor.Unknown, executor.Stale, executor.Blocked, executor.NotRun, executor.Done}

// ReportMarkdown writes what became of a plan's steps for the comment of a pull
// request: troubles of panels, then the steps by outcome, deletes first, those
// not run and those done folded. It is never longer than 60,000 bytes; what is
// left out is counted, steps that failed are left out last. p may be nil, as
// for ReportText. The error is of w.
func ReportMarkdown(w io.Writer, p *plan.Plan, r *executor.Report) error {
	m := markdown{plan: p, seeAll: "`ispsync show FILE -o text -v` shows all of them, FILE being the saved report."}
	head, foot := m.reportHead(r), reportFoot(r)
	left := markdownLimit - len(head) - len(foot)
	parts := []string{head}
	all := reportTroubles(p, r)
	troubles := m.troubles(all, min(left-noteRoom*len(reportOrder), 2*troublesRoom))
	parts = append(parts, troubles)
	left -= len(troubles)
	for i, what := range reportOrder {
		part := m.outcomes(r, what, left-noteRoom*(len(reportOrder)-1-i))
		parts = append(parts, part)
		left -= len(part)
	}
	return writeAll(w, "the report", append(parts, foot)...)
}

func (m *markdown) reportHead(r *executor.Report) string {
	unreadPanels, sentence := 0, ""
	if m.plan != nil {
		unreadPanels = len(unread(m.plan))
		if s := unreadSpans(m.plan); s != "" {
			sentence = s + "\n\n"
		}
	}
	head := reportMarker + "\n## " + resultLine(r, unreadPanels) + "\n\n" + sentence
	for i := range r.Panels {
		if r.Panels[i].Restart == executor.RestartOK {
			return head + restartedSpans(r) + "\n\n"
		}
	}
	return head
}

func restartedSpans(r *executor.Report) string {
	var names []string
	for i := range r.Panels {
		if r.Panels[i].Restart == executor.RestartOK {
			names = append(names, span(clip(quoted(r.Panels[i].Name), 100)))
		}
	}
	return few(names, maxNames) + restartedAsAsked + "."
}

func reportFoot(r *executor.Report) string {
	requests, writes := 0, 0
	for i := range r.Panels {
		requests += r.Panels[i].Requests
		writes += r.Panels[i].Writes
	}
	foot := "---\n\n" + counted(len(r.Panels), "panel") + ": " + counted(requests, "request") + ", " + counted(writes, "write") + "."
	if !r.StartedAt.IsZero() && !r.FinishedAt.IsZero() {
		foot += " Started " + stamp(r.StartedAt) + ", finished " + stamp(r.FinishedAt) + "."
	}
	if r.Run != "" {
		foot += " Run " + span(clip(clean(r.Run), mdName)) + "."
	}
	return foot + "\n\nPlan digest: " + span(clip(clean(r.PlanDigest), mdName)) + "\n"
}

// outcomes lists the steps with one outcome.
func (m *markdown) outcomes(r *executor.Report, what executor.What, room int) string {
	var at []int
	for i := range r.Outcomes {
		if r.Outcomes[i].Outcome == what {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return ""
	}
	slices.SortStableFunc(at, func(a, b int) int {
		return danger(r.Outcomes[a].Action) - danger(r.Outcomes[b].Action)
	})
	entry := func(i int) string {
		o := &r.Outcomes[at[i]]
		return outcomeEntry(o, sourceOf(m.plan, at[i], o.Step))
	}
	title := strconv.Itoa(len(at)) + " " + outcomeWord(what)
	room -= noteRoom / 2
	if what == executor.NotRun || what == executor.Done {
		body, shown := fenced(len(at), room-len(details(title, "")), entry)
		return details(title, body+m.leftOut(shown, len(at), "steps"))
	}
	body, shown := fenced(len(at), room, entry)
	return "### " + title + "\n\n" + body + m.leftOut(shown, len(at), "steps")
}

// danger orders actions, the destructive first.
func danger(a plan.Action) int {
	switch a {
	case plan.Delete:
		return 0
	case plan.Update:
		return 1
	default:
		return 2
	}
}

// outcomeEntry is a step with its fate in a fenced block.
func outcomeEntry(o *executor.Outcome, source string) string {
	tries := ""
	if o.Attempts > 1 {
		tries = fmt.Sprintf("%d attempts", o.Attempts)
	}
	entry := stepLine(o.Action, o.Ref.Panel, o.Ref.Kind, o.Ref.Key, tries, source)
	if o.Error == nil {
		return entry
	}
	for _, l := range strings.Split(clip(strings.TrimSpace(o.Error.Message), mdMessage), "\n") {
		if l = strings.TrimSpace(l); l != "" {
			entry += "    " + fenceSafe(clip(clean(l), mdMessage)) + "\n"
		}
	}
	if o.Outcome == executor.Failed || o.Outcome == executor.Unknown {
		entry += "    " + fenceSafe("["+clip(clean(strings.TrimSpace(o.Error.Type+" "+o.Error.Object)), mdName)+"]") + "\n"
	}
	return entry
}
