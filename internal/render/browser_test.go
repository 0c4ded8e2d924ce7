package render

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ispsync/ispsync/plan"
)

func planPage(t *testing.T, p *plan.Plan) string {
	return write(t, func(w io.Writer) error { return PlanHTML(w, p) })
}

const ready = `document.documentElement?.dataset.ready === "1"`

// count is what the page says about how many steps are shown.
const count = `document.getElementById("count").textContent`

// harmless fails when the page asked for anything, complained, or was refused
// something by its own policy.
func (c *chromium) harmless() {
	c.t.Helper()
	for _, e := range c.events {
		switch e.Method {
		case "Network.requestWillBeSent":
			var q struct{ Request struct{ URL string } }
			if err := json.Unmarshal(e.Params, &q); err != nil || !strings.HasPrefix(q.Request.URL, "file://") || !strings.HasSuffix(q.Request.URL, "/page.html") {
				c.t.Errorf("the page asked for %s", e.Params)
			}
		case "Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled":
			c.t.Errorf("%s: %s", e.Method, e.Params)
		}
	}
	c.events = nil
}

// rows are the resources that are shown as steps, as far as they are made.
func (c *chromium) rows() string {
	c.t.Helper()
	return fmt.Sprint(c.eval(`[...document.querySelectorAll("#steps .ref")].map(e => e.textContent).join(" ")`))
}

func TestBrowserFilters(t *testing.T) {
	c := startChromium(t)
	c.screen(1280, 1000, "light", "")
	c.open(planPage(t, mixedPlan()))
	c.until(ready)
	for _, step := range []struct{ do, count, has, lacks, why string }{
		{``, "11 steps", "user/bob", "", "everything is shown first"},
		{`search.value = "bob"; fire(search, "input")`, "1 of 11 steps", "user/bob", "alice", "a search by name"},
		{`search.value = "PHP_MODE_cgi"; fire(search, "input")`, "5 of 11 steps", "webdomain/a.example.org", "shop", "by a value, in any case"},
		{`search.value = "site.yaml:30 c.ex"; fire(search, "input")`, "1 of 11 steps", "webdomain/c.example.org", "webdomain/a.", "by two words, one of them a source"},
		{`search.value = "пример"; fire(search, "input")`, "1 of 11 steps", "пример.рф", "bob", "by the name people know"},
		{`search.value = "<b>"; fire(search, "input")`, "0 of 11 steps", "", "bob", "by what is not there"},
		{`document.querySelector("button[type=reset]").click()`, "11 steps", "user/bob", "", "a reset"},
		{`choose(panel, "web2")`, "5 of 11 steps", "a.example.org", "bob", "by panel"},
		{`choose(kind, "user")`, "0 of 11 steps", "", "bob", "by panel and kind"},
		{`choose(panel, "all")`, "3 of 11 steps", "user/carol", "webdomain", "by kind"},
		{`document.querySelector("#actions .change input").click()`, "2 of 11 steps", "user/alice", "carol", "and without changes"},
		{`document.querySelector("#actions .add input").click()`, "1 of 11 steps", "user/bob", "alice", "and without adds"},
	} {
		c.eval(`{
			const search = document.getElementById("search"), panel = document.getElementById("panel"), kind = document.getElementById("kind");
			const fire = (e, what) => e.dispatchEvent(new Event(what, {bubbles: true}));
			const choose = (select, name) => { select.value = [...select.options].find(o => o.text.split(" (")[0] === name).value; fire(select, "change"); };
			` + step.do + `
		}`)
		c.until(fmt.Sprintf(`%s === %q`, count, step.count))
		c.until(fmt.Sprintf(`document.getElementById("steps").textContent.includes(%q)`, step.has))
		if rows := c.rows(); !strings.Contains(rows, step.has) || step.lacks != "" && strings.Contains(rows, step.lacks) {
			t.Errorf("%s: %s", step.why, rows)
		}
	}
	c.harmless()
}

