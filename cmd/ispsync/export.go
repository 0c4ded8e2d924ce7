package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// exportFlags say what is exported and where to.
type exportFlags struct {
	sf      specFlags
	pf      panelFlags
	kinds   []string
	fields  []string
	split   []string
	where   string
	out     string
	force   bool
	verify  bool
	filters map[string]*specs.Rule // by kind: of where
}

func (a *app) exportCommand() *cobra.Command {
	xf := exportFlags{}
	c := &cobra.Command{
		Use:   "export",
		Short: "Write a spec of what live panels have",
		Long: `Reads panels and writes a spec that declares what they have, as a person would
write it: without what a new resource gets by itself, with defaults for what most
have alike, with references in the place of secrets, and with a comment on what
could not be read. It goes beside the file with the panels: it has no panels
section, and it prunes nothing. A plan of both together is empty.

By default one YAML document on stdout. With --out files in a directory: all of
them or none, and none is overwritten without --force-overwrite. The names of the
secrets to fill in go to secrets.env.example there.`,
		Example: "  ispsync export -f panels.yaml --out specs/live --split owner\n" +
			"  ispsync export -f panels.yaml --kind webdomain --where 'owner == \"alice\"' --fields owner,php_mode",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.export(&xf) },
	}
	f := c.Flags()
	xf.sf.add(f)
	f.StringArrayVar(&xf.pf.panels, "panel", nil, "only this panel; repeatable")
	f.StringArrayVar(&xf.pf.targets, "target", nil, "only resources whose ref (panel/kind/key) matches, * matches anything; repeatable")
	f.IntVar(&xf.pf.parallelism, "parallelism", 10, "panels at once")
	f.Var(&xf.pf.timeout, "timeout", "time for the whole run, such as 10m; then nothing new is started")
	f.BoolVar(&xf.pf.allowCommands, "allow-commands", false, "allow secret.command in specs to run commands")
	f.StringArrayVar(&xf.kinds, "kind", nil, "only this kind; repeatable")
	f.StringSliceVar(&xf.fields, "fields", nil, "only these fields, separated by commas; the spec then manages no others")
	f.StringVar(&xf.where, "where", "", "only resources for which this expression over their fields, name, owner and panel is true")
	f.StringVar(&xf.out, "out", "", "write files to this directory")
	f.StringSliceVar(&xf.split, "split", nil, "a file per panel, owner or kind (with --out); two of them, separated by a comma, make directories")
	f.BoolVar(&xf.force, "force-overwrite", false, "overwrite files of --out")
	f.BoolVar(&xf.verify, "verify", false, "plan the result at once: it must find nothing to do, else the exit code is 1")
	return c
}

// exportRun is one export on its way.
type exportRun struct {
	a        *app
	xf       *exportFlags
	spec     *specs.Spec
	target   *target
	kinds    map[string]bool // the chosen ones
	exporter *specs.Exporter
	infos    []plan.Panel
	listed   atomic.Int64 // resources over all panels
}

func (a *app) export(xf *exportFlags) error {
	if err := xf.check(); err != nil {
		return err
	}
	spec, err := xf.sf.load(a, false)
	if err != nil {
		return err
	}
	x := &exportRun{a: a, xf: xf, spec: spec}
	if err := x.choose(); err != nil {
		return err
	}
	if x.target, err = a.aim(spec, &xf.pf); err != nil {
		return err
	}
	x.target.readOnly = true
	h := haltable(time.Duration(xf.pf.timeout), func(s string) { a.log.line(s) })
	defer h.release()
	a.log.start(x.target.names())
	err = x.read(h.soft)
	a.log.stop()
	x.target.close()
	if halted := h.halted(); halted != nil {
		return fail(exitInterrupted, "%w before the panels were read; nothing is written", halted)
	}
	if err != nil {
		return err
	}
	done := x.exporter.Finish()
	x.exporter = nil // a large export is let go of before it is verified
	err = x.write(h.soft, done)
	if halted := h.halted(); halted != nil {
		return fail(exitInterrupted, "%w; the export is written, and not verified", halted)
	}
	return err
}

