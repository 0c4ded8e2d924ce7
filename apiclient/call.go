package apiclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ispsync/ispsync/specs"
)

// The functions that are not named by a catalog row.
const (
	funcAuth    = "auth"    // guide, "Session unique ID authentication"
	funcWhoami  = "whoami"  // panel-api.md section 2
	funcRestart = "restart" // guide, "If the web-server needs to be rebooted"
)

// call is one call to be. Values of secrets are not in it: they are fetched
// while it is encoded.
type call struct {
	fn      string
	params  params
	secrets []secretParam
	su      string // the account to run as; the panel's own su when empty
	about   string // what messages say the call is about
	elid    bool   // names a resource that must exist
	list    bool   // asks for a whole list and names nothing
	write   bool
	form    bool // asks for a form
	login   bool // func=auth itself: carries no credential
	once    bool // the caller repeats, not the client
}

// param is one parameter of a call.
type param struct{ name, value string }

type params []param

// set adds a parameter, or gives one that is there a new value.
func (p *params) set(name, value string) {
	for i := range *p {
		if (*p)[i].name == name {
			(*p)[i].value = value
			return
		}
	}
	*p = append(*p, param{name, value})
}

func (p params) has(name string) bool {
	for i := range p {
		if p[i].name == name {
			return true
		}
	}
	return false
}

// secretParam is a secret and the parameters that take its value.
type secretParam struct {
	names  []string
	secret specs.Secret
}

// scanners are kept between calls for their buffers.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// maxPooled is the largest buffer that is kept.
const maxPooled = 1 << 20

// exchange sends a call once and reads its answer into d. It returns nil when
// the panel did what was asked.
func (c *Client) exchange(ctx context.Context, k *call, cred credential, d *document) *Error {
	release, err := c.enter(ctx, k)
	if err != nil {
		return c.notSent(k, "it did not get its turn: %w", err)
	}
	defer release()
	body, hidden, err := c.encode(ctx, k, cred)
	if err != nil {
		e := c.notSent(k, "%w", err)
		e.wide = errors.As(err, new(noPassword))
		return e
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errNoAnswer)
	defer cancel()
	began, size := time.Now(), int64(0)
	failure := c.send(ctx, k, body, hidden, d, &size)
	c.traceCall(k, time.Since(began), size, failure)
	return failure
}

// noPassword says that the account's own password cannot be fetched.
type noPassword struct {
	account string
	err     error
}

func (e noPassword) Error() string { return fmt.Sprintf("the password of %s: %v", e.account, e.err) }
func (e noPassword) Unwrap() error { return e.err }

// errNoAnswer is the cause of a call that the panel's timeout ended.
var errNoAnswer = errors.New("no answer in time")

// encode writes the form a call is: func, out, lang, su, the credential and
// the parameters (guide). It also returns every secret value in it, for hiding
// them in texts that come back.
func (c *Client) encode(ctx context.Context, k *call, cred credential) ([]byte, secrets, error) {
	var hidden secrets
	b := make([]byte, 0, 512)
	add := func(name, value string) {
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(b, url.QueryEscape(name)...)
		b = append(b, '=')
		b = append(b, url.QueryEscape(value)...)
	}
	add("func", k.fn)
	add("out", "xml")
	add("lang", c.lang)
	if su := k.su; su != "" {
		add("su", su)
	} else if c.panel.Su != "" && !k.login {
		add("su", c.panel.Su)
	}
	switch {
	case cred.session != "":
		add("auth", cred.session)
		hidden = append(hidden, cred.session)
	case cred.authinfo:
		password, err := c.secret(ctx, c.panel.Auth.Password)
		if err != nil {
			return nil, nil, noPassword{c.panel.Auth.Username, err}
		}
		add("authinfo", c.panel.Auth.Username+":"+password)
		hidden = append(hidden, password)
	}
	for _, p := range k.params {
		add(p.name, p.value)
	}
	for _, s := range k.secrets {
		value, err := c.secret(ctx, s.secret)
		if err != nil && k.login {
			return nil, nil, noPassword{c.panel.Auth.Username, err}
		}
		if err != nil {
			return nil, nil, fmt.Errorf("the value of %s: %w", s.names[0], err)
		}
		for _, name := range s.names {
			add(name, value)
		}
		hidden = append(hidden, value)
	}
	return b, hidden, nil
}

