// Package plan turns two states into a plan: what a panel must be asked for so
// that it becomes what the spec says.
//
// It is pure. There is no context, network, clock or file here; the same
// states, rules and header give the same bytes. A plan is a plain value: its
// JSON is the saved file, the review document and `plan -o json`, all in one.
//
// The order of a plan's steps is the order to run them in:
//
//	creates and updates: parents first     user → domain → webdomain → …
//	deletes:             children first    … → webdomain → domain → user
//
// Needs always name earlier steps, so a cycle cannot be written down.
package plan
