package apiclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

// pipes is a listener without a network, so that tests can run on a false
// clock (testing/synctest).
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	// refuse, when set, makes dialling fail.
	refuse func() error
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1500} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.refuse != nil {
		if err := p.refuse(); err != nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
	}
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const testPassword = "s3cr&t <word> пароль"

// testSecret fetches the secrets of tests: env X is "X's value".
func testSecret(_ context.Context, s specs.Secret) (string, error) {
	switch s.Arg {
	case "PW":
		return testPassword, nil
	case "MISSING":
		return "", errors.New("the variable MISSING is not set")
	}
	return s.Arg + "'s & value", nil
}

func envSecret(name string) specs.Secret { return specs.Secret{Source: specs.SecretEnv, Arg: name} }

// serve runs a handler and gives the panel and the options to reach it.
func serve(t testing.TB, h http.Handler) (specs.Panel, Options, *pipes) {
	t.Helper()
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	p := specs.Panel{Name: "web1", URL: "http://localhost:1500/ispmgr", Auth: specs.Auth{Username: "root", Password: envSecret("PW")}}
	return p, Options{Catalog: specs.Builtin(), Secret: testSecret, Dial: l.dial}, l
}

// client makes a client that is closed with the test.
func client(t testing.TB, p specs.Panel, o Options) *Client {
	t.Helper()
	c, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// script answers calls by function and keeps what it was asked.
type script struct {
	mu    sync.Mutex
	t     testing.TB
	asked []url.Values
	// answer gives the answer to the nth call (from 1) of a function, with a
	// status; func auth is answered by default.
	answer func(fn string, n int, form url.Values) (status int, body string)
	counts map[string]int
}

const xmlDecl = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
		s.t.Errorf("%s %s: a call is a POST and says nothing in its URL or headers", r.Method, r.URL)
	}
	if err := r.ParseForm(); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	fn := r.PostForm.Get("func")
	s.counts[fn]++
	n := s.counts[fn]
	s.asked = append(s.asked, r.PostForm)
	s.mu.Unlock()
	status, body := 0, ""
	if s.answer != nil {
		status, body = s.answer(fn, n, r.PostForm)
	}
	if status == 0 && fn == funcAuth {
		status, body = 200, fmt.Sprintf(`<doc><auth id="session%d"/></doc>`, n)
	}
	if status == 0 {
		status, body = 200, "<doc/>"
	}
	if status < 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/xml; charset=UTF-8")
	w.WriteHeader(status)
	w.Write([]byte(body))
}

func (s *script) calls(fn string) []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []url.Values
	for _, f := range s.asked {
		if f.Get("func") == fn {
			out = append(out, f)
		}
	}
	return out
}

// scripted makes a client of a script.
func scripted(t testing.TB, answer func(fn string, n int, form url.Values) (int, string)) (*Client, *script) {
	t.Helper()
	s := &script{t: t, answer: answer}
	p, o, _ := serve(t, s)
	return client(t, p, o), s
}

// simulated makes a client of a simulated panel.
func simulated(t testing.TB, o simpanel.Options) (*Client, *simpanel.Panel) {
	t.Helper()
	o.Password = testPassword
	sim := simpanel.New(o)
	p, co, _ := serve(t, sim)
	return client(t, p, co), sim
}

// rows makes a list document of v5/6 with the total announced.
func rows(total int, elems ...string) string {
	return fmt.Sprintf(`%s<doc lang="en" func="webdomain">%s<p_cnt>1000</p_cnt><p_elems>%d</p_elems><p_num>1</p_num></doc>`, xmlDecl, strings.Join(elems, ""), total)
}

func site(name string) string {
	return fmt.Sprintf(`<elem><active>on</active><name>%s</name><owner>alice</owner></elem>`, name)
}

func webdomains() specs.Want { return specs.Want{Kind: specs.Builtin().Kind("webdomain")} }

// asError takes an *Error out of an error.
func asError(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an *Error", err, err)
	}
	return e
}

// benchServer is a panel over TCP that lists web domains.
func benchServer(b testing.TB, doc []byte) (specs.Panel, Options) {
	b.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("func") == funcAuth {
			w.Write([]byte(`<doc><auth id="x"/></doc>`))
			return
		}
		w.Write(doc)
	}))
	b.Cleanup(srv.Close)
	return specs.Panel{Name: "web1", URL: srv.URL + "/ispmgr", Auth: specs.Auth{Username: "root", Password: envSecret("PW")}},
		Options{Catalog: specs.Builtin(), Secret: testSecret}
}

func oneWant() []specs.Want { return []specs.Want{webdomains()} }

// redirector makes connections to a server that sends everybody on.
func redirector(t testing.TB) func(context.Context, string, string) (net.Conn, error) {
	_, o, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://other.example.net/manager/ispmgr?secret=1", http.StatusFound)
	}))
	return o.Dial
}

// quiet is the log of a server whose handshakes fail on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
