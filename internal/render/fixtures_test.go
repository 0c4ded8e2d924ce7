package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// planOf makes a plan of steps: ids, refs and the summary follow from them.
func planOf(panels []plan.Panel, steps ...plan.Step) *plan.Plan {
	p := &plan.Plan{FormatVersion: plan.FormatVersion, Panels: panels, Steps: steps}
	for i := range p.Steps {
		s := &p.Steps[i]
		s.ID = fmt.Sprintf("s%d", i+1)
		s.Ref = specs.Ref{Panel: s.Panel, Kind: s.Kind, Key: s.Key}
		switch s.Action {
		case plan.Create:
			p.Summary.Create++
		case plan.Update:
			p.Summary.Update++
		case plan.Delete:
			p.Summary.Delete++
		}
	}
	return p
}

func panel(name string, requests int) plan.Panel {
	return plan.Panel{Name: name, URL: "https://" + name + ".example.net:1500/ispmgr", Account: "root", Reachable: true, Requests: requests}
}

func set(field string, after specs.Value) plan.Change {
	return plan.Change{Field: field, After: after}
}

func become(field string, before, after specs.Value) plan.Change {
	return plan.Change{Field: field, Before: before, After: after}
}

// mixedPlan has one of everything a reviewer meets.
func mixedPlan() *plan.Plan {
	php := func(key string) plan.Step {
		return plan.Step{Panel: "web2", Kind: "webdomain", Key: key, Action: plan.Update, Source: "site.yaml:30", Why: "differs in php_mode",
			Changes: []plan.Change{become("php_mode", specs.Text("php_mode_mod"), specs.Text("php_mode_cgi"))}}
	}
	p := planOf([]plan.Panel{panel("web1", 3), panel("web2", 2)},
		plan.Step{Panel: "web1", Kind: "user", Key: "alice", Action: plan.Create, Source: "site.yaml:12", Why: "declared, not on the panel",
			Changes: []plan.Change{set("active", specs.Bool(true)), set("fullname", specs.Text("Alice Liddell")), set("limit_webdomains", specs.Number(10))},
			Secrets: []string{"passwd"}},
		plan.Step{Panel: "web1", Kind: "webdomain", Key: "xn--e1afmkfd.xn--p1ai", Action: plan.Create, Source: "site.yaml:20", Why: "declared, not on the panel",
			Changes: []plan.Change{set("aliases", specs.List("www.example.com", "xn--e1afmkfd.com")), set("comment", specs.Text("")), set("owner", specs.Text("alice"))}},
		plan.Step{Panel: "web1", Kind: "webdomain", Key: "shop.example.com", Action: plan.Update, Source: "sites/shop.yaml:4", Why: "differs in aliases, comment, dirindex, email, ns",
			Changes: []plan.Change{
				become("aliases", specs.List("a.example.com", "b.example.com"), specs.List("a.example.com", "b.example.com", "c.example.com")),
				become("comment", specs.Text("spring"), specs.Text("")),
				become("dirindex", specs.List("index.php", "index.html", "index.htm", "default.html", "home.html"), specs.List("index.html", "index.php", "index.htm", "home.html", "main.html")),
				become("email", specs.Value{}, specs.Text("webmaster@example.com")),
				become("ns", specs.List("1", "2", "3", "4", "5"), specs.List("5", "4", "3", "2", "1")),
			}},
		plan.Step{Panel: "web1", Kind: "user", Key: "carol", Action: plan.Update, Source: "site.yaml:17", Why: "rotates passwd", Secrets: []string{"passwd"}},
		plan.Step{Panel: "web1", Kind: "webdomain", Key: "old.example.com", Action: plan.Delete, Source: "site.yaml:40", Why: "ensure: absent"},
		plan.Step{Panel: "web1", Kind: "user", Key: "bob", Action: plan.Delete, Why: `prune: name startsWith "b"`,
			TakesWithIt: []plan.Count{{Kind: "webdomain", Count: 3}, {Kind: "domain", Count: 1}}},
		php("a.example.org"), php("b.example.org"), php("c.example.org"), php("d.example.org"), php("e.example.org"),
	)
	p.Kept = []plan.Kept{
		{Ref: specs.Ref{Panel: "web1", Kind: "user", Key: "root"}, Why: `protected by name == "root"`},
		{Ref: specs.Ref{Panel: "web1", Kind: "webdomain", Key: "xn--80ak6aa92e.com"}, Why: "not declared"},
		{Ref: specs.Ref{Panel: "web2", Kind: "webdomain", Key: "z.example.org"}, Why: "not declared"},
	}
	p.Summary.Kept = 3
	p.Findings = []plan.Finding{
		{Severity: plan.Error, Code: plan.CodeDeletesLimit, Ref: "web1/user", Message: "1 of 2 would be deleted, the limit is 0; raise limits.deletes or apply with --allow-deletes 2"},
		{Severity: plan.Warning, Code: plan.CodeOwnerDiffers, Ref: "web1/webdomain/shop.example.com", Message: "declared as alice's, but it is bob's"},
		{Severity: plan.Warning, Code: plan.CodeLiteralSecret, Message: "site.yaml:14: a password is written out; use ${secret.env('X')}"},
	}
	return p
}

