package simpanel

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// call is one request while it is served.
type call struct {
	p       *Panel
	fn      *function
	http    *http.Request
	form    url.Values
	entry   int
	fault   Fault
	account string
	level   int
	cookie  string
	// void: the change came to nothing when it was to take effect.
	void bool
	// local: by mgrctl, with the rights of root (section 9).
	local bool
}

// maxBody bounds a request, in bytes.
const maxBody = 8 << 20

// ServeHTTP answers a call: GET or POST to a path whose last element is
// ispmgr (panel-api.md section 1), in the format out names. Faults that
// drop the connection do it by panicking with http.ErrAbortHandler, which a
// server turns into a closed connection; a test with a ResponseRecorder has
// to recover it.
func (p *Panel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path.Base(r.URL.Path) != "ispmgr" {
		http.NotFound(w, r)
		return
	}
	form, err := readForm(w, r)
	if err != nil {
		http.Error(w, "the request's parameters cannot be read", http.StatusBadRequest)
		return
	}
	c := &call{p: p, http: r, form: form}
	c.serve(w, r.Method, secretInURL(r.URL))
}

// serve notes the call, makes of it what faults want, and answers it.
func (c *call) serve(w http.ResponseWriter, method string, secretInURL bool) {
	p, name := c.p, c.form.Get("func")
	entry, seen := p.ledger.begin(Call{
		At: p.opt.Now(), Func: name, Method: method, Params: masked(c.form),
		SecretInURL: secretInURL, Write: isWrite(name, c.form),
	})
	c.entry, c.fault = entry, p.faults.pick(seen)
	if c.fault != "" {
		p.ledger.change(entry, func(l *Call) { l.Fault = c.fault })
	}
	c.wait(c.http.Context())
	if p.isDown() {
		drop()
	}
	if c.failBefore(w) {
		return
	}
	a, f := c.run(name)
	if c.fault == RequestFailedAfter && f == nil {
		f = &failure{typ: "request_failed"}
		p.ledger.change(entry, func(l *Call) { l.Error = "request_failed/" })
	}
	if c.fault == NoOK {
		a.body = func(*document) {}
	}
	c.reply(w, c.document(a, f))
}

// readForm reads the parameters of the URL and of the body, urlencoded or
// multipart (section 1).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return nil, fmt.Errorf("multipart form: %w", err)
		}
		return r.Form, nil
	}
	if err := r.ParseForm(); err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	return r.Form, nil
}

func secretInURL(u *url.URL) bool {
	if u.RawQuery == "" {
		return false
	}
	for name := range u.Query() {
		if secretParams[name] {
			return true
		}
	}
	return false
}

// wait takes the time a call takes. A caller who leaves ends the wait, not
// the call: the panel does not notice.
func (c *call) wait(ctx context.Context) {
	d := c.p.opt.Latency
	if c.fault == Slow {
		d += c.p.faults.current().SlowBy
	}
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (p *Panel) isDown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opt.Now().Before(p.downUntil)
}

// drop closes the connection without an answer.
func drop() { panic(http.ErrAbortHandler) }

// run serves the call: who calls, what, whether it may, and what changes.
func (c *call) run(name string) (answer, *failure) {
	p := c.p
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	if c.fault == ForgetSession {
		delete(p.sessions, c.sessionID())
	}
	a, f := c.permitted(name)
	if f != nil {
		p.ledger.change(c.entry, func(l *Call) { l.Error = f.typ + "/" + f.object })
		return answer{}, f
	}
	if a.effect == nil || c.fault == Ignore {
		return a, nil
	}
	if c.fault.isLate() {
		due := p.opt.Now().Add(p.faults.current().LateBy)
		p.late = append(p.late, lateChange{due: due, effect: a.effect, entry: c.entry, call: c})
		return a, nil
	}
	a.effect()
	p.ledger.applied(c.entry)
	return a, nil
}

// permitted serves the call if the caller may make it.
func (c *call) permitted(name string) (answer, *failure) {
	fn, unknown := c.p.find(name)
	if unknown != nil || !fn.open {
		if f := c.authenticate(); f != nil {
			return answer{}, f
		}
		if f := c.substitute(); f != nil {
			return answer{}, f
		}
	}
	switch {
	case unknown != nil:
		return answer{}, unknown
	case c.fault == RequestFailed:
		return answer{}, &failure{typ: "request_failed"}
	case c.level < fn.least:
		return answer{}, &failure{typ: "access", object: name}
	}
	c.fn = fn
	return fn.serve(c)
}