// send does the HTTP part of exchange.
func (c *Client) send(ctx context.Context, k *call, body []byte, hidden secrets, d *document, size *int64) *Error {
	// What matters for a write is whether it may have left. The transport asks
	// for a connection anew when it sends again by itself, which it does only
	// when nothing was taken.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return c.notSent(k, "%w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// Old v4 panels refuse clients that do not look like a browser (panel-api.md section 1).
	req.Header.Set("User-Agent", "Mozilla/5.0 (compatible; ispsync)")
	c.requests.Add(1)
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return c.lost(ctx, k, connected.Load(), err)
	}
	defer resp.Body.Close()
	counted := &countedBody{r: resp.Body}
	defer func() { *size = counted.n }()
	if resp.StatusCode != http.StatusOK {
		return c.badStatus(k, resp, counted, hidden)
	}
	s := scanners.Get().(*scanner)
	defer func() {
		if len(s.buf) <= maxPooled {
			scanners.Put(s)
		}
	}()
	s.reset(counted, c.maxBody)
	defer func() { s.r = nil }()
	return c.readAnswer(ctx, k, s, d, hidden)
}

type countedBody struct {
	r io.Reader
	n int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	return n, err
}

// enter waits for the panel's limits: calls at a time and calls per second.
func (c *Client) enter(ctx context.Context, k *call) (release func(), err error) {
	slots := c.reads
	if k.write {
		slots = c.writes
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.rate != nil {
		if err := c.rate.Wait(ctx); err != nil {
			<-slots
			return nil, err
		}
	}
	return func() { <-slots }, nil
}

// readAnswer reads the answer of status 200 and judges it.
func (c *Client) readAnswer(ctx context.Context, k *call, s *scanner, d *document, hidden secrets) *Error {
	d.start()
	some, xml, err := s.begin()
	switch {
	case err != nil:
		return c.badBody(ctx, k, s, err, hidden)
	case !some:
		return c.documentError(k, "the answer is empty")
	case !xml:
		line := hidden.firstLine(s.head)
		if strings.HasPrefix(strings.ToLower(line), "access deny") { // panel-api.md section 1, v4
			e := c.newError(k)
			e.Type, e.Msg, e.bare = "access", line, true
			return e
		}
		return c.documentError(k, "the answer is no panel document but the text %q", line)
	}
	if err := d.read(s); err != nil {
		return c.badBody(ctx, k, s, err, hidden)
	}
	if d.failed {
		return c.panelError(k, d, hidden)
	}
	if k.write && !d.ok {
		e := c.newError(k)
		e.Type, e.Msg = typeNoOK, "the panel answered neither ok nor an error, so nobody can tell whether it did it"
		return e
	}
	return nil
}

// newError is an error about a call.
func (c *Client) newError(k *call) *Error {
	return &Error{Panel: c.panel.Name, Func: k.fn, about: k.about, elid: k.elid, list: k.list}
}

// notSent is a refusal before anything left.
func (c *Client) notSent(k *call, format string, args ...any) *Error {
	e := c.newError(k)
	err := fmt.Errorf(format, args...)
	e.Type, e.Msg, e.cause, e.final = typeNotSent, "not sent: "+err.Error(), err, true
	return e
}

func (c *Client) documentError(k *call, format string, args ...any) *Error {
	e := c.newError(k)
	e.Type, e.HTTPStatus, e.Msg = typeDocument, http.StatusOK, fmt.Sprintf(format, args...)
	return e
}

// panelError is what the panel complains about (panel-api.md section 3).
func (c *Client) panelError(k *call, d *document, hidden secrets) *Error {
	n := &d.errorNode
	e := c.newError(k)
	e.HTTPStatus = http.StatusOK
	e.Type, e.Object, e.level = cleanLine(n.typ), cleanLine(n.object), n.level
	e.Value = hidden.line(n.value, 200)
	text := n.msg
	for _, t := range []string{n.detail, n.text} {
		if cleanLine(text) == "" {
			text = t
		}
	}
	e.Msg = hidden.line(text, 500)
	switch {
	case d.authfail:
		e.Type, e.Object, e.bare = "auth", "authfail", true
	case e.Type == "":
		e.Code, _ = strconv.Atoi(n.code)
		e.Type = v4Type(e.Code)
		if e.Object == "" {
			e.Object = cleanLine(n.val) // codes 4 and 5 name the parameter there
		}
	}
	return e
}

// badBody judges an answer that is no whole document.
func (c *Client) badBody(ctx context.Context, k *call, s *scanner, err error, hidden secrets) *Error {
	var (
		bad   malformed
		large tooMuch
		other notDocument
	)
	switch {
	case errors.As(err, &other), errors.As(err, &bad):
		msg := err.Error()
		if line := hidden.firstLine(s.head); line != "" && !bytes.Contains(s.head, []byte("<doc")) {
			msg = fmt.Sprintf("the answer is no panel document but a page that says %q: a proxy, or the panel is starting", line)
		}
		return c.documentError(k, "%s", hidden.hide(msg))
	case errors.As(err, &large):
		e := c.documentError(k, "%s", hidden.hide(err.Error()))
		e.final = true
		return e
	case errors.Is(err, errTruncated):
		return c.documentError(k, "%v", err)
	}
	return c.lost(ctx, k, true, err)
}

// badStatus judges an answer with a status other than 200. A panel reports
// its own errors with status 200 (panel-api.md section 1), so this is a proxy,
// or a panel that is down, or another server.
func (c *Client) badStatus(k *call, resp *http.Response, body io.Reader, hidden secrets) *Error {
	e := c.newError(k)
	e.Type, e.HTTPStatus = typeHTTP, resp.StatusCode
	e.Msg = fmt.Sprintf("HTTP status %d (%s)", resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.Msg += fmt.Sprintf(": it sends us on to %s, and redirects are not followed, because the password would go along; if that is the panel, make it the panel's url",
			hidden.line(location(resp), 200))
		return e
	}
	head, _ := io.ReadAll(io.LimitReader(body, headSize))
	if line := hidden.firstLine(head); line != "" {
		e.Msg += fmt.Sprintf(": %q", line)
	}
	e.retryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return e
}

// location is where a redirect leads, without the parts that may hold secrets.
func location(resp *http.Response) string {
	u, err := resp.Location()
	if err != nil {
		return "nowhere"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// lost judges a network error. Before there was a connection nothing was
// sent; after that nobody can tell.
func (c *Client) lost(ctx context.Context, k *call, connected bool, err error) *Error {
	e := c.newError(k)
	e.cause = err
	e.Type = typeUnreachable
	if connected {
		e.Type = typeLost
	}
	var ne net.Error
	e.timeout = errors.As(err, &ne) && ne.Timeout() || errors.Is(err, context.DeadlineExceeded)
	var (
		host   x509.HostnameError
		verify *tls.CertificateVerificationError
		record tls.RecordHeaderError
		dns    *net.DNSError
	)
	switch {
	case errors.Is(err, context.Canceled):
		e.Msg, e.final = "interrupted", true
	case errors.Is(context.Cause(ctx), errNoAnswer):
		// Not the context's own error: that would mean that the run is over.
		e.Msg, e.timeout, e.cause = fmt.Sprintf("no whole answer within %v", c.timeout), true, errNoAnswer
	case errors.Is(err, context.DeadlineExceeded):
		e.Msg = "the time for it was over before the whole answer was there"
	case errors.Is(err, errPin):
		e.Msg, e.final = err.Error(), true
	case errors.As(err, &host), errors.As(err, &verify):
		e.Msg, e.final = "its certificate is not trusted: "+err.Error()+certificateHint(verify), true
	case errors.As(err, &record):
		e.Msg, e.final = "it does not speak TLS on this port; should the url begin with http:// or name another port?", true
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Msg, e.final = "its host name is unknown: "+err.Error(), true
	case connected:
		e.Msg = "the connection broke before the whole answer was there: " + err.Error()
	default:
		e.Msg = "it cannot be reached: " + err.Error()
	}
	e.Msg = cleanLine(e.Msg)
	return e
}
