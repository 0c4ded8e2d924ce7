package simpanel

import (
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Call is one entry of the ledger: a request as the panel received it.
type Call struct {
	// N counts calls from 1, in the order they arrived since New or the last
	// ResetCalls. OfFunc counts those of the same function.
	N, OfFunc int
	// At is when it arrived, by the panel's clock.
	At time.Time
	// Func is the function asked for.
	Func string
	// Method is the HTTP method, or mgrctl.
	Method string
	// Params are the parameters, func left out, secret values as "*".
	Params map[string]string
	// SecretInURL tells that a secret came in the URL, where access logs
	// keep it.
	SecretInURL bool
	// Write tells that the call asks for a change: restart, an edit with sok,
	// a delete, suspend or resume, refused or not. Logging in is none.
	Write bool
	// Applied tells that it did. A change that a fault delays is applied
	// when it takes effect.
	Applied bool
	// Made is what a create made, as kind/key; empty for other calls, and until
	// it takes effect.
	Made string
	// Fault is what went wrong on purpose; empty when nothing did.
	Fault Fault
	// Error is type and object of the panel's error, as "exists/user"; empty
	// for a success and when no document was answered.
	Error string
}

// secretParams are the parameters a panel neither logs nor echoes (guide,
// log file: "parameters equal to *"; section 5: tparams without secrets).
var secretParams = map[string]bool{
	"passwd": true, "password": true, "confirm": true, "authinfo": true, "auth": true, "key": true,
}

// ledger records calls. It has a lock of its own, so recording does not wait
// for the state.
type ledger struct {
	mu    sync.Mutex
	calls []Call
	count map[string]int
	// first is the number of calls a reset forgot, so that a call that was
	// in flight then does not write to another's entry.
	first int
}

// begin records a call and returns its entry and a copy for fault hooks.
func (l *ledger) begin(c Call) (int, Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count = make(map[string]int)
	}
	l.count[c.Func]++
	c.N, c.OfFunc = len(l.calls)+1, l.count[c.Func]
	l.calls = append(l.calls, c)
	return l.first + len(l.calls) - 1, c
}

func (l *ledger) change(entry int, f func(*Call)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := entry - l.first; entry != noEntry && i >= 0 {
		f(&l.calls[i])
	}
}

func (l *ledger) applied(entry int) {
	l.change(entry, func(c *Call) { c.Applied = true })
}

// Calls are the calls so far, in the order they arrived. The Params maps are
// shared and must not be changed.
func (p *Panel) Calls() []Call {
	p.mu.Lock()
	p.settle()
	p.mu.Unlock()
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	return slices.Clone(p.ledger.calls)
}

// noteMade enters an executed create into the ledger. The lock is held.
func (c *call) noteMade(k *kind, r *row) {
	made := k.name + "/" + r.key
	c.p.made[made]++
	c.p.ledger.change(c.entry, func(l *Call) { l.Made = made })
}

// Made tells how often a call has made each resource, by kind/key, since New:
// ResetCalls leaves it alone. What came with another, and what was seeded, is
// not in it. A key that is there twice was deleted in between, for a panel has
// no two of one key; two of what has no key of its own, such as cron jobs, are
// two entries.
func (p *Panel) Made() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	return maps.Clone(p.made)
}

// Counts tells how many calls of each function there were.
func (p *Panel) Counts() map[string]int {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	return maps.Clone(p.ledger.count)
}

// ResetCalls empties the ledger and starts its numbers anew.
func (p *Panel) ResetCalls() {
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	p.ledger.first += len(p.ledger.calls)
	p.ledger.calls, p.ledger.count = nil, nil
}

// masked is what the ledger keeps of the parameters.
func masked(form url.Values) map[string]string {
	out := make(map[string]string, len(form))
	for name, values := range form {
		switch {
		case name == "func" || len(values) == 0:
		case secretParams[name]:
			out[name] = "*"
		default:
			out[name] = values[0]
		}
	}
	return out
}
