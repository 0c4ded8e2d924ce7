package mgrctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
)

// installed is where the panel's own installer puts mgrctl (guide "Local calls
// to control panel").
const installed = "/usr/local/mgr5/sbin/mgrctl"

// Runner calls mgrctl of one panel. It may be used by many goroutines at once.
type Runner struct {
	at      address
	program string // where mgrctl is when it is not in PATH

	connecting chan struct{} // held by the call that makes the ssh connection
	mu         sync.Mutex
	dir        string // private, holds the socket of the shared connection; empty until the first call
}

// New makes a Runner for `local:` or `ssh://[user@]host[:port]` (contract
// section 3). It starts nothing; an error means that the address cannot be
// used. Close it after the last call.
func New(url string) (*Runner, error) {
	at, err := parseAddress(url)
	if err != nil {
		return nil, err
	}
	return &Runner{at: at, program: installed, connecting: make(chan struct{}, 1)}, nil
}

// Run starts a call and returns when mgrctl is running, or about to on the far
// side. An error of Run means that the call was not made: nothing of it
// reached mgrctl. It is a *ConnError with Sent false, or says what is wrong
// with the call itself.
//
// When ctx ends, so does the process; over ssh what runs there may go on.
// Until then the Reply is to be read, and closed in any case.
func (r *Runner) Run(ctx context.Context, c Call) (*Reply, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	hide := newHider(c.Secrets)
	if r.at.local() {
		env := slices.Clone(os.Environ())
		for i, s := range c.Secrets {
			env = append(env, variable(i)+"="+s[1])
		}
		return r.runHere(ctx, c.Func, c.words(), env, hide)
	}
	return r.runThere(ctx, c.Func, c.words(), c.Secrets, hide)
}

// runHere runs mgrctl on this machine.
func (r *Runner) runHere(ctx context.Context, fn string, words, env []string, hide hider) (*Reply, error) {
	program, err := exec.LookPath("mgrctl")
	if err != nil {
		program, err = exec.LookPath(r.program)
	}
	if err != nil {
		return nil, r.notSent(fn, ErrNotInstalled, "no mgrctl in PATH nor at "+r.program+"; run ispsync on the panel's own machine, or give the panel an https or ssh address")
	}
	reply, err := start(ctx, process{at: r.at, fn: fn, program: program, words: words, env: env, hide: hide})
	if err != nil {
		return nil, r.notSent(fn, err, "mgrctl could not be started: "+clean(err.Error()))
	}
	return reply, nil
}

// notSent is the error of a call that provably was not made.
func (r *Runner) notSent(fn string, cause error, msg string) error {
	return &ConnError{Where: r.at.String(), Func: fn, Msg: msg, Err: cause}
}

// ended is the error of a call whose context ended before it was made.
func (r *Runner) ended(ctx context.Context, fn string) error {
	return r.notSent(fn, context.Cause(ctx), "gave up before mgrctl was asked: "+why(ctx))
}

// why is the end of a context in words.
func why(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "no answer in time"
	}
	return fmt.Sprint(context.Cause(ctx))
}
