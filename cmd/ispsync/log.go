package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
)

// logger is all that goes to stderr while a command runs. With --log-format
// text that is render.Progress, bars on a terminal and plain lines elsewhere;
// with json it is one zerolog line per event. Libraries return errors and emit
// events; only here do they become lines.
type logger struct {
	json     *zerolog.Logger
	progress *render.Progress
	style    render.Style
	quiet    bool
	verbose  bool
	w        io.Writer
	size     func() (int, int)
}

func newLogger(a *app) *logger {
	l := &logger{w: a.stderr, quiet: a.quiet, verbose: a.verbose, style: a.errStyle()}
	if a.logFormat == "json" {
		level := zerolog.InfoLevel
		switch {
		case a.quiet:
			level = zerolog.WarnLevel
		case a.verbose:
			level = zerolog.DebugLevel
		}
		zerolog.TimeFieldFormat = time.RFC3339Nano
		z := zerolog.New(a.stderr).Level(level).With().Timestamp().Logger()
		l.json = &z
		return l
	}
	l.size = render.TerminalSize(a.stderr, a.getenv)
	return l
}

// start begins to show progress on panels. With --quiet nothing is shown.
func (l *logger) start(panels []string) {
	if l.json == nil && !l.quiet {
		l.progress = render.NewProgress(l.w, panels, render.ProgressOptions{Style: l.style, Size: l.size})
	}
}

// stop ends the progress, so that results can be printed below it.
func (l *logger) stop() {
	if l.progress != nil {
		l.progress.Stop()
		l.progress = nil
	}
}

func (l *logger) close() { l.stop() }

// failed tells the error a command ends with, where that is an event; elsewhere
// it is text, and the caller's to write.
func (l *logger) failed(err error, code exitCode) bool {
	if l.json == nil {
		return false
	}
	l.json.Error().Int("exit_code", int(code)).Msg(strings.TrimPrefix(errorText(err), "error: "))
	return true
}

// say tells something that is neither a warning nor a detail; not with --quiet.
func (l *logger) say(text string) {
	switch {
	case l.json != nil:
		l.json.Info().Msg(text)
	case !l.quiet:
		l.line(text)
	}
}

// line writes one line, with --quiet too: above the bars, or as an event of its own.
func (l *logger) line(text string) {
	if l.json != nil {
		l.json.Warn().Msg(text)
		return
	}
	if l.progress != nil {
		fmt.Fprintln(l.progress, text)
		return
	}
	fmt.Fprintln(l.w, text)
}

// warn says something the reader must know, also with --quiet.
func (l *logger) warn(format string, args ...any) {
	if l.json != nil {
		l.json.Warn().Msgf(format, args...)
		return
	}
	l.line("warning: " + render.Clean(fmt.Sprintf(format, args...)))
}

// debug says something for --verbose, as a message with keys and values.
func (l *logger) debug(msg string, kv ...any) {
	if l.json != nil {
		e := l.json.Debug()
		for i := 0; i+1 < len(kv); i += 2 {
			e = e.Interface(fmt.Sprint(kv[i]), kv[i+1])
		}
		e.Msg(msg)
		return
	}
	if !l.verbose || l.quiet {
		return
	}
	for i := 0; i+1 < len(kv); i += 2 {
		msg += fmt.Sprintf(" %v=%v", kv[i], kv[i+1])
	}
	l.line(render.Clean(msg))
}

// trace is a line about one call, made free of secrets by the client.
func (l *logger) trace(line string) { l.debug(line) }

// read tells that the reading of a panel began or ended.
func (l *logger) read(e render.Reading) {
	if l.progress != nil {
		l.progress.Read(e)
	}
	if l.json == nil || !e.Ended {
		return
	}
	ev := l.json.Info()
	if e.Error != "" {
		ev = l.json.Warn().Str("error", e.Error)
	}
	ev.Str("panel", e.Panel).Int("resources", e.Resources).Int("requests", e.Requests).Msg("panel read")
}

// begin tells what is about to run.
func (l *logger) begin(p *plan.Plan) {
	if l.progress != nil {
		l.progress.Begin(p)
	}
	if l.json != nil {
		l.json.Info().Int("steps", len(p.Steps)).Str("plan", p.Digest).Msg("apply began")
	}
}

// observe tells an event of the run.
func (l *logger) observe(e executor.Event) {
	if l.progress != nil {
		l.progress.Observe(e)
	}
	if l.json == nil {
		return
	}
	switch e.Kind {
	case executor.StepBegan:
		l.json.Debug().Str("panel", e.Panel).Str("step", e.Step.ID).Str("ref", e.Step.Ref.String()).Str("action", string(e.Step.Action)).Msg("step began")
	case executor.StepEnded:
		ev := l.json.Info()
		if e.Outcome.Outcome != executor.Done {
			ev = l.json.Warn()
		}
		if d := e.Outcome.Error; d != nil {
			ev = ev.Str("error_type", d.Type).Str("error_object", d.Object).Str("error", d.Message)
		}
		ev.Str("panel", e.Panel).Str("step", e.Outcome.Step).Str("ref", e.Outcome.Ref.String()).Str("action", string(e.Outcome.Action)).
			Str("outcome", string(e.Outcome.Outcome)).Int("attempts", e.Outcome.Attempts).Msg("step ended")
	case executor.Waiting:
		l.json.Info().Str("panel", e.Panel).Str("for", e.Note).Msg("waiting")
	case executor.LaneEnded:
		ev := l.json.Info()
		if e.Lane.Error != "" {
			ev = l.json.Warn().Str("error", e.Lane.Error)
		}
		ev.Str("panel", e.Panel).Int("requests", e.Lane.Requests).Int("writes", e.Lane.Writes).Str("restart", string(e.Lane.Restart)).Msg("lane ended")
	case executor.WaveBegan:
		l.json.Info().Str("wave", e.Note).Msg("wave began")
	case executor.LaneBegan:
		l.json.Debug().Str("panel", e.Panel).Msg("lane began")
	}
}
