package apiclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/specs"
)

// The premise of this file: on the word of a listing, resources are created
// and deleted, so a listing is believed only when it is provably whole (contract
// section 6, promise 3). Filters that the account has saved in the panel hide
// rows silently, and its table settings split lists into pages (panel-api.md
// section 4): hence filter=off, and pages are followed until there are as many
// rows as the panel announced. A list can change while its pages are read; so
// one that does not add up is read a second time from the start, and then
// given up. A panel that announces no total (v4) is taken at its word: a whole
// document without an error is all it can give.

// maxPages bounds the pages of one list. With a row or more on each page and
// their total announced there is an end anyway; this one is near.
const maxPages = 10_000

// doubtful says why a listing is not believed. Reading it again may help.
type doubtful struct{ why error }

func (d doubtful) Error() string { return d.why.Error() }
func (d doubtful) Unwrap() error { return d.why }

func doubt(format string, args ...any) error { return doubtful{fmt.Errorf(format, args...)} }

// listing is one kind as a panel lists it.
type listing struct {
	resources []specs.Resource
	rows      *rowReader
}

// scope is one list call: a kind may need several, one per account or parent.
type scope struct{ su, parent string }

// scopes are the list calls a want asks for.
func scopes(w specs.Want) []scope {
	accounts, parents := []string{""}, []string{""}
	if w.Kind.Su != "" {
		accounts = w.Su
	}
	if w.Kind.Parent != nil {
		parents = w.Parents
	}
	var out []scope
	for _, su := range accounts {
		for _, p := range parents {
			out = append(out, scope{su, p})
		}
	}
	return out
}

// list reads the whole list of a kind, if need be twice.
func (c *Client) list(ctx context.Context, w specs.Want) (*listing, error) {
	l, err := c.listOnce(ctx, w)
	if errors.As(err, new(doubtful)) {
		l, err = c.listOnce(ctx, w)
	}
	if why := (doubtful{}); errors.As(err, &why) {
		return nil, &Error{Panel: c.panel.Name, Func: w.Kind.List, Type: typeListing, cause: why.why,
			Msg: fmt.Sprintf("the list cannot be believed, twice: %v; nothing of this kind is created or deleted on its word", why.why)}
	}
	return l, err
}

