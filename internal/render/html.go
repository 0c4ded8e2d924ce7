package render

// A plan or a report as one HTML file that needs nothing else and is allowed
// nothing else: its policy forbids every request and every script and style
// but the two in it, by their digests. What a spec or a panel wrote gets there in
// two ways. What stands above and below the steps is put there by html/template,
// escaped. The steps are JSON (see htmldata.go) from which page.js makes text
// nodes. In both, texts are clean as everywhere.

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the parts of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

//go:embed page.gohtml
var pageText string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// pagePolicy is the element that forbids the page everything but its own
// script and style.
var pagePolicy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ` + sourceHash(pageScript) +
	`; style-src ` + sourceHash(pageStyle) + `; base-uri 'none'; form-action 'none'">`

func sourceHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page is what the template is filled with. All texts are clean.
type page struct {
	What, Headline, Unread string
	Blast                  string // what goes with deletes; empty when nothing does
	Policy                 template.HTML
	Style                  template.CSS
	Script                 template.JS
	Facts                  []pageFact
	Troubles               []pageTrouble
	Actions, Outcomes      []pageChoice
	Kept                   []pageKept
	PanelCount             string
	Panels                 []pagePanel
	Glance                 []pageLine // the overview; empty when there is nothing to sum up
	GlanceMore             string
	Plain                  []pageLine // for viewers without scripts
	PlainMore              string
}

type pageFact struct{ Name, Value string }

type pageTrouble struct{ Class, Word, Where, Message, Code string }

// pageChoice is a box to tick; Value is the index that page.js knows it by.
type pageChoice struct {
	Value        int
	Class, Label string
}

type pageKept struct {
	Count int
	Why   string
}

type pagePanel struct{ Name, About string }

// PlanHTML writes a plan as one HTML file without anything outside of it: with
// search, filters by panel, kind and action, folding, for the keyboard, the
// printer and the dark. Steps are shown panel by panel, destructive ones first.
// It is usable with 50,000 steps. The error is of w.
func PlanHTML(w io.Writer, p *plan.Plan) error {
	v := newPage("plan", changesLine(p.Summary), planTroubles(p))
	v.Unread = unreadSentence(p)
	v.Blast = blast(p.Steps)
	folds := foldPlan(p.Steps)
	sentences := glance(folds, len(p.Steps))
	v.Glance, v.GlanceMore = cut(sentences, glanceLines, len(sentences))
	sentences = plainPlan(folds)
	v.Plain, v.PlainMore = cut(sentences, plainLines, len(sentences))
	v.Facts = digestFact("Digest", p.Digest)
	if p.MadeBy != "" {
		v.Facts = append(v.Facts, pageFact{"Made by", clean(p.MadeBy)})
	}
	if !p.CreatedAt.IsZero() {
		v.Facts = append(v.Facts, pageFact{"Made", stamp(p.CreatedAt)})
	}
	if !p.ExpiresAt.IsZero() {
		v.Facts = append(v.Facts, pageFact{"Expires", stamp(p.ExpiresAt)})
	}
	count := map[plan.Action]int{}
	for i := range p.Steps {
		count[p.Steps[i].Action]++
	}
	v.Actions = actionChoices(count)
	reasons, kept := keptReasons(p.Kept)
	for _, why := range reasons {
		v.Kept = append(v.Kept, pageKept{kept[why], cleanLines(why)})
	}
	v.PanelCount = counted(len(p.Panels), "panel")
	for i := range p.Panels {
		v.Panels = append(v.Panels, aboutPanel(&p.Panels[i]))
	}
	return v.write(w, "the plan", func(out *bufio.Writer) { writePlanData(out, p) })
}

