package render

import (
	"io"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/plan"
)

// ParityText writes how far a panel is what another was to become on it: what
// differs, what was not moved, what a visitor saw, and last "parity: 412 of
// 412". The error is of w.
func ParityText(w io.Writer, p *plan.Parity, s Style) error {
	out := newPrinter(w, s)
	for i := range p.Differing {
		out.parityResource(&p.Differing[i])
	}
	out.findings(p.Findings)
	out.section()
	out.probes(p.Probes)
	out.section()
	for _, u := range p.Untold {
		out.line("not compared, because ", quoted(p.To), " does not tell it: ", clean(u.Kind), " of ", counted(u.Count, "resource"))
	}
	out.section()
	for _, k := range p.Kinds {
		out.line("  ", clean(k.Kind), pad(16-columns(clean(k.Kind))), "  ", strconv.Itoa(k.Equal), " of ", strconv.Itoa(k.Compared))
	}
	for _, line := range probeLines(p) {
		out.line(line)
	}
	out.section()
	if reason := notComplete(p); reason != "" {
		out.line(reason)
	}
	out.line(bold.on(s, p.Headline()))
	return out.flush("the parity")
}

func (p *printer) parityResource(r *plan.ParityResource) {
	ref := clean(r.Ref.Kind) + "/" + cleanKey(r.Ref.Key)
	p.put("  ", yellow.on(p.Style, parityMark(r.State)), " ", ref, "  ", dim.on(p.Style, "("+parityWords(r)+", from "+cleanRef(r.From)+")"))
	p.line()
	wide := 0
	for _, f := range r.Fields {
		wide = max(wide, columns(clean(f.Field)))
	}
	for _, f := range r.Fields {
		name := clean(f.Field)
		p.line("      ", name, pad(wide-columns(name)), "  wanted ", valueText(f.Expected), ", is ", valueText(f.Actual))
	}
}

func parityMark(s plan.ParityState) string {
	switch s {
	case plan.ParityMissing:
		return "-"
	case plan.ParityUnread:
		return "?"
	default:
		return "~"
	}
}

// parityWords says in what way a resource is not equal.
func parityWords(r *plan.ParityResource) string {
	if r.Why != "" {
		return string(r.State) + ": " + clean(r.Why)
	}
	return string(r.State)
}

// probes writes the probes that are not alike.
func (p *printer) probes(probes []plan.Probe) {
	for i := range probes {
		if b := &probes[i]; !b.Alike {
			p.line("  ", yellow.on(p.Style, "~"), " ", clean(b.URI))
			p.line("      from  ", replyText(b.From))
			p.line("      to    ", replyText(b.To))
		}
	}
}

// replyText is what one panel answered to a probe.
func replyText(r plan.ProbeReply) string {
	switch {
	case r.Error != "":
		return "no answer: " + clean(r.Error)
	case r.Status != 0 && r.Title != "":
		return strconv.Itoa(r.Status) + " " + quoted(r.Title)
	case r.Status != 0:
		return strconv.Itoa(r.Status) + ", no title"
	case len(r.Answers) == 0:
		return "no records"
	}
	answers := make([]string, len(r.Answers))
	for i, a := range r.Answers {
		answers[i] = clean(a)
	}
	return strings.Join(answers, ", ")
}

// probeLines count the probes by scheme.
func probeLines(p *plan.Parity) []string {
	var out []string
	for _, scheme := range []string{"http", "https", "dns"} {
		if alike, all := p.AlikeProbes(scheme); all > 0 {
			out = append(out, "  probe "+scheme+pad(10-len(scheme))+"  "+strconv.Itoa(alike)+" of "+strconv.Itoa(all)+" alike")
		}
	}
	return out
}

// notComplete says why all being equal is not all there is to say, or "".
func notComplete(p *plan.Parity) string {
	switch {
	case p.Complete || p.Equal < p.Compared:
		return ""
	case len(probeLines(p)) > 0 && !allAlike(p):
		return "Not complete: visitors do not see the same at both panels."
	default:
		return "Not complete: some of what was to be moved could not be compared; see above."
	}
}

func allAlike(p *plan.Parity) bool {
	for i := range p.Probes {
		if !p.Probes[i].Alike {
			return false
		}
	}
	return true
}
