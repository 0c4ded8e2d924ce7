package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// Parity says how far one panel is what another was to become on it: the proof
// of a migration. Compared and Equal count resources.
type Parity struct {
	FormatVersion string `json:"format_version"`
	From          string `json:"from"`
	To            string `json:"to"`
	Compared      int    `json:"compared"`
	Equal         int    `json:"equal"`
	// Complete is true when every resource that was to be moved is there and
	// equal, nothing was unreadable, and no probe saw a difference.
	Complete bool          `json:"complete"`
	Kinds    []ParityCount `json:"kinds"` // sorted by name
	// Differing are the resources that are not equal, sorted by ref.
	Differing []ParityResource `json:"differing"`
	// Untold are the fields that the target does not tell, by KIND.FIELD: nobody can compare them.
	Untold   []Count   `json:"untold"`
	Findings []Finding `json:"findings"` // what was not moved, and why
	Probes   []Probe   `json:"probes"`   // empty when none were asked for
	Parity   string    `json:"parity"`   // "412 of 412"
}

// ParityCount counts the resources of one kind.
type ParityCount struct {
	Kind     string `json:"kind"`
	Compared int    `json:"compared"`
	Equal    int    `json:"equal"`
}

// ParityState says in what way a resource is not equal.
type ParityState string

// The states.
const (
	ParityDiffers ParityState = "differs"
	ParityMissing ParityState = "missing"
	ParityUnread  ParityState = "unread" // the list of its kind cannot be believed
)

// ParityResource is one resource that is not equal.
type ParityResource struct {
	Ref    specs.Ref     `json:"ref"`  // on the target
	From   string        `json:"from"` // its ref on the source
	State  ParityState   `json:"state"`
	Fields []ParityField `json:"fields"` // those that differ, sorted by name
	Why    string        `json:"why,omitempty"`
}

// ParityField is a field with another value than it was to have.
type ParityField struct {
	Field    string      `json:"field"`
	Expected specs.Value `json:"expected"`
	Actual   specs.Value `json:"actual"`
}

// Probe is what a visitor met at both panels under one address.
type Probe struct {
	URI   string     `json:"uri"` // http://HOST/, https://HOST/ or dns:NAME?type=TYPE
	Alike bool       `json:"alike"`
	From  ProbeReply `json:"from"`
	To    ProbeReply `json:"to"`
}

// ProbeReply is what one panel answered.
type ProbeReply struct {
	Status  int      `json:"status,omitempty"`  // of HTTP
	Title   string   `json:"title,omitempty"`   // of the page
	Answers []string `json:"answers,omitempty"` // of DNS, sorted
	Error   string   `json:"error,omitempty"`
}

// Compare holds a panel against what was to be moved to it, field by field.
// origin gives the ref on the source of a resource of desired. Secrets and what
// no panel tells are not compared.
func Compare(desired, live *specs.State, kinds func(string) *specs.Kind, origin func(specs.Ref) string) *Parity {
	p := &Parity{FormatVersion: FormatVersion, To: desired.Panel, Kinds: []ParityCount{}, Differing: []ParityResource{}, Untold: []Count{}, Findings: []Finding{}, Probes: []Probe{}}
	untold := map[string]int{}
	for _, name := range desired.Kinds() {
		k, count := kinds(name), ParityCount{Kind: name}
		rs := desired.Resources(name)
		for i := range rs {
			r := compareOne(k, &rs[i], live, untold)
			count.Compared++
			if r == nil {
				count.Equal++
				continue
			}
			r.From = origin(r.Ref)
			p.Differing = append(p.Differing, *r)
		}
		p.Compared, p.Equal = p.Compared+count.Compared, p.Equal+count.Equal
		p.Kinds = append(p.Kinds, count)
	}
	slices.SortFunc(p.Differing, func(a, b ParityResource) int { return a.Ref.Compare(b.Ref) })
	for _, field := range slices.Sorted(maps.Keys(untold)) {
		p.Untold = append(p.Untold, Count{Kind: field, Count: untold[field]})
	}
	return p
}

// compareOne says in what one resource is not equal, or nil.
func compareOne(k *specs.Kind, r *specs.Resource, live *specs.State, untold map[string]int) *ParityResource {
	out := &ParityResource{Ref: r.Ref, Fields: []ParityField{}}
	if !live.Complete(k.Name) {
		out.State, out.Why = ParityUnread, "it was not read"
		if l, ok := live.Listing(k.Name); ok {
			out.Why = l.Err.Error()
		}
		return out
	}
	is := live.Find(k.Name, r.Ref.Key)
	if is == nil {
		out.State = ParityMissing
		return out
	}
	for _, f := range r.Fields {
		row := k.Field(f.Name)
		v, told := is.Fields.Get(f.Name)
		switch {
		case !told && (row == nil || row.Read == specs.Never):
		case !told:
			untold[k.Name+"."+f.Name]++
		case v != f.Value:
			out.Fields = append(out.Fields, ParityField{f.Name, f.Value, v})
		}
	}
	if len(out.Fields) == 0 {
		return nil
	}
	out.State = ParityDiffers
	return out
}

// Finish gives the parity its findings and probes, and says whether it is
// complete. incomplete means that something that was to be moved could not even
// be wanted: a list of the source, or the map, failed.
func (p *Parity) Finish(findings []Finding, probes []Probe, incomplete bool) {
	p.Findings, p.Probes = append(p.Findings, findings...), append(p.Probes, probes...)
	p.Parity = fmt.Sprintf("%d of %d", p.Equal, p.Compared)
	p.Complete = p.Equal == p.Compared && !incomplete && !slices.ContainsFunc(p.Probes, func(b Probe) bool { return !b.Alike })
}

// Headline is the last line of a parity: "parity: 412 of 412".
func (p *Parity) Headline() string { return fmt.Sprintf("parity: %d of %d", p.Equal, p.Compared) }

// AlikeProbes counts the probes of a scheme, and those alike on both panels.
func (p *Parity) AlikeProbes(scheme string) (alike, all int) {
	for i := range p.Probes {
		if strings.HasPrefix(p.Probes[i].URI, scheme+":") {
			all++
			if p.Probes[i].Alike {
				alike++
			}
		}
	}
	return alike, all
}
