package specs

import "fmt"

// SecretSource says where the value of a secret is found.
type SecretSource string

// The sources a spec can name. A literal is a password written out in the
// spec: allowed with a warning, and even then only its place is kept here.
const (
	SecretEnv     SecretSource = "env"
	SecretFile    SecretSource = "file"
	SecretCommand SecretSource = "command"
	SecretLiteral SecretSource = "literal"
)

// Secret is a reference to the value of a write-only field: never the value.
// It is comparable and safe to print in any form, because there is nothing in
// it to hide.
type Secret struct {
	Source SecretSource
	// Arg is the variable's name, the file's path, the command line, or for a
	// literal the place in the spec (file:line:col).
	Arg string
}

// IsZero reports whether there is no reference at all.
func (s Secret) IsZero() bool { return s.Source == "" }

// String is the reference as a spec writes it, secret.env('X').
func (s Secret) String() string {
	if s.IsZero() {
		return "no secret"
	}
	if s.Source == SecretLiteral {
		return "a literal at " + s.Arg
	}
	return fmt.Sprintf("secret.%s('%s')", s.Source, s.Arg)
}
