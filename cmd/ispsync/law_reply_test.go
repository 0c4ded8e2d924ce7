package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
)

// A run that is disturbed at any one of its writing calls, or stopped at any
// time, ends where the undisturbed run ends, at the latest after one more run,
// and makes nothing twice. The plan is fixed: creates, updates, a suspended
// account, deletes, on a panel that wants a restart and brings zones.

var replySpec = map[string]any{
	"resources": map[string]any{
		"user": []any{
			map[string]any{"name": "alice", "passwd": "${secret.env('SIM_PASSWORD')}", "fullname": "Alice"},
			map[string]any{"name": "bob", "passwd": "${secret.env('SIM_PASSWORD')}", "active": false, "limit_cpu": 7},
			map[string]any{"name": "u00001", "fullname": "Changed", "active": false},
			map[string]any{"name": "u00003", "ensure": "absent"},
		},
		"domain": []any{
			map[string]any{"name": "example.org", "owner": "alice", "ns": []any{"ns1.example.net.", "ns2.example.net."}},
		},
		"webdomain": []any{
			map[string]any{"name": "shop.example.org", "owner": "alice", "aliases": []any{"www.shop.example.org"}},
			map[string]any{"name": "пример.рф", "owner": "bob", "active": false},
			map[string]any{"name": "site00001-1.example.com", "php_mode": "php_mode_mod"},
			map[string]any{"name": "site00002-1.example.com", "ensure": "absent"},
		},
	},
}

// replyStage is the panel and the spec, before anything ran.
func replyStage(t *testing.T, o simpanel.Options) (*stage, error) {
	o.Name, o.Restart, o.BringsZones, o.RestartDowntime = "web1", true, true, time.Second
	w := &world{spec: replySpec, panels: []worldPanel{{options: o, limits: map[string]int{"writes": 1}, auth: "session"}}}
	s, err := w.stage(t)
	if err == nil {
		s.panels["web1"].Seed(3, 1)
	}
	return s, err
}

// replyRun is what a run of the fixed plan did.
type replyRun struct {
	ends  any
	calls []simpanel.Call // that write
	code  exitCode
}

// disturbed runs the fixed plan with one fault at the nth writing call (from
// 0), and once more when the first run did not do everything.
func disturbed(t *testing.T, fault simpanel.Fault, nth int, args ...string) (*replyRun, error) {
	s, err := replyStage(t, simpanel.Options{})
	if err != nil {
		return nil, err
	}
	p, _, err := s.plan(exitOK)
	if err != nil {
		return nil, err
	}
	seen := 0
	s.panels["web1"].SetFaults(simpanel.Faults{LateBy: 3 * time.Second, Hook: func(c simpanel.Call) simpanel.Fault {
		if !c.Write {
			return ""
		}
		seen++ // calls that write come one at a time
		if seen-1 == nth {
			return fault
		}
		return ""
	}})
	out, err := s.runAndMend(p, args...)
	if err == nil && nth >= 0 && seen <= nth {
		err = fmt.Errorf("there is no writing call %d", nth)
	}
	return out, err
}

// runAndMend applies, holds the report against the plan, and applies once more
// if something was left.
func (s *stage) runAndMend(p *plan.Plan, args ...string) (*replyRun, error) {
	report, r, err := s.apply(append(args, "--report", s.path("report.json"))...)
	if err != nil {
		return nil, err
	}
	if err := accounted(p, report); err != nil {
		return nil, fmt.Errorf("%w\n%v", err, r)
	}
	if err := s.sameReport(report); err != nil {
		return nil, err
	}
	s.panels["web1"].SetFaults(simpanel.Faults{})
	time.Sleep(time.Minute) // late changes come to pass
	if done := report.Summary.Done == len(p.Steps); r.code != exitOK || !done {
		if r.code == exitOK {
			return nil, fmt.Errorf("exit code 0, though not every step is done: %v", r)
		}
		if again, err := s.want(exitOK, "apply", "--auto-approve"); err != nil {
			return nil, fmt.Errorf("the run after %v: %w, %v", r, err, again)
		}
	}
	out := &replyRun{ends: s.ends(), calls: s.writes()["web1"], code: r.code}
	if err := s.madeOnce(); err != nil {
		return nil, err
	}
	return out, s.settled()
}

// madeOnce fails when a panel made something twice, by its own ledger.
func (s *stage) madeOnce() error {
	for name, p := range s.panels {
		for what, n := range p.Made() {
			if n > 1 {
				return fmt.Errorf("%s made %s %d times", name, what, n)
			}
		}
	}
	return nil
}

// sameReport holds the report file against what stdout told.
func (s *stage) sameReport(told *executor.Report) error {
	b, err := os.ReadFile(s.path("report.json"))
	if err != nil {
		return err
	}
	filed := &executor.Report{}
	if err := json.Unmarshal(b, filed); err != nil {
		return err
	}
	if d := cmp.Diff(told, filed); d != "" {
		return fmt.Errorf("the report file is not what stdout says:\n%s", d)
	}
	return nil
}

// twins fails when a create took effect twice.
func twins(calls []simpanel.Call) error {
	made := map[string]int{}
	for _, c := range calls {
		if c.Applied && strings.HasSuffix(c.Func, ".edit") && c.Params["elid"] == "" {
			name := c.Func + " " + c.Params["name"]
			if made[name]++; made[name] > 1 {
				return fmt.Errorf("%s was done %d times", name, made[name])
			}
		}
	}
	return nil
}

