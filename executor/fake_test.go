package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// The kinds of the tests: the panel refuses a second user of a name, but makes
// as many jobs as it is asked for.
var (
	userKind = &specs.Kind{Name: "user", Key: specs.Key{Unique: true}}
	jobKind  = &specs.Kind{Name: "job"}
	recKind  = &specs.Kind{Name: "record", Key: specs.Key{Unique: true}, Parent: &specs.Parent{Kind: "zone", Field: "plid"}}
	cronKind = &specs.Kind{Name: "cron", Su: "su"}
)

func kindOf(name string) *specs.Kind {
	for _, k := range []*specs.Kind{userKind, jobKind, recKind, cronKind} {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// fault is what goes wrong with one call.
type fault string

const (
	fine       fault = ""
	refuse     fault = "refused"
	internal   fault = "an error of our own"
	lostBefore fault = "lost before it was applied"
	lostAfter  fault = "applied, reply lost"
	lostLate   fault = "reply lost, applied ten seconds later"
	lostPart   fault = "applied in part, reply lost"
	deaf       fault = "accepted, not applied"
	slowEffect fault = "accepted, applied two seconds later"
	asks       fault = "applied, asks for a restart"
	hangs      fault = "hangs until it is cut"
	claimsIs   fault = "says it exists, whatever is true"
	asksRefuse fault = "asks for a restart, and is refused half-way"
	asksLost   fault = "asks for a restart, and is lost half-way"
	claimsGone fault = "says it is gone, whatever is true"
	notSent    fault = "not sent, because the panel is down"
)

var allFaults = []fault{fine, refuse, internal, lostBefore, lostAfter, lostLate, lostPart, deaf, slowEffect, asks}

// panelError is a CallError.
type panelError struct {
	typ                             string
	maybe, exists, gone, nofn, down bool
}

func (e *panelError) Error() string      { return "web: " + e.typ }
func (e *panelError) MaybeApplied() bool { return e.maybe }
func (e *panelError) Exists() bool       { return e.exists }
func (e *panelError) Gone() bool         { return e.gone }
func (e *panelError) Unsupported() bool  { return e.nofn }
func (e *panelError) Down() bool         { return e.down }
func (e *panelError) Detail() (typ, object, message string) {
	return e.typ, "name", "the panel says " + e.typ
}

var (
	errLost    = &panelError{typ: "reply_lost", maybe: true}
	errRefused = &panelError{typ: "value"}
	errExists  = &panelError{typ: "exists", exists: true}
	errGone    = &panelError{typ: "missed", gone: true}
	errDown    = &panelError{typ: "panel_down", down: true}
	errNoFn    = &panelError{typ: "nofunc", nofn: true}
)

// thing is a resource on the fake panel. Several can have one name, if their
// kind is not unique.
type thing struct {
	fields map[string]specs.Value
	copies int
}

// call is a writing call as it arrived.
type call struct {
	action plan.Action
	ref    string
	fault  fault
}

// fake is a panel in memory.
type fake struct {
	// faults are those of a resource's first, second, … writing call.
	faults map[string][]fault
	// unread are errors of the first, second, … Read; nil is none.
	unread []error
	// listingErr spoils every listing, though the Read as a whole succeeds.
	listingErr error
	forgets    bool // Read leaves every kind out
	restartErr error
	hidden     map[string]bool // fields the panel never tells
	callTime   time.Duration   // of a writing call
	onCall     func(call)      // in the call, before it does anything
	waitForCut bool            // Read and Restart hang until they are cut
	onRead     func()          // in the call, before it reads anything

	mu                    sync.Mutex
	things                map[string]*thing // by kind/key
	calls                 []call
	made                  map[string]int // how often each resource was made
	reads, restarts       int
	writing, mostWriting  int
	wants                 []specs.Want
	restartedWhileWriting bool
}

func newFake() *fake {
	return &fake{things: map[string]*thing{}, made: map[string]int{}, faults: map[string][]fault{}, hidden: map[string]bool{}}
}

func name(r specs.Resource) string { return r.Ref.Kind + "/" + r.Ref.Key }

func (f *fake) Create(ctx context.Context, r specs.Resource) (bool, error) {
	return f.write(ctx, plan.Create, r, func(part bool) error {
		t := f.things[name(r)]
		if t != nil && kindOf(r.Ref.Kind).Key.Unique {
			return errExists
		}
		if t == nil {
			t = &thing{fields: map[string]specs.Value{}}
			f.things[name(r)] = t
			for _, fd := range r.Fields { // a panel tells a field that was not set, too
				t.fields[fd.Name] = specs.Text("")
			}
		}
		t.copies++
		f.made[name(r)]++
		t.set(r, part)
		return nil
	})
}

func (f *fake) Update(ctx context.Context, r specs.Resource) (bool, error) {
	return f.write(ctx, plan.Update, r, func(part bool) error {
		t := f.things[name(r)]
		if t == nil {
			return errGone
		}
		t.set(r, part)
		return nil
	})
}

func (f *fake) Delete(ctx context.Context, r specs.Resource) (bool, error) {
	return f.write(ctx, plan.Delete, r, func(bool) error {
		if f.things[name(r)] == nil {
			return errGone
		}
		delete(f.things, name(r))
		return nil
	})
}

// set writes the fields, or all but the last of them.
func (t *thing) set(r specs.Resource, part bool) {
	fields := r.Fields
	if part && len(fields) > 0 {
		fields = fields[:len(fields)-1]
	}
	for _, fd := range fields {
		t.fields[fd.Name] = fd.Value
	}
}

func (f *fake) write(ctx context.Context, a plan.Action, r specs.Resource, apply func(part bool) error) (bool, error) {
	c := f.arrive(a, r)
	defer f.leave()
	if f.onCall != nil {
		f.onCall(c)
	}
	if c.fault == notSent {
		return false, errDown
	}
	if f.callTime > 0 {
		t := time.NewTimer(f.callTime)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return false, errLost
		}
	}
	if c.fault == hangs {
		<-ctx.Done()
		return false, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	later := func(d time.Duration) {
		time.AfterFunc(d, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			_ = apply(false) // too late to tell anybody
		})
	}
	switch c.fault {
	case refuse:
		return false, errRefused
	case claimsIs:
		return false, errExists
	case claimsGone:
		return false, errGone
	case asksRefuse:
		return true, errRefused
	case asksLost:
		return true, errLost
	case internal:
		return false, errors.New("the secret cannot be read")
	case lostBefore:
		return false, errLost
	case lostAfter:
		return false, cmp.Or(apply(false), error(errLost))
	case lostPart:
		return false, cmp.Or(apply(true), error(errLost))
	case lostLate:
		later(10 * time.Second)
		return false, errLost
	case slowEffect:
		later(2 * time.Second)
		return false, nil
	case deaf:
		return false, nil
	default:
		return c.fault == asks, apply(false)
	}
}

// arrive notes a call and draws its fault.
func (f *fake) arrive(a plan.Action, r specs.Resource) call {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := call{action: a, ref: name(r)}
	if fs := f.faults[c.ref]; len(fs) > 0 {
		c.fault, f.faults[c.ref] = fs[0], fs[1:]
	}
	if c.fault != notSent {
		f.calls = append(f.calls, c)
	}
	f.writing++
	f.mostWriting = max(f.mostWriting, f.writing)
	return c
}

func (f *fake) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing--
}

