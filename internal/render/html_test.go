package render

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
)

// The goldens of pages stop short of the style and the script, which are files
// of their own.
func TestPageGoldens(t *testing.T) {
	partialPlan, partial := partialReport()
	partial.PlanDigest = "sha256:0123"
	for name, f := range map[string]func(io.Writer) error{
		"plan-mixed.html":     func(w io.Writer) error { return PlanHTML(w, sealed(mixedPlan())) },
		"plan-wide.html":      func(w io.Writer) error { return PlanHTML(w, sealed(widePlan())) },
		"plan-hostile.html":   func(w io.Writer) error { return PlanHTML(w, hostileMarkup()) },
		"report-partial.html": func(w io.Writer) error { return ReportHTML(w, partialPlan, partial) },
	} {
		t.Run(name, func(t *testing.T) {
			out := write(t, f)
			out = strings.Replace(out, pageStyle, "…", 1)
			out = strings.Replace(out, pageScript, "…", 1)
			golden(t, name, []byte(policyHash.ReplaceAllString(out, "'sha256-…'")))
		})
	}
}

var policyHash = regexp.MustCompile(`'sha256-[^']*'`)

// openings counts the elements of a document by tag and attributes. The content
// of lists is counted too, so that a forged entry shows.
func openings(t interface{ Fatal(...any) }, doc string) map[string]int {
	root, err := html.ParseWithOptions(strings.NewReader(doc), html.ParseOptionEnableScripting(false)) // so that what is in noscript counts
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for n := range root.Descendants() {
		switch n.Type {
		case html.CommentNode:
			count["a comment"]++
		case html.ElementNode:
			tag := n.Data
			for _, a := range n.Attr {
				tag += fmt.Sprintf(" %s=%q", a.Key, a.Val)
			}
			count[tag]++
			if n.Data == "li" {
				count["li of "+fmt.Sprint(n.Parent.Attr)]++
			}
		}
	}
	return count
}

// noForgery holds the elements of a page against those of tame ones: nothing
// else may be in it, and of what is listed exactly as much as there is.
func noForgery(t *rapid.T, doc string, known map[string]bool, troubles, glance, kept, panels int) {
	count := openings(t, doc)
	for tag := range count {
		if !known[tag] {
			t.Fatalf("<%s> comes from data:\n%s", tag, doc)
		}
	}
	for list, want := range map[string]int{"troubles": troubles, "glance": glance, "kept": kept, "panels": panels} {
		if got := count["li of [{ class "+list+"}]"]; got != want {
			t.Fatalf("%d %s of %d:\n%s", got, list, want, doc)
		}
	}
	if n := count["script"] + count[`script type="application/json" id="data"`]; n != 2 {
		t.Fatalf("%d scripts", n)
	}
}

// tameOpenings are the elements of pages that hold nothing of interest.
func tameOpenings(t *testing.T) map[string]bool {
	known := map[string]bool{}
	partialPlan, partial := partialReport()
	for _, f := range []func(io.Writer) error{
		func(w io.Writer) error { return PlanHTML(w, mixedPlan()) },
		func(w io.Writer) error { return PlanHTML(w, widePlan()) },
		func(w io.Writer) error { return PlanHTML(w, sameSteps(plainLines+1, plan.Delete)) },
		func(w io.Writer) error { return PlanHTML(w, troubledPlan(true)) },
		func(w io.Writer) error { return ReportHTML(w, partialPlan, partial) },
	} {
		for tag := range openings(t, write(t, f)) {
			known[tag] = true
		}
	}
	return known
}

// Whatever a panel or a spec writes, the page has the elements and attributes
// that it has when they write nothing of interest, and no more of them.
func TestNoElementComesFromData(t *testing.T) {
	known := tameOpenings(t)
	rapid.Check(t, func(t *rapid.T) {
		p := anyPlan(t, anyMarkup())
		reasons := map[string]bool{}
		for _, k := range p.Kept {
			reasons[k.Why] = true
		}
		doc := write(t, func(w io.Writer) error { return PlanHTML(w, p) })
		folds := foldPlan(p.Steps)
		noForgery(t, doc, known, len(planTroubles(p)), min(len(glance(folds, len(p.Steps))), glanceLines)+min(len(plainPlan(folds)), plainLines), len(reasons), len(p.Panels))
		checkData(t, doc, len(p.Steps))
		r := anyReport(t, p)
		doc = write(t, func(w io.Writer) error { return ReportHTML(w, p, r) })
		noForgery(t, doc, known, len(reportTroubles(p, r)), len(r.Outcomes), 0, len(r.Panels))
		checkData(t, doc, len(r.Outcomes))
	})
}

