package simpanel

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is one way in which a call goes wrong. Each fits some calls only:
// any call, writes, or lists; where it does not fit, nothing happens.
type Fault string

// Faults of any call.
const (
	// Slow answers after Faults.SlowBy. A change is made even when the
	// caller has gone by then.
	Slow Fault = "slow"
	// ServerError answers HTTP 500 and a page; nothing was done.
	ServerError Fault = "server-error"
	// BadGateway answers HTTP 502 and a page; nothing was done.
	BadGateway Fault = "bad-gateway"
	// GatewayTimeout answers HTTP 504 and a page; the call was served.
	GatewayTimeout Fault = "gateway-timeout"
	// Unavailable answers HTTP 503 with Retry-After; nothing was done.
	Unavailable Fault = "unavailable"
	// BadGatewayAfter answers HTTP 502 and a page; the call was served.
	BadGatewayAfter Fault = "bad-gateway-after"
	// Page answers HTTP 200 and a page, as what stands before a panel does; the
	// call was served.
	Page Fault = "page"
	// TooMany answers HTTP 429 with Retry-After; nothing was done.
	TooMany Fault = "too-many"
	// DropBefore drops the connection; nothing was done.
	DropBefore Fault = "drop-before"
	// DropAfter drops the connection after the call was served: a lost reply.
	DropAfter Fault = "drop-after"
	// Cut sends the first half of the document as if it were all. The call
	// was served.
	Cut Fault = "cut"
	// CutConnection sends the first half and drops the connection.
	CutConnection Fault = "cut-connection"
	// RequestFailed answers the error request_failed; nothing was done
	// (panel-api.md section 3).
	RequestFailed Fault = "request-failed"
	// RequestFailedAfter answers the error request_failed; the call was served:
	// the request was ended when its work was done.
	RequestFailedAfter Fault = "request-failed-after"
	// Hang never answers; nothing was done.
	Hang Fault = "hang"
	// Restarted is somebody else restarting the panel: the call is dropped and
	// nothing was done, all sessions have ended, and the panel is down for
	// Faults.DownFor (section 8, Panel restart).
	Restarted Fault = "restarted"
	// ForgetSession ends the caller's session before the call.
	ForgetSession Fault = "forget-session"
	// EntityBomb answers a document of nested entities.
	EntityBomb Fault = "entity-bomb"
	// Endless answers a document that goes on until the caller hangs up, or
	// for 1 GiB.
	Endless Fault = "endless"
	// DeepNesting answers nodes inside nodes until the caller hangs up, or
	// for 1 GiB.
	DeepNesting Fault = "deep-nesting"
)

// Faults of writes.
const (
	// ApplyLater answers ok; the change takes effect after Faults.LateBy.
	ApplyLater Fault = "apply-later"
	// Ignore answers ok and changes nothing (section 5: ok is not proof).
	Ignore Fault = "ignore"
	// DropLate drops the connection; the change takes effect after Faults.LateBy.
	DropLate Fault = "drop-late"
	// HangLate never answers; the change takes effect after Faults.LateBy.
	HangLate Fault = "hang-late"
	// NoOK answers a document without ok; the call was served.
	NoOK Fault = "no-ok"
)

// Faults of lists.
const (
	// ShortList leaves out rows that p_elems counts.
	ShortList Fault = "short-list"
	// EmptyList is whole and holds nothing, as when a broken configuration has
	// unloaded the module (panel-api.md section 11); that it is empty then and
	// not an error is inferred.
	EmptyList Fault = "empty-list"
	// NoTotal leaves out p_elems.
	NoTotal Fault = "no-total"
	// RepeatPage answers the first page whichever is asked for.
	RepeatPage Fault = "repeat-page"
	// ErrorInList breaks off halfway with an error node.
	ErrorInList Fault = "error-in-list"
	// DuplicateRows tells the first row again in the place of the last.
	DuplicateRows Fault = "duplicate-rows"
	// OrigCells prints translated cells with what they stand for in the
	// attribute orig (section 4, Localised cell).
	OrigCells Fault = "orig-cells"
)

// allFaults is every fault, in the order rates are added up.
var allFaults = []Fault{
	Slow, ServerError, BadGateway, GatewayTimeout, Unavailable, DropBefore, DropAfter, Cut, CutConnection,
	RequestFailed, ForgetSession, EntityBomb, Endless, DeepNesting,
	ApplyLater, Ignore,
	ShortList, NoTotal, RepeatPage, ErrorInList, DuplicateRows, OrigCells,
	BadGatewayAfter, Page, TooMany, RequestFailedAfter, Hang, Restarted, DropLate, HangLate, NoOK, EmptyList,
}

// isLate tells whether a fault puts a change off.
func (f Fault) isLate() bool { return f == ApplyLater || f == DropLate || f == HangLate }

// fits tells whether a fault can happen to a call.
func (f Fault) fits(name string, write bool) bool {
	switch f {
	case ApplyLater, Ignore, DropLate, HangLate, NoOK:
		return write
	case ShortList, EmptyList, NoTotal, RepeatPage, ErrorInList, DuplicateRows, OrigCells:
		fn, ok := byName[name]
		return ok && fn.list
	default:
		return true
	}
}

