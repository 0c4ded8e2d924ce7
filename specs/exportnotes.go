package specs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// exportNotes are what an export must say about what is not in it. A spec that
// silently lacks things would be taken for all there is.
type exportNotes struct {
	missing []string
	left    map[string][]string // why → refs
	dropped map[string][]string // panel, kind, field → keys
	also    map[string][]string // panel, kind → keys
}

// namedInNote is how many resources a note names.
const namedInNote = 5

// note adds a key to one of the maps.
func (x *Exporter) note(to *map[string][]string, id, key string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if *to == nil {
		*to = map[string][]string{}
	}
	(*to)[id] = append((*to)[id], key)
}

func (x *Exporter) leave(r Ref, why string) {
	x.note(&x.notes.left, r.Panel+": "+r.Kind+": "+why, r.Key)
}

// dropped notes a value that no spec can give the field.
func (x *Exporter) dropped(panel string, k *Kind, field, key string, v Value) {
	x.note(&x.notes.dropped, fmt.Sprintf("%s: %s: the value of %s is not one that a spec can give it", panel, k.Name, field),
		fmt.Sprintf("%s has %q", key, clipText(v.String())))
}

func clipText(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// lines are the notes, for people.
func (n *exportNotes) lines() []string {
	var out []string
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			out = append(append(out, title), lines...)
		}
	}
	missing := slices.Clone(n.missing)
	slices.Sort(missing)
	for i := range missing {
		missing[i] = "  " + missing[i]
	}
	section("NOT READ, so not in here:", missing)
	section("Left out:", counted(n.left))
	section("Fields left out, and so not managed:", counted(n.dropped))
	section("In here too, because others refer to it:", counted(n.also))
	return out
}

func counted(byWhy map[string][]string) []string {
	var out []string
	for _, why := range slices.Sorted(maps.Keys(byWhy)) {
		keys := slices.Clone(byWhy[why])
		slices.Sort(keys)
		more := ""
		if len(keys) > namedInNote {
			more = fmt.Sprintf(" and %d more", len(keys)-namedInNote)
			keys = keys[:namedInNote]
		}
		out = append(out, "  "+why+": "+strings.Join(keys, ", ")+more)
	}
	return out
}
