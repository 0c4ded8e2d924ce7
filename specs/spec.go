package specs

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Spec is everything the files of one run say, resolved: every template
// evaluated, every default applied, every name checked.
type Spec struct {
	Panels   []Panel // sorted by name
	Catalog  *Catalog
	Prune    map[string]*Rule // by kind
	Protect  map[string]*Rule // by kind
	Deletes  DeleteLimit
	Policies []Policy
	Rollout  Rollout
	Warnings Errors // mistakes that stop nothing, sorted by place

	desired  map[string]*State // by panel
	literals map[string]string // by Secret.Arg; never printed
	exprs    *expressions
}

// DeleteLimit is limits.deletes: how many deletes of one kind on one panel a
// plan may hold, the larger of a count and a share of the live ones.
type DeleteLimit struct {
	Count   int
	Percent float64
}

// DefaultDeletes applies when the spec does not say.
var DefaultDeletes = DeleteLimit{Count: 3, Percent: 10}

// Policy is one rule of `policies`, not yet compiled: plan.CompilePolicies does that.
type Policy struct {
	Name    string
	Deny    bool   // deny blocks apply; otherwise it warns
	Expr    string // whole expression over step, live, desired, panel, plan
	Message string
	Pos     Pos // of the expression
}

// Desired returns what the spec wants of a panel: resources that should be
// there and tombstones. It is complete for each kind it holds.
func (s *Spec) Desired(panel string) *State { return s.desired[panel] }

// Panel returns a panel by name, or nil.
func (s *Spec) Panel(name string) *Panel {
	for i := range s.Panels {
		if s.Panels[i].Name == name {
			return &s.Panels[i]
		}
	}
	return nil
}

// PanelNames lists the panels of the spec, sorted.
func (s *Spec) PanelNames() []string {
	names := make([]string, len(s.Panels))
	for i := range s.Panels {
		names[i] = s.Panels[i].Name
	}
	return names
}

// Literal returns the value of a password written out in the spec, for a
// reference of source literal. The result must not be kept.
func (s *Spec) Literal(ref Secret) (string, bool) {
	v, ok := s.literals[ref.Arg]
	return v, ok && ref.Source == SecretLiteral
}

// Managed reports whether the spec says anything of a kind on a panel:
// resources, tombstones or a prune rule.
func (s *Spec) Managed(panel, kind string) bool {
	_, declared := s.desired[panel].Listing(kind)
	return declared || s.Prune[kind] != nil
}

// Len counts the resources and tombstones of all panels.
func (s *Spec) Len() int {
	n := 0
	for _, st := range s.desired {
		n += st.Len()
	}
	return n
}

// formSample is how many resources of a kind and panel DeclaresForms looks at.
const formSample = 100

// DeclaresForms reports whether the spec declares fields that only forms tell,
// judged by the first resources of each kind: what a plan of it holds in memory
// depends on that.
func (s *Spec) DeclaresForms() bool {
	for _, st := range s.desired {
		for _, kind := range st.Kinds() {
			row, rs := s.Catalog.Kind(kind), st.Resources(kind)
			for i := range rs[:min(len(rs), formSample)] {
				for _, f := range rs[i].Fields {
					if field := row.Field(f.Name); field != nil && field.Read == FromForm {
						return true
					}
				}
			}
		}
	}
	return false
}

// Digest identifies what the spec says, whatever files it is written in:
// panels, desired resources with their secret references, rules with the
// variables they may use, added kinds, limits and policies. A saved plan is bound
// to it.
func (s *Spec) Digest() string {
	h := sha256.New()
	var b []byte
	if len(s.Prune)+len(s.Protect) > 0 { // elsewhere variables are resolved already
		fmt.Fprintf(h, "vars\x00%v\n", s.exprs.vars) // fmt writes maps in order
	}
	for _, k := range s.Catalog.Kinds() {
		if Builtin().Kind(k.Name) != k {
			WriteKinds(h, k) //nolint:errcheck // a hash never fails
		}
	}
	for _, p := range s.Panels {
		fmt.Fprintf(h, "panel\x00%s\x00%s\x00%s\x00%s\x00%s\x00%s\x00%v\n", p.Name, p.URL, p.Auth.Method, p.Account(), p.Su, p.Lang, p.Labels)
		st := s.desired[p.Name]
		for _, kind := range st.Kinds() {
			for i := range st.Resources(kind) {
				b = appendDigest(b[:0], &st.Resources(kind)[i])
				h.Write(b)
			}
		}
	}
	for _, m := range []struct {
		name  string
		rules map[string]*Rule
	}{{"prune", s.Prune}, {"protect", s.Protect}} {
		for _, k := range slices.Sorted(maps.Keys(m.rules)) {
			fmt.Fprintf(h, "%s\x00%s\x00%s\n", m.name, k, m.rules[k].Source)
		}
	}
	fmt.Fprintf(h, "deletes\x00%d\x00%g\n", s.Deletes.Count, s.Deletes.Percent)
	for _, p := range s.Policies {
		fmt.Fprintf(h, "policy\x00%s\x00%t\x00%s\x00%s\n", p.Name, p.Deny, p.Expr, p.Message)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// appendDigest appends a resource in a form that no two different ones share.
func appendDigest(b []byte, r *Resource) []byte {
	part := func(mark byte, s string) {
		b = append(append(b, mark), s...)
	}
	part('r', r.Ref.Kind)
	part(0, r.Ref.Key)
	part(0, r.Su)
	if r.Absent {
		part(0, "absent")
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		part(0, f.Name)
		part(1, string(rune('0'+f.Value.t)))
		part(1, f.Value.s)
	}
	for _, f := range r.Secrets {
		part(0, f.Name)
		part(2, string(f.Secret.Source))
		if f.Secret.Source != SecretLiteral { // its place may move without a change
			part(2, f.Secret.Arg)
		}
	}
	return append(b, 0, '\n')
}

func sortPolicies(ps []Policy) {
	slices.SortStableFunc(ps, func(a, b Policy) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Expr, b.Expr))
	})
}

// SecretReference reads a value given on the command line: ok is true when it
// is one whole reference, ${secret.env('X')}. Anything else is a plain value,
// ${ or not.
func (s *Spec) SecretReference(value string) (ref Secret, ok bool, err error) {
	if !wholeReference.MatchString(strings.ReplaceAll(value, `"`, "'")) {
		return Secret{}, false, nil
	}
	t, terr := s.exprs.compile(".", value)
	if terr == nil {
		var v any
		if v, terr = s.exprs.eval(t, scope{}); terr == nil {
			ref, ok = v.(Secret)
			return ref, ok, nil
		}
	}
	return Secret{}, false, fmt.Errorf("this reference cannot be read; write ${secret.env('NAME')}")
}
