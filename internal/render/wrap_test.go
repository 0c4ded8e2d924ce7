package render

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Breaking lines changes nothing but spaces, keeps each line within the
// terminal where words allow, and does not see paint.
func TestWrapKeepsTheWords(t *testing.T) {
	word := rapid.OneOf(rapid.StringMatching(`[a-z.]{1,9}`), rapid.SampledFrom([]string{"→", "+", "12", "пример.рф", "漢字漢字", "e\u0301e\u0301", strings.Repeat("x", 50)}))
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word, 1, 30).Draw(t, "words")
		wide, hang := rapid.IntRange(30, 60).Draw(t, "wide"), rapid.IntRange(2, 6).Draw(t, "hang")
		plain, painted := "  "+strings.Join(words, " "), "  "
		for i, w := range words {
			if i > 0 {
				painted += " "
			}
			if rapid.Bool().Draw(t, "painted") {
				w = red.on(Style{Color: true}, w)
			}
			painted += w
		}
		out := wrap(plain, wide, hang)
		if got := strings.Join(strings.Fields(out), " "); got != strings.Join(words, " ") {
			t.Fatalf("%q became %q", plain, out)
		}
		for i, l := range strings.Split(out, "\n") {
			if i > 0 && !strings.HasPrefix(l, pad(hang)) {
				t.Fatalf("%q is not indented by %d", l, hang)
			}
			if columns(l) > wide && breakable(l) {
				t.Fatalf("%q takes %d columns of %d and could be broken", l, columns(l), wide)
			}
		}
		if got := sgr.ReplaceAllString(wrap(painted, wide, hang), ""); got != out {
			t.Fatalf("paint moves the breaks:\n%s\n%s", out, got)
		}
	})
}

// breakable reports whether a line has a place to break: behind a word that does
// not belong to the next one.
func breakable(l string) bool {
	words := strings.Fields(l)
	return slices.ContainsFunc(words[:len(words)-1], func(w string) bool { return !slices.Contains([]string{"→", "+", "12"}, w) })
}
