package apiclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/specs"
)

// Filling says what Fill reads of a kind that a snapshot listed.
type Filling struct {
	Kind *specs.Kind
	// Field chooses the fields that are wanted; nil is all. A form is read only
	// when one of them is in no list.
	Field func(*specs.FieldRow) bool
	// Keep chooses the resources whose forms are read; nil is all.
	Keep func(*specs.Resource) bool
	// Each, when not nil, gets every resource once there is no more to read of
	// it. It may replace the resource's fields, so that what nobody needs does not
	// stay in memory. It is called from several goroutines at a time.
	Each func(*specs.Resource)
}

// giveUpForms is how many forms of a kind, and none that could be read, make
// it plain that the panel tells none of them.
const giveUpForms = 10

// Fill reads the forms of a kind's resources for the wanted fields that the
// list did not carry, within Limits.Reads, and adds them in place. A resource
// that is gone meanwhile is taken out of the state; one whose form cannot be
// read becomes Unusable with the reason; when no form at all can be read, the
// kind is recorded as failed. The error is for a panel that cannot be used any more.
func (c *Client) Fill(ctx context.Context, state *specs.State, f Filling) error {
	rs := state.Resources(f.Kind.Name)
	each := f.Each
	if each == nil {
		each = func(*specs.Resource) {}
	}
	if !f.needsForms(rs) {
		for i := range rs {
			each(&rs[i])
		}
		return nil
	}
	var t formTally
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.gate.reads)
	for i := range rs {
		res := &rs[i]
		if res.Unusable != "" || f.Keep != nil && !f.Keep(res) {
			each(res)
			continue
		}
		if gctx.Err() != nil || t.hopeless() {
			break
		}
		g.Go(func() error {
			err := c.form(gctx, f.Kind, res)
			var e *Error
			if errors.As(err, &e) && e.panelWide() {
				return err
			}
			if gctx.Err() != nil {
				return gctx.Err()
			}
			if t.count(res, err) {
				each(res)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.settle(state, f.Kind.Name, rs)
	return nil
}

// needsForms reports whether a wanted field is in no list. A column is in all
// rows of a list or in none.
func (f *Filling) needsForms(rs []specs.Resource) bool {
	if f.Kind.Edit == "" || len(rs) == 0 {
		return false
	}
	return slices.ContainsFunc(f.Kind.Fields, func(row *specs.FieldRow) bool {
		if row.Secret || row.Read == specs.Never || f.Field != nil && !f.Field(row) {
			return false
		}
		_, listed := rs[0].Fields.Get(row.Name)
		return row.Read == specs.FromForm || !listed
	})
}

// formUnread begins the reason of a resource that Fill made Unusable.
const formUnread = "its form could not be read"

// FormUnread reports whether a resource is Unusable only because its form could
// not be read.
func FormUnread(r *specs.Resource) bool { return strings.HasPrefix(r.Unusable, formUnread) }

// formTally counts how the forms of a kind could be read.
type formTally struct {
	mu     sync.Mutex
	read   int
	failed int
	first  error // the first failure
	gone   map[*specs.Resource]bool
}

// count is false when the resource is gone.
func (t *formTally) count(res *specs.Resource, err error) (there bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var e *Error
	switch {
	case err == nil:
		t.read++
	case errors.As(err, &e) && e.Gone():
		if t.gone == nil {
			t.gone = map[*specs.Resource]bool{}
		}
		t.gone[res] = true
		return false
	default:
		t.failed++
		if t.first == nil {
			t.first = err
		}
		res.Unusable = fmt.Sprintf("%s: %v", formUnread, err)
	}
	return true
}

func (t *formTally) hopeless() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read == 0 && t.failed >= giveUpForms
}

// settle puts down in the state what became of the kind as a whole.
func (t *formTally) settle(state *specs.State, kind string, rs []specs.Resource) {
	switch {
	case t.read == 0 && t.failed >= giveUpForms:
		state.Fail(kind, fmt.Errorf("not one of %d forms could be read: %w", t.failed, t.first))
	case len(t.gone) > 0:
		left := make([]specs.Resource, 0, len(rs)-len(t.gone))
		for i := range rs {
			if !t.gone[&rs[i]] {
				left = append(left, rs[i])
			}
		}
		state.Set(kind, left) //nolint:errcheck // fewer than before, so no doubles
	}
}

// NewForm reads what a new resource of a kind has where nobody says: the form of
// X.edit without elid (panel-api.md section 5). su and parent say for which
// account and in which parent, for a kind that has them. Nil when the panel does
// not tell; the error is for a panel that cannot be used any more.
func (c *Client) NewForm(ctx context.Context, k *specs.Kind, su, parent string) (specs.Fields, error) {
	if k.Edit == "" {
		return nil, nil
	}
	f := &call{fn: k.Edit, form: true, su: su}
	if k.Parent != nil {
		f.params.set("plid", parent)
	}
	d := document{form: map[string]string{}}
	c.formsRead.Add(1)
	if err := c.do(ctx, f, &d); err != nil {
		var e *Error
		if errors.As(err, &e) && e.panelWide() || ctx.Err() != nil {
			return nil, err
		}
		return nil, nil
	}
	return merge(k, nil, &d), nil
}
