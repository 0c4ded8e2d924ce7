package render

// Progress tells people on stderr how a run goes. It has two looks:
//
//   - on a terminal, live bars: one line per panel, or, when there are more
//     panels than fit, one line for all and a few for those at work. Lines that
//     must stay (failures, and whatever is written through it) go above them.
//   - elsewhere, plain lines and no control codes: one at each panel's end and
//     one per failure; with Verbose one per step.
//
// The bars are not go-pretty's: its Stop is lost when it comes before the first
// frame, it repaints one line too few when bars are taken away, and it knows the
// width of stdout only. A frame here is a list of lines, drawn over the last.
//
// The cursor is never hidden and always stands at the start of the line below
// the frame, so there is nothing to restore: a program killed half-way leaves
// a tidy terminal. Progress is for eyes, so errors of writing it are dropped.

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// frameEvery is the time between two frames of the live bars.
const frameEvery = 100 * time.Millisecond

// Reading is one event of the planning phase: the reading of a panel began, goes
// on or ended.
type Reading struct {
	Panel     string
	Ended     bool
	Note      string // what is being read, of one that goes on
	Resources int    // live resources read, of Ended
	Requests  int    // calls sent, of Ended
	Error     string // why the panel could not be read, of Ended; empty when it was
}

// ProgressOptions says where and how Progress shows.
type ProgressOptions struct {
	Style Style
	// Size is asked before each frame for the columns and lines of the
	// terminal. Nil means that there is no terminal: plain lines.
	Size func() (columns, lines int)
}

// TerminalSize returns what ProgressOptions.Size wants for f: nil when f is not
// a terminal, or one that cannot move its cursor (TERM is "dumb"). getenv is as
// in DetectStyle.
func TerminalSize(f *os.File, getenv func(string) string) func() (columns, lines int) {
	if f == nil || !term.IsTerminal(int(f.Fd())) || (getenv != nil && getenv("TERM") == "dumb") {
		return nil
	}
	return func() (int, int) {
		w, h, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80, 24 // what a terminal that does not tell is taken for
		}
		return w, h
	}
}

// Progress shows how reading and running go. All its methods may be called
// from any goroutine. It owns one goroutine on a terminal, none elsewhere;
// Stop ends it.
type Progress struct {
	style Style
	size  func() (int, int)

	mu      sync.Mutex
	w       io.Writer
	tracks  []*track // sorted by panel
	byPanel map[string]*track
	running bool // lanes run; before that, panels are read
	drawn   int  // lines of the frame on the screen
	partial bool // what was written last did not end its line
	stopped bool

	stop, ended chan struct{} // nil without a terminal
}

// track is what is known of one panel.
type track struct {
	panel          string
	state          trackState
	total          int // steps of the lane
	ended          int // of total, those with an outcome
	done           int // of ended, those done
	failed         int // of ended, those neither done nor left out by a stop
	now            string
	resources      int
	couldNotBeRead bool
}

type trackState uint8

const (
	waiting trackState = iota
	active
	finished
)

// NewProgress begins to show progress on w for the panels named. The caller
// must call Stop before it writes to the same terminal by other ways.
func NewProgress(w io.Writer, panels []string, o ProgressOptions) *Progress {
	p := &Progress{w: w, style: o.Style, size: o.Size, byPanel: make(map[string]*track, len(panels))}
	for _, name := range panels {
		p.track(name)
	}
	if p.size != nil {
		p.stop, p.ended = make(chan struct{}), make(chan struct{})
		go p.draw()
	}
	return p
}

// Read takes an event of the planning phase.
func (p *Progress) Read(e Reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.track(e.Panel)
	if !e.Ended {
		t.state, t.now = active, "reading"
		if e.Note != "" {
			t.now = "reading " + clean(e.Note)
		}
		return
	}
	t.state, t.resources, t.now = finished, e.Resources, ""
	switch {
	case e.Error != "":
		t.couldNotBeRead = true
		p.say(red.on(p.style, "Error:") + " " + quoted(e.Panel) + ": could not be read: " + prose(e.Error, "  "))
	case p.size == nil && p.style.Verbose:
		p.say(quoted(e.Panel) + ": read " + counted(e.Resources, "resource") + " in " + counted(e.Requests, "request"))
	}
}

// Begin ends the planning phase: from now on the lanes of a plan run. Panels
// without steps are no longer shown.
func (p *Progress) Begin(pl *plan.Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = true
	p.tracks, p.byPanel = nil, map[string]*track{}
	for i := range pl.Steps {
		p.track(pl.Steps[i].Panel).total++
	}
}

