package apiclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/specs"
)

// needsForm reports whether a live resource's form must be read: somebody
// asks for it, or a declared field is not in the list.
func needsForm(w specs.Want, l *listing, res *specs.Resource) bool {
	if res.Unusable != "" {
		return false
	}
	if w.Forms != nil && w.Forms(res.Ref.Key) {
		return true
	}
	if w.Declared == nil {
		return false
	}
	declared := w.Declared(res.Ref.Key)
	if declared == nil {
		return false
	}
	for i := range declared.Fields {
		row := w.Kind.Field(declared.Fields[i].Name)
		if row == nil || row.Secret {
			continue
		}
		if row.Read == specs.FromForm || row.Read == specs.FromList && !l.rows.has(row) {
			return true
		}
	}
	return false
}

// forms reads the forms a listing needs, several at a time, and adds their
// fields to the resources.
func (c *Client) forms(ctx context.Context, w specs.Want, l *listing) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.gate.reads)
	for i := range l.resources {
		res := &l.resources[i]
		if !needsForm(w, l, res) {
			continue
		}
		g.Go(func() error { return c.form(ctx, w.Kind, res) })
		if ctx.Err() != nil {
			break
		}
	}
	return g.Wait()
}

// Forms reads the forms of resources that a snapshot listed without, and adds
// their fields in place: a saved plan is bound to every field of what it
// changes. Resources that have fields of a form already, and refs that the
// state does not hold, are skipped. When a form cannot be read its kind is
// recorded as failed; the error is for a panel that cannot be used at all.
func (c *Client) Forms(ctx context.Context, state *specs.State, refs []specs.Ref) error {
	type wanted struct {
		kind *specs.Kind
		res  *specs.Resource
		err  error
	}
	var missing []*wanted // all found before the first is written to: Find reads the resources
	known := map[*specs.Resource]bool{nil: true}
	for _, ref := range refs {
		res, k := state.Find(ref.Kind, ref.Key), c.catalog.Kind(ref.Kind)
		if known[res] || k == nil || k.Edit == "" || res.Unusable != "" || hasForm(k, res) {
			continue
		}
		known[res] = true
		missing = append(missing, &wanted{kind: k, res: res})
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.gate.reads)
	for _, m := range missing {
		g.Go(func() error {
			m.err = c.form(gctx, m.kind, m.res)
			var e *Error
			if errors.As(m.err, &e) && e.panelWide() {
				return m.err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, m := range missing {
		if m.err != nil {
			state.Fail(m.kind.Name, m.err)
		}
	}
	return ctx.Err()
}

// hasForm reports whether a resource has a field that only a form tells, or
// whether its kind has none.
func hasForm(k *specs.Kind, res *specs.Resource) bool {
	any := false
	for _, row := range k.Fields {
		if row.Read != specs.FromForm {
			continue
		}
		any = true
		if _, ok := res.Fields.Get(row.Name); ok {
			return true
		}
	}
	return !any
}

// form reads X.edit with elid and without sok, which is the form with the
// current values (panel-api.md section 5), and adds them to the resource.
func (c *Client) form(ctx context.Context, k *specs.Kind, res *specs.Resource) error {
	elid := elidOf(res)
	f := &call{fn: k.Edit, form: true, su: res.Su, elid: true, about: elid}
	if k.Edit == "" {
		return c.notSent(f, "the fields of %s are in no list, and the kind has no edit function whose form could tell them", res.Ref)
	}
	f.params.set("elid", elid)
	if k.Parent != nil {
		f.params.set("plid", res.Parent)
	}
	d := document{form: map[string]string{}}
	c.formsRead.Add(1)
	if err := c.do(ctx, f, &d); err != nil {
		return fmt.Errorf("%s: its form: %w", res.Ref, err)
	}
	if told, ok := d.form["elid"]; ok && told != elid && (k.Key.Elid != "" || k.Key.Canon.FromPanel(told) != k.Key.Canon.FromPanel(elid)) {
		e := c.newError(f)
		e.Type, e.Msg = typeListing, fmt.Sprintf("the form of %s was asked for, and the panel sent that of %q", res.Ref, clip(cleanLine(told), 80))
		return e
	}
	res.Fields = merge(k, res.Fields, &d)
	return nil
}

func elidOf(res *specs.Resource) string {
	if res.Elid != "" {
		return res.Elid
	}
	return res.Ref.Key
}

// merge adds what a form tells to what the list told; where both tell a field
// the list is right, because digests of listings without forms must not differ.
func merge(k *specs.Kind, listed specs.Fields, d *document) specs.Fields {
	out := make(specs.Fields, 0, len(k.Fields))
	for _, row := range k.Fields {
		if v, ok := listed.Get(row.Name); ok {
			out = append(out, specs.Field{Name: row.Name, Value: v})
			continue
		}
		if row.Secret || row.Read == specs.Never {
			continue
		}
		if v, ok := formValue(row, d); ok {
			out = append(out, specs.Field{Name: row.Name, Value: v})
		}
	}
	return out
}

// formValue is a field's value in a form. v4 writes check boxes as bare nodes,
// which are there or not (panel-api.md section 4).
func formValue(row *specs.FieldRow, d *document) (specs.Value, bool) {
	text, ok := d.form[row.Form]
	isBool := row.Canon.Type() == specs.BoolType
	switch {
	case !ok && isBool && d.bare:
		return specs.Bool(false), true
	case !ok:
		return specs.Value{}, false
	case isBool && strings.TrimSpace(text) == "":
		return specs.Bool(d.bare), true
	}
	return row.Canon.FromPanel(text), true
}
