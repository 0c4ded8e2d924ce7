package main

// The soak applies one spec to many panels on which some of the calls go wrong,
// again and again, until the panels hold everything; then, on a good day, a plan
// must find nothing to do. What it proves is told by the panels' own ledgers:
// each resource was made once.

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// soakFaults are what goes wrong: everything that a call can meet and come
// through, or be settled after.
var soakFaults = []simpanel.Fault{
	simpanel.DropBefore, simpanel.DropAfter, simpanel.DropLate, simpanel.Cut, simpanel.CutConnection, simpanel.BadGateway, simpanel.BadGatewayAfter,
	simpanel.GatewayTimeout, simpanel.Unavailable, simpanel.TooMany, simpanel.Page, simpanel.NoOK, simpanel.RequestFailed, simpanel.RequestFailedAfter,
	simpanel.ForgetSession, simpanel.ShortList,
}

// soakRun is a line of the table.
type soakRun struct {
	exit              int
	wall              time.Duration
	requests, faults  int
	made              int // resources made so far
	rss               int64
	threads, descript int // the most at a time; 0 where the system does not tell
}

// soaker is a soak under way.
type soaker struct {
	size           size
	percent        float64
	parallelism    int
	dir, bin       string
	fleet          *fleet
	stdout, stderr io.Writer
}

func soak(args []string, stdout, stderr io.Writer) (err error) {
	s := &soaker{stdout: stdout, stderr: stderr}
	f := flag.NewFlagSet("bench soak", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&s.size.panels, "panels", 1000, "simulated panels")
	f.IntVar(&s.size.users, "users", 5, "accounts of each panel")
	f.IntVar(&s.size.sites, "sites", 95, "web domains of each panel")
	f.Float64Var(&s.percent, "faults", 2, "of a hundred calls, so many go wrong")
	f.IntVar(&s.parallelism, "parallelism", 100, "panels at once")
	most := f.Int("runs", 10, "give up when so many runs do not suffice")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if s.dir, err = os.MkdirTemp("", "ispsync-soak-"); err != nil {
		return fmt.Errorf("a directory for specs and binaries: %w", err)
	}
	defer os.RemoveAll(s.dir)
	s.bin = filepath.Join(s.dir, "ispsync")
	if err := build(ctx, s.bin); err != nil {
		return err
	}
	if s.fleet, err = startFleet(s.size.panels); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.fleet.close()) }()
	specs := filepath.Join(s.dir, "specs")
	if err := os.Mkdir(specs, 0o700); err != nil {
		return fmt.Errorf("a directory for specs: %w", err)
	}
	sc := scenario{size: s.size, create: true}
	if err := writeSpecs(specs, sc, s.fleet.urls()); err != nil {
		return err
	}
	s.fleet.occupy(sc, func(int) time.Duration { return 0 })
	return s.run(ctx, *most)
}

// run applies until the panels hold everything.
func (s *soaker) run(ctx context.Context, most int) error {
	s.spoil(s.percent / 100)
	var runs []soakRun
	fmt.Fprintln(s.stdout, "| run | exit code | wall s | requests | faults injected | resources made | max RSS MB | threads | descriptors |")
	fmt.Fprintln(s.stdout, "|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for len(runs) == 0 || runs[len(runs)-1].made < s.size.resources() {
		if len(runs) == most {
			return fmt.Errorf("after %d runs the panels do not hold everything", most)
		}
		r, _, err := s.once(ctx, "apply", "--auto-approve", "-q")
		if err != nil {
			return err
		}
		runs = append(runs, r)
		fmt.Fprintf(s.stdout, "| %d | %d | %.1f | %s | %s | %s | %s | %s | %s |\n", len(runs), r.exit, r.wall.Seconds(), thousands(r.requests), thousands(r.faults),
			thousands(r.made), orDash(int(r.rss/1e6)), orDash(r.threads), orDash(r.descript))
	}
	return s.conclude(ctx, runs)
}

// orDash is a figure, or "–" for what the system does not tell.
func orDash(n int) string {
	if n == 0 {
		return "–"
	}
	return thousands(n)
}

// conclude checks that nothing was made twice, and that on a good day there is
// nothing left to do.
func (s *soaker) conclude(ctx context.Context, runs []soakRun) error {
	s.spoil(0)
	twice := 0
	for _, h := range s.fleet.hosts {
		for _, n := range h.panel.Load().Made() {
			if n > 1 {
				twice++
			}
		}
	}
	var all soakRun
	for _, r := range runs {
		all.wall, all.requests, all.faults = all.wall+r.wall, all.requests+r.requests, all.faults+r.faults
	}
	r, said, err := s.once(ctx, "plan", "--detailed-exitcode", "-q")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "\n%s resources on %s panels: %d runs of apply, %s requests, %s faults injected (%g %% of the calls), %s resources made, %d of them more than once, %.0f s in all. A plan after that: exit code %d.\n- %s.\n",
		thousands(s.size.resources()), thousands(s.size.panels), len(runs), thousands(all.requests), thousands(all.faults), s.percent,
		thousands(runs[len(runs)-1].made), twice, all.wall.Seconds(), r.exit, machine(time.Now()))
	switch {
	case twice > 0:
		return fmt.Errorf("%d resources were made more than once", twice)
	case r.exit != 0:
		return fmt.Errorf("a plan after all is not empty:\n%s", said[max(0, len(said)-2000):])
	}
	return nil
}

// spoil makes a share of the calls of every panel go wrong.
func (s *soaker) spoil(share float64) {
	rates := map[simpanel.Fault]float64{}
	for _, f := range soakFaults {
		rates[f] = share / float64(len(soakFaults))
	}
	for _, h := range s.fleet.hosts {
		h.panel.Load().SetFaults(simpanel.Faults{Rates: rates})
	}
}

// once runs ispsync, and looks meanwhile at what the system says of the process.
func (s *soaker) once(ctx context.Context, args ...string) (r soakRun, said string, err error) {
	s.fleet.forget()
	args = append(args, "-f", filepath.Join(s.dir, "specs"), "--state-dir", filepath.Join(s.dir, "state"), "--parallelism", strconv.Itoa(s.parallelism))
	cmd := exec.CommandContext(ctx, s.bin, args...)
	var out bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = childEnv(s.dir), s.dir, &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return r, "", fmt.Errorf("ispsync: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case err = <-ended:
			waiting = false
		case <-tick.C:
			r.look(cmd.Process.Pid)
		}
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		return r, "", errors.Join(err, ctx.Err())
	}
	r.exit, r.wall = cmd.ProcessState.ExitCode(), time.Since(began)
	for _, h := range s.fleet.hosts {
		p := h.panel.Load()
		for _, c := range p.Calls() {
			if r.requests++; c.Fault != "" {
				r.faults++
			}
		}
		r.made += len(slices.Collect(maps.Keys(p.Made())))
	}
	return r, out.String(), nil
}

// look notes the most that a process has held: Linux tells in /proc.
func (r *soakRun) look(pid int) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		n, err := strconv.Atoi(fields[0])
		switch {
		case err != nil:
		case name == "VmHWM": // of this program, unlike what rusage tells: see watch.go
			r.rss = max(r.rss, int64(n)<<10)
		case name == "Threads":
			r.threads = max(r.threads, n)
		}
	}
	if open, err := os.ReadDir(filepath.Join(dir, "fd")); err == nil {
		r.descript = max(r.descript, len(open))
	}
}
