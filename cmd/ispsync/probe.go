package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// What a visitor sees of a move, asked at both panels: the name stays, the
// address is forced. Nothing here proves who a panel is, and nothing secret is
// sent: the certificate of a site may still be the other panel's, so it is not
// looked at.

// probesAtOnce bounds how many questions are open at a time, over both panels.
const probesAtOnce = 8

// maxPage is how much of a page is read for its title, in bytes.
const maxPage = 256 << 10

// prober asks both panels of a migration.
type prober struct {
	mi      *migration
	schemes []string
	timeout time.Duration
	// from and to are the addresses by scheme.
	from, to map[string]string
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
}

// probePorts are the usual ports of the schemes of probes.
var probePorts = map[string]string{"http": "80", "https": "443", "dns": "53"}

// newProber finds out where to ask, before anything is asked.
func newProber(mi *migration) (*prober, error) {
	p := &prober{mi: mi, timeout: time.Duration(mi.flags.probesWait), from: map[string]string{}, to: map[string]string{}, dial: mi.a.dial}
	if p.dial == nil {
		p.dial = (&net.Dialer{}).DialContext
	}
	for _, what := range mi.flags.probes {
		if p.schemes = append(p.schemes, what); what == "http" {
			p.schemes = append(p.schemes, "https")
		}
	}
	for _, scheme := range p.schemes {
		for _, end := range []struct {
			panel specs.Panel
			at    map[string]string
		}{{mi.from, p.from}, {mi.to, p.to}} {
			address, err := probeAddress(end.panel, scheme)
			if err != nil {
				return nil, err
			}
			end.at[scheme] = address
		}
	}
	return p, nil
}

// all asks everything that was asked for, in the order of the resources.
func (p *prober) all(ctx context.Context, moved *specs.Moved) []plan.Probe {
	probes := slices.DeleteFunc(moved.Probes(), func(q specs.Probe) bool { return !slices.Contains(p.schemes, scheme(q.To)) })
	out := make([]plan.Probe, len(probes))
	var g errgroup.Group
	g.SetLimit(probesAtOnce)
	for i, q := range probes {
		g.Go(func() error {
			out[i] = plan.Probe{URI: q.To, From: p.ask(ctx, q.From, p.from), To: p.ask(ctx, q.To, p.to)}
			out[i].Alike = alike(q, out[i].From, out[i].To)
			return nil
		})
	}
	g.Wait() //nolint:errcheck // the functions return nil
	return out
}

func scheme(uri string) string { s, _, _ := strings.Cut(uri, ":"); return s }

// ask asks one panel. Whatever goes wrong is part of the answer.
func (p *prober) ask(ctx context.Context, uri string, at map[string]string) plan.ProbeReply {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	var r plan.ProbeReply
	var err error
	address := at[scheme(uri)]
	switch {
	case address == "":
		err = fmt.Errorf("the source has %s, which was not asked", uri)
	case scheme(uri) == "dns":
		r.Answers, err = p.lookUp(ctx, uri, address)
	default:
		r.Status, r.Title, err = p.get(ctx, uri, address)
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// alike compares what both answered. An error is alike to nothing, not even to
// the same error: it proves nothing.
func alike(q specs.Probe, from, to plan.ProbeReply) bool {
	if from.Error != "" || to.Error != "" {
		return false
	}
	if scheme(q.To) != "dns" {
		return from.Status == to.Status && from.Title == to.Title
	}
	want := make([]string, len(from.Answers))
	for i, a := range from.Answers {
		want[i] = renamed(a, q.Renamed)
	}
	slices.Sort(want)
	return slices.Equal(want, to.Answers)
}

// renamed is an answer with the words that the map makes others of. A host's
// final dot does not matter.
func renamed(answer string, table map[string]string) string {
	words := strings.Split(answer, " ")
	for i, w := range words {
		for old, new := range table {
			if strings.TrimSuffix(w, ".") == strings.TrimSuffix(old, ".") {
				words[i] = strings.TrimSuffix(new, ".")
				if strings.HasSuffix(w, ".") {
					words[i] += "."
				}
			}
		}
	}
	return strings.Join(words, " ")
}

// get asks for a page: by the panel's address, under the site's name. Redirects
// are an answer and are not followed.
func (p *prober) get(ctx context.Context, uri, address string) (status int, title string, err error) {
	t := &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return p.dial(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see the top of the file
	c := http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("User-Agent", "ispsync")
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err != nil {
		return 0, "", err
	}
	return res.StatusCode, titleOf(page), nil
}

var titleElement = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)

// titleOf is the title of a page on one line.
func titleOf(page []byte) string {
	m := titleElement.FindSubmatch(page)
	if m == nil {
		return ""
	}
	title := strings.Join(strings.Fields(html.UnescapeString(strings.ToValidUTF8(string(m[1]), "\uFFFD"))), " ")
	if rs := []rune(title); len(rs) > 200 {
		title = string(rs[:200]) + "…"
	}
	return title
}

// probeAddress is where a panel answers a scheme: what its label says, or its host.
func probeAddress(p specs.Panel, scheme string) (string, error) {
	where := ""
	if u, err := url.Parse(p.URL); err == nil {
		where = u.Hostname()
	}
	if label, ok := p.Labels["probe_"+scheme]; ok {
		where = fmt.Sprint(label)
	}
	if where == "" {
		return "", fmt.Errorf("panel %s: its url names no host, so a probe needs the label probe_%s: HOST", p.Name, scheme)
	}
	if _, _, err := net.SplitHostPort(where); err == nil {
		return where, nil
	}
	return net.JoinHostPort(strings.Trim(where, "[]"), probePorts[scheme]), nil
}
