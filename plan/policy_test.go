package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/specs"
)

// TestPolicies runs one policy over one plan: a create, an update and a delete.
func TestPolicies(t *testing.T) {
	alice := res("user", "alice", "active=true", "limit=1")
	alice.Meters = specs.Fields{{Name: "quota_used", Value: specs.Number(12)}}
	gone := res("user", "gone", "active=true")
	gone.Meters = specs.Fields{{Name: "quota_used", Value: specs.Number(0)}}
	tests := []struct {
		name, source, want string
		warn               bool
	}{
		{"a step", `step.action == "delete" && step.kind == "user" && step.key == "gone"`, "error policy web1/user/gone: policy \"p\": no; if that is what you want, say --allow-policy p\n", false},
		{"a warning", `step.ref == "web1/user/alice" && step.panel == "web1"`, "warning policy web1/user/alice: policy \"p\": no\n", true},
		{"a change", `"limit" in step.changes and step.action == "update"`, "error policy web1/user/alice: policy \"p\": no; if that is what you want, say --allow-policy p\n", false},
		{"a meter of the live resource", `step.action != "create" && live.quota_used > 0`, "error policy web1/user/alice: policy \"p\": no; if that is what you want, say --allow-policy p\n", false},
		{"what goes along", `step.takes_with_it >= 1`, "error policy web1/user/gone: policy \"p\": no; if that is what you want, say --allow-policy p\n", false},
		{"before and after", `live.limit != nil && desired.limit != live.limit`, "error policy web1/user/alice: policy \"p\": no; if that is what you want, say --allow-policy p\n", false},
		{"the panel", `panel.name == "web1" && panel.url startsWith "https" && panel.labels.region == "ams" && step.action == "create"`, "error policy web1/user/new: policy \"p\": no; if that is what you want, say --allow-policy p\n", false},
		{"the plan", `plan.summary.create == 1 && plan.summary.update == 1 && plan.summary.delete == 1 && step.action == "create"`, "error policy web1/user/new: policy \"p\": no; if that is what you want, say --allow-policy p\n", false},
		{"never true", `step.kind == "site"`, "", false},
		{"what is not told is nil, and nil is no number: an error even as a warning", `step.action == "update" && live.size_used > 0`,
			"error policy web1/user/alice: policy \"p\" cannot be evaluated: invalid operation: <nil> > int; a field the panel does not tell is nil: compare it with nil first, or use ??; if that is what you want, say --allow-policy p\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			policies, err := CompilePolicies([]Policy{{Name: "p", Deny: !tt.warn, Source: tt.source, Message: "no"}})
			if err != nil {
				t.Fatal(err)
			}
			w := world{rules: &Rules{Policies: policies, Deletes: DefaultDeletes, AllowDeletes: -1},
				panel:   specs.Panel{URL: "https://web1", Labels: map[string]any{"region": "ams"}},
				desired: state(t, "", res("user", "alice", "limit=2"), res("user", "new", "!passwd"), absent("user", "gone")),
				live:    state(t, allKinds, alice, gone, res("site", "a.org", "owner=gone"))}
			var got strings.Builder
			for _, f := range w.plan(t).Findings {
				got.WriteString(string(f.Severity) + " " + f.Code + " " + f.Ref + ": " + f.Message + "\n")
			}
			if d := cmp.Diff(tt.want, got.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestPolicyMessageIsOptional: without one, the expression speaks.
func TestPolicyMessageIsOptional(t *testing.T) {
	policies, err := CompilePolicies([]Policy{{Name: "p", Source: `step.kind == "ip"`}})
	if err != nil {
		t.Fatal(err)
	}
	p := world{rules: &Rules{Policies: policies, AllowDeletes: -1}, desired: state(t, "", res("ip", "1")), live: state(t, allKinds)}.plan(t)
	if len(p.Findings) != 1 || p.Findings[0].Message != `policy "p": step.kind == "ip"` {
		t.Errorf("got %+v", p.Findings)
	}
}

func TestPoliciesThatDoNotCompile(t *testing.T) {
	tests := []struct {
		name, source string
		at           int // characters into the expression
		says         string
	}{
		{"a misspelt name", `sttep.action == "delete"`, 0, "unknown name sttep"},
		{"a misspelt property", `step.verb == "delete"`, 5, "this has no field verb"},
		{"not a bool", `step.action`, 0, "expected bool"},
		{"of unknown type: it would fail on the first step instead", `live.active`, 0, "expected bool"},
		{"not an expression", `step.action ==`, 13, "unexpected token"},
		{"empty", ``, 0, ""},
		{"the clock", `now().Hour() > 18`, 0, "now"},
		{"the machine's time zones", `timezone("Europe/Moscow") != nil`, 0, "timezone"},
		{"the random order of a map", `keys(live)[0] == "owner"`, 0, "keys"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pos := specs.Pos{File: "site.yaml", Line: 3, Col: 11}
			_, err := CompilePolicies([]Policy{{Name: "fine", Source: "true"}, {Name: "p", Source: tt.source, Pos: pos}})
			var errs specs.Errors
			want := pos
			want.Col += tt.at
			if !errors.As(err, &errs) || len(errs) != 1 || errs[0].Pos != want {
				t.Fatalf("got %v, want one error at %s", err, want)
			}
			if msg := errs[0].Msg; !strings.HasPrefix(msg, `policy "p": `) || !strings.Contains(msg, tt.says) || strings.Contains(msg, "\n") {
				t.Errorf("got %q, want it to say %q", msg, tt.says)
			}
		})
	}
}