// language is that of the texts; an unknown one is English (guide, Getting
// results in native languages).
func (c *call) language() string {
	if c.form.Get("lang") == "ru" {
		return "ru"
	}
	return "en"
}

// document is the whole answer, ready to be written to a stream.
func (c *call) document(a answer, f *failure) func(io.Writer) {
	as, list := formatOf(c.form.Get("out")), c.fn != nil && c.fn.list
	return func(w io.Writer) {
		as.in(w, c.xml(a, f, as.devel), reply{fn: c.form.Get("func"), lang: c.language(), gen: c.p.opt.Generation, list: list})
	}
}

// xml is the answer in the form all others are made from.
func (c *call) xml(a answer, f *failure, devel bool) func(io.Writer) {
	return func(w io.Writer) {
		buf := buffers.Get().(*bufio.Writer)
		buf.Reset(w)
		d := &document{
			Writer: buf, gen: c.p.opt.Generation, lang: c.language(), fn: c.form.Get("func"), host: c.http.Host,
			account: c.account, level: c.level, form: c.form, devel: devel,
		}
		d.begin(c.fn != nil && c.fn.list)
		if f != nil {
			f.write(d)
		} else {
			a.body(d)
		}
		d.end()
		_ = buf.Flush()
		buf.Reset(io.Discard)
		buffers.Put(buf)
	}
}

// buffers are the writers of documents; one of 64 KiB for each call would be
// most of what a short answer costs.
var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(io.Discard, 64<<10) }}

// failBefore shows the faults that come before the call is served.
func (c *call) failBefore(w http.ResponseWriter) bool {
	switch c.fault {
	case DropBefore:
		drop()
	case Restarted:
		c.p.RestartedByOthers(c.p.faults.current().DownFor)
		drop()
	case Hang:
		c.hang()
	case TooMany:
		c.sendAway(w, http.StatusTooManyRequests)
	case ServerError:
		htmlPage(w, http.StatusInternalServerError)
	case BadGateway:
		htmlPage(w, http.StatusBadGateway)
	case Unavailable:
		c.sendAway(w, http.StatusServiceUnavailable)
	default:
		return false
	}
	return true
}

// sendAway says when to come back, in whole seconds.
func (c *call) sendAway(w http.ResponseWriter, status int) {
	after := c.p.faults.current().RetryAfter
	w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	htmlPage(w, status)
}

// hangFor bounds how long a call hangs whose caller never leaves.
const hangFor = time.Hour

// hang keeps the caller waiting until it leaves.
func (c *call) hang() {
	t := time.NewTimer(hangFor)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.http.Context().Done():
	}
	drop()
}

// reply sends the document, or what a fault makes of it.
func (c *call) reply(w http.ResponseWriter, write func(io.Writer)) {
	switch c.fault {
	case DropAfter, DropLate:
		drop()
	case HangLate:
		c.hang()
	case GatewayTimeout:
		htmlPage(w, http.StatusGatewayTimeout)
		return
	case BadGatewayAfter:
		htmlPage(w, http.StatusBadGateway)
		return
	case Page:
		htmlPage(w, http.StatusOK)
		return
	}
	h := w.Header()
	h.Set("Content-Type", formatOf(c.form.Get("out")).contentType)
	if c.cookie != "" {
		http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: c.cookie, Path: "/", HttpOnly: true})
	}
	switch c.fault {
	case Cut, CutConnection:
		var whole bytes.Buffer
		write(&whole)
		_, _ = w.Write(whole.Bytes()[:whole.Len()/2])
		if c.fault == CutConnection {
			_ = http.NewResponseController(w).Flush() // mgrctl has none to flush
			drop()
		}
	case EntityBomb, Endless, DeepNesting:
		hostile(w, c.fault)
	default:
		write(w)
	}
}

// htmlPage is what stands before a panel answers when the panel does not.
func htmlPage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><head><title>%d</title></head><body><h1>%s</h1><hr></body></html>\n", status, http.StatusText(status))
}
