package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// exitCode is what the process ends with. Scripts rely on these numbers; the
// table is printed by `ispsync help exit-codes` and stands in the README.
type exitCode int

const (
	exitOK          exitCode = 0
	exitError       exitCode = 1
	exitChanges     exitCode = 2
	exitPartial     exitCode = 3
	exitStale       exitCode = 4
	exitRail        exitCode = 5
	exitUsage       exitCode = 6
	exitRefused     exitCode = 7
	exitLocked      exitCode = 8
	exitInterrupted exitCode = 130
)

// exitTable says what each code means, in the order people look for them.
var exitTable = []struct {
	code    exitCode
	meaning string
}{
	{exitOK, "success; for plan without --detailed-exitcode also when there are changes"},
	{exitError, "error that has no code of its own; migrate verify: not all is equal"},
	{exitChanges, "changes pending: plan --detailed-exitcode, drift; never anything else"},
	{exitPartial, "applied in part: a step failed, is blocked, stale or unknown, or a panel could not be reached"},
	{exitStale, "plan refused: stale, altered, expired, for another panel or account, already applied"},
	{exitRail, "apply refused by a rail: limits, protection, policy"},
	{exitUsage, "usage or spec invalid; approval needed and nobody to ask"},
	{exitRefused, "every panel refused the account (only some: 3)"},
	{exitLocked, "lock held by another run"},
	{exitInterrupted, "interrupted; the report is written"},
}

// exitOrder is which code wins when several fit.
var exitOrder = []exitCode{exitInterrupted, exitUsage, exitLocked, exitRefused, exitStale, exitRail, exitPartial, exitError, exitChanges, exitOK}

// worst returns the code that wins.
func worst(codes ...exitCode) exitCode {
	for _, c := range exitOrder {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return exitOK
}

// codedError is an error that knows the code the process should end with.
type codedError struct {
	code exitCode
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// fail makes an error with a code.
func fail(code exitCode, format string, args ...any) error {
	return &codedError{code, fmt.Errorf(format, args...)}
}

// withCode gives an error a code, unless it has one.
func withCode(code exitCode, err error) error {
	var ce *codedError
	if err == nil || errors.As(err, &ce) {
		return err
	}
	return &codedError{code, err}
}

// codeOf is the code an error asks for.
func codeOf(err error) exitCode {
	var ce *codedError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &ce):
		return ce.code
	default:
		return exitError
	}
}

// exitHelp is the table as text.
func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitTable {
		fmt.Fprintf(&b, "  %3d  %s\n", e.code, e.meaning)
	}
	order := make([]string, 0, len(exitOrder)-1)
	for _, c := range exitOrder[:len(exitOrder)-1] {
		order = append(order, fmt.Sprint(int(c)))
	}
	b.WriteString("When several fit, the first of " + strings.Join(order, ", ") + " wins.\n")
	return b.String()
}