// Everything can be done from the keyboard, and what has the focus can be seen.
func TestBrowserKeyboard(t *testing.T) {
	c := startChromium(t)
	c.screen(1280, 1000, "light", "")
	c.open(planPage(t, mixedPlan()))
	c.until(ready)
	at := c.focus
	open := func(want bool) {
		t.Helper()
		c.until(fmt.Sprintf(`document.activeElement.parentElement.open === %v`, want))
	}
	c.press("Tab")
	at("skip")
	c.press("Enter")
	c.until(`document.activeElement.id === "steps"`)
	c.press("Tab")
	at("web1")
	c.press("ArrowDown")
	at("webdomain/old.example.com")
	c.press("ArrowDown")
	at("user/bob")
	c.press("ArrowRight")
	open(true)
	if text := fmt.Sprint(c.eval(`document.activeElement.parentElement.innerText`)); !strings.Contains(text, "3 webdomain, 1 domain") || !strings.Contains(text, "prune: name startsWith") {
		t.Errorf("the step unfolded says %q", text)
	}
	c.press("ArrowLeft")
	open(false)
	c.press("Enter")
	open(true)
	c.press("ArrowLeft")
	c.press("ArrowLeft")
	at("web1")
	c.press("Enter") // folds the panel
	c.until(`document.activeElement.getAttribute("aria-expanded") === "false"`)
	c.press("ArrowDown")
	at("web2")
	c.press("/")
	at("search")
	for _, key := range "alice" {
		c.press(string(key))
	}
	c.until(count + ` === "2 of 11 steps"`)
	c.press("Escape")
	c.until(count + ` === "11 steps"`)
	c.press("ArrowDown")
	at("web1")
	c.press("ArrowUp")
	at("search")
	for range 3 { // through panel and kind to the first box
		c.press("Tab")
	}
	c.press(" ")
	c.until(count + ` === "9 of 11 steps"`)
	c.harmless()
}

// focus fails unless a thing has the focus, and it can be seen that it has it.
func (c *chromium) focus(want string) {
	c.t.Helper()
	got := c.eval(`(e => e.id || e.className || (e.closest("li, h2") || e).querySelector(".ref")?.textContent || (e.closest("h2") || e).querySelector("span")?.textContent || e.textContent)(document.activeElement)`)
	if got != want {
		c.t.Fatalf("the focus is on %q, want %q", got, want)
	}
	if seen := c.eval(`(e => { const b = e.getBoundingClientRect(); return b.width > 0 && b.bottom > 0 && b.top < innerHeight && (e.id === "steps" || getComputedStyle(e).outlineStyle !== "none"); })(document.activeElement)`); seen != true {
		c.t.Errorf("the focus on %q cannot be seen", want)
	}
}

// interactive is how long the page with 50,000 steps may take until it answers.
const interactive = 3 * time.Second

func TestBrowserLargePlan(t *testing.T) {
	doc := planPage(t, largePlan(50_000))
	c := startChromium(t)
	c.screen(1280, 1000, "light", "")
	began := time.Now()
	c.open(doc)
	c.until(ready + ` && document.querySelectorAll(".step").length > 0`)
	c.eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`) // it is painted
	c.press("/")
	c.until(`document.activeElement.id === "search"`)
	took := time.Since(began)
	t.Logf("%d steps in %.1f MB: interactive after %v", 50_000, float64(len(doc))/1e6, took.Round(time.Millisecond))
	if took > interactive {
		t.Errorf("50,000 steps are interactive after %v, more than %v", took, interactive)
	}
	c.shoot("large")

	began = time.Now()
	for _, key := range "gone4950" {
		c.press(string(key))
	}
	c.until(count + ` === "2 of 50,000 steps"`)
	if took := time.Since(began); took > interactive {
		t.Errorf("a search took %v", took)
	}
	c.press("Escape")
	c.until(count + ` === "50,000 steps"`)

	// The last step can be reached, and only what is near the window was made for it.
	c.eval(`window.scrollTo(0, document.body.scrollHeight)`)
	c.until(`[...document.querySelectorAll("#steps .ref")].some(e => e.textContent === "webdomain/site49999.example.com")`)
	if made, ok := c.eval(`document.querySelectorAll(".step").length`).(float64); !ok || made > 10_000 {
		t.Errorf("%v steps were made for what is in sight", made)
	}
	c.eval(`document.getElementById("open").click()`)
	c.until(`document.querySelector(".step")?.open === true`)
	c.harmless()
}

// The page is read as well on paper, in the dark, on a telephone and by those
// who see no colours.
func TestBrowserLooks(t *testing.T) {
	c := startChromium(t)
	partialPlan, partial := partialReport()
	for name, doc := range map[string]string{
		"mixed": planPage(t, sealed(mixedPlan())), "wide": planPage(t, sealed(widePlan())), "trouble": planPage(t, troubledPlan(true)), "hostile": planPage(t, hostileMarkup()),
		"report": write(t, func(w io.Writer) error { return ReportHTML(w, partialPlan, partial) }),
	} {
		for _, s := range []struct {
			name, scheme, media string
			wide, high          int
		}{{"light", "light", "", 1280, 1000}, {"dark", "dark", "", 1280, 1000}, {"print", "dark", "print", 900, 1200}, {"narrow", "light", "", 360, 1400}} {
			c.screen(s.wide, s.high, s.scheme, s.media)
			c.open(doc)
			c.until(ready)
			c.eval(`document.getElementById("open").click()`)
			c.shoot(name + "-" + s.name)
			where := name + ", " + s.name
			if over, ok := c.eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`).(float64); !ok || over > 0 {
				t.Errorf("%s: the page is %v pixels wider than the window", where, over)
			}
			if weak := c.eval(weakContrast); weak != "" {
				t.Errorf("%s: hard to read: %v", where, weak)
			}
			printed := s.media == "print"
			if shown := c.eval(`document.getElementById("search").checkVisibility()`); shown == printed {
				t.Errorf("%s: the search is shown: %v", where, shown)
			}
		}
		c.named(name)
	}
	c.harmless()
}

