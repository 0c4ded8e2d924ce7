package simpanel

import (
	"slices"
	"strconv"
	"strings"
)

type filterKey struct{ account, kind string }

// SaveFilter makes the lists of one kind that an account reads show only
// rows whose columns contain these texts, and count only those in p_elems,
// until a call sends filter=off; an empty match removes the filter (section
// 0 fact 4, section 4 Saved filters). It panics for an unknown kind.
func (p *Panel) SaveFilter(account, kind string, match map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.table(kind)
	if len(match) == 0 {
		delete(p.filters, filterKey{account, kind})
		return
	}
	p.filters[filterKey{account, kind}] = match
}

// list answers a list document.
func (c *call) list() (answer, *failure) {
	k := c.fn.kind
	rows, f := c.visible(c.p.tables[k.name])
	if f != nil {
		return answer{}, f
	}
	if match := c.filter(k); match != nil {
		rows = slices.Clone(rows)
		rows = slices.DeleteFunc(rows, func(r *row) bool { return !c.p.matches(k, r, match) })
	}
	page := c.page(rows)
	page.spoil(c.fault)
	return answer{body: func(d *document) {
		page.write(d, c.p, k)
		if d.devel {
			writeListMetadata(d, k)
		}
	}}, nil
}

// visible is what the caller may see: the administrator all, a reseller what
// belongs to its accounts, a user the own; of what lives in another, that
// which lives in the one the call names; of jobs, the caller's.
func (c *call) visible(t *table) ([]*row, *failure) {
	k := t.kind
	if k.parent != nil && k.scoped {
		parent, f := c.parentRow("elid", c.form.Get("elid"))
		if f != nil {
			return nil, f
		}
		return t.pick(t.byParent[parent]), nil
	}
	if c.level >= levelAdmin && !k.perAccount {
		return t.inOrder(), nil
	}
	if c.level < levelReseller || k.perAccount {
		return t.pick(t.byOwner[c.account]), nil
	}
	var seen []*row
	for _, r := range t.inOrder() {
		if c.sees(k, r) {
			seen = append(seen, r)
		}
	}
	return seen, nil
}

// pick is the rows of some keys, in order.
func (t *table) pick(keys map[string]struct{}) []*row {
	rows := make([]*row, 0, len(keys))
	for key := range keys {
		rows = append(rows, t.rows[key])
	}
	slices.SortFunc(rows, func(a, b *row) int { return strings.Compare(a.key, b.key) })
	return rows
}

// sees tells whether a row is the caller's to see (guide, privileges of
// another user: a reseller has its own accounts).
func (c *call) sees(k *kind, r *row) bool {
	switch {
	case c.level >= levelAdmin, k.least > 0 && k != kindUser:
		return true
	case k == kindUser:
		return c.level >= levelReseller && r.set["owner"] == c.account
	case r.owner == c.account:
		return true
	}
	return c.level >= levelReseller && c.p.belongsTo(r.owner, c.account)
}

// belongsTo tells whether an account is a reseller's.
func (p *Panel) belongsTo(account, reseller string) bool {
	r, ok := p.tables[kindUser.name].rows[account]
	return ok && r.set["owner"] == reseller
}

// filter is what rows must match: with filter=on what the call says itself,
// without filter what the account has saved, else nothing (section 4).
func (c *call) filter(k *kind) map[string]string {
	switch c.form.Get("filter") {
	case "":
		return c.p.filters[filterKey{c.account, k.name}]
	case "on":
		match := make(map[string]string)
		for _, name := range k.filters {
			if v := c.form.Get(name); v != "" {
				match[name] = v
			}
		}
		return match
	default:
		return nil
	}
}

func (p *Panel) matches(k *kind, r *row, match map[string]string) bool {
	for name, want := range match {
		i := slices.IndexFunc(k.columns, func(c column) bool { return c.name == name })
		if i < 0 || !strings.Contains(k.columns[i].cell(p, k, r), want) {
			return false
		}
	}
	return true
}

// listPage is one list document to be: some of the rows that there are.
type listPage struct {
	all, rows []*row
	num, size int // p_num and p_cnt
	// What faults make of it.
	hideTotal, localised, failHalfway bool
}

// page cuts out what p_num and p_cnt ask for. The account's page size is an
// upper bound of p_cnt (inferred); without one everything is told, as every
// known client relies on (section 4, Paging). A page past the end is empty
// (inferred).
func (c *call) page(rows []*row) *listPage {
	pg := &listPage{all: rows, rows: rows, num: 1, size: c.p.opt.PageSize}
	if n, err := strconv.Atoi(c.form.Get("p_cnt")); err == nil && n > 0 && (pg.size == 0 || n < pg.size) {
		pg.size = n
	}
	if pg.size == 0 {
		pg.size = max(1000, len(rows))
		return pg
	}
	if n, err := strconv.Atoi(c.form.Get("p_num")); err == nil && n > 0 {
		pg.num = n
	}
	from := min((pg.num-1)*pg.size, len(rows))
	pg.rows = rows[from:min(from+pg.size, len(rows))]
	return pg
}

// write prints elem nodes, then what the list says of itself.
func (pg *listPage) write(d *document, p *Panel, k *kind) {
	for i, r := range pg.rows {
		if pg.failHalfway && i == len(pg.rows)/2 {
			break
		}
		pg.writeRow(d, p, k, r)
	}
	if pg.failHalfway {
		(&failure{typ: "value", object: "row"}).write(d)
	}
	if d.gen == V4 {
		return
	}
	d.text("p_cnt", strconv.Itoa(pg.size))
	if !pg.hideTotal {
		d.text("p_elems", strconv.Itoa(len(pg.all)))
	}
	d.text("p_num", strconv.Itoa(pg.num))
	d.text("p_order", "asc")
	d.raw("<p_possible_filters>")
	for _, name := range k.filters {
		d.raw(`<filter name="` + name + `"/>`)
	}
	d.raw("</p_possible_filters>")
	d.text("p_sort", k.keyColumn)
	for i := 0; i < len(pg.all); i += pg.size {
		d.text("page", p.shown(k, k.own(pg.all[i])))
	}
}

func (pg *listPage) writeRow(d *document, p *Panel, k *kind, r *row) {
	d.raw("<elem>")
	for i := range k.columns {
		c := &k.columns[i]
		v := c.cell(p, k, r)
		switch {
		case c.flag:
			if v != "" {
				d.raw(c.bare)
			}
		case c.orig != nil:
			writeLocalised(d, c, c.orig(p, k, r), v)
		case pg.localised && translated[c.name]:
			writeLocalised(d, c, v, "["+v+"]")
		case v == "":
			d.raw(c.bare)
		default:
			d.raw(c.open)
			d.escape(v)
			d.raw(c.shut)
		}
	}
	d.raw("</elem>")
}

// translated are the columns that fault OrigCells prints for people.
var translated = map[string]bool{
	"active": true, "secure": true, "php_mode": true, "analyzer": true, "dtype": true, "preset": true,
}

func writeLocalised(d *document, c *column, orig, text string) {
	d.raw("<" + c.name)
	d.attr("orig", orig)
	d.raw(">")
	d.escape(text)
	d.raw(c.shut)
}
