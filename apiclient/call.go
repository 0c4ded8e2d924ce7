package apiclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ispsync/ispsync/specs"
)

// The functions that are not named by a catalog row.
const (
	funcAuth    = "auth"           // guide, "Session unique ID authentication"
	funcNewKey  = "session.newkey" // guide, "Key authentication"
	funcWhoami  = "whoami"         // panel-api.md section 2
	funcRestart = "restart"        // guide, "If the web-server needs to be rebooted"
)

// call is one call to be. Values of secrets are not in it: they are fetched
// while it is encoded.
type call struct {
	fn      string
	params  params
	secrets []secretParam
	format  string // of the answer; xml when empty
	lang    string // of the panel's texts; the client's when empty
	su      string // the account to run as; the panel's own su when empty
	about   string // what messages say the call is about
	elid    bool   // names a resource that must exist
	list    bool   // asks for a whole list and names nothing
	write   bool
	form    bool   // asks for a form
	login   bool   // a call of logging in or out: gets no credential but session
	session string // the session of a call of logging in or out, if any
	once    bool   // the caller repeats, not the client
	look    bool   // asks only whether the panel is there
	raw     *rawAnswer
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

// get is the value of a parameter, "" when it is not there.
func (p params) get(name string) string {
	for i := range p {
		if p[i].name == name {
			return p[i].value
		}
	}
	return ""
}

func (p params) has(name string) bool {
	for i := range p {
		if p[i].name == name {
			return true
		}
	}
	return false
}

// secretParam is a secret and the parameters that take its value. The value is
// fetched when the call is encoded, unless somebody made or typed it.
type secretParam struct {
	names  []string
	secret specs.Secret
	made   bool
	value  string
}

// request is a call with the values of its secrets, as it leaves.
type request struct {
	fn, format, lang, su string
	plain, secret        [][2]string
	hidden               secrets // what no message about the call may show
}

// door is a way to a panel: HTTP, or the panel's program mgrctl.
type door interface {
	// send takes a request to the panel. The answer must be closed.
	send(ctx context.Context, k *call, r *request) (*answer, *Error)
	// idle gives up connections that nothing is using.
	idle()
	// close gives up everything. Calls in flight are not touched.
	close() error
}

// answer is what a panel sends back, as a stream.
type answer struct {
	body io.Reader
	// end closes the stream. It gets what was made of the body, and may know
	// better how the call ended.
	end  func(failure *Error) *Error
	size int64 // bytes read
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.body.Read(p)
	a.size += int64(n)
	return n, err
}

// scanners are kept between calls for their buffers.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// maxPooled is the largest buffer that is kept.
const maxPooled = 1 << 20

// exchange sends a call once and reads its answer into d, or into k.raw. It
// returns nil when the panel did what was asked.
//
// The session may be another than that of cred, because whoever waits for its
// turn may see a restart go by; then cred is made that. It may have ended; then
// nothing is sent and the failure is stale.
func (c *Client) exchange(ctx context.Context, k *call, cred *credential, d *document) *Error {
	release, refused := c.enter(ctx, k)
	if refused != nil {
		return refused
	}
	defer release()
	if !k.login && !c.session.newest(cred) {
		return stale
	}
	r, err := c.request(ctx, k, *cred)
	if err != nil {
		e := c.notSent(k, "%w", err)
		e.wide = errors.As(err, new(noPassword))
		return e
	}
	timeout := c.timeout
	if k.look {
		timeout = min(timeout, probeTimeout)
	}
	sending, cancel := context.WithTimeoutCause(ctx, timeout, errNoAnswer)
	defer cancel()
	began, size := time.Now(), int64(0)
	c.requests.Add(1)
	a, failure := c.door.send(sending, k, r)
	came := time.Now()
	if failure == nil {
		failure = a.end(c.take(sending, k, a, d, r.hidden))
		size = a.size
	}
	if ctx.Err() == nil {
		c.gate.ended(k, began, came, failure)
	}
	c.traceCall(k, time.Since(began), size, failure)
	return failure
}

// stale is the failure of a call whose session ended before it had its turn.
var stale = &Error{Type: typeNotSent, Msg: "not sent: its session has ended", final: true}

// take reads what a panel sends back.
func (c *Client) take(ctx context.Context, k *call, a *answer, d *document, hidden secrets) *Error {
	if k.raw != nil {
		return c.readRaw(ctx, k, a, hidden)
	}
	s := scanners.Get().(*scanner)
	defer func() {
		if len(s.buf) <= maxPooled {
			scanners.Put(s)
		}
	}()
	s.reset(a, c.maxBody)
	defer func() { s.r = nil }()
	return c.readAnswer(ctx, k, s, d, hidden)
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

// request makes a call ready to leave: the account's credential is added and
// secrets are fetched (guide, "Authentication methods", "privileges of another user").
func (c *Client) request(ctx context.Context, k *call, cred credential) (*request, error) {
	r := &request{fn: k.fn, format: k.format, lang: k.lang, su: k.su, plain: make([][2]string, 0, len(k.params))}
	if r.format == "" {
		r.format = "xml"
	}
	if r.lang == "" {
		r.lang = c.lang
	}
	if r.su == "" && !k.login {
		r.su = c.panel.Su
	}
	switch {
	case cred.session != "":
		r.secret = append(r.secret, [2]string{"auth", cred.session})
		r.hidden = append(r.hidden, cred.session)
	case cred.authinfo:
		password, err := c.secret(ctx, c.panel.Auth.Password)
		if err != nil {
			return nil, noPassword{c.panel.Auth.Username, err}
		}
		r.secret = append(r.secret, [2]string{"authinfo", c.panel.Auth.Username + ":" + password})
		r.hidden = append(r.hidden, password)
	}
	for _, p := range k.params {
		r.plain = append(r.plain, [2]string{p.name, p.value})
	}
	for _, s := range k.secrets {
		value, err := s.value, error(nil)
		if !s.made {
			value, err = c.secret(ctx, s.secret)
		}
		if err != nil && k.login {
			return nil, noPassword{k.params.get("username"), err}
		}
		if err != nil {
			return nil, fmt.Errorf("the value of %s: %w", s.names[0], err)
		}
		for _, name := range s.names {
			r.secret = append(r.secret, [2]string{name, value})
		}
		r.hidden = append(r.hidden, value)
	}
	return r, nil
}
