package apiclient

import (
	"context"
	"errors"
	"fmt"

	"github.com/ispsync/ispsync/specs"
)

// ErrNoLogin is why no password can be tried through mgrctl: it asks for none.
var ErrNoLogin = errors.New("mgrctl asks for no password")

// TryLogin tells whether the panel takes a password for an account: it logs in
// as that account (func=auth), once and never again, and uses the session it
// got for nothing. False means that the panel refused that very pair (panel-api.md section
// 2: badpassword; v4's authfail). Whatever else happens is an error, and says
// nothing about the password: another error of type auth may be a second
// factor, or an address that is blocked. The client's own session is not touched.
func (c *Client) TryLogin(ctx context.Context, account string, password specs.Secret) (bool, error) {
	if c.local {
		return false, fmt.Errorf("panel %s: %w", c.panel.Name, ErrNoLogin)
	}
	_, err := c.authenticate(ctx, &call{
		fn: funcAuth, login: true, once: true, about: "as " + account + ", to try its password",
		params:  params{{"username", account}},
		secrets: []secretParam{{names: []string{"password"}, secret: password}},
	})
	var e *Error
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &e) && e.Type == "auth" && (e.Object == "badpassword" || e.Object == "authfail"):
		return false, nil
	}
	return false, err
}
