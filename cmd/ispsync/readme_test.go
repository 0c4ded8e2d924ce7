package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/specs"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The README's exit codes are those of the code.
func TestReadmeExitCodes(t *testing.T) {
	text := readme(t)
	for _, e := range exitTable {
		row := fmt.Sprintf("| %d | %s |", e.code, e.meaning)
		if !strings.Contains(strings.ReplaceAll(text, "`", ""), row) {
			t.Errorf("the README does not have the row\n%s", row)
		}
	}
}

// Every piece of YAML in the README is a spec that loads.
func TestReadmeSpecs(t *testing.T) {
	const panel = "panels: [{name: web1, url: \"https://web1.example.net:1500/ispmgr\", auth: {username: root, password: \"${secret.env('P')}\"}}]\n"
	pieces := strings.Split(readme(t), "```yaml\n")[1:]
	if len(pieces) < 2 {
		t.Fatalf("the README has %d pieces of YAML", len(pieces))
	}
	for _, piece := range pieces {
		text, _, _ := strings.Cut(piece, "```")
		if !strings.Contains(text, "panels:") {
			text = panel + text
		}
		_, err := specs.Load(specs.Options{Paths: []string{"-"}, Stdin: strings.NewReader(text), Offline: true,
			CheckPolicies: func(ps []specs.Policy) error { _, err := compilePolicies(ps); return err }})
		if err != nil {
			t.Errorf("%v\nin\n%s", err, text)
		}
	}
}
