package apiclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ispsync/ispsync/specs"
)

// The premise of this file: some creates only begin the work (a certificate of
// Let's Encrypt: panel-api.md section 6), and ok says no more than that. The
// panel goes on by itself, retries by itself, and its list tells how far it is.
// So the list is read until it tells an end. The pauses are long, because
// panels that are polled often fall over (panel-api.md section 11).
const (
	firstPoll = 5 * time.Second
	mostPoll  = 30 * time.Second
)

// finish waits until a resource that was just created is there as the kind's
// Async says, or has failed, or the time for it is over.
func (w *Writer) finish(ctx context.Context, k *specs.Kind, r *specs.Resource) error {
	watched := *k
	if column := k.Async.Column; column != "" && !slices.Contains(k.Meters, column) {
		watched.Meters = append(slices.Clone(k.Meters), column)
	}
	want := specs.Want{Kind: &watched, Su: []string{r.Su}, Parents: []string{r.Parent}}
	began := time.Now()
	for pause := firstPoll; ; pause = min(pause*3/2, mostPoll) {
		state, there, err := w.progress(ctx, want, r.Ref.Key)
		var e *Error
		switch {
		case err != nil && (!errors.As(err, &e) || !e.Retryable() && e.Type != typeListing):
			return w.unfinished(k, r, "it cannot be watched: "+err.Error(), err)
		case err != nil:
			state = "unknown: " + err.Error()
		case there && slices.Contains(k.Async.Failed, state):
			f := w.c.newError(&call{fn: k.List, about: r.Ref.Key, write: true})
			f.Type, f.Object, f.final = typeAsyncFailed, cleanLine(state), true
			f.Msg = fmt.Sprintf("the panel began it, and then it failed: %s is %s", k.Async.Column, cleanLine(state))
			return f
		case there && (k.Async.Column == "" || !slices.Contains(k.Async.Busy, state)):
			return nil
		case !there:
			state = "not there yet"
		}
		left := k.Async.Wait - time.Since(began)
		if left <= 0 {
			return w.unfinished(k, r, fmt.Sprintf("it was begun and did not come to its end within %v; the last look found it %s", k.Async.Wait, clip(cleanLine(state), 200)), nil)
		}
		if err := sleep(ctx, min(pause, left)); err != nil {
			return w.unfinished(k, r, "waiting for its end was interrupted", err)
		}
	}
}

// progress looks how far a resource is: whether it is listed, and the value of
// the column that tells its state.
func (w *Writer) progress(ctx context.Context, want specs.Want, key string) (state string, there bool, err error) {
	l, err := w.c.list(ctx, want)
	if err != nil {
		return "", false, err
	}
	for i := range l.resources {
		if r := &l.resources[i]; r.Ref.Key == key {
			v, _ := r.Meters.Get(want.Kind.Async.Column)
			return v.String(), true, nil
		}
	}
	return "", false, nil
}

func (w *Writer) unfinished(k *specs.Kind, r *specs.Resource, msg string, cause error) *Error {
	e := w.c.newError(&call{fn: k.List, about: r.Ref.Key, write: true})
	e.Type, e.Msg, e.cause, e.final = typeNotFinished, msg, cause, true
	return e
}
