// Package internal_test holds the imports of the whole module against the
// picture of its architecture. It reads source, so it needs no package to compile.
package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ispsync/ispsync"

// arrows says which of our packages each package may import. A package that
// is not here does not exist in the picture. Programs (cmd, bench) stand at the
// top: they may import anything, and nothing imports them.
var arrows = map[string][]string{
	"specs":             {},
	"plan":              {"specs"},
	"apiclient":         {"internal/mgrctl", "specs"},
	"executor":          {"plan", "specs"},
	"internal/render":   {"executor", "plan", "specs"},
	"internal/simpanel": {},
	"internal/mgrctl":   {},
	"internal/panellog": {"specs"},
	"examples":          {},
	"cmd/ispsync":       {"apiclient", "examples", "executor", "internal/mgrctl", "internal/panellog", "internal/render", "internal/simpanel", "plan", "specs"},
	"internal/bench":    {"apiclient", "executor", "internal/render", "internal/simpanel", "plan", "specs"},
}

// homes says where each third-party module may be imported, tests aside.
// docs/dependencies.md says why each is there.
var homes = map[string][]string{
	"gopkg.in/yaml.v3":                   {"specs"},
	"github.com/expr-lang/expr":          {"plan", "specs"},
	"golang.org/x/sync":                  {"apiclient", "cmd/ispsync", "executor", "specs"},
	"golang.org/x/net":                   {"cmd/ispsync", "internal/render", "internal/simpanel", "specs"},
	"golang.org/x/time":                  {"apiclient"},
	"github.com/cenkalti/backoff/v5":     {"apiclient"},
	"golang.org/x/term":                  {"cmd/ispsync", "internal/render"},
	"github.com/jedib0t/go-pretty":       {"internal/render"},
	"github.com/rs/zerolog":              {"cmd/ispsync"},
	"github.com/spf13/cobra":             {"cmd/ispsync"},
	"github.com/spf13/pflag":             {"cmd/ispsync"},
	"github.com/gofrs/flock":             {"cmd/ispsync"},
	"github.com/invopop/jsonschema":      {"cmd/ispsync"},
	"github.com/prometheus/common":       {"internal/render"},
	"github.com/prometheus/client_model": {"internal/render"},
}

// impure are the parts of the standard library that plan must not touch: the
// same input must give the same bytes. impureCalls are those of packages that
// are otherwise welcome there.
var (
	impure      = []string{"context", "crypto/rand", "io/fs", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec", "path/filepath", "syscall"}
	impureCalls = []string{"time.After", "time.AfterFunc", "time.NewTicker", "time.NewTimer", "time.Now", "time.Since", "time.Sleep", "time.Tick", "time.Until"}
)

// writerHomes are the only files outside apiclient that may turn a client into
// one that writes: that is what makes a read-only plan provable.
var writerHomes = []string{"cmd/ispsync/apply.go", "cmd/ispsync/call.go"}

// source is one Go file: its path from the root of the module, with slashes.
type source struct {
	path string
	text []byte
}

// violations are all ways in which one file leaves the picture, in its order.
func violations(s source) ([]string, error) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, s.path, s.text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	pkg := path.Dir(s.path)
	allowed, known := arrows[pkg]
	if !known {
		return []string{fmt.Sprintf("%s: the package %s is not in the picture; draw it in arrows, with a decision note, before adding it", s.path, pkg)}, nil
	}
	var out []string
	names := map[string]string{} // local name to import path
	for _, imp := range f.Imports {
		target, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return nil, err
		}
		names[localName(imp, target)] = target
		if localName(imp, target) == "." {
			out = append(out, fmt.Sprintf("%s: a dot import hides what is used of %s", files.Position(imp.Pos()), target))
		}
		if why := forbidden(pkg, target, allowed); why != "" {
			out = append(out, fmt.Sprintf("%s: %s", files.Position(imp.Pos()), why))
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		called := names[x.Name] + "." + sel.Sel.Name
		switch {
		case pkg == "plan" && slices.Contains(impureCalls, called):
			out = append(out, fmt.Sprintf("%s: plan is pure, it must not use %s", files.Position(n.Pos()), called))
		case called == module+"/apiclient.NewWriter" && !slices.Contains(writerHomes, s.path):
			out = append(out, fmt.Sprintf("%s: only %s may make a writer", files.Position(n.Pos()), strings.Join(writerHomes, " and ")))
		}
		return true
	})
	return out, nil
}

// localName is what a file calls an import.
func localName(imp *ast.ImportSpec, target string) string {
	if imp.Name != nil {
		return imp.Name.Name
	}
	return path.Base(target)
}

// forbidden says why a package may not import a target, or nothing.
func forbidden(pkg, target string, allowed []string) string {
	first, _, _ := strings.Cut(target, "/")
	switch {
	case target == module || strings.HasPrefix(target, module+"/"):
		to := strings.TrimPrefix(target, module+"/")
		if !slices.Contains(allowed, to) {
			return fmt.Sprintf("%s must not import %s; it may import %v", pkg, to, allowed)
		}
	case strings.Contains(first, "."):
		for mod, places := range homes {
			if target == mod || strings.HasPrefix(target, mod+"/") {
				if slices.Contains(places, pkg) {
					return ""
				}
				return fmt.Sprintf("%s must not import %s; its place is %v", pkg, mod, places)
			}
		}
		return fmt.Sprintf("%s imports %s, which has no place in the picture", pkg, target)
	case pkg == "plan" && slices.Contains(impure, target):
		return fmt.Sprintf("plan is pure, it must not import %s", target)
	case target == "C" || target == "unsafe":
		return fmt.Sprintf("%s must not import %s: ispsync is plain Go", pkg, target)
	}
	return ""
}

