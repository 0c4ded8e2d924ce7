package plan

import (
	"time"

	"github.com/ispsync/ispsync/specs"
)

// FormatVersion is the version of the plan document this program writes.
const FormatVersion = "1"

// AbsentDigest is Step.Was of a create: there was nothing.
const AbsentDigest = "absent"

// Plan is what apply would do, and everything a reviewer needs to judge it.
// It holds no secret: secret fields appear by name.
type Plan struct {
	FormatVersion string    `json:"format_version"`
	ID            string    `json:"id"`     // random, one per plan made
	Digest        string    `json:"digest"` // over all the rest; see Seal
	CreatedAt     time.Time `json:"created_at"`
	ExpiresAt     time.Time `json:"expires_at"`
	SpecDigest    string    `json:"spec_digest"` // of the resolved spec; see specs.Spec.Digest
	// MadeBy says what wanted the steps when it was not the spec: "undo RUN",
	// "migrate A → B". The spec then gave only panels and rules.
	MadeBy  string  `json:"made_by,omitempty"`
	Summary Summary `json:"summary"`
	Panels  []Panel `json:"panels"` // sorted by name
	// Fields names, per kind, the fields that Step.WasFields is about.
	Fields   map[string][]string `json:"fields,omitempty"`
	Steps    []Step              `json:"steps"`    // in the order to run them, panel by panel
	Kept     []Kept              `json:"kept"`     // sorted by ref
	Findings []Finding           `json:"findings"` // errors first, then by ref
}

// Summary counts resources by what becomes of them.
type Summary struct {
	Create    int `json:"create"`
	Update    int `json:"update"`
	Delete    int `json:"delete"`
	Unchanged int `json:"unchanged"`
	Kept      int `json:"kept"`
}

func (s *Summary) count(a Action) {
	switch a {
	case Create:
		s.Create++
	case Update:
		s.Update++
	case Delete:
		s.Delete++
	}
}

// Changes counts the steps.
func (s Summary) Changes() int { return s.Create + s.Update + s.Delete }

// Panel says how the reading of one panel went.
type Panel struct {
	Name      string `json:"name"`
	URL       string `json:"url"`
	Account   string `json:"account"`
	Reachable bool   `json:"reachable"`
	// Error says why the panel, or some of its kinds, could not be read; empty
	// when everything asked for was. A panel can be reachable and have an Error.
	Error    string `json:"error"`
	Requests int    `json:"requests"` // calls sent to make this plan, logins included
	// Forms is how many of them read a single resource's form, because a list
	// does not carry a field that the spec declares.
	Forms int `json:"forms,omitempty"`
	// Refused is true when the panel refused the account: exit code 7 is about this.
	Refused bool `json:"refused,omitempty"`
}

// Action is what a step does.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Symbol is the mark of an action in texts: + ~ -.
func (a Action) Symbol() string {
	switch a {
	case Create:
		return "+"
	case Update:
		return "~"
	default:
		return "-"
	}
}

// Step is one create, update or delete. A resource has at most one.
type Step struct {
	ID     string    `json:"id"` // s1, s2, … in plan order
	Ref    specs.Ref `json:"ref"`
	Panel  string    `json:"panel"`
	Kind   string    `json:"kind"`
	Key    string    `json:"key"`
	Action Action    `json:"action"`
	// Changes are the fields to be sent, sorted by name. Before is null where
	// there was nothing; for a delete there are none.
	Changes []Change `json:"changes"`
	Secrets []string `json:"secrets"` // names of the secret fields written
	Needs   []string `json:"needs"`   // ids of earlier steps that must be done first
	// Was is the digest of the live resource this step was made from, or AbsentDigest.
	Was string `json:"was"`
	// WasFields has two bytes per field of Plan.Fields, base64: what they tell
	// is which field has changed since, never a value. Not for a create.
	WasFields string `json:"was_fields,omitempty"`
	Source    string `json:"source"` // file:line of the entry that asked, empty for prune
	// Why is for people; nothing may depend on it.
	Why         string  `json:"why"`
	TakesWithIt []Count `json:"takes_with_it"` // what goes with a deleted resource
	// SecretsNeeded names secret fields without which the call cannot be made,
	// and of which nobody said where the value comes from. Such a step is in the
	// plan so that it is seen, and is not sent: it ends as failed.
	SecretsNeeded []string `json:"secrets_needed,omitempty"`
	// Call is in plans that were not made from the spec alone (Plan.MadeBy).
	Call *Call `json:"call,omitempty"`

	// What a call needs besides the document: filled by Make, or by Check
	// after a saved plan was read again. Never serialised.
	Elid       string              `json:"-"` // the panel's own identifier, when it is not Key
	Su         string              `json:"-"`
	Parent     string              `json:"-"` // key of the resource it lives in
	SecretRefs []specs.SecretField `json:"-"`
}

