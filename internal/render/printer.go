package render

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// printer writes text in a style. Its errors stick: flush returns the first.
type printer struct {
	*bufio.Writer
	Style
	written bool   // something was printed
	apart   bool   // an empty line is due before what comes next
	hang    int    // of the line being written; see hanging
	pending []byte // that line, when it may be broken
}

func newPrinter(w io.Writer, s Style) *printer {
	return &printer{Writer: bufio.NewWriterSize(w, 64<<10), Style: s}
}

// put writes clean texts one after the other.
func (p *printer) put(parts ...string) {
	if p.apart {
		p.apart = false
		p.WriteByte('\n') //nolint:errcheck // as below
	}
	if p.hang > 0 {
		for _, s := range parts {
			p.pending = append(p.pending, s...)
		}
		return
	}
	for _, s := range parts {
		p.WriteString(s) //nolint:errcheck // sticks in the bufio.Writer; see flush
	}
}

// line writes clean texts and ends the line.
func (p *printer) line(parts ...string) {
	p.put(parts...)
	if p.hang > 0 {
		line := wrap(string(p.pending), p.Width, p.hang)
		p.hang, p.pending = 0, p.pending[:0]
		p.put(line)
	}
	p.put("\n")
	p.written = true
}

// section sets what follows, if anything does, off from what is above, if
// there is anything.
func (p *printer) section() { p.apart = p.written }

// flush ends the writing. what names the text in the error.
func (p *printer) flush(what string) error {
	if err := p.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

const spaces = "                                                                                "

// pad is n spaces; none when n is negative.
func pad(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(spaces):
		return spaces[:n]
	}
	return strings.Repeat(" ", n)
}

// wideColumns counts the columns of a text that is not ASCII.
func wideColumns(s string) int { return text.StringWidthWithoutEscSequences(s) }

// counted is "1 panel", "2 panels".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// few names up to limit of the names and counts the rest.
func few(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:limit], ", ") + " and " + strconv.Itoa(len(names)-limit) + " more"
}
