package apiclient

import (
	"fmt"
	"slices"

	"github.com/ispsync/ispsync/specs"
)

// The premise of this file: a list of 100,000 rows is read in a fraction of a
// second and costs a few hundred bytes per resource. So there is no map per
// row. The catalog row is turned into a small table once; a cell is copied to
// a buffer that is used again for each row; a value that was seen before is
// not made again (most columns have few values: owner, mode, on and off); and
// the fields of many resources are cut from one allocation.

// rowReader turns the elem nodes of one kind's list into resources.
type rowReader struct {
	kind  *specs.Kind
	panel string
	bare  bool // the document is in v4's style, where <php/> means on

	slots   map[string]int // column name → slot
	keys    []int          // slots of Kind.Key.Columns
	elid    int            // slot of Kind.Key.Elid, -1 when there is none
	sources []*source
	fields  []column
	meters  []column

	cells  []cell
	row    int // number of the row being read, from 1, over all pages
	text   []byte
	order  []expected     // the columns seen so far, in the order rows have them
	places map[string]int // where in order a column is
	cursor int            // where in order the next column of the row is expected

	chunks   [][]specs.Resource // all full but the last
	count    int                // of resources in chunks
	mark     int                // how many of them earlier answers brought
	arena    []specs.Field
	su       string
	pageSize int         // p_cnt of the last page, for the next
	parent   specs.Value // value of Parent.Field for the rows to come
	plid     string      // the parent that the list call named

	problem error // the first row that cannot be believed
}

// maxColumns is how many columns of a list are remembered; panels send a few dozen.
const maxColumns = 256

// cell is where the text of one column of the current row stands.
type cell struct{ from, to, row int }

// expected is a column and its slot, -1 for one nobody wants.
type expected struct {
	name string
	slot int
}

// column is a field or meter and the source of its value.
type column struct {
	name   string
	source *source
	row    *specs.FieldRow // nil for a meter and for the parent's field
}

func newRowReader(panel string, k *specs.Kind) *rowReader {
	r := &rowReader{kind: k, panel: panel, slots: map[string]int{}, places: map[string]int{}, elid: -1}
	for _, c := range k.Key.Columns {
		r.keys = append(r.keys, r.slot(c))
	}
	if k.Key.Elid != "" {
		r.elid = r.slot(k.Key.Elid)
	}
	for _, c := range k.LiveColumns() {
		r.slot(c)
	}
	for _, f := range k.Fields {
		switch {
		case k.Parent != nil && f.Name == k.Parent.Field:
			r.fields = append(r.fields, column{name: f.Name})
		case f.Read == specs.FromList:
			r.fields = append(r.fields, column{f.Name, r.source(f.Columns, f.Canon, false), f})
		}
	}
	for _, m := range slices.Sorted(slices.Values(k.Meters)) {
		r.meters = append(r.meters, column{name: m, source: r.source([]string{m}, specs.Canon{}, true)})
	}
	r.cells = make([]cell, len(r.slots))
	return r
}

func (r *rowReader) slot(name string) int {
	i, ok := r.slots[name]
	if !ok {
		i = len(r.slots)
		r.slots[name] = i
	}
	return i
}

func (r *rowReader) source(columns []string, c specs.Canon, meter bool) *source {
	var slots []int
	for _, name := range columns {
		slots = append(slots, r.slot(name))
	}
	for _, s := range r.sources {
		if s.meter == meter && s.canon.Name() == c.Name() && slices.Equal(s.slots, slots) {
			return s
		}
	}
	s := &source{slots: slots, canon: c, meter: meter, known: map[string]specs.Value{}}
	r.sources = append(r.sources, s)
	return s
}

// restart forgets the rows of an answer that turned out to be no good.
func (r *rowReader) restart() {
	full, rest := r.mark/chunkSize, r.mark%chunkSize
	if rest > 0 {
		r.chunks[full] = r.chunks[full][:rest]
		full++
	}
	clear(r.chunks[full:])
	r.chunks, r.count, r.problem = r.chunks[:full], r.mark, nil
	for _, s := range r.sources {
		s.seen = s.kept
	}
}

// keep makes the rows read so far the listing's.
func (r *rowReader) keep() {
	r.mark = r.count
	for _, s := range r.sources {
		s.kept = s.seen
	}
}

// read takes in one elem node.
func (r *rowReader) read(s *scanner) error {
	r.row++
	r.text, r.cursor = r.text[:0], 0
	for {
		ev, err := s.next()
		if err != nil {
			return err
		}
		switch ev {
		case leafElement:
			if slot := r.find(s.name); slot >= 0 {
				r.put(slot, s.text)
			}
		case startElement:
			if err := r.cellElement(s); err != nil {
				return err
			}
		case endElement:
			r.end()
			return nil
		}
	}
}

// cellElement reads a cell with attributes, or an empty one. A localised cell
// says in orig what it stands for (panel-api.md section 4).
func (r *rowReader) cellElement(s *scanner) error {
	slot := r.find(s.name)
	if slot < 0 {
		return skip(s)
	}
	orig := s.attr("orig")
	if orig != nil {
		r.put(slot, orig)
		return skip(s)
	}
	from := r.open(slot)
	text, _, err := gather(s, r.text)
	r.text = text
	r.cells[slot] = cell{from, len(text), r.row}
	return err
}

