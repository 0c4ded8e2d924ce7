package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// A panel's part of a plan is made in four passes, each smaller than the one
// before.
//
//  1. Walk. Per managed kind, desired and live resources are merged in key
//     order. What must be left alone goes to Kept at once, with its reason, so
//     no later pass has to remember an exception. What is equal is only
//     counted: nothing is allocated for it.
//  2. What goes along. Deletes that would take with them what is declared,
//     protected or unknown are taken back.
//  3. References. Each step learns which other steps it needs; what refers to
//     nothing is a finding.
//  4. Order. Steps are sorted so that needs point backwards.
//
// A kind is managed when the spec declares something of it or has a prune rule
// for it. Live resources of other kinds were read only to check references or
// to count what goes along, and are nobody's business.

// Draft is one panel's part of a plan: steps that do not have their numbers yet.
// It holds no more of the live state than the resources of its steps.
type Draft struct {
	panel     specs.Panel
	rules     *Rules
	steps     []*draftStep // in the order to run them
	kept      []Kept
	findings  []Finding
	unchanged int
	deletable map[string]int // live resources per managed kind: the base of the delete limit
	gone      []Gone
	unread    []string // kinds to read before the deletes can be judged
}

// Unread names the kinds that nobody read and that must be known before what
// the spec wants deleted can be: what goes with it. Until they are read and the
// panel is planned again, those deletes are not planned.
func (d *Draft) Unread() []string { return d.unread }

// Changed returns the refs of the live resources that the draft updates or deletes.
func (d *Draft) Changed() []specs.Ref {
	var out []specs.Ref
	for _, s := range d.steps {
		if s.Action != Create {
			out = append(out, s.Ref)
		}
	}
	return out
}

// draftStep is a step on its way into a plan.
type draftStep struct {
	Step
	rank          int
	needs         []specs.Ref
	live, desired *specs.Resource // nil for a create, and for a prune
	// target is false for a create outside the --target globs: it stays only
	// if a target needs it.
	target bool
	// broken marks a step that an error finding speaks of. It takes part in
	// references, so that one mistake gives one finding, but not in the plan.
	broken bool
}

// maker makes one Draft.
type maker struct {
	Input
	draft      *Draft
	kinds      []*specs.Kind // managed, by name
	links      map[string][]link
	steps      []*draftStep
	index      map[specs.Ref]*draftStep
	unreadable map[specs.Ref]*unreadable // by panel, kind and field
	hints      map[specs.Ref]string
}

// Make plans one panel. It never fails: whatever is wrong is a finding. The
// states may be dropped afterwards.
func Make(in Input) *Draft {
	if in.Desired == nil {
		in.Desired = specs.NewState(in.Panel.Name)
	}
	if in.Live == nil {
		in.Live = specs.NewState(in.Panel.Name)
	}
	m := &maker{Input: in, draft: &Draft{panel: in.Panel, rules: in.Rules, deletable: map[string]int{}},
		links: map[string][]link{}, unreadable: map[specs.Ref]*unreadable{}, hints: map[specs.Ref]string{}}
	m.managedKinds()
	for _, k := range m.kinds {
		m.walkKind(k)
	}
	m.reportUnreadable()
	going := m.settleDeletes()
	m.indexSteps()
	m.findReferences(going)
	m.selectTargets()
	m.distrustEmpty()
	m.draft.steps = m.order(slices.DeleteFunc(m.steps, func(s *draftStep) bool { return s.broken }))
	m.draft.gone = goneWith(slices.DeleteFunc(slices.Clone(m.draft.steps), func(s *draftStep) bool { return s.Action != Delete }), going)
	return m.draft
}

func (m *maker) managedKinds() {
	names := m.Desired.Kinds()
	for _, name := range m.Live.Kinds() {
		if m.Rules.prune(name).Test != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		m.kinds = append(m.kinds, m.Kinds(name))
	}
}

func (m *maker) ref(kind, key string) specs.Ref {
	return specs.Ref{Panel: m.Panel.Name, Kind: kind, Key: key}
}

func (m *maker) find(sev Severity, code, ref, format string, args ...any) {
	m.draft.findings = append(m.draft.findings, Finding{Severity: sev, Code: code, Ref: ref, Message: fmt.Sprintf(format, args...)})
}

