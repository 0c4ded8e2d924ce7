package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// railFlags lift rails, each flag one kind of rail and each value one case of
// it, spelt out: a pattern would lift what nobody looked at.
type railFlags struct{ lifts plan.Lifts }

func (r *railFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&r.lifts.Protected, "allow-protected", nil, "allow to delete this resource although a protect rule keeps it: its exact ref (panel/kind/key); repeatable")
	f.StringArrayVar(&r.lifts.Policies, "allow-policy", nil, "go on although the deny of this policy is true: its exact name; repeatable")
	f.StringArrayVar(&r.lifts.Collapsed, "allow-collapse", nil, "believe the list of this kind (panel/kind) although it lost most of what it had at the last run; repeatable")
}

// check finds values that can lift nothing: a rail that is misspelt stays where
// it is, and the person who meant to lift it should know at once.
func (r *railFlags) check(spec *specs.Spec) error {
	var errs []error
	for _, ref := range r.lifts.Protected {
		panel, rest, _ := strings.Cut(ref, "/")
		kind, key, _ := strings.Cut(rest, "/")
		if err := panelAndKind(spec, panel, kind); key == "" || err != nil {
			errs = append(errs, fmt.Errorf("--allow-protected takes an exact ref such as web1/user/alice, not %q%s", ref, because(err)))
		}
	}
	for _, ref := range r.lifts.Collapsed {
		panel, kind, _ := strings.Cut(ref, "/")
		if err := panelAndKind(spec, panel, kind); err != nil {
			errs = append(errs, fmt.Errorf("--allow-collapse takes a panel and a kind such as web1/webdomain, not %q%s", ref, because(err)))
		}
	}
	names := make([]string, len(spec.Policies))
	for i, p := range spec.Policies {
		names[i] = p.Name
	}
	for _, name := range r.lifts.Policies {
		if !slices.Contains(names, name) {
			errs = append(errs, fmt.Errorf("--allow-policy %s: the spec has no such policy; it has %s", name, few(orNone(names))))
		}
	}
	return withCode(exitUsage, errors.Join(errs...))
}

func panelAndKind(spec *specs.Spec, panel, kind string) error {
	switch {
	case spec.Panel(panel) == nil:
		return fmt.Errorf("the spec has no panel %q", panel)
	case spec.Catalog.Kind(kind) == nil:
		return fmt.Errorf("there is no kind %q", kind)
	}
	return nil
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func orNone(names []string) []string {
	if len(names) == 0 {
		return []string{"none"}
	}
	return names
}

// blocking are the findings because of which a plan must not run. Those of a
// saved plan may be lifted now.
func (ap *application) blocking() []plan.Finding {
	var out []plan.Finding
	for _, f := range ap.plan.Findings {
		if f.Severity != plan.Error || ap.saved && ap.flags.rails.lifts.Lifted(f, ap.flags.allowDeletes) {
			continue
		}
		if ap.saved && f.Code == plan.CodeProtected {
			f.Message += " when you make the plan: this one has no step for it"
		}
		out = append(out, f)
	}
	return out
}

// heldBackNow refuses a saved plan for what was not so when it was made: a list
// that it is about has collapsed, or a policy or a protect rule is true of what
// is there now.
func (ap *application) heldBackNow(live map[string]*specs.State) error {
	found := ap.seen.findings(ap.flags.rails.lifts)
	for _, p := range ap.panels {
		if live[p.Name] != nil {
			found = append(found, plan.Recheck(ap.plan, p, ap.planRules(p), live[p.Name], ap.desired(p.Name), ap.staleSteps())...)
		}
	}
	var texts []string
	for _, f := range found {
		if f.Severity == plan.Error {
			texts = append(texts, f.Ref+": "+f.Message)
		} else {
			ap.a.log.warn("%s: %s", f.Ref, f.Message)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return fail(exitRail, "the panels have changed since the plan was made, and now it is refused; nothing was written:\n  %s", strings.Join(texts, "\n  "))
}
