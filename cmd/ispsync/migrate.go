package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// migrateFlags say what is moved, where to, and how it is called there.
type migrateFlags struct {
	spec       specFlags
	from, to   string
	mapFile    string
	where      string
	kinds      []string
	commands   bool
	timeout    durationFlag
	out        string
	passwords  string
	output     string
	probes     []string
	probesWait durationFlag
}

// addShared adds the flags that migrate and migrate verify have in common.
func (m *migrateFlags) addShared(f *pflag.FlagSet) {
	m.spec.add(f)
	f.StringVar(&m.from, "from", "", "the panel whose resources are moved")
	f.StringVar(&m.to, "to", "", "the panel they are moved to")
	f.StringVar(&m.mapFile, "map", "", "file that says what fields and accounts become, see docs/migration.md")
	f.StringVar(&m.where, "where", "", "only resources of --from for which this expression is true, such as 'owner == \"alice\" || name == \"alice\"'")
	f.StringArrayVar(&m.kinds, "kind", nil, "only this kind; repeatable (default: all but what a panel offers: templates, addresses, database servers)")
	f.Var(&m.timeout, "timeout", "time for the whole run, such as 10m; then nothing new is started")
	f.BoolVar(&m.commands, "allow-commands", false, "allow secret.command in specs and maps to run commands")
}

func (a *app) migrateCommand() *cobra.Command {
	var m migrateFlags
	c := &cobra.Command{
		Use:   "migrate --from PANEL --to PANEL",
		Short: "Plan what makes one panel have the resources of another",
		Long: `Reads the resources of one panel of the spec, gives them the names and values that
a map says, and plans the creates and updates that make another panel have them:
an ordinary plan, to be saved with --out and run by apply. Nothing is deleted on
either panel. What the other panel lacks or would refuse is a finding, with the
line of the map that mends it, before anything is written.

Passwords cannot be read. A create that needs one is not sent, unless the map says
where it comes from, or --generate-passwords makes it: FILE then holds one NAME=value
a line, to be loaded before apply:  set -a; . ./FILE; set +a`,
		Example: "  ispsync migrate --from old --to new --map map.yaml -f panels.yaml\n" +
			"  ispsync migrate --from old --to new --map map.yaml -f panels.yaml --generate-passwords new.env --out plan.json\n" +
			"  ispsync apply plan.json -f panels.yaml\n  ispsync migrate verify --from old --to new --map map.yaml -f panels.yaml",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkOutput(m.output); err != nil {
				return err
			}
			return a.migrate(&m)
		},
	}
	m.addShared(c.Flags())
	c.Flags().StringVar(&m.out, "out", "", "save the plan to this file")
	c.Flags().StringVar(&m.passwords, "generate-passwords", "", "make the passwords that creates need, into this new file")
	addOutput(c.Flags(), &m.output)
	verify := a.migrateVerifyCommand()
	usageErrors(verify)
	c.AddCommand(verify)
	return c
}

// migration is one migrate, or its verification, on its way.
type migration struct {
	*target
	flags    *migrateFlags
	from, to specs.Panel
	mapping  *specs.Mapping
	where    *whereRules
	moved    *specs.Moved
	live     *specs.State // of the target
}

// openMigration checks everything that can be checked before the first call.
func (a *app) openMigration(m *migrateFlags) (*migration, error) {
	spec, err := m.spec.load(a, false)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, end := range []struct{ flag, name string }{{"from", m.from}, {"to", m.to}} {
		if end.name == "" {
			errs = append(errs, fmt.Errorf("--%s is missing: it names a panel of the spec", end.flag))
		} else if spec.Panel(end.name) == nil {
			errs = append(errs, fmt.Errorf("--%s %s: the spec has no such panel; it has %s", end.flag, end.name, few(spec.PanelNames())))
		}
	}
	if m.from != "" && m.from == m.to {
		errs = append(errs, errors.New("--from and --to are the same panel"))
	}
	for _, kind := range m.kinds {
		if spec.Catalog.Kind(kind) == nil {
			errs = append(errs, fmt.Errorf("--kind %s: there is no such kind; `ispsync kinds` lists them", kind))
		}
	}
	if m.passwords != "" {
		errs = append(errs, mustBeNew(m.passwords))
	}
	mapping, err := spec.ReadMapping(m.mapFile)
	where, werr := compileWhere(spec, m.where)
	if err := mistakes(errs, err, werr); err != nil {
		return nil, withCode(exitUsage, err)
	}
	t, err := a.aim(spec, &panelFlags{panels: []string{m.from, m.to}, parallelism: 2, allowDeletes: -1, allowCommands: m.commands})
	if err != nil {
		return nil, err
	}
	t.readOnly = true
	return &migration{target: t, flags: m, from: *spec.Panel(m.from), to: *spec.Panel(m.to), mapping: mapping, where: where}, nil
}

