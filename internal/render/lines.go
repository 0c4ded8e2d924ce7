package render

import "strings"

// Clean makes a text of several lines safe to print: control, escape and
// direction characters become visible, line ends stay.
func Clean(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = clean(strings.ReplaceAll(l, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
