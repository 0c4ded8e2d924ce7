package plan

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every code that the package declares is explained, in a few lines that say what to do.
func TestExplain(t *testing.T) {
	src, err := os.ReadFile("plan.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := os.ReadFile("../specs/obstacle.go")
	if err != nil {
		t.Fatal(err)
	}
	src = append(src, more...)
	declared := regexp.MustCompile(`(?m)^\t(?:Code|Obstacle)\w+\s*= "(\w+)"`).FindAllStringSubmatch(string(src), -1)
	slices.SortFunc(declared, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	declared = slices.CompactFunc(declared, func(a, b []string) bool { return a[1] == b[1] })
	if len(declared) < 15 {
		t.Fatalf("found %d codes", len(declared))
	}
	for _, m := range declared {
		text, ok := Explain(m[1])
		if !ok || !strings.Contains(text, "\nDo: ") || strings.Count(text, "\n") > 5 {
			t.Errorf("%s: %q", m[1], text)
		}
		if !slices.Contains(Codes(), m[1]) {
			t.Errorf("%s is not listed", m[1])
		}
	}
	if len(Codes()) != len(declared) {
		t.Errorf("%d codes are explained, %d declared", len(Codes()), len(declared))
	}
}