// check checks the flags as far as they can be without the spec.
func (xf *exportFlags) check() error {
	var errs []error
	for i, by := range xf.split {
		if err := oneOf("split", by, specs.Splits...); err != nil {
			errs = append(errs, err)
		}
		if slices.Contains(xf.split[:i], by) {
			errs = append(errs, fmt.Errorf("--split names %s twice", by))
		}
	}
	if xf.out == "" && len(xf.split) > 0 {
		errs = append(errs, errors.New("--split makes files: say with --out DIR where to"))
	}
	if xf.out == "" && xf.force {
		errs = append(errs, errors.New("--force-overwrite is about files: say with --out DIR where to"))
	}
	if xf.out != "" && !xf.force {
		errs = append(errs, freeOfExports(xf.out, xf.split))
	}
	return withCode(exitUsage, errors.Join(errs...))
}

// choose finds the kinds and fields that are wanted, and compiles --where.
func (x *exportRun) choose() error {
	x.kinds = map[string]bool{}
	var errs []error
	for _, name := range x.xf.kinds {
		switch k := x.spec.Catalog.Kind(name); {
		case k == nil:
			errs = append(errs, fmt.Errorf("--kind %s: there is no such kind; `ispsync kinds` lists them", name))
		case !k.Declarable():
			errs = append(errs, fmt.Errorf("--kind %s: it can only be read: no spec can declare one", name))
		default:
			x.kinds[name] = true
		}
	}
	if len(x.xf.kinds) == 0 {
		for _, k := range x.spec.Catalog.Kinds() {
			if k.Declarable() && (len(x.xf.fields) == 0 || slices.ContainsFunc(x.xf.fields, func(f string) bool { return k.Field(f) != nil })) {
				x.kinds[k.Name] = true
			}
		}
	}
	for _, f := range x.xf.fields {
		if !slices.ContainsFunc(x.spec.Catalog.Kinds(), func(k *specs.Kind) bool {
			return k.Field(f) != nil && (x.kinds[k.Name] || len(x.xf.kinds) == 0)
		}) {
			errs = append(errs, fmt.Errorf("--fields %s: no kind that is exported has such a field; see `ispsync kinds NAME`", f))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return withCode(exitUsage, err)
	}
	if err := x.compileWhere(); err != nil {
		return err
	}
	o := specs.ExportOptions{Catalog: x.spec.Catalog, Panels: x.spec.PanelNames(), Split: x.xf.split}
	if len(x.xf.fields) > 0 {
		o.Field = func(_ *specs.Kind, f *specs.FieldRow) bool { return slices.Contains(x.xf.fields, f.Name) }
	}
	x.exporter = specs.NewExporter(o)
	return nil
}

// compileWhere compiles --where for each kind. One kind has fields that another
// lacks: a kind that the expression does not fit is left out, unless it fits none.
func (x *exportRun) compileWhere() error {
	if x.xf.where == "" {
		return nil
	}
	x.xf.filters = map[string]*specs.Rule{}
	var first error
	var left []string
	for _, k := range x.spec.Catalog.Kinds() {
		if !x.kinds[k.Name] {
			continue
		}
		r, err := x.spec.CompileFilter(k, x.xf.where)
		if err != nil {
			if first == nil || !hinted(first) && hinted(err) {
				first = err
			}
			left = append(left, k.Name)
			delete(x.kinds, k.Name)
			continue
		}
		x.xf.filters[k.Name] = r
	}
	if len(x.xf.filters) == 0 {
		return withCode(exitUsage, first)
	}
	if len(left) > 0 {
		x.a.log.warn("--where names what these kinds do not have, so they are left out: %s", strings.Join(left, ", "))
	}
	return nil
}

// hinted reports whether the mistakes come with a hint.
func hinted(err error) bool {
	var es specs.Errors
	return errors.As(err, &es) && slices.ContainsFunc(es, func(e *specs.Error) bool { return e.Hint != "" })
}

// read reads all panels, up to --parallelism at once. A panel that cannot be read is
// noted in the export and decides the exit code.
func (x *exportRun) read(ctx context.Context) error {
	t := x.target
	x.infos = make([]plan.Panel, len(t.panels))
	errs := make([]error, len(t.panels))
	var g errgroup.Group
	g.SetLimit(t.flags.parallelism)
	for i, p := range t.panels {
		g.Go(func() error {
			r := panelExport{x: x, panel: p, excluded: map[string]map[string]bool{}}
			x.infos[i], errs[i] = r.read(ctx)
			t.clients[p.Name].Close() //nolint:errcheck // idle connections only
			return nil
		})
	}
	g.Wait() //nolint:errcheck // the functions return nil
	x.a.exit(readingCode(x.infos))
	return errors.Join(errs...)
}

// write writes the export and, if asked, plans it.
func (x *exportRun) write(ctx context.Context, e *specs.Export) error {
	if x.xf.out == "" {
		x.a.log.say("exported " + x.howMany(e))
	} else {
		if err := x.writeFiles(e); err != nil {
			return err
		}
		if !x.xf.verify {
			return nil
		}
		paths := make([]string, len(e.Files))
		for i := range e.Files {
			paths[i] = inDir(x.xf.out, e.Files[i].Name)
		}
		return x.verify(ctx, paths)
	}
	if !x.xf.verify {
		return x.toStdout(e.WriteDocument)
	}
	f, err := os.CreateTemp("", "ispsync-export-*.yaml")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // best effort
	defer f.Close()           //nolint:errcheck // it was read to its end
	if err := buffered(f, e.WriteDocument); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	err = x.toStdout(func(w io.Writer) error { _, err := io.Copy(w, f); return err })
	return errors.Join(err, x.verify(ctx, []string{f.Name()}))
}

// howMany resources were exported, for people.
func (x *exportRun) howMany(e *specs.Export) string {
	reached := 0
	for i := range x.infos {
		if x.infos[i].Reachable {
			reached++
		}
	}
	return fmt.Sprintf("%d resources of %d of %d panels", e.Resources(), reached, len(x.infos))
}

func (x *exportRun) toStdout(write func(io.Writer) error) error {
	return buffered(x.a.stdout, write)
}

// verify plans what was written on the panels that could be read. Nothing else of
// the spec counts: neither its resources nor its rules.
func (x *exportRun) verify(ctx context.Context, paths []string) error {
	var pf panelFlags
	pf.parallelism, pf.allowCommands = x.xf.pf.parallelism, x.xf.pf.allowCommands
	for _, info := range x.infos {
		if info.Reachable {
			pf.panels = append(pf.panels, info.Name)
		}
	}
	if len(pf.panels) == 0 || len(paths) == 0 {
		return nil
	}
	spec, err := specs.Load(specs.Options{Paths: paths, Beside: x.spec})
	if err != nil {
		return fmt.Errorf("the export is not a spec: %w", err)
	}
	debug.SetMemoryLimit(planLimit + perExported*int64(spec.Len()))
	t, err := x.a.aim(spec, &pf)
	if err != nil {
		return err
	}
	t.readOnly = true
	x.a.log.start(t.names())
	p, err := t.plan(ctx, false)
	x.a.log.stop()
	t.close()
	if err != nil {
		return err
	}
	if p.Summary.Changes() == 0 && !slices.ContainsFunc(p.Findings, func(f plan.Finding) bool { return f.Severity == plan.Error || differs(f) }) {
		x.a.log.say(fmt.Sprintf("verified: a plan of the export finds nothing to do for %d resources", p.Summary.Unchanged))
		return nil
	}
	if err := x.a.showPlan(x.a.stderr, p, "text", ""); err != nil {
		return err
	}
	return errors.New("the export is not what the panels have: see the plan above; what was changed meanwhile shows there too")
}
