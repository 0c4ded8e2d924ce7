package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	reflected "github.com/invopop/jsonschema"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
)

// Two laws are held against everything that any test of this package makes the
// program say or leave behind, in the laws and in the scripts: no secret is in
// it, and each JSON document and event is one of its schema.

// canary is a word that no encoding changes. Secrets of tests hold it.
const canary = "cAn4ry"

// testPassword is the password of simulated panels in tests: it has what is
// special to URLs, forms, XML, JSON, YAML, shells and terminals.
const testPassword = canary + `&= +%"'; $\<>пя🐘` + canary

// leaks fails when a secret is in what a command said or in a file below dir.
// What a test wrote there itself, with a secret on purpose, is in but.
func leaks(dir, said string, but ...string) error {
	if i := strings.Index(said, canary); i >= 0 {
		return fmt.Errorf("a secret is told: …%s…", said[max(0, i-200):min(len(said), i+100)])
	}
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || slices.Contains(but, e.Name()) {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrPermission) {
			return nil
		}
		if err == nil && strings.Contains(string(b)+path, canary) {
			err = fmt.Errorf("there is a secret in %s: %.500q", path, b)
		}
		return err
	})
}

// inURLs fails when a panel was sent a secret in a URL.
func inURLs(calls []simpanel.Call) error {
	for _, c := range calls {
		if c.SecretInURL {
			return fmt.Errorf("%s has a secret in its URL", c.Func)
		}
	}
	return nil
}

// schemas are the published schemas, compiled when first asked for.
var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	out := map[string]*jsonschema.Schema{}
	for name, s := range map[string]*reflected.Schema{"plan": documentSchema(&plan.Plan{}, "plan"), "report": documentSchema(&executor.Report{}, "report"), "event": eventSchema()} {
		if name == "event" { // more than a reader must ask for: every key is known
			s.Definitions["event"].AdditionalProperties = reflected.FalseSchema
			s.Definitions["Line"].AdditionalProperties = reflected.FalseSchema
		}
		text, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err != nil {
			return nil, err
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name+".json", doc); err != nil {
			return nil, err
		}
		if out[name], err = c.Compile(name + ".json"); err != nil {
			return nil, err
		}
	}
	return out, nil
})

// document holds a text that begins with a JSON document against the schema it
// should be of; what is no plan, report, event or line of a journal is not looked at.
func document(text string) error {
	if !strings.HasPrefix(text, "{") {
		return nil
	}
	var raw json.RawMessage
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&raw); err != nil {
		return nil // cut short on purpose, by a test
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return err
	}
	kind := ""
	switch {
	case keys["format_version"] != nil && keys["steps"] != nil && keys["spec_digest"] != nil:
		kind = "plan"
	case keys["format_version"] != nil && keys["outcomes"] != nil:
		kind = "report"
	case keys["level"] != nil && keys["message"] != nil, keys["event"] != nil && keys["run"] != nil:
		kind = "event"
	default:
		return nil
	}
	all, err := schemas()
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err == nil {
		err = all[kind].Validate(doc)
	}
	if err != nil {
		return fmt.Errorf("no %s: %w\n%.2000s", kind, err, raw)
	}
	return nil
}

// events holds each line of a log in JSON against the schema.
func events(stderr string) error {
	for line := range strings.Lines(stderr) {
		if err := document(line); err != nil {
			return err
		}
	}
	return nil
}

// documents holds files against the schemas.
func documents(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || e.IsDir() || ext != ".json" && ext != ".jsonl" || strings.HasPrefix(e.Name(), "altered") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		check := document
		if ext == ".jsonl" {
			check = events
		}
		if err := check(string(b)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
}

// scriptT listens to what the commands of a script say.
type scriptT struct{ *testing.T }

func (t scriptT) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(scriptT{t}) })
}

// Verbose makes the log hold everything.
func (t scriptT) Verbose() bool { return true }

// Log gets the whole log of a script at its end.
func (t scriptT) Log(args ...any) {
	text := fmt.Sprint(args...)
	for i, block := range strings.Split(text, "\n> ") {
		command, said, _ := strings.Cut(block, "\n")
		if i == 0 || !strings.Contains(command, "ispsync") { // the environment, and what the script itself does
			continue
		}
		if err := leaks(os.DevNull, said); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		for _, part := range strings.Split(said, "[stdout]\n") {
			out, told, _ := strings.Cut(part, "[stderr]\n")
			if err := errors.Join(document(out), events(told)); err != nil {
				t.Errorf("%s: %v", command, err)
			}
		}
	}
	if t.Failed() || testing.Verbose() {
		t.T.Log(text)
	}
}

// left looks at what a script left behind.
func (t scriptT) left(dir string) {
	if err := errors.Join(leaks(dir, ""), documents(dir)); err != nil {
		t.Error(err)
	}
}
