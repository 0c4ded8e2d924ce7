package simpanel

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// hostileBytes bounds the documents without end, for callers who never hang
// up.
const hostileBytes = 1 << 30

// hostile writes a document that is made to exhaust its reader.
func hostile(w io.Writer, f Fault) {
	if f == EntityBomb {
		_, _ = io.WriteString(w, entityBomb())
		return
	}
	head, unit := "<doc>", "<elem><name>endless.example.com</name></elem>"
	if f == DeepNesting {
		unit = "<a>"
	}
	if _, err := io.WriteString(w, head); err != nil {
		return
	}
	block := strings.Repeat(unit, 1000)
	for sent := 0; sent < hostileBytes; sent += len(block) {
		if _, err := io.WriteString(w, block); err != nil {
			return
		}
	}
}

// entityBomb is a document of a few hundred bytes that is ten thousand
// million letters long for a reader who expands entities.
func entityBomb() string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE doc [\n<!ENTITY e0 \"aaaaaaaaaa\">\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "<!ENTITY e%d \"%s\">\n", i, strings.Repeat(fmt.Sprintf("&e%d;", i-1), 10))
	}
	b.WriteString("]>\n<doc><elem><name>&e9;</name></elem></doc>\n")
	return b.String()
}

// spoil makes of a page what a fault of lists makes of it.
func (pg *listPage) spoil(f Fault) {
	switch f {
	case ShortList:
		pg.rows = pg.rows[:max(0, len(pg.rows)-1-len(pg.rows)/10)]
	case EmptyList:
		pg.all, pg.rows = nil, nil
	case NoTotal:
		pg.hideTotal = true
	case RepeatPage:
		pg.rows = pg.all[:min(pg.size, len(pg.all))]
	case ErrorInList:
		pg.failHalfway = true
	case DuplicateRows:
		if n := len(pg.rows); n > 0 {
			pg.rows = slices.Clone(pg.rows)
			pg.rows[n-1] = pg.rows[0]
		}
	case OrigCells:
		pg.localised = true
	}
}
