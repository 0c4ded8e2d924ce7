package render

// The compact form answers "what kind of thing would happen" on one screen.
// Steps that do the same to many resources fold into one line, in two passes:
// the first counts the steps by what they do, the second writes a step's line,
// or its fold's where the first step of it stands. Every step is in exactly one
// line, and a line says how many it stands for:
//
//	web1 + webdomain/a.example.com  owner=alice          one
//	~ php_mode a → b on 312 webdomain of 14 panels       312
//	- 23 webdomain of 2 panels: web1/old.example.com, …  23

import (
	"io"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

const (
	// foldFrom is the number of equal steps from which they share a line.
	foldFrom = 4
	// compactDeletes is how many keys of deleted resources a line lists.
	compactDeletes = 20
	// compactValue is how many columns of a value a line shows.
	compactValue = 60
)

// fold is a set of steps that do the same to resources of one kind.
type fold struct {
	count   int
	panels  int
	last    string         // the panel of the last step counted: steps come panel by panel
	keys    []string       // of deletes, the first compactDeletes
	takes   map[string]int // of deletes, by kind
	kinds   []string       // of takes, in the order met
	written bool
}

// PlanCompact writes a plan on few lines: one per step, and one for all steps
// that do the same to many resources. Keys of deletes are always listed, up to
// 20 of a kind. What follows the steps is as in PlanText. The error is of w.
func PlanCompact(w io.Writer, p *plan.Plan, s Style) error {
	out := newPrinter(w, s)
	folds, of := foldSteps(p.Steps)
	for i := range p.Steps {
		f := &folds[of[i]]
		switch {
		case f.count < foldFrom:
			out.compactStep(&p.Steps[i])
		case !f.written:
			out.compactFold(&p.Steps[i], f)
			f.written = true
		}
	}
	out.planEnding(p)
	return out.flush("the plan")
}

// foldSteps counts the steps by what they do; of[i] is the fold of step i.
func foldSteps(steps []plan.Step) (folds []fold, of []int32) {
	index := map[string]int32{}
	of = make([]int32, len(steps))
	var id []byte
	for i := range steps {
		s := &steps[i]
		id = appendDeed(id[:0], s)
		n, ok := index[string(id)]
		if !ok {
			n = int32(len(folds))
			index[string(id)] = n
			folds = append(folds, fold{})
		}
		of[i] = n
		folds[n].add(s)
	}
	return folds, of
}

// appendDeed appends what tells apart what steps do: for deletes the kind, for
// others the fields and values too. No part can hold the separators, since
// values hold no control character but the line feed between list items.
func appendDeed(b []byte, s *plan.Step) []byte {
	b = append(b, s.Action...)
	b = append(b, 0)
	b = append(b, s.Kind...)
	if s.Action == plan.Delete {
		return b
	}
	for _, c := range s.Changes {
		b = append(b, 0)
		b = append(b, c.Field...)
		b = appendValue(b, c.Before)
		b = appendValue(b, c.After)
	}
	for _, name := range s.Secrets {
		b = append(b, 2)
		b = append(b, name...)
	}
	return b
}

func appendValue(b []byte, v specs.Value) []byte {
	b = append(b, 1, byte(v.Type()))
	if v.Type() != specs.ListType {
		return append(b, v.String()...)
	}
	for _, it := range v.Items() {
		b = append(b, it...)
		b = append(b, '\n')
	}
	return b
}

func (f *fold) add(s *plan.Step) {
	f.count++
	if f.panels == 0 || f.last != s.Panel {
		f.panels++
		f.last = s.Panel
	}
	if s.Action != plan.Delete {
		return
	}
	if len(f.keys) < compactDeletes {
		f.keys = append(f.keys, clean(s.Panel)+"/"+cleanKey(s.Key))
	}
	for _, c := range s.TakesWithIt {
		if f.takes == nil {
			f.takes = map[string]int{}
		}
		if _, met := f.takes[c.Kind]; !met {
			f.kinds = append(f.kinds, c.Kind)
		}
		f.takes[c.Kind] += c.Count
	}
}

// compactStep writes one step on one line.
func (p *printer) compactStep(s *plan.Step) {
	p.put(quoted(s.Panel), " ", look(s.Action).on(p.Style, s.Action.Symbol()), " ")
	if s.Action == plan.Delete {
		p.put(red.on(p.Style, clean(s.Kind)+"/"+cleanKey(s.Key)))
	} else {
		p.put(clean(s.Kind), "/", cleanKey(s.Key))
	}
	gap := "  "
	for _, c := range s.Changes {
		p.put(gap, clean(c.Field), "=", briefChange(s.Action, c, "→"))
		gap = " "
	}
	for _, name := range s.Secrets {
		p.put(gap, clean(name), "=", dim.on(p.Style, secretWritten))
		gap = " "
	}
	if len(s.TakesWithIt) > 0 {
		p.put("  takes with it: ", red.on(p.Style, takesText(s.TakesWithIt)))
	}
	p.line()
}

// compactFold writes all steps of a fold on one line; s is the first of them.
func (p *printer) compactFold(s *plan.Step, f *fold) {
	p.put(look(s.Action).on(p.Style, s.Action.Symbol()), " ")
	where := " of " + counted(f.panels, "panel")
	if f.panels == 1 {
		where = " of " + quoted(s.Panel)
	}
	what := strconv.Itoa(f.count) + " " + clean(s.Kind) + where
	if s.Action == plan.Delete {
		p.put(what, ": ", red.on(p.Style, strings.Join(f.keys, ", ")))
		if more := f.count - len(f.keys); more > 0 {
			p.put(" and ", strconv.Itoa(more), " more (--output text lists them)")
		}
		p.foldTakes(f)
		p.line()
		return
	}
	p.put(deedText(s), " on ", what)
	p.line()
}

func (p *printer) foldTakes(f *fold) {
	if len(f.kinds) == 0 {
		return
	}
	counts := make([]plan.Count, len(f.kinds))
	for i, kind := range f.kinds {
		counts[i] = plan.Count{Kind: kind, Count: f.takes[kind]}
	}
	p.put("; takes with it: ", red.on(p.Style, takesText(counts)))
}

// deedText is what a step does, without to what: "php_mode a → b, comment x".
func deedText(s *plan.Step) string {
	parts := make([]string, 0, len(s.Changes)+len(s.Secrets))
	for _, c := range s.Changes {
		parts = append(parts, clean(c.Field)+" "+briefChange(s.Action, c, " → "))
	}
	for _, name := range s.Secrets {
		parts = append(parts, clean(name)+" "+secretWritten)
	}
	if len(parts) == 0 {
		return "no fields"
	}
	return strings.Join(parts, ", ")
}

// briefChange is what becomes of a field, cut to fit a line; of a list that
// changes only the differences.
func briefChange(a plan.Action, c plan.Change, arrow string) string {
	after := short(briefValue(c.After))
	if c.Before.IsAbsent() && a == plan.Create {
		return after
	}
	if c.Before.Type() == specs.ListType && c.After.Type() == specs.ListType {
		return short(listChange(Style{}, c.Before.Items(), c.After.Items()))
	}
	return short(briefValue(c.Before)) + arrow + after
}

// briefValue is a value that shares its line with others, so a text with
// spaces is in quotes.
func briefValue(v specs.Value) string {
	t := valueText(v)
	if v.Type() == specs.TextType && strings.Contains(t, " ") && t[0] != '"' {
		return `"` + t + `"`
	}
	return t
}

// short cuts a clean text that would fill a line on its own.
func short(s string) string {
	if columns(s) <= compactValue {
		return s
	}
	cut, wide := 0, 0
	for i, r := range s {
		if wide += columns(string(r)); wide > compactValue-1 {
			break
		}
		cut = i + len(string(r))
	}
	return s[:cut] + "…"
}