// TestLawLostReply disturbs every writing call in every way.
func TestLawLostReply(t *testing.T) {
	calm := undisturbed(t)
	if n := len(calm.calls); n < 11 {
		t.Fatalf("the undisturbed run sent %d writing calls: %v", n, calm.calls)
	}
	for nth := range calm.calls {
		for _, fault := range []simpanel.Fault{simpanel.DropBefore, simpanel.DropAfter, simpanel.Cut, simpanel.CutConnection, simpanel.ApplyLater,
			simpanel.BadGateway, simpanel.GatewayTimeout, simpanel.RequestFailed, simpanel.ForgetSession, simpanel.Ignore,
			simpanel.BadGatewayAfter, simpanel.Page, simpanel.TooMany, simpanel.RequestFailedAfter, simpanel.DropLate, simpanel.HangLate,
			simpanel.Hang, simpanel.NoOK, simpanel.Restarted} {
			c := calm.calls[nth]
			t.Run(fmt.Sprintf("%s at %d %s %s", fault, nth, c.Func, c.Params["elid"]+c.Params["name"]), func(t *testing.T) {
				var got *replyRun
				err := inBubble(t, func(t *testing.T) (err error) {
					got, err = disturbed(t, fault, nth)
					return err
				})
				if err == nil {
					err = twins(got.calls)
				}
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(calm.ends, got.ends); d != "" {
					t.Errorf("the panel ends otherwise:\n%s", d)
				}
				if settles(fault) && c.Func != "restart" && got.code != exitOK {
					t.Errorf("want exit code 0 of the first run: one lost reply is settled by reading; got %d", got.code)
				}
			})
		}
	}
}

// settles tells whether a run comes through a fault by itself. It cannot when
// the panel says that it did what it did not, or not yet: what needs that is
// refused. And a request that an administrator ended is not sent again.
func settles(f simpanel.Fault) bool {
	return f != simpanel.Ignore && f != simpanel.ApplyLater
}

// undisturbed is the run without a fault.
func undisturbed(t *testing.T) (out *replyRun) {
	t.Helper()
	if err := inBubble(t, func(t *testing.T) (err error) {
		out, err = disturbed(t, "", -1)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if out.code != exitOK {
		t.Fatalf("the undisturbed run ends with %d", out.code)
	}
	return out
}

// TestLawStoppedAnywhere stops the run while each of its calls is in flight,
// by --timeout on the false clock: every call takes a second.
func TestLawStoppedAnywhere(t *testing.T) {
	calm := undisturbed(t)
	codes := map[exitCode]int{}
	for half := range 30 {
		timeout := time.Duration(half)*time.Second + 500*time.Millisecond
		var got *replyRun
		if err := inBubble(t, func(t *testing.T) error {
			s, err := replyStage(t, simpanel.Options{Latency: time.Second})
			if err != nil {
				return err
			}
			p, _, err := s.plan(exitOK)
			if err != nil {
				return err
			}
			r, err := s.run("apply", "--auto-approve", "-o", "json", "--timeout", timeout.String())
			if err != nil {
				return err
			}
			codes[r.code]++
			if err := s.stoppedInOrder(p, r); err != nil {
				return fmt.Errorf("%w: %v", err, r)
			}
			got, err = s.runAndMendFrom(r.code)
			return err
		}); err != nil {
			t.Fatalf("stopped after %v: %v", timeout, err)
		}
		if d := cmp.Diff(calm.ends, got.ends); d != "" {
			t.Errorf("stopped after %v: the panel ends otherwise:\n%s", timeout, d)
		}
		if err := twins(got.calls); err != nil {
			t.Errorf("stopped after %v: %v", timeout, err)
		}
	}
	if codes[exitInterrupted] < 15 || codes[exitOK] < 1 {
		t.Errorf("the stops were too early or too late to say much: %v", codes)
	}
}

// stoppedInOrder holds what a run that was perhaps stopped told against what
// it did: each step of the plan has an outcome, none is unknown, and without a
// plan nothing was written.
func (s *stage) stoppedInOrder(p *plan.Plan, r ran) error {
	report := &executor.Report{}
	if err := json.Unmarshal([]byte(r.stdout), report); r.stdout != "" && err != nil {
		return err
	}
	if len(report.Outcomes) == 0 { // stopped while the panel was read
		if calls := s.writes(); len(calls) > 0 {
			return fmt.Errorf("nothing is accounted for, though there were calls: %v", calls)
		}
		return nil
	}
	if err := accounted(p, report); err != nil {
		return err
	}
	if (r.code == exitInterrupted) != (report.Result == executor.Interrupted) || report.Summary.Unknown+report.Summary.Failed > 0 {
		return fmt.Errorf("this is no orderly stop")
	}
	return nil
}

// runAndMendFrom applies once more after an interrupted run.
func (s *stage) runAndMendFrom(code exitCode) (*replyRun, error) {
	if code != exitOK {
		if _, err := s.want(exitOK, "apply", "--auto-approve"); err != nil {
			return nil, err
		}
	}
	return &replyRun{ends: s.ends(), calls: s.writes()["web1"], code: code}, s.settled()
}
