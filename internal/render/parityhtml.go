package render

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"strconv"

	"github.com/ispsync/ispsync/plan"
)

//go:embed parity.gohtml
var parityText string

var parityTemplate = template.Must(template.New("parity").Parse(parityText))

// parityPolicy forbids the page everything but its own style: it has no script.
var parityPolicy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ` + sourceHash(pageStyle) + `; base-uri 'none'; form-action 'none'">`

// parityPage is what the template is filled with. All texts are clean.
type parityPage struct {
	Headline, Verdict string
	From, To          string
	Policy            template.HTML
	Style             template.CSS
	Troubles          []pageTrouble
	Kinds             [][2]string
	Differing         []parityRow
	Untold            []string
	Probes            []probeRow
}

type parityRow struct {
	Ref, From, Words string
	Fields           []parityFieldRow
}

type parityFieldRow struct{ Field, Expected, Actual string }

type probeRow struct{ URI, From, To string }

// ParityHTML writes a parity as one HTML file without anything outside of it
// and without a script. The error is of w.
func ParityHTML(w io.Writer, p *plan.Parity) error {
	v := &parityPage{Headline: p.Headline(), Verdict: "Complete: everything that was to be moved is there and equal.", From: quoted(p.From), To: quoted(p.To),
		Policy: template.HTML(parityPolicy), Style: template.CSS(pageStyle)} //nolint:gosec // all ours
	if !p.Complete {
		v.Verdict = notComplete(p)
		if v.Verdict == "" {
			v.Verdict = "Not complete: see what differs."
		}
	}
	var troubles []trouble
	for _, f := range p.Findings {
		troubles = append(troubles, trouble{isError: f.Severity == plan.Error, where: f.Ref, message: f.Message, code: f.Code})
	}
	v.Troubles = newPage("", "", errorsFirst(troubles)).Troubles
	for _, k := range p.Kinds {
		v.Kinds = append(v.Kinds, [2]string{clean(k.Kind), strconv.Itoa(k.Equal) + " of " + strconv.Itoa(k.Compared)})
	}
	for _, scheme := range []string{"http", "https", "dns"} {
		if alike, all := p.AlikeProbes(scheme); all > 0 {
			v.Kinds = append(v.Kinds, [2]string{"probe " + scheme, strconv.Itoa(alike) + " of " + strconv.Itoa(all) + " alike"})
		}
	}
	for i := range p.Differing {
		r := &p.Differing[i]
		row := parityRow{Ref: cleanRef(r.Ref.String()), From: cleanRef(r.From), Words: parityWords(r)}
		for _, f := range r.Fields {
			row.Fields = append(row.Fields, parityFieldRow{clean(f.Field), valueText(f.Expected), valueText(f.Actual)})
		}
		v.Differing = append(v.Differing, row)
	}
	for _, u := range p.Untold {
		v.Untold = append(v.Untold, clean(u.Kind)+" of "+counted(u.Count, "resource"))
	}
	for i := range p.Probes {
		if b := &p.Probes[i]; !b.Alike {
			v.Probes = append(v.Probes, probeRow{clean(b.URI), replyText(b.From), replyText(b.To)})
		}
	}
	if err := parityTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("write the parity: %w", err)
	}
	return nil
}
