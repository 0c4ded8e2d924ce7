package panellog

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ispsync/ispsync/specs"
)

// A spec says how things are, a log how they became so. The folder plays the
// requests in order on an empty table: an edit adds to what is known of its
// resource, a delete leaves a tombstone and takes along what cannot be without
// it, and what the table holds in the end is the spec. Which resource a request
// means is decided by the catalog alone (specs.Kind.FromElid, FromCreate); what
// it cannot prove is told and left out.

// place is where a resource stands in the table.
type place struct{ kind, key string }

// folded is what the log says of one resource so far.
type folded struct {
	kind    *specs.Kind
	id      specs.Identity // its fields are those that make the key
	su      string
	absent  bool
	fields  specs.Fields
	secrets []hidden // in order of appearance, each field once
	unknown []string // parameters the catalog does not know, as comments
	remarks []string
	line    int // of the last request about it
}

// hidden is a secret field and the line that gave it a value last.
type hidden struct {
	field string
	line  int
}

func (e *folded) String() string { return e.kind.Name + " " + e.id.Key }

// stranger is a function of no kind.
type stranger struct {
	fn          string
	times, line int // line of the first one
}

// maxStrangers bounds the functions that are told one by one.
const maxStrangers = 1000

type folder struct {
	fns       *functions
	o         Options
	table     map[place]*folded
	users     map[place]map[place]bool // who referred to a resource, perhaps no longer
	learned   map[[4]string]specs.Identity
	strangers []*stranger
}

func newFolder(fns *functions, o Options) *folder {
	return &folder{fns: fns, o: o, table: map[place]*folded{}, users: map[place]map[place]bool{}, learned: map[[4]string]specs.Identity{}}
}

func (f *folder) note(r *request, format string, args ...any) {
	f.o.Note(r.line, r.fn+": "+fmt.Sprintf(format, args...))
}

// take plays one request.
func (f *folder) take(r *request) {
	d, known := f.fns.find(r.fn)
	if !known {
		f.meet(r)
		return
	}
	su, err := f.account(r, d.kind)
	if err != nil {
		f.note(r, "%v; it is left out", err)
		return
	}
	if d.op == edits {
		f.edit(r, d.kind, su)
		return
	}
	for elid := range strings.SplitSeq(r.get("elid"), ", ") {
		f.group(r, d, su, elid)
	}
}

// meet remembers a function of no kind.
func (f *folder) meet(r *request) {
	for _, s := range f.strangers {
		if s.fn == r.fn {
			s.times++
			return
		}
	}
	if len(f.strangers) == maxStrangers {
		f.note(r, "no kind of the catalog has this function; it is left out")
		return
	}
	f.strangers = append(f.strangers, &stranger{r.fn, 1, r.line})
}

// account is the entry key su: the account a request names, or for a kind that
// is per account, the one whose session it was.
func (f *folder) account(r *request, k *specs.Kind) (string, error) {
	su := r.get("su")
	if k.Su == "" {
		if !utf8.ValidString(su) {
			return "", fmt.Errorf("su=%q is no account", su)
		}
		return su, nil
	}
	if su == "" {
		su = r.user
	}
	v, err := f.fns.catalog.Kind(k.Su).Key.Canon.Parse(su)
	if err != nil || v.IsEmpty() {
		return "", fmt.Errorf("su=%q is no account", su)
	}
	return v.String(), nil
}

// edit plays a request that saves a form: a create without elid, else a change.
func (f *folder) edit(r *request, k *specs.Kind, su string) {
	s := f.said(r, k)
	now, was, ok := f.identify(r, k, su, s.fields)
	if !ok {
		f.note(r, "which %s it means cannot be told from the log; it is left out", k.Name)
		return
	}
	if k.Key.Elid != "" && r.get("elid") != "" {
		f.learned[[4]string{k.Name, su, r.get("plid"), r.get("elid")}] = now
	}
	e := f.entry(k, now)
	if was != nil {
		f.move(r, e, k, su, *was)
	}
	e.id, e.su, e.absent, e.line = now, su, false, r.line
	for _, field := range slices.Concat(now.Fields, s.fields) {
		e.fields = e.fields.With(field.Name, field.Value)
	}
	if owner := k.Field(k.Owner); owner != nil && owner.Required && r.get("elid") == "" && su == "" {
		_, said := e.fields.Get(k.Owner)
		if v, err := owner.FromParam(r.user); !said && err == nil && !v.IsEmpty() {
			e.fields = e.fields.With(k.Owner, v)
		}
	}
	for _, name := range s.secrets {
		e.secrets = append(slices.DeleteFunc(e.secrets, func(h hidden) bool { return h.field == name }), hidden{name, r.line})
	}
	e.add(s.unknown)
	for _, to := range f.references(e) {
		if f.users[to] == nil {
			f.users[to] = map[place]bool{}
		}
		f.users[to][place{k.Name, now.Key}] = true
	}
}