// listOnce reads the lists of a kind, side by side where there are several.
func (c *Client) listOnce(ctx context.Context, w specs.Want) (*listing, error) {
	all := scopes(w)
	share := max(1, (len(all)+c.gate.reads-1)/c.gate.reads)
	var readers []*rowReader
	g, ctx := errgroup.WithContext(ctx)
	for some := range slices.Chunk(all, share) {
		r := newRowReader(c.panel.Name, w.Kind)
		readers = append(readers, r)
		g.Go(func() error { return c.listScopes(ctx, w.Kind, some, r) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if len(readers) == 0 {
		readers = append(readers, newRowReader(c.panel.Name, w.Kind))
	}
	r := readers[0]
	for _, other := range readers[1:] {
		r.absorb(other)
	}
	l := &listing{resources: r.finish(), rows: r}
	return l, c.oneKeyOnce(l)
}

// listScopes reads some of the lists of a kind, one after the other.
func (c *Client) listScopes(ctx context.Context, k *specs.Kind, some []scope, r *rowReader) error {
	for _, s := range some {
		err := c.listScope(ctx, k, s, r)
		var e *Error
		if errors.As(err, &e) && e.Gone() && s.parent != "" {
			r.restart() // a parent that is not there has no children
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// oneKeyOnce fails when two rows have one canonical key. The resources are
// sorted on the way. Where the panel knows them by another identifier, one name
// may well stand for several (two cron jobs described alike).
func (c *Client) oneKeyOnce(l *listing) error {
	twice := l.sorted()
	if twice != nil && (l.rows.elid >= 0 || l.rows.kind.Parent != nil) {
		if err := l.tellApart(); err != nil {
			return err
		}
		twice = l.sorted()
	}
	if twice != nil {
		return doubt("%s is there twice", twice)
	}
	return nil
}

// sorted sorts the resources by key and returns a key that is there twice, or nil.
func (l *listing) sorted() *specs.Ref {
	byKey := func(a, b specs.Resource) int {
		return cmp.Or(a.Ref.Compare(b.Ref), cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Elid, b.Elid))
	}
	if !slices.IsSortedFunc(l.resources, byKey) {
		slices.SortFunc(l.resources, byKey)
	}
	for i := 1; i < len(l.resources); i++ {
		if l.resources[i].Ref == l.resources[i-1].Ref {
			return &l.resources[i].Ref
		}
	}
	return nil
}

// tellApart makes the keys of resources of one name different: the first keeps
// the name, the others get their identifier added. Nobody can say which of
// them a spec means, so all of them are left alone. One identifier twice is
// another matter: then the list is not what the panel has.
func (l *listing) tellApart() error {
	const why = "its name is that of another one too, so nobody can say which of them is meant"
	first := 0
	name := l.resources[0].Ref
	for i := 1; i < len(l.resources); i++ {
		r := &l.resources[i]
		if r.Ref != name {
			first, name = i, r.Ref
			continue
		}
		last := &l.resources[i-1]
		if r.Elid == last.Elid && r.Parent == last.Parent {
			return doubt("%s is there twice", name)
		}
		l.resources[first].Unusable = cmp.Or(l.resources[first].Unusable, why)
		r.Unusable = cmp.Or(r.Unusable, why)
		r.Ref.Key += " #" + cleanLine(cmp.Or(r.Elid, r.Parent))
	}
	return nil
}

// listScope reads one list with all its pages.
func (c *Client) listScope(ctx context.Context, k *specs.Kind, s scope, r *rowReader) error {
	r.su = s.su
	r.plid = s.parent
	if k.Parent != nil {
		r.parent = k.Field(k.Parent.Field).Canon.FromPanel(s.parent)
	}
	begin := r.count
	firsts := map[string]bool{} // the first key of each page
	total := -1
	for page := 1; ; page++ {
		d := document{rows: r}
		before := r.count
		if err := c.do(ctx, listCall(k, s, page, r.pageSize), &d); err != nil {
			return err
		}
		if r.problem != nil {
			return doubtful{r.problem}
		}
		got := r.count - before
		r.keep()
		if err := d.checkPage(page, got, total); err != nil {
			return err
		}
		total, r.pageSize = d.elems, d.pageSize
		if have := r.count - begin; total < 0 || have >= total {
			return d.checkTotal(have)
		}
		if got == 0 {
			return doubt("the panel announced %d rows and sent %d", total, r.count-begin)
		}
		first := r.at(before).Ref.Key
		if firsts[first] {
			return doubt("the panel announced %d rows, and page %d begins as one before it", total, page)
		}
		firsts[first] = true
		if page == maxPages {
			return doubt("the panel announced %d rows, and %d pages did not bring them", total, maxPages)
		}
	}
}

// checkPage holds one page against what was asked for and announced before.
func (d *document) checkPage(page, got, total int) error {
	switch {
	case page > 1 && d.page >= 0 && d.page != page:
		return doubt("page %d was asked for and the panel sent page %d", page, d.page)
	case page > 1 && d.elems != total:
		return doubt("the panel announced %d rows and on page %d %s", total, page, toldTotal(d.elems))
	case got > 0 && d.elems < 0 && got == d.pageSize:
		return doubt("the panel sent a full page of %d rows and did not announce how many there are", got)
	}
	return nil
}

func toldTotal(n int) string {
	if n < 0 {
		return "none"
	}
	return strconv.Itoa(n)
}

// checkTotal holds the rows of a list against the announced total.
func (d *document) checkTotal(have int) error {
	if d.elems >= 0 && have != d.elems {
		return doubt("the panel announced %d rows and sent %d", d.elems, have)
	}
	return nil
}

// listCall is the call for one page of a list. filter=off switches off what
// the account has saved as filter (panel-api.md section 4).
func listCall(k *specs.Kind, s scope, page, pageSize int) *call {
	out := &call{fn: k.List, su: s.su, list: k.Parent == nil && s.su == ""}
	for _, name := range slices.Sorted(maps.Keys(k.ListParams)) {
		out.params.set(name, k.ListParams[name])
	}
	if k.Parent != nil {
		out.params.set(k.Parent.Param, s.parent)
		out.about, out.elid = s.parent, true
	}
	out.params.set("filter", "off")
	if page > 1 {
		out.params.set("p_num", strconv.Itoa(page))
		if pageSize > 0 {
			out.params.set("p_cnt", strconv.Itoa(pageSize))
		}
	}
	return out
}