// hold finds something that blocks apply until the flag lift is given.
func (m *maker) hold(code, ref, lift, format string, args ...any) {
	m.draft.findings = append(m.draft.findings, Finding{Severity: Error, Code: code, Ref: ref, Message: fmt.Sprintf(format, args...) + meant(lift), Lift: lift})
}

func (m *maker) keep(ref specs.Ref, why string) {
	m.draft.kept = append(m.draft.kept, Kept{Ref: ref, Why: why})
}

// declared returns what the spec declares present under a kind and key, or nil.
func (m *maker) declared(kind, key string) *specs.Resource {
	if d := m.Desired.Find(kind, key); d != nil && !d.Absent {
		return d
	}
	return nil
}

// kindRef is the Ref of a finding about a whole kind.
func (m *maker) kindRef(kind string) string { return m.Panel.Name + "/" + kind }

// incomplete reports that a kind could not be read, once.
func (m *maker) incomplete(kind, consequence string) {
	why := "it was not read"
	if l, ok := m.Live.Listing(kind); ok && l.Err != nil {
		why = l.Err.Error()
	}
	f := Finding{Severity: Warning, Code: CodeListing, Ref: m.kindRef(kind),
		Message: fmt.Sprintf("the list of %s on %s cannot be relied on, so %s: %s", kind, m.Panel.Name, consequence, why)}
	if !slices.Contains(m.draft.findings, f) {
		m.draft.findings = append(m.draft.findings, f)
	}
}

// kindWalk is the walk over one kind.
type kindWalk struct {
	*maker
	kind    *specs.Kind
	prune   Match
	protect Match
	// bringers are the kinds whose resources may bring one of this kind.
	bringers []string
}

func (m *maker) walkKind(k *specs.Kind) {
	if !m.Live.Complete(k.Name) {
		m.incomplete(k.Name, "nothing of it is planned")
		return
	}
	w := &kindWalk{maker: m, kind: k, prune: m.Rules.prune(k.Name), protect: m.Rules.protect(k.Name)}
	for _, other := range m.kinds {
		if slices.Contains(other.Brings, k.Name) {
			w.bringers = append(w.bringers, other.Name)
		}
	}
	desired, live := m.Desired.Resources(k.Name), m.Live.Resources(k.Name)
	m.draft.deletable[k.Name] = len(live)
	i, j := 0, 0
	for i < len(desired) || j < len(live) {
		var c int
		switch {
		case i == len(desired):
			c = 1
		case j == len(live):
			c = -1
		default:
			c = strings.Compare(desired[i].Ref.Key, live[j].Ref.Key)
		}
		switch {
		case c < 0:
			w.desiredOnly(&desired[i])
			i++
		case c > 0:
			w.liveOnly(&live[j])
			j++
		default:
			w.both(&desired[i], &live[j])
			i, j = i+1, j+1
		}
	}
}

func (w *kindWalk) liveOnly(live *specs.Resource) {
	switch {
	case !w.isTarget(live.Ref):
		return
	case live.Unusable != "":
		w.keep(live.Ref, live.Unusable)
		return
	case w.prune.Test == nil:
		w.keep(live.Ref, "not declared")
		return
	}
	hit, err := w.prune.Test(live)
	if err != nil {
		w.find(Error, CodeRule, live.Ref.String(), "the prune rule of %s cannot be evaluated: %v; correct the expression `%s`", w.kind.Name, err, w.prune.Source)
		w.keep(live.Ref, "the prune rule cannot be evaluated")
		return
	}
	if !hit {
		w.keep(live.Ref, "not declared")
		return
	}
	for _, b := range w.bringers {
		if w.declared(b, live.Ref.Key) != nil {
			w.keep(live.Ref, "comes with "+b+"/"+live.Ref.Key)
			return
		}
	}
	w.delete(live, nil, "prune: "+w.prune.Source)
}

