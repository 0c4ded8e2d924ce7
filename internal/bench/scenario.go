package main

import (
	"fmt"
	"slices"
	"time"
)

// scenario is one row of the table.
type scenario struct {
	name    string
	size    size
	aliases bool          // web domains declare a field that only their form tells
	create  bool          // the panels are empty, and apply fills them
	latency time.Duration // of each call to each panel
	slow    time.Duration // of each call to the first panel alone
	linear  bool          // its cost per resource is compared with the smaller one's
	runs    int
	floors  int // how often each floor runs; 0: it would say nothing new
	python  int // how often the aiohttp script runs
	budgets []budget
}

// budget is what issue 2 allows.
type budget struct {
	text string
	kept func(*result) bool
}

// memoryPerResource is what 220,000 resources in 500 MB come to, in bytes.
const memoryPerResource = 500e6 / 220_000

func scenarios() []scenario {
	small, large := size{20, 10, 100}, size{1, 1000, 100_000}
	return []scenario{
		{name: "no-op plan, 2,200", size: small, linear: true, runs: 5, floors: 5, python: 3,
			budgets: []budget{timesFloor(3), memory(60)}},
		{name: "no-op plan, 22,000", size: size{20, 100, 1000}, linear: true, runs: 5, floors: 3, python: 1,
			budgets: []budget{timesFloor(3.3), memory(150)}},
		{name: "no-op plan, 220,000", size: size{20, 1000, 10_000}, linear: true, runs: 3, floors: 1,
			budgets: []budget{memory(500)}},
		{name: "no-op plan, one panel", size: large, runs: 3, floors: 1,
			budgets: []budget{memory(memoryPerResource * float64(large.resources()) / 1e6)}},
		{name: "no-op plan, forms", size: small, aliases: true, runs: 5, floors: 3},
		{name: "create", size: small, create: true, runs: 5, floors: 5,
			budgets: []budget{timesFloor(1.7)}},
		{name: "create at 50 ms a call", size: small, create: true, latency: 50 * time.Millisecond, runs: 1,
			budgets: []budget{wallOverIdeal(1.10)}},
		{name: "one panel at 1 s a call", size: small, slow: time.Second, runs: 3,
			budgets: []budget{wallOverIdeal(1.10), othersUnmoved(100 * time.Millisecond)}},
	}
}

// parallelism is how many panels ispsync works on at once by default (contract
// section 4).
const parallelism = 10

// ideal is the wall time that latency and limits alone allow. A panel costs a
// login and then its lists, both at once (limits.reads is 4); when it is
// filled, one call after the other for each resource (limits.writes is 1), and
// the lists again to see that all is in effect; then the end of the session.
// Reading all panels ends before writing begins.
func (s scenario) ideal() time.Duration {
	rounds := (s.size.panels + parallelism - 1) / parallelism
	calls := 3
	if s.create {
		calls += s.size.users + s.size.sites + 1
	}
	return time.Duration(rounds*calls)*s.latency + 3*s.slow
}

// latencyOf is how long calls to a panel take.
func (s scenario) latencyOf(panel int) time.Duration {
	if panel == 0 {
		return s.latency + s.slow
	}
	return s.latency
}

func timesFloor(times float64) budget {
	return budget{fmt.Sprintf("≤ %.3g × rows floor", times), func(r *result) bool { return r.overFloor(wayRows) <= times }}
}

func memory(megabytes float64) budget {
	return budget{fmt.Sprintf("< %.0f MB", megabytes), func(r *result) bool { return float64(r.median().MaxRSS) < megabytes*1e6 }}
}

func wallOverIdeal(times float64) budget {
	return budget{fmt.Sprintf("wall ≤ %.2f × ideal", times), func(r *result) bool {
		return r.median().Wall.Seconds() <= times*r.scenario.ideal().Seconds()
	}}
}

func othersUnmoved(by time.Duration) budget {
	return budget{fmt.Sprintf("other panels ≤ %v later than without it", by), func(r *result) bool {
		return r.others-r.othersAlone <= by
	}}
}

// result is what was measured of a scenario.
type result struct {
	scenario    scenario
	costs       []cost
	floors      map[string][]cost // by way
	python      []cost
	requests    int
	others      time.Duration // with a slow panel: when the last call to another one came
	othersAlone time.Duration // the same, before that panel was slow
}

// median is the middle of what the runs used, each figure for itself.
func median(costs []cost) cost {
	if len(costs) == 0 {
		return cost{}
	}
	middle := func(of func(cost) int64) int64 {
		all := make([]int64, len(costs))
		for i, c := range costs {
			all[i] = of(c)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return cost{
		CPU:    time.Duration(middle(func(c cost) int64 { return int64(c.CPU) })),
		Wall:   time.Duration(middle(func(c cost) int64 { return int64(c.Wall) })),
		MaxRSS: middle(func(c cost) int64 { return c.MaxRSS }),
	}
}

func (r *result) median() cost { return median(r.costs) }

// overFloor is the CPU of ispsync in units of a floor's.
func (r *result) overFloor(way string) float64 {
	return r.median().CPU.Seconds() / median(r.floors[way]).CPU.Seconds()
}

// perResource is CPU per resource.
func (r *result) perResource() time.Duration {
	return r.median().CPU / time.Duration(r.scenario.size.resources())
}
