// Package simpanel is a simulated ISPmanager panel: an http.Handler that
// answers as the public record says a panel does.
//
// Its source is that record alone (the vendor's guide and the facts of
// panel-api.md, cited at every entry of the function table), never ispsync's
// own catalog: a simulator made from the catalog would only prove that the
// catalog agrees with itself. Where the record is silent the choice is marked
// "inferred" beside the code that makes it.
//
// The package owns the state of such a panel, its documents in every output
// format, its mgrctl, its sessions, its ledger of calls, and the faults it can
// be told to show. It imports nothing of ours and starts no goroutine.
package simpanel
