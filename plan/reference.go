package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// link is a field that names another resource.
type link struct {
	field, kind string
}

// linksOf is kindLinks by name, remembered.
func (m *maker) linksOf(kind string) []link {
	links, ok := m.links[kind]
	if !ok {
		links = kindLinks(m.Kinds(kind))
		m.links[kind] = links
	}
	return links
}

// targets lists the resources that fields name.
func (m *maker) targets(kind string, fields specs.Fields) (fieldNames []string, refs []specs.Ref) {
	for _, l := range m.linksOf(kind) {
		v, _ := fields.Get(l.field)
		for _, key := range v.Items() {
			fieldNames, refs = append(fieldNames, l.field), append(refs, m.ref(l.kind, key))
		}
	}
	return fieldNames, refs
}

// refersTo lists all resources that one names: by its fields, by the account
// whose rights it has, and by its key.
func (m *maker) refersTo(ref specs.Ref, su string, fields specs.Fields) (names []string, refs []specs.Ref) {
	names, refs = m.targets(ref.Kind, fields)
	k := m.Kinds(ref.Kind)
	if k.Su != "" {
		names, refs = append(names, "su"), append(refs, m.ref(k.Su, su))
	}
	for _, to := range k.KeyReferences(ref.Key) {
		names, refs = append(names, "name"), append(refs, m.ref(to.Kind, to.Key))
	}
	return names, refs
}

// refersToAny reports whether resources of a kind may name one of these kinds.
func (m *maker) refersToAny(k *specs.Kind, kinds map[string]bool) bool {
	return kinds[k.Su] ||
		slices.ContainsFunc(m.linksOf(k.Name), func(l link) bool { return kinds[l.kind] }) ||
		slices.ContainsFunc(k.KeyRefers, func(r specs.KeyRefer) bool { return kinds[r.Kind] })
}

func (m *maker) indexSteps() {
	m.index = make(map[specs.Ref]*draftStep, len(m.steps))
	for _, s := range m.steps {
		m.index[s.Ref] = s
	}
}

// findReferences gives each step its needs, and finds what refers to nothing.
func (m *maker) findReferences(g *going) {
	for _, s := range m.steps {
		switch s.Action {
		case Create:
			names, refs := m.refersTo(s.Ref, s.Su, s.desired.Fields)
			for i, to := range refs {
				m.refer(s, names[i], to)
			}
			for _, brought := range m.Kinds(s.Kind).Brings {
				if b := m.index[m.ref(brought, s.Key)]; b != nil && b.Action == Create {
					s.needs = append(s.needs, b.Ref)
				}
			}
		case Update:
			m.referUpdate(s)
		case Delete:
			// What s refers to may go only after s has gone.
			_, refs := m.refersTo(s.Ref, s.Su, s.live.Fields)
			m.goBefore(s, refs)
		}
	}
	m.findOrphans(g)
}

// referUpdate is about the references an update changes: the new ones must be
// there, and the old ones may be deleted only when they are let go of.
func (m *maker) referUpdate(s *draftStep) {
	before, after := make(specs.Fields, 0, len(s.Changes)), make(specs.Fields, 0, len(s.Changes))
	for _, c := range s.Changes {
		before = append(before, specs.Field{Name: c.Field, Value: c.Before})
		after = append(after, specs.Field{Name: c.Field, Value: c.After})
	}
	names, refs := m.targets(s.Kind, after)
	for i, to := range refs {
		m.refer(s, names[i], to)
	}
	_, old := m.targets(s.Kind, before)
	m.goBefore(s, old)
}

// goBefore makes the deletes among refs wait for s.
func (m *maker) goBefore(s *draftStep, refs []specs.Ref) {
	for _, to := range refs {
		if d := m.index[to]; d != nil && d != s && d.Action == Delete {
			d.needs = append(d.needs, s.Ref)
		}
	}
}

// refer notes that s needs the resource to, or finds that there is none. What
// cannot be known, because a kind was not read, is left to the panel to judge.
func (m *maker) refer(s *draftStep, field string, to specs.Ref) {
	if to == s.Ref {
		return
	}
	if other := m.index[to]; other != nil {
		if other.Action == Create {
			s.needs = append(s.needs, to)
		}
		return
	}
	switch {
	case m.declared(to.Kind, to.Key) != nil, m.isOwnAccount(to), !m.Live.Complete(to.Kind), m.Live.Find(to.Kind, to.Key) != nil:
		return
	}
	s.broken = true
	absent := ""
	if m.Desired.Find(to.Kind, to.Key) != nil {
		absent = " (it is declared absent)"
	}
	m.find(Error, CodeReferenceMissing, s.Ref.String(), "%s: its field %s refers to %s %q, which is neither declared nor on %s%s%s",
		at(s.desired), field, to.Kind, to.Key, m.Panel.Name, absent, m.didYouMean(to))
}

// findOrphans finds declared resources that refer to what this very plan
// deletes. Those that go along with a delete have a finding already.
func (m *maker) findOrphans(g *going) {
	deleted := map[string]bool{}
	for _, s := range m.steps {
		if s.Action == Delete {
			deleted[s.Kind] = true
		}
	}
	if len(deleted) == 0 {
		return
	}
	for _, k := range m.kinds {
		if !m.refersToAny(k, deleted) {
			continue
		}
		desired := m.Desired.Resources(k.Name)
		for i := range desired {
			if d := &desired[i]; !d.Absent && g.refs[d.Ref] == nil {
				m.findOrphan(d)
			}
		}
	}
}

func (m *maker) findOrphan(d *specs.Resource) {
	names, refs := m.refersTo(d.Ref, d.Su, d.Fields)
	for i, to := range refs {
		del := m.index[to]
		if del == nil || del.Action != Delete {
			continue
		}
		if s := m.index[d.Ref]; s != nil {
			s.broken = true
		}
		m.find(Error, CodeReferenceMissing, d.Ref.String(), "%s: its field %s refers to %s %q, which this plan deletes (%s)",
			at(d), names[i], to.Kind, to.Key, del.Why)
	}
}

// didYouMean is a hint with the nearest key that is declared or live, or "".
func (m *maker) didYouMean(to specs.Ref) string {
	if hint, ok := m.hints[to]; ok {
		return hint
	}
	best, bestDistance := "", maxTypos+1
	consider := func(key string) {
		if d := typos(to.Key, key); d < bestDistance || d == bestDistance && d <= maxTypos && key < best {
			best, bestDistance = key, d
		}
	}
	for _, r := range m.Desired.Resources(to.Kind) {
		if !r.Absent {
			consider(r.Ref.Key)
		}
	}
	for _, r := range m.Live.Resources(to.Kind) {
		consider(r.Ref.Key)
	}
	hint := ""
	if best != "" {
		hint = fmt.Sprintf("; did you mean %q?", best)
	}
	m.hints[to] = hint
	return hint
}

// maxTypos is how many letters two keys may differ in to be taken for the same
// word misspelt.
const maxTypos = 2

// typos is the number of insertions, deletions and replacements of bytes that
// turn a into b, or maxTypos+1 when it is more than maxTypos.
func typos(a, b string) int {
	if len(a)-len(b) > maxTypos || len(b)-len(a) > maxTypos {
		return maxTypos + 1
	}
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if strings.Count(a, "") > 64 { // a long middle that differs at both ends is no typo
		return maxTypos + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return min(row[len(b)], maxTypos+1)
}
