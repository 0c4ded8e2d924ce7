package main

// The premise of this file: what a child used is known exactly once it has
// ended, from its rusage. But Linux counts into a process's greatest memory
// what its parent held when the process was started, because until the exec
// the two share it; and the bench holds the simulated panels, hundreds of
// megabytes of them. So each child is started by a copy of this binary that
// holds nothing: the watch. It gets an order on its stdin and tells the cost
// on its stdout.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// order is a command to run. Its environment is Env and nothing else, so that
// ISPSYNC_ or GOGC variables of whoever runs the bench change nothing.
type order struct {
	Path string
	Args []string
	Env  []string
	Dir  string
}

// cost is what a command used, and what it said.
type cost struct {
	Exit   int
	CPU    time.Duration // user and system
	Wall   time.Duration
	MaxRSS int64 // bytes; 0 where the system does not tell
	Stdout string
	Stderr string
}

// watch runs one order and tells its cost.
func watch(in io.Reader, out io.Writer) error {
	var o order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("watch: the order: %w", err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(o.Path, o.Args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = o.Env, o.Dir, &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	c := cost{Wall: time.Since(began)}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("watch: %s: %w", o.Path, err)
	}
	c.Exit = cmd.ProcessState.ExitCode()
	c.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	c.MaxRSS = maxRSS(cmd.ProcessState)
	c.Stdout, c.Stderr = stdout.String(), stderr.String()
	if err := json.NewEncoder(out).Encode(c); err != nil {
		return fmt.Errorf("watch: the cost: %w", err)
	}
	return nil
}

// run has an order watched.
func (w *workshop) run(ctx context.Context, o order) (cost, error) {
	in, err := json.Marshal(o)
	if err != nil {
		return cost{}, fmt.Errorf("the order: %w", err)
	}
	cmd := exec.CommandContext(ctx, w.self)
	cmd.Env = []string{roleVar + "=" + roleWatch}
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return cost{}, fmt.Errorf("%w: %s", err, stderr.String())
	}
	var c cost
	if err := json.Unmarshal(out, &c); err != nil {
		return cost{}, fmt.Errorf("the cost of %s: %w", o.Path, err)
	}
	return c, nil
}