// checkData holds the data of a page against what page.js relies on: every
// index is one of its table, and no text needs more than a text node.
func checkData(t *rapid.T, doc string, rows int) {
	if c, bad := hidden(doc); bad {
		t.Fatalf("U+%04X reached the page", c)
	}
	_, rest, _ := strings.Cut(doc, `<script type="application/json" id="data">`)
	text, _, ok := strings.Cut(rest, "</script>")
	if !ok || strings.ContainsAny(text, "<>&") {
		t.Fatalf("the data can end its element:\n%s", text)
	}
	var data struct {
		S [][]any
		D [][][3]int
		T []string
	}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if len(data.S) != rows {
		t.Fatalf("%d rows of %d", len(data.S), rows)
	}
	for _, s := range data.S {
		for column, v := range s {
			n, isNumber := v.(float64)
			limit := len(data.T)
			switch column {
			case 2:
				limit = 3
			case 3:
				if isNumber {
					t.Fatalf("row %v has no key", s)
				}
				continue
			case 4:
				limit = len(data.D)
			case 8:
				limit = len(reportOrder)
			case 10:
				continue // attempts
			}
			if !isNumber || int(n) >= limit || n < -1 || (n < 0 && (column == 2 || column == 4 || column == 8)) {
				t.Fatalf("column %d of row %v is out of its table", column, s)
			}
		}
	}
	for _, deed := range data.D {
		for _, f := range deed {
			if f[0] < 0 || f[2] < 0 || f[0] >= len(data.T) || f[1] >= len(data.T) || f[2] >= len(data.T) {
				t.Fatalf("deed %v is out of the table", deed)
			}
		}
	}
}

// The page may run its own script, show its own style, and do nothing else.
func TestPagePolicyAllowsOnlyThePage(t *testing.T) {
	root, err := html.Parse(strings.NewReader(write(t, func(w io.Writer) error { return PlanHTML(w, mixedPlan()) })))
	if err != nil {
		t.Fatal(err)
	}
	policy, found := "", map[string]string{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || (a.Key == "href" && !strings.HasPrefix(a.Val, "#")) {
				t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			}
		}
		switch {
		case n.Data == "meta" && attr["http-equiv"] == "Content-Security-Policy":
			policy = attr["content"]
		case n.Data == "style" || n.Data == "script" && attr["type"] == "":
			sum := sha256.Sum256([]byte(n.FirstChild.Data))
			found[n.Data] = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
	}
	want := "default-src 'none'; script-src " + found["script"] + "; style-src " + found["style"] + "; base-uri 'none'; form-action 'none'"
	if policy != want {
		t.Errorf("the policy is\n%s\nand should be\n%s", policy, want)
	}
	for _, banned := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttpRequest", "setAttribute(\"on", "localStorage"} {
		if strings.Contains(pageScript, banned) {
			t.Errorf("the script uses %s", banned)
		}
	}
}

// The columns, actions and outcomes of page.js are those of htmldata.go.
func TestScriptKnowsTheOutcomes(t *testing.T) {
	words := make([]string, len(reportOrder))
	for i, what := range reportOrder {
		words[i] = outcomeWord(what)
	}
	list, err := json.Marshal(words)
	if err != nil {
		t.Fatal(err)
	}
	if want := "const marks = " + strings.ReplaceAll(string(list), ",", ", ") + ";"; !strings.Contains(pageScript, want) {
		t.Errorf("page.js lacks %s", want)
	}
	for a, want := range map[plan.Action]int{plan.Delete: 0, plan.Update: 1, plan.Create: 2} {
		if danger(a) != want {
			t.Errorf("%s is %d in the data, page.js knows it as %d", a, danger(a), want)
		}
	}
	if fate(executor.What("new")) != fate(executor.Unknown) {
		t.Error("an outcome that is not known must count as unknown")
	}
}
