package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// panelFlags choose panels and say how they are talked to.
type panelFlags struct {
	panels        []string
	targets       []string
	parallelism   int
	timeout       durationFlag
	allowCommands bool
	allowDeletes  int
	rotate        []string
	rails         railFlags
	tryPasswords  bool
}

func (p *panelFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&p.panels, "panel", nil, "only this panel; repeatable")
	f.StringArrayVar(&p.targets, "target", nil, "only resources whose ref (panel/kind/key) matches, * matches anything; what they need is included; repeatable")
	f.IntVar(&p.parallelism, "parallelism", 10, "panels at once")
	f.Var(&p.timeout, "timeout", "time for the whole run, such as 10m; then nothing new is started")
	f.BoolVar(&p.allowCommands, "allow-commands", false, "allow secret.command in specs to run commands")
	f.IntVar(&p.allowDeletes, "allow-deletes", -1, "allow a plan beyond limits.deletes; must be exactly its number of deletes")
	p.rails.add(f)
	f.StringArrayVar(&p.rotate, "rotate", nil, "write the secrets of existing resources whose ref matches; repeatable")
}

// target is a set of panels to read: their clients and what the spec says.
type target struct {
	a       *app
	flags   *panelFlags
	spec    *specs.Spec
	panels  []specs.Panel
	clients map[string]*apiclient.Client
	// dialects are the catalogs as the panels' generations speak them.
	dialects map[int]*specs.Catalog
	// readOnly says that nothing follows the reading, so that each session is
	// ended when its panel has been read.
	readOnly bool
	secrets  *secretResolver
	pruned   []string
	// wanted is what somebody else than the spec wants of the panels, and madeBy
	// who that is (plan.Plan.MadeBy); nil: the spec. Nothing is pruned then.
	wanted map[string]*specs.State
	// adjust makes what is wanted fit what the panel was found to hold; nil does not.
	adjust func(panel string, live *specs.State) (*specs.State, []plan.Finding)
	madeBy string
	// gone is what the last plan takes away, by panel.
	gone  map[string][]plan.Gone
	rules plan.Policies
	seen  *sight
}

// aim chooses the panels and makes their clients. It checks everything that
// can be checked before the first call: names, addresses, login secrets.
func (a *app) aim(spec *specs.Spec, pf *panelFlags) (*target, error) {
	if pf.parallelism < 1 {
		return nil, fail(exitUsage, "--parallelism must be at least 1")
	}
	t := &target{a: a, flags: pf, spec: spec, seen: &sight{}, clients: map[string]*apiclient.Client{}, dialects: map[int]*specs.Catalog{},
		secrets: &secretResolver{literal: spec.Literal, getenv: a.lookupEnv, allowCommands: pf.allowCommands}}
	for kind := range spec.Prune {
		t.pruned = append(t.pruned, kind)
	}
	slices.Sort(t.pruned)
	var err error
	if t.rules, err = compilePolicies(spec.Policies); err != nil {
		return nil, withCode(exitUsage, err)
	}
	if err := pf.rails.check(spec); err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range pf.panels {
		if spec.Panel(name) == nil {
			errs = append(errs, fmt.Errorf("--panel %s: the spec has no such panel; it has %s", name, few(spec.PanelNames())))
		}
	}
	for _, p := range spec.Panels {
		if len(pf.panels) > 0 && !slices.Contains(pf.panels, p.Name) {
			continue
		}
		t.panels = append(t.panels, p)
		if err := t.connect(p); err != nil {
			errs = append(errs, err)
		}
	}
	if len(spec.Panels) == 0 {
		errs = append(errs, errors.New("the spec has no panels; add a panels: section with name, url and auth"))
	}
	return t, withCode(exitUsage, errors.Join(errs...))
}

// connect makes the client of a panel, without a call.
func (t *target) connect(p specs.Panel) error {
	if err := t.secrets.check(p.Auth.Password); err != nil && !p.OverMgrctl() {
		return fmt.Errorf("panel %s: its password cannot be had: %w", p.Name, err)
	}
	if t.dialects[p.Generation] == nil {
		t.dialects[p.Generation] = t.spec.Catalog.For(p.Generation)
	}
	options := apiclient.Options{Catalog: t.dialects[p.Generation], Secret: t.secrets.Resolve, Dial: t.a.dial, Notice: t.a.log.say}
	if t.a.verbose {
		options.Trace = t.a.log.trace
	}
	c, err := apiclient.New(p, options)
	if err != nil {
		return err
	}
	t.clients[p.Name] = c
	return nil
}