// Faults says what goes wrong, and how often. The zero value: nothing.
type Faults struct {
	// Rates is how often each fault happens to a call it fits, from 0 to 1.
	// Of several, one happens at most. Which calls are hit follows from
	// Options.Seed and what is called for the how-manieth time, so it is the
	// same for any interleaving.
	Rates map[Fault]float64
	// Hook, when set, is asked first for each call; "" leaves it to Rates.
	// It runs without locks, and may be called from several goroutines.
	Hook func(Call) Fault
	// SlowBy is how long Slow takes; 2 s when 0.
	SlowBy time.Duration
	// LateBy is how late ApplyLater, DropLate and HangLate are; 2 s when 0.
	LateBy time.Duration
	// RetryAfter is what Unavailable and TooMany ask for, in whole seconds; 1 s
	// when 0.
	RetryAfter time.Duration
	// DownFor is how long a panel is down after Restarted; 5 s when 0.
	DownFor time.Duration
}

// SetFaults changes what goes wrong from now on.
func (p *Panel) SetFaults(f Faults) {
	if f.SlowBy == 0 {
		f.SlowBy = 2 * time.Second
	}
	if f.LateBy == 0 {
		f.LateBy = 2 * time.Second
	}
	if f.RetryAfter == 0 {
		f.RetryAfter = time.Second
	}
	if f.DownFor == 0 {
		f.DownFor = 5 * time.Second
	}
	f.Rates = maps.Clone(f.Rates)
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	p.faults.Faults, p.faults.seed, p.faults.seen = f, p.opt.Seed, make(map[uint64]uint64)
}

// faultSource decides which calls are hit.
type faultSource struct {
	mu sync.Mutex
	Faults
	seed uint64
	// seen counts calls alike.
	seen map[uint64]uint64
}

func (s *faultSource) current() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Faults
}

// pick is the fault of one call.
func (s *faultSource) pick(c Call) Fault {
	now := s.current()
	if now.Hook != nil {
		if f := now.Hook(c); f != "" {
			if f.fits(c.Func, c.Write) {
				return f
			}
			return ""
		}
	}
	if len(now.Rates) == 0 {
		return ""
	}
	x := s.draw(c)
	for _, f := range allFaults {
		rate := now.Rates[f]
		if rate == 0 || !f.fits(c.Func, c.Write) {
			continue
		}
		if x < rate {
			return f
		}
		x -= rate
	}
	return ""
}

// draw is a number from 0 to 1 that depends on the seed, on what is called,
// and on how often that was called before; not on other calls.
func (s *faultSource) draw(c Call) float64 {
	h := mix(s.seed, c.Func)
	for _, name := range [...]string{"elid", "name", "plid", "p_num", "username", "sok"} {
		h = mix(h, c.Params[name])
	}
	s.mu.Lock()
	n := s.seen[h]
	s.seen[h]++
	s.mu.Unlock()
	return float64(scramble(h+n*0x9e3779b97f4a7c15)>>11) / (1 << 53)
}

// mix adds a text to a hash, with its end (FNV-1a).
func mix(h uint64, s string) uint64 {
	h ^= 0xcbf29ce484222325
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return (h ^ 0x100) * 0x100000001b3
}

// scramble spreads a hash over all bits (the finaliser of SplitMix64).
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// profiles are the named mixes ParseFaults knows.
var profiles = map[string]map[Fault]float64{
	"none": {},
	"flaky": {
		Slow: 0.0025, BadGateway: 0.0025, Unavailable: 0.0025, DropBefore: 0.0025,
		DropAfter: 0.0025, Cut: 0.0025, RequestFailed: 0.0025, ForgetSession: 0.0025,
	},
	"slow":       {Slow: 0.3},
	"lossy":      {DropAfter: 0.1, GatewayTimeout: 0.05, CutConnection: 0.05},
	"liar":       {ShortList: 0.5, RepeatPage: 0.1, DuplicateRows: 0.1},
	"down":       {DropBefore: 1},
	"restarting": {Restarted: 0.01},
}

// ParseFaults reads a fault profile for the sim command: names of profiles
// and NAME=RATE pairs, separated by commas, later ones over earlier ones. A
// rate is a number from 0 to 1 or a percentage ("5%"). The names are those
// of FaultNames. The error says which part is wrong and what could stand
// there.
func ParseFaults(profile string) (Faults, error) {
	f := Faults{Rates: make(map[Fault]float64)}
	for part := range strings.SplitSeq(profile, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, rate, pair := strings.Cut(part, "=")
		if !pair {
			mix, ok := profiles[name]
			if !ok {
				return Faults{}, fmt.Errorf("fault profile: %q is no profile; say one of %s, or FAULT=RATE with one of %s",
					part, strings.Join(profileNames(), ", "), strings.Join(faultNames(), ", "))
			}
			maps.Copy(f.Rates, mix)
			continue
		}
		if !slices.Contains(allFaults, Fault(name)) {
			return Faults{}, fmt.Errorf("fault profile: there is no fault %q in %q; faults are %s", name, part, strings.Join(faultNames(), ", "))
		}
		r, err := parseRate(rate)
		if err != nil {
			return Faults{}, fmt.Errorf("fault profile: the rate in %q: %w; say a number from 0 to 1, or a percentage such as 5%%", part, err)
		}
		f.Rates[Fault(name)] = r
	}
	return f, nil
}

func parseRate(s string) (float64, error) {
	digits, percent := strings.CutSuffix(s, "%")
	r, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	if percent {
		r /= 100
	}
	if math.IsNaN(r) || r < 0 || r > 1 {
		return 0, fmt.Errorf("%s is not from 0 to 1", s)
	}
	return r, nil
}

// FaultNames lists what ParseFaults knows, for help: the profiles, sorted,
// and then the faults.
func FaultNames() []string { return append(profileNames(), faultNames()...) }

func profileNames() []string { return slices.Sorted(maps.Keys(profiles)) }

func faultNames() []string {
	names := make([]string, len(allFaults))
	for i, f := range allFaults {
		names[i] = string(f)
	}
	return names
}
