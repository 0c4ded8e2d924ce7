package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pieces reads as a network does: a little at a time, of any size.
type pieces struct {
	rest  []byte
	sizes []int
	at    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := min(p.sizes[p.at%len(p.sizes)], len(b), len(p.rest))
	p.at++
	copy(b, p.rest[:n])
	p.rest = p.rest[n:]
	return n, nil
}

// The law of the floor: however the answer arrives, all ways count the same.
func TestAllWaysCountTheRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.SampledFrom([]string{
			"<name>a</name>", "<name>elem</name><elems>x</elems>", `<database orig="db">No &lt;elem&gt;</database><ssl/>`, "<name>b</name><secure>on</secure>",
		}), 0, 40).Draw(t, "rows")
		doc := `<?xml version="1.0"?><doc func="user">`
		for _, r := range rows {
			doc += "<elem>" + r + "</elem>"
		}
		doc += "<elements>3</elements><p_elems>" + fmt.Sprint(len(rows)) + "</p_elems></doc>\n"
		sizes := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 10).Draw(t, "sizes")
		for _, way := range ways {
			buf := make([]byte, rapid.SampledFrom([]int{16, 17, 64, 1 << 10}).Draw(t, "buffer"))
			n, err := counters[way](&pieces{rest: []byte(doc), sizes: sizes}, "elem", buf)
			if err != nil || n != len(rows) {
				t.Fatalf("%s counted %d, %v in %s; there are %d", way, n, err, doc, len(rows))
			}
		}
	})
}

// Counting ok must see <ok/> and <ok>restart</ok> and nothing that begins so.
func TestAllWaysCountOK(t *testing.T) {
	for doc, want := range map[string]int{
		`<doc><ok/></doc>`:                            1,
		`<doc><ok>restart</ok></doc>`:                 1,
		`<doc><ok lang="en"/></doc>`:                  1,
		`<doc><okay/></doc>`:                          0,
		`<doc><error type="ok"><msg/></error></doc>`:  0,
		`<doc><tparams><sok>ok</sok></tparams></doc>`: 0,
	} {
		for _, way := range ways {
			if n, err := counters[way](strings.NewReader(doc), "ok", make([]byte, 64)); n != want || err != nil {
				t.Errorf("%s counted %d, %v in %s; want %d", way, n, err, doc, want)
			}
		}
	}
}

func TestABrokenAnswerIsAnError(t *testing.T) {
	broken := errors.New("connection reset")
	for _, way := range ways {
		in := io.MultiReader(strings.NewReader("<doc><elem>"), &failing{broken})
		if _, err := counters[way](in, "elem", make([]byte, 64)); !errors.Is(err, broken) {
			t.Errorf("%s: the error is %v, not %v", way, err, broken)
		}
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// Whatever a panel answers, counting ends, and counts no more than there can be.
func FuzzCounters(f *testing.F) {
	f.Add([]byte("<doc><elem><name>a</name></elem></doc>"))
	f.Add([]byte("<elem><elem</elem><<>>"))
	f.Add(bytes.Repeat([]byte("<elem"), 50))
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, way := range ways {
			n, err := counters[way](bytes.NewReader(doc), "elem", make([]byte, 16))
			if err == nil && n > len(doc)/len("<elem>") {
				t.Errorf("%s counted %d in %d bytes", way, n, len(doc))
			}
		}
		if id, err := readSession(bytes.NewReader(doc)); err == nil && !bytes.Contains(doc, []byte(`"`+id+`"`)) {
			t.Errorf("the session %q is not in %q", id, doc)
		}
	})
}

// The floor replays what a ledger holds: the same calls, the same end.
func TestTheFloorReplaysALedger(t *testing.T) {
	s := scenario{size: size{2, 2, 6}, create: true}
	f := testFleet(t, s)
	calls := make([]lane, len(f.hosts))
	for i, h := range f.hosts {
		calls[i] = lane{url: h.url, bodies: []string{login()}}
		for r := range s.size.usersOf() {
			calls[i].bodies = append(calls[i].bodies, create("user", r, "&passwd="+userPassword))
		}
		for r := range s.size.sitesOf(i, false) {
			calls[i].bodies = append(calls[i].bodies, create("webdomain", r, ""))
		}
		calls[i].bodies = append(calls[i].bodies, "func=user", "func=webdomain")
	}
	for _, way := range ways {
		f.occupy(s, s.latencyOf)
		n, err := sendAll(calls, counters[way])
		if want := 2 * s.size.resources(); n != want || err != nil { // an ok and a row for each
			t.Fatalf("%s counted %d, %v; want %d", way, n, err, want)
		}
		replay := f.lanes()
		f.occupy(s, s.latencyOf)
		if again, err := sendAll(replay, counters[way]); again != n || err != nil {
			t.Errorf("%s: the replay counted %d, %v; want %d", way, again, err, n)
		}
		for _, h := range f.hosts {
			if n := h.panel.Load().Count("webdomain"); n != s.size.sites {
				t.Errorf("%s: the replay left %d web domains, not %d", way, n, s.size.sites)
			}
		}
	}
}

func TestALoginThatFailsStopsTheFloor(t *testing.T) {
	s := scenario{size: size{1, 1, 1}}
	f := testFleet(t, s)
	_, err := sendAll([]lane{{f.hosts[0].url, []string{"func=auth&username=root&password=wrong", "func=user"}}}, countBytes)
	if err == nil || !strings.Contains(err.Error(), "no session") {
		t.Errorf("the error is %v", err)
	}
}

func testFleet(t *testing.T, s scenario) *fleet {
	t.Helper()
	f, err := startFleet(s.size.panels)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	})
	f.occupy(s, s.latencyOf)
	return f
}

func login() string {
	return url.Values{"func": {"auth"}, "username": {"root"}, "password": {panelPassword}}.Encode()
}

func create(kind string, r resource, more string) string {
	form := url.Values{"func": {kind + ".edit"}, "sok": {"ok"}, "name": {r.key}}
	for _, f := range r.fields {
		form.Set(f[0], f[1])
	}
	return form.Encode() + more
}
