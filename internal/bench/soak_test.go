package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestSoak: a small soak converges, and says so.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds ispsync and waits for lost replies")
	}
	var out, told bytes.Buffer
	if err := soak([]string{"-panels", "3", "-users", "2", "-sites", "5", "-faults", "10"}, &out, &told); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &told)
	}
	if !strings.Contains(out.String(), "21 resources made, 0 of them more than once") || !strings.Contains(out.String(), "A plan after that: exit code 0") {
		t.Errorf("%s", &out)
	}
}
