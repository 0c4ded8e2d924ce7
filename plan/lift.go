package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// Rails hold an apply back until a person says, by name and for this once, that
// it is meant. There is no switch for all of them: each is lifted by a flag of
// its own whose value is exactly what it is about, and a lifted rail stays in
// the plan as a warning, for whoever reviews it. Nothing lifts what keeps the
// account in use from being deleted or suspended.

// Lifts names the rails that were lifted.
type Lifts struct {
	Protected []string // refs: --allow-protected
	Policies  []string // names of policies: --allow-policy
	Collapsed []string // panel/kind: --allow-collapse
}

// flagFor is a flag with its value as it is typed in a shell.
func flagFor(flag, value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(plainInShell, r) }) {
		value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return flag + " " + value
}

// plainInShell are the characters that no shell gives a meaning.
const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,"

func liftProtected(r specs.Ref) string  { return flagFor("--allow-protected", r.String()) }
func liftPolicy(name string) string     { return flagFor("--allow-policy", name) }
func liftCollapsed(ref string) string   { return flagFor("--allow-collapse", ref) }
func liftDeletes(allDeletes int) string { return fmt.Sprintf("--allow-deletes %d", allDeletes) }

// meant ends the message of a finding that a flag lifts.
func meant(lift string) string { return "; if that is what you want, say " + lift }

// Lifted reports whether a finding of a plan that was saved is about a rail that
// is lifted now. What a protect rule kept out of the plan cannot be lifted
// afterwards: there is no step for it.
func (l *Lifts) Lifted(f Finding, allowDeletes int) bool {
	var flags []string
	switch f.Code {
	case CodeDeletesLimit:
		flags = []string{liftDeletes(allowDeletes)}
	case CodePolicy:
		for _, name := range l.Policies {
			flags = append(flags, liftPolicy(name))
		}
	case CodeCollapsed:
		for _, ref := range l.Collapsed {
			flags = append(flags, liftCollapsed(ref))
		}
	}
	return f.Lift != "" && slices.Contains(flags, f.Lift)
}

// unprotected reports whether the protection of a resource was lifted, and
// says so in the plan.
func (m *maker) unprotected(ref specs.Ref, reason string) bool {
	if m.Rules == nil || !slices.Contains(m.Rules.Lifts.Protected, ref.String()) {
		return false
	}
	m.find(Warning, CodeProtected, ref.String(), "it is %s, which %s lifts", reason, liftProtected(ref))
	return true
}