// troubledPlan has panels that could not be read.
func troubledPlan(changes bool) *plan.Plan {
	panels := []plan.Panel{
		{Name: "web1", URL: "https://web1.example.net:1500/ispmgr", Account: "root", Reachable: true, Requests: 4, Error: "domain: 3 of 5 rows came"},
		{Name: "web2", URL: "https://web2.example.net:1500/ispmgr", Account: "root", Error: "dial tcp 192.0.2.7:1500: connection refused", Requests: 4},
		{Name: "web3", URL: "https://web3.example.net:1500/ispmgr", Account: "ops", Refused: true, Error: "auth(badpassword): Invalid username or password\nsecond line", Requests: 1},
	}
	if !changes {
		return planOf(panels)
	}
	return planOf(panels, plan.Step{Panel: "web1", Kind: "user", Key: "alice", Action: plan.Create, Source: "site.yaml:12",
		Changes: []plan.Change{set("fullname", specs.Text("Alice"))}})
}

// widePlan changes the same thing on many panels and deletes a lot.
func widePlan() *plan.Plan {
	var panels []plan.Panel
	var steps []plan.Step
	for i := range 14 {
		name := fmt.Sprintf("web%02d", i+1)
		panels = append(panels, panel(name, 2+i%3))
		for j := range 3 {
			steps = append(steps, plan.Step{Panel: name, Kind: "webdomain", Key: fmt.Sprintf("s%d.example.com", j), Action: plan.Update, Source: "site.yaml:8",
				Changes: []plan.Change{become("php_mode", specs.Text("php_mode_mod"), specs.Text("php_mode_cgi"))}})
		}
		steps = append(steps, plan.Step{Panel: name, Kind: "user", Key: "u", Action: plan.Create, Source: "site.yaml:3",
			Changes: []plan.Change{set("limit_db", specs.Number(5))}, Secrets: []string{"passwd"}})
		for j := range 2 {
			steps = append(steps, plan.Step{Panel: name, Kind: "user", Key: fmt.Sprintf("old%d", j), Action: plan.Delete, Why: "ensure: absent", Source: "site.yaml:9",
				TakesWithIt: []plan.Count{{Kind: "webdomain", Count: j + 1}}})
		}
	}
	return planOf(panels, steps...)
}

// hostilePlan is full of what a terminal must not get.
func hostilePlan() *plan.Plan {
	const evil = "a\x1b[2J\u202egnp.exe\u200b\r\n  + user/root\x07\x9b\xff\u2028"
	p := planOf([]plan.Panel{{Name: "web1" + evil, URL: evil, Account: evil, Reachable: true, Error: evil}},
		plan.Step{Panel: "web1" + evil, Kind: "k" + evil, Key: evil, Action: plan.Update, Source: evil, Why: evil,
			Changes: []plan.Change{become(evil, specs.Text(evil), specs.List(evil, "b"))}, Secrets: []string{evil}},
		plan.Step{Panel: "web1" + evil, Kind: "k" + evil, Key: "xn--" + evil, Action: plan.Delete, Why: evil,
			TakesWithIt: []plan.Count{{Kind: evil, Count: 1}}})
	p.Kept = []plan.Kept{{Ref: specs.Ref{Panel: "p", Kind: "k", Key: evil}, Why: evil}}
	p.Findings = []plan.Finding{{Severity: plan.Error, Code: evil, Ref: "p/k/" + evil, Message: evil}}
	return p
}

// reportOf makes a report about a plan with the outcomes given by step number
// from 1; all other steps are done.
func reportOf(p *plan.Plan, result executor.Result, others map[int]executor.Outcome) *executor.Report {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := &executor.Report{FormatVersion: executor.FormatVersion, StartedAt: at, FinishedAt: at.Add(time.Minute), Result: result}
	for i, s := range p.Steps {
		o := others[i+1]
		if o.Outcome == "" {
			o = executor.Outcome{Outcome: executor.Done, Attempts: 1}
		}
		o.Step, o.Ref, o.Action = s.ID, s.Ref, s.Action
		r.Outcomes = append(r.Outcomes, o)
		switch o.Outcome {
		case executor.Done:
			r.Summary.Done++
		case executor.Failed:
			r.Summary.Failed++
		case executor.Blocked:
			r.Summary.Blocked++
		case executor.Stale:
			r.Summary.Stale++
		case executor.Unknown:
			r.Summary.Unknown++
		case executor.NotRun:
			r.Summary.NotRun++
		}
	}
	for _, pl := range p.Panels {
		if pl.Reachable {
			r.Panels = append(r.Panels, executor.LaneEnd{Name: pl.Name, Requests: pl.Requests + 5, Writes: 3, Restart: executor.RestartNone})
		}
	}
	return r
}

