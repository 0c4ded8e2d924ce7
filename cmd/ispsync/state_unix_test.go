//go:build unix

package main

import (
	"fmt"
	"os/signal"
	"syscall"
	"testing"
)

func init() {
	limitFiles = func(bytes uint64) error {
		signal.Ignore(syscall.SIGXFSZ)
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes})
	}
}

// TestDiskFull: a process whose files cannot grow beyond some size stops before
// the first call that it could not write down, and says why; with room again,
// the next run ends as if nothing had happened.
func TestDiskFull(t *testing.T) {
	ends, _ := calmly(t)
	for size := uint64(0); size <= 9000; size += 1000 {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			cmd, said := g.child(dyingSpec{FileSize: max(size, 1)}, "apply", "--auto-approve", "-q")
			err := cmd.Run()
			g.explained(cmd.ProcessState.ExitCode(), said.String(), err == nil)
			g.report("apply", "--auto-approve")
			g.ended(ends)
		})
	}
}
