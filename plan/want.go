package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ispsync/ispsync/specs"
)

// Wants says what has to be read of a panel before it can be planned: each
// managed kind once, and each kind that a declared resource refers to without
// the spec declaring the one referred to. pruned names the kinds with a prune rule.
func Wants(in Input, pruned []string) []specs.Want {
	managed := map[string]bool{}
	for _, name := range in.Desired.Kinds() {
		managed[name] = true
	}
	for _, name := range pruned {
		managed[name] = true
	}
	prune := func(k *specs.Kind) bool { return slices.Contains(pruned, k.Name) }
	out := make([]specs.Want, 0, len(managed)+1)
	referred := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(managed)) {
		k := in.Kinds(name)
		w := wantOf(k, in.Desired)
		w.All = prune(k) && len(LivesIn(k)) > 0
		out = append(out, w)
		for _, l := range kindLinks(k) {
			if !managed[l.kind] && in.namesOther(name, l) {
				referred[l.kind] = true
			}
		}
		for _, r := range k.KeyRefers {
			if !managed[r.Kind] {
				referred[r.Kind] = true
			}
		}
		if k.Su != "" && !managed[k.Su] {
			referred[k.Su] = true // which accounts there are: see PerAccount
		}
		if k.Parent != nil && w.All && !managed[k.Parent.Kind] {
			referred[k.Parent.Kind] = true // which parents there are
		}
	}
	for name := range referred {
		out = append(out, specs.Want{Kind: in.Kinds(name)})
	}
	slices.SortFunc(out, func(a, b specs.Want) int {
		return cmp.Or(cmp.Compare(a.Kind.Rank, b.Kind.Rank), cmp.Compare(a.Kind.Name, b.Kind.Name))
	})
	return out
}

// LivesIn names the kinds by whose resources a kind is listed.
func LivesIn(k *specs.Kind) []string {
	var out []string
	if k.Parent != nil {
		out = append(out, k.Parent.Kind)
	}
	if k.Su != "" {
		out = append(out, k.Su)
	}
	return out
}

// PerAccount takes out of wants those whose lists are per account. They come
// second: a panel cannot list for an account that it does not have yet.
func PerAccount(wants []specs.Want) (first, second []specs.Want) {
	for _, w := range wants {
		if w.Kind.Su != "" {
			second = append(second, w)
		} else {
			first = append(first, w)
		}
	}
	return first, second
}

// OfAccounts limits wants to the accounts that are there. Where the accounts
// could not be read, all are asked for.
func OfAccounts(wants []specs.Want, live *specs.State) []specs.Want {
	out := slices.Clone(wants)
	for i := range out {
		w := &out[i]
		if !live.Complete(w.Kind.Su) {
			continue
		}
		w.Su = slices.DeleteFunc(slices.Clone(w.Su), func(account string) bool { return live.Find(w.Kind.Su, account) == nil })
	}
	return out
}

// wantOf asks for a managed kind. A tombstone's fields are never compared, so
// it declares none.
func wantOf(k *specs.Kind, desired *specs.State) specs.Want {
	w := specs.Want{Kind: k, Declared: func(key string) *specs.Resource {
		if r := desired.Find(k.Name, key); r != nil && !r.Absent {
			return r
		}
		return nil
	}}
	parents, accounts := map[string]bool{}, map[string]bool{}
	for _, r := range desired.Resources(k.Name) {
		if r.Su != "" {
			accounts[r.Su] = true
		}
		if r.Parent != "" {
			parents[r.Parent] = true
		}
	}
	if k.Parent != nil {
		w.Parents = slices.Sorted(maps.Keys(parents))
	}
	if k.Su != "" {
		w.Su = slices.Sorted(maps.Keys(accounts))
	}
	return w
}

// namesOther reports whether a declared resource names, through a link,
// something the spec does not declare.
func (in *Input) namesOther(kind string, l link) bool {
	rs := in.Desired.Resources(kind)
	for i := range rs {
		if rs[i].Absent {
			continue
		}
		v, _ := rs[i].Fields.Get(l.field)
		for _, key := range v.Items() {
			if in.Desired.Find(l.kind, key) == nil && !(in.Kinds(l.kind).Login && key == in.Account) {
				return true
			}
		}
	}
	return false
}

// kindLinks lists the fields of a kind that name other resources.
func kindLinks(k *specs.Kind) []link {
	var links []link
	for _, row := range k.Fields {
		switch {
		case k.Parent != nil && row.Name == k.Parent.Field:
			links = append(links, link{row.Name, k.Parent.Kind})
		case row.Refers != "":
			links = append(links, link{row.Name, row.Refers})
		}
	}
	return links
}
