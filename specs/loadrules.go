package specs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// loadRules reads prune, protect, limits and policies.
func (l *loader) loadRules() {
	l.spec.Prune = l.ruleSection("prune")
	l.spec.Protect = l.ruleSection("protect")
	l.loadLimits()
	l.loadRollout()
	l.loadPolicies()
}

func (l *loader) ruleSection(section string) map[string]*Rule {
	out := map[string]*Rule{}
	l.eachKey(section, "the "+section+" rule for", func(p part, k, v *node) {
		kind := l.kind(p, k)
		if kind == nil {
			return
		}
		if section == "prune" && kind.Delete == "" {
			l.problems.add(p.src, k, fmt.Sprintf("%s cannot be deleted, so it cannot be pruned", k.text), "")
			return
		}
		if r := l.exprs.compileRule(p.src, v, kind, &l.problems); r != nil {
			out[k.text] = r
		}
	})
	return out
}

func (l *loader) loadLimits() {
	l.eachKey("limits", "limit", func(p part, k, v *node) {
		if k.text != "deletes" {
			l.problems.add(p.src, k, fmt.Sprintf("unknown limit %q", k.text), didYouMean(k.text, []string{"deletes"}))
			return
		}
		if v.kind != mapNode {
			l.problems.add(p.src, v, "this must be a map", "write deletes: {count: 3, percent: 10}")
			return
		}
		l.spec.Deletes = DeleteLimit{} // what is said replaces the default, both halves
		v.pairs(func(k, v *node) {
			f, err := strconv.ParseFloat(v.text, 64)
			bad := v.kind != scalarNode || err != nil || math.IsNaN(f) || f < 0
			switch {
			case k.text == "count" && !bad && f == math.Trunc(f) && f < 1e9:
				l.spec.Deletes.Count = int(f)
			case k.text == "percent" && !bad && f <= 100:
				l.spec.Deletes.Percent = f
			case k.text == "count":
				l.problems.add(p.src, v, "this must be a whole number, 0 or more", "")
			case k.text == "percent":
				l.problems.add(p.src, v, "this must be a number from 0 to 100", "")
			default:
				l.problems.add(p.src, k, fmt.Sprintf("unknown key %q in limits.deletes", k.text), didYouMean(k.text, []string{"count", "percent"}))
			}
		})
	})
}

func (l *loader) loadPolicies() {
	for _, p := range l.parts["policies"] {
		if p.n.kind != listNode {
			l.problems.add(p.src, p.n, "policies must be a list, not "+p.n.kind.String(), "write `- name: …` and below it `deny: …`")
			continue
		}
		for i := range p.n.items() {
			l.policy(p.src, &p.n.items()[i])
		}
	}
	sortPolicies(l.spec.Policies)
	if l.o.CheckPolicies == nil {
		return
	}
	var found Errors
	if err := l.o.CheckPolicies(l.spec.Policies); errors.As(err, &found) {
		for _, e := range found {
			l.problems.addErr(e)
		}
	}
}

func (l *loader) policy(src *source, n *node) {
	if n.kind != mapNode {
		l.problems.add(src, n, "a policy must be a map", "write name:, deny: (or warn:) and message:")
		return
	}
	var pol Policy
	rules := 0
	n.pairs(func(k, v *node) {
		if v.kind != scalarNode || v.isNull() {
			l.problems.add(src, v, fmt.Sprintf("%s must be a text", k.text), "")
			return
		}
		switch k.text {
		case "name":
			pol.Name = v.text
		case "message":
			pol.Message = v.text
		case "deny", "warn":
			rules++
			pol.Deny, pol.Expr, pol.Pos = k.text == "deny", v.text, src.pos(v)
			if v.quoted {
				pol.Pos.Col++
			}
		default:
			rules, pol.Name = 1, "?" // said once is enough
			l.problems.add(src, k, fmt.Sprintf("unknown key %q in a policy", k.text), didYouMean(k.text, []string{"deny", "message", "name", "warn"}))
		}
	})
	switch {
	case pol.Name == "":
		l.problems.add(src, n, "a policy needs a name", "")
	case pol.Expr == "" && rules == 1:
	case rules != 1:
		l.problems.add(src, n, fmt.Sprintf("the policy %s needs one expression, deny or warn", pol.Name), "deny: step.action == \"delete\"")
	default:
		l.spec.Policies = append(l.spec.Policies, pol)
	}
}
