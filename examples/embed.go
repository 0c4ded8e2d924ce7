// Package examples holds specs that are validated and planned in tests. The
// quickstart is embedded, for `ispsync demo`.
package examples

import "embed"

// Quickstart is the directory quickstart.
//
//go:embed quickstart
var Quickstart embed.FS
