package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// example is one directory with a spec, and what it must come to.
type example struct {
	spec      string // what -f is given; empty when the example has no spec
	panels    int
	resources int // on all panels together, tombstones included
}

// all lists the examples by directory.
var all = map[string]example{
	"quickstart":  {spec: "quickstart", panels: 3, resources: 3 + 4 + 4 + 1 + 1},
	"many-panels": {spec: "many-panels", panels: 6, resources: 7 + 6 + 9 + 6 + 6 + 3},
	"gitops":      {spec: "gitops/specs", panels: 2, resources: 2 + 1 + 2},
	"cron":        {spec: "cron/specs", panels: 1, resources: 1 + 2},
	"plugin":      {spec: "plugin", panels: 1, resources: 1 + 1},
	"monitoring":  {},
}

// load reads an example as `ispsync validate` does: offline, policies compiled.
func load(path string) (*specs.Spec, error) {
	return specs.Load(specs.Options{Paths: []string{path}, Offline: true, CheckPolicies: func(ps []specs.Policy) error {
		rules := make([]plan.Policy, len(ps))
		for i, p := range ps {
			rules[i] = plan.Policy{Name: p.Name, Deny: p.Deny, Source: p.Expr, Message: p.Message, Pos: p.Pos}
		}
		_, err := plan.CompilePolicies(rules)
		return err
	}})
}

func TestExamplesAreValid(t *testing.T) {
	for name, want := range all {
		if want.spec == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			spec, err := load(want.spec)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range spec.Warnings {
				t.Errorf("an example must not be warned about: %s", w.Detail())
			}
			if got := len(spec.Panels); got != want.panels {
				t.Errorf("%d panels, want %d", got, want.panels)
			}
			if got := spec.Len(); got != want.resources {
				t.Errorf("%d resources, want %d", got, want.resources)
			}
		})
	}
}

// A directory that nobody lists would be an example that nobody tests.
func TestEveryExampleIsListed(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, listed := all[e.Name()]; e.IsDir() && e.Name() != "testdata" && !listed {
			t.Errorf("examples/%s is not in the table of this test", e.Name())
		}
	}
}

// In examples/gitops the spec has a directory of its own, because a CI file is
// YAML too: -f with the whole directory must complain instead of taking part of it.
func TestCIFilesAreNoSpec(t *testing.T) {
	files, err := filepath.Glob("gitops/*.yml")
	if err != nil || len(files) != 3 {
		t.Fatalf("CI files: %v, %v; want three", files, err)
	}
	for _, f := range files {
		if _, err := load(f); err == nil || !strings.Contains(err.Error(), "unknown key") {
			t.Errorf("%s as a spec: %v; want complaints about unknown keys", f, err)
		}
	}
}

// The label and the tables of many-panels must reach the resources they are for.
func TestManyPanels(t *testing.T) {
	spec, err := load("many-panels")
	if err != nil {
		t.Fatal(err)
	}
	status := spec.Desired("fra2").Find("webdomain", "status.fra2.example.net")
	if status == nil {
		t.Fatal("fra2 has no status site")
	}
	if v, _ := status.Fields.Get("php_fpm_version"); v.Any() != "isp-php84" {
		t.Errorf("php_fpm_version is %v, want the label of fra2", v.Any())
	}
	site := spec.Desired("waw1").Find("webdomain", "xn--wisa-21a.example")
	if site == nil {
		t.Fatalf("waw1 lacks the site of sites.csv; it has %v", spec.Desired("waw1").Resources("webdomain"))
	}
	for panel, want := range map[string]bool{"ams1": true, "fra1": false} {
		old := spec.Desired(panel).Find("webdomain", "old-status."+panel+".example.net")
		if got := old != nil && old.Absent; got != want {
			t.Errorf("tombstone on %s: %t, want %t", panel, got, want)
		}
	}
	if v, ok := spec.Desired("ams1").Find("webdomain", "shop.acme.example").Fields.Get("aliases"); !ok || len(v.Items()) != 0 {
		t.Errorf("an empty cell should clear the aliases, got %v", v.Items())
	}
}
