// Package executor runs a plan: one lane per panel, every step accounted for.
//
// It knows nothing of HTTP or of the catalog. What it can ask of a panel is the
// small interface Panel; what becomes of each step is an Outcome in the Report.
// A failed step is data, not an error.
//
// The way of a step: run.go starts the lanes, lane.go decides which step goes
// next, turn.go sends one, settle.go finds out what became of a call that nobody
// can tell about, verify.go reads the panel again at the end.
package executor
