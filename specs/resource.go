package specs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Ref is the identity of a resource: which panel, which kind, which key. Its
// text form is panel/kind/key; the key comes last and may hold slashes. Keys
// are canonical, so one identity has one spelling.
type Ref struct {
	Panel, Kind, Key string
}

func (r Ref) String() string { return r.Panel + "/" + r.Kind + "/" + r.Key }

// Compare orders refs by panel, kind and key.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(strings.Compare(r.Panel, o.Panel), strings.Compare(r.Kind, o.Kind), strings.Compare(r.Key, o.Key))
}

// ParseRef reads the text form of a Ref. It does not check that the kind or
// the panel exists.
func ParseRef(s string) (Ref, error) {
	p := strings.SplitN(s, "/", 3)
	if len(p) != 3 || p[0] == "" || p[1] == "" || p[2] == "" {
		return Ref{}, fmt.Errorf("ref %q: write it as panel/kind/key, for example web1/webdomain/example.com", s)
	}
	return Ref{p[0], p[1], p[2]}, nil
}

// MarshalText writes the text form.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the text form.
func (r *Ref) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRef(string(b))
	return err
}

// Pos is a place in a spec file, for people. Line and Col count from 1; Col
// counts characters. The zero Pos is no place; one without a Line is not in a file: the
// ref of a resource that another is made from.
type Pos struct {
	File      string
	Line, Col int
}

// String is file:line:col.
func (p Pos) String() string {
	if p.File == "" || p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// FileLine is file:line, the form plans show; empty for the zero Pos.
func (p Pos) FileLine() string {
	if p.File == "" || p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Resource is one thing of a kind on a panel, in canonical form. A spec and a
// live panel both yield Resources; the fields marked below belong to one side
// only. Resources are values: code that gets one from a State must not change
// its slices, which many resources may share.
type Resource struct {
	Ref    Ref
	Fields Fields
	// Secrets are the write-only fields the spec gives, kept apart so that
	// they can be neither compared nor printed. Desired side only.
	Secrets []SecretField
	// SecretsNeeded names secret fields that a create would need and that nobody
	// can read: of resources taken from another panel, or from the past. Desired
	// side only, and never from a spec.
	SecretsNeeded []string
	// Pos is where the spec asks for the resource. Desired side only.
	Pos Pos
	// Absent is the tombstone `ensure: absent`. Desired side only.
	Absent bool
	// Su is the account the calls run as (parameter su), or empty.
	Su string
	// Parent is the key of the resource this one lives in (parameter plid), for
	// kinds that have a parent.
	Parent string
	// Elid is the identifier the panel itself uses in elid for this resource,
	// exactly as it wrote it; empty means the same as Ref.Key. Live side only.
	Elid string
	// Meters are values the panel tells that are no fields (quota_used):
	// policies may look at them, digests and diffs never do. Live side only.
	Meters Fields
	// Unusable says why the resource must be left alone whatever the spec
	// says (its key holds ", " or a control character); empty otherwise. Live side only.
	Unusable string
}

// SecretField names a write-only field and where its value comes from.
type SecretField struct {
	Name   string
	Secret Secret
}

// Listing is what is known of one kind on one panel: either everything or
// nothing. A listing that could not be believed has an Err and no resources,
// so nobody can delete or create on the word of a partial one.
type Listing struct {
	Resources []Resource // sorted by key, keys unique; empty when Err is set
	Err       error
}

// State is the set of resources of one panel, kind by kind. The zero State is
// empty and knows nothing.
type State struct {
	Panel    string
	listings map[string]Listing
}

// NewState returns a state of one panel that knows nothing yet.
func NewState(panel string) *State {
	return &State{Panel: panel, listings: map[string]Listing{}}
}

// Set records the complete set of resources of a kind. It sorts the slice in
// place and fails when a key occurs twice: such a listing cannot be believed,
// and the kind is then recorded as unknown.
func (s *State) Set(kind string, resources []Resource) error {
	byKey := func(a, b Resource) int { return strings.Compare(a.Ref.Key, b.Ref.Key) }
	if !slices.IsSortedFunc(resources, byKey) {
		slices.SortFunc(resources, byKey)
	}
	for i := 1; i < len(resources); i++ {
		if resources[i].Ref.Key == resources[i-1].Ref.Key {
			err := fmt.Errorf("%s is there twice", resources[i].Ref)
			s.Fail(kind, err)
			return err
		}
	}
	s.listings[kind] = Listing{Resources: resources}
	return nil
}

// Add takes over what another state of the same panel knows.
func (s *State) Add(o *State) { maps.Copy(s.listings, o.listings) }

// Fail records that a kind could not be read, and why.
func (s *State) Fail(kind string, err error) { s.listings[kind] = Listing{Err: err} }

// Listing returns what is known of a kind; ok is false when it was never read.
func (s *State) Listing(kind string) (l Listing, ok bool) {
	l, ok = s.listings[kind]
	return l, ok
}

// Complete reports whether the whole of a kind is known.
func (s *State) Complete(kind string) bool {
	l, ok := s.listings[kind]
	return ok && l.Err == nil
}

// Resources returns the resources of a kind sorted by key, nil when the kind
// is not completely known. The caller must not change the slice.
func (s *State) Resources(kind string) []Resource { return s.listings[kind].Resources }

// Find returns one resource by kind and key, or nil.
func (s *State) Find(kind, key string) *Resource {
	rs := s.listings[kind].Resources
	i, ok := slices.BinarySearchFunc(rs, key, func(r Resource, k string) int { return strings.Compare(r.Ref.Key, k) })
	if !ok {
		return nil
	}
	return &rs[i]
}

// Kinds returns the names of the kinds the state knows or failed to read, sorted.
func (s *State) Kinds() []string {
	names := make([]string, 0, len(s.listings))
	for k := range s.listings {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// Len counts the resources of all kinds.
func (s *State) Len() int {
	n := 0
	for _, l := range s.listings {
		n += len(l.Resources)
	}
	return n
}

// Want asks for one kind of a panel to be read.
type Want struct {
	Kind *Kind
	// Declared returns the resource whose fields the reader will be compared
	// on, for a canonical key, or nil. A form is read only for a live resource
	// whose declared fields the list does not carry. A nil func means that the
	// list alone is enough.
	Declared func(key string) *Resource
	// Forms asks for the form of every resource for which it returns true,
	// whatever is declared: a saved plan is bound to all fields. May be nil.
	Forms func(key string) bool
	// Parents limits the reading of a kind with a parent (Kind.Parent) to the
	// children of these parents, by elid. Ignored for other kinds.
	Parents []string
	// Su lists the accounts to read as, for a kind whose list is per account
	// (Kind.Su). Ignored for other kinds.
	Su []string
	// All is for whatever Parents and Su are there: a prune rule looks at
	// what nothing declares, wherever it lives. Whoever reads the parents first
	// sees to it.
	All bool
}
