//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// maxRSS is the greatest memory a process that has ended held, in bytes.
func maxRSS(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	held := int64(usage.Maxrss) //nolint:unconvert // it is an int32 on some systems
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return held
	}
	return held << 10 // everywhere else it is told in KiB
}
