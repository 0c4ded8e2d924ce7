package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// trial is one scenario being measured.
type trial struct {
	*workshop
	scenario
	fleet  *fleet
	specs  string
	result *result
}

// measure runs a scenario as often as it says. The error is that of the first
// run that did not do what it should have.
func (w *workshop) measure(ctx context.Context, s scenario) (_ *result, err error) {
	t := &trial{workshop: w, scenario: s, result: &result{scenario: s}}
	if w.runs > 0 {
		t.scenario.runs = w.runs
	}
	if t.specs, err = os.MkdirTemp(w.dir, "specs-"); err != nil {
		return nil, fmt.Errorf("a directory for specs: %w", err)
	}
	defer os.RemoveAll(t.specs)
	if t.fleet, err = startFleet(s.size.panels); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.fleet.close()) }()
	if err := writeSpecs(t.specs, s, t.fleet.urls()); err != nil {
		return nil, err
	}
	if s.slow > 0 {
		if t.result.othersAlone, err = t.runs(ctx, func(int) time.Duration { return s.latency }); err != nil {
			return nil, err
		}
		t.result.costs = nil
	}
	if t.result.others, err = t.runs(ctx, s.latencyOf); err != nil {
		return nil, err
	}
	lanes := t.fleet.lanes()
	if s.create {
		if err := t.settled(ctx); err != nil {
			return nil, err
		}
	}
	if err := t.compare(ctx, lanes); err != nil {
		return nil, err
	}
	return t.result, nil
}

// runs runs ispsync, and returns the median of when the last call to a panel
// other than the first came.
func (t *trial) runs(ctx context.Context, latency func(panel int) time.Duration) (others time.Duration, err error) {
	var all []time.Duration
	for i := range t.scenario.runs {
		if i == 0 || t.create {
			t.fleet.occupy(t.scenario, latency)
		}
		t.fleet.forget()
		args := []string{"plan"}
		if t.create {
			args = []string{"apply", "--auto-approve"}
		}
		c, err := t.ispsyncRun(ctx, args)
		if err != nil {
			return 0, err
		}
		if err := t.check(c); err != nil {
			return 0, fmt.Errorf("run %d: %w", i+1, err)
		}
		t.result.costs = append(t.result.costs, c)
		t.result.requests = t.fleet.requests()
		all = append(all, t.fleet.lastOfOthers())
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// ispsyncRun runs ispsync over the scenario's specs with a state directory of its own.
func (t *trial) ispsyncRun(ctx context.Context, args []string) (cost, error) {
	state, err := os.MkdirTemp(t.dir, "state-")
	if err != nil {
		return cost{}, fmt.Errorf("a state directory: %w", err)
	}
	defer os.RemoveAll(state)
	args = append(args, "-f", t.specs, "--state-dir", state)
	c, err := t.run(ctx, order{Path: t.ispsync, Args: args, Env: childEnv(t.workshop.dir), Dir: t.workshop.dir})
	if err != nil {
		return cost{}, fmt.Errorf("ispsync: %w", err)
	}
	t.tell("ispsync "+args[0], c)
	return c, nil
}

// childEnv is all that ispsync and the aiohttp script see of the environment.
func childEnv(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home,
		panelPasswordVar + "=" + panelPassword, userPasswordVar + "=" + userPassword}
}

// settled checks that a plan after the apply finds nothing to do.
func (t *trial) settled(ctx context.Context) error {
	c, err := t.ispsyncRun(ctx, []string{"plan"})
	if err != nil {
		return err
	}
	if c.Exit != 0 || !strings.Contains(c.Stdout, "No changes.") {
		return fmt.Errorf("a plan after the apply is not empty: %w", unexpected(c))
	}
	return nil
}

// compare runs the floors on the calls that ispsync sent, and the aiohttp script.
func (t *trial) compare(ctx context.Context, lanes []lane) error {
	if t.floors > 0 {
		path := filepath.Join(t.specs, "calls")
		if err := writeLanes(path, lanes); err != nil {
			return err
		}
		t.result.floors = map[string][]cost{}
		counted := map[int]bool{}
		for _, way := range ways {
			costs, n, err := t.floorRuns(ctx, way, path)
			if err != nil {
				return err
			}
			t.result.floors[way], counted[n] = costs, true
			if len(counted) > 1 || n < t.size.resources() {
				return fmt.Errorf("the floor %s counted %d; there are %d resources, and every way must count the same", way, n, t.size.resources())
			}
		}
	}
	if t.workshop.python.path == "" {
		return nil
	}
	for range t.scenario.python {
		c, err := t.runPython(ctx, t.specs, t.size.resources())
		if err != nil {
			return err
		}
		t.tell("aiohttp", c)
		t.result.python = append(t.result.python, c)
	}
	return nil
}

// floorRuns runs one floor, on panels as ispsync found them.
func (t *trial) floorRuns(ctx context.Context, way, calls string) (costs []cost, counted int, err error) {
	for range t.floors {
		if t.create {
			t.fleet.occupy(t.scenario, t.latencyOf)
		}
		c, err := t.run(ctx, order{Path: t.self, Args: []string{way, calls}, Env: []string{roleVar + "=" + roleFloor}, Dir: t.workshop.dir})
		if err != nil {
			return nil, 0, fmt.Errorf("floor: %w", err)
		}
		t.tell("floor "+way, c)
		if counted, err = strconv.Atoi(strings.TrimSpace(c.Stdout)); err != nil || c.Exit != 0 {
			return nil, 0, fmt.Errorf("the floor with %s failed: %w", way, unexpected(c))
		}
		costs = append(costs, c)
	}
	return costs, counted, nil
}

// tell tells one run, for -v.
func (t *trial) tell(what string, c cost) {
	fmt.Fprintf(t.told, "%-24s %-14s cpu %7.3f s  wall %7.3f s  rss %6.1f MB\n", t.name, what, c.CPU.Seconds(), c.Wall.Seconds(), float64(c.MaxRSS)/1e6)
}
