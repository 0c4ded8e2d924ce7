package simpanel

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// atEvery is a fault at every call it fits.
func atEvery(f Fault) Faults { return Faults{Rates: map[Fault]float64{f: 1}} }

// under is what a caller sees of one call, in words, and the document.
func under(p *Panel, fn string, pairs ...string) (result string, doc *node) {
	defer func() {
		if r := recover(); r != nil {
			result = "dropped"
			if r != http.ErrAbortHandler {
				panic(r)
			}
		}
	}()
	status, body := post(p, fn, pairs...)
	if status != http.StatusOK {
		return fmt.Sprint(status), nil
	}
	var n node
	if xml.Unmarshal([]byte(body), &n) != nil {
		return "broken", nil
	}
	if rows := n.rows(); rows != nil && n.find("error") == nil {
		return "list", &n
	}
	return n.outcome(), &n
}

// TestFaultsOfWrites: what a caller sees of a write, and whether the change
// was made. That the two are independent is the point of the faults.
func TestFaultsOfWrites(t *testing.T) {
	for _, tc := range []struct {
		fault   Fault
		want    string
		applied bool
	}{
		{"", "ok", true},
		{ServerError, "500", false},
		{BadGateway, "502", false},
		{GatewayTimeout, "504", true},
		{Unavailable, "503", false},
		{DropBefore, "dropped", false},
		{DropAfter, "dropped", true},
		{Cut, "broken", true},
		{CutConnection, "dropped", true},
		{RequestFailed, "request_failed/", false},
		{ForgetSession, "auth/session", false},
		{EntityBomb, "broken", true},
		{Ignore, "ok", false},
		{ApplyLater, "ok", false},
		{ShortList, "ok", true},
	} {
		t.Run(string(tc.fault), func(t *testing.T) {
			p := sample(Options{})
			id := ask(t, p, "auth", "username", "root", "password", "pw").text("auth")
			p.ResetCalls()
			p.SetFaults(atEvery(tc.fault))
			got, _ := under(p, "user.edit", "auth", id, "elid", "alice", "comment", "new", "sok", "ok")
			if got != tc.want {
				t.Errorf("the caller sees %s, want %s", got, tc.want)
			}
			f, _ := p.Get("user", "alice")
			if changed := f["comment"] == "new"; changed != tc.applied {
				t.Errorf("changed: %v, want %v", changed, tc.applied)
			}
			want := tc.fault
			if !tc.fault.fits("user.edit", true) {
				want = ""
			}
			if c := p.Calls()[0]; c.Applied != tc.applied || c.Fault != want {
				t.Errorf("ledger: applied %v by fault %q", c.Applied, c.Fault)
			}
		})
	}
}

