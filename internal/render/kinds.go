package render

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ispsync/ispsync/specs"
)

// KindsTable writes the catalog as one table: a line per kind with what it is,
// the panel's functions, the key and how sure the row is. The error is of w.
func KindsTable(w io.Writer, kinds []*specs.Kind, s Style) error {
	t := newTable(s, "KIND", "WHAT IT IS", "FUNCTIONS", "KEY", "SURE")
	for _, k := range kinds {
		t.AppendRow(table.Row{bold.on(s, clean(k.Name)), clean(k.Doc), functionsText(k), keyText(k), clean(k.Sure)})
	}
	fit(t, s, map[int]int{2: 40, 3: 40, 4: 30})
	out := newPrinter(w, s)
	out.line(t.Render())
	return out.flush("the kinds")
}

// KindDetail writes one page about a kind: what it is, how it is keyed and
// what comes and goes with it, then a table of its fields with type, where they
// are read from, what is special about them, an example and what they mean.
// The error is of w.
func KindDetail(w io.Writer, k *specs.Kind, s Style) error {
	out := newPrinter(w, s)
	out.line(bold.on(s, clean(k.Name)), "  ", clean(k.Doc))
	out.line()
	out.about("functions", functionsText(k))
	key := keyText(k)
	if k.Key.Doc != "" {
		key += "  " + clean(k.Key.Doc)
	}
	out.about("key", key)
	if !k.Key.Unique {
		out.about("", "the panel accepts a second one of the same key")
	}
	if k.Owner != "" {
		out.about("belongs to", "the account in the field "+clean(k.Owner))
	}
	if k.Parent != nil {
		out.about("lives in", "the "+clean(k.Parent.Kind)+" in the field "+clean(k.Parent.Field))
	}
	if k.Su != "" {
		out.about("runs as", "the account in "+clean(k.Su))
	}
	out.about("may bring", cleanList(k.Brings))
	out.about("takes along", cleanList(k.TakesWithIt))
	out.about("meters", cleanList(k.Meters))
	out.about("sure", clean(k.Sure))
	if len(k.Fields) > 0 {
		out.line()
		out.line(fieldsTable(k, s))
	}
	return out.flush("the kind")
}

// about writes one property, nothing when it has none.
func (p *printer) about(name, what string) {
	if what != "" {
		p.line("  ", name, pad(len("takes along")-len(name)), "  ", what)
	}
}

func fieldsTable(k *specs.Kind, s Style) string {
	t := newTable(s, "FIELD", "TYPE", "READ FROM", "SPECIAL", "EXAMPLE", "WHAT IT IS")
	for _, f := range k.Fields {
		doc := clean(f.Doc)
		if len(f.Values) > 0 {
			doc += " One of " + cleanList(f.Values) + "."
		}
		if !f.Default.IsAbsent() {
			doc += " Default " + valueText(f.Default) + "."
		}
		if f.Derived != "" {
			doc += " Default " + f.Derived + "."
		}
		t.AppendRow(table.Row{bold.on(s, clean(f.Name)), clean(f.Canon.Name()), readText(f), specialText(f), clean(f.Example), strings.TrimSpace(doc)})
	}
	fit(t, s, map[int]int{4: 24, 5: 28, 6: 48})
	return t.Render()
}

// functionsText lists the panel's functions of a kind; when all are named
// after the first, in short: "webdomain .edit .delete".
func functionsText(k *specs.Kind) string {
	full, brief := []string{clean(k.List)}, []string{clean(k.List)}
	for _, f := range []string{k.Edit, k.Delete, k.Suspend, k.Resume} {
		if f == "" {
			continue
		}
		full = append(full, clean(f))
		if suffix, ok := strings.CutPrefix(f, k.List+"."); ok {
			brief = append(brief, "."+clean(suffix))
		}
	}
	if len(brief) == len(full) {
		return strings.Join(brief, " ")
	}
	return strings.Join(full, " ")
}

func keyText(k *specs.Kind) string {
	if k.Key.Example == "" {
		return clean(k.Key.Param)
	}
	return clean(k.Key.Param) + ", e.g. " + clean(k.Key.Example)
}

// readText says where a field is read from: the list and its columns, the form
// and its node, or nowhere.
func readText(f *specs.FieldRow) string {
	switch f.Read {
	case specs.Never:
		return "nowhere"
	case specs.FromList:
		if len(f.Columns) > 0 && (len(f.Columns) > 1 || f.Columns[0] != f.Name) {
			return "list: " + cleanList(f.Columns)
		}
		return "list"
	default:
		if f.Form != "" && f.Form != f.Name {
			return "form: " + clean(f.Form)
		}
		return "form"
	}
}

func specialText(f *specs.FieldRow) string {
	var parts []string
	if f.Required {
		parts = append(parts, "required")
	}
	if f.CreateOnly {
		parts = append(parts, "create only")
	}
	if f.Secret {
		parts = append(parts, "secret")
	}
	if f.Toggle {
		parts = append(parts, "suspend/resume")
	}
	if f.Refers != "" {
		parts = append(parts, "names a "+clean(f.Refers))
	}
	return strings.Join(parts, ", ")
}

func cleanList(items []string) string {
	parts := make([]string, len(items))
	for i, it := range items {
		parts[i] = clean(it)
	}
	return strings.Join(parts, ", ")
}

// newTable is a table without lines. go-pretty's own colours are not used:
// they look at the environment, and here Style has decided.
func newTable(s Style, header ...string) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	row := make(table.Row, len(header))
	for i, h := range header {
		row[i] = bold.on(s, h)
	}
	t.AppendHeader(row)
	t.SuppressTrailingSpaces()
	return t
}

// fit wraps the columns named by number at a number of columns each.
func fit(t table.Writer, s Style, widths map[int]int) {
	if s.Width == 0 {
		return
	}
	configs := make([]table.ColumnConfig, 0, len(widths))
	for number, wide := range widths {
		configs = append(configs, table.ColumnConfig{Number: number, WidthMax: wide, WidthMaxEnforcer: text.WrapSoft})
	}
	t.SetColumnConfigs(configs)
}
