package apiclient

import (
	"testing"
	"time"
)

// FuzzRetryAfter: whatever a header says, the pause it asks for is none or some,
// never a negative one.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "5", " 30 ", "-1", "soon", "99999999999999999999", "Fri, 01 May 2026 12:00:20 GMT", "Fri, 01 May 1026 12:00:20 GMT"} {
		f.Add(s)
	}
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		if d := retryAfter(header, now); d < 0 {
			t.Errorf("%q: %v", header, d)
		}
	})
}