// TestFaultsOfLists: how each lie about a list shows.
func TestFaultsOfLists(t *testing.T) {
	for _, tc := range []struct {
		fault Fault
		num   string
		want  string
	}{
		{"", "2", "list: 5 of 12 from 6"},
		{ShortList, "2", "list: 4 of 12 from 6"},
		{EmptyList, "1", "no ok"}, // a whole document without rows
		{NoTotal, "2", "list: 5 of (no p_elems) from 6"},
		{RepeatPage, "2", "list: 5 of 12 from 1"},
		{DuplicateRows, "2", "list: 5 of 12 from 6, one twice"},
		{OrigCells, "2", "list: 5 of 12 from 6, active [on] for on"},
		{ErrorInList, "2", "value/row"},
		{Cut, "2", "broken"},
		{EntityBomb, "2", "broken"},
		{Ignore, "2", "list: 5 of 12 from 6"},
	} {
		t.Run(string(tc.fault), func(t *testing.T) {
			p := newPanel(Options{PageSize: 5, Faults: atEvery(tc.fault)})
			p.Seed(12, 0)
			got, doc := under(p, "user", "p_num", tc.num)
			if got == "list" {
				got = describeList(doc)
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func describeList(n *node) string {
	rows := n.rows()
	out := fmt.Sprintf("list: %d of %s from %s", len(rows), n.text("p_elems"), strings.TrimLeft(rows[0], "u0"))
	if rows[0] == rows[len(rows)-1] {
		out += ", one twice"
	}
	if active := n.find("elem", "active"); active.attr("orig") != "" {
		out += fmt.Sprintf(", active %s for %s", active.Text, active.attr("orig"))
	}
	return out
}

// TestApplyLater: a change lands when its time comes, and not before.
func TestApplyLater(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	f := atEvery(ApplyLater)
	f.LateBy = 10 * time.Second
	p := newPanel(Options{Now: func() time.Time { return now }, Faults: f})
	ask(t, p, "user.edit", "name", "carol", "passwd", "x", "sok", "ok")
	now = now.Add(10*time.Second - 1)
	if _, ok := p.Get("user", "carol"); ok || p.Calls()[0].Applied {
		t.Error("the user is there too early")
	}
	now = now.Add(1)
	if rows := ask(t, p, "user").rows(); len(rows) != 1 || !p.Calls()[0].Applied {
		t.Errorf("list %v after 10 s, want carol", rows)
	}
}

// TestApplyLaterToNobody: a site whose owner goes before it lands is not
// made.
func TestApplyLaterToNobody(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p := sample(Options{Now: func() time.Time { return now }, Faults: atEvery(ApplyLater)})
	ask(t, p, "webdomain.edit", "name", "late.example", "owner", "alice", "sok", "ok")
	p.Delete("user", "alice")
	now = now.Add(time.Hour)
	if f, ok := p.Get("webdomain", "late.example"); ok {
		t.Errorf("it is there and belongs to %s", f["owner"])
	}
}

// TestTime: latency and slowness take the time they say, and a caller who
// leaves does not undo the change.
func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := Faults{SlowBy: 3 * time.Second, Hook: func(c Call) Fault {
			if c.Func == "whoami" && c.OfFunc == 2 {
				return Slow
			}
			return ""
		}}
		p := sample(Options{Latency: 50 * time.Millisecond, Faults: f})
		for i, want := range []time.Duration{50 * time.Millisecond, 3050 * time.Millisecond, 50 * time.Millisecond} {
			start := time.Now()
			ask(t, p, "whoami")
			if took := time.Since(start); took != want {
				t.Errorf("call %d took %v, want %v", i+1, took, want)
			}
		}
	})
}

// TestEndless: the documents without end go on until the caller hangs up.
func TestEndless(t *testing.T) {
	for _, f := range []Fault{Endless, DeepNesting} {
		p := newPanel(Options{Faults: atEvery(f)})
		srv := httptest.NewServer(p)
		resp, err := srv.Client().Get(srv.URL + "/ispmgr?func=user&authinfo=root:pw")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, resp.Body, 4<<20); err != nil {
			t.Errorf("%s ended after %d bytes: %v", f, n, err)
		}
		_ = resp.Body.Close()
		srv.Close() // waits for the handler: it must have noticed
	}
}

// TestCutConnection: the transport tells that the document is not whole;
// after Cut only the document does.
func TestCutConnection(t *testing.T) {
	for f, whole := range map[Fault]bool{Cut: true, CutConnection: false} {
		srv := httptest.NewServer(newPanel(Options{Faults: atEvery(f)}))
		resp, err := srv.Client().Get(srv.URL + "/ispmgr?func=user&authinfo=root:pw")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if (err == nil) != whole || len(body) == 0 || strings.Contains(string(body), "</doc>") {
			t.Errorf("%s: %d bytes, error %v", f, len(body), err)
		}
		_ = resp.Body.Close()
		srv.Close()
	}
}

// TestUnavailable: it says when to come back, in seconds, rounded up.
func TestUnavailable(t *testing.T) {
	f := atEvery(Unavailable)
	f.RetryAfter = 1500 * time.Millisecond
	p := newPanel(Options{Faults: f})
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ispmgr?func=user", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" {
		t.Errorf("status %d, Retry-After %q; want 503 and 2", w.Code, w.Header().Get("Retry-After"))
	}
}

// TestFaultsRepeat: which calls are hit depends on seed and calls, not on
// the order in which different calls arrive, and about as often as asked.
func TestFaultsRepeat(t *testing.T) {
	hits := func(seed uint64, backwards bool) map[string]bool {
		p := newPanel(Options{Seed: seed, Faults: Faults{Rates: map[Fault]float64{BadGateway: 0.2, Ignore: 1}}})
		out := make(map[string]bool)
		for i := range 1000 {
			if backwards {
				i = 999 - i
			}
			name := fmt.Sprintf("n%d", i%500)
			status, _ := post(p, "user.edit", "elid", name)
			out[fmt.Sprint(name, " ", len(p.ledger.calls)/501)] = status != http.StatusOK
		}
		return out
	}
	one, again, back, other := hits(1, false), hits(1, false), hits(1, true), hits(2, false)
	if d := cmp.Diff(one, again); d != "" {
		t.Errorf("the same calls, other faults:\n%s", d)
	}
	if d := cmp.Diff(one, back); d != "" {
		t.Errorf("the same calls in another order, other faults:\n%s", d)
	}
	if cmp.Equal(one, other) {
		t.Error("another seed, the same faults")
	}
	n := 0
	for _, hit := range one {
		if hit {
			n++
		}
	}
	if n < 150 || n > 250 {
		t.Errorf("%d of 1000 calls hit, want about 200", n)
	}
}

func TestParseFaults(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want map[Fault]float64
		err  string
	}{
		{"", map[Fault]float64{}, ""},
		{"none", map[Fault]float64{}, ""},
		{"down", map[Fault]float64{DropBefore: 1}, ""},
		{"slow=0.5, drop-after=5%", map[Fault]float64{Slow: 0.5, DropAfter: 0.05}, ""},
		{"slow,slow=1", map[Fault]float64{Slow: 1}, ""},
		{"slwo", nil, "no profile"},
		{"slwo=1", nil, "no fault"},
		{"slow=often", nil, "not a number"},
		{"slow=2", nil, "not from 0 to 1"},
		{"slow=NaN", nil, "not from 0 to 1"},
		{"slow=-1%", nil, "not from 0 to 1"},
	} {
		got, err := ParseFaults(tc.in)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%q: error %v, want one with %q", tc.in, err, tc.err)
			}
			continue
		}
		if d := cmp.Diff(tc.want, got.Rates); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", tc.in, err, d)
		}
	}
	flaky, err := ParseFaults("flaky")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, r := range flaky.Rates {
		sum += r
	}
	if math.Abs(sum-0.02) > 1e-9 {
		t.Errorf("flaky adds up to %v, want 0.02", sum)
	}
}

