package render

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

// applied is the apply of partialReport, as a run.
func applied() *RunFacts {
	p, r := partialReport()
	return &RunFacts{Command: "apply", Started: r.StartedAt, Finished: r.FinishedAt.Add(500 * time.Millisecond), Succeeded: r.StartedAt.Add(-time.Hour), ExitCode: 3, Plan: p, Report: r}
}

func TestMetricsGoldens(t *testing.T) {
	down := troubledPlan(true)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, run := range map[string]*RunFacts{
		"metrics-apply":  applied(),
		"metrics-drift":  {Command: "drift", Started: at, Finished: at.Add(3 * time.Second), ExitCode: 3, Plan: down},
		"metrics-failed": {Command: "plan", Started: at, Finished: at, ExitCode: 6},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, []byte(write(t, func(w io.Writer) error { return Metrics(w, run) })))
		})
	}
}

// parsed is metrics read with Prometheus's own parser.
func parsed(t interface{ Fatal(...any) }, text string) map[string]*dto.MetricFamily {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err, "\n", text)
	}
	return families
}

// sum adds up the series of a metric that have a label's value.
func sum(f *dto.MetricFamily, label, value string) (total float64) {
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == label && l.GetValue() == value {
				total += m.GetGauge().GetValue()
			}
		}
	}
	return total
}

// Whatever panels are called, Prometheus reads what is written, no series is
// there twice, every step is counted once, and the last success comes back.
func TestMetricsAccountForEveryStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t, anyText())
		r := anyReport(t, p)
		at := time.Unix(rapid.Int64Range(1, 1<<33).Draw(t, "at"), 0).UTC()
		run := &RunFacts{Command: rapid.SampledFrom([]string{"plan", "drift", "apply"}).Draw(t, "command"), Started: at, Finished: at.Add(time.Minute), Succeeded: at, Plan: p, Report: r}
		text := write(t, func(w io.Writer) error { return Metrics(w, run) })
		families := parsed(t, text)
		for outcome, want := range map[string]int{"done": r.Summary.Done, "failed": r.Summary.Failed, "blocked": r.Summary.Blocked, "stale": r.Summary.Stale, "unknown": r.Summary.Unknown, "not_run": r.Summary.NotRun} {
			if got := sum(families["ispsync_steps"], "outcome", outcome); got != float64(want) {
				t.Fatalf("%v steps are %s, want %d:\n%s", got, outcome, want, text)
			}
		}
		if got, want := sum(families["ispsync_pending_changes"], "command", run.Command), len(p.Steps)-r.Summary.Done; got != float64(want) {
			t.Fatalf("%v changes pending, want %d:\n%s", got, want, text)
		}
		if got := LastSuccess(strings.NewReader(text), run.Command); !got.Equal(at) {
			t.Fatalf("the last success was %v and is read as %v", at, got)
		}
		if got := LastSuccess(strings.NewReader(text), "other"); !got.IsZero() {
			t.Fatalf("another command has a last success: %v", got)
		}
		lines := strings.Split(text, "\n")
		names := map[string]bool{}
		for _, l := range lines {
			series, _, _ := strings.Cut(l, "} ")
			if strings.HasPrefix(l, "ispsync_") && names[series] && !strings.Contains(series, `\uFFFD`) && !strings.Contains(series, "\uFFFD") {
				t.Fatalf("twice: %s", series)
			}
			names[series] = true
		}
	})
}

func FuzzLastSuccess(f *testing.F) {
	f.Add("")
	f.Add("ispsync_last_success_timestamp_seconds{command=\"plan\"} 1.7e9\n")
	f.Add("ispsync_last_success_timestamp_seconds{command=\"plan\"} NaN\n")
	f.Fuzz(func(t *testing.T, text string) {
		if at := LastSuccess(strings.NewReader(text), "plan"); !at.IsZero() && at.Unix() < 0 {
			t.Fatalf("%v of %q", at, text)
		}
	})
}

const monitoring = "../../examples/monitoring/"

// metricNames are the names and labels of all metrics that a run can have.
func metricNames(t *testing.T) map[string][]string {
	names := map[string][]string{}
	for name, f := range parsed(t, write(t, func(w io.Writer) error { return Metrics(w, applied()) })) {
		for _, l := range f.GetMetric()[0].GetLabel() {
			names[name] = append(names[name], l.GetName())
		}
	}
	return names
}

var (
	inExpression = regexp.MustCompile(`(ispsync_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher      = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
	grouping     = regexp.MustCompile(`by \(([^)]*)\)`)
	targetLabels = []string{"instance", "job"} // those that Prometheus adds
)

// checkExpressions holds expressions against the metrics: names and labels
// must be theirs, and every metric must be in use.
func checkExpressions(t *testing.T, where string, expressions []string) {
	t.Helper()
	known := metricNames(t)
	unused := maps.Clone(known)
	for _, e := range expressions {
		var labels []string
		for _, m := range inExpression.FindAllStringSubmatch(e, -1) {
			of, ok := known[m[1]]
			if !ok {
				t.Errorf("%s: no run writes %s, in %s", where, m[1], e)
			}
			delete(unused, m[1])
			labels = append(labels, of...)
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(append(of, targetLabels...), l[1]) {
					t.Errorf("%s: %s has no label %s, in %s", where, m[1], l[1], e)
				}
			}
		}
		for _, g := range grouping.FindAllStringSubmatch(e, -1) {
			for l := range strings.SplitSeq(g[1], ", ") {
				if !slices.Contains(append(labels, targetLabels...), l) {
					t.Errorf("%s: grouped by %s, which none of its metrics has: %s", where, l, e)
				}
			}
		}
	}
	for name := range unused {
		if name != "ispsync_duration_seconds" && name != "ispsync_panel_requests" || where == "dashboard" {
			t.Errorf("%s: %s is in no expression", where, name)
		}
	}
}

func TestAlertsUseWhatIsWritten(t *testing.T) {
	text, err := os.ReadFile(monitoring + "alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	var expressions []string
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			expressions = append(expressions, r.Expr)
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("an alert lacks its name, severity, summary or description: %+v", r)
			}
		}
	}
	checkExpressions(t, "alerts", expressions)
}

func TestDashboardUsesWhatIsWritten(t *testing.T) {
	text, err := os.ReadFile(monitoring + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title, UID string
		Templating struct{ List []struct{ Name string } }
		Panels     []struct {
			ID                       int
			Type, Title, Description string
			GridPos                  struct{ X, Y, W, H int }
			Targets                  []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	var expressions []string
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q has no id of its own, title, description or query", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies on %q, or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	if board.Title == "" || board.UID == "" || len(board.Templating.List) != 3 {
		t.Errorf("the dashboard has no title, uid or variables: %+v", board)
	}
	checkExpressions(t, "dashboard", expressions)
}

// Prometheus's own tool on the rules, on how they fire and on what is written.
// Where it is not installed the tests above have to do; CI has it.
func TestPromtool(t *testing.T) {
	path, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("REQUIRE_TOOLS") != "" {
			t.Fatal("promtool is not installed, and CI must have it")
		}
		t.Skip("promtool is not installed (`bash .ci/run browser` installs it)")
	}
	for _, args := range [][]string{{"check", "rules", monitoring + "alerts.yml"}, {"test", "rules", "testdata/alerts.test.yml"}, {"check", "metrics"}} {
		cmd := exec.Command(path, args...)
		cmd.Stdin = strings.NewReader(write(t, func(w io.Writer) error { return Metrics(w, applied()) }))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
