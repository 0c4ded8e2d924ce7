package plan

import "github.com/ispsync/ispsync/specs"

// Input is everything one panel's part of a plan is made from.
type Input struct {
	Panel specs.Panel
	// Desired is what the spec says about the panel, Live what the panel says.
	// A kind that Live does not completely know gets no step.
	Desired, Live *specs.State
	// Account is the account ispsync logs in with, as a canonical key; "" when
	// it is not an account of the panel. It is never deleted or suspended.
	Account string
	// Kinds returns a row of the catalog by name; it knows every kind of Desired.
	Kinds func(name string) *specs.Kind
	Rules *Rules
	// Rotate says whose secrets are to be written again (--rotate). May be nil.
	Rotate func(specs.Ref) bool
	// Targets limits the plan (--target); nil means everything. What is not a
	// target is neither planned nor counted, except for the creates that a
	// target needs.
	Targets func(specs.Ref) bool
}

func (in *Input) isTarget(r specs.Ref) bool { return in.Targets == nil || in.Targets(r) }

// Rules are what a spec and the command line say about a plan as a whole.
type Rules struct {
	// Prune returns the rule by which undeclared live resources of a kind are
	// deleted, Protect the one by which none is ever deleted. Either may be
	// nil, and so may the Test of what they return: no rule.
	Prune, Protect func(kind string) Match
	// Deletes limits the deletes per kind and panel.
	Deletes DeleteLimit
	// AllowDeletes lifts the limit when it is exactly the number of deletes in
	// the whole plan (--allow-deletes); -1 when it was not given.
	AllowDeletes int
	Policies     Policies
	Lifts        Lifts
}

func (r *Rules) prune(kind string) Match {
	if r == nil || r.Prune == nil {
		return Match{}
	}
	return r.Prune(kind)
}

func (r *Rules) protect(kind string) Match {
	if r == nil || r.Protect == nil {
		return Match{}
	}
	return r.Protect(kind)
}

// Match is a rule over live resources.
type Match struct {
	Source string // the expression, as the spec writes it
	// Test says whether the rule is true of a live resource; nil: there is no rule.
	Test func(r *specs.Resource) (bool, error)
}

// DeleteLimit is how many resources of one kind a plan may delete on one
// panel: Count, or Percent of the live ones rounded down, whichever is more.
type DeleteLimit struct {
	Count   int
	Percent float64
}

// DefaultDeletes is the limit when the spec sets none (contract section 6).
var DefaultDeletes = DeleteLimit{Count: 3, Percent: 10}

// Allowed is the number of deletes allowed among live resources.
func (l DeleteLimit) Allowed(live int) int {
	return max(l.Count, int(l.Percent*float64(live)/100))
}