// weakContrast names the texts whose colour is less than 4.5 times as light or
// dark as what is behind them, as WCAG counts it.
const weakContrast = `(() => {
	const numbers = s => (s.match(/[\d.]+/g) || []).map(Number);
	const light = s => { const [r, g, b] = numbers(s).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = e => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor; if (numbers(b)[3] !== 0) return b; } return "rgb(255, 255, 255)"; };
	const weak = new Set();
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = texts.nextNode(); n; n = texts.nextNode()) {
		const e = n.parentElement;
		if (!n.data.trim() || !e.checkVisibility() || e.closest("script, noscript, option")) continue;
		const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) weak.add(e.className + " " + n.data.slice(0, 30));
	}
	return [...weak].slice(0, 5).join(", ");
})()`

// axNode is what a screen reader gets of one element or text.
type axNode struct {
	Ignored    bool
	Role, Name struct{ Value any }
}

// accessible is what a screen reader gets of the page.
func (c *chromium) accessible() []axNode {
	c.t.Helper()
	var tree struct{ Nodes []axNode }
	c.call("Accessibility.getFullAXTree", nil, &tree)
	return slices.DeleteFunc(tree.Nodes, func(n axNode) bool { return n.Ignored })
}

// named fails for each thing to operate that a screen reader could not name.
func (c *chromium) named(where string) {
	c.t.Helper()
	found := map[string]int{}
	for _, n := range c.accessible() {
		role := fmt.Sprint(n.Role.Value)
		found[role]++
		switch role {
		case "button", "checkbox", "combobox", "searchbox", "DisclosureTriangle", "link", "heading", "search", "image", "img":
			if name, _ := n.Name.Value.(string); strings.TrimSpace(name) == "" {
				c.t.Errorf("%s: a %s has no name", where, role)
			}
		}
	}
	for _, role := range []string{"searchbox", "combobox", "checkbox", "button", "heading", "status", "search"} {
		if found[role] == 0 {
			c.t.Errorf("%s: there is no %s; there are %v", where, role, found)
		}
	}
}

// Where no script runs the plan can still be read, destroyed first, without
// controls that do nothing.
func TestBrowserWithoutScript(t *testing.T) {
	c := startChromium(t)
	c.screen(1280, 1000, "light", "")
	c.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	partialPlan, partial := partialReport()
	for name, c2 := range map[string]struct {
		doc  string
		says []string
	}{
		"plan": {planPage(t, sealed(widePlan())), []string{"Plan: 14 to add, 42 to change, 28 to destroy.", "28 deletes take others along: 42 webdomain.", "web14/user/old1", "site.yaml:9",
			"42 webdomains of 14 panels php_mode php_mode_mod → php_mode_cgi"}},
		"report": {write(t, func(w io.Writer) error { return ReportHTML(w, partialPlan, partial) }), []string{"failed", "web1/user/bob", "accepted but not in effect"}},
	} {
		c.open(c2.doc)
		text := c.visibleText()
		for _, want := range c2.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not to be read without a script, only:\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "Unfold all") || strings.Contains(text, "At a glance") {
			t.Errorf("%s: what needs a script is shown without one:\n%s", name, text)
		}
		c.shoot("noscript-" + name)
	}
	c.harmless()
}

// visibleText is what a page without scripts shows: the texts of the
// accessibility tree, which holds what is laid out.
func (c *chromium) visibleText() string {
	c.t.Helper()
	var parts []string
	for _, n := range c.accessible() {
		if n.Role.Value == "StaticText" {
			parts = append(parts, strings.TrimSpace(fmt.Sprint(n.Name.Value)))
		}
	}
	return strings.Join(parts, " ")
}
