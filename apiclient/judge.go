package apiclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/internal/mgrctl"
)

// This file makes errors: of answers, and of calls that got none.

// readAnswer reads the answer of status 200 and judges it.
func (c *Client) readAnswer(ctx context.Context, k *call, s *scanner, d *document, hidden secrets) *Error {
	if failure := c.readDocument(ctx, k, s, d, hidden); failure != nil {
		return failure
	}
	if k.write && !d.ok {
		e := c.newError(k)
		e.Type, e.Msg = typeNoOK, "the panel answered neither ok nor an error, so nobody can tell whether it did it"
		return e
	}
	return nil
}

// readDocument reads an answer in xml or devel and finds the error in it.
func (c *Client) readDocument(ctx context.Context, k *call, s *scanner, d *document, hidden secrets) *Error {
	d.start()
	some, xml, err := s.begin()
	switch {
	case err != nil:
		return c.badBody(ctx, k, s, err, hidden)
	case !some:
		return c.documentError(k, "the answer is empty")
	case !xml:
		line := hidden.firstLine(s.head)
		if e := c.bareRefusal(k, line); e != nil {
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
	return nil
}

// bareRefusal is the error of the line `access deny`, with which v4 answers in
// any format (panel-api.md section 1); nil for other lines.
func (c *Client) bareRefusal(k *call, line string) *Error {
	if !strings.HasPrefix(strings.ToLower(line), "access deny") {
		return nil
	}
	e := c.newError(k)
	e.Type, e.Msg, e.bare = "access", line, true
	return e
}

// newError is an error about a call.
func (c *Client) newError(k *call) *Error {
	su := k.su
	if su == "" && !k.login {
		su = c.panel.Su
	}
	return &Error{Panel: c.panel.Name, Func: cleanLine(k.fn), about: clip(cleanLine(k.about), 200), elid: k.elid, list: k.list, write: k.write, su: su, local: c.local}
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
		conn   *mgrctl.ConnError
	)
	switch {
	case errors.Is(err, context.Canceled):
		e.Msg, e.final = "interrupted", true
	case errors.Is(context.Cause(ctx), errNoAnswer):
		// Not the context's own error: that would mean that the run is over.
		e.Msg, e.timeout, e.cause = fmt.Sprintf("no whole answer within %v", c.timeout), true, errNoAnswer
	case errors.Is(err, context.DeadlineExceeded):
		e.Msg = "the time for it was over before the whole answer was there"
	case errors.As(err, &conn):
		e.Msg = conn.Where + ": " + conn.Msg
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
