package simpanel

import (
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// validUser: lower case, at most 16 characters (section 6, user.edit).
var validUser = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,15}$`)

// validHost is a lower-case ASCII host name of at least two labels, with
// wildcards, as sites, aliases and zones may have.
var validHost = regexp.MustCompile(`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// toPunycode turns the IDN labels of a lower-case name into punycode; a name
// it cannot turn stays as it is and fails the check of names.
func toPunycode(name string) string {
	if isASCII(name) {
		return name
	}
	if ascii, err := idna.ToASCII(name); err == nil {
		return ascii
	}
	return name
}

// toUnicode is the spelling for people of one or several names.
func toUnicode(names string) string {
	words := strings.Split(names, " ")
	for i, w := range words {
		if u, err := idna.ToUnicode(w); err == nil {
			words[i] = u
		}
	}
	return strings.Join(words, " ")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// hostList makes a list of host names one panel would keep: separated by one
// space, lower case, punycode. Commas do not separate (section 5,
// Multi-values). False when a name is none.
func hostList(names string) (string, bool) {
	words := strings.Fields(strings.ToLower(names))
	for i, w := range words {
		words[i] = toPunycode(w)
		if !validHost.MatchString(words[i]) {
			return "", false
		}
	}
	return strings.Join(words, " "), true
}
