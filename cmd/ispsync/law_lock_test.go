package main

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// TestLawLocks: of two runs at once that have a panel in common, one is refused
// with 8 and has sent no call that writes; with --lock-timeout it waits, and they
// never write to a panel side by side. Two that have none do not notice each other.
func TestLawLocks(t *testing.T) {
	checks(t, "25")
	met := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		c := lockCase{
			waits:  rapid.Bool().Draw(rt, "waits"),
			behind: time.Duration(rapid.IntRange(0, 300).Draw(rt, "behind")) * time.Millisecond,
		}
		for i := range c.panels {
			c.panels[i] = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"web1", "web2", "web3"}), 1, 2, rapid.ID).Draw(rt, "panels")
		}
		if err := inBubble(t, func(t *testing.T) error { return c.check(t, met) }); err != nil {
			rt.Fatalf("%+v: %v", c, err)
		}
	})
	if t.Logf("%v", met); met["refused"] == 0 || met["waited"] == 0 || met["apart"] == 0 {
		t.Error("the law says little")
	}
}

type lockCase struct {
	panels [2][]string
	waits  bool
	behind time.Duration // the second starts so much later
}

func (c lockCase) check(t *testing.T, met map[string]int) error {
	w := &world{spec: map[string]any{"resources": map[string]any{"user": []any{
		map[string]any{"name": "alice", "passwd": "${secret.env('SIM_PASSWORD')}", "panels": "all"},
		map[string]any{"name": "bob", "passwd": "${secret.env('SIM_PASSWORD')}", "panels": "all"},
	}}}}
	for _, name := range []string{"web1", "web2", "web3"} {
		w.panels = append(w.panels, worldPanel{options: simpanel.Options{Name: name, Latency: 100 * time.Millisecond}, limits: map[string]int{}, auth: "session"})
	}
	s, err := w.stage(t)
	if err != nil {
		return err
	}
	var (
		wg   sync.WaitGroup
		runs [2]ran
		errs [2]error
	)
	for i := range runs {
		args := []string{"apply", "--auto-approve"}
		for _, p := range c.panels[i] {
			args = append(args, "--panel", p)
		}
		if c.waits {
			args = append(args, "--lock-timeout", "1h")
		}
		wg.Go(func() {
			time.Sleep(time.Duration(i) * c.behind) // of the bubble
			runs[i], errs[i] = s.runAs(fmt.Sprintf("run%d", i), args...)
		})
	}
	wg.Wait()
	if errs[0] != nil || errs[1] != nil {
		return fmt.Errorf("%v, %v", errs[0], errs[1])
	}
	common := slices.ContainsFunc(c.panels[0], func(p string) bool { return slices.Contains(c.panels[1], p) })
	codes := []exitCode{runs[0].code, runs[1].code}
	slices.Sort(codes)
	want := []exitCode{exitOK, exitOK}
	switch {
	case common && !c.waits:
		want[1] = exitLocked
		met["refused"]++
	case common:
		met["waited"]++
	default:
		met["apart"]++
	}
	if d := cmp.Diff(want, codes); d != "" {
		return fmt.Errorf("exit codes: %s\n%v\n%v", d, runs[0], runs[1])
	}
	for name, calls := range s.writes() {
		if n := len(calls); n != 2 { // alice and bob, once
			return fmt.Errorf("%s got %d writing calls", name, n)
		}
	}
	return s.madeOnce()
}