func few(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + fmt.Sprintf(" and %d more", len(names)-8)
	}
	return strings.Join(names, ", ")
}

// panelRead is what reading one panel gave.
type panelRead struct {
	info  plan.Panel
	draft *plan.Draft // nil when the panel could not be used
	live  *specs.State
	// findings are those of target.adjust and about passwords.
	findings []plan.Finding
}

// readAll reads and plans all panels, up to --parallelism at once. A panel
// that cannot be read is a result, not an error. Live states are dropped as
// soon as they are planned, unless keep is given.
func (t *target) readAll(ctx context.Context, forms bool) []panelRead {
	out := make([]panelRead, len(t.panels))
	var g errgroup.Group
	g.SetLimit(t.flags.parallelism)
	var logMu sync.Mutex
	for i, p := range t.panels {
		g.Go(func() error {
			t.a.log.read(render.Reading{Panel: p.Name})
			r := t.read(ctx, p, forms)
			if t.readOnly {
				t.clients[p.Name].Close() //nolint:errcheck // idle connections only
			} else {
				t.clients[p.Name].Rest() //nolint:errcheck // what is left goes with Close
			}
			resources := 0
			if r.live != nil {
				resources = r.live.Len()
				r.live = nil
			}
			logMu.Lock()
			defer logMu.Unlock()
			t.a.log.read(render.Reading{Panel: p.Name, Ended: true, Resources: resources, Requests: r.info.Requests, Error: r.info.Error})
			out[i] = r
			return nil
		})
	}
	g.Wait() //nolint:errcheck // the functions return nil
	return out
}

// input is what the planner needs of one panel, but for the live state.
func (t *target) input(p specs.Panel) plan.Input {
	return plan.Input{Panel: p, Desired: t.desired(p.Name), Account: strings.ToLower(p.Account()), Kinds: t.dialects[p.Generation].Kind,
		Rules: t.planRules(p), Rotate: refGlobs(t.flags.rotate), Targets: refGlobs(t.flags.targets)}
}

// desired is what is wanted of a panel.
func (t *target) desired(panel string) *specs.State {
	if t.madeBy == "" {
		return t.spec.Desired(panel)
	}
	if s := t.wanted[panel]; s != nil {
		return s
	}
	return specs.NewState(panel)
}

// read reads one panel and plans it: the kinds the spec manages, then, if
// something is to be deleted, what goes with it. With forms, the forms of all
// resources that are to be changed are read too: a saved plan is bound to
// every field.
func (t *target) read(ctx context.Context, p specs.Panel, forms bool) panelRead {
	c := t.clients[p.Name]
	r := panelRead{info: plan.Panel{Name: p.Name, URL: p.URL, Account: p.Account()}}
	in := t.input(p)
	wants := plan.Wants(in, t.pruned)
	live, err := t.managed(ctx, p, wants)
	if err == nil {
		err = t.believe(ctx, c, p, live, wants)
	}
	if err == nil {
		r.info.Reachable, r.live, in.Live = true, live, live
		if t.adjust != nil {
			in.Desired, r.findings = t.adjust(p.Name, live)
		}
		r.draft, err = t.draft(ctx, c, in, forms)
	}
	if err == nil && t.flags.tryPasswords {
		r.findings = append(r.findings, t.tryPasswords(ctx, c, in)...)
	}
	r.info.Requests, r.info.Forms = c.Requests(), c.FormsRead()
	if err != nil {
		r.info.Reachable, r.draft = false, nil
		r.info.Error, r.info.Refused = err.Error(), refused(err)
		return r
	}
	r.info.Error = listingErrors(live, wants)
	return r
}

// managed reads what the spec manages, and where a prune rule looks into
// parents and accounts, all of those that are there.
func (t *target) managed(ctx context.Context, p specs.Panel, wants []specs.Want) (*specs.State, error) {
	if slices.ContainsFunc(wants, func(w specs.Want) bool { return w.All }) {
		return t.rounds(ctx, p, wants)
	}
	return snapshot(ctx, t.clients[p.Name], wants)
}