// entry finds a resource in the table, or puts it there.
func (f *folder) entry(k *specs.Kind, id specs.Identity) *folded {
	at := place{k.Name, id.Key}
	e := f.table[at]
	if e == nil {
		e = &folded{kind: k, id: id, fields: id.Fields}
		f.table[at] = e
	}
	return e
}

func (e *folded) add(unknown []string) {
	for _, u := range unknown {
		if !slices.Contains(e.unknown, u) {
			e.unknown = append(e.unknown, u)
		}
	}
}

// identify finds the resource an edit is about, and when the edit gives it
// another key, the one it was.
func (f *folder) identify(r *request, k *specs.Kind, su string, fields specs.Fields) (now specs.Identity, was *specs.Identity, ok bool) {
	params := map[string]string{}
	for _, p := range r.params {
		params[p.name] = p.value
	}
	made, created := k.FromCreate(r.fn, params, su, fields)
	elid := r.get("elid")
	if elid == "" {
		return made, nil, created
	}
	old, found := f.byElid(r, k, su, elid)
	switch {
	case created && made.Told && found && old.Key != made.Key:
		return made, &old, true
	case created && made.Told:
		return made, nil, true
	case found:
		return old, nil, true
	}
	return made, nil, created
}

// byElid finds the resource an elid means: one the log told before, or the one
// the catalog proves.
func (f *folder) byElid(r *request, k *specs.Kind, su, elid string) (specs.Identity, bool) {
	if id, ok := f.learned[[4]string{k.Name, su, r.get("plid"), elid}]; ok {
		return id, true
	}
	return k.FromElid(elid, su, parentField(r, k))
}

// parentField is the field that plid says.
func parentField(r *request, k *specs.Kind) specs.Fields {
	if k.Parent == nil {
		return nil
	}
	v, err := k.Field(k.Parent.Field).FromParam(r.get("plid"))
	if err != nil || v.IsEmpty() {
		return nil
	}
	return specs.Fields{{Name: k.Parent.Field, Value: v}}
}

// move plays a change of key. What has no name of its own (a DNS record is its
// value) is another resource now, and the old one is gone. What has one was
// renamed: a spec cannot say that, so the entry says it in a comment.
func (f *folder) move(r *request, e *folded, k *specs.Kind, su string, was specs.Identity) {
	at := place{k.Name, was.Key}
	old := f.table[at]
	if old != nil && !old.absent {
		for _, field := range old.fields {
			e.fields = e.fields.With(field.Name, field.Value)
		}
		e.secrets, e.unknown = old.secrets, old.unknown
	}
	if !k.Key.Unique {
		gone := f.entry(k, was)
		gone.su = su
		gone.remove(r.line)
		return
	}
	delete(f.table, at)
	remark := fmt.Sprintf("renamed from %s: ispsync does not rename, so on a panel that has the old one rename it first", was.Key)
	e.remarks = append(e.remarks, remark)
	f.note(r, "%s %s was %s", k.Name, e.id.Key, remark)
}

// remove leaves a tombstone.
func (e *folded) remove(line int) {
	e.absent, e.line = true, line
	e.fields, e.secrets, e.unknown, e.remarks = nil, nil, nil, nil
}

// group plays a delete, suspend or resume of one elid.
func (f *folder) group(r *request, d doer, su, elid string) {
	id, ok := f.byElid(r, d.kind, su, elid)
	if !ok {
		f.note(r, "which %s elid=%q means cannot be told from the log; it is left out", d.kind.Name, elid)
		return
	}
	at := place{d.kind.Name, id.Key}
	if d.op == deletes {
		e := f.entry(d.kind, id)
		e.id, e.su = id, su
		e.remove(r.line)
		e.add(f.said(r, d.kind).unknown)
		f.takeAlong(at, r.line)
		return
	}
	if e := f.table[at]; e != nil && e.absent {
		f.note(r, "%s was deleted before; this is left out", e)
		return
	}
	for _, row := range d.kind.Fields {
		if row.Toggle {
			e := f.entry(d.kind, id)
			e.id, e.su, e.line = id, su, r.line
			e.fields = e.fields.With(row.Name, specs.Bool(d.op == resumes))
			return
		}
	}
	f.note(r, "the kind %s has no field that is switched so; it is left out", d.kind.Name)
}
