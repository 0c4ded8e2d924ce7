package render

// How field values and their changes are written.
//
//	text       as it is, in quotes when it is empty or could mislead
//	list       [a, b]
//	nothing    (not set)
//	change     before → after
//	long list  [+ added, - removed, 15 the same]

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// A list change is shown by its differences when both lists together have
// more than longItems items, or take more than longColumns columns.
const (
	longItems   = 8
	longColumns = 72
	// listed is how many items of one sort a long list shows unless Verbose.
	listed = 20
)

const notSet = "(not set)"

// secretWritten stands where the value of a secret field would be.
const secretWritten = "(secret, written)"

func valueText(v specs.Value) string {
	switch v.Type() {
	case specs.Absent:
		return notSet
	case specs.ListType:
		return listText(v.Items())
	case specs.TextType:
		return quoted(v.String())
	default:
		return clean(v.String())
	}
}

func listText(items []string) string {
	parts := make([]string, len(items))
	for i, it := range items {
		parts[i] = itemText(it)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func itemText(s string) string {
	if strings.ContainsAny(s, ",]") {
		return `"` + clean(s) + `"`
	}
	return quoted(s)
}

// changeText is what becomes of a field. In a create a field has no before to
// speak of.
func changeText(s Style, a plan.Action, c plan.Change) string {
	after := green.on(s, valueText(c.After))
	if c.Before.IsAbsent() && a == plan.Create {
		return after
	}
	if c.Before.Type() == specs.ListType && c.After.Type() == specs.ListType {
		if b, a := c.Before.Items(), c.After.Items(); len(b)+len(a) > longItems || len(c.Before.String())+len(c.After.String()) > longColumns {
			return listChange(s, b, a)
		}
	}
	return red.on(s, valueText(c.Before)) + " → " + after
}

// listChange shows only what was added to a list and removed from it. Order
// matters to some lists: when items that stay change places it says so, and
// when nothing else changed it shows both lists, since nothing less would do.
func listChange(s Style, before, after []string) string {
	d := diffList(before, after)
	if len(d.added)+len(d.removed) == 0 {
		return red.on(s, listText(before)) + " → " + green.on(s, listText(after))
	}
	parts := signed(s, nil, green, "+ ", d.added)
	parts = signed(s, parts, red, "- ", d.removed)
	same := strconv.Itoa(d.same) + " the same"
	if d.moved {
		same += " in another order"
	}
	return "[" + strings.Join(append(parts, same), ", ") + "]"
}

// listDiff is what tells two lists apart. Items may occur more than once.
type listDiff struct {
	added, removed []string // in the order of their list
	same           int      // items in both
	moved          bool     // those in both are in another order
}

func diffList(before, after []string) listDiff {
	unmatched := make(map[string]int, len(before)) // items of before without a partner in after
	for _, it := range before {
		unmatched[it]++
	}
	var d listDiff
	var stayAfter, stayBefore []string
	for _, it := range after {
		if unmatched[it] > 0 {
			unmatched[it]--
			stayAfter = append(stayAfter, it)
		} else {
			d.added = append(d.added, it)
		}
	}
	for _, it := range slices.Backward(before) { // of equal items the last ones are the surplus
		if unmatched[it] > 0 {
			unmatched[it]--
			d.removed = append(d.removed, it)
		} else {
			stayBefore = append(stayBefore, it)
		}
	}
	slices.Reverse(d.removed)
	slices.Reverse(stayBefore)
	d.same, d.moved = len(stayAfter), !slices.Equal(stayBefore, stayAfter)
	return d
}

func signed(s Style, parts []string, look paint, sign string, items []string) []string {
	for i, it := range items {
		if i == listed && !s.Verbose {
			return append(parts, look.on(s, sign+strconv.Itoa(len(items)-listed)+" more"))
		}
		parts = append(parts, look.on(s, sign+itemText(it)))
	}
	return parts
}

// takesText is "3 webdomain, 1 domain".
func takesText(counts []plan.Count) string {
	parts := make([]string, len(counts))
	for i, c := range counts {
		parts[i] = strconv.Itoa(c.Count) + " " + clean(c.Kind)
	}
	return strings.Join(parts, ", ")
}

// look is the paint of an action.
func look(a plan.Action) paint {
	switch a {
	case plan.Create:
		return green
	case plan.Update:
		return yellow
	default:
		return red
	}
}
