package mgrctl

import "strings"

// What happens on the far side of ssh.
//
// sshd gives the words after the host to the login shell of the account, which
// may be any shell. So these words are always the same, `exec /bin/sh -s`, and
// hold nothing of the call: all that differs goes to that POSIX shell's stdin.
// First the prologue, which finds mgrctl and says on stdout and stderr that it
// is ready; what stood there before is a greeting of the account.
// The rest is sent only when that was read: a connection that fails before has
// seen nothing of the call. The rest is one brace group, which a shell runs
// only when it has read all of it: half a script is a syntax error, never half
// a call. Values stand in single quotes, where a shell reads no byte as code.

const (
	farCommand = "exec /bin/sh -s"
	readyLine  = "ispsync: ready\n"
	noMgrctl   = "ispsync: no mgrctl"
)

// prologue finds mgrctl in PATH, else at its own place.
func prologue(program string) string {
	ready := strings.TrimSuffix(readyLine, "\n")
	return "m=mgrctl; command -v mgrctl >/dev/null 2>&1 || m=" + quote(program) + "\n" +
		"command -v \"$m\" >/dev/null 2>&1 || { echo '" + noMgrctl + "' >&2; exit 127; }\n" +
		"echo '" + ready + "'; echo '" + ready + "' >&2\n"
}

// body runs mgrctl with the words, and with the secrets in its environment. Its
// last byte is the closing brace: no part of it is a whole group.
func body(words []string, secrets [][2]string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for i, s := range secrets {
		b.WriteString(variable(i) + "=" + quote(s[1]) + "; export " + variable(i) + "\n")
	}
	b.WriteString(`exec "$m"`)
	for _, w := range words {
		b.WriteString(" " + quote(w))
	}
	b.WriteString("\n}") // all of stdin is read by now: mgrctl finds its end
	return b.String()
}

// quote makes a text without NUL one word of a POSIX shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