// TestFaultNames: every name it lists can be parsed.
func TestFaultNames(t *testing.T) {
	names := FaultNames()
	if len(names) != len(profiles)+len(allFaults) {
		t.Errorf("%d names, want %d", len(names), len(profiles)+len(allFaults))
	}
	for _, name := range names {
		_, profile := ParseFaults(name)
		_, fault := ParseFaults(name + "=1")
		if profile != nil && fault != nil {
			t.Errorf("%s is neither: %v, %v", name, profile, fault)
		}
	}
}

// FuzzParseFaults: no input panics, and what is accepted has known faults
// with rates that are probabilities, and means the same again.
func FuzzParseFaults(f *testing.F) {
	for _, s := range []string{"none", "flaky,slow=0.1", "cut=5%", "=", "a=b=c", "slow=1e-400", "slow=0x1p-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseFaults(s)
		if err != nil {
			return
		}
		var again []string
		for name, r := range got.Rates {
			if !(r >= 0 && r <= 1) {
				t.Errorf("%q: rate %v of %s", s, r, name)
			}
			again = append(again, fmt.Sprintf("%s=%v", name, r))
		}
		same, err := ParseFaults(strings.Join(again, ","))
		if d := cmp.Diff(got.Rates, same.Rates); err != nil || d != "" {
			t.Errorf("%q read, written and read again: %v\n%s", s, err, d)
		}
	})
}

// TestFlakyIsConsistent: whatever faults hit, the ledger's Applied tells
// exactly which changes the state holds.
func TestFlakyIsConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := make(map[Fault]float64)
		for _, f := range []Fault{BadGateway, DropBefore, DropAfter, Cut, Ignore, ForgetSession, GatewayTimeout, RequestFailed} {
			rates[f] = rapid.Float64Range(0, 0.12).Draw(t, string(f))
		}
		p := newPanel(Options{Seed: rapid.Uint64().Draw(t, "seed"), Faults: Faults{Rates: rates}})
		for i := range 30 {
			under(p, "user.edit", "name", fmt.Sprintf("u%d", i%20), "passwd", "x", "sok", "ok")
		}
		applied := 0
		for _, c := range p.Calls() {
			if c.Applied {
				applied++
				if _, ok := p.Get("user", c.Params["name"]); !ok {
					t.Errorf("%s was applied and is not there", c.Params["name"])
				}
			}
		}
		if applied != p.Count("user") {
			t.Errorf("%d applied, %d there", applied, p.Count("user"))
		}
	})
}
