package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// panelExport is the reading of one panel for an export: what is read goes
// through the filters and is slimmed at once, so that 100,000 forms do not stay in
// memory.
type panelExport struct {
	x     *exportRun
	panel specs.Panel
	state *specs.State

	mu       sync.Mutex
	excluded map[string]map[string]bool // kind → keys that the filters do not choose
	unread   int                        // resources whose forms could not be read
	err      error                      // the first filter that could not be decided

	kind         string // whose forms are being read
	done, listed atomic.Int64
}

// memory of an export beside what the program takes anyhow, in bytes for each
// resource that is read.
const perExported = 2500

// progressEvery is how many resources lie between two signs of life.
const progressEvery = 50

func (r *panelExport) read(ctx context.Context) (plan.Panel, error) {
	x, t := r.x, r.x.target
	c := t.clients[r.panel.Name]
	info := plan.Panel{Name: r.panel.Name, URL: r.panel.URL, Account: r.panel.Account()}
	x.a.log.read(render.Reading{Panel: r.panel.Name})
	filters := map[string]*specs.Rule{}
	scope := wholeScope{
		kinds: func(k *specs.Kind) bool { return x.kinds[k.Name] },
		begin: r.begin,
		listed: func(s *specs.State) {
			r.state = s
			for name, rule := range x.xf.filters {
				filters[name] = rule.Owned(func(res *specs.Resource) string { return x.spec.Catalog.OwnerOf(s, res) })
			}
		},
		forms: func(k *specs.Kind, res *specs.Resource) bool {
			f := filters[k.Name]
			return r.targeted(res) && (f == nil || !f.Decidable(res) || r.passes(f, res))
		},
		each: func(k *specs.Kind, res *specs.Resource) { r.each(filters[k.Name], k, res) },
	}
	if len(x.xf.fields) > 0 {
		scope.fields = func(k *specs.Kind, row *specs.FieldRow) bool {
			return x.wantsField(row) || filters[k.Name] != nil && filters[k.Name].Names(row.Name)
		}
	}
	state, err := t.whole(ctx, r.panel, scope)
	info.Requests, info.Forms = c.Requests(), c.FormsRead()
	resources := 0
	if err != nil {
		info.Error, info.Refused = err.Error(), refused(err)
		x.exporter.Missing(fmt.Sprintf("%s: nothing of it: %v", r.panel.Name, err))
	} else {
		info.Reachable, info.Error = true, r.unreadText(state)
		x.exporter.Add(r.panel, state, func(k *specs.Kind, res *specs.Resource) bool {
			return x.kinds[k.Name] && !r.excluded[k.Name][res.Ref.Key]
		})
		resources = state.Len()
	}
	x.a.log.read(render.Reading{Panel: r.panel.Name, Ended: true, Resources: resources, Requests: info.Requests, Error: info.Error})
	if x.a.quiet && info.Error != "" && x.a.logFormat == "text" {
		x.a.log.warn("panel %s could not be read: %s", r.panel.Name, info.Error)
	}
	return info, withCode(exitUsage, r.err)
}

func (x *exportRun) wantsField(row *specs.FieldRow) bool {
	for _, f := range x.xf.fields {
		if f == row.Name {
			return true
		}
	}
	return false
}

// begin is told of a kind before its forms are read. The memory limit follows
// the size of what is read.
func (r *panelExport) begin(k *specs.Kind, listed int, fresh specs.Fields) {
	r.kind = k.Name
	r.done.Store(0)
	r.listed.Store(int64(listed))
	r.x.exporter.Fresh(r.panel.Name, k, fresh)
	debug.SetMemoryLimit(planLimit + perExported*r.x.listed.Add(int64(listed)))
}

func (r *panelExport) targeted(res *specs.Resource) bool {
	match := refGlobs(r.x.xf.pf.targets)
	return match == nil || match(res.Ref)
}

// passes asks --where.
func (r *panelExport) passes(f *specs.Rule, res *specs.Resource) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ok, err := f.Test(r.panel, res)
	if err != nil && r.err == nil {
		r.err = err
	}
	return ok
}

// each takes a resource that has been read.
func (r *panelExport) each(f *specs.Rule, k *specs.Kind, res *specs.Resource) {
	if n := r.done.Add(1); n%progressEvery == 0 {
		r.x.a.log.read(render.Reading{Panel: r.panel.Name, Note: fmt.Sprintf("%s: %d of %d", r.kind, n, r.listed.Load())})
	}
	unread := apiclient.FormUnread(res)
	if !r.targeted(res) || f != nil && !unread && !r.passes(f, res) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.excluded[k.Name] == nil {
			r.excluded[k.Name] = map[string]bool{}
		}
		r.excluded[k.Name][res.Ref.Key] = true
		return
	}
	if unread {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.unread++
		return
	}
	r.x.exporter.Slim(r.panel.Name, k, res)
}

// unreadText is what of a panel that was reached could not be read, or "".
func (r *panelExport) unreadText(state *specs.State) string {
	var errs []error
	for _, name := range state.Kinds() {
		if l, _ := state.Listing(name); l.Err != nil && r.x.kinds[name] {
			errs = append(errs, fmt.Errorf("%s: %w", name, l.Err))
		}
	}
	if r.unread > 0 {
		errs = append(errs, fmt.Errorf("the forms of %d resources: see the export's comment", r.unread))
	}
	if err := errors.Join(errs...); err != nil {
		return err.Error()
	}
	return ""
}
