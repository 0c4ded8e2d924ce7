// Command bench measures what ispsync costs: `make bench`, or
// `go run ./internal/bench` from anywhere in the module.
//
// It serves simulated panels on loopback, runs the real ispsync binary against
// them as a child process, and prints a table with the child's processor time,
// memory and wall time beside the floor: a bare loop that sends the very same
// calls and does nothing with the answers but count rows, with encoding/xml and
// with two byte scanners (see floor.go). Where Python has aiohttp and yaml,
// a script that reads the same specs runs too. Panels and children share the
// machine, so only what the children themselves used is counted.
//
// `go run ./internal/bench soak` does something else: see soak.go.
//
// The exit code is 1 when a run did not do what it should have (a plan that is
// not empty, a call too many, a resource missing), not when a budget is missed:
// a budget says something only on a quiet machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
)

// roleVar makes a copy of this binary something else than the bench: see watch
// and floor.
const roleVar = "ISPSYNC_BENCH_ROLE"

const (
	roleWatch = "watch"
	roleFloor = "floor"
)

func main() {
	var err error
	switch os.Getenv(roleVar) {
	case roleWatch:
		err = watch(os.Stdin, os.Stdout)
	case roleFloor:
		err = floor(os.Args[1:], os.Stdout)
	default:
		err = bench(os.Args[1:], os.Stdout, os.Stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// workshop is what the scenarios work with: the binaries, a directory of their
// own, and how often to repeat.
type workshop struct {
	dir     string
	ispsync string
	self    string
	python  python
	runs    int // 0: as often as the scenario says
	told    io.Writer
}

func bench(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "soak" {
		return soak(args[1:], stdout, stderr)
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	only := f.String("only", "", "only the scenarios whose name this regular expression matches")
	runs := f.Int("runs", 0, "repeat each scenario this often (default: as its size allows)")
	verbose := f.Bool("v", false, "tell every run on stderr")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	w := &workshop{runs: *runs, told: io.Discard}
	if *verbose {
		w.told = stderr
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	defer os.RemoveAll(w.dir)
	return w.all(ctx, wanted, stdout)
}

// open makes the directory and builds the binary.
func (w *workshop) open(ctx context.Context) (err error) {
	if w.self, err = os.Executable(); err != nil {
		return fmt.Errorf("this binary cannot find itself to run the floor: %w", err)
	}
	if w.dir, err = os.MkdirTemp("", "ispsync-bench-"); err != nil {
		return fmt.Errorf("a directory for specs and binaries: %w", err)
	}
	w.ispsync = filepath.Join(w.dir, "ispsync")
	if err := build(ctx, w.ispsync); err != nil {
		return errors.Join(err, os.RemoveAll(w.dir))
	}
	w.python = findPython(ctx)
	return nil
}

// all measures the scenarios and prints the table. Failed checks are told after
// it, all of them.
func (w *workshop) all(ctx context.Context, wanted *regexp.Regexp, stdout io.Writer) error {
	var (
		results []*result
		failed  []error
	)
	for _, s := range scenarios() {
		if !wanted.MatchString(s.name) {
			continue
		}
		r, err := w.measure(ctx, s)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
			continue
		}
		results = append(results, r)
	}
	if len(results)+len(failed) == 0 {
		return fmt.Errorf("-only %s matches no scenario", wanted)
	}
	err := report(stdout, results, w.python)
	return errors.Join(append(failed, err)...)
}
