package render

// A plan for the comment of a pull request, whose length the forges bound. What
// is cut when it does not fit follows from what a reviewer must not miss, so
// the parts are made in another order than they stand in:
//
//	stands            made, each with the bytes that those before it left
//	headline          1, always whole
//	troubles          3, but a part is set aside for them
//	deletes           2, first without reasons, then cut
//	updates           4
//	creates           5
//	panels and kept   6
//	command, digest   1, always whole
//
// A part that is cut says so. Lengths are in bytes: a forge may count
// characters, and there are never more of those.

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ispsync/ispsync/plan"
)

const (
	// markdownLimit is the length that no document exceeds; GitHub and Gitea
	// refuse comments of more than 65,536 characters.
	markdownLimit = 60_000
	// applyLimit is the length of the longest command a document can take.
	applyLimit = 8_000
	// troublesRoom is what troubles may take before deletes.
	troublesRoom = 8_000
	// noteRoom is what a part takes that is cut to its heading and a sentence.
	noteRoom = 1_500
)

// What a comment begins with, unseen: by it a pipeline finds the comment it wrote
// before, and updates that one instead of adding another.
const (
	planMarker   = "<!-- ispsync plan -->"
	reportMarker = "<!-- ispsync report -->"
)

// MarkdownOptions says what PlanMarkdown cannot read from the plan.
type MarkdownOptions struct {
	// Apply is the command, one line as a shell takes it, that applies exactly
	// this plan, at most 8,000 bytes. Empty when the plan was not saved, so
	// that there is none.
	Apply string
}

// PlanMarkdown writes a plan for the comment of a pull request: its marker, what must be
// known, deletes with what goes with them, then folded updates and creates,
// and at the end the command that applies it and the plan's digest. It is
// never longer than 60,000 bytes; what is left out is counted, deletes are left
// out last. An error is one of w, or says that the command is too long.
func PlanMarkdown(w io.Writer, p *plan.Plan, o MarkdownOptions) error {
	if n := len(clean(o.Apply)); n > applyLimit {
		return fmt.Errorf("write the plan: the apply command takes %d bytes and a comment has room for %d; give it fewer or shorter arguments", n, applyLimit)
	}
	m := markdown{plan: p, seeAll: "`ispsync plan -o text` shows all of them."}
	if o.Apply != "" {
		m.seeAll = "`ispsync show FILE -o text` shows all of them, FILE being the saved plan."
	}
	head, foot := m.head(), m.foot(o.Apply)
	left := markdownLimit - len(head) - len(foot)

	all := planTroubles(p)
	troubles := m.troubles(all, left)
	deletes, whole := m.deletes(left - min(len(troubles), troublesRoom) - 3*noteRoom)
	left -= len(deletes)
	if len(troubles) > left-3*noteRoom {
		troubles = m.troubles(all, left-3*noteRoom)
	}
	left -= len(troubles)
	if !whole {
		left = 0 // what is too little for a delete is not for an update
	}
	updates := m.changes(plan.Update, "change", left-2*noteRoom)
	left -= len(updates)
	creates := m.changes(plan.Create, "add", left-noteRoom)
	left -= len(creates)
	return writeAll(w, "the plan", head, troubles, deletes, updates, creates, m.aside(left), foot)
}

