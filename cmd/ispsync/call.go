package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/apiclient"
)

// This file is the second and last place where a client may become a Writer:
// `call` sends one function that a person named, whatever it does.

// oneFlags are the flags of the commands that talk to one panel by name.
type oneFlags struct {
	specFlags
	su, lang      string
	timeout       durationFlag
	allowCommands bool
}

func (o *oneFlags) addTo(c *cobra.Command) {
	o.add(c.Flags())
	c.Flags().StringVar(&o.su, "su", "", "call with the rights of this account")
	c.Flags().StringVar(&o.lang, "lang", "", "language of the panel's texts (default: that of the panel in the spec)")
	c.Flags().Var(&o.timeout, "timeout", "time for the whole command, such as 1m")
	c.Flags().BoolVar(&o.allowCommands, "allow-commands", false, "allow secret.command in specs to run commands")
}

// onPanel loads the spec, makes the client of one panel and does something
// with it, until it is done or halted. Errors get their exit codes.
func (o *oneFlags) onPanel(a *app, panel string, do func(context.Context, *target, *apiclient.Client) error) error {
	spec, err := o.load(a, false)
	if err != nil {
		return err
	}
	t, err := a.aim(spec, &panelFlags{panels: []string{panel}, parallelism: 1, allowDeletes: -1, allowCommands: o.allowCommands})
	if err != nil {
		return err
	}
	defer t.close()
	h := haltable(time.Duration(o.timeout), func(s string) { a.log.line(s) })
	defer h.release()
	err = do(h.soft, t, t.clients[panel])
	switch {
	case err == nil:
		return nil
	case h.halted() != nil:
		return withCode(exitInterrupted, err)
	case refused(err):
		return withCode(exitRefused, err)
	}
	return err
}

func (a *app) callCommand() *cobra.Command {
	var (
		of        oneFlags
		outFormat string
		output    string
	)
	c := &cobra.Command{
		Use:   "call PANEL FUNC [k=v …]",
		Short: "Call one function of a panel",
		Long: `Sends one function with its parameters to a panel of the spec and prints the panel's
answer as it came; --out-format is passed to the panel. With -o json the XML answer
is printed in one stable JSON shape instead.

The function is sent whatever it does: nothing is asked and nothing is planned. A
value that is a reference, passwd='${secret.env("P")}', is fetched when the call is
encoded, so that no password stands in the command line.`,
		Example: "  ispsync call web1 webdomain\n  ispsync call web1 user.edit elid=alice passwd='${secret.env(\"ALICE_PASSWORD\")}' sok=ok\n  ispsync call web1 webdomain --out-format devel",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("output", output, "raw", "json"); err != nil {
				return err
			}
			if output == "json" && outFormat != "xml" && outFormat != "devel" {
				return fail(exitUsage, "-o json decodes xml and devel; leave out --out-format %s, or -o json", outFormat)
			}
			return a.call(&of, args, outFormat, output == "json")
		},
	}
	of.addTo(c)
	c.Flags().StringVar(&outFormat, "out-format", "xml", "format the panel is asked for: xml, devel, text, json, JSONdata, print or another it knows")
	c.Flags().StringVarP(&output, "output", "o", "raw", "raw (the panel's answer untouched) or json (decoded)")
	return c
}

func (a *app) call(of *oneFlags, args []string, outFormat string, decode bool) error {
	return of.onPanel(a, args[0], func(ctx context.Context, t *target, c *apiclient.Client) error {
		params, err := t.parameters(ctx, args[2:])
		if err != nil {
			return err
		}
		raw := apiclient.RawCall{Func: args[1], Params: params, Format: outFormat, Su: of.su, Lang: of.lang}
		var buf bytes.Buffer
		var out io.Writer = a.stdout
		if decode {
			out = &buf
		}
		if apiclient.ReadFunction(raw.Func, raw.Params) {
			err = c.Raw(ctx, raw, out)
		} else {
			err = apiclient.NewWriter(c).Raw(ctx, raw, out)
		}
		if buf.Len() == 0 {
			return err
		}
		doc, derr := apiclient.DecodeXML(&buf)
		if derr != nil {
			return derr
		}
		return errors.Join(err, writeJSON(a.stdout, doc))
	})
}

// parameters reads k=v arguments. A value that is one whole reference is
// fetched here, right before the call is encoded.
func (t *target) parameters(ctx context.Context, args []string) ([][2]string, error) {
	var out [][2]string
	for _, kv := range args {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, fail(exitUsage, "parameters are k=v, not %q", kv)
		}
		ref, isSecret, err := t.spec.SecretReference(v)
		if err == nil && isSecret {
			v, err = t.secrets.Resolve(ctx, ref)
		}
		if err != nil {
			return nil, fail(exitUsage, "%s: %w", k, err)
		}
		out = append(out, [2]string{k, v})
	}
	return out, nil
}
