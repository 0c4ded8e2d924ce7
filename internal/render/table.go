package render

import (
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Table writes rows of plain texts under a header, for answers of a panel that
// are no plan: what describe and functions tell. Cells may come from anywhere:
// they are cleaned here. widths bound columns, counted from 1. The error is of w.
func Table(w io.Writer, header []string, rows [][]string, widths map[int]int, s Style) error {
	t := newTable(s, header...)
	for _, row := range rows {
		cells := make(table.Row, len(row))
		for i, cell := range row {
			cells[i] = Clean(cell)
		}
		t.AppendRow(cells)
	}
	fit(t, s, widths)
	out := newPrinter(w, s)
	out.line(t.Render())
	return out.flush("the table")
}
