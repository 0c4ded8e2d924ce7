package main

import "github.com/ispsync/ispsync/executor"

// Panels are read before the first lane begins, and their sessions last until
// the end of the run. Their connections do not: with a thousand panels they would
// be thousands, where --parallelism promises a few. So each panel's are closed
// when it has been read, and again when its lane has ended.

// observe tells the log what happens, and lets the client of a panel rest when
// its lane has ended.
func (ap *application) observe(e executor.Event) {
	if e.Kind == executor.LaneEnded {
		if c := ap.clients[e.Panel]; c != nil {
			c.Rest() //nolint:errcheck // what is left goes with Close
		}
	}
	ap.a.log.observe(e)
}
