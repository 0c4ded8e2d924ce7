package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

func (a *app) validateCommand() *cobra.Command {
	var sf specFlags
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check a spec offline",
		Long: `Reads the spec without talking to any panel and reports every mistake in it, each
with file:line:col, the line and a hint. Exit code 0 or 6.

A reference to something the spec does not declare is a mistake here when the
spec declares others of that kind on the same panel; plan looks on the panel.`,
		Example: "  ispsync validate -f specs/",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := sf.load(a, true)
			if err != nil {
				return err
			}
			for _, w := range spec.Warnings {
				a.log.warn("%s", w.Detail())
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The spec is valid: %d panels, %d resources.\n", len(spec.Panels), spec.Len())
			return err
		},
	}
	sf.add(c.Flags())
	return c
}

// compilePolicies turns the policies of a spec into what the planner runs.
func compilePolicies(policies []specs.Policy) (plan.Policies, error) {
	ps := make([]plan.Policy, len(policies))
	for i, p := range policies {
		ps[i] = plan.Policy{Name: p.Name, Deny: p.Deny, Source: p.Expr, Message: p.Message, Pos: p.Pos}
	}
	return plan.CompilePolicies(ps)
}
