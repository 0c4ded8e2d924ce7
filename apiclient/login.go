package apiclient

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"

	"github.com/ispsync/ispsync/specs"
)

// login gets a session for the calls to come. The gate is held.
func (c *Client) login(ctx context.Context) error {
	var id string
	var err error
	if c.panel.Auth.Method == specs.AuthKey {
		id, err = c.loginByKey(ctx)
	} else {
		id, err = c.loginByPassword(ctx)
	}
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.wide, e.before = true, true
			c.session.note(e)
		}
		return err
	}
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	c.session.id = id
	c.session.number++
	return nil
}

// loginByPassword gets a session: func=auth with username and password, in
// the body (guide, "Session unique ID authentication").
func (c *Client) loginByPassword(ctx context.Context) (id string, err error) {
	return c.authenticate(ctx, &call{
		fn: funcAuth, login: true, about: "as " + c.panel.Auth.Username,
		params:  params{{"username", c.panel.Auth.Username}},
		secrets: []secretParam{{names: []string{"password"}, secret: c.panel.Auth.Password}},
	})
}

// authenticate makes a login call and gives the session it answers.
func (c *Client) authenticate(ctx context.Context, k *call) (id string, err error) {
	var d document
	if err := c.do(ctx, k, &d); err != nil {
		return "", err
	}
	if d.session == "" {
		return "", c.documentError(k, "the answer to the login holds no session")
	}
	return d.session, nil
}

// loginByKey gets a session of another account (guide, "Key authentication"):
// the administrator logs in and tells the panel a key for that account, and
// the key is good for one login. The administrator's session is used for nothing
// else, and ends by itself.
//
// A key whose fate is unknown is not tried again, because a used key and a
// wrong one look alike, and wrong ones may lock the account out: another is made.
func (c *Client) loginByKey(ctx context.Context) (id string, err error) {
	admin, err := c.loginByPassword(ctx)
	if err != nil {
		return "", err
	}
	pauses := newPauses()
	for try := 1; ; try++ {
		id, err = c.useNewKey(ctx, admin)
		var e *Error
		if err == nil || try == maxTries || !errors.As(err, &e) || !e.Retryable() {
			return id, err
		}
		if pauses.wait(ctx, decision{after: e.retryAfter}) != nil {
			return "", err
		}
	}
}

// useNewKey makes a key and logs in with it.
func (c *Client) useNewKey(ctx context.Context, admin string) (id string, err error) {
	as, key := c.panel.Auth.As, newKey()
	var d document
	err = c.do(ctx, &call{
		fn: funcNewKey, login: true, once: true, session: admin, about: "for " + as,
		params: params{{"username", as}}, secrets: []secretParam{{names: []string{"key"}, made: true, value: key}},
	}, &d)
	if err != nil {
		return "", err
	}
	return c.authenticate(ctx, &call{
		fn: funcAuth, login: true, once: true, about: "as " + as + ", by key",
		params: params{{"username", as}, {"checkcookie", "no"}}, secrets: []secretParam{{names: []string{"key"}, made: true, value: key}},
	})
}

// newKey makes a key nobody can guess: 32 characters, where the guide asks
// for 16 or more.
func newKey() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	return hex.EncodeToString(b[:])
}
