package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/ispsync/ispsync/specs"
)

// secretResolver fetches the values that references name. It keeps none: each
// value is fetched when a call is encoded, and whoever asked drops it.
type secretResolver struct {
	literal       func(specs.Secret) (string, bool)
	getenv        func(string) (string, bool)
	allowCommands bool
}

// maxSecret bounds a secret's size in bytes.
const maxSecret = 1 << 20

// commandTimeout bounds one secret.command.
const commandTimeout = time.Minute

// Resolve returns the value of a reference. Errors name the reference and
// never hold any part of a value.
func (r *secretResolver) Resolve(ctx context.Context, ref specs.Secret) (string, error) {
	v, err := r.fetch(ctx, ref)
	if err == nil && v == "" {
		err = errors.New("it is empty")
	}
	if err == nil && strings.ContainsRune(v, 0) {
		err = errors.New("it holds a NUL character")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", ref, err)
	}
	return v, nil
}

func (r *secretResolver) fetch(ctx context.Context, ref specs.Secret) (string, error) {
	switch ref.Source {
	case specs.SecretEnv:
		v, ok := r.getenv(ref.Arg)
		if !ok {
			return "", errors.New("this environment variable is not set")
		}
		return v, nil
	case specs.SecretFile:
		return readSecretFile(ref.Arg)
	case specs.SecretCommand:
		return r.run(ctx, ref.Arg)
	case specs.SecretLiteral:
		if v, ok := r.literal(ref); ok {
			return v, nil
		}
	}
	return "", errors.New("this secret cannot be resolved")
}

func readSecretFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", errors.Unwrap(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", errors.Unwrap(err)
	}
	return trimSecret(b)
}

// trimSecret drops one trailing newline.
func trimSecret(b []byte) (string, error) {
	if len(b) > maxSecret {
		return "", fmt.Errorf("it is larger than %d bytes", maxSecret)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}

// run runs a command line with the shell. Its standard error goes to the
// user's, so that pass or gpg can say what they miss.
func (r *secretResolver) run(ctx context.Context, line string) (string, error) {
	if !r.allowCommands {
		return "", errors.New("running commands needs --allow-commands")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Stdin = &out, os.Stderr, os.Stdin
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("the command failed: %w", err)
	}
	return trimSecret(out.Bytes())
}

// check finds out whether a reference can be resolved, without fetching the
// value where that is possible.
func (r *secretResolver) check(ref specs.Secret) error {
	var err error
	switch ref.Source {
	case specs.SecretEnv:
		v, ok := r.getenv(ref.Arg)
		if !ok {
			err = errors.New("this environment variable is not set")
		} else if v == "" {
			err = errors.New("this environment variable is empty")
		}
	case specs.SecretFile:
		var f *os.File
		if f, err = os.Open(ref.Arg); err == nil {
			f.Close()
		} else {
			err = errors.Unwrap(err)
		}
	case specs.SecretCommand:
		if !r.allowCommands {
			err = errors.New("running commands needs --allow-commands")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	return nil
}
