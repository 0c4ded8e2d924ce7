package main

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// Each example is planned and applied on simulated panels in the places of its
// own; the compact plan is compared with a golden, and then nothing is left to do.
func TestExamples(t *testing.T) {
	for _, dir := range []string{"quickstart", "many-panels", "gitops/specs", "cron/specs"} {
		t.Run(dir, func(t *testing.T) {
			name := strings.ReplaceAll(dir, "/", "-")
			ex := newExample(t, filepath.Join("..", "..", "examples", filepath.FromSlash(dir)))
			golden := filepath.Join("testdata", "examples", name+".txt")
			got := ex.run(t, exitOK, func(a *app) error { return ex.plan(a, "compact") })
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got (go test ./cmd/ispsync -run Examples -update writes it anew)\n%s", diff)
			}
			ex.run(t, exitOK, ex.apply)
			if again := ex.run(t, exitOK, func(a *app) error { return ex.plan(a, "text") }); !strings.HasSuffix(again, "No changes.\n") {
				t.Errorf("after the apply:\n%s", again)
			}
		})
	}
}

// example is a directory of specs whose panels are simulated.
type example struct {
	spec    *specs.Spec
	environ []string
	state   string
}

func newExample(t *testing.T, dir string) *example {
	secrets := t.TempDir()
	spec, err := specs.Load(specs.Options{Paths: []string{dir}, Vars: map[string]string{"secrets": secrets}})
	if err != nil {
		t.Fatal(err)
	}
	ex := &example{spec: spec, state: filepath.Join(t.TempDir(), "state")}
	for i := range spec.Panels {
		srv := httptest.NewServer(simpanel.New(simpanel.Options{Password: testPassword}))
		t.Cleanup(srv.Close)
		spec.Panels[i].URL = srv.URL + "/ispmgr"
		ex.provide(t, spec.Panels[i].Auth.Password)
		st := spec.Desired(spec.Panels[i].Name)
		for _, kind := range st.Kinds() {
			for _, r := range st.Resources(kind) {
				for _, s := range r.Secrets {
					ex.provide(t, s.Secret)
				}
			}
		}
	}
	return ex
}

// provide makes a secret resolvable.
func (ex *example) provide(t *testing.T, s specs.Secret) {
	switch s.Source {
	case specs.SecretEnv:
		ex.environ = append(ex.environ, s.Arg+"="+testPassword)
	case specs.SecretFile:
		if err := os.MkdirAll(filepath.Dir(s.Arg), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.Arg, []byte(testPassword+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("an example uses %s", s)
	}
}

// run gives a command an app and returns what it printed, ports masked.
func (ex *example) run(t *testing.T, want exitCode, do func(*app) error) string {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	a := &app{stdin: out, stdout: out, stderr: out, environ: ex.environ, color: "never", stateDir: ex.state, quiet: true, logFormat: "text"}
	a.log = newLogger(a)
	if err := do(a); err != nil || a.code != want {
		t.Fatalf("code %d, %v", a.code, err)
	}
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return loopbackPort.ReplaceAllString(strings.ReplaceAll(string(b), "../../examples/", ""), "127.0.0.1:PORT")
}

func (ex *example) plan(a *app, output string) error {
	tg, err := a.aim(ex.spec, &panelFlags{parallelism: 3, allowDeletes: -1})
	if err != nil {
		return err
	}
	defer tg.close()
	p, err := tg.plan(context.Background(), false)
	if err != nil {
		return err
	}
	return a.showPlan(a.stdout, p, output, "")
}

func (ex *example) apply(a *app) error {
	return a.applyPlan(ex.spec, &panelFlags{parallelism: 3, allowDeletes: -1},
		&applyFlags{output: "text", approve: true, restart: "end", onDrift: "abort"}, nil, nil)
}
