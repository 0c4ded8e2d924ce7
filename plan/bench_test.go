package plan

import (
	"fmt"
	"testing"

	"github.com/ispsync/ispsync/specs"
)

// sites are n sites as the spec declares them or as the panel lists them.
func sites(b testing.TB, n int, emptyKinds string, fields ...string) *specs.State {
	rs := make([]specs.Resource, n)
	for i := range rs {
		rs[i] = res("site", fmt.Sprintf("site%06d.example.com", i), fields...)
	}
	return state(b, emptyKinds, rs...)
}

// BenchmarkMakeUnchanged: 100,000 resources that are as declared cost next to
// nothing (budget: 30 ms and 1 MB).
func BenchmarkMakeUnchanged(b *testing.B) {
	in := world{desired: sites(b, 100_000, "", "aliases=[www]", "owner=alice", "php=on"),
		live: sites(b, 100_000, allKinds, "active=true", "aliases=[www]", "home=www", "ips=[1]", "owner=alice", "php=on")}.input(b)
	b.ReportAllocs()
	for b.Loop() {
		if d := Make(in); d.unchanged != 100_000 {
			b.Fatal(d.unchanged)
		}
	}
}

// BenchmarkMakeCreate: 100,000 creates that each refer to a user.
func BenchmarkMakeCreate(b *testing.B) {
	in := world{desired: sites(b, 100_000, "", "aliases=[www]", "owner=alice", "php=on"), live: state(b, allKinds, res("user", "alice"))}.input(b)
	b.ReportAllocs()
	for b.Loop() {
		if d := Make(in); len(d.steps) != 100_000 {
			b.Fatal(len(d.steps))
		}
	}
}

// TestMakeUnchangedAllocates next to nothing: a constant, whatever the number.
func TestMakeUnchangedAllocates(t *testing.T) {
	in := world{desired: sites(t, 2000, "", "owner=alice"), live: sites(t, 2000, allKinds, "owner=alice")}.input(t)
	if n := testing.AllocsPerRun(5, func() { Make(in) }); n > 100 {
		t.Errorf("%v allocations for 2000 unchanged resources", n)
	}
}