func (f *fake) Read(ctx context.Context, wants []specs.Want) (*specs.State, error) {
	f.mu.Lock()
	f.reads++
	f.wants = append(f.wants, wants...)
	var err error
	if len(f.unread) > 0 {
		err, f.unread = f.unread[0], f.unread[1:]
	}
	f.mu.Unlock()
	if f.onRead != nil {
		f.onRead()
	}
	if f.waitForCut {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	st := specs.NewState("web")
	for _, w := range wants {
		if f.forgets {
			continue
		}
		if f.listingErr != nil {
			st.Fail(w.Kind.Name, f.listingErr)
			continue
		}
		if err := st.Set(w.Kind.Name, f.list(w.Kind.Name)); err != nil {
			return nil, err
		}
	}
	return st, nil
}

func (f *fake) list(kind string) []specs.Resource {
	var rs []specs.Resource
	for ref, t := range f.things {
		full, err := specs.ParseRef("web/" + ref)
		if err != nil {
			panic(err)
		}
		if full.Kind != kind {
			continue
		}
		r := specs.Resource{Ref: full}
		for _, n := range slices.Sorted(maps.Keys(t.fields)) {
			if !f.hidden[n] {
				r.Fields = append(r.Fields, specs.Field{Name: n, Value: t.fields[n]})
			}
		}
		rs = append(rs, r)
	}
	return rs
}

func (f *fake) Restart(ctx context.Context) error {
	if f.waitForCut {
		<-ctx.Done()
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restarts++
	f.restartedWhileWriting = f.restartedWhileWriting || f.writing > 0
	return f.restartErr
}

func (f *fake) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls) + f.reads + f.restarts
}

// put is there from the start.
func (f *fake) put(ref string, fields ...string) {
	t := &thing{fields: map[string]specs.Value{}, copies: 1}
	for i := 0; i < len(fields); i += 2 {
		t.fields[fields[i]] = specs.Text(fields[i+1])
	}
	f.things[ref] = t
}

// state is what is on the panel, for comparing.
func (f *fake) state() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]string{}
	for ref, t := range f.things {
		line := fmt.Sprintf("%d:", t.copies)
		for _, n := range slices.Sorted(maps.Keys(t.fields)) {
			line += " " + n + "=" + t.fields[n].String()
		}
		out[ref] = line
	}
	return out
}

// step makes a step with an id of its own: step("s2", plan.Create, "web1/user/bob",
// []string{"s1"}, "fullname", "Bob").
func step(id string, a plan.Action, ref string, needs []string, fields ...string) plan.Step {
	r, err := specs.ParseRef(ref)
	if err != nil {
		panic(err)
	}
	s := plan.Step{ID: id, Ref: r, Panel: r.Panel, Kind: r.Kind, Key: r.Key, Action: a, Needs: needs}
	for i := 0; i < len(fields); i += 2 {
		s.Changes = append(s.Changes, plan.Change{Field: fields[i], After: specs.Text(fields[i+1])})
	}
	return s
}

// ends is what became of the steps, by id.
func ends(r *Report) map[string]What {
	out := map[string]What{}
	for _, o := range r.Outcomes {
		out[o.Step] = o.Outcome
	}
	return out
}
