package apiclient

import (
	"context"
	"sync"

	"github.com/ispsync/ispsync/specs"
)

// The premise of this file: panels lock accounts out that fail to log in too
// often (panel-api.md section 2), so wrong credentials are tried once. For a
// session that means one login, however many calls wait for it. With authinfo
// each call is a login, so the first one goes alone, and the others only when
// it was not refused.

// session is the state of the account's login.
type session struct {
	// gate is held by whoever is finding out whether the account is accepted.
	gate chan struct{}

	mu      sync.Mutex
	id      string
	number  int    // counts logins, to tell which session a call failed with
	proven  bool   // authinfo: a call was accepted
	refused *Error // the account is not accepted: no further attempt
}

func newSession() session { return session{gate: make(chan struct{}, 1)} }

// credential is what proves the account in one call.
type credential struct {
	session  string
	number   int
	authinfo bool
	done     func(*Error) // must be called with the outcome of the call
}

func noNews(*Error) {}

// credential gets what a call needs to prove the account, logging in first
// when there is no session.
func (c *Client) credential(ctx context.Context, k *call) (credential, error) {
	if k.login || c.local {
		return credential{session: k.session, done: noNews}, nil
	}
	authinfo := c.panel.Auth.Method == specs.AuthAuthinfo
	if cred, ok, err := c.session.get(authinfo); ok || err != nil {
		return cred, err
	}
	select {
	case c.session.gate <- struct{}{}:
	case <-ctx.Done():
		return credential{}, c.notSent(k, "it waited for the login: %w", ctx.Err())
	}
	if cred, ok, err := c.session.get(authinfo); ok || err != nil {
		<-c.session.gate
		return cred, err
	}
	if authinfo {
		return credential{authinfo: true, done: c.session.firstDone}, nil
	}
	defer func() { <-c.session.gate }()
	if err := c.login(ctx); err != nil {
		return credential{}, err
	}
	cred, _, err := c.session.get(false)
	return cred, err
}

// inSession reports whether calls are made in a session.
func (c *Client) inSession() bool { return !c.local && c.panel.Auth.Method != specs.AuthAuthinfo }

// ready logs in when there is no session. With authinfo and mgrctl there is
// nothing to do before the first call.
func (c *Client) ready(ctx context.Context) error {
	if !c.inSession() {
		return nil
	}
	k, a := &call{fn: funcAuth}, attempt{}
	for {
		_, err := c.credential(ctx, k)
		if err == nil || !c.outlastLogin(ctx, k, err, &a) {
			return err
		}
	}
}

// get gives the credential that is there, if there is one.
func (s *session) get(authinfo bool) (cred credential, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil {
		return credential{}, false, s.refused
	}
	if authinfo {
		return credential{authinfo: true, done: s.note}, s.proven, nil
	}
	return credential{session: s.id, number: s.number, done: noNews}, s.id != "", nil
}

// newest makes a credential with a session that of the latest login, and
// reports false when that has ended and nobody has logged in anew.
func (s *session) newest(cred *credential) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cred.session == "" {
		return true
	}
	if s.id != "" {
		cred.session, cred.number = s.id, s.number
	}
	return s.id != ""
}

// note remembers a refusal of the account.
func (s *session) note(e *Error) {
	if e != nil && e.Refused() {
		s.mu.Lock()
		s.refused = e
		s.mu.Unlock()
	}
}

// firstDone ends the call that goes alone. An answer of the panel, even an
// error about the call itself, proves the account.
func (s *session) firstDone(e *Error) {
	s.note(e)
	if e == nil || !e.ours() && !e.Refused() {
		s.mu.Lock()
		s.proven = true
		s.mu.Unlock()
	}
	<-s.gate
}

// drop forgets a session that ended. When another call has logged in anew
// meanwhile, there is nothing to forget.
func (s *session) drop(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number == number {
		s.id = ""
	}
}

// forget makes the next call log in, whatever there is.
func (s *session) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = ""
}
