package specs

import (
	"time"

	"github.com/expr-lang/expr/vm"
)

// A Kind is one row of the catalog: how the panel lists, edits and deletes one
// kind of resource, and how its fields are read and written. Rows are data
// (catalog.yaml, or `kinds:` in a spec); the client, the planner and the
// executor know no kind by name.
type Kind struct {
	Name string // the panel's list function and the section name in a spec
	Doc  string
	Sure string // how sure we are of the row: high, medium, low

	// Functions of the panel. Delete, Suspend and Resume may be empty: the
	// kind then cannot be deleted or switched.
	List, Edit, Delete, Suspend, Resume string
	// ListParams and DeleteParams are sent with those calls besides the usual ones.
	ListParams, DeleteParams map[string]string

	Key Key
	// Create holds further parameters of a create call, as expressions; see CreateParams.
	Create []CreateParam
	// CreateFunc is an expression that yields the function that creates, for a
	// kind that is made in several ways; empty: Edit. See FuncToCreate.
	CreateFunc string
	// Owner is the field that names the account a resource belongs to, or "".
	Owner string
	// Parent is set when resources live inside another kind's resource, which
	// is then named by plid in every call.
	Parent *Parent
	// Su is set when resources belong to one account each and are listed and
	// changed with its rights: it names the kind whose keys are the accounts. An
	// entry then says su.
	Su string
	// KeyRefers lists kinds that a resource refers to through its key: a mailbox
	// its mail domain. See KeyReferences.
	KeyRefers []KeyRefer
	// Optional marks a kind that a panel may not know at all: a module or an
	// edition that it does not have. Then it has none of them.
	Optional bool
	// Unloads marks a kind whose list comes back empty when the panel has
	// unloaded the module behind it: an empty one is distrusted where accounts
	// use disk space (panel-api.md section 11).
	Unloads bool
	// Async is set when a create only begins the work: the panel goes on by
	// itself, and the resource is there when its list says so.
	Async *Async
	// Login says that keys of this kind are accounts that may log in to the
	// panel: ispsync never deletes or suspends its own.
	Login bool
	// Brings names kinds of which the panel may make a resource with the same
	// key when one of these is created (a web domain's DNS zone).
	Brings []string
	// TakesWithIt names the kinds whose resources, owned by this one, go when
	// it is deleted.
	TakesWithIt []string
	// Offered says of parameters of the create call which kind's keys are the
	// values that a panel offers: a database's server. See FieldRow.Offered.
	Offered map[string]string
	// Builtin is an expression over `name` (the key) and the fields that is true of
	// resources which panels make by themselves and nobody else can make: the SOA
	// of a zone. They are not taken to another panel.
	Builtin string
	// Probe is an expression over `name` (the key) and the fields that yields
	// where a visitor meets the resource: http://HOST/, https://HOST/ or
	// dns:NAME?type=TYPE (RFC 4501); see Moved.Probes.
	Probe string

	// Meters are list columns that expressions may see but that are no fields.
	Meters []string

	Fields  []*FieldRow // sorted by name
	byName  map[string]*FieldRow
	compose *vm.Program // Key.Compose, compiled
	live    *vm.Program // Key.Live, compiled
	create  *vm.Program // CreateFunc, compiled
	probe   *vm.Program // Probe, compiled
	builtin *vm.Program // Builtin, compiled

	// Dialects say what differs on panels of a generation (4, 5 or 6); see
	// Catalog.For.
	Dialects map[int]*Dialect

	// Rank orders kinds: a kind comes after those it refers to. Set by Link.
	Rank int
}

// Key says how the identity of a resource is written and found.
type Key struct {
	Param   string   // parameter of Edit that names a new resource; default "name"
	Columns []string // list columns that hold it, first one present wins; default Param
	Elid    string   // list column holding the panel's own identifier, when it is another
	Canon   Canon
	Compose string // expression that makes the key of a name and fields; empty: the name is the key
	Live    string // expression that makes the key of a row of the list; empty: Columns hold it
	Max     int    // the longest name a panel takes, in characters; 0 when nobody knows
	Unique  bool   // the panel refuses a second one, so a create may be repeated when it provably is not there
	Doc     string
	Example string
}

// Dialect is what one generation of panels calls the functions and parameters
// of a kind; empty means as the row says.
type Dialect struct {
	List, Edit, Delete, Suspend, Resume string
	// Prefix stands before every parameter and form node of Edit, the key's
	// included (site_ of site.edit).
	Prefix string
	Key    string // parameter of Edit that names a new resource
	// Params gives single fields another parameter and form node.
	Params map[string]string
}

// Async says how to know that a create has come to its end.
type Async struct {
	Column string        // list column that tells the state; empty: being listed is enough
	Busy   []string      // values of Column that mean that it goes on; any other is the end
	Failed []string      // values of Column that mean that it failed
	Wait   time.Duration // how long to wait at most
}

// Parent says in which kind's resources those of a kind live.
type Parent struct {
	Kind  string // the parent's kind
	Field string // the field of the child that holds the parent's key
	Param string // the parameter that names it in a list call; edits use plid
}

// ReadFrom says where the current value of a field can be read.
type ReadFrom string

// Where a field is read from. A field of FromList whose column a panel does
// not send at all is read from the form instead.
const (
	FromList ReadFrom = "list"
	FromForm ReadFrom = "form"
	Never    ReadFrom = "never"
)

// FieldRow is one field of a kind.
type FieldRow struct {
	Name string
	Doc  string
	Sure string
	// Param is the parameter of Edit; default Name.
	Param string
	// Read says where the value is found; Columns are the list columns to look
	// in (first one present wins; default Name), Form the node of the form
	// (default Param).
	Read    ReadFrom
	Columns []string
	Form    string
	Canon   Canon
	// Separator joins list items on the wire; default a space.
	Separator string
	// Refers names the kind whose resource this field points at, or "".
	Refers string
	// Names is the kind whose keys this field holds though nothing looks whether
	// they are there; a renamed one is followed. Refers does both.
	Names string
	// Offered names the kind whose keys are the values that a panel offers for
	// this field, besides Values: its templates for accounts, its addresses.
	Offered string
	// Bounds names the kind of which an account may own at most so many as this
	// field of the account says.
	Bounds string
	// MappedAs are words of a map file, besides Name, whose tables are about this
	// field too: ip for all addresses. See Mapping.
	MappedAs []string
	// With says which values of other fields give this one a meaning; under others
	// a panel makes it up, and it is not taken to another panel.
	With map[string]string
	// Required fields must be given when a resource is created.
	Required bool
	// CreateOnly fields are sent when a resource is created and never after: a
	// difference is a finding, not an update.
	CreateOnly bool
	// KeyPart marks a field that says a part of the key or of the create call:
	// it is not sent as a parameter of its own.
	KeyPart bool
	// Secret fields are write-only. Confirm names a second parameter that
	// takes the same value.
	Secret  bool
	Confirm string
	// Toggle marks the field that is switched with Suspend and Resume
	// instead of Edit (active).
	Toggle bool
	// Default is the value a new resource has when the spec does not say, if known.
	Default Value
	// Derived is an expression over name, the key, that yields what a panel makes
	// of the field when a new resource does not say; see DerivedValue.
	Derived string
	derived *vm.Program
	Values  []string // documented values, for help texts; others are accepted
	Example string
}

// Field returns a field's row by name, or nil.
func (k *Kind) Field(name string) *FieldRow { return k.byName[name] }
