package apiclient

import (
	"strconv"

	"github.com/ispsync/ispsync/specs"
)

// source is one value of a row: the first present column of some, made
// canonical. Fields that are read from the same columns alike share one.
type source struct {
	slots []int
	canon specs.Canon
	meter bool
	known map[string]specs.Value
	hits  int
	value specs.Value // of the current row
	seen  int         // how many rows had it
	kept  int         // seen, at the end of the last good answer
}

// evaluate finds the value of a source in the current row.
func (r *rowReader) evaluate(s *source) {
	text, ok := r.first(s.slots)
	if !ok {
		s.value = specs.Value{}
		return
	}
	s.seen++
	s.value = s.of(text, r.bare)
}

// The cache of a source holds at most knownMax values, and is given up when
// after knownTrial of them hits are rare: such a column is as good as unique.
const (
	knownMax   = 1 << 16
	knownTrial = 1 << 10
)

func (s *source) of(text []byte, bare bool) specs.Value {
	if len(text) == 0 && s.canon.Type() == specs.BoolType {
		return specs.Bool(bare) // v4: <php/> means on (panel-api.md section 4)
	}
	if s.known == nil {
		return s.make(text)
	}
	if v, ok := s.known[string(text)]; ok {
		s.hits++
		return v
	}
	v := s.make(text)
	switch n := len(s.known); {
	case n >= knownTrial && s.hits < n:
		s.known = nil
	case n < knownMax:
		s.known[string(text)] = v
	}
	return v
}

func (s *source) make(text []byte) specs.Value {
	t := toText(text)
	if !s.meter {
		return s.canon.FromPanel(t)
	}
	if n, err := strconv.ParseInt(t, 10, 64); err == nil {
		return specs.Number(n)
	}
	return specs.Text(t)
}
