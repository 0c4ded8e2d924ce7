package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var (
	errInterrupted = errors.New("interrupted")
	errTimeout     = errors.New("the time given with --timeout is over")
)

// halts are the two ways to end a run before its time. soft ends at the first
// interrupt, or when --timeout is over: reading stops, an apply starts nothing
// new and finishes the calls in flight. hard ends at the second interrupt:
// calls in flight are cut.
type halts struct {
	soft, hard context.Context
	release    func()
}

// haltable starts to listen for interrupts. say is told of the first one.
func haltable(timeout time.Duration, say func(string)) *halts {
	hard, cutCalls := context.WithCancelCause(context.Background())
	soft, stopNew := context.WithCancelCause(hard)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	ended := make(chan struct{})
	var over <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		over = t.C
	}
	go func() {
		defer close(ended)
		for n := 0; ; {
			select {
			case <-done:
				return
			case <-over:
				over = nil
				stopNew(errTimeout)
			case <-signals:
				if n++; n == 1 {
					stopNew(errInterrupted)
					say("interrupted: nothing new is started; interrupt again to cut the calls in flight")
				} else {
					cutCalls(errInterrupted)
				}
			}
		}
	}()
	return &halts{soft: soft, hard: hard, release: func() {
		signal.Stop(signals)
		close(done)
		<-ended
		cutCalls(nil)
	}}
}

// halted returns why the run was ended early, or nil.
func (h *halts) halted() error {
	if h.soft.Err() == nil {
		return nil
	}
	return context.Cause(h.soft)
}
