package specs

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// This file finds how a spec says what a panel has: the entry of a live
// resource, and the text of a live value. An answer counts only when the loader
// makes of it exactly what was there; what cannot be proved cannot be declared.

// Declarable reports whether an entry of this kind can stand in a spec at all: a
// kind that nobody can make can only be read.
func (k *Kind) Declarable() bool { return k.Edit != "" || k.CreateFunc != "" }

// Declare finds the entry that a live resource is: its name as a person writes
// it, and the fields the key is made of. It is false when there is none.
func (k *Kind) Declare(r *Resource) (Identity, bool) {
	for _, f := range k.onlyParts(r.Fields) {
		if _, ok := k.byName[f.Name].written(f.Value); !ok {
			return Identity{}, false
		}
	}
	if k.compose == nil && len(k.parts(r.Fields)) == 0 {
		id := Identity{Name: k.readableName(r), Key: r.Ref.Key, Fields: k.onlyParts(r.Fields)}
		key, err := k.KeyOf(id.Name, r.Su, r.Fields)
		return id, err == nil && key == r.Ref.Key
	}
	fields := k.onlyParts(r.Fields)
	pool := k.cut(r.Ref.Key)
	return k.search(k.shortNames(r, pool), pool, r.Su, fields, func(id *Identity) bool { return id.Key == r.Ref.Key })
}

// readableName is the key, host names in their own script where the loader
// takes that for the same.
func (k *Kind) readableName(r *Resource) string {
	name := readableHost(k.Key.Canon, r.Ref.Key)
	if key, err := k.KeyOf(name, r.Su, r.Fields); err != nil || key != r.Ref.Key {
		return r.Ref.Key
	}
	return name
}

// shortNames lists what the name may be, the shortest first: below the parent,
// then the pieces of the key, then all of it.
func (k *Kind) shortNames(r *Resource, pool []string) []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if k.Parent != nil {
		for _, piece := range pool {
			switch piece := strings.TrimSuffix(piece, "."); {
			case piece == r.Parent:
				add("@")
			default:
				if below, ok := strings.CutSuffix(piece, "."+r.Parent); ok {
					add(below)
				}
			}
		}
	}
	for _, piece := range pool {
		add(piece)
	}
	add(k.readableName(r))
	add(r.Ref.Key)
	return names
}

// readableHost writes a host name, or that of an address, in its own script
// (пример.рф for xn--e1afmkfd.xn--p1ai), if the canonicaliser makes the same of
// it again. Only names are touched that an eye can read.
func readableHost(c Canon, text string) string {
	if c.host == "" || !strings.Contains(text, "xn--") {
		return text
	}
	local, host := "", text
	if c.host == "address" {
		at := strings.LastIndexByte(text, '@')
		local, host = text[:at+1], text[at+1:]
	}
	u, err := idna.Punycode.ToUnicode(host)
	if err != nil || strings.ContainsFunc(u, invisible) {
		return text
	}
	if again, err := c.item(local + u); err != nil || again != text {
		return text
	}
	return local + u
}

// written is a live value as a spec writes it, readable where that is possible.
// It is false for a value that the field cannot be given, because the panel
// told something that the row does not understand.
func (f *FieldRow) written(v Value) (Value, bool) {
	items := []string{v.s}
	if f.Canon.typ == ListType {
		items = v.Items()
	}
	readable := slices.Clone(items)
	for i := range readable {
		readable[i] = readableSize(f.Canon, readableHost(f.Canon, readable[i]))
	}
	for _, texts := range [][]string{readable, items} {
		switch again, err := f.Canon.Parse(texts...); {
		case err != nil || again != v:
		case f.Canon.typ == ListType:
			return List(texts...), true
		case texts[0] != v.s:
			return Text(texts[0]), true
		default:
			return v, true
		}
	}
	return Value{}, false
}

// readableSize writes whole GiB as such.
func readableSize(c Canon, text string) string {
	if n, err := strconv.ParseInt(text, 10, 64); c.name == "size_mib" && err == nil && n > 0 && n%1024 == 0 {
		return strconv.FormatInt(n/1024, 10) + " GiB"
	}
	return text
}
