package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
)

func (a *app) describeCommand() *cobra.Command {
	var (
		of     oneFlags
		output string
	)
	c := &cobra.Command{
		Use:   "describe PANEL FUNC [k=v …]",
		Short: "The fields and choices of a form, or the columns of a list, as the panel tells them",
		Long: `Asks the panel for a form (X.edit, with elid=… for that of a resource) or a list, and
prints what it consists of: names, types, labels, choices and help texts, in the
language of --lang. Sends no writing call.`,
		Example: "  ispsync describe web1 webdomain.edit --lang ru\n  ispsync describe web1 webdomain.edit elid=shop.example.com\n  ispsync describe web1 user",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			return a.describe(&of, args, output)
		},
	}
	of.addTo(c)
	c.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return c
}

func (a *app) describe(of *oneFlags, args []string, output string) error {
	return of.onPanel(a, args[0], func(ctx context.Context, t *target, c *apiclient.Client) error {
		params, err := t.parameters(ctx, args[2:])
		if err != nil {
			return err
		}
		if of.su != "" {
			params = append(params, [2]string{"su", of.su})
		}
		d, err := c.Describe(ctx, args[1], params, of.lang)
		switch {
		case err != nil:
			return err
		case output == "json":
			return writeJSON(a.stdout, d)
		}
		return a.showDescription(d)
	})
}

func (a *app) showDescription(d *apiclient.Description) error {
	fmt.Fprintf(a.stdout, "%s  %s %s\n\n", render.Clean(d.Func), render.Clean(d.Type), render.Clean(d.Title))
	if len(d.Columns) > 0 {
		rows := make([][]string, len(d.Columns))
		for i, c := range d.Columns {
			key := ""
			if c.Name == d.Key {
				key = "key (elid)"
			}
			rows[i] = []string{c.Name, c.Type, key, c.Label}
		}
		return render.Table(a.stdout, []string{"COLUMN", "TYPE", "", "LABEL"}, rows, map[int]int{4: 60}, a.style())
	}
	rows := make([][]string, len(d.Fields))
	for i, f := range d.Fields {
		var special []string
		if f.Required {
			special = append(special, "required")
		}
		if f.ReadOnly {
			special = append(special, "read only")
		}
		var choices []string
		for _, c := range f.Choices {
			if c.Text == "" || c.Text == c.Key {
				choices = append(choices, c.Key)
			} else {
				choices = append(choices, c.Key+" ("+c.Text+")")
			}
		}
		rows[i] = []string{f.Name, f.Type, strings.Join(special, ", "), f.Value, f.Label, strings.Join(choices, ", "), f.Hint}
	}
	return render.Table(a.stdout, []string{"FIELD", "TYPE", "SPECIAL", "VALUE", "LABEL", "CHOICES", "HELP"}, rows, map[int]int{4: 30, 5: 30, 6: 50, 7: 50}, a.style())
}

func (a *app) functionsCommand() *cobra.Command {
	var of oneFlags
	c := &cobra.Command{
		Use:     "functions PANEL [FUNC]",
		Short:   "The functions of a panel, or the parameters of one, as mgrctl -i tells them",
		Long:    `For panels with url local: or ssh://…: runs mgrctl -i there.`,
		Example: "  ispsync functions web1\n  ispsync functions web1 webdomain.edit --lang ru",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.functions(&of, args)
		},
	}
	of.addTo(c)
	return c
}

func (a *app) functions(of *oneFlags, args []string) error {
	return of.onPanel(a, args[0], func(ctx context.Context, _ *target, c *apiclient.Client) error {
		fn := ""
		if len(args) == 2 {
			fn = args[1]
		}
		fs, err := c.Functions(ctx, fn, of.lang)
		if err != nil {
			return err
		}
		rows := make([][]string, len(fs))
		for i, f := range fs {
			rows[i] = []string{f.Name, f.Type, f.Description}
		}
		return render.Table(a.stdout, []string{"NAME", "TYPE", "DESCRIPTION"}, rows, map[int]int{3: 80}, a.style())
	})
}

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "explain [CODE]",
		Short:   "What a finding or an error means and what to do, offline",
		Example: "  ispsync explain deletes_limit\n  ispsync explain badpassword",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return explainable(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := fmt.Fprintln(a.stdout, strings.Join(explainable(), "\n"))
				return err
			}
			for _, explain := range []func(string) (string, bool){plan.Explain, apiclient.Explain} {
				if text, ok := explain(args[0]); ok {
					_, err := fmt.Fprintln(a.stdout, text)
					return err
				}
			}
			return fail(exitUsage, "there is no code %q; `ispsync explain` lists them", args[0])
		},
	}
}

func explainable() []string {
	codes := slices.Concat(plan.Codes(), apiclient.Codes())
	slices.Sort(codes)
	return slices.Compact(codes)
}
