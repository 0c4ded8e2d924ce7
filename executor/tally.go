package executor

import (
	"cmp"
	"slices"
	"time"
)

// report puts together what the lanes did.
func (r *run) report(lanes []*lane, panels map[string]Panel, started time.Time) *Report {
	rep := &Report{
		FormatVersion: FormatVersion, PlanDigest: r.plan.Digest,
		StartedAt: started, FinishedAt: r.o.Now(),
		Outcomes: r.outcomes, Panels: r.laneEnds(lanes, panels),
	}
	for i := range r.outcomes {
		rep.Summary.count(r.outcomes[i].Outcome)
	}
	trouble := slices.ContainsFunc(rep.Panels, func(e LaneEnd) bool { return e.Error != "" })
	switch {
	case r.interrupted.Load():
		rep.Result = Interrupted
	case trouble || rep.Summary.Done < len(r.outcomes):
		rep.Result = Partial
	case len(r.outcomes) == 0:
		rep.Result = Nothing
	default:
		rep.Result = Applied
	}
	return rep
}

// laneEnds lists the panels of the plan and those with steps, sorted by name.
func (r *run) laneEnds(lanes []*lane, panels map[string]Panel) []LaneEnd {
	ends := make([]LaneEnd, 0, len(r.plan.Panels))
	for _, l := range lanes {
		ends = append(ends, l.end)
	}
	for _, p := range r.plan.Panels {
		if slices.ContainsFunc(lanes, func(l *lane) bool { return l.name == p.Name }) {
			continue
		}
		// Without a step, but perhaps only because it could not be read.
		end := LaneEnd{Name: p.Name, Restart: RestartNone, Error: p.Error}
		if c := panels[p.Name]; c != nil {
			end.Requests = c.Requests()
		}
		ends = append(ends, end)
	}
	slices.SortFunc(ends, func(a, b LaneEnd) int { return cmp.Compare(a.Name, b.Name) })
	return ends
}

func (s *Summary) count(w What) {
	switch w {
	case Done:
		s.Done++
	case Failed:
		s.Failed++
	case Blocked:
		s.Blocked++
	case Stale:
		s.Stale++
	case Unknown:
		s.Unknown++
	case NotRun:
		s.NotRun++
	}
}