// sources reads all Go files of the module that are no tests.
func sources(t *testing.T) []source {
	t.Helper()
	root := os.DirFS("..")
	var out []source
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(root, p)
		out = append(out, source{p, text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestArchImportsFollowTheArrows(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		seen[path.Dir(s.path)] = true
		found, err := violations(s)
		if err != nil {
			t.Error(err)
		}
		for _, v := range found {
			t.Error(v)
		}
	}
	for _, must := range []string{"specs", "plan", "apiclient", "executor", "cmd/ispsync", "internal/render", "internal/simpanel"} {
		if !seen[must] {
			t.Errorf("no file of %s was looked at: is the test run from its own directory?", must)
		}
	}
}

// The picture itself has no cycles: every arrow leads to a package all of whose
// own arrows are known to end.
func TestArchHasNoCycles(t *testing.T) {
	grounded := map[string]bool{}
	for range arrows {
		for pkg, targets := range arrows {
			if !slices.ContainsFunc(targets, func(to string) bool { return !grounded[to] }) {
				grounded[pkg] = true
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(arrows)) {
		if !grounded[pkg] {
			t.Errorf("%s is in a cycle, or points at a package that is not in the picture", pkg)
		}
	}
}

// Every module in homes is explained, and everything explained is there.
func TestArchDependenciesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for mod, places := range homes {
		row := ""
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "| `"+mod+"`") {
				row = line
			}
		}
		for _, place := range places {
			if !strings.Contains(row, "`"+place+"`") {
				t.Errorf("docs/dependencies.md does not say that %s may be imported in %s; its row is %q", mod, place, row)
			}
		}
	}
}

// A test of the test: each rule must find the file that breaks it.
func TestArchFindsViolations(t *testing.T) {
	for _, c := range []struct{ name, path, text, want string }{
		{"an arrow the wrong way", "specs/bad.go", `package specs; import _ "github.com/ispsync/ispsync/plan"`, "specs must not import plan"},
		{"two packages that must not know each other", "executor/bad.go", `package executor; import _ "github.com/ispsync/ispsync/apiclient"`, "executor must not import apiclient"},
		{"the simulator learning from the catalog", "internal/simpanel/bad.go", `package simpanel; import _ "github.com/ispsync/ispsync/specs"`, "internal/simpanel must not import specs"},
		{"a program imported", "internal/render/bad.go", `package render; import _ "github.com/ispsync/ispsync/cmd/ispsync"`, "must not import cmd/ispsync"},
		{"a package nobody drew", "internal/util/util.go", `package util`, "not in the picture"},
		{"a file at the root", "main.go", `package main`, "not in the picture"},
		{"a module away from home", "plan/bad.go", `package plan; import _ "gopkg.in/yaml.v3"`, "plan must not import gopkg.in/yaml.v3"},
		{"a package inside such a module", "cmd/ispsync/bad.go", `package main; import _ "github.com/jedib0t/go-pretty/v6/table"`, "must not import github.com/jedib0t/go-pretty"},
		{"a module that only begins alike", "specs/bad.go", `package specs; import _ "gopkg.in/yaml.v30"`, "has no place"},
		{"a module nobody placed", "specs/bad.go", `package specs; import _ "example.com/left/pad"`, "has no place"},
		{"plan with a clock", "plan/bad.go", `package plan; import "time"; var now = time.Now()`, "must not use time.Now"},
		{"plan with a clock by another name", "plan/bad.go", `package plan; import clock "time"; var now = clock.Now`, "must not use time.Now"},
		{"plan with files", "plan/bad.go", `package plan; import _ "os"`, "must not import os"},
		{"plan with a network", "plan/bad.go", `package plan; import _ "net/http"`, "must not import net/http"},
		{"a writer elsewhere", "cmd/ispsync/plan.go", `package main; import "github.com/ispsync/ispsync/apiclient"; var w = apiclient.NewWriter`, "only cmd/ispsync/apply.go"},
		{"a writer by another name", "cmd/ispsync/drift.go", `package main; import c "github.com/ispsync/ispsync/apiclient"; var w = c.NewWriter(nil)`, "only cmd/ispsync/apply.go"},
		{"a dot import that would hide it", "cmd/ispsync/drift.go", `package main; import . "github.com/ispsync/ispsync/apiclient"; var w = NewWriter(nil)`, "a dot import hides"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := violations(source{c.path, []byte(c.text)})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("found %q, want one that says %q", got, c.want)
			}
		})
	}
	for _, c := range []source{
		{"plan/good.go", []byte(`package plan; import ("time"; _ "github.com/expr-lang/expr/vm"; _ "github.com/ispsync/ispsync/specs"); var t time.Time`)},
		{writerHomes[0], []byte(`package main; import "github.com/ispsync/ispsync/apiclient"; var w = apiclient.NewWriter`)},
	} {
		if got, err := violations(c); err != nil || len(got) != 0 {
			t.Errorf("%s is allowed, but found %q, %v", c.path, got, err)
		}
	}
}
