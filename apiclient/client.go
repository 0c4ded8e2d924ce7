package apiclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ispsync/ispsync/specs"
)

// Options are what a Client needs besides the panel.
type Options struct {
	// Catalog holds the rows of the kinds; a Writer finds a resource's row in it.
	Catalog *specs.Catalog
	// Secret fetches the value of a secret. It is called while a call is
	// encoded, and the value is not kept.
	Secret func(context.Context, specs.Secret) (string, error)
	// Trace gets a line for each call: function, elid, time, size, outcome. It
	// holds no secrets. It may be called from several goroutines; nil is none.
	Trace func(line string)
	// MaxBody is the most bytes an answer may have; default 128 MiB,
	// three times what 100,000 web domains take.
	MaxBody int64
	// RestartWait is how long a panel may take to come back after
	// func=restart, or after it stopped answering in the middle of a run;
	// default 2 minutes.
	RestartWait time.Duration
	// Notice is told in a line when a panel stops answering and is waited for,
	// and when it is back. It may be called from several goroutines; nil is none.
	Notice func(line string)
	// Dial makes connections; nil dials the network.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Defaults of specs.Limits, specs.Panel.Timeout and Options.
const (
	defaultReads       = 4
	defaultWrites      = 1
	defaultTimeout     = time.Minute
	defaultMaxBody     = 128 << 20
	defaultRestartWait = 2 * time.Minute
	dialTimeout        = 10 * time.Second
)

// Client reads one panel. It has no method that writes, and what it sends is
// checked before it leaves: see readable. It is safe for concurrent use.
type Client struct {
	panel       specs.Panel
	lang        string
	timeout     time.Duration
	maxBody     int64
	restartWait time.Duration
	catalog     *specs.Catalog
	fetch       func(context.Context, specs.Secret) (string, error)
	trace       func(string)

	local bool // through mgrctl: there is no login
	door  door

	gate      *gate
	stop      context.Context // see WaitUntil; nil for no end
	tell      func(string)
	session   session
	requests  atomic.Int64
	formsRead atomic.Int64
}

// New makes a client of one panel: over HTTP, or through mgrctl when its
// address is local: or ssh://. It checks the address, account and TLS settings
// and reads the CA file, but does not touch the network.
func New(p specs.Panel, o Options) (*Client, error) {
	c := &Client{
		panel: p, lang: p.Lang, catalog: o.Catalog, fetch: o.Secret, trace: o.Trace, local: p.OverMgrctl(),
		timeout:     orDefault(p.Timeout, defaultTimeout),
		maxBody:     orDefault(o.MaxBody, defaultMaxBody),
		restartWait: orDefault(o.RestartWait, defaultRestartWait),
		gate:        newGate(orDefault(p.Limits.Reads, defaultReads), orDefault(p.Limits.Writes, defaultWrites), p.Limits.Rate),
		tell:        o.Notice,
		session:     newSession(),
	}
	if c.lang == "" {
		c.lang = "en"
	}
	var err error
	if c.local {
		c.door, err = newMgrctlDoor(c)
	} else if err = checkAuth(p.Auth); err == nil {
		c.door, err = newHTTPDoor(c, o.Dial)
	}
	if err != nil {
		return nil, fmt.Errorf("panel %s: %w", p.Name, err)
	}
	return c, nil
}

// checkAuth holds what a spec says of the account against contract section 3.
func checkAuth(a specs.Auth) error {
	switch a.Method {
	case "", specs.AuthSession, specs.AuthAuthinfo:
	case specs.AuthKey:
		if a.As == "" {
			return errors.New("auth.as: it is missing; with the method key it names the account that calls are made as")
		}
	default:
		return fmt.Errorf("auth.method: %q is not known; use session, authinfo or key", a.Method)
	}
	return nil
}

func orDefault[T int | int64 | time.Duration](v, standard T) T {
	if v <= 0 {
		return standard
	}
	return v
}

// checkURL holds a panel's address against contract section 3.
func checkURL(p specs.Panel) (*url.URL, error) {
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, errors.New("it is no URL; write it as https://host:1500/ispmgr") // err quotes it, password and all
	}
	switch {
	case u.User != nil:
		return nil, errors.New("it holds a name or a password; write them under auth")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("this client speaks https and http, not %q; write it as https://host:1500/ispmgr", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("it names no host; write it as https://host:1500/ispmgr")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, errors.New("it has parameters; they go with each call, so leave off everything from ? or # on")
	case u.Scheme == "http" && !loopback(u.Hostname()) && !p.TLS.Plaintext:
		return nil, errors.New("http sends the password readable for everybody on the way; use https, or say tls: {plaintext: true}")
	}
	return u, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Requests counts the calls sent so far, logins and repeated calls included.
func (c *Client) Requests() int { return int(c.requests.Load()) }

// FormsRead counts the forms among them that were read because a list does not
// carry a declared field.
func (c *Client) FormsRead() int { return int(c.formsRead.Load()) }

// WaitUntil ends with a context the patience with a panel that stopped
// answering: calls go on, but none waits for a restart any more. It is said
// before the calls it is meant for.
func (c *Client) WaitUntil(stop context.Context) { c.stop = stop }

// Rest closes the connections, as long as nothing is to be asked and no call is
// in flight; the session goes on, and the next call connects anew. Who keeps a
// thousand clients would otherwise keep their connections.
func (c *Client) Rest() error { return c.door.close() }

// Close forgets the session and closes the idle connections. Calls in flight
// are not touched. No call is sent: a session that is left alone ends by itself
// within the hour (guide), and a client that only reads sends no call that does
// something, not even session.delete.
func (c *Client) Close() error {
	c.session.forget()
	return c.door.close()
}

// secret fetches the value of a secret for a call that is being encoded.
func (c *Client) secret(ctx context.Context, s specs.Secret) (string, error) {
	if s.IsZero() {
		return "", errors.New("the spec names none")
	}
	if c.fetch == nil {
		return "", fmt.Errorf("%v cannot be fetched here", s)
	}
	return c.fetch(ctx, s)
}

// do sends a call until it succeeds or the retry policy gives up.
func (c *Client) do(ctx context.Context, k *call, d *document) error {
	if !k.write {
		if err := readable(k); err != nil {
			return c.notSent(k, "%w", err)
		}
	}
	pauses := newPauses()
	a := attempt{write: k.write, once: k.once}
	for {
		cred, err := c.credential(ctx, k)
		if err != nil {
			if c.outlastLogin(ctx, k, err, &a) {
				continue
			}
			return err
		}
		failure := c.exchange(ctx, k, &cred, d)
		if failure == stale {
			continue // and log in anew
		}
		if failure != nil {
			failure.account = cred.session == "" && !c.local
		}
		cred.done(failure)
		if failure == nil {
			return nil
		}
		if ctx.Err() != nil || k.raw != nil && k.raw.begun {
			return failure
		}
		a.tries++
		a.session = cred.session != "" && !k.login
		next := decide(failure, a)
		switch next.what {
		case giveUp:
			if !c.outlast(ctx, k, failure, &a) {
				return failure
			}
		case renew:
			a.renewed = true
			a.tries--
			c.session.drop(cred.number)
		case again:
			if err := pauses.wait(ctx, next); err != nil {
				return failure
			}
		}
	}
}