// find gives the slot of a column, -1 for one nobody wants. Rows have their
// columns in the same order, so the next one is nearly always the expected one.
func (r *rowReader) find(name []byte) int {
	for i := r.cursor; i < len(r.order) && i < r.cursor+3; i++ {
		if r.order[i].name == string(name) {
			r.cursor = i + 1
			return r.order[i].slot
		}
	}
	if i, ok := r.places[string(name)]; ok {
		r.cursor = i + 1
		return r.order[i].slot
	}
	slot, ok := r.slots[string(name)]
	if !ok {
		slot = -1
	}
	if len(r.order) < maxColumns {
		r.places[string(name)] = len(r.order)
		r.order = append(r.order, expected{string(name), slot})
		r.cursor = len(r.order)
	}
	return slot
}

// open begins the text of a cell. A column that a row has twice is one list.
func (r *rowReader) open(slot int) int {
	c := r.cells[slot]
	if c.row != r.row {
		return len(r.text)
	}
	from := len(r.text)
	r.text = append(r.text, r.text[c.from:c.to]...)
	r.text = append(r.text, ' ')
	return from
}

func (r *rowReader) put(slot int, text []byte) {
	from := r.open(slot)
	r.text = append(r.text, text...)
	r.cells[slot] = cell{from, len(r.text), r.row}
}

// empty takes in a row without any column.
func (r *rowReader) empty() {
	r.row++
	r.end()
}

// first gives the text of the first of some columns that this row has.
func (r *rowReader) first(slots []int) (text []byte, ok bool) {
	for _, s := range slots {
		if c := r.cells[s]; c.row == r.row {
			return r.text[c.from:c.to], true
		}
	}
	return nil, false
}

// end makes a resource of the row.
func (r *rowReader) end() {
	key, elid, ok := r.identity()
	if !ok {
		return
	}
	res := specs.Resource{Su: r.su, Parent: r.plid}
	res.Ref, res.Unusable = r.ref(key)
	if r.elid >= 0 {
		c := r.cells[r.elid]
		if c.row != r.row || c.from == c.to {
			r.fail("the row of %s has no %s, by which the panel knows it", res.Ref, r.kind.Key.Elid)
			return
		}
		elid = toText(r.text[c.from:c.to])
	}
	if why := unusable(elid); res.Unusable == "" && why != "" {
		res.Unusable = "its identifier " + why
	}
	if elid != res.Ref.Key {
		res.Elid = elid
	}
	for _, s := range r.sources {
		r.evaluate(s)
	}
	res.Fields = r.cut(r.fields)
	res.Meters = r.cut(r.meters)
	r.add(res)
}

// chunkSize is how many resources are allocated at a time: growing one slice
// would copy a large listing several times over.
const chunkSize = 512

func (r *rowReader) add(res specs.Resource) {
	at := r.count / chunkSize
	if at == len(r.chunks) {
		size := chunkSize
		if at == 0 {
			size = 8 // most listings are small
		}
		r.chunks = append(r.chunks, make([]specs.Resource, 0, size))
	}
	r.chunks[at] = append(r.chunks[at], res)
	r.count++
}

// at gives a resource by its number from 0.
func (r *rowReader) at(i int) *specs.Resource { return &r.chunks[i/chunkSize][i%chunkSize] }

func (r *rowReader) fail(format string, args ...any) {
	if r.problem == nil {
		r.problem = fmt.Errorf(format, args...)
	}
}

// arenaSize is how many fields are allocated at a time.
const arenaSize = 4096

// cut takes room for columns from the arena and fills in the row's values; a
// value the row does not have stays absent until finish.
func (r *rowReader) cut(cols []column) specs.Fields {
	if len(cols) == 0 {
		return nil
	}
	if len(r.arena) < len(cols) {
		r.arena = make([]specs.Field, max(len(cols), min(arenaSize, (16+r.count)*len(cols))))
	}
	out := r.arena[:len(cols):len(cols)]
	r.arena = r.arena[len(cols):]
	for i, c := range cols {
		v := r.parent
		if c.source != nil {
			v = c.source.value
		}
		out[i] = specs.Field{Name: c.name, Value: v}
	}
	return out
}

// absorb takes over the rows that another reader of the same kind read: as if
// this one had read them.
func (r *rowReader) absorb(other *rowReader) {
	r.chunks = append(r.chunks, other.chunks...)
	r.count += other.count
	for i, s := range r.sources {
		s.seen += other.sources[i].seen
	}
	other.chunks = nil
}

// has reports whether any row of the listing carried a field.
func (r *rowReader) has(f *specs.FieldRow) bool {
	for _, c := range r.fields {
		if c.row == f {
			return c.source.seen > 0
		}
	}
	return false
}

// finish settles what only the whole listing tells. A column that some rows
// carry is unset in the others; one that no row carries is not told.
func (r *rowReader) finish() []specs.Resource {
	rows := r.count
	all := slices.Concat(r.chunks...)
	whole := func(cols []column) bool {
		return !slices.ContainsFunc(cols, func(c column) bool { return c.source != nil && c.source.seen < rows })
	}
	fields, meters := whole(r.fields), whole(r.meters)
	for i := range all {
		res := &all[i]
		if !fields {
			res.Fields = settle(res.Fields, r.fields)
		}
		if !meters {
			res.Meters = settle(res.Meters, r.meters)
		}
	}
	r.chunks = nil
	return all
}

func settle(fs specs.Fields, cols []column) specs.Fields {
	out := fs[:0]
	for i, c := range cols {
		f := fs[i]
		if f.Value.IsAbsent() {
			if c.source == nil || c.source.meter || c.source.seen == 0 {
				continue
			}
			f.Value = c.source.canon.Type().Zero()
		}
		out = append(out, f)
	}
	clear(fs[len(out):])
	return out
}
