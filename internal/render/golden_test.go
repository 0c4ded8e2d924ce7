package render

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// golden compares with testdata/name, or testdata/name.txt. The escape character is written as ␛
// there, so that a reviewer sees it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	text := strings.ReplaceAll(string(got), "\x1b", "␛")
	path := filepath.Join("testdata", name)
	if filepath.Ext(name) == "" {
		path += ".txt"
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./internal/render -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

type shape struct {
	name  string
	style Style
	write func(io.Writer, Style) error
}

// terminal is the style of a wide terminal with colour.
var terminal = Style{Color: true, Width: 100}

func TestGoldens(t *testing.T) {
	for _, c := range slices.Concat(planShapes(), reportShapes(), kindShapes(t), markdownShapes()) {
		t.Run(c.name, func(t *testing.T) {
			golden(t, c.name, []byte(write(t, func(w io.Writer) error { return c.write(w, c.style) })))
		})
	}
}

func planShapes() []shape {
	text := func(p *plan.Plan) func(io.Writer, Style) error {
		return func(w io.Writer, s Style) error { return PlanText(w, p, s) }
	}
	compact := func(p *plan.Plan) func(io.Writer, Style) error {
		return func(w io.Writer, s Style) error { return PlanCompact(w, p, s) }
	}
	mixed, wide := mixedPlan(), widePlan()
	return []shape{
		{"plan-mixed", Style{}, text(mixed)},
		{"plan-mixed-terminal", terminal, text(mixed)},
		{"plan-mixed-verbose", Style{Verbose: true}, text(mixed)},
		{"plan-none", Style{}, text(planOf([]plan.Panel{panel("web1", 3), panel("web2", 3)}))},
		{"plan-trouble", Style{}, text(troubledPlan(true))},
		{"plan-trouble-terminal", terminal, text(troubledPlan(true))},
		{"plan-trouble-none", Style{}, text(troubledPlan(false))},
		{"plan-many-panels", Style{}, text(wide)},
		{"plan-hostile", Style{}, text(hostilePlan())},
		{"compact-mixed", Style{}, compact(mixed)},
		{"compact-mixed-terminal", terminal, compact(mixed)},
		{"compact-many-panels", Style{}, compact(wide)},
		{"compact-many-panels-terminal", terminal, compact(wide)},
		{"compact-mixed-verbose", Style{Verbose: true}, compact(mixed)},
		{"compact-customers", Style{}, compact(customersPlan())},
		{"compact-customers-verbose", Style{Verbose: true}, compact(customersPlan())},
		{"plan-undo", Style{}, text(undoPlan())},
		{"plan-80-columns", Style{Width: 80}, text(longPlan())},
		{"plan-120-columns", Style{Width: 120}, text(longPlan())},
		{"compact-80-columns", Style{Width: 80}, compact(longPlan())},
		{"compact-hostile", Style{}, compact(hostilePlan())},
	}
}

func reportShapes() []shape {
	report := func(p *plan.Plan, r *executor.Report) func(io.Writer, Style) error {
		return func(w io.Writer, s Style) error { return ReportText(w, p, r, s) }
	}
	mixed, wide := mixedPlan(), widePlan()
	partialPlan, partial := partialReport()
	notRun := func(from, to int, why string) map[int]executor.Outcome {
		m := map[int]executor.Outcome{}
		for i := from; i <= to; i++ {
			m[i] = executor.Outcome{Outcome: executor.NotRun, Error: &executor.ErrorDetail{Type: "not_run", Message: why}}
		}
		return m
	}
	var users []plan.Step
	for i := range 25 {
		users = append(users, plan.Step{Panel: "web1", Kind: "user", Key: "u" + strconv.Itoa(i), Action: plan.Create})
	}
	one := planOf([]plan.Panel{panel("web1", 3)}, users...)
	return []shape{
		{"report-applied", Style{}, report(mixed, reportOf(mixed, executor.Applied, nil))},
		{"report-applied-verbose", Style{Verbose: true}, report(mixed, reportOf(mixed, executor.Applied, nil))},
		{"report-partial", Style{}, report(partialPlan, partial)},
		{"report-partial-terminal", terminal, report(partialPlan, partial)},
		{"report-partial-alone", Style{}, report(nil, partial)},
		{"report-unread", Style{}, report(troubledPlan(true), reportOf(troubledPlan(true), executor.Partial, nil))},
		{"report-interrupted", Style{}, report(wide, reportOf(wide, executor.Interrupted, notRun(60, len(wide.Steps), "interrupted before its turn")))},
		{"report-refused", Style{}, report(one, reportOf(one, executor.Refused, notRun(1, 25, "the plan is stale")))},
		{"report-nothing", Style{}, report(planOf([]plan.Panel{panel("web1", 3)}), &executor.Report{Result: executor.Nothing})},
	}
}

func kindShapes(t *testing.T) []shape {
	kinds := sampleKinds(t)
	table := func(w io.Writer, s Style) error { return KindsTable(w, kinds, s) }
	detail := func(w io.Writer, s Style) error { return KindDetail(w, kinds[1], s) }
	return []shape{{"kinds", Style{}, table}, {"kinds-terminal", terminal, table}, {"kind", Style{}, detail}, {"kind-terminal", terminal, detail}}
}

// sampleKinds are two small rows with one of everything; the real catalog
// would make the goldens change with every row.
func sampleKinds(t *testing.T) []*specs.Kind {
	yes := specs.Builtin().Kind("webdomain").Field("active").Canon
	c, err := specs.NewCatalog(
		&specs.Kind{Name: "user", Doc: "An account of the panel, owner of everything else that lives there.", Sure: "high", Edit: "user.edit", Delete: "user.delete",
			Suspend: "user.suspend", Resume: "user.resume", Key: specs.Key{Unique: true, Example: "alice"}, Login: true, TakesWithIt: []string{"site"}},
		&specs.Kind{Name: "site", Doc: "A web site.", Sure: "medium", List: "webdomain", Edit: "site.edit", Delete: "webdomain.delete", Suspend: "webdomain.suspend", Resume: "webdomain.resume",
			Key: specs.Key{Param: "site_name", Doc: "Its name.", Example: "shop.example.com"}, Owner: "owner", Brings: []string{"user"}, Meters: []string{"size_used"},
			Fields: []*specs.FieldRow{
				{Name: "active", Doc: "false suspends it.", Canon: yes, Read: specs.FromList, Toggle: true, Default: specs.Bool(true), Example: "false"},
				{Name: "owner", Doc: "The account it belongs to.", Read: specs.FromList, Columns: []string{"owner", "user"}, Refers: "user", Required: true, CreateOnly: true, Example: "alice"},
				{Name: "passwd", Doc: "Its password.", Secret: true, Example: "${secret.env('SITE')}"},
				{Name: "php_mode", Doc: "How PHP runs.", Read: specs.FromForm, Form: "site_php_mode", Values: []string{"php_mode_mod", "php_mode_cgi"}, Example: "php_mode_cgi"},
			}})
	if err != nil {
		t.Fatal(err)
	}
	return c.Kinds()
}

// The tables must not leave out a kind or a field of the real catalog.
func TestTablesAreComplete(t *testing.T) {
	var all bytes.Buffer
	kinds := specs.Builtin().Kinds()
	if err := KindsTable(&all, kinds, Style{Width: 80}); err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if !strings.Contains(all.String(), "\n"+k.Name+" ") {
			t.Errorf("the table of kinds lacks %s", k.Name)
		}
		var one bytes.Buffer
		if err := KindDetail(&one, k, Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
		for _, f := range k.Fields {
			if !strings.Contains(one.String(), "\n"+f.Name+" ") {
				t.Errorf("the page of %s lacks %s", k.Name, f.Name)
			}
		}
	}
}
