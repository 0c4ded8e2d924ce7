package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func costs(cpu ...time.Duration) []cost {
	out := make([]cost, len(cpu))
	for i, d := range cpu {
		out[i] = cost{CPU: d, Wall: 2 * d, MaxRSS: int64(d / time.Nanosecond)}
	}
	return out
}

func TestTheTable(t *testing.T) {
	const ms = time.Millisecond
	results := []*result{
		{
			scenario: scenario{name: "small", size: size{20, 10, 100}, linear: true, budgets: []budget{timesFloor(3), memory(60)}},
			costs:    costs(90*ms, 30*ms, 40*ms), requests: 60, python: costs(220 * ms),
			floors: map[string][]cost{wayXML: costs(40 * ms), wayRows: costs(10 * ms), wayBytes: costs(5 * ms)},
		},
		{
			scenario: scenario{name: "large", size: size{20, 100, 1000}, linear: true, budgets: []budget{memory(600)}},
			costs:    costs(500 * ms), requests: 60,
		},
		{
			scenario: scenario{name: "late", size: size{20, 10, 100}, create: true, latency: 50 * ms, slow: time.Second, budgets: []budget{othersUnmoved(ms)}},
			costs:    costs(6000 * ms), requests: 2300, others: 12 * ms, othersAlone: 11 * ms,
		},
	}
	var out bytes.Buffer
	if err := report(&out, results, python{missing: "python3: not found"}); err != nil {
		t.Fatal(err)
	}
	got := strings.TrimSuffix(out.String(), "- "+machine(time.Now())+".\n")
	const want = `| scenario | resources | ispsync CPU s | floor xml CPU s | floor rows CPU s | floor bytes CPU s | × xml | × rows | × bytes | aiohttp CPU s | max RSS MB | wall s | requests | budget | kept |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|
| small | 2,200 | 0.040 | 0.040 | 0.010 | 0.005 | 1.0 | 4.0 | 8.0 | 0.220 | 40 | 0.080 | 60 | ≤ 3 × rows floor, < 60 MB | **over**: ≤ 3 × rows floor |
| large | 22,000 | 0.500 | – | – | – | – | – | – | – | 500 | 1.000 | 60 | < 600 MB | ok |
| late | 2,200 | 6.000 | – | – | – | – | – | – | – | 6000 | 12.000 | 2,300 | other panels ≤ 1ms later than without it | ok |

- A resource costs 18.2µs of CPU among 2,200 and 22.7µs among 22,000: 1.25 times (budget ≤ 1.15: **over**).
- late: ideal wall time 14.4s, measured 0.83 times that.
- late: the last call to another panel came after 12ms, without the slow panel after 11ms.
- The aiohttp script was skipped: no Python with aiohttp and yaml (python3: not found).
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}

func TestIdeal(t *testing.T) {
	for _, tt := range []struct {
		why  string
		s    scenario
		want time.Duration
	}{
		{"login, lists and end", scenario{size: size{10, 1, 1}, latency: time.Second}, 3 * time.Second},
		{"eleven panels take two rounds", scenario{size: size{11, 1, 1}, latency: time.Second}, 6 * time.Second},
		{"a create is a call each, and a look at the end", scenario{size: size{10, 2, 5}, create: true, latency: time.Second}, 11 * time.Second},
		{"one slow panel", scenario{size: size{20, 2, 5}, slow: time.Second}, 3 * time.Second},
		{"no latency, no ideal", scenario{size: size{20, 2, 5}}, 0},
	} {
		if got := tt.s.ideal(); got != tt.want {
			t.Errorf("%s: %v, not %v", tt.why, got, tt.want)
		}
	}
}

// Each scenario can be chosen by its name, and the sizes are those of issue 2.
func TestScenarios(t *testing.T) {
	want := map[string]int{"no-op plan, 2,200": 2200, "no-op plan, 22,000": 22_000, "no-op plan, 220,000": 220_000, "no-op plan, one panel": 101_000,
		"no-op plan, forms": 2200, "create": 2200, "create at 50 ms a call": 2200, "one panel at 1 s a call": 2200}
	got := map[string]int{}
	for _, s := range scenarios() {
		got[s.name] = s.size.resources()
		if s.runs == 0 {
			t.Errorf("%s is never run", s.name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenarios (-want +got):\n%s", diff)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 220_000: "220,000", 1_234_567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s, not %s", n, got, want)
		}
	}
}

func TestCPUModel(t *testing.T) {
	for info, want := range map[string]string{
		"processor\t: 0\nmodel name\t: Some CPU: fast\nflags\t: fpu\n": "Some CPU: fast",
		"processor\t: 0\n": "",
	} {
		if got := cpuModel(info); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
