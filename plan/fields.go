package plan

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// A step's digest says that a resource has changed; this file is for saying
// where. A plan keeps, beside the digest, a mark of two bytes for each field of
// what it was made from: enough to name the field that changed, too little to
// tell its value, and some hundred bytes for the widest kind. The marks decide
// nothing: ResourceDigest does, and a mark that is the same by chance only
// makes an explanation less precise.

// markSize is the length of a mark in bytes. Zero stands for a field that the
// panel did not tell.
const markSize = 2

// mark is the mark of a value (FNV-1a over its type and items, folded).
func mark(v specs.Value) [markSize]byte {
	if v.IsAbsent() {
		return [markSize]byte{}
	}
	h := uint32(2166136261)
	add := func(b byte) { h = (h ^ uint32(b)) * 16777619 }
	add(byte(v.Type()))
	for _, it := range v.Items() {
		for i := range len(it) {
			add(it[i])
		}
		add(0) // canonical values hold no NUL, so this ends an item
	}
	h ^= h >> 16
	return [markSize]byte{byte(h>>8) | 1, byte(h)}
}

// fieldNames gathers, per kind, the fields that live resources of steps have.
func fieldNames(drafts []*Draft) map[string][]string {
	sets := map[string]map[string]bool{}
	for _, d := range drafts {
		for _, s := range d.steps {
			if s.live == nil {
				continue
			}
			if sets[s.Kind] == nil {
				sets[s.Kind] = map[string]bool{}
			}
			for i := range s.live.Fields {
				sets[s.Kind][s.live.Fields[i].Name] = true
			}
		}
	}
	out := make(map[string][]string, len(sets))
	for kind, set := range sets {
		out[kind] = slices.Sorted(maps.Keys(set))
	}
	return out
}

// marks are the marks of a resource's fields, in the order of names, as text.
func marks(r *specs.Resource, names []string) string {
	b := make([]byte, 0, markSize*len(names))
	for _, name := range names {
		v, _ := r.Fields.Get(name)
		m := mark(v)
		b = append(b, m[:]...)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// moved names the fields of a step that are not what they were, sorted; told is
// false of those that were not told when the plan was made. Fields that the
// plan knows nothing of count as not told. Without marks there are none.
func (p *Plan) moved(s *Step, now *specs.Resource) (names []string, told map[string]bool) {
	if s.WasFields == "" {
		return nil, nil
	}
	b, err := base64.RawStdEncoding.DecodeString(s.WasFields)
	known := p.Fields[s.Kind]
	if err != nil || len(b) != markSize*len(known) {
		return nil, nil
	}
	told = map[string]bool{}
	seen := map[string]bool{}
	for i, name := range known {
		seen[name] = true
		was := [markSize]byte(b[markSize*i:])
		if v, _ := now.Fields.Get(name); mark(v) != was {
			names = append(names, name)
			told[name] = was != [markSize]byte{}
		}
	}
	for i := range now.Fields {
		if f := &now.Fields[i]; !seen[f.Name] && !f.Value.IsAbsent() {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names, told
}

// manyUntold is from how many fields on, none of them told when the plan was
// made, it is likelier that their form was not read than that somebody set them.
const manyUntold = 4

// threeWay says what a resource was, is, and should become, a line per field.
// The plan keeps the old value only of the fields it changes; of the others it
// can tell that they changed.
func (p *Plan) threeWay(s *Step, r *specs.Resource) string {
	var lines []string
	changes := map[string]bool{}
	for _, ch := range s.Changes {
		changes[ch.Field] = true
		if is, _ := r.Fields.Get(ch.Field); is != ch.Before {
			lines = append(lines, fmt.Sprintf("%s: was %s, is %s, wanted %s", ch.Field, quote(ch.Before), quote(is), quote(ch.After)))
		}
	}
	names, told := p.moved(s, r)
	names = slices.DeleteFunc(names, func(name string) bool { return changes[name] })
	wish := "wanted as it was"
	if s.Action == Delete {
		wish = "wanted: delete"
	}
	untold := 0
	for _, name := range names {
		if !told[name] {
			untold++
		}
	}
	for _, name := range names {
		is, _ := r.Fields.Get(name)
		switch {
		case told[name]:
			lines = append(lines, fmt.Sprintf("%s: was something else, is %s, %s", name, quote(is), wish))
		case untold < manyUntold:
			lines = append(lines, fmt.Sprintf("%s: was not told, is %s, %s", name, quote(is), wish))
		}
	}
	if untold >= manyUntold {
		lines = append(lines, fmt.Sprintf("%d fields are told now that the plan was made without: a plan to be applied is one that `ispsync plan --out` saved, which reads them all", untold))
	}
	if len(lines) == 0 {
		return "was changed after the plan was made, though not in what the plan changes; wanted: " + wanted(s)
	}
	return strings.Join(lines, "\n")
}
