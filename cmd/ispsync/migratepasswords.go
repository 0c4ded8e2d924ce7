package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// passwordLetters are characters that every panel, form and shell takes as they
// are, without those that people mix up. 24 of them are 135 bits.
const (
	passwordLetters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	passwordLength  = 24
)

// mustBeNew refuses a file that is there: passwords are never written over.
func mustBeNew(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--generate-passwords %s: it is there already, and passwords are never written over; name a new file", path)
	}
	return nil
}

// generatePasswords makes what creates need and nobody gave, if that was asked
// for, and gives the resources references to it. It returns the lines of the file;
// the values are nowhere else.
func (mi *migration) generatePasswords() (lines []string) {
	if mi.flags.passwords == "" {
		return nil
	}
	names := specs.SecretNames{}
	for _, kind := range mi.moved.State.Kinds() {
		rs := mi.moved.State.Resources(kind)
		for i := range rs {
			r := &rs[i]
			if mi.live.Find(kind, r.Ref.Key) != nil {
				continue
			}
			for _, field := range r.SecretsNeeded {
				name := names.Next(r.Ref, field)
				r.Secrets = append(r.Secrets, specs.SecretField{Name: field, Secret: specs.Secret{Source: specs.SecretEnv, Arg: name}})
				lines = append(lines, name+"="+newPassword())
			}
			r.SecretsNeeded = nil
		}
	}
	return lines
}

// writePasswords writes the file of new passwords, once there is a plan that
// refers to them.
func (mi *migration) writePasswords(lines []string) error {
	switch {
	case mi.flags.passwords == "":
		return nil
	case len(lines) == 0:
		mi.a.log.say("no password is needed: " + mi.flags.passwords + " was not written")
		return nil
	}
	if err := writeNewSecrets(mi.flags.passwords, strings.Join(lines, "\n")+"\n"); err != nil {
		return err
	}
	mi.a.log.say(fmt.Sprintf("%d passwords were made: %s; load them before apply: set -a; . %s; set +a", len(lines), mi.flags.passwords, inShell(mi.flags.passwords)))
	return nil
}

// inShell is a path as the dot of a shell takes it.
func inShell(path string) string {
	if !strings.Contains(path, "/") {
		path = "./" + path
	}
	return path
}

// writeNewSecrets writes a file that only its owner can read, and never over
// another. It is there whole or not at all.
func writeNewSecrets(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fail(exitUsage, "the passwords cannot be written to %s: %w", path, errors.Unwrap(err))
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		os.Remove(path) //nolint:errcheck // best effort
		return fmt.Errorf("the passwords cannot be written to %s: %w", filepath.Base(path), err)
	}
	return nil
}

// newPassword draws letters, each as likely as any other, until all three sorts
// that panels ask for are there.
func newPassword() string {
	for {
		out := make([]byte, 0, passwordLength)
		var b [passwordLength]byte
		for len(out) < passwordLength {
			rand.Read(b[:]) //nolint:errcheck // it never fails
			for _, c := range b {
				if limit := 256 - 256%len(passwordLetters); int(c) < limit && len(out) < passwordLength {
					out = append(out, passwordLetters[int(c)%len(passwordLetters)])
				}
			}
		}
		has := func(from, to byte) bool {
			return slices.ContainsFunc(out, func(c byte) bool { return c >= from && c <= to })
		}
		if has('a', 'z') && has('A', 'Z') && has('0', '9') {
			return string(out)
		}
	}
}
