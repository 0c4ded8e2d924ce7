package executor

// A rollout runs the lanes in waves: first a panel or two, then a share of all,
// then the rest. What a mistake in a spec would do, it does to the first wave
// only. Lanes keep the order of the plan, so the first wave is the panels whose
// names come first.

import (
	"context"
	"fmt"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// waves cuts the lanes into waves. The sizes of a rollout say how many panels
// have had their turn when a wave is over; whatever is left is the last wave.
func waves(lanes []*lane, o specs.Rollout) [][]*lane {
	var out [][]*lane
	from := 0
	for _, size := range o.Waves {
		to := min(size.Panels(len(lanes)), len(lanes))
		if to > from {
			out, from = append(out, lanes[from:to]), to
		}
	}
	if from < len(lanes) {
		out = append(out, lanes[from:])
	}
	return out
}

// announce waits before a wave that is not the first, and tells of it.
func (r *run) announce(ctx context.Context, n int, wave []*lane) {
	if len(r.o.Rollout.Waves) == 0 || r.halted(ctx) != noHalt {
		return
	}
	names := make([]string, 0, maxNamed)
	for _, l := range wave[:min(len(wave), maxNamed)] {
		names = append(names, l.name)
	}
	text := strings.Join(names, ", ")
	if more := len(wave) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if n > 0 && r.o.Rollout.Pause > 0 {
		r.observe(Event{Kind: WaveBegan, Note: fmt.Sprintf("wave %d begins in %s: %s", n+1, r.o.Rollout.Pause, text)})
		if cut := r.pause(ctx, r.o.Rollout.Pause); cut {
			return
		}
	}
	r.observe(Event{Kind: WaveBegan, Note: fmt.Sprintf("wave %d: %s", n+1, text)})
}

// maxNamed is how many panels of a wave are named.
const maxNamed = 5

// rolledTooFar reports whether more has failed than a rollout may go on with.
// Steps count, and lanes that ended in trouble without a failed step: a restart
// that failed, a panel that could not be read or read back.
func (r *run) rolledTooFar() bool {
	if len(r.o.Rollout.Waves) == 0 {
		return false
	}
	r.counting.Lock()
	defer r.counting.Unlock()
	return r.failures+r.troubled > r.o.Rollout.MaxFailures
}
