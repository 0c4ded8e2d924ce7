package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testWorkshop(t *testing.T) *workshop {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &workshop{dir: t.TempDir(), self: self, told: io.Discard}
}

// The premise of watch.go: what this process holds is not in the cost of a child.
func TestTheCostIsTheChildsAlone(t *testing.T) {
	const held = 512 << 20
	ballast := make([]byte, held)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	w := testWorkshop(t)
	s := scenario{size: size{2, 2, 4}}
	f := testFleet(t, s)
	calls := filepath.Join(w.dir, "calls")
	if err := writeLanes(calls, []lane{{f.hosts[0].url, []string{login(), "func=webdomain"}}}); err != nil {
		t.Fatal(err)
	}
	c, err := w.run(t.Context(), order{Path: w.self, Args: []string{wayBytes, calls}, Env: []string{roleVar + "=" + roleFloor}, Dir: w.dir})
	if err != nil {
		t.Fatal(err)
	}
	if c.Exit != 0 || c.Stdout != "4\n" || c.CPU <= 0 || c.Wall <= 0 {
		t.Errorf("the cost is %+v", c)
	}
	if c.MaxRSS >= held {
		t.Errorf("the child is said to have held %d bytes; this process holds %d, and it is counted", c.MaxRSS, held)
	}
	if ballast[4096] != 1 {
		t.Error("the ballast is gone")
	}
}

func TestAChildThatFailsHasACostToo(t *testing.T) {
	w := testWorkshop(t)
	c, err := w.run(t.Context(), order{Path: w.self, Args: []string{"nonsense"}, Env: []string{roleVar + "=" + roleFloor}, Dir: w.dir})
	if err != nil {
		t.Fatal(err)
	}
	if c.Exit != 1 || !strings.Contains(c.Stderr, "the arguments are") {
		t.Errorf("the cost is %+v", c)
	}
}

func TestACommandThatIsNotThereIsAnError(t *testing.T) {
	w := testWorkshop(t)
	_, err := w.run(t.Context(), order{Path: filepath.Join(w.dir, "nothing"), Dir: w.dir})
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("the error is %v", err)
	}
}
