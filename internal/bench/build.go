package main

import (
	"context"
	"fmt"
	"os/exec"
)

// command is the package that is measured, as go build names it.
const command = "github.com/ispsync/ispsync/cmd/ispsync"

// build compiles ispsync as a user would.
func build(ctx context.Context, to string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", to, command).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", command, err, out)
	}
	return nil
}