func (w *kindWalk) both(desired, live *specs.Resource) {
	switch {
	case !w.isTarget(live.Ref):
	case live.Unusable != "":
		w.keep(live.Ref, live.Unusable)
		w.find(Warning, CodeUnusableKey, live.Ref.String(), "%s declares it, but it is left alone: %s", at(desired), live.Unusable)
	case desired.Absent:
		w.delete(live, desired, "ensure: absent")
	default:
		w.compare(desired, live)
	}
}

// desiredOnly plans a create.
func (w *kindWalk) desiredOnly(desired *specs.Resource) {
	if desired.Absent {
		return
	}
	s := w.step(Create, desired, nil)
	s.Was, s.Why = AbsentDigest, "declared, not on the panel"
	s.Changes = make([]Change, 0, len(desired.Fields))
	for i := range desired.Fields {
		f := &desired.Fields[i]
		s.Changes = append(s.Changes, Change{Field: f.Name, After: f.Value})
	}
	s.setSecrets(desired.Secrets)
	if s.SecretsNeeded = desired.SecretsNeeded; len(s.SecretsNeeded) > 0 {
		w.find(Warning, CodeSecretNeeded, desired.Ref.String(), "to be made it needs %s, which cannot be read from a panel: this step will not be sent until somebody says where the value comes from", strings.Join(s.SecretsNeeded, ", "))
	}
	for _, brought := range w.kind.Brings {
		if d := w.Desired.Find(brought, desired.Ref.Key); d != nil && d.Absent && w.Live.Find(brought, desired.Ref.Key) == nil {
			w.find(Warning, CodeBringsAbsent, desired.Ref.String(), "making it may bring %s/%s, which %s declares absent; plan again afterwards", brought, desired.Ref.Key, at(d))
		}
	}
	if missing := w.missing(desired); missing != "" {
		s.broken = true
		w.find(Error, CodeRequired, desired.Ref.String(), "%s: to be made it needs %s, which %s does not give", desired.Ref, missing, at(desired))
	}
}

// missing names the required fields that a declared resource does not give.
// Calls that run with the rights of an account need no owner: it is that account.
func (w *kindWalk) missing(desired *specs.Resource) string {
	var names []string
	for _, row := range w.kind.Fields {
		if !row.Required || row.Name == w.kind.Owner && cmp.Or(desired.Su, w.Panel.Su) != "" {
			continue
		}
		_, field := desired.Fields.Get(row.Name)
		secret := slices.ContainsFunc(desired.Secrets, func(s specs.SecretField) bool { return s.Name == row.Name }) ||
			slices.Contains(desired.SecretsNeeded, row.Name)
		if !field && !secret {
			names = append(names, row.Name)
		}
	}
	return strings.Join(names, ", ")
}

// step adds a step about a resource. At least one of desired and live is given.
func (m *maker) step(a Action, desired, live *specs.Resource) *draftStep {
	r := desired
	if live != nil {
		r = live
	}
	s := &draftStep{rank: m.Kinds(r.Ref.Kind).Rank, desired: desired, target: m.isTarget(r.Ref)}
	s.Ref, s.Panel, s.Kind, s.Key = r.Ref, r.Ref.Panel, r.Ref.Kind, r.Ref.Key
	s.Action = a
	s.Changes, s.Secrets, s.TakesWithIt = []Change{}, []string{}, []Count{}
	if live != nil {
		kept := *live // a pointer into the listing would keep all of it alive
		s.live, s.Was, s.Elid, s.Su, s.Parent = &kept, ResourceDigest(live), live.Elid, live.Su, live.Parent
	}
	if desired != nil {
		s.Source = desired.Pos.FileLine()
		s.Su, s.Parent = cmp.Or(desired.Su, s.Su), cmp.Or(desired.Parent, s.Parent)
	}
	m.steps = append(m.steps, s)
	return s
}

// setSecrets makes the step write secret fields.
func (s *draftStep) setSecrets(secrets []specs.SecretField) {
	s.SecretRefs = slices.Clone(secrets)
	slices.SortFunc(s.SecretRefs, func(a, b specs.SecretField) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range s.SecretRefs {
		s.Secrets = append(s.Secrets, f.Name)
	}
}

// at is the place in the spec that asks for a resource, for messages.
func at(desired *specs.Resource) string { return cmp.Or(desired.Pos.FileLine(), "the spec") }
