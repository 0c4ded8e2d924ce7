package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/specs"
)

func (a *app) kindsCommand() *cobra.Command {
	var (
		files  []string
		output string
	)
	c := &cobra.Command{
		Use:   "kinds [KIND]",
		Short: "Print the catalog: what can be managed, and each field",
		Long: `Prints the kinds ispsync knows, or all about one of them. With -o yaml the rows are
printed in the form that a kinds: section of a spec takes; with -f, the kinds that
a spec adds are among them.`,
		Example: "  ispsync kinds\n  ispsync kinds webdomain\n  ispsync kinds -o yaml",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, k := range specs.Builtin().Kinds() {
				names = append(names, k.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("output", output, "text", "yaml"); err != nil {
				return err
			}
			catalog, err := a.catalogOf(files)
			if err != nil {
				return err
			}
			return a.kinds(catalog, args, output)
		},
	}
	c.Flags().StringArrayVarP(&files, "file", "f", nil, "also the kinds of this spec; repeatable")
	c.Flags().StringVarP(&output, "output", "o", "text", "text or yaml")
	return c
}

// catalogOf is the catalog with the kinds that the spec in these files adds.
func (a *app) catalogOf(files []string) (*specs.Catalog, error) {
	if len(files) == 0 {
		return specs.Builtin(), nil
	}
	sf := specFlags{files: files}
	spec, err := sf.load(a, false)
	if err != nil {
		return nil, err
	}
	return spec.Catalog, nil
}

func (a *app) kinds(catalog *specs.Catalog, args []string, output string) error {
	rows := catalog.Kinds()
	if len(args) == 1 {
		k := catalog.Kind(args[0])
		if k == nil {
			names := make([]string, len(rows))
			for i, r := range rows {
				names[i] = r.Name
			}
			return fail(exitUsage, "there is no kind %q; there are %s; a kinds: section of a spec adds more", args[0], few(names))
		}
		if output == "text" {
			return render.KindDetail(a.stdout, k, a.style())
		}
		rows = []*specs.Kind{k}
	}
	if output == "yaml" {
		return specs.WriteKinds(a.stdout, rows...)
	}
	if err := render.KindsTable(a.stdout, rows, a.style()); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stdout, "\nAll about one of them: ispsync kinds KIND")
	return err
}
