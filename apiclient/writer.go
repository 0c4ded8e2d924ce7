package apiclient

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ispsync/ispsync/specs"
)

// Writer changes one panel, and reads it with the client it was made of. Only
// cmd/ispsync/apply.go makes one; it is what the executor runs a lane on.
//
// Create, Update and Delete make the call, or the two calls, of one step. Their
// errors are *Error. They are sent again only when the panel provably did not
// take them: no connection, an ended session (once), status 429. Whether the
// panel asks for a restart (<ok>restart</ok>: guide, "If the web-server needs
// to be rebooted") is told also when the second call of a step failed.
type Writer struct {
	c       *Client
	journal Journal
}

// NewWriter makes a writer of a client. Both share the session, the limits and
// the count of requests.
func NewWriter(c *Client) *Writer { return &Writer{c: c} }

// Journaled is the writer with a journal that is told of every writing call.
func (w *Writer) Journaled(j Journal) *Writer { return &Writer{w.c, j} }

// Read is Client.Snapshot, of the rows of the panel's own catalog: the executor
// knows kinds by name and not in which dialect a panel speaks of them.
func (w *Writer) Read(ctx context.Context, wants []specs.Want) (*specs.State, error) {
	own := slices.Clone(wants)
	for i := range own {
		if k := w.c.catalog.Kind(own[i].Kind.Name); k != nil {
			own[i].Kind = k
		}
	}
	return w.c.Snapshot(ctx, own)
}

// Requests counts the calls sent so far, reads and logins included, and the one
// that will end the session.
func (w *Writer) Requests() int { return w.c.Requests() }

// Create makes a resource: the kind's edit function, or that of its row's
// create_func, without elid and with sok=ok (panel-api.md section 5).
// r.Ref.Key, all r.Fields and all r.Secrets are sent; a toggle that is false is
// a second call, suspend. Where the call only begins the work (Kind.Async),
// Create waits for its end.
func (w *Writer) Create(ctx context.Context, r specs.Resource) (restart bool, err error) {
	k, err := w.kind(r)
	if err != nil {
		return false, err
	}
	e := &call{fn: k.Edit, write: true, su: r.Su, about: r.Ref.Key}
	if e.fn, err = k.FuncToCreate(&r); err != nil {
		return false, w.c.notSent(e, "%w", err)
	}
	if e.fn == "" {
		return false, w.c.notSent(e, "the kind %s has no function that makes one", k.Name)
	}
	toggle, err := w.fill(e, k, &r)
	if err != nil {
		return false, err
	}
	made, err := k.CreateParams(&r)
	if err != nil {
		return false, w.c.notSent(e, "%w", err)
	}
	for _, p := range made {
		e.params.set(p[0], p[1])
	}
	e.params.set("sok", "ok")
	d := document{}
	if err := w.do(ctx, e, &r, &d); err != nil {
		return false, err
	}
	if k.Async != nil {
		if err := w.finish(ctx, k, &r); err != nil {
			return d.restart, err
		}
	}
	if toggle.IsAbsent() || toggle == specs.Bool(true) { // what is new is on
		return d.restart, nil
	}
	if k.Key.Elid != "" && d.id != "" {
		r.Elid = d.id
	}
	again, err := w.toggle(ctx, k, &r, toggle, "it was created")
	return d.restart || again, err
}

// Update changes a resource: the kind's edit function with elid, with what is
// in r.Fields and r.Secrets and nothing else, because a parameter that is not
// sent keeps its value (panel-api.md section 5). A toggle is switched with
// suspend or resume; when nothing else changes, edit is not called.
func (w *Writer) Update(ctx context.Context, r specs.Resource) (restart bool, err error) {
	k, err := w.kind(r)
	if err != nil {
		return false, err
	}
	e := &call{fn: k.Edit, write: true, elid: true, su: r.Su, about: elidOf(&r)}
	if err := w.elid(e, &r); err != nil {
		return false, err
	}
	identity := len(e.params)
	if k.Parent != nil {
		identity++
	}
	toggle, err := w.fill(e, k, &r)
	if err != nil {
		return false, err
	}
	done := ""
	if len(e.params) > identity || len(e.secrets) > 0 {
		if k.Edit == "" {
			return false, w.c.notSent(e, "the kind %s has no function that changes one", k.Name)
		}
		e.params.set("sok", "ok")
		d := document{}
		if err := w.do(ctx, e, &r, &d); err != nil {
			return false, err
		}
		restart, done = d.restart, "its other fields were changed"
	}
	if toggle.IsAbsent() {
		return restart, nil
	}
	again, err := w.toggle(ctx, k, &r, toggle, done)
	return restart || again, err
}