// ReportHTML writes what became of a plan's steps, as PlanHTML writes a plan:
// what has to be looked after comes first, and outcomes can be filtered too.
// p may be nil, as for ReportText. The error is of w.
func ReportHTML(w io.Writer, p *plan.Plan, r *executor.Report) error {
	unreadPanels, sentence := 0, ""
	if p != nil {
		unreadPanels, sentence = len(unread(p)), unreadSentence(p)
	}
	v := newPage("report", resultLine(r, unreadPanels), reportTroubles(p, r))
	v.Unread = sentence
	v.Plain, v.PlainMore = cut(plainReport(p, r), plainLines, len(r.Outcomes))
	v.Facts = digestFact("Plan digest", r.PlanDigest)
	if r.Run != "" {
		v.Facts = append(v.Facts, pageFact{"Run", clean(r.Run)})
	}
	if !r.StartedAt.IsZero() && !r.FinishedAt.IsZero() {
		v.Facts = append(v.Facts, pageFact{"Started", stamp(r.StartedAt)}, pageFact{"Finished", stamp(r.FinishedAt)})
	}
	count, fates := map[plan.Action]int{}, map[executor.What]int{}
	for i := range r.Outcomes {
		count[r.Outcomes[i].Action]++
		fates[r.Outcomes[i].Outcome]++
	}
	v.Actions = actionChoices(count)
	for i, what := range reportOrder {
		v.Outcomes = append(v.Outcomes, pageChoice{Value: i, Label: outcomeWord(what) + " (" + strconv.Itoa(fates[what]) + ")"})
	}
	v.PanelCount = counted(len(r.Panels), "panel")
	for i := range r.Panels {
		v.Panels = append(v.Panels, aboutLane(&r.Panels[i]))
	}
	return v.write(w, "the report", func(out *bufio.Writer) { writeReportData(out, p, r) })
}

func newPage(what, headline string, troubles []trouble) *page {
	v := &page{What: what, Headline: headline,
		Policy: template.HTML(pagePolicy), Style: template.CSS(pageStyle), Script: template.JS(pageScript)} //nolint:gosec // all ours
	for i := range troubles {
		t := &troubles[i]
		v.Troubles = append(v.Troubles, pageTrouble{Class: strings.ToLower(t.word()), Word: t.word(), Where: cleanRef(t.where), Message: cleanLines(t.message), Code: clean(t.code)})
	}
	return v
}

func digestFact(name, digest string) []pageFact {
	if digest == "" {
		return nil
	}
	return []pageFact{{name, clean(digest)}}
}

// actionChoices are the boxes of actions, in the order of danger.
func actionChoices(count map[plan.Action]int) []pageChoice {
	return []pageChoice{
		{danger(plan.Delete), "destroy", "- destroy (" + strconv.Itoa(count[plan.Delete]) + ")"},
		{danger(plan.Update), "change", "~ change (" + strconv.Itoa(count[plan.Update]) + ")"},
		{danger(plan.Create), "add", "+ add (" + strconv.Itoa(count[plan.Create]) + ")"},
	}
}

func aboutPanel(p *plan.Panel) pagePanel {
	about := counted(p.Requests, "request") + ofForms(p.Forms)
	if p.URL != "" {
		about += ", " + clean(p.URL)
	}
	if p.Account != "" {
		about += " as " + clean(p.Account)
	}
	return pagePanel{quoted(p.Name), about}
}

func aboutLane(l *executor.LaneEnd) pagePanel {
	about := counted(l.Requests, "request") + ", " + counted(l.Writes, "write")
	if l.Restart == executor.RestartOK {
		about += restartedAsAsked
	}
	return pagePanel{quoted(l.Name), about}
}

// cleanLines is a message of several lines perhaps, each of them clean.
func cleanLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		lines[i] = clean(strings.TrimSuffix(l, "\r"))
	}
	return strings.Join(lines, "\n")
}

// write writes the page around the data, which data writes as one JSON value.
func (v *page) write(w io.Writer, what string, data func(*bufio.Writer)) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if err := pageTemplate.ExecuteTemplate(out, "head", v); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	out.WriteString(`<script type="application/json" id="data">`) //nolint:errcheck // sticks in the bufio.Writer
	data(out)
	out.WriteString("</script>\n") //nolint:errcheck // as above
	if err := pageTemplate.ExecuteTemplate(out, "foot", v); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}
