package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// Faults at every boundary between ispsync and a panel: each call of a fixed plan
// in turn, the reading ones and logins too, and plans with kinds of every sort:
// those whose panel makes two of one name, those that live in another or are
// listed account by account.

// kindsSpec has a resource of each sort of kind.
var kindsSpec = map[string]any{
	"resources": map[string]any{
		"user":          []any{map[string]any{"name": "alice", "passwd": "${secret.env('SIM_PASSWORD')}"}},
		"domain":        []any{map[string]any{"name": "example.com", "owner": "alice"}},
		"domain.record": []any{map[string]any{"name": "mail", "plid": "example.com", "rtype": "a", "value": "192.0.2.25", "ttl": 3600}},
		"emaildomain":   []any{map[string]any{"name": "example.com", "owner": "alice"}},
		"email":         []any{map[string]any{"name": "info@example.com", "passwd": "${secret.env('SIM_PASSWORD')}", "active": false}},
		"db":            []any{map[string]any{"name": "shop", "owner": "alice", "user": "*", "username": "shop", "password": "${secret.env('SIM_PASSWORD')}"}},
		"ftp.user":      []any{map[string]any{"name": "upload", "owner": "alice", "passwd": "${secret.env('SIM_PASSWORD')}"}},
		"scheduler": []any{
			map[string]any{"name": "nightly", "su": "alice", "command": "/bin/true", "schedule_type": "type_expert", "input_hour": "3"},
			map[string]any{"name": "off", "su": "u00001", "command": "/bin/false", "schedule_type": "type_expert", "input_hour": "4", "active": false},
		},
	},
}

// disturbance is a fault at one call of a run.
type disturbance struct {
	spec  map[string]any
	fault simpanel.Fault
	reads bool // counts the reading calls, else the writing ones
	nth   int  // from 0; -1: never
}

// run applies until all is done, at most twice more, and says how many calls
// there were of the sort that is counted.
func (d disturbance) run(t *testing.T) (out *replyRun, calls int, err error) {
	w := &world{spec: d.spec, panels: []worldPanel{{options: simpanel.Options{Name: "web1", Restart: true, PageSize: 2}, limits: map[string]int{"writes": 1, "reads": 1}, auth: "session"}}}
	s, err := w.stage(t)
	if err != nil {
		return nil, 0, err
	}
	web1 := s.panels["web1"]
	web1.Seed(3, 1)
	web1.SetFaults(simpanel.Faults{LateBy: 10 * time.Second, Hook: func(c simpanel.Call) simpanel.Fault {
		if c.Write == d.reads {
			return ""
		}
		calls++ // they come one at a time
		if calls-1 == d.nth {
			return d.fault
		}
		return ""
	}})
	_, first, err := s.apply()
	if err != nil {
		return nil, 0, err
	}
	web1.SetFaults(simpanel.Faults{})
	if first.code != exitOK {
		if _, err := s.want(exitOK, "apply", "--auto-approve"); err != nil {
			return nil, 0, fmt.Errorf("the run after %v: %w", first, err)
		}
	}
	out = &replyRun{ends: s.ends(), calls: s.writes()["web1"], code: first.code}
	if err := s.madeOnce(); err != nil {
		return nil, 0, fmt.Errorf("%w; first run: %v", err, first)
	}
	return out, calls, s.settled()
}

// atEachCall tries faults at each call, and says how many there were.
func atEachCall(t *testing.T, calm disturbance, faults ...simpanel.Fault) {
	t.Helper()
	var (
		want  *replyRun
		calls int
	)
	try := func(d disturbance) (got *replyRun) {
		if err := inBubble(t, func(t *testing.T) (err error) {
			got, calls, err = d.run(t)
			return err
		}); err != nil {
			t.Errorf("%s at call %d: %v", d.fault, d.nth, err)
			return nil
		}
		return got
	}
	calm.nth = -1
	if want = try(calm); want == nil || want.code != exitOK {
		t.Fatalf("undisturbed: %+v", want)
	}
	most, tries, again := calls, 0, 0
	for nth := range most {
		for _, f := range faults {
			d := calm
			d.fault, d.nth = f, nth
			got := try(d)
			if tries++; got == nil {
				continue
			}
			if got.code != exitOK {
				again++
			}
			if d := cmp.Diff(want.ends, got.ends); d != "" {
				t.Errorf("%s at call %d: the panel ends otherwise:\n%s", f, nth, d)
			}
		}
	}
	t.Logf("%d faults at %d calls; %d runs needed a second", tries, most, again)
}

// TestLawLostReplyOfEveryKind: whatever the kind, a fault at any writing call
// makes nothing twice, and the run, or the one after it, ends as if nothing
// had happened. Changes that land late do so ten seconds later, before or while
// the second run looks.
func TestLawLostReplyOfEveryKind(t *testing.T) {
	atEachCall(t, disturbance{spec: kindsSpec},
		simpanel.DropBefore, simpanel.DropAfter, simpanel.DropLate, simpanel.Cut, simpanel.RequestFailed, simpanel.RequestFailedAfter,
		simpanel.Page, simpanel.BadGatewayAfter, simpanel.NoOK, simpanel.HangLate)
}

// TestLawReadingFaults: a fault at any reading call, logins included, costs at
// most a second run.
func TestLawReadingFaults(t *testing.T) {
	atEachCall(t, disturbance{spec: kindsSpec, reads: true},
		simpanel.DropBefore, simpanel.Cut, simpanel.RequestFailed, simpanel.Page, simpanel.ForgetSession,
		simpanel.ShortList)
}
