//go:build !unix

package main

import "os"

// maxRSS is not known where processes have no rusage.
func maxRSS(*os.ProcessState) int64 { return 0 }
