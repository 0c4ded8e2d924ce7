package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// fleet is a number of simulated panels, each on a port of its own. A panel
// keeps its port when it is replaced by another, so that specs stay valid.
type fleet struct {
	hosts []*host
}

// host is one port.
type host struct {
	panel  atomic.Pointer[simpanel.Panel]
	url    string
	server *http.Server
	ended  chan struct{}
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.panel.Load().ServeHTTP(w, r) }

// startFleet listens on loopback for so many panels; there are none yet.
func startFleet(panels int) (*fleet, error) {
	f := &fleet{}
	for range panels {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("a simulated panel cannot listen: %w", err), f.close())
		}
		h := &host{url: "http://" + l.Addr().String() + "/ispmgr", ended: make(chan struct{})}
		h.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
		go func() {
			defer close(h.ended)
			h.server.Serve(l) //nolint:errcheck // it ends with ErrServerClosed
		}()
		f.hosts = append(f.hosts, h)
	}
	return f, nil
}

func (f *fleet) close() error {
	var errs []error
	for _, h := range f.hosts {
		errs = append(errs, h.server.Close())
		<-h.ended
	}
	return errors.Join(errs...)
}

func (f *fleet) urls() []string {
	urls := make([]string, len(f.hosts))
	for i, h := range f.hosts {
		urls[i] = h.url
	}
	return urls
}

// occupy puts a panel on each port: an empty one when the scenario is to fill
// it, else one that holds exactly what the spec declares. latency tells how
// long a call to a panel takes.
func (f *fleet) occupy(s scenario, latency func(panel int) time.Duration) {
	for i, h := range f.hosts {
		p := simpanel.New(simpanel.Options{Name: panelName(i), Password: panelPassword, Latency: latency(i), Seed: uint64(i)})
		if !s.create {
			for r := range s.size.usersOf() {
				p.Put("user", r.key, r.asMap())
			}
			for r := range s.size.sitesOf(i, s.aliases) {
				p.Put("webdomain", r.key, r.asMap())
			}
		}
		h.panel.Store(p)
	}
}

func (r resource) asMap() map[string]string {
	m := make(map[string]string, len(r.fields))
	for _, f := range r.fields {
		m[f[0]] = f[1]
	}
	return m
}

// forget empties the ledgers.
func (f *fleet) forget() {
	for _, h := range f.hosts {
		h.panel.Load().ResetCalls()
	}
}

// requests is how many calls there were.
func (f *fleet) requests() int {
	n := 0
	for _, h := range f.hosts {
		n += len(h.panel.Load().Calls())
	}
	return n
}