// snapshot reads what is wanted: what is listed per account after the accounts.
func snapshot(ctx context.Context, c *apiclient.Client, wants []specs.Want) (*specs.State, error) {
	first, second := plan.PerAccount(wants)
	live, err := c.Snapshot(ctx, first)
	if err != nil || len(second) == 0 {
		return live, err
	}
	rest, err := c.Snapshot(ctx, plan.OfAccounts(second, live))
	if err != nil {
		return nil, err
	}
	live.Add(rest)
	return live, nil
}

// draft plans a panel, reading more where the planner says that it must.
func (t *target) draft(ctx context.Context, c *apiclient.Client, in plan.Input, forms bool) (*plan.Draft, error) {
	d := plan.Make(in)
	for more := d.Unread(); len(more) > 0; more = d.Unread() {
		wants := make([]specs.Want, len(more))
		for i, kind := range more {
			wants[i] = specs.Want{Kind: in.Kinds(kind)}
		}
		along, err := c.Snapshot(ctx, wants)
		if err != nil {
			return nil, err
		}
		t.dropAbsentKinds(in, along)
		if err := t.believe(ctx, c, in.Panel, along, wants); err != nil {
			return nil, err
		}
		in.Live.Add(along)
		d = plan.Make(in)
	}
	if forms {
		if wanted := d.Changed(); len(wanted) > 0 {
			if err := c.Forms(ctx, in.Live, wanted); err != nil {
				return nil, err
			}
			d = plan.Make(in)
		}
	}
	return d, nil
}

// dropAbsentKinds takes kinds that a panel does not know at all, because it
// lacks the module, for empty: so that a user can be deleted on a panel without
// mail. A kind with a protect rule must be seen.
func (t *target) dropAbsentKinds(in plan.Input, live *specs.State) {
	for _, name := range live.Kinds() {
		l, _ := live.Listing(name)
		var e interface{ Unsupported() bool }
		if !t.spec.Catalog.Kind(name).Optional || t.spec.Protect[name] != nil || !errors.As(l.Err, &e) || !e.Unsupported() {
			continue
		}
		live.Set(name, nil) //nolint:errcheck // an empty listing has no doubles
		t.a.log.debug("kind not known to the panel, taken for empty", "panel", in.Panel.Name, "kind", name)
	}
}

func refused(err error) bool {
	var r interface{ Refused() bool }
	return errors.As(err, &r) && r.Refused()
}

// listingErrors is why some kinds of a panel could not be believed, or "". A
// kind that was wanted only to see whether references lead somewhere does not
// count: an account that may not list users can manage its sites all the same.
func listingErrors(live *specs.State, wants []specs.Want) string {
	var parts []string
	for _, k := range live.Kinds() {
		l, _ := live.Listing(k)
		onlyReferred := slices.ContainsFunc(wants, func(w specs.Want) bool { return w.Kind.Name == k && w.Declared == nil })
		if l.Err != nil && !onlyReferred {
			parts = append(parts, fmt.Sprintf("%s: %v", k, l.Err))
		}
	}
	return strings.Join(parts, "; ")
}

// planRules are the rules of the spec for one panel. Each panel gets its own
// copies of the expressions, because panels are planned side by side.
func (t *target) planRules(p specs.Panel) *plan.Rules {
	match := func(rules map[string]*specs.Rule) func(string) plan.Match {
		mine := map[string]plan.Match{}
		for kind, r := range rules {
			r := r.Clone()
			mine[kind] = plan.Match{Source: r.Source, Test: func(res *specs.Resource) (bool, error) { return r.Test(p, res) }}
		}
		return func(kind string) plan.Match { return mine[kind] }
	}
	prune := match(t.spec.Prune)
	if t.madeBy != "" {
		prune = nil
	}
	return &plan.Rules{Prune: prune, Protect: match(t.spec.Protect), AllowDeletes: t.flags.allowDeletes,
		Deletes: plan.DeleteLimit{Count: t.spec.Deletes.Count, Percent: t.spec.Deletes.Percent}, Policies: t.rules, Lifts: t.flags.rails.lifts}
}

// refGlobs makes a test of refs from globs in which * matches anything, or nil.
func refGlobs(globs []string) func(specs.Ref) bool {
	if len(globs) == 0 {
		return nil
	}
	return func(r specs.Ref) bool {
		s := r.String()
		return slices.ContainsFunc(globs, func(g string) bool { return globMatches(g, s) })
	}
}

func globMatches(glob, s string) bool {
	parts := strings.Split(glob, "*")
	if len(parts) == 1 {
		return glob == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, parts[last])
}
