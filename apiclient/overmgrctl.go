package apiclient

import (
	"context"
	"errors"
	"fmt"

	"github.com/ispsync/ispsync/internal/mgrctl"
)

// mgrctlDoor speaks to a panel through its program mgrctl, on this machine or
// over ssh (guide, "Local calls to control panel"). There is no login: calls
// have the rights of the unix user that mgrctl runs as.
type mgrctlDoor struct {
	c      *Client
	runner *mgrctl.Runner
}

func newMgrctlDoor(c *Client) (*mgrctlDoor, error) {
	r, err := mgrctl.New(c.panel.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return &mgrctlDoor{c, r}, nil
}

// idle keeps the ssh connection: it is the server's, not the panel's.
func (m *mgrctlDoor) idle() {}

func (m *mgrctlDoor) close() error { return m.runner.Close() }

func (m *mgrctlDoor) send(ctx context.Context, k *call, r *request) (*answer, *Error) {
	reply, err := m.runner.Run(ctx, mgrctl.Call{Func: r.fn, Params: r.plain, Secrets: r.secret, Format: r.format, Su: r.su, Lang: r.lang})
	if err != nil {
		return nil, m.notMade(ctx, k, err, r.hidden)
	}
	return &answer{body: reply, end: func(failure *Error) *Error {
		return m.ended(ctx, k, reply.Close(), failure, r.hidden)
	}}, nil
}

// notMade is the error of a call that did not reach mgrctl.
func (m *mgrctlDoor) notMade(ctx context.Context, k *call, err error, hidden secrets) *Error {
	var conn *mgrctl.ConnError
	if !errors.As(err, &conn) {
		return m.c.notSent(k, "%s", hidden.line(err.Error(), 500))
	}
	e := m.c.lost(ctx, k, conn.Sent, err)
	e.final = e.final || errors.Is(err, mgrctl.ErrNotInstalled)
	return e
}

// ended puts together what the output says, which is failure, and what the
// end of mgrctl says. The panel's own error is better told by its document
// than by the line `ERROR type(object): message`, and by that line better
// than by an exit status (panel-api.md section 9).
func (m *mgrctlDoor) ended(ctx context.Context, k *call, end error, failure *Error, hidden secrets) *Error {
	var (
		conn *mgrctl.ConnError
		said *mgrctl.Failure
	)
	switch {
	case end == nil, failure != nil && !failure.ours():
		return failure
	case errors.As(end, &said) && said.Type != "":
		return m.c.lineError(k, said, hidden)
	case errors.As(end, &conn) && (failure == nil || failure.Type != typeLost):
		return m.c.lost(ctx, k, conn.Sent, end)
	case failure == nil:
		return m.c.documentError(k, "%s", hidden.line(end.Error(), 500))
	case said != nil && failure.Type == typeDocument:
		return m.c.documentError(k, "%s", hidden.line(end.Error(), 500))
	}
	return failure
}

// lineError is the panel's error in mgrctl's text form.
func (c *Client) lineError(k *call, f *mgrctl.Failure, hidden secrets) *Error {
	e := c.newError(k)
	e.Type, e.Object, e.Msg = cleanLine(f.Type), hidden.line(f.Object, 200), hidden.line(f.Message, 500)
	return e
}

// Functions asks a panel reached by mgrctl what it can do or, with the name of
// a function, what that function takes: name, type and description of each
// (guide, "Use the mgrctl -i utility"). Panels tell it to mgrctl only.
func (c *Client) Functions(ctx context.Context, fn, lang string) ([]Function, error) {
	k := &call{fn: fn}
	m, ok := c.door.(*mgrctlDoor)
	if !ok {
		return nil, c.notSent(k, "the list of functions is told by mgrctl alone, not over HTTP; give the panel the url local: or ssh://user@host, or ask for one function with describe")
	}
	if lang == "" {
		lang = c.lang
	}
	c.requests.Add(1)
	listed, err := m.runner.Functions(ctx, fn, lang)
	var said *mgrctl.Failure
	switch {
	case errors.As(err, &said) && said.Type != "":
		return nil, c.lineError(k, said, nil)
	case err != nil:
		return nil, m.notMade(ctx, k, err, nil)
	}
	out := make([]Function, 0, len(listed))
	for _, f := range listed {
		out = append(out, Function(f))
	}
	return out, nil
}

// Function is a function of a panel, or a parameter of one, as `mgrctl -i`
// describes it.
type Function struct {
	Name        string
	Type        string // list, form, group operation, …; empty when it says nothing
	Description string
}
