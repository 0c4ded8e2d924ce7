package specs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// What accounts may own: a panel counts when something is made, so it can be
// counted before. The catalog says which field bounds which kind (FieldRow.Bounds).

// limits counts what each account would own.
func (j *judge) limits() {
	for _, accounts := range j.t.Catalog.Kinds() {
		for _, row := range accounts.Fields {
			if row.Bounds != "" && j.State.Resources(row.Bounds) != nil {
				j.bound(accounts, row, j.t.Catalog.Kind(row.Bounds))
			}
		}
	}
}

// bound holds one limit of all accounts against what they would own.
func (j *judge) bound(accounts *Kind, row *FieldRow, k *Kind) {
	owned, made := map[string]int{}, map[string]int{}
	for _, r := range j.t.Live.Resources(k.Name) {
		owned[j.ownerThere(k, &r)]++
	}
	for _, r := range j.State.Resources(k.Name) {
		if j.t.Live.Find(k.Name, r.Ref.Key) == nil {
			owner := j.ownerThere(k, &r)
			owned[owner]++
			made[owner]++
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(made)) {
		limit, ok := j.limit(accounts, row, owner)
		if !ok || owned[owner] <= limit {
			continue
		}
		ref := Ref{j.State.Panel, accounts.Name, owner}
		old := strconv.Itoa(limit)
		if from := j.Origins[ref]; from != nil {
			if v, ok := from.Fields.Get(row.Name); ok {
				old = v.String()
			}
		}
		j.add(Obstacle{Code: ObstacleLimit, Fatal: true, Ref: ref.String(), Message: fmt.Sprintf("it would own %d %s, and its %s is %d; raise it, or leave some behind: %s",
			owned[owner], k.Name, row.Name, limit, valueLine(accounts.Name+"."+row.Name, old, strconv.Itoa(owned[owner])))})
	}
}

// limit is what an account may own: as it will be, or else as it is.
func (j *judge) limit(accounts *Kind, row *FieldRow, owner string) (int, bool) {
	for _, state := range []*State{j.State, j.t.Live} {
		r := state.Find(accounts.Name, owner)
		if r == nil {
			continue
		}
		if v, ok := r.Fields.Get(row.Name); ok && v.t == NumberType {
			n, err := strconv.Atoi(v.s)
			return n, err == nil && n >= 0
		}
	}
	return 0, false
}

// ownerThere is the account that a resource belongs to on the target: its own
// field, or that of what it lives in.
func (j *judge) ownerThere(k *Kind, r *Resource) string {
	for r != nil {
		if k.Su != "" {
			return r.Su
		}
		if v, ok := r.Fields.Get(k.Owner); ok && k.Owner != "" {
			return v.String()
		}
		if k.Parent == nil {
			return ""
		}
		key := r.Parent
		k = j.t.Catalog.Kind(k.Parent.Kind)
		if r = j.State.Find(k.Name, key); r == nil {
			r = j.t.Live.Find(k.Name, key)
		}
	}
	return ""
}
