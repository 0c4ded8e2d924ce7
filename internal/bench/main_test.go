package main

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary play the roles that the bench starts itself in.
func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVar) {
	case roleWatch:
		err = watch(os.Stdin, os.Stdout)
	case roleFloor:
		err = floor(os.Args[1:], os.Stdout)
	default:
		goleak.VerifyTestMain(m)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