// Call is what the calls of a step need besides the document, for steps that
// the spec does not declare: a saved plan of an ordinary spec looks it up there.
type Call struct {
	Elid    string            `json:"elid,omitempty"`
	Su      string            `json:"su,omitempty"`
	Parent  string            `json:"parent,omitempty"`
	Secrets map[string]Secret `json:"secrets,omitempty"` // by field: references, never values
}

// Secret is a reference to a secret's value as a plan document writes it.
type Secret struct {
	Source specs.SecretSource `json:"source"`
	Arg    string             `json:"arg"`
}

// callOf is what a step's calls need, as the document keeps it.
func callOf(s *Step) *Call {
	c := &Call{Elid: s.Elid, Su: s.Su, Parent: s.Parent}
	for _, f := range s.SecretRefs {
		if c.Secrets == nil {
			c.Secrets = map[string]Secret{}
		}
		c.Secrets[f.Name] = Secret{f.Secret.Source, f.Secret.Arg}
	}
	return c
}

// secretRefs are the references of some secret fields.
func (c *Call) secretRefs(names []string) []specs.SecretField {
	var refs []specs.SecretField
	for _, name := range names {
		if s, ok := c.Secrets[name]; ok {
			refs = append(refs, specs.SecretField{Name: name, Secret: specs.Secret{Source: s.Source, Arg: s.Arg}})
		}
	}
	return refs
}

// Resource is the step as the panel client takes it: the ref, the fields and
// secrets to be sent, nothing else.
func (s *Step) Resource() specs.Resource {
	r := specs.Resource{Ref: s.Ref, Elid: s.Elid, Su: s.Su, Parent: s.Parent, Secrets: s.SecretRefs}
	r.Fields = make(specs.Fields, 0, len(s.Changes))
	for _, c := range s.Changes {
		if !c.After.IsAbsent() {
			r.Fields = append(r.Fields, specs.Field{Name: c.Field, Value: c.After})
		}
	}
	return r
}

// Change is one field that becomes another value.
type Change struct {
	Field  string      `json:"field"`
	Before specs.Value `json:"before"`
	After  specs.Value `json:"after"`
}

// Count is a number of resources of a kind.
type Count struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

// Kept is a live resource deliberately left alone.
type Kept struct {
	Ref specs.Ref `json:"ref"`
	Why string    `json:"why"`
}

// Severity of a finding. An error blocks apply.
type Severity string

// The severities.
const (
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Finding is something the reader must know.
type Finding struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"` // see the Code… constants
	Ref      string   `json:"ref"`  // the resource, or panel/kind, or panel; may be empty
	Message  string   `json:"message"`
	// Lift is the flag, with its value, that allows what the finding holds
	// back; empty when nothing does.
	Lift string `json:"lift,omitempty"`
}

// Codes of findings. They are stable: people's scripts match on them.
const (
	CodeReferenceMissing = "reference_missing"   // error: refers to something neither declared nor on the panel (exit 6)
	CodeDeletesLimit     = "deletes_limit"       // error: more deletes than limits.deletes allows (exit 5)
	CodeProtected        = "protected"           // error: a tombstone for something protected (exit 5)
	CodeOwnAccount       = "own_account"         // error: would delete or suspend the account in use (exit 5); a warning where a prune rule would
	CodePolicy           = "policy"              // error or warning: a policy of the spec
	CodeOwnerDiffers     = "owner_differs"       // warning: declared with another owner than it has
	CodeCreateOnly       = "create_only_differs" // warning: differs in a field that only a create can set
	CodeUnreadable       = "field_unreadable"    // warning: the panel does not tell this declared field
	CodeUnusableKey      = "unusable_key"        // warning: a live key that cannot be used safely
	CodeTakesDeclared    = "takes_declared"      // error: a delete takes a declared resource with it (exit 5)
	CodeLiteralSecret    = "literal_secret"      // warning: a password written out in the spec
	CodeBringsAbsent     = "brings_absent"       // warning: a create may bring what is declared absent
	CodeListing          = "listing_incomplete"  // warning: a kind could not be read; nothing of it is planned
	CodeRequired         = "required_missing"    // error: a create lacks a field the panel demands (exit 6)
	CodeRule             = "rule_failed"         // error: a prune or protect rule cannot be evaluated (exit 6)
	CodeNotDeletable     = "not_deletable"       // error: a tombstone of a kind the panel cannot delete (exit 6)
	CodeCircle           = "circle"              // error: resources refer to each other in a circle (exit 6)
	CodeNotUndone        = "not_undone"          // warning: what undoing a run cannot bring back, or leaves alone
	CodeCollapsed        = "collapsed"           // error: a kind lost most of its resources since the last run (exit 5); warning: lost a few, all there were
	CodePasswordDiffers  = "password_differs"    // warning: the panel refuses the declared password (--check-passwords)
	CodePasswordUnknown  = "password_unchecked"  // warning: whether a password differs could not be found out
	CodeSecretNeeded     = "secret_needed"       // warning: a create needs a secret that nobody can read; its step is not sent
)
