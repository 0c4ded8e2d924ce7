// Package apiclient speaks to one ISPmanager panel, over HTTP(S) or through the
// panel's program mgrctl (package internal/mgrctl).
//
// It owns the wire: how a call is encoded, how the account proves itself, how
// the panel's XML is read, what its errors mean, and when a call may be sent
// again. Lists and forms come out as canonical resources of package specs;
// catalog rows say which functions and columns, so no kind is named here.
//
// A Client can only read. What writes is a Writer, got from a Client by
// NewWriter, which only the apply command calls. Facts about panels are cited
// as "guide" (the vendor's guide to the API) and "panel-api.md".
package apiclient
