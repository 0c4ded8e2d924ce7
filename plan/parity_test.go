package plan

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/specs"
)

func TestCompare(t *testing.T) {
	site := func(key string, fields ...specs.Field) specs.Resource {
		return specs.Resource{Ref: specs.Ref{Panel: "new", Kind: "webdomain", Key: key}, Fields: fields}
	}
	analyzer := func(s string) specs.Field { return specs.Field{Name: "analyzer", Value: specs.Text(s)} }
	cgi := specs.Field{Name: "cgi", Value: specs.Bool(true)}
	desired, live := specs.NewState("new"), specs.NewState("new")
	for state, rs := range map[*specs.State][]specs.Resource{
		desired: {site("a", analyzer("off"), cgi), site("b", analyzer("off")), site("c"), site("d", analyzer("off"), specs.Field{Name: "emailcreate", Value: specs.Bool(true)})},
		live:    {site("a", analyzer("off")), site("b", analyzer("awstats")), site("d", analyzer("off")), site("more")},
	} {
		if err := state.Set("webdomain", rs); err != nil {
			t.Fatal(err)
		}
	}
	if err := desired.Set("email", []specs.Resource{{Ref: specs.Ref{Panel: "new", Kind: "email", Key: "a@b.c"}}}); err != nil {
		t.Fatal(err)
	}
	live.Fail("email", errors.New("not whole"))
	p := Compare(desired, live, specs.Builtin().Kind, func(r specs.Ref) string { return "old/" + r.Key })
	p.Finish(nil, nil, false)
	ref := func(kind, key string) specs.Ref { return specs.Ref{Panel: "new", Kind: kind, Key: key} }
	want := &Parity{FormatVersion: "1", To: "new", Compared: 5, Equal: 2, Parity: "2 of 5",
		Kinds: []ParityCount{{"email", 1, 0}, {"webdomain", 4, 2}},
		Differing: []ParityResource{
			{Ref: ref("email", "a@b.c"), From: "old/a@b.c", State: ParityUnread, Fields: []ParityField{}, Why: "not whole"},
			{Ref: ref("webdomain", "b"), From: "old/b", State: ParityDiffers, Fields: []ParityField{{"analyzer", specs.Text("off"), specs.Text("awstats")}}},
			{Ref: ref("webdomain", "c"), From: "old/c", State: ParityMissing, Fields: []ParityField{}},
		},
		Untold: []Count{{"webdomain.cgi", 1}}, Findings: []Finding{}, Probes: []Probe{}}
	if d := cmp.Diff(want, p, cmp.AllowUnexported(specs.Value{})); d != "" {
		t.Error(d)
	}
}

// Equal is not complete: what could not be wanted, or what a visitor sees, may differ.
func TestParityIsComplete(t *testing.T) {
	for _, c := range []struct {
		equal      int
		probes     []Probe
		incomplete bool
		want       bool
	}{
		{2, nil, false, true}, {1, nil, false, false}, {2, nil, true, false},
		{2, []Probe{{URI: "http://a/", Alike: true}}, false, true}, {2, []Probe{{URI: "http://a/", Alike: true}, {URI: "http://b/"}}, false, false},
	} {
		p := &Parity{Compared: 2, Equal: c.equal}
		if p.Finish(nil, c.probes, c.incomplete); p.Complete != c.want {
			t.Errorf("%+v: %v", c, p.Complete)
		}
	}
}
