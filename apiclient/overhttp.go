package apiclient

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// httpDoor speaks to a panel over HTTP(S). A call is one POST; everything,
// credentials too, is in its body, because proxies and panels log URLs.
type httpDoor struct {
	c         *Client
	url       string
	transport *http.Transport
}

func newHTTPDoor(c *Client, dial func(context.Context, string, string) (net.Conn, error)) (*httpDoor, error) {
	u, err := checkURL(c.panel)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	tlsConfig, err := tlsFor(c.panel.TLS)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	most := c.gate.reads + c.gate.writes
	return &httpDoor{c: c, url: u.String(), transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dial,
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: dialTimeout,
		MaxConnsPerHost:     most,
		MaxIdleConnsPerHost: most,
		IdleConnTimeout:     90 * time.Second,
		ReadBufferSize:      32 << 10,
	}}, nil
}

func (h *httpDoor) idle() { h.transport.CloseIdleConnections() }

func (h *httpDoor) close() error {
	h.idle()
	return nil
}

func (h *httpDoor) send(ctx context.Context, k *call, r *request) (*answer, *Error) {
	c := h.c
	// What matters for a write is whether it may have left. The transport asks
	// for a connection anew when it sends again by itself, which it does only
	// when nothing was taken.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(r.encode()))
	if err != nil {
		return nil, c.notSent(k, "%w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// Old v4 panels refuse clients that do not look like a browser (panel-api.md section 1).
	req.Header.Set("User-Agent", "Mozilla/5.0 (compatible; ispsync)")
	resp, err := h.transport.RoundTrip(req)
	if err != nil {
		return nil, c.lost(ctx, k, connected.Load(), err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, c.badStatus(k, resp, r.hidden)
	}
	return &answer{body: resp.Body, end: func(failure *Error) *Error {
		resp.Body.Close()
		return failure
	}}, nil
}

// encode writes the form a request is (guide): func, out, lang, su, the
// credential and the parameters.
func (r *request) encode() []byte {
	b := make([]byte, 0, 512)
	add := func(name, value string) {
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(b, url.QueryEscape(name)...)
		b = append(b, '=')
		b = append(b, url.QueryEscape(value)...)
	}
	add("func", r.fn)
	add("out", r.format)
	add("lang", r.lang)
	if r.su != "" {
		add("su", r.su)
	}
	for _, p := range r.secret {
		add(p[0], p[1])
	}
	for _, p := range r.plain {
		add(p[0], p[1])
	}
	return b
}

// badStatus judges an answer with a status other than 200. A panel reports
// its own errors with status 200 (panel-api.md section 1), so this is a proxy,
// or a panel that is down, or another server.
func (c *Client) badStatus(k *call, resp *http.Response, hidden secrets) *Error {
	e := c.newError(k)
	e.Type, e.HTTPStatus = typeHTTP, resp.StatusCode
	e.Msg = fmt.Sprintf("HTTP status %d (%s)", resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.Msg += fmt.Sprintf(": it sends us on to %s, and redirects are not followed, because the password would go along; if that is the panel, make it the panel's url",
			hidden.line(location(resp), 200))
		return e
	}
	head, _ := io.ReadAll(io.LimitReader(resp.Body, headSize))
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