// Observe takes an event of the run. It fits executor.Options.Observe.
func (p *Progress) Observe(e executor.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Kind == executor.WaveBegan {
		p.say(clean(e.Note))
		return
	}
	t := p.track(e.Panel)
	switch e.Kind {
	case executor.LaneBegan:
		t.state = active
	case executor.StepBegan:
		if e.Step != nil {
			t.now = stepText(e.Step.Action, e.Step.Kind, e.Step.Key)
		}
	case executor.StepEnded:
		t.ended++
		if e.Outcome != nil {
			p.stepEnded(t, e.Outcome)
		}
	case executor.StepCorrected:
		t.done--
		if e.Outcome != nil {
			p.stepEnded(t, e.Outcome)
		}
	case executor.Waiting:
		t.now = "waiting: " + clean(e.Note)
	case executor.LaneEnded:
		t.state, t.now = finished, ""
		p.laneEnded(t, e.Lane)
	}
}

func (p *Progress) stepEnded(t *track, o *executor.Outcome) {
	switch o.Outcome {
	case executor.Done:
		t.done++
		if p.size == nil && p.style.Verbose {
			p.say(quoted(o.Ref.Panel) + ": done " + stepText(o.Action, o.Ref.Kind, o.Ref.Key))
		}
		return
	case executor.Blocked: // what blocks it was told; the report names them all
		t.failed++
		if !p.style.Verbose {
			return
		}
	case executor.NotRun: // nothing went wrong with this one
		if !p.style.Verbose {
			return
		}
	default:
		t.failed++
	}
	why := ""
	if o.Error != nil && o.Error.Message != "" {
		why = ": " + prose(o.Error.Message, "  ")
	}
	p.say(quoted(o.Ref.Panel) + ": " + outcomeLook(o.Outcome).on(p.style, outcomeWord(o.Outcome)) + " " +
		stepText(o.Action, o.Ref.Kind, o.Ref.Key) + why)
}

func (p *Progress) laneEnded(t *track, l *executor.LaneEnd) {
	if l != nil && l.Error != "" {
		p.say(red.on(p.style, "Error:") + " " + quoted(t.panel) + ": " + prose(l.Error, "  "))
	}
	if p.size != nil {
		return
	}
	s := quoted(t.panel) + ": " + strconv.Itoa(t.done) + " of " + counted(t.total, "step") + " done"
	if t.failed > 0 {
		s += ", " + strconv.Itoa(t.failed) + " failed or blocked"
	}
	p.say(s)
}

func stepText(a plan.Action, kind, key string) string {
	return a.Symbol() + " " + clean(kind) + "/" + cleanKey(key)
}

// Write puts lines above the bars: let whatever else writes to the terminal
// (a log, for example) write here. It writes b as it is.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	if len(b) > 0 {
		p.partial = !bytes.HasSuffix(b, []byte("\n"))
	}
	return p.w.Write(b)
}

// Stop ends the showing: the bars are erased, what was said above them stays.
// After it, Read and Observe show nothing and Write still writes. It may be
// called more than once.
func (p *Progress) Stop() {
	p.mu.Lock()
	first := !p.stopped
	p.stopped = true
	p.mu.Unlock()
	if p.stop == nil {
		return
	}
	if first {
		close(p.stop)
	}
	<-p.ended
}

// draw paints frames until Stop.
func (p *Progress) draw() {
	defer close(p.ended)
	tick := time.NewTicker(frameEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			p.paint()
			p.mu.Unlock()
		case <-p.stop:
			p.mu.Lock()
			p.erase()
			p.mu.Unlock()
			return
		}
	}
}

// say writes one line of ours that stays.
func (p *Progress) say(line string) {
	if p.stopped {
		return
	}
	p.erase()
	if p.partial {
		line = "\n" + line
		p.partial = false
	}
	_, _ = io.WriteString(p.w, line+"\n")
}

// track is the track of a panel; tracks stay sorted by panel.
func (p *Progress) track(panel string) *track {
	if t := p.byPanel[panel]; t != nil {
		return t
	}
	t := &track{panel: panel}
	p.byPanel[panel] = t
	i, _ := slices.BinarySearchFunc(p.tracks, panel, func(t *track, name string) int { return strings.Compare(t.panel, name) })
	p.tracks = slices.Insert(p.tracks, i, t)
	return t
}
