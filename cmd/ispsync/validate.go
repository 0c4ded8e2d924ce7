package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

func (a *app) validateCommand() *cobra.Command {
	var (
		sf     specFlags
		output string
	)
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check a spec offline",
		Long: `Reads the spec without talking to any panel and reports every mistake in it, each
with file:line:col, the line and a hint. Exit code 0 or 6.

A reference to something the spec does not declare is a mistake here when the
spec declares others of that kind on the same panel; plan looks on the panel.`,
		Example: "  ispsync validate -f specs/",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			return a.validate(&sf, output)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	sf.add(c.Flags())
	return c
}

func (a *app) validate(sf *specFlags, output string) error {
	spec, err := sf.load(a, true)
	var mistakes specs.Errors
	if err != nil && (output != "json" || !errors.As(err, &mistakes)) {
		return err
	}
	if output == "json" {
		v := validation{Valid: err == nil, Errors: problemsOf(mistakes), Warnings: []problem{}}
		if spec != nil {
			v.Panels, v.Resources, v.Warnings = len(spec.Panels), spec.Len(), problemsOf(spec.Warnings)
		}
		return errors.Join(err, writeJSON(a.stdout, v))
	}
	for _, w := range spec.Warnings {
		a.log.warn("%s", w.Detail())
	}
	_, err = fmt.Fprintf(a.stdout, "The spec is valid: %d panels, %d resources.\n", len(spec.Panels), spec.Len())
	return err
}

// validation is what validate -o json prints.
type validation struct {
	Valid     bool      `json:"valid"`
	Panels    int       `json:"panels"`
	Resources int       `json:"resources"`
	Errors    []problem `json:"errors"`
	Warnings  []problem `json:"warnings"`
}

// problem is a mistake in a spec. Line and Col count from 1.
type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func problemsOf(errs specs.Errors) []problem {
	out := make([]problem, len(errs))
	for i, e := range errs {
		out[i] = problem{e.Pos.File, e.Pos.Line, e.Pos.Col, e.Msg, e.Hint}
	}
	return out
}

// compilePolicies turns the policies of a spec into what the planner runs.
func compilePolicies(policies []specs.Policy) (plan.Policies, error) {
	ps := make([]plan.Policy, len(policies))
	for i, p := range policies {
		ps[i] = plan.Policy{Name: p.Name, Deny: p.Deny, Source: p.Expr, Message: p.Message, Pos: p.Pos}
	}
	return plan.CompilePolicies(ps)
}
