package render

import (
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

const (
	// barColumns is the inside of a bar.
	barColumns = 24
	// foldedTracks is how many panels at work are shown below the line for all.
	foldedTracks = 6
)

// paint draws the current frame over the last one. Nothing is drawn while a
// line somebody wrote is unfinished.
func (p *Progress) paint() {
	if p.partial {
		return
	}
	wide, high := p.size()
	lines := p.frame(high - 1) // the line below the frame is the cursor's
	if len(lines) == 0 && p.drawn == 0 {
		return
	}
	var b strings.Builder
	if p.drawn > 0 {
		b.WriteString(text.CursorUp.Sprintn(p.drawn))
	}
	for _, l := range lines {
		b.WriteString(text.Trim(l, wide-1)) // a full line would wrap on some terminals
		b.WriteString(text.EraseLine.Sprint())
		b.WriteByte('\n')
	}
	b.WriteString(eraseBelow)
	p.drawn = len(lines)
	_, _ = io.WriteString(p.w, b.String())
}

const eraseBelow = text.EscapeStart + "J"

// erase takes the frame off the screen.
func (p *Progress) erase() {
	if p.drawn == 0 {
		return
	}
	_, _ = io.WriteString(p.w, text.CursorUp.Sprintn(p.drawn)+eraseBelow)
	p.drawn = 0
}

// frame is what to show on at most high lines: a line per panel, or one for
// all and those at work, the ones with failures first.
func (p *Progress) frame(high int) []string {
	if high < 1 || len(p.tracks) == 0 {
		return nil
	}
	if len(p.tracks) <= min(manyPanels, high) {
		wide := 0
		for _, t := range p.tracks {
			wide = max(wide, columns(quoted(t.panel)))
		}
		lines := make([]string, len(p.tracks))
		for i, t := range p.tracks {
			lines[i] = p.trackLine(t, wide)
		}
		return lines
	}
	shown := make([]*track, 0, foldedTracks)
	room := min(foldedTracks, high-1)
	for _, withFailures := range []bool{true, false} {
		for _, t := range p.tracks {
			if len(shown) < room && t.state == active && (t.failed > 0) == withFailures {
				shown = append(shown, t)
			}
		}
	}
	lines := append(make([]string, 0, 1+len(shown)), p.allLine())
	wide := 0
	for _, t := range shown {
		wide = max(wide, columns(quoted(t.panel)))
	}
	for _, t := range shown {
		lines = append(lines, p.trackLine(t, wide))
	}
	return lines
}

// trackLine is the line of one panel.
func (p *Progress) trackLine(t *track, wide int) string {
	name := quoted(t.panel)
	head := "  " + name + pad(wide-columns(name)) + "  "
	if !p.running {
		return head + p.readingText(t)
	}
	look := green
	failed := ""
	if t.failed > 0 {
		look = red
		failed = "  " + red.on(p.style, strconv.Itoa(t.failed)+" failed or blocked")
	}
	s := head + look.on(p.style, bar(t.ended, t.total)) + "  " + strconv.Itoa(t.ended) + "/" + strconv.Itoa(t.total) + failed
	switch {
	case t.now != "":
		s += "  " + dim.on(p.style, t.now)
	case t.state == waiting:
		s += "  " + dim.on(p.style, "waiting for its turn")
	}
	return s
}

func (p *Progress) readingText(t *track) string {
	switch {
	case t.couldNotBeRead:
		return red.on(p.style, "could not be read")
	case t.state == finished:
		return counted(t.resources, "resource")
	case t.state == active:
		return dim.on(p.style, t.now)
	default:
		return dim.on(p.style, "waiting for its turn")
	}
}

// allLine is the one line for all panels when they are too many.
func (p *Progress) allLine() string {
	var panelsEnded, atWork, unread int
	var ended, total, failed, resources int
	for _, t := range p.tracks {
		switch t.state {
		case finished:
			panelsEnded++
		case active:
			atWork++
		}
		failed += t.failed
		ended += t.ended
		total += t.total
		resources += t.resources
		if t.couldNotBeRead {
			unread++
		}
	}
	panels := strconv.Itoa(panelsEnded) + " of " + counted(len(p.tracks), "panel")
	if !p.running {
		s := "  " + bar(panelsEnded, len(p.tracks)) + "  " + panels + " read, " + strconv.Itoa(atWork) + " at work, " + counted(resources, "resource")
		if unread > 0 {
			s += "  " + red.on(p.style, strconv.Itoa(unread)+" could not be read")
		}
		return s
	}
	s := "  " + bar(ended, total) + "  " + strconv.Itoa(ended) + "/" + strconv.Itoa(total) + " steps, " + panels + " ended, " + strconv.Itoa(atWork) + " at work"
	if failed > 0 {
		s += "  " + red.on(p.style, strconv.Itoa(failed)+" failed or blocked")
	}
	return s
}

// bar is a bar filled as far as done is of total.
func bar(done, total int) string {
	full := barColumns
	if total > 0 {
		full = min(barColumns, done*barColumns/total)
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barColumns-full) + "]"
}
