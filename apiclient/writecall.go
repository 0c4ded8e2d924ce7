package apiclient

import (
	"context"

	"github.com/ispsync/ispsync/specs"
)

// WriteCall is a writing call that is about to be sent, as a journal keeps it.
// It holds no values.
type WriteCall struct {
	// Ref is the resource it is about; of a restart only the panel is set.
	Ref  specs.Ref
	Func string
	// Params are the names of the parameters, secret ones included.
	Params []string
	// Elid, Su and Parent are how the panel is told about the resource.
	Elid, Su, Parent string
}

// Journal is told of each writing call before it is sent, and through answered
// of what came of it: whether the panel asked for a restart, and the error. When
// it gives an error, the call is not sent. A call that is repeated because the
// panel provably did not take it counts as one.
type Journal func(WriteCall) (answered func(restart bool, err error), err error)

// do sends a writing call about a resource, nil for a restart.
func (w *Writer) do(ctx context.Context, e *call, r *specs.Resource, d *document) error {
	if w.journal == nil {
		return w.c.do(ctx, e, d)
	}
	answered, err := w.journal(w.writeCall(e, r))
	if err != nil {
		return w.c.notSent(e, "%w", err)
	}
	err = w.c.do(ctx, e, d)
	answered(d.restart, err)
	return err
}

func (w *Writer) writeCall(e *call, r *specs.Resource) WriteCall {
	c := WriteCall{Ref: specs.Ref{Panel: w.c.panel.Name}, Func: e.fn}
	if r != nil {
		c.Ref, c.Elid, c.Su, c.Parent = r.Ref, r.Elid, r.Su, r.Parent
	}
	for _, p := range e.params {
		c.Params = append(c.Params, p.name)
	}
	for _, s := range e.secrets {
		c.Params = append(c.Params, s.names...)
	}
	return c
}
