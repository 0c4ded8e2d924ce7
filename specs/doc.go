// Package specs owns the vocabulary of ispsync and everything a user writes:
// the catalog of kinds, the spec files and the desired state they yield.
//
// The words, used with these meanings everywhere in the project:
//
//	panel     one ISPmanager installation, by its name in the spec
//	kind      one row of the catalog (user, webdomain, …), named after the panel's list function
//	resource  one thing of a kind on a panel
//	ref       panel/kind/key, the only identity
//	field     a canonical value of a resource, named as the panel's own parameter of X.edit
//	secret    a reference to a value for a write-only field; the value itself is never kept
//	state     a set of resources; a spec yields one, a live panel yields one
//
// The package knows nothing of networks and imports no other package of the
// project. Values are made canonical here, once, at the border; past it,
// comparison is ==.
package specs
