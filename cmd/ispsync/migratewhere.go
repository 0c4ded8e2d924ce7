package main

import (
	"errors"
	"fmt"

	"github.com/ispsync/ispsync/specs"
)

// whereRules are the --where of migrate, a rule for each kind that has what the
// expression names, as in export; none of the others is moved. Nil rules choose all.
type whereRules struct {
	panel specs.Panel
	rules map[string]*specs.Rule
	err   error // the resources for which a rule could not be decided
}

// compileWhere compiles an expression for every kind that it fits.
func compileWhere(spec *specs.Spec, text string) (*whereRules, error) {
	w := &whereRules{}
	if text == "" {
		return w, nil
	}
	w.rules = map[string]*specs.Rule{}
	var first error // the one that has a guess, if one has
	for _, k := range spec.Catalog.Kinds() {
		rule, err := spec.CompileFilter(k, text)
		switch {
		case err == nil:
			w.rules[k.Name] = rule
		case first == nil || !guessed(first) && guessed(err):
			first = err
		}
	}
	if len(w.rules) == 0 {
		return nil, fmt.Errorf("--where fits no kind at all:\n%w", first)
	}
	return w, nil
}

// guessed reports whether a mistake comes with a guess at what was meant.
func guessed(err error) bool {
	var es specs.Errors
	return errors.As(err, &es) && len(es) > 0 && len(es[0].Hint) > 0 && es[0].Hint[0] == 'd' // did you mean
}

// listed tells of a panel whose lists have been read: an owner may stand in
// another list.
func (w *whereRules) listed(p specs.Panel, catalog *specs.Catalog, s *specs.State) {
	w.panel = p
	for name, rule := range w.rules {
		w.rules[name] = rule.Owned(func(r *specs.Resource) string { return catalog.OwnerOf(s, r) })
	}
}

// may reports whether a resource can be wanted, as far as the lists tell.
func (w *whereRules) may(r *specs.Resource) bool {
	rule := w.rules[r.Ref.Kind]
	return w.rules == nil || rule != nil && (!rule.Decidable(r) || w.test(r))
}

// test reports whether a resource is wanted.
func (w *whereRules) test(r *specs.Resource) bool {
	rule := w.rules[r.Ref.Kind]
	if rule == nil {
		return w.rules == nil
	}
	hit, err := rule.Test(w.panel, r)
	if err != nil && w.err == nil {
		w.err = withCode(exitUsage, err)
	}
	return hit
}
