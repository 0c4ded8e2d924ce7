package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// emptyStateDir is a state directory in which nothing ran.
func emptyStateDir(t *testing.T) stateDir {
	d := stateDir(t.TempDir())
	if err := d.make(); err != nil {
		t.Fatal(err)
	}
	return d
}

// smallPlan has one step.
func smallPlan() *plan.Plan {
	ref := specs.Ref{Panel: "web1", Kind: "user", Key: "alice"}
	return &plan.Plan{FormatVersion: "1", Digest: "sha256:1", Steps: []plan.Step{{ID: "s1", Ref: ref, Panel: "web1", Kind: "user", Key: "alice", Action: plan.Create}}}
}

// TestRunIDsSort: ids sort in the order in which runs begin, in the same moment
// too, and when the clock was set back.
func TestRunIDsSort(t *testing.T) {
	d := emptyStateDir(t)
	if err := os.MkdirAll(d.run(newRunID(time.Now().Add(time.Hour))), 0o700); err != nil {
		t.Fatal(err)
	}
	last := ""
	for range 50 {
		r, err := d.begin(smallPlan(), executor.RunStart{Command: "apply"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.close()
		if r.id <= last {
			t.Fatalf("%s began after %s", r.id, last)
		}
		last = r.id
		if got, err := d.findRun("last"); err != nil || got != last {
			t.Fatalf("last is %s, %v; want %s", got, err, last)
		}
	}
}

// TestPrune: a hundred runs are kept, and every older one that is open or alive.
func TestPrune(t *testing.T) {
	d := emptyStateDir(t)
	id := func(i int) string { return newRunID(time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)) }
	open, gone := id(0), id(1)
	for i := range 120 {
		name := id(2 + i)
		switch i {
		case 0:
			name = open
		case 1:
			name = gone
		}
		if err := os.MkdirAll(d.run(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(d.run(open, "open"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := d.begin(smallPlan(), executor.RunStart{Command: "apply"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	ids, err := d.runs()
	if err != nil || len(ids) != keepRuns+1 {
		t.Errorf("%d runs are left, %v", len(ids), err)
	}
	if _, err := os.Stat(d.run(open)); err != nil {
		t.Error("one that is open was dropped")
	}
	if _, err := os.Stat(d.run(gone)); !errors.Is(err, os.ErrNotExist) {
		t.Error("one that is settled was kept")
	}
}

// TestPieces: a journal that is cut into pieces says the same as one that is not,
// also when a piece ends in the middle of a line.
func TestPieces(t *testing.T) {
	d := emptyStateDir(t)
	p := smallPlan()
	r, err := d.begin(p, executor.RunStart{Command: "apply"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.pieces.size = pieceBytes
		answered, err := r.journal.Begin(executor.Call{Ref: p.Steps[0].Ref, Func: "user.edit"})
		if err != nil {
			t.Fatal(err)
		}
		r.pieces.size = pieceBytes
		answered(true, nil)
	}
	r.close()
	if err := os.Truncate(d.run(r.id, "journal-0007.jsonl"), 30); err != nil {
		t.Fatal(err)
	}
	rec, err := d.record(r.id)
	if err != nil {
		t.Fatal(err)
	}
	if st := rec.Steps["s1"]; st == nil || st.Calls != 3 || !st.Doubtful() || rec.Torn != 1 || !rec.OwesRestart("web1") {
		t.Errorf("%+v %+v", rec, rec.Steps["s1"])
	}
	if _, err := d.record("../" + r.id); err == nil || !strings.Contains(err.Error(), "is no name of a run") {
		t.Error(err)
	}
	if _, err := d.findRun(fmt.Sprint(r.id[:9])); err != nil {
		t.Error(err)
	}
}
