package render

// The steps of a page are tables in JSON, small enough that 50,000 of them are
// parsed in an instant:
//
//	s  a row for each step: panel, kind, action, key, deed, source, why, what it
//	   takes with it, and in a report also outcome, answer and attempts
//	d  what steps do, once for all that do the same: field, before, after
//	t  all texts but the keys, once each; rows and deeds name them by their index
//
// -1 stands for no text. The order of columns, and of actions and outcomes, is
// known to page.js too.

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// pageData gathers the tables t and d while the rows are written.
type pageData struct {
	out   *bufio.Writer // its errors stick; see page.write
	texts []string
	text  map[string]int
	deeds [][][3]int
	deed  map[string]int
	id    []byte
	rows  int
}

func newPageData(out *bufio.Writer) *pageData {
	return &pageData{out: out, text: map[string]int{}, deed: map[string]int{}}
}

// put is the index of a clean text; -1 of an empty one.
func (d *pageData) put(s string) int {
	if s == "" {
		return -1
	}
	n, ok := d.text[s]
	if !ok {
		n = len(d.texts)
		d.texts = append(d.texts, s)
		d.text[s] = n
	}
	return n
}

// does is the index of what a step does; s is nil when the plan is not at hand.
func (d *pageData) does(s *plan.Step) int {
	d.id = d.id[:0]
	if s != nil {
		d.id = appendDeed(d.id, s)
	}
	n, ok := d.deed[string(d.id)]
	if ok {
		return n
	}
	fields := [][3]int{}
	if s != nil {
		for _, c := range s.Changes {
			before, after := becomes(s.Action, c)
			fields = append(fields, [3]int{d.put(quoted(c.Field)), d.put(before), d.put(after)})
		}
		for _, name := range s.Secrets {
			fields = append(fields, [3]int{d.put(quoted(name)), -1, d.put(secretWritten)})
		}
	}
	n = len(d.deeds)
	d.deeds = append(d.deeds, fields)
	d.deed[string(d.id)] = n
	return n
}

// becomes is changeText in two parts; before is empty when after says it all.
func becomes(a plan.Action, c plan.Change) (before, after string) {
	if c.Before.IsAbsent() && a == plan.Create {
		return "", valueText(c.After)
	}
	if c.Before.Type() == specs.ListType && c.After.Type() == specs.ListType {
		if b, a := c.Before.Items(), c.After.Items(); len(b)+len(a) > longItems {
			return "", listChange(Style{Verbose: true}, b, a)
		}
	}
	return valueText(c.Before), valueText(c.After)
}

// row writes the columns that plans and reports have in common, and then others.
func (d *pageData) row(ref specs.Ref, a plan.Action, s *plan.Step, source string, others ...int) {
	if d.rows++; d.rows > 1 {
		d.out.WriteString(",\n") //nolint:errcheck // sticks
	}
	why, takes := -1, -1
	if s != nil {
		why, takes = d.put(cleanLines(s.Why)), d.put(takesText(s.TakesWithIt))
	}
	fmt.Fprintf(d.out, "[%d,%d,%d,", d.put(quoted(ref.Panel)), d.put(quoted(ref.Kind)), danger(a))
	d.out.Write(asJSON(cleanKey(ref.Key))) //nolint:errcheck // sticks
	for _, n := range append([]int{d.does(s), d.put(clean(source)), why, takes}, others...) {
		d.out.WriteString("," + strconv.Itoa(n)) //nolint:errcheck // sticks
	}
	d.out.WriteString("]") //nolint:errcheck // sticks
}

// end writes the tables that the rows refer to.
func (d *pageData) end() {
	d.out.WriteString("],\n\"d\":") //nolint:errcheck // sticks
	d.out.Write(asJSON(d.deeds))    //nolint:errcheck // sticks
	d.out.WriteString(",\n\"t\":")  //nolint:errcheck // sticks
	d.out.Write(asJSON(d.texts))    //nolint:errcheck // sticks
	d.out.WriteString("}")          //nolint:errcheck // sticks
}

// asJSON is texts and numbers as JSON in which < > & are escaped, so that no
// text can end the element it stands in.
func asJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("texts and numbers always have a JSON form: " + err.Error())
	}
	return b
}

func writePlanData(out *bufio.Writer, p *plan.Plan) {
	d := newPageData(out)
	out.WriteString(`{"s":[`) //nolint:errcheck // sticks
	for _, i := range sortedIndex(len(p.Steps), func(a, b int) int {
		return danger(p.Steps[a].Action) - danger(p.Steps[b].Action)
	}) {
		s := &p.Steps[i]
		d.row(specs.Ref{Panel: s.Panel, Kind: s.Kind, Key: s.Key}, s.Action, s, s.Source)
	}
	d.end()
}

func writeReportData(out *bufio.Writer, p *plan.Plan, r *executor.Report) {
	d := newPageData(out)
	out.WriteString(`{"s":[`) //nolint:errcheck // sticks
	for _, i := range reportIndex(r) {
		o := &r.Outcomes[i]
		d.row(o.Ref, o.Action, stepOf(p, i, o.Step), sourceOf(p, i, o.Step), fate(o.Outcome), d.put(answerText(o)), o.Attempts)
	}
	d.end()
}

// reportIndex is the order of a report's steps on a page: what has to be looked
// after first.
func reportIndex(r *executor.Report) []int {
	return sortedIndex(len(r.Outcomes), func(a, b int) int {
		x, y := &r.Outcomes[a], &r.Outcomes[b]
		return cmp.Or(fate(x.Outcome)-fate(y.Outcome), danger(x.Action)-danger(y.Action))
	})
}

// fate is the index of an outcome in reportOrder; one it does not know counts
// as unknown.
func fate(w executor.What) int {
	if n := slices.Index(reportOrder, w); n >= 0 {
		return n
	}
	return slices.Index(reportOrder, executor.Unknown)
}

func answerText(o *executor.Outcome) string {
	if o.Error == nil {
		return ""
	}
	text := cleanLines(o.Error.Message)
	if o.Outcome == executor.Failed || o.Outcome == executor.Unknown {
		text += "  [" + clean(strings.TrimSpace(o.Error.Type+" "+o.Error.Object)) + "]"
	}
	return text
}

// sortedIndex are the numbers below n in a stable order.
func sortedIndex(n int, order func(a, b int) int) []int {
	at := make([]int, n)
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, order)
	return at
}
