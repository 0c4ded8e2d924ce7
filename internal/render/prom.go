package render

// What a run came to, for Prometheus: the text format that node_exporter's
// textfile collector reads. The file is about the last run of one command and
// is written anew by each, so everything in it is a gauge. All series that a
// run can have are there, at zero too: an alert on a series that comes and goes
// does not fire when it should.

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// RunFacts is one run of plan, drift or apply, over.
type RunFacts struct {
	Command           string // the label of every series: files of several commands can lie side by side
	Started, Finished time.Time
	// Succeeded is when the last run that succeeded finished: this one, or an
	// earlier one. Zero when there was none.
	Succeeded time.Time
	ExitCode  int
	Plan      *plan.Plan       // nil when the run did not get that far
	Report    *executor.Report // nil unless something was, or was to be, applied
}

// lastSuccess is the metric that outlives a run that fails.
const lastSuccess = "ispsync_last_success_timestamp_seconds"

// Metrics writes a run as Prometheus metrics. The error is of w.
func Metrics(w io.Writer, r *RunFacts) error {
	for _, f := range r.families() {
		if len(f.Metric) == 0 { // a plan without panels has none of theirs
			continue
		}
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return fmt.Errorf("write the metrics: %w", err)
		}
	}
	return nil
}

// LastSuccess is RunFacts.Succeeded of metrics that Metrics wrote about the same
// command; zero when they tell none or are not metrics at all.
func LastSuccess(metrics io.Reader, command string) time.Time {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(metrics)
	if err != nil {
		return time.Time{}
	}
	for _, m := range families[lastSuccess].GetMetric() {
		for _, l := range m.GetLabel() {
			if at := m.GetGauge().GetValue(); l.GetName() == "command" && l.GetValue() == command && at > 0 && at < 1<<40 {
				return time.Unix(int64(at), 0).UTC()
			}
		}
	}
	return time.Time{}
}

// families are the metrics of a run, those that it has.
func (r *RunFacts) families() []*dto.MetricFamily {
	succeeded := 0.0
	if !r.Succeeded.IsZero() {
		succeeded = float64(r.Succeeded.Unix())
	}
	all := []*dto.MetricFamily{
		r.gauge("ispsync_last_run_timestamp_seconds", "When the last run ended.", float64(r.Finished.Unix())),
		r.gauge(lastSuccess, "When the last run with exit code 0 or 2 ended; 0 when there was none.", succeeded),
		r.gauge("ispsync_exit_code", "What the last run ended with: 0 success, 2 changes pending, others as `ispsync help exit-codes` says.", float64(r.ExitCode)),
		r.gauge("ispsync_duration_seconds", "How long the last run took.", r.Finished.Sub(r.Started).Seconds()),
	}
	if r.Plan == nil {
		return all
	}
	all = append(all, r.panels()...)
	all = append(all, r.pending(), r.findings())
	if r.Report != nil {
		all = append(all, r.steps())
	}
	return all
}

// panels are the metrics that each panel has.
func (r *RunFacts) panels() []*dto.MetricFamily {
	lanes := map[string]*executor.LaneEnd{}
	if r.Report != nil {
		for i := range r.Report.Panels {
			lanes[r.Report.Panels[i].Name] = &r.Report.Panels[i]
		}
	}
	up := r.family("ispsync_panel_up", "1 when the panel could be read whole and its steps run to their end, 0 when not.")
	requests := r.family("ispsync_panel_requests", "Requests that the last run sent to the panel.")
	down := 0
	for i := range r.Plan.Panels {
		p := &r.Plan.Panels[i]
		ok, sent := p.Reachable && p.Error == "", p.Requests
		if l := lanes[p.Name]; l != nil {
			ok, sent = l.Error == "" && p.Reachable, l.Requests
		}
		value := 1.0
		if !ok {
			value = 0
			down++
		}
		r.add(up, value, "panel", p.Name)
		r.add(requests, float64(sent), "panel", p.Name)
	}
	return []*dto.MetricFamily{up, requests, r.gauge("ispsync_unreachable_panels", "Panels that could not be read whole, or whose steps could not run to their end.", float64(down))}
}

// pending is what is known to differ on each panel when the run is over: the
// steps of a plan, and after an apply those that are not done.
func (r *RunFacts) pending() *dto.MetricFamily {
	f := r.family("ispsync_pending_changes", "Changes that the panel still needs to be what the spec says, as far as it could be read.")
	type place struct {
		panel  string
		action plan.Action
	}
	count := map[place]int{}
	for i := range r.Plan.Steps {
		count[place{r.Plan.Steps[i].Panel, r.Plan.Steps[i].Action}]++
	}
	if r.Report != nil {
		for i := range r.Report.Outcomes {
			if o := &r.Report.Outcomes[i]; o.Outcome == executor.Done {
				count[place{o.Ref.Panel, o.Action}]--
			}
		}
	}
	for i := range r.Plan.Panels {
		for _, a := range []plan.Action{plan.Create, plan.Update, plan.Delete} {
			r.add(f, float64(count[place{r.Plan.Panels[i].Name, a}]), "panel", r.Plan.Panels[i].Name, "action", string(a))
		}
	}
	return f
}

func (r *RunFacts) findings() *dto.MetricFamily {
	f := r.family("ispsync_findings", "Findings of the plan: errors block apply, warnings do not.")
	for _, severity := range []plan.Severity{plan.Error, plan.Warning} {
		n := 0
		for i := range r.Plan.Findings {
			if r.Plan.Findings[i].Severity == severity {
				n++
			}
		}
		r.add(f, float64(n), "severity", string(severity))
	}
	return f
}

// steps counts the outcomes of an apply.
func (r *RunFacts) steps() *dto.MetricFamily {
	f := r.family("ispsync_steps", "Steps of the last apply, by what they do and what became of them.")
	for _, a := range []plan.Action{plan.Create, plan.Update, plan.Delete} {
		for _, what := range reportOrder {
			n := 0
			for i := range r.Report.Outcomes {
				if o := &r.Report.Outcomes[i]; o.Action == a && o.Outcome == what {
					n++
				}
			}
			r.add(f, float64(n), "action", string(a), "outcome", string(what))
		}
	}
	return f
}

// gauge is a metric of the run as a whole.
func (r *RunFacts) gauge(name, help string, value float64) *dto.MetricFamily {
	f := r.family(name, help)
	r.add(f, value)
	return f
}

func (r *RunFacts) family(name, help string) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()}
}

// add adds a series; labels are names and values in turn.
func (r *RunFacts) add(f *dto.MetricFamily, value float64, labels ...string) {
	m := &dto.Metric{Gauge: &dto.Gauge{Value: &value}}
	for pair := range slices.Chunk(append([]string{"command", r.Command}, labels...), 2) {
		name, text := pair[0], strings.ToValidUTF8(pair[1], "\uFFFD")
		m.Label = append(m.Label, &dto.LabelPair{Name: &name, Value: &text})
	}
	f.Metric = append(f.Metric, m)
}
