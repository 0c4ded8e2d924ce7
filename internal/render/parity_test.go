package render

import (
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// parityOf is a parity with one of everything, all its texts being s.
func parityOf(s string) *plan.Parity {
	return &plan.Parity{From: s, To: s, Compared: 3, Equal: 1,
		Kinds: []plan.ParityCount{{Kind: s, Compared: 3, Equal: 1}},
		Differing: []plan.ParityResource{
			{Ref: specs.Ref{Panel: s, Kind: s, Key: s}, From: s, State: plan.ParityDiffers, Fields: []plan.ParityField{{Field: s, Expected: specs.Text(s), Actual: specs.List(s, "b")}}},
			{Ref: specs.Ref{Panel: s, Kind: s, Key: s}, From: s, State: plan.ParityUnread, Why: s},
		},
		Untold:   []plan.Count{{Kind: s, Count: 2}},
		Findings: []plan.Finding{{Severity: plan.Warning, Code: s, Ref: s, Message: s}},
		Probes: []plan.Probe{{URI: "x:" + s, From: plan.ProbeReply{Status: 200, Title: s}, To: plan.ProbeReply{Error: s}},
			{URI: "x:" + s, From: plan.ProbeReply{Answers: []string{s}}, To: plan.ProbeReply{}}},
	}
}

// sampleParity is what a person may see halfway through a move.
func sampleParity() *plan.Parity {
	ref := func(kind, key string) specs.Ref { return specs.Ref{Panel: "new", Kind: kind, Key: key} }
	return &plan.Parity{From: "old", To: "new", Compared: 412, Equal: 409,
		Kinds: []plan.ParityCount{{Kind: "user", Compared: 12, Equal: 12}, {Kind: "webdomain", Compared: 400, Equal: 397}},
		Differing: []plan.ParityResource{
			{Ref: ref("webdomain", "shop.example.com"), From: "old/webdomain/shop.example.com", State: plan.ParityDiffers, Fields: []plan.ParityField{
				{Field: "aliases", Expected: specs.List("www.shop.example.com"), Actual: specs.List()}, {Field: "php_mode", Expected: specs.Text("php_mode_mod"), Actual: specs.Text("php_mode_cgi")}}},
			{Ref: ref("webdomain", "xn--e1afmkfd.xn--p1ai"), From: "old/webdomain/xn--e1afmkfd.xn--p1ai", State: plan.ParityMissing},
			{Ref: ref("webdomain", "x.example.com"), From: "old/webdomain/x.example.com", State: plan.ParityMissing},
		},
		Untold:   []plan.Count{{Kind: "webdomain.nodejs", Count: 400}},
		Findings: []plan.Finding{{Severity: plan.Warning, Code: "cannot_move", Ref: "old/sslcert/alice%#%shop", Message: "it is left on old"}},
		Probes: []plan.Probe{
			{URI: "http://shop.example.com/", From: plan.ProbeReply{Status: 200, Title: "Shop"}, To: plan.ProbeReply{Status: 404}},
			{URI: "http://blog.example.com/", Alike: true, From: plan.ProbeReply{Status: 200, Title: "Blog"}, To: plan.ProbeReply{Status: 200, Title: "Blog"}},
			{URI: "dns:example.com.?type=A", From: plan.ProbeReply{Answers: []string{"192.0.2.1"}}, To: plan.ProbeReply{Error: "timeout"}},
		}}
}

func TestParityGoldens(t *testing.T) {
	complete := &plan.Parity{From: "old", To: "new", Compared: 412, Equal: 412, Complete: true, Kinds: []plan.ParityCount{{Kind: "user", Compared: 412, Equal: 412}}}
	doubtful := *complete
	doubtful.Complete = false
	for name, p := range map[string]*plan.Parity{"parity": sampleParity(), "parity-complete": complete, "parity-doubtful": &doubtful} {
		golden(t, name, []byte(write(t, func(w io.Writer) error { return ParityText(w, p, Style{}) })))
	}
	page := write(t, func(w io.Writer) error { return ParityHTML(w, sampleParity()) })
	golden(t, "parity.html", []byte(policyHash.ReplaceAllString(strings.Replace(page, pageStyle, "…", 1), "'sha256-…'")))
}

// A parity ends in its headline, whatever panels write, and nothing they write
// reaches a terminal or a page as anything but text.
func TestLawParityIsClean(t *testing.T) {
	known := openings(t, write(t, func(w io.Writer) error { return ParityHTML(w, parityOf("a")) }))
	rapid.Check(t, func(t *rapid.T) {
		p := parityOf(anyMarkup().Draw(t, "text"))
		text := write(t, func(w io.Writer) error { return ParityText(w, p, Style{}) })
		if r, found := hidden(text); found {
			t.Fatalf("%q reaches the terminal: %q", r, text)
		}
		if !strings.HasSuffix(text, "\nparity: 1 of 3\n") {
			t.Fatalf("it ends otherwise: %q", text)
		}
		for tag, n := range openings(t, write(t, func(w io.Writer) error { return ParityHTML(w, p) })) {
			if known[tag] != n {
				t.Fatalf("<%s> is there %d times, not %d", tag, n, known[tag])
			}
		}
	})
}
