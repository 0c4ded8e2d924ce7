package plan

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestAlteredFiles: of 10,000 plan files in each of which some byte was changed,
// put in or taken out, each is refused, or is the same plan: the change was in
// the white space, or in the case of a name.
func TestAlteredFiles(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("testdata", "tour.json"))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 7))
	refused, harmless := 0, 0
	for range 10_000 {
		altered := alter(random, file)
		got, err := Read(bytes.NewReader(altered))
		if err != nil {
			refused++
			if !errors.Is(err, ErrNotPlan) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrAltered) && !errors.Is(err, ErrInvalid) {
				t.Fatalf("refused with %v", err)
			}
			continue
		}
		harmless++
		var text bytes.Buffer
		if err := Write(&text, got); err != nil || !bytes.Equal(text.Bytes(), file) {
			t.Fatalf("another plan is taken, %v:\n%s", err, altered)
		}
	}
	if refused < 5000 || harmless < 100 {
		t.Errorf("%d refused, %d harmless: the test says little", refused, harmless)
	}
}

// alter changes one to three bytes of a file: flips a bit, writes any byte, puts
// one in, takes some out, or says a piece twice.
func alter(random *rand.Rand, file []byte) []byte {
	out := slices.Clone(file)
	for range 1 + random.IntN(3) {
		i := random.IntN(len(out))
		switch random.IntN(6) {
		case 0:
			out[i] ^= 1 << random.IntN(8)
		case 1:
			out[i] = byte(random.IntN(256))
		case 2:
			out = slices.Insert(out, i, byte(random.IntN(256)))
		case 3:
			out = slices.Insert(out, i, []byte(" \n")[random.IntN(2)])
		case 4:
			out = slices.Delete(out, i, min(len(out), i+1+random.IntN(4)))
		default:
			out = slices.Insert(out, i, out[i:min(len(out), i+random.IntN(40))]...)
		}
	}
	return out
}
