package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// aiohttpPlan is what a user would write instead of ispsync.
//
//go:embed aiohttp_plan.py
var aiohttpPlan []byte

// python is the interpreter that can run aiohttpPlan.
type python struct {
	path    string // empty when there is none
	missing string // why there is none
}

// findPython looks for an interpreter with the modules: that of PATH, which
// may be one a developer switches, and the system's.
func findPython(ctx context.Context) python {
	var why []string
	for _, path := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.CommandContext(ctx, path, "-c", "import aiohttp, yaml").CombinedOutput()
		if err == nil {
			return python{path: path}
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		reason := lines[len(lines)-1]
		if reason == "" {
			reason = err.Error()
		}
		why = append(why, path+": "+reason)
	}
	return python{missing: strings.Join(why, "; ")}
}

// runPython runs the script on the specs and checks that it saw all and found
// nothing to do.
func (w *workshop) runPython(ctx context.Context, specs string, resources int) (cost, error) {
	script := filepath.Join(w.dir, "aiohttp_plan.py")
	if err := os.WriteFile(script, aiohttpPlan, 0o600); err != nil {
		return cost{}, fmt.Errorf("the aiohttp script: %w", err)
	}
	path, err := exec.LookPath(w.python.path)
	if err != nil {
		return cost{}, fmt.Errorf("the aiohttp script: %w", err)
	}
	c, err := w.run(ctx, order{Path: path, Args: []string{script, specs}, Env: append(childEnv(w.dir), "PYTHONDONTWRITEBYTECODE=1"), Dir: w.dir})
	if err != nil {
		return cost{}, fmt.Errorf("the aiohttp script: %w", err)
	}
	if want := fmt.Sprintf("%d declared, 0 missing, 0 different\n", resources); c.Exit != 0 || c.Stdout != want {
		return cost{}, fmt.Errorf("the aiohttp script ended with %d and said %q, not %q: %s", c.Exit, c.Stdout, want, c.Stderr)
	}
	return c, nil
}
