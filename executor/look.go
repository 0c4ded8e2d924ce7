package executor

// Looking: reading kinds from the panel and holding what is there against what
// a step sent. A look says something only when the listing is complete; whatever
// is missing from an incomplete one may be there all the same.

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// sight is what a look shows of a step's resource.
type sight uint8

const (
	unreadable sight = iota // the look failed: anything may be
	absent                  // provably not there
	equal                   // there, and every field sent that the panel tells is as sent
	different               // there, and a field is not as sent
	unswitched              // there, and only fields that are switched by a call of their own are not as sent
	untold                  // there, but the panel tells none of the fields sent
)

// look reads the resource of one step. What says in words what was seen.
func (l *lane) look(ctx context.Context, s *plan.Step) (seen sight, what string) {
	state, why := l.readFor(ctx, s.Kind, []*plan.Step{s})
	if state == nil {
		return unreadable, why
	}
	return l.sightOf(s, state)
}

// readFor reads the kind of some steps, or says why it cannot be read.
func (l *lane) readFor(ctx context.Context, kind string, steps []*plan.Step) (state *specs.State, why string) {
	want, err := wantFor(l.o.Kind(kind), steps)
	if err != nil {
		return nil, err.Error()
	}
	state, err = l.panel.Read(ctx, []specs.Want{want})
	if err == nil {
		err = incomplete(state, kind)
	}
	if err != nil {
		return nil, "it cannot be read: " + detail(err).Message
	}
	return state, ""
}

// sightOf is what a state that was read shows of a step's resource.
func (l *lane) sightOf(s *plan.Step, state *specs.State) (seen sight, what string) {
	live := state.Find(s.Kind, s.Key)
	seen, what = compare(s, live)
	if seen == different && onlySwitches(l.o.Kind(s.Kind), s, live) {
		seen = unswitched
	}
	return seen, what
}

// incomplete says why a listing cannot be believed, or nil.
func incomplete(state *specs.State, kind string) error {
	l, ok := state.Listing(kind)
	if !ok {
		return fmt.Errorf("the list of %s was not read", kind)
	}
	return l.Err
}

// wantFor asks for one kind to be read so that these steps of it can be judged:
// with the fields they sent, and nothing more.
func wantFor(k *specs.Kind, steps []*plan.Step) (specs.Want, error) {
	sent := make(map[string]*specs.Resource, len(steps))
	parents, accounts := map[string]bool{}, map[string]bool{}
	for _, s := range steps {
		r := s.Resource()
		if s.Action != plan.Delete {
			sent[s.Key] = &r
		}
		if k.Parent != nil {
			if r.Parent == "" {
				return specs.Want{}, fmt.Errorf("the plan does not say in which %s %s is, so it cannot be looked up", k.Parent.Kind, s.Ref)
			}
			parents[r.Parent] = true
		}
		if k.Su != "" {
			if s.Su == "" {
				return specs.Want{}, fmt.Errorf("the plan does not say whose %s is, so it cannot be looked up", s.Ref)
			}
			accounts[s.Su] = true
		}
	}
	return specs.Want{
		Kind:     k,
		Declared: func(key string) *specs.Resource { return sent[key] },
		Parents:  slices.Sorted(maps.Keys(parents)),
		Su:       slices.Sorted(maps.Keys(accounts)),
	}, nil
}

// compare holds a live resource, nil when it is not there, against a step.
// Fields that the panel does not tell cannot be compared and do not count.
func compare(s *plan.Step, live *specs.Resource) (seen sight, what string) {
	if live == nil {
		return absent, "it is not there"
	}
	told := 0
	var differs []string
	for _, ch := range s.Changes {
		is, _ := live.Fields.Get(ch.Field)
		if ch.After.IsAbsent() || is.IsAbsent() {
			continue
		}
		told++
		if is != ch.After {
			differs = append(differs, fmt.Sprintf("%s is %s, not %s", ch.Field, quoted(is), quoted(ch.After)))
		}
	}
	switch {
	case len(differs) > 0:
		return different, strings.Join(differs, ", ")
	case told == 0:
		return untold, "the panel tells none of the fields that were sent"
	default:
		return equal, ""
	}
}

// onlySwitches reports whether a live resource differs from what a step sent
// only in fields that are switched by a call of their own.
func onlySwitches(k *specs.Kind, s *plan.Step, live *specs.Resource) bool {
	for _, ch := range s.Changes {
		is, _ := live.Fields.Get(ch.Field)
		if ch.After.IsAbsent() || is.IsAbsent() || is == ch.After {
			continue
		}
		if row := k.Field(ch.Field); row == nil || !row.Toggle {
			return false
		}
	}
	return true
}

// quoted is a value in messages: numbers and yes-or-no values bare.
func quoted(v specs.Value) string {
	if t := v.Type(); t == specs.BoolType || t == specs.NumberType {
		return v.String()
	}
	return fmt.Sprintf("%q", v.String())
}