// Delete takes a resource away: the kind's delete function with one elid and
// sok=ok (panel-api.md section 7).
func (w *Writer) Delete(ctx context.Context, r specs.Resource) (restart bool, err error) {
	k, err := w.kind(r)
	if err != nil {
		return false, err
	}
	e, err := w.group(k, k.Delete, "deletes", &r)
	if err != nil {
		return false, err
	}
	for _, name := range slices.Sorted(maps.Keys(k.DeleteParams)) {
		e.params.set(name, k.DeleteParams[name])
	}
	d := document{}
	err = w.do(ctx, e, &r, &d)
	return d.restart, err
}

// toggle suspends or resumes a resource. done is what of the step is already done.
func (w *Writer) toggle(ctx context.Context, k *specs.Kind, r *specs.Resource, on specs.Value, done string) (restart bool, err error) {
	fn, does := k.Suspend, "suspends"
	if on == specs.Bool(true) {
		fn, does = k.Resume, "resumes"
	}
	d := document{}
	e, err := w.group(k, fn, does, r)
	if err == nil {
		err = w.do(ctx, e, r, &d)
	}
	var failure *Error
	if done != "" && errors.As(err, &failure) {
		second := *failure // the login's error is shared
		second.Done = done
		return d.restart, &second
	}
	return d.restart, err
}

// group is a call of a function that takes elid: delete, suspend, resume. It
// is sent for one resource at a time, so that each has its own outcome.
func (w *Writer) group(k *specs.Kind, fn, does string, r *specs.Resource) (*call, error) {
	e := &call{fn: fn, write: true, elid: true, su: r.Su, about: elidOf(r)}
	if fn == "" {
		return nil, w.c.notSent(e, "the kind %s has no function that %s one", k.Name, does)
	}
	if err := w.elid(e, r); err != nil {
		return nil, err
	}
	if err := w.parent(e, k, r); err != nil {
		return nil, err
	}
	e.params.set("sok", "ok")
	return e, nil
}

// elid names the resource of a call. The panel takes ", " for the end of one
// name and the beginning of another (panel-api.md section 7), so an identifier
// that holds it would hit other resources: it never leaves.
func (w *Writer) elid(e *call, r *specs.Resource) error {
	id := elidOf(r)
	if why := unusable(id); why != "" {
		return w.c.notSent(e, "its identifier %s", why)
	}
	e.params.set("elid", id)
	return nil
}

// parent adds plid, which names the parent (panel-api.md section 5).
func (w *Writer) parent(e *call, k *specs.Kind, r *specs.Resource) error {
	if k.Parent == nil {
		return nil
	}
	if r.Parent == "" {
		return w.c.notSent(e, "%s: nobody said in which %s it lives; its field %s is missing", r.Ref, k.Parent.Kind, k.Parent.Field)
	}
	if why := unusable(r.Parent); why != "" {
		return w.c.notSent(e, "%s: the name of its %s %s", r.Ref, k.Parent.Kind, why)
	}
	e.params.set("plid", r.Parent)
	return nil
}

// fill adds a resource's fields and secrets to an edit call. It returns the
// value of the field that is switched with a call of its own, absent if there is none.
func (w *Writer) fill(e *call, k *specs.Kind, r *specs.Resource) (toggle specs.Value, err error) {
	if err := w.parent(e, k, r); err != nil {
		return toggle, err
	}
	for _, f := range r.Fields {
		row := k.Field(f.Name)
		switch {
		case row == nil || row.Secret:
			return toggle, w.c.notSent(e, "%s: the kind %s has no field %s that can be written so", r.Ref, k.Name, f.Name)
		case row.KeyPart: // sent by what the row's create makes of it
		case k.Parent != nil && f.Name == k.Parent.Field: // sent as plid
		case row.Toggle:
			toggle = f.Value
		default:
			e.params.set(row.Param, row.ToPanel(f.Value))
		}
	}
	for _, s := range r.Secrets {
		row := k.Field(s.Name)
		if row == nil || !row.Secret {
			return toggle, w.c.notSent(e, "%s: the kind %s has no secret %s", r.Ref, k.Name, s.Name)
		}
		names := []string{row.Param}
		if row.Confirm != "" {
			names = append(names, row.Confirm)
		}
		e.secrets = append(e.secrets, secretParam{names: names, secret: s.Secret})
	}
	return toggle, nil
}

// kind finds the row of a resource.
func (w *Writer) kind(r specs.Resource) (*specs.Kind, error) {
	if w.c.catalog != nil {
		if k := w.c.catalog.Kind(r.Ref.Kind); k != nil {
			return k, nil
		}
	}
	return nil, w.c.notSent(&call{about: r.Ref.Key}, "%s", fmt.Sprintf("%s: the catalog has no kind %s", r.Ref, r.Ref.Kind))
}
