package main

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// secretsAtOnce bounds how many secrets are fetched side by side: commands ask
// agents and vaults, which are shared.
const secretsAtOnce = 4

// trySecrets fetches every secret that the plan will write, once each, and drops
// it: a vault that is locked or a file that is empty must stop a run before its
// first call, not in the middle. The value that is sent is fetched again when its
// call is encoded.
func (ap *application) trySecrets() error {
	var (
		g    errgroup.Group
		mu   sync.Mutex
		errs = map[int]error{} // by step, so that the order is that of the plan
	)
	g.SetLimit(secretsAtOnce)
	tried, stale := map[specs.Secret]bool{}, ap.staleSteps()
	for i := range ap.plan.Steps {
		s := &ap.plan.Steps[i]
		if _, out := stale[s.ID]; out || ap.resumed.did(s.ID) {
			continue
		}
		for _, f := range s.SecretRefs {
			if tried[f.Secret] {
				continue
			}
			tried[f.Secret] = true
			g.Go(func() error {
				if _, err := ap.secrets.Resolve(ap.halts.soft, f.Secret); err != nil {
					mu.Lock()
					defer mu.Unlock()
					errs[i] = errors.Join(errs[i], fmt.Errorf("%s: %s: %w", s.Ref, f.Name, err))
				}
				return nil
			})
		}
	}
	g.Wait() //nolint:errcheck // the functions return nil
	if halted := ap.halts.halted(); halted != nil {
		return fail(exitInterrupted, "%w before anything was written", halted)
	}
	return secretsMissing(ap.plan, errs)
}

// secretsMissing joins what is wrong with secrets, step by step.
func secretsMissing(p *plan.Plan, errs map[int]error) error {
	var all []error
	for i := range p.Steps {
		all = append(all, errs[i])
	}
	if err := errors.Join(all...); err != nil {
		return fail(exitUsage, "secrets cannot be had, nothing was written:\n%w", err)
	}
	return nil
}