// partialReport has every outcome and every restart.
func partialReport() (*plan.Plan, *executor.Report) {
	p := mixedPlan()
	r := reportOf(p, executor.Partial, map[int]executor.Outcome{
		1: {Outcome: executor.Failed, Attempts: 1, Error: &executor.ErrorDetail{Type: "limit", Object: "user", Message: "The limit of accounts is reached"}},
		2: {Outcome: executor.Blocked, Error: &executor.ErrorDetail{Type: "blocked", Message: "needs create web1/user/alice, which failed"}},
		3: {Outcome: executor.Stale, Error: &executor.ErrorDetail{Type: "stale", Message: "the live resource is not what the plan was made from"}},
		4: {Outcome: executor.Unknown, Attempts: 2, Error: &executor.ErrorDetail{Type: "request_failed", Message: "no answer\nand reading failed too"}},
		6: {Outcome: executor.Failed, Attempts: 1, Error: &executor.ErrorDetail{Type: "not_in_effect", Message: "accepted but not in effect: it is still there"}},
		9: {Outcome: executor.NotRun, Error: &executor.ErrorDetail{Type: "not_run", Message: "stopped after 2 failures"}},
	})
	r.Run = "20260301-120000-ab12"
	r.Settled = []executor.Settled{{Run: "20260228-120000-cd34", Step: "s3", Ref: specs.Ref{Panel: "web1", Kind: "user", Key: "dora"}, Action: plan.Create, Outcome: executor.Done, Evidence: "it is on the panel as planned"}}
	r.Panels[0].Restart = executor.RestartUnsupported
	r.Panels[1].Restart, r.Panels[1].Error = executor.RestartFailed, "no answer within 1m0s"
	return p, r
}

// customersPlan adds and changes resources that have the same fields with
// values of their own.
func customersPlan() *plan.Plan {
	var steps []plan.Step
	for i := range 9 {
		name := fmt.Sprintf("c%d.example.com", i)
		steps = append(steps,
			plan.Step{Panel: fmt.Sprintf("web%d", 1+i/5), Kind: "webdomain", Key: name, Action: plan.Create, Source: "sites.yaml:7", Why: "declared, not on the panel",
				Changes: []plan.Change{set("aliases", specs.List("www."+name)), set("owner", specs.Text("alice")), set("php_mode", specs.Text("php_mode_cgi"))}},
			plan.Step{Panel: fmt.Sprintf("web%d", 1+i/5), Kind: "user", Key: fmt.Sprintf("u%d", i), Action: plan.Update, Source: fmt.Sprintf("users.yaml:%d", 3+i), Why: "differs in limit_webdomains",
				Changes: []plan.Change{become("limit_webdomains", specs.Number(int64(i)), specs.Number(20))}})
	}
	return planOf([]plan.Panel{panel("web1", 3), panel("web2", 3)}, steps...)
}

// longPlan has texts that no terminal takes on one line.
func longPlan() *plan.Plan {
	aliases := make([]string, 8)
	for i := range aliases {
		aliases[i] = fmt.Sprintf("shop%d.example.com", i)
	}
	p := planOf([]plan.Panel{panel("web1", 3)},
		plan.Step{Panel: "web1", Kind: "user", Key: "alice", Action: plan.Create, Source: "customers/alice.yaml:4", Secrets: []string{"passwd"},
			Changes: []plan.Change{set("fullname", specs.Text("Alice Liddell of the department with the very long name that nobody can remember"))}},
		plan.Step{Panel: "web1", Kind: "webdomain", Key: "shop.example.com", Action: plan.Update, Source: "sites/shop.yaml:4",
			Changes: []plan.Change{become("aliases", specs.List("old.example.com"), specs.List(aliases...)), become("docroot", specs.Text("www/"+strings.Repeat("x", 70)), specs.Text("www/shop"))}},
		plan.Step{Panel: "web1", Kind: "user", Key: "bob", Action: plan.Delete, Why: `prune: name startsWith "b" and not (name in ["bill", "bella", "bruno"])`, Source: "rules/prune.yaml:3",
			TakesWithIt: []plan.Count{{Kind: "webdomain", Count: 3}, {Kind: "email", Count: 12}, {Kind: "db", Count: 4}, {Kind: "domain", Count: 3}, {Kind: "domain.record", Count: 31}, {Kind: "scheduler", Count: 2}}})
	p.Findings = []plan.Finding{{Severity: plan.Error, Code: plan.CodeDeletesLimit, Ref: "web1/user", Message: "1 of 2 would be deleted, the limit is 0; raise limits.deletes or apply with --allow-deletes 1"}}
	return p
}

// undoPlan was not made from the spec.
func undoPlan() *plan.Plan {
	p := planOf([]plan.Panel{panel("web1", 3)}, plan.Step{Panel: "web1", Kind: "user", Key: "alice", Action: plan.Delete, Why: "made by the run"})
	p.MadeBy = "undo 20260301-120000-ab12"
	return p
}
