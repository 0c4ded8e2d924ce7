package apiclient

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/specs"
)

// Snapshot reads kinds: one list each (more when the panel pages, or when the
// kind's lists are per account or parent), and one form for each resource that
// a want declares fields of which the list does not carry (contract section 6,
// promises 2 and 3). Kinds are read side by side within Limits.Reads.
//
// A kind that could not be read, or whose listing cannot be believed, is
// recorded as failed in the state, with an *Error. Snapshot itself fails, with
// an *Error, only when the panel as a whole could not be used: it cannot be
// reached, the account is refused, or no kind at all got an answer from it.
func (c *Client) Snapshot(ctx context.Context, wants []specs.Want) (*specs.State, error) {
	state := specs.NewState(c.panel.Name)
	if len(wants) == 0 {
		return state, nil
	}
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	results := make([]*listing, len(wants))
	failures := make([]error, len(wants))
	g, gctx := errgroup.WithContext(ctx)
	for i, w := range wants {
		g.Go(func() error {
			results[i], failures[i] = c.read(gctx, w)
			var e *Error
			if errors.As(failures[i], &e) && e.panelWide() {
				return failures[i]
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("panel %s: reading was interrupted: %w", c.panel.Name, err)
	}
	if err := silent(failures); err != nil {
		return nil, err
	}
	for i, w := range wants {
		if failures[i] != nil {
			state.Fail(w.Kind.Name, failures[i])
			continue
		}
		if err := state.Set(w.Kind.Name, results[i].resources); err != nil {
			state.Fail(w.Kind.Name, err)
		}
	}
	return state, nil
}

// silent returns an error when no kind got an answer from the panel itself:
// then it is the panel that cannot be used, not its kinds.
func silent(failures []error) error {
	for _, err := range failures {
		var e *Error
		if !errors.As(err, &e) || e.Type != typeLost && e.Type != typeHTTP && e.Type != typeDocument && e.Type != typeDown {
			return nil
		}
	}
	return failures[0]
}

// read reads one kind: its list, then the forms that are needed. When a
// resource goes away between the two, both are read once more.
func (c *Client) read(ctx context.Context, w specs.Want) (*listing, error) {
	l, err := c.list(ctx, w)
	if err != nil {
		return nil, err
	}
	err = c.forms(ctx, w, l)
	var e *Error
	if !errors.As(err, &e) || !e.Gone() {
		return l, err
	}
	if l, err = c.list(ctx, w); err != nil {
		return nil, err
	}
	return l, c.forms(ctx, w, l)
}