func writeAll(w io.Writer, what string, parts ...string) error {
	if _, err := io.WriteString(w, strings.Join(parts, "")); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// markdown makes the parts of a document about a plan.
type markdown struct {
	plan   *plan.Plan
	seeAll string // a sentence of ours: where to see what is left out
}

func (m *markdown) head() string {
	head := planMarker + "\n## " + changesLine(m.plan.Summary) + "\n\n"
	if by := m.plan.MadeBy; by != "" {
		head += "Made by " + span(clip(clean(by), mdName)) + ".\n\n"
	}
	if s := unreadSpans(m.plan); s != "" {
		head += s + "\n\n"
	}
	errs := 0
	for _, f := range m.plan.Findings {
		if f.Severity == plan.Error {
			errs++
		}
	}
	switch errs {
	case 0:
	case 1:
		head += "**1 error blocks apply.**\n\n"
	default:
		head += "**" + strconv.Itoa(errs) + " errors block apply.**\n\n"
	}
	return head
}

// unreadSpans is unreadSentence for Markdown.
func unreadSpans(p *plan.Plan) string {
	var names []string
	for i := range p.Panels {
		if !p.Panels[i].Reachable {
			names = append(names, span(clip(quoted(p.Panels[i].Name), 100)))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "**" + counted(len(names), "panel") + " could not be read** (" + few(names, maxNames) + "), so what would change there is not known."
}

func (m *markdown) foot(apply string) string {
	foot := "---\n\n"
	switch {
	case m.plan.Summary.Changes() == 0: // nothing to apply
	case apply != "":
		fence := strings.Repeat("`", max(3, longestRun(apply)+1))
		foot += "Apply exactly this plan:\n\n" + fence + "sh\n" + clean(apply) + "\n" + fence + "\n\n"
	default:
		foot += "This plan was not saved. To apply exactly what was reviewed, save it with `ispsync plan --out FILE`.\n\n"
	}
	foot += "Plan digest: " + span(clip(clean(m.plan.Digest), mdName))
	if !m.plan.CreatedAt.IsZero() {
		foot += ", made " + stamp(m.plan.CreatedAt)
	}
	if !m.plan.ExpiresAt.IsZero() {
		foot += ", expires " + stamp(m.plan.ExpiresAt)
	}
	return foot + "\n"
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// leftOut is the sentence about what is in a part of a document but not shown.
func (m *markdown) leftOut(shown, n int, what string) string {
	if shown == n {
		return ""
	}
	return "**" + strconv.Itoa(n-shown) + " of " + strconv.Itoa(n) + " " + what + " are not listed here.** " + m.seeAll + "\n\n"
}

// troubles lists errors and then warnings. Many warnings are folded.
func (m *markdown) troubles(all []trouble, room int) string {
	if len(all) == 0 {
		return ""
	}
	const frame = 200 // bytes of the heading, the folding and line ends
	room -= frame + noteRoom
	var errs, warnings strings.Builder
	shown, folded := 0, 0
	for i := range all {
		item := troubleItem(&all[i])
		if errs.Len()+warnings.Len()+len(item) > room {
			break
		}
		shown++
		if all[i].isError {
			errs.WriteString(item)
			continue
		}
		warnings.WriteString(item)
		folded++
	}
	text := "### To know first\n\n"
	if folded <= maxWarnings {
		text += errs.String() + warnings.String() + "\n"
	} else {
		text += errs.String() + "\n" + details(counted(folded, "warning"), warnings.String()+"\n")
	}
	return text + m.leftOut(shown, len(all), "errors and warnings")
}

func troubleItem(t *trouble) string {
	item := "- **" + t.word() + "**: "
	if t.where != "" {
		item += span(clip(cleanRef(t.where), mdName)) + ": "
	}
	item += spans(t.message)
	if t.code != "" {
		item += " (" + span(clip(clean(t.code), mdName)) + ")"
	}
	return item + "\n"
}

// aside tells what a review rarely needs: the panels with what changes on
// each, and how many resources are left alone for which reason.
func (m *markdown) aside(room int) string {
	panels := m.panels(room - noteRoom/2)
	return panels + m.kept(room-len(panels))
}

func (m *markdown) panels(room int) string {
	count := map[string]*plan.Summary{}
	for i := range m.plan.Panels {
		count[m.plan.Panels[i].Name] = &plan.Summary{}
	}
	for i := range m.plan.Steps {
		s := count[m.plan.Steps[i].Panel]
		if s == nil {
			continue
		}
		switch m.plan.Steps[i].Action {
		case plan.Create:
			s.Create++
		case plan.Update:
			s.Update++
		default:
			s.Delete++
		}
	}
	return folding(counted(len(m.plan.Panels), "panel"), room, len(m.plan.Panels), func(i int) string {
		p := &m.plan.Panels[i]
		s := count[p.Name]
		line := fmt.Sprintf("    %s  +%d ~%d -%d  %s%s", clip(quoted(p.Name), mdName), s.Create, s.Update, s.Delete, counted(p.Requests, "request"), ofForms(p.Forms))
		if p.URL != "" {
			line += "  " + clip(clean(p.URL), mdName)
		}
		if p.Account != "" {
			line += " as " + clip(clean(p.Account), mdName)
		}
		return fenceSafe(line) + "\n"
	})
}

func (m *markdown) kept(room int) string {
	reasons, count := keptReasons(m.plan.Kept)
	return folding(strconv.Itoa(len(m.plan.Kept))+" left alone", room, len(reasons), func(i int) string {
		return fenceSafe("    "+strconv.Itoa(count[reasons[i]])+" "+clip(clean(reasons[i]), mdName)) + "\n"
	})
}

// folding is a folded list of as many of n entries as fit; nothing when none does.
func folding(summary string, room, n int, entry func(i int) string) string {
	body, _ := fenced(n, room-len(details(summary, "")), entry)
	if body == "" {
		return ""
	}
	return details(summary, body)
}