// mistakes joins those of flags with those of texts, which are shown with the
// place in the text when they are the only ones.
func mistakes(flags []error, texts ...error) error {
	var all specs.Errors
	rest := errors.Join(flags...)
	for _, err := range texts {
		var es specs.Errors
		if errors.As(err, &es) && rest == nil {
			all = append(all, es...)
		} else if err != nil {
			rest = errors.Join(rest, errors.New(err.Error()))
		}
	}
	if len(all) > 0 && rest == nil {
		return all
	}
	return rest
}

func (a *app) migrate(m *migrateFlags) error {
	mi, err := a.openMigration(m)
	if err != nil {
		return err
	}
	h := haltable(time.Duration(m.timeout), func(s string) { a.log.line(s) })
	defer h.release()
	a.log.start([]string{m.from, m.to})
	p, err := mi.plan(h.soft)
	a.log.stop()
	mi.close()
	if halted := h.halted(); halted != nil {
		return fail(exitInterrupted, "%w before the plan was made", halted)
	}
	if err != nil {
		return err
	}
	return a.hand(p, &m.spec, m.out, m.output)
}

// plan reads the source, maps what it has, reads the target, and plans.
func (mi *migration) plan(ctx context.Context) (*plan.Plan, error) {
	if err := mi.readSource(ctx); err != nil {
		return nil, err
	}
	info, forms, err := mi.readTarget(ctx)
	if err != nil {
		return nil, err
	}
	known, err := mi.readForms(ctx, mi.from, slices.Collect(maps.Keys(forms)))
	if err != nil {
		return nil, mi.unusable(mi.from, err)
	}
	mi.moved.Judge(specs.Target{Live: mi.live, Catalog: mi.dialects[mi.to.Generation], Forms: forms, SourceCatalog: mi.dialects[mi.from.Generation], SourceForms: known})
	passwords := mi.generatePasswords()
	c, in := mi.clients[mi.to.Name], mi.input()
	draft, err := mi.draft(ctx, c, in, mi.flags.out != "")
	if err != nil {
		return nil, mi.unusable(mi.to, err)
	}
	info.Requests, info.Forms = c.Requests(), c.FormsRead()
	id := make([]byte, 16)
	rand.Read(id) //nolint:errcheck // it never fails
	now := time.Now().UTC().Truncate(time.Second)
	p := plan.Assemble(plan.Header{ID: hex.EncodeToString(id), CreatedAt: now, ExpiresAt: now.Add(planLife), SpecDigest: mi.spec.Digest(), MadeBy: "migrate " + mi.from.Name + " → " + mi.to.Name},
		[]*plan.Draft{draft}, []plan.Panel{info}, slices.Concat(literalFindings(mi.spec.Warnings), mi.seen.findings(mi.target.flags.rails.lifts), findingsOf(mi.moved.Obstacles)))
	mi.a.log.say(fmt.Sprintf("%s was read with %d requests", mi.from.Name, mi.clients[mi.from.Name].Requests()))
	mi.a.exit(readingCode(p.Panels))
	mi.a.exit(findingCode(p))
	mi.exitOfSource()
	return p, mi.writePasswords(passwords)
}

// exitOfSource notes that not all of the source could be read.
func (mi *migration) exitOfSource() {
	if slices.ContainsFunc(mi.moved.Obstacles, func(o specs.Obstacle) bool { return o.Code == specs.ObstacleListing }) {
		mi.a.exit(exitPartial)
	}
}

// input is what the planner needs: what was moved is what is wanted, and
// nothing is ever deleted.
func (mi *migration) input() plan.Input {
	in := mi.target.input(mi.to)
	in.Desired, in.Live = mi.moved.State, mi.live
	in.Rules.Prune = nil
	return in
}

// findingsOf writes obstacles as findings of a plan.
func findingsOf(obstacles []specs.Obstacle) []plan.Finding {
	out := make([]plan.Finding, len(obstacles))
	for i, o := range obstacles {
		out[i] = plan.Finding{Severity: plan.Warning, Code: o.Code, Ref: o.Ref, Message: o.Message}
		if o.Fatal {
			out[i].Severity = plan.Error
		}
	}
	return out
}

// unusable is the error of a panel that cannot be read at all: nothing is
// planned or compared then.
func (mi *migration) unusable(p specs.Panel, err error) error {
	if refused(err) {
		return fail(exitPartial, "panel %s refused the account, and both are needed: %w", p.Name, err)
	}
	return fail(exitPartial, "panel %s cannot be read, and both are needed: %w", p.Name, err)
}
