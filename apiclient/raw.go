package apiclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/internal/mgrctl"
)

// RawCall is one function of a panel called as it is, for its answer as it is.
type RawCall struct {
	Func string
	// Params are names and values in their order. The guide's own su, lang and
	// out may be among them and count as the fields of that name. A password is
	// known by its parameter's name and kept as a secret is.
	Params [][2]string
	// Format is the panel's out (guide, "Output of function results"): xml, the
	// default, devel, text, json, JSONdata, print or one of the panel's own.
	Format string
	// Su is the account to call as, Lang the language of texts; empty is the panel's.
	Su, Lang string
}

// ReadFunction reports whether a function with these parameters is a read: its
// name says nothing of doing something, and no parameter saves. Client.Raw
// makes such calls and no others.
func ReadFunction(fn string, params [][2]string) bool {
	k, err := RawCall{Func: fn, Params: params}.call()
	return err == nil && readable(k) == nil
}

// Raw makes a reading call and copies the panel's answer to w, untouched and
// streamed. When the panel answers with an error, in xml, JSON or as a line
// `ERROR type(object): message`, that is copied too, and returned as *Error.
// A call that writes is refused (not_sent): see ReadFunction and Writer.Raw.
//
// An ended session is renewed before anything is copied. Formats made for
// browsers do not tell it; with those its login page is the answer.
func (c *Client) Raw(ctx context.Context, r RawCall, w io.Writer) error {
	return c.rawTo(ctx, r, w, false)
}

// Raw is Client.Raw for any function. A writing call is sent once; what became
// of it when its answer is lost, nobody can tell (Error.MaybeApplied). An
// answer that asks for a restart is copied like any other and not obeyed.
func (w *Writer) Raw(ctx context.Context, r RawCall, to io.Writer) error {
	return w.c.rawTo(ctx, r, to, !ReadFunction(r.Func, r.Params))
}

func (c *Client) rawTo(ctx context.Context, r RawCall, w io.Writer, write bool) error {
	k, err := r.call()
	if err != nil {
		return c.notSent(&call{fn: r.Func}, "%w", err)
	}
	k.write, k.raw = write, &rawAnswer{w: w}
	err = c.do(ctx, k, nil)
	if k.raw.failed != nil {
		return fmt.Errorf("panel %s: %s: writing its answer: %w", c.panel.Name, k.fn, k.raw.failed)
	}
	if _, failed := w.Write(k.raw.head); failed != nil {
		return fmt.Errorf("panel %s: %s: writing its answer: %w", c.panel.Name, k.fn, failed)
	}
	return err
}

// credentials are the parameters that a call has from the client alone.
var credentials = []string{"func", "auth", "authinfo"}

// call makes a call of what somebody typed.
func (r RawCall) call() (*call, error) {
	k := &call{fn: r.Func, format: r.Format, su: r.Su, lang: r.Lang}
	own := map[string]*string{"out": &k.format, "su": &k.su, "lang": &k.lang}
	for _, p := range r.Params {
		name, value := p[0], p[1]
		switch to := own[name]; {
		case to != nil:
			*to = value
		case name == "":
			return nil, fmt.Errorf("a parameter has no name; write name=value")
		case slices.Contains(credentials, name):
			return nil, fmt.Errorf("the parameter %s is ispsync's own: it makes the call and proves the account as the spec says", name)
		case secretName(name):
			k.secrets = append(k.secrets, secretParam{names: []string{name}, made: true, value: value})
		default:
			k.params = append(k.params, param{name, value})
		}
		if name == "elid" && value != "" {
			k.elid, k.about = true, value
		}
	}
	return k, nil
}

// secretName reports whether a parameter of this name takes a password or a
// key of some kind (panel-api.md section 6: passwd, password, confirm, key).
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"passw", "secret", "token"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return name == "confirm" || name == "key"
}

// rawAnswer is where an answer is copied to.
type rawAnswer struct {
	w      io.Writer
	head   []byte // of the last answer: read and not copied yet
	begun  bool   // something was copied, so the call cannot be repeated
	failed error  // of w
}

// rawHead is how much of an answer is read before anything is copied. Errors
// are smaller.
const rawHead = 64 << 10

// readRaw copies an answer. One that fits into rawHead is kept back until the
// call's fate is settled.
func (c *Client) readRaw(ctx context.Context, k *call, a *answer, hidden secrets) *Error {
	r := k.raw
	r.head = nil
	head, err := io.ReadAll(io.LimitReader(a, min(rawHead, c.maxBody+1)))
	switch {
	case err != nil:
		return c.lost(ctx, k, true, err)
	case int64(len(head)) > c.maxBody:
		return c.tooLarge(k)
	case len(head) < rawHead:
		r.head = head
		return c.judgeRaw(ctx, k, head, hidden)
	}
	r.begun = true
	if _, r.failed = r.w.Write(head); r.failed != nil {
		return c.rawStopped(k, r.failed)
	}
	rest := io.LimitReader(a, c.maxBody-int64(len(head))+1)
	buf := make([]byte, rawHead)
	for {
		n, err := rest.Read(buf)
		if a.size > c.maxBody {
			return c.tooLarge(k)
		}
		if _, r.failed = r.w.Write(buf[:n]); r.failed != nil {
			return c.rawStopped(k, r.failed)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return c.lost(ctx, k, true, err)
		}
	}
}

func (c *Client) tooLarge(k *call) *Error {
	e := c.documentError(k, "the answer is larger than the client accepts")
	e.final = true
	return e
}

// rawStopped ends a call whose answer nobody takes.
func (c *Client) rawStopped(k *call, err error) *Error {
	e := c.newError(k)
	e.Type, e.Msg, e.cause, e.final = typeLost, "its answer could not be written", err, true
	return e
}

// judgeRaw finds the error in a whole answer, in whatever form the panel tells
// it (panel-api.md sections 1, 3 and 9). An answer in xml or JSON that is none
// comes from a proxy, or from a panel that is starting.
func (c *Client) judgeRaw(ctx context.Context, k *call, body []byte, hidden secrets) *Error {
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")))
	xml := k.format == "" || k.format == "xml" || k.format == "devel"
	json := strings.Contains(strings.ToLower(k.format), "json")
	switch {
	case len(text) == 0 && (xml || json):
		return c.documentError(k, "the answer is empty")
	case xml || bytes.HasPrefix(text, []byte("<?xml")):
		s := new(scanner)
		s.reset(bytes.NewReader(body), c.maxBody)
		failure := c.readDocument(ctx, k, s, &document{}, hidden)
		if failure != nil && failure.Type == typeDocument && !xml {
			return nil // XML of the panel's own format
		}
		return failure
	case json:
		return c.judgeJSON(k, text, hidden)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if said, ok := mgrctl.ParseError(string(line)); ok {
		return c.lineError(k, said, hidden)
	}
	return c.bareRefusal(k, hidden.firstLine(line))
}
