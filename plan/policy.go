package plan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/ispsync/ispsync/specs"
)

// Policy is a rule of the spec about single steps.
type Policy struct {
	Name string
	Deny bool // true: a step it is true of blocks apply; false: it is a warning
	// Source is an expression over step, live, desired, panel and plan (see
	// policyEnv). It must yield true or false, and may not look at the clock.
	Source  string
	Message string // what to tell people; Source when empty
	Pos     specs.Pos
}

// Policies are compiled policies.
type Policies []compiledPolicy

type compiledPolicy struct {
	Policy
	program *vm.Program
}

// policyEnv is all that a policy sees. It has no methods: expr would let an
// expression call them.
type policyEnv struct {
	Step policyStep `expr:"step"`
	// Live are the fields and meters of the live resource by name, Desired the
	// declared fields; empty when there is no such side. A field that is not
	// there is nil.
	Live    map[string]any `expr:"live"`
	Desired map[string]any `expr:"desired"`
	Panel   policyPanel    `expr:"panel"`
	Plan    policyPlan     `expr:"plan"`
}

type policyStep struct {
	Action      string   `expr:"action"` // create, update or delete
	Kind        string   `expr:"kind"`
	Key         string   `expr:"key"`
	Ref         string   `expr:"ref"`
	Panel       string   `expr:"panel"`
	Changes     []string `expr:"changes"`       // names of the fields that change
	TakesWithIt int      `expr:"takes_with_it"` // how many resources go with a delete
}

type policyPanel struct {
	Name   string         `expr:"name"`
	URL    string         `expr:"url"`
	Labels map[string]any `expr:"labels"`
}

type policyPlan struct {
	Summary policySummary `expr:"summary"`
}

type policySummary struct {
	Create    int `expr:"create"`
	Update    int `expr:"update"`
	Delete    int `expr:"delete"`
	Unchanged int `expr:"unchanged"`
	Kept      int `expr:"kept"`
}

// CompilePolicies checks and compiles policies. Its error is a specs.Errors
// with one entry per policy that is wrong, at its place in the spec.
func CompilePolicies(policies []Policy) (Policies, error) {
	out := make(Policies, 0, len(policies))
	var errs specs.Errors
	for _, p := range policies {
		program, err := expr.Compile(p.Source, policyOptions...)
		if err != nil {
			errs = append(errs, policyError(p, err))
			continue
		}
		out = append(out, compiledPolicy{p, program})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return out, nil
}

// policyOptions make policies pure and certain to yield a bool. Not only AsBool
// is needed for that: alone it accepts an expression of unknown type, which
// then fails on the first step it meets. What reads the clock or the machine's
// time zones is taken away, and what walks a map in Go's random order.
var policyOptions = []expr.Option{
	expr.Env(policyEnv{}), expr.AsBool(), expr.WarnOnAny(),
	expr.DisableBuiltin("now"), expr.DisableBuiltin("timezone"),
	expr.DisableBuiltin("keys"), expr.DisableBuiltin("values"), expr.DisableBuiltin("toPairs"),
}

// withoutTypes finds what expr says about our Go types, which nobody knows.
var withoutTypes = regexp.MustCompile(`type \S+ has no field`)

func policyError(p Policy, err error) *specs.Error {
	e := &specs.Error{Pos: p.Pos, Msg: fmt.Sprintf("policy %q: %v", p.Name, err),
		Hint: "a policy is true or false of a step; it sees step, live, desired, panel and plan"}
	var at *file.Error
	if errors.As(err, &at) {
		e.Pos.Col += at.Column
		e.Msg = fmt.Sprintf("policy %q: %s", p.Name, withoutTypes.ReplaceAllString(at.Message, "this has no field"))
	}
	return e
}

// checkPolicies runs all policies over the steps of a draft. A policy that
// cannot be evaluated is an error: it is never taken for passed.
func (d *Draft) checkPolicies(sum Summary) []Finding {
	if d.rules == nil || len(d.rules.Policies) == 0 {
		return nil
	}
	env := policyEnv{
		Panel: policyPanel{Name: d.panel.Name, URL: d.panel.URL, Labels: d.panel.Labels},
		Plan:  policyPlan{Summary: policySummary(sum)},
	}
	var out []Finding
	for _, s := range d.steps {
		env.Step = stepForPolicy(&s.Step)
		env.Live, env.Desired = map[string]any{}, map[string]any{}
		if s.live != nil {
			addFields(env.Live, s.live.Meters)
			addFields(env.Live, s.live.Fields)
		}
		if s.desired != nil {
			addFields(env.Desired, s.desired.Fields)
		}
		for _, p := range d.rules.Policies {
			if f, found := p.check(env); found {
				f.Ref = s.Ref.String()
				d.liftPolicy(&f, p.Name)
				out = append(out, f)
			}
		}
	}
	return out
}

func (p *compiledPolicy) check(env policyEnv) (f Finding, found bool) {
	f.Code, f.Severity = CodePolicy, Error
	result, err := expr.Run(p.program, env)
	if err != nil {
		f.Message = fmt.Sprintf("policy %q cannot be evaluated: %s; a field the panel does not tell is nil: compare it with nil first, or use ??", p.Name, plainError(err))
		return f, true
	}
	if hit, ok := result.(bool); ok && !hit {
		return f, false
	}
	if !p.Deny {
		f.Severity = Warning
	}
	text := p.Message
	if text == "" {
		text = p.Source
	}
	f.Message = fmt.Sprintf("policy %q: %s", p.Name, text)
	return f, true
}

// liftPolicy names the flag that lifts a policy's objection, or makes the
// objection a warning when the flag was given.
func (d *Draft) liftPolicy(f *Finding, name string) {
	if f.Severity != Error {
		return
	}
	lift := liftPolicy(name)
	if slices.Contains(d.rules.Lifts.Policies, name) {
		f.Severity = Warning
		f.Message += "; lifted by " + lift
		return
	}
	f.Lift = lift
	f.Message += meant(lift)
}

// plainError is an error of expr without its drawing of the source.
func plainError(err error) string {
	var at *file.Error
	if errors.As(err, &at) {
		return at.Message
	}
	return err.Error()
}

func stepForPolicy(s *Step) policyStep {
	out := policyStep{Action: string(s.Action), Kind: s.Kind, Key: s.Key, Ref: s.Ref.String(), Panel: s.Panel}
	out.Changes = make([]string, len(s.Changes))
	for i, c := range s.Changes {
		out.Changes[i] = c.Field
	}
	for _, n := range s.TakesWithIt {
		out.TakesWithIt += n.Count
	}
	return out
}

func addFields(to map[string]any, fields specs.Fields) {
	for _, f := range fields {
		to[f.Name] = f.Value.Any()
	}
}
