package render

// The compact form answers "what kind of thing would happen" on one screen,
// what is destroyed first. Steps that do the same to many resources fold into
// one line; Verbose lists under it what it stands for. Every step is in exactly
// one line, and a line says how many it stands for:
//
//	web1 + webdomain/a.example.com  owner=alice              one
//	~ php_mode a → b on 312 webdomains of 14 panels          312, all the same
//	+ aliases (9 values), owner alice on 9 webdomains of w1  9 with the same fields
//	- 23 webdomains of 2 panels: web1/old.example.com, …     23

import (
	"io"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

const (
	// compactDeletes is how many keys of deleted resources a line lists.
	compactDeletes = 20
	// compactValue is how many columns of a value a line shows.
	compactValue = 60
)

// PlanCompact writes a plan on few lines: one per step, and one for all steps
// that do the same to many resources. Keys of deletes are always listed, up to
// 20 of a kind. With Verbose, what a line stands for is listed below it. What
// follows the steps is as in PlanText. The error is of w.
func PlanCompact(w io.Writer, p *plan.Plan, s Style) error {
	out := newPrinter(w, s)
	folded := false
	for _, f := range foldPlan(p.Steps) {
		if len(f.steps) == 1 {
			out.compactStep(f.steps[0])
			continue
		}
		folded = true
		out.compactFold(&f)
		if s.Verbose {
			for _, step := range f.steps {
				out.compactMember(&f, step)
			}
		}
	}
	if folded && !s.Verbose {
		out.section()
		out.line(dim.on(s, "(-v lists the resources that a line stands for)"))
	}
	out.planEnding(p)
	return out.flush("the plan")
}

// compactStep writes one step on one line.
func (p *printer) compactStep(s *plan.Step) {
	p.hanging(6)
	p.put(quoted(s.Panel), " ", look(s.Action).on(p.Style, s.Action.Symbol()), " ")
	if s.Action == plan.Delete {
		p.put(red.on(p.Style, clean(s.Kind)+"/"+cleanKey(s.Key)))
	} else {
		p.put(clean(s.Kind), "/", cleanKey(s.Key))
	}
	p.compactFields(s)
	p.compactEnd(s)
}

// compactFields writes what becomes of each field, on the step's line.
func (p *printer) compactFields(s *plan.Step) {
	gap := "  "
	for _, c := range s.Changes {
		p.put(gap, clean(c.Field), "=", briefChange(s.Action, c, "→"))
		gap = " "
	}
	for _, name := range s.Secrets {
		p.put(gap, clean(name), "=", dim.on(p.Style, secretWritten))
		gap = " "
	}
}

// compactEnd ends a step's line: why it is destroyed, what goes with it, and where
// that is asked for.
func (p *printer) compactEnd(s *plan.Step) {
	if s.Action == plan.Delete && s.Why != "" {
		p.put("  ", dim.on(p.Style, "("+clean(s.Why)+")"))
	}
	if len(s.TakesWithIt) > 0 {
		p.put("  takes with it: ", red.on(p.Style, takesText(s.TakesWithIt)))
	}
	if s.Source != "" {
		p.put("  ", dim.on(p.Style, clean(s.Source)))
	}
	p.line()
}

// compactFold writes all steps of a fold on one line.
func (p *printer) compactFold(f *fold) {
	p.hanging(6)
	first := f.steps[0]
	p.put(look(first.Action).on(p.Style, first.Action.Symbol()), " ")
	where := " of " + quoted(first.Panel)
	if n := f.panels(); n > 1 {
		where = " of " + counted(n, "panel")
	}
	what := countedKind(len(f.steps), first.Kind) + where
	if first.Action != plan.Delete {
		p.line(f.deed(), " on ", what, dim.on(p.Style, f.sources()))
		return
	}
	p.put(what)
	if !p.Verbose {
		keys := make([]string, 0, compactDeletes)
		for _, s := range f.steps[:min(len(f.steps), compactDeletes)] {
			keys = append(keys, clean(s.Panel)+"/"+cleanKey(s.Key))
		}
		p.put(": ", red.on(p.Style, strings.Join(keys, ", ")))
		if more := len(f.steps) - len(keys); more > 0 {
			p.put(" and ", strconv.Itoa(more), " more")
		}
	}
	if takes := f.takes(); len(takes) > 0 {
		p.put("; takes with it: ", red.on(p.Style, takesText(takes)))
	}
	if why := f.why(); why != "" {
		p.put("  ", dim.on(p.Style, "("+why+")"))
	}
	p.line(dim.on(p.Style, f.sources()))
}

// compactMember writes one of the steps that a line stands for, below it; its
// fields only when they are not those of all the others.
func (p *printer) compactMember(f *fold, s *plan.Step) {
	p.hanging(8)
	name := quoted(s.Panel) + "/" + cleanKey(s.Key)
	if s.Action == plan.Delete {
		name = red.on(p.Style, name)
	}
	p.put("    ", name)
	if f.loose {
		p.compactFields(s)
	}
	p.compactEnd(s)
}

// countedKind is "1 webdomain", "312 webdomains".
func countedKind(n int, kind string) string {
	if strings.HasSuffix(kind, "s") { // db.users
		return strconv.Itoa(n) + " " + clean(kind)
	}
	return counted(n, clean(kind))
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
