package apiclient

import (
	"context"
	"runtime"
	"testing"

	"github.com/ispsync/ispsync/specs"
)

// BenchmarkSnapshot100k reads 100,000 web domains (40 MB) over loopback; the
// time includes the server's writing. bytes/resource is what stays in memory.
func BenchmarkSnapshot100k(b *testing.B) {
	const n = 100_000
	p, o := benchServer(b, benchmarkList(n))
	c := client(b, p, o)
	b.ReportAllocs()
	var before, after runtime.MemStats
	var state *specs.State
	for b.Loop() {
		state = nil
		runtime.GC()
		runtime.ReadMemStats(&before)
		var err error
		if state, err = c.Snapshot(context.Background(), []specs.Want{webdomains()}); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if state.Len() != n {
			l, _ := state.Listing("webdomain")
			b.Fatalf("%d resources: %v", state.Len(), l.Err)
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "bytes/resource")
	runtime.KeepAlive(state)
}
