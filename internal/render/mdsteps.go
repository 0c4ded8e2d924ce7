package render

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/plan"
)

// deletes lists what is destroyed, those first that take others with them.
// When not all fit they are told without reasons and sources, and only then
// fewer of them; all says whether every one is there.
func (m *markdown) deletes(room int) (text string, all bool) {
	steps := m.stepsOf(plan.Delete)
	if len(steps) == 0 {
		return "", true
	}
	slices.SortStableFunc(steps, func(a, b *plan.Step) int { return sign(len(b.TakesWithIt)) - sign(len(a.TakesWithIt)) })
	text = "### " + strconv.Itoa(len(steps)) + " to destroy: " + kindCounts(steps) + "\n\n" + blastRadius(steps)
	room -= len(text)
	list, shown := fenced(len(steps), room, func(i int) string {
		s := steps[i]
		return stepLine(s.Action, s.Panel, s.Kind, s.Key, s.Why, s.Source) + takesLine("-     ", s)
	})
	if shown < len(steps) {
		list, shown = fenced(len(steps), room-noteRoom/2, func(i int) string {
			s := steps[i]
			return stepLine(s.Action, s.Panel, s.Kind, s.Key, "", "") + takesLine("-     ", s)
		})
	}
	return text + list + m.leftOut(shown, len(steps), "deletes"), shown == len(steps)
}

// stepsOf are the steps with an action, in plan order.
func (m *markdown) stepsOf(a plan.Action) []*plan.Step {
	var steps []*plan.Step
	for i := range m.plan.Steps {
		if m.plan.Steps[i].Action == a {
			steps = append(steps, &m.plan.Steps[i])
		}
	}
	return steps
}

func sign(n int) int { return min(n, 1) }

// mdTaken is how many kinds are listed of what goes with a delete.
const mdTaken = 20

// takesLine is the line of a delete that says what goes with it, if anything does.
func takesLine(mark string, s *plan.Step) string {
	if len(s.TakesWithIt) == 0 {
		return ""
	}
	text := takesText(s.TakesWithIt[:min(len(s.TakesWithIt), mdTaken)])
	if more := len(s.TakesWithIt) - mdTaken; more > 0 {
		text += " and " + counted(more, "more kind")
	}
	return fenceSafe(mark+"takes with it: "+clip(text, mdValue)) + "\n"
}

// maxKinds is how many kinds a heading counts.
const maxKinds = 6

// kindCounts is "3 `user`, 1 `webdomain`" of some steps, the most first.
func kindCounts(steps []*plan.Step) string {
	count := map[string]int{}
	for _, s := range steps {
		count[s.Kind]++
	}
	return countSpans(count)
}

// countSpans names kinds with their counts, the most first.
func countSpans(count map[string]int) string {
	kinds := byCount(count)
	parts := make([]string, 0, len(kinds))
	for _, k := range kinds {
		parts = append(parts, strconv.Itoa(count[k])+" "+span(clip(clean(k), 40)))
	}
	return few(parts, maxKinds)
}

// blastRadius sums up what goes with the deletes though no step names it.
func blastRadius(steps []*plan.Step) string {
	count := map[string]int{}
	takers := 0
	for _, s := range steps {
		takers += sign(len(s.TakesWithIt))
		for _, c := range s.TakesWithIt {
			count[c.Kind] += c.Count
		}
	}
	if takers == 0 {
		return ""
	}
	return "**" + strconv.Itoa(takers) + " of them " + takeVerb(takers) + " others along:** " + countSpans(count) + ".\n\n"
}

func takeVerb(n int) string {
	if n == 1 {
		return "takes"
	}
	return "take"
}

// block is a folded list of steps.
type block struct {
	summary string // HTML
	steps   []*plan.Step
	fields  bool // the steps' fields are listed, since they differ
}

// changes lists the updates or the creates: those that do the same to many
// resources in a block each, the biggest first, all others in one. Blocks share
// the room evenly; what one does not use goes to those after it.
func (m *markdown) changes(a plan.Action, verb string, room int) string {
	steps := m.stepsOf(a)
	if len(steps) == 0 {
		return ""
	}
	blocks := foldBlocks(a, steps)
	text := "### " + strconv.Itoa(len(steps)) + " to " + verb + ": " + kindCounts(steps) + "\n\n"
	room -= len(text) + noteRoom/2
	frames := 0
	for i := range blocks {
		frames += blocks[i].frame()
	}
	var list strings.Builder
	shown := 0
	for i := range blocks {
		b := &blocks[i]
		share := b.frame() + max(0, room-frames)/(len(blocks)-i)
		frames -= b.frame()
		if b.frame() > room {
			break
		}
		body, n := fenced(len(b.steps), min(share, room)-len(details(b.summary, "")), b.entry)
		folded := details(b.summary, body)
		list.WriteString(folded)
		room -= len(folded)
		shown += n
	}
	return text + list.String() + m.leftOut(shown, len(steps), actionNouns[a])
}

var actionNouns = map[plan.Action]string{plan.Create: "creates", plan.Update: "updates", plan.Delete: "deletes"}

// foldBlocks sorts steps of one action into blocks.
func foldBlocks(a plan.Action, steps []*plan.Step) []block {
	var blocks []block
	var single []*plan.Step
	for _, f := range foldSteps(steps) {
		if len(f.steps) == 1 {
			single = append(single, f.steps...)
		} else {
			blocks = append(blocks, block{summary: foldSummary(&f), steps: f.steps, fields: f.loose})
		}
	}
	slices.SortStableFunc(blocks, func(a, b block) int { return len(b.steps) - len(a.steps) })
	if len(single) > 0 {
		summary := a.Symbol() + " " + counted(len(single), "resource") + ", each with its own fields"
		blocks = append(blocks, block{summary: summary, steps: single, fields: true})
	}
	return blocks
}

// foldSummary says what steps that do the same do, and to how many resources.
func foldSummary(f *fold) string {
	first := f.steps[0]
	where := codeHTML(clip(quoted(first.Panel), 100))
	if n := f.panels(); n > 1 {
		where = counted(n, "panel")
	}
	return first.Action.Symbol() + " " + codeHTML(clip(f.deed(), mdValue)) + " on " + strconv.Itoa(len(f.steps)) + " " +
		codeHTML(clip(clean(first.Kind), 100)) + " of " + where
}

// frame is what a block takes before it lists a step.
func (b *block) frame() int { return len(details(b.summary, fenceOpen+fenceClose)) }

func (b *block) entry(i int) string {
	s := b.steps[i]
	line := stepLine(s.Action, s.Panel, s.Kind, s.Key, "", s.Source)
	if !b.fields {
		return line
	}
	return line + stepFields(s)
}
