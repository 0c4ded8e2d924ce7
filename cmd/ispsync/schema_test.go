package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// compiled makes a validator of a schema, through the JSON that users get.
func compiled(t *testing.T, schema any) *jsonschema.Schema {
	t.Helper()
	var b bytes.Buffer
	if err := writeJSON(&b, schema); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every example is a valid document of the spec's schema, and common mistakes
// are not.
func TestSpecSchema(t *testing.T) {
	builtin := compiled(t, specs.Schema(specs.Builtin()))
	checked := 0
	err := filepath.WalkDir(filepath.Join("..", "..", "examples"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		schema := builtin
		if strings.Contains(path, "plugin") { // it adds a kind, so its schema has one more
			spec, err := specs.Load(specs.Options{Paths: []string{path}})
			if err != nil {
				return err
			}
			schema = compiled(t, specs.Schema(spec.Catalog))
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var doc any
		if err := yaml.Unmarshal(data, &doc); err != nil {
			return err
		}
		checked++
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || checked < 6 {
		t.Errorf("%d examples were checked, %v", checked, err)
	}
	for _, wrong := range []string{"resource: {}", "resources: {usr: []}", "resources: {user: [{name: a, fulname: b}]}", "resources: {user: [{fullname: b}]}", "limits: {deletes: {count: -1}}", "panels: [{name: a}]"} {
		var doc any
		if err := yaml.Unmarshal([]byte(wrong), &doc); err != nil {
			t.Fatal(err)
		}
		if builtin.Validate(doc) == nil {
			t.Errorf("the schema takes %s", wrong)
		}
	}
}

// reportSchema is what `schema --of report` prints, ready for use.
var reportSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	b, err := json.Marshal(documentSchema(&executor.Report{}, "report"))
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("report.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("report.json")
})

// validReport holds a report against the schema.
func validReport(text string) error {
	s, err := reportSchema()
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// Plans and reports are valid documents of their schemas.
func TestDocumentSchemas(t *testing.T) {
	ex := newExample(t, filepath.Join("..", "..", "examples", "quickstart"))
	out := ex.run(t, exitOK, func(a *app) error { return ex.plan(a, "json") })
	validate := func(s *jsonschema.Schema, text string) error {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(doc)
	}
	plans := compiled(t, documentSchema(&plan.Plan{}, "plan"))
	if err := validate(plans, out); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if validate(plans, `{"format_version": 1}`) == nil {
		t.Error("the schema takes what is no plan")
	}
	report := executor.Report{FormatVersion: executor.FormatVersion, Result: executor.Applied, Panels: []executor.LaneEnd{{Name: "web1", Restart: executor.RestartNone}},
		Outcomes: []executor.Outcome{{Step: "s1", Ref: specs.Ref{Panel: "web1", Kind: "user", Key: "a"}, Action: plan.Create, Outcome: executor.Failed, Error: &executor.ErrorDetail{Type: "x"}}}}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(compiled(t, documentSchema(&executor.Report{}, "report")), string(text)); err != nil {
		t.Error(err)
	}
}
