package plan

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/specs"
)

// A plan that the spec did not ask for carries in its file what its calls need,
// references of secrets included, and nothing of the spec is looked at for it.
func TestPlanOfAnotherMakerIsSelfContained(t *testing.T) {
	desired := specs.NewState("web1")
	fields := specs.Fields{{Name: "fullname", Value: specs.Text("Alice")}}
	if err := desired.Set("user", []specs.Resource{
		{Ref: specs.Ref{Panel: "web1", Kind: "user", Key: "alice"}, Fields: fields,
			Secrets: []specs.SecretField{{Name: "passwd", Secret: specs.Secret{Source: specs.SecretEnv, Arg: "ALICE"}}}},
		{Ref: specs.Ref{Panel: "web1", Kind: "user", Key: "bob"}, Fields: fields, SecretsNeeded: []string{"passwd"}},
	}); err != nil {
		t.Fatal(err)
	}
	live := specs.NewState("web1")
	if err := live.Set("user", nil); err != nil {
		t.Fatal(err)
	}
	kinds := specs.Builtin().Kind
	in := Input{Panel: specs.Panel{Name: "web1"}, Desired: desired, Live: live, Kinds: kinds}
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	made := Assemble(Header{ID: "1", CreatedAt: now, ExpiresAt: now, SpecDigest: "d", MadeBy: "undo 1"}, []*Draft{Make(in)}, []Panel{{Name: "web1"}}, nil)
	var file bytes.Buffer
	if err := Write(&file, made); err != nil {
		t.Fatal(err)
	}
	p, err := Read(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if stale := Check(p, map[string]*specs.State{"web1": live}, nil, kinds); len(stale) > 0 {
		t.Fatalf("stale: %v", stale)
	}
	if d := cmp.Diff([]specs.SecretField{{Name: "passwd", Secret: specs.Secret{Source: specs.SecretEnv, Arg: "ALICE"}}}, p.Steps[0].SecretRefs); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"passwd"}, p.Steps[1].SecretsNeeded); d != "" {
		t.Error(d)
	}
	if len(p.Findings) != 1 || p.Findings[0].Code != CodeSecretNeeded || p.Findings[0].Severity != Warning {
		t.Errorf("findings: %v", p.Findings)
	}
	if file := strings.Replace(file.String(), `"arg": "ALICE"`, `"arg": "OTHER"`, 1); !strings.Contains(file, "OTHER") {
		t.Error("the file does not hold the reference")
	} else if _, err := Read(strings.NewReader(file)); err == nil {
		t.Error("a plan with another reference is read")
	}
}
