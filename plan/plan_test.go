package plan

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ispsync/ispsync/specs"
)

// The tests plan with a small catalog of their own. It has one of each thing a
// row can say: accounts that own, zones that sites bring, records that live in
// zones, addresses that sites refer to in a list.
//
//	user ─┬─► zone ──► record       ip
//	      └─► site ──► (brings zone, refers to ip)
func testCatalog(t testing.TB) *specs.Catalog {
	t.Helper()
	boolean := specs.Builtin().Kind("user").Field("active").Canon
	active := func() *specs.FieldRow {
		return &specs.FieldRow{Name: "active", Canon: boolean, Read: specs.FromList, Toggle: true}
	}
	owner := func() *specs.FieldRow {
		return &specs.FieldRow{Name: "owner", Read: specs.FromList, Refers: "user", CreateOnly: true, Required: true}
	}
	c, err := specs.NewCatalog(
		&specs.Kind{Name: "ip", Delete: "ip.delete", Fields: []*specs.FieldRow{{Name: "mask"}}},
		&specs.Kind{Name: "user", Delete: "user.delete", Suspend: "user.suspend", Resume: "user.resume", Login: true,
			TakesWithIt: []string{"site", "zone"},
			Fields: []*specs.FieldRow{active(), {Name: "fullname"}, {Name: "limit"},
				{Name: "passwd", Secret: true, Required: true}, {Name: "pin", Secret: true, CreateOnly: true}}},
		&specs.Kind{Name: "zone", Delete: "zone.delete", Owner: "owner", TakesWithIt: []string{"record"},
			Fields: []*specs.FieldRow{owner(), {Name: "ns"}}},
		&specs.Kind{Name: "record", Delete: "record.delete", Parent: &specs.Parent{Kind: "zone", Field: "plid"},
			Fields: []*specs.FieldRow{{Name: "plid", Refers: "zone"}, {Name: "value"}}},
		&specs.Kind{Name: "site", Delete: "site.delete", Suspend: "site.suspend", Resume: "site.resume", Owner: "owner", Brings: []string{"zone"},
			Fields: []*specs.FieldRow{active(), owner(), {Name: "aliases"}, {Name: "hidden", Read: specs.Never},
				{Name: "home", CreateOnly: true}, {Name: "ips", Refers: "ip"}, {Name: "php"}}},
		&specs.Kind{Name: "log", Fields: []*specs.FieldRow{{Name: "level"}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// res makes a resource of web1 from "name=value" fields; true, false, numbers
// and [a b] lists are what they look like. "!x" is a secret field x.
func res(kind, key string, fields ...string) specs.Resource {
	r := specs.Resource{Ref: specs.Ref{Panel: "web1", Kind: kind, Key: key}}
	for _, f := range fields {
		name, text, _ := strings.Cut(f, "=")
		if secret, ok := strings.CutPrefix(name, "!"); ok {
			r.Secrets = append(r.Secrets, specs.SecretField{Name: secret, Secret: specs.Secret{Source: specs.SecretEnv, Arg: strings.ToUpper(secret)}})
			continue
		}
		var v specs.Value
		switch {
		case text == "true" || text == "false":
			v = specs.Bool(text == "true")
		case strings.HasPrefix(text, "["):
			v = specs.List(strings.Fields(strings.Trim(text, "[]"))...)
		default:
			v = specs.Text(text)
		}
		r.Fields = append(r.Fields, specs.Field{Name: name, Value: v})
	}
	return r
}

// declaredAt gives a resource a place in the spec.
func declaredAt(line int, r specs.Resource) specs.Resource {
	r.Pos = specs.Pos{File: "site.yaml", Line: line, Col: 7}
	return r
}

func absent(kind, key string) specs.Resource {
	r := declaredAt(9, res(kind, key))
	r.Absent = true
	return r
}

// state holds resources of web1; kinds named without a resource are known to be empty.
func state(t testing.TB, emptyKinds string, resources ...specs.Resource) *specs.State {
	t.Helper()
	byKind := map[string][]specs.Resource{}
	for _, k := range strings.Fields(emptyKinds) {
		byKind[k] = nil
	}
	for _, r := range resources {
		byKind[r.Ref.Kind] = append(byKind[r.Ref.Kind], r)
	}
	s := specs.NewState("web1")
	for k, rs := range byKind {
		if err := s.Set(k, rs); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

const allKinds = "ip user zone record site log"

// world is what a test plans from.
type world struct {
	desired, live *specs.State
	rules         *Rules
	account       string
	rotate        func(specs.Ref) bool
	targets       func(specs.Ref) bool
	panel         specs.Panel
}

func (w world) input(t testing.TB) Input {
	if w.rules == nil {
		w.rules = &Rules{Deletes: DefaultDeletes, AllowDeletes: -1}
	}
	w.panel.Name = "web1"
	return Input{Panel: w.panel, Desired: w.desired, Live: w.live, Account: w.account,
		Kinds: testCatalog(t).Kind, Rules: w.rules, Rotate: w.rotate, Targets: w.targets}
}

var testHeader = Header{ID: "p1", SpecDigest: "sha256:spec",
	CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ExpiresAt: time.Date(2026, 1, 3, 3, 4, 5, 0, time.UTC)}

func (w world) plan(t testing.TB) *Plan {
	t.Helper()
	return assembled(t, []*Draft{Make(w.input(t))}, "web1")
}

// assembled joins drafts and checks what holds for every plan.
func assembled(t testing.TB, drafts []*Draft, panels ...string) *Plan {
	t.Helper()
	ps := make([]Panel, len(panels))
	for i, name := range panels {
		ps[i] = Panel{Name: name, URL: "https://" + name + "/ispmgr", Account: "root", Reachable: true, Requests: 3}
	}
	p := Assemble(testHeader, drafts, ps, nil)
	if err := p.check(); err != nil {
		t.Fatalf("Assemble made a plan that Read would refuse: %v", err)
	}
	return p
}

// matching is a rule for one kind: true of resources whose field has a value.
func matching(kind, field, value string) func(string) Match {
	return func(k string) Match {
		if k != kind {
			return Match{}
		}
		return Match{Source: field + ` == "` + value + `"`, Test: func(r *specs.Resource) (bool, error) {
			if field == "name" {
				return r.Ref.Key == value, nil
			}
			v, _ := r.Fields.Get(field)
			return v.String() == value, nil
		}}
	}
}

// failing is a rule that cannot be evaluated.
func failing(kind string) func(string) Match {
	return func(k string) Match {
		if k != kind {
			return Match{}
		}
		return Match{Source: "nonsense", Test: func(*specs.Resource) (bool, error) { return false, errors.New("no such thing") }}
	}
}

// text is a plan in short: one line per step, kept and finding.
func text(p *Plan) string {
	var b bytes.Buffer
	for _, s := range p.Steps {
		b.WriteString(s.ID + " " + s.Action.Symbol() + s.Kind + "/" + s.Key)
		for _, c := range s.Changes {
			b.WriteString(" " + c.Field + ":" + quote(c.Before) + ">" + quote(c.After))
		}
		for _, name := range s.Secrets {
			b.WriteString(" !" + name)
		}
		for _, c := range s.TakesWithIt {
			b.WriteString(" takes " + countsText([]Count{c}))
		}
		if len(s.Needs) > 0 {
			b.WriteString(" needs " + strings.Join(s.Needs, ","))
		}
		b.WriteString(" (" + s.Why + ")\n")
	}
	for _, k := range p.Kept {
		b.WriteString("kept " + k.Ref.Kind + "/" + k.Ref.Key + " (" + k.Why + ")\n")
	}
	for _, f := range p.Findings {
		b.WriteString(string(f.Severity) + " " + f.Code + " " + f.Ref + ": " + f.Message + "\n")
	}
	return b.String()
}

func codes(p *Plan) string {
	var out []string
	for _, f := range p.Findings {
		out = append(out, string(f.Severity)+" "+f.Code)
	}
	return strings.Join(out, ", ")
}
