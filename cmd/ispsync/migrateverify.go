package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

func (a *app) migrateVerifyCommand() *cobra.Command {
	var m migrateFlags
	c := &cobra.Command{
		Use:   "verify --from PANEL --to PANEL",
		Short: "Prove that a panel is what another was to become on it",
		Long: `Compares the resources of one panel, as the map makes them, with another panel, field
by field. The last line is "parity: EQUAL of ALL". Exit code 0 when all is equal, 2
when something differs or is missing. Sends no writing call.

--probe http asks both panels for each web site, by the panel's address and the
site's name, and compares status and title; --probe dns asks both name servers for
each record. Where they answer elsewhere than at the panel's host, labels of the
panel say it: probe_http, probe_https, probe_dns, each HOST or HOST:PORT.`,
		Example: "  ispsync migrate verify --from old --to new --map map.yaml -f panels.yaml --probe dns,http",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := oneOf("output", m.output, "text", "json", "html"); err != nil {
				return err
			}
			for _, p := range m.probes {
				if err := oneOf("probe", p, "dns", "http"); err != nil {
					return err
				}
			}
			return a.migrateVerify(&m)
		},
	}
	m.addShared(c.Flags())
	c.Flags().StringSliceVar(&m.probes, "probe", nil, "also ask what a visitor asks: dns, http, or both")
	m.probesWait = durationFlag(10 * time.Second)
	c.Flags().Var(&m.probesWait, "probe-timeout", "time for one question of a probe")
	c.Flags().StringVarP(&m.output, "output", "o", "text", "text, json or html")
	return c
}

func (a *app) migrateVerify(m *migrateFlags) error {
	mi, err := a.openMigration(m)
	if err != nil {
		return err
	}
	var probes *prober
	if len(m.probes) > 0 {
		if probes, err = newProber(mi); err != nil {
			return withCode(exitUsage, err)
		}
	}
	h := haltable(time.Duration(m.timeout), func(s string) { a.log.line(s) })
	defer h.release()
	a.log.start([]string{m.from, m.to})
	parity, err := mi.verify(h.soft, probes)
	a.log.stop()
	mi.close()
	if halted := h.halted(); halted != nil {
		return fail(exitInterrupted, "%w before all was compared", halted)
	}
	if err != nil {
		return err
	}
	if !parity.Complete {
		a.exit(exitError) // 2 is plan's and drift's, and never anything else
	}
	switch m.output {
	case "json":
		return writeJSON(a.stdout, parity)
	case "html":
		return render.ParityHTML(a.stdout, parity)
	default:
		return render.ParityText(a.stdout, parity, a.style())
	}
}

// verify reads both panels and compares them.
func (mi *migration) verify(ctx context.Context, probes *prober) (*plan.Parity, error) {
	if err := mi.readSource(ctx); err != nil {
		return nil, err
	}
	c := mi.clients[mi.to.Name]
	mi.a.log.read(render.Reading{Panel: mi.to.Name})
	in := mi.target.input(mi.to)
	in.Desired = mi.moved.State
	wants := slices.DeleteFunc(plan.Wants(in, nil), func(w specs.Want) bool { return w.Declared == nil && !w.Kind.Login })
	live, err := mi.rounds(ctx, mi.to, wants)
	end := render.Reading{Panel: mi.to.Name, Ended: true, Requests: c.Requests()}
	if err != nil {
		err = mi.unusable(mi.to, err)
		end.Error = err.Error()
		mi.a.log.read(end)
		return nil, err
	}
	end.Resources, end.Error = live.Len(), listingErrors(live, wants)
	mi.a.log.read(end)
	if end.Error != "" {
		mi.a.exit(exitPartial)
	}
	mi.exitOfSource()
	parity := plan.Compare(mi.moved.State, live, mi.spec.Catalog.Kind, func(r specs.Ref) string { return mi.moved.Origins[r].Ref.String() })
	parity.From = mi.from.Name
	var asked []plan.Probe
	if probes != nil {
		asked = probes.all(ctx, mi.moved)
	}
	parity.Finish(findingsOf(mi.moved.Obstacles), asked, slices.ContainsFunc(mi.moved.Obstacles, func(o specs.Obstacle) bool {
		return o.Fatal || o.Code == specs.ObstacleListing
	}))
	return parity, nil
}
