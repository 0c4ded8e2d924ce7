package plan

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// selectTargets drops what --target leaves out: creates that are no target and
// that no target needs, at any remove, with what was found about them.
// Updates and deletes that are no target were never planned.
func (m *maker) selectTargets() {
	if m.Targets == nil {
		return
	}
	var queue []*draftStep
	for _, s := range m.steps {
		if s.target {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		for _, need := range s.needs {
			if n := m.index[need]; n != nil && !n.target {
				n.target = true
				queue = append(queue, n)
			}
		}
	}
	dropped := map[string]bool{}
	m.steps = slices.DeleteFunc(m.steps, func(s *draftStep) bool {
		if !s.target {
			dropped[s.Ref.String()] = true
		}
		return !s.target
	})
	m.draft.findings = slices.DeleteFunc(m.draft.findings, func(f Finding) bool { return dropped[f.Ref] })
}

// compareSteps is the order of steps that do not need each other: creates and
// updates, parents first; then deletes, children first.
func compareSteps(a, b *draftStep) int {
	aDeletes, bDeletes := a.Action == Delete, b.Action == Delete
	switch {
	case aDeletes != bDeletes:
		if aDeletes {
			return 1
		}
		return -1
	case aDeletes:
		return cmp.Or(cmp.Compare(b.rank, a.rank), a.Ref.Compare(b.Ref))
	default:
		return cmp.Or(cmp.Compare(a.rank, b.rank), a.Ref.Compare(b.Ref))
	}
}

// order sorts steps so that needs point backwards: again and again it takes
// the first of the steps whose needs are all taken. What is left then needs
// itself in a circle; that is a finding, and those steps are left out. Ranks
// rule circles out, except among resources of one kind that refer to their own kind.
func (m *maker) order(steps []*draftStep) []*draftStep {
	slices.SortFunc(steps, compareSteps)
	place := make(map[specs.Ref]int, len(steps))
	for i, s := range steps {
		place[s.Ref] = i
	}
	waits := make([]int, len(steps))      // how many needs are not taken yet
	neededBy := make([][]int, len(steps)) // places of the steps that need this one
	var ready readySteps
	for i, s := range steps {
		s.needs = slices.DeleteFunc(s.needs, func(r specs.Ref) bool { _, ok := place[r]; return !ok })
		slices.SortFunc(s.needs, specs.Ref.Compare)
		s.needs = slices.Compact(s.needs)
		for _, need := range s.needs {
			neededBy[place[need]] = append(neededBy[place[need]], i)
		}
		if waits[i] = len(s.needs); waits[i] == 0 {
			ready = append(ready, i) // in rising order, so it is a heap already
		}
	}
	out := make([]*draftStep, 0, len(steps))
	for len(ready) > 0 {
		i := heap.Pop(&ready).(int)
		out = append(out, steps[i])
		for _, n := range neededBy[i] {
			if waits[n]--; waits[n] == 0 {
				heap.Push(&ready, n)
			}
		}
	}
	if len(out) < len(steps) {
		m.reportCircle(steps, waits)
	}
	return out
}

// reportCircle names the steps that can never run: those of a circle, and what
// needs them.
func (m *maker) reportCircle(steps []*draftStep, waits []int) {
	var stuck []string
	for i, s := range steps {
		if waits[i] > 0 {
			stuck = append(stuck, s.Kind+"/"+s.Key)
		}
	}
	m.find(Error, CodeCircle, m.Panel.Name, "these need each other in a circle, or need one that does, so none can be first: %s; remove one of the references between them", strings.Join(stuck, ", "))
}

// readySteps is a heap of places in the sorted steps.
type readySteps []int

func (r readySteps) Len() int           { return len(r) }
func (r readySteps) Less(i, j int) bool { return r[i] < r[j] }
func (r readySteps) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *readySteps) Push(x any)        { *r = append(*r, x.(int)) }
func (r *readySteps) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}
