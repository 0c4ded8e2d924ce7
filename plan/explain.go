package plan

import (
	"maps"
	"slices"

	"github.com/ispsync/ispsync/specs"
)

// explanations say what a finding means and what to do about it, for
// `ispsync explain CODE`, which works offline.
var explanations = map[string]string{
	CodeReferenceMissing: `A resource refers to another (its owner, its zone, its mail domain) that is neither
declared in the spec nor there on the panel. Nothing could be made for it.
Do: correct the name, or declare what it refers to. A mistake of the spec: exit code 6.`,
	CodeDeletesLimit: `The plan deletes more resources of one kind on one panel than limits.deletes allows
(by default the larger of 3 and 10 % of what is there). It may be right, and it
may be a prune rule or a file that went missing.
Do: read the deletes. If they are meant, say --allow-deletes N with exactly the
plan's number. Exit code 5.`,
	CodeProtected: `The spec declares something absent, or would delete its owner, while a protect rule
says that it is never deleted.
Do: remove the tombstone, or change the rule under protect; or say --allow-protected REF
with exactly its ref, for this once. Exit code 5.`,
	CodeOwnAccount: `The plan would delete or suspend the account that ispsync itself logs in with.
No flag lifts this.
Do: log in with another account, or leave this one out of the rule. Exit code 5.`,
	CodePolicy: `A policy of the spec is true of a step: deny blocks apply, warn does not. A policy that
cannot be evaluated (a field the panel does not tell is nil) blocks too.
Do: change the spec so that the step goes away, or change the policy; or say
--allow-policy NAME with its name, for this once. Exit code 5.`,
	CodeOwnerDiffers: `The resource belongs to another account than the one declared. Owners are not changed by
ispsync: the panel moves domains between accounts in a procedure of its own.
Do: correct owner in the spec, or move it in the panel.`,
	CodeCreateOnly: `A field that can only be set when the resource is made has another value than declared.
ispsync never deletes and makes anew on its own.
Do: correct the spec, or delete the resource first if you can do without its data.`,
	CodeUnreadable: `The spec declares a field that this panel tells neither in its list nor in its form, so
nobody can compare it. It is written when a resource is made, and not afterwards.
Do: leave the field out for this panel, or look with ispsync describe PANEL FUNC what it knows.`,
	CodeUnusableKey: `The panel lists a resource whose key cannot be used safely in a call: it holds ", ",
which the panel would take for two names, or a control character. It is left alone.
Do: rename or delete it in the panel.`,
	CodeTakesDeclared: `Deleting a resource (an account) would take others with it that the spec declares to be there.
Do: declare those absent too, or give them another owner. Exit code 5.`,
	CodeLiteralSecret: `A password is written out in a spec file, where everybody who reads the file sees it.
Do: write "${secret.env('NAME')}", secret.file('path') or secret.command('pass show x').`,
	CodeListing: `A list of the panel could not be believed: not whole, shorter than announced, a key twice,
an error inside. Nothing of that kind is created or deleted there on its word.
Do: run again; when it stays, read the panel's error in the message. Exit code 3.`,
	CodeRequired: `To be made, the resource needs a field that the spec does not give.
Do: add the field to the entry or to defaults. A mistake of the spec: exit code 6.`,
	CodeRule: `A rule under prune or protect cannot be evaluated for a resource, because it compares
something the panel does not tell. The resource is kept.
Do: correct the expression; ispsync kinds KIND lists what it may use. Exit code 6.`,
	CodeNotDeletable: `The spec declares something absent for which the panel has no delete function.
Do: delete it by hand, and remove the tombstone. Exit code 6.`,
	CodeCircle: `Resources refer to each other in a circle, so none of them can be made first.
Do: take one of the references out of the spec. Exit code 6.`,
	CodeBringsAbsent: `Making a resource may bring another one (a web domain its DNS zone) that the spec declares
absent. It is not there now, so this plan does not delete it.
Do: plan again after the apply.`,
	CodeNotUndone: `Undoing a run cannot bring this back (files, mail, contents of databases, passwords), or leaves
it alone because somebody changed it since.
Do: restore from a backup what the message names; decide by hand about what was changed since.`,
	CodeCollapsed: `A list has lost more than half and more than 10 of what it had at the last run, or all of more
than 3, and a second reading said the same: so lists look when a broken configuration has
unloaded a module. As a warning: little was lost, or none is listed where accounts use space.
Do: look at the panel. If it is true, say --allow-collapse PANEL/KIND, for this once; the run
after that compares with what is there then. Exit code 5.`,
	CodePasswordDiffers: `The panel refused a login with the declared password (--check-passwords), so the account has
another one. A plan does not change that by itself: nobody can tell which of the two is right.
Do: say apply --rotate REF to write the declared one, or correct where the spec takes it from.`,
	CodePasswordUnknown: `With --check-passwords, whether an account's password differs could not be found out: the answer
was lost, the account asks for more than a password, or logins were stopped before the panel
would block this address. Nothing is tried twice in a run.
Do: read the reason; try again later, with --target for single accounts.`,
	CodeSecretNeeded: `A resource that comes from another panel, or from the past, needs a password to be made, and
passwords cannot be read. Its step is not sent and ends as failed; what needs it is blocked.
Do: say where the value comes from (migrate: in --map, or --generate-passwords; undo: declare the
resource with its secret in the spec), or make it by hand.`,
	specs.ObstacleNotOffered: `What is to be moved has a value that the target does not offer: a template for accounts, an
address, a PHP version or mode, a database server. The panel would refuse the call.
Do: give the value its counterpart in the file of migrate --map; the message ends with the line.
null as the new value leaves the field out.`,
	specs.ObstacleKind: `The target does not know a kind that is to be moved: another generation, or a module it lacks.
Do: leave the kind behind (KIND: null in the map), or install the module.`,
	specs.ObstacleField: `The form of the target has no such field, so it is not sent there. Nothing else is affected.
Do: nothing; or write the line of the message into the map, and it is not said again.`,
	specs.ObstacleTaken: `The name is there on the target. As an error: it belongs to another account. As a warning: an
account of that name is there and differs, and migrate would make it like the source's.
Do: see whether it is the same person's; if not, give it another name in the map, or leave it behind (null).`,
	specs.ObstacleLimit: `An account would own more on the target than one of its limits allows.
Do: raise the limit in the map, as the message says, or leave something behind.`,
	specs.ObstacleName: `The target does not take a name, because it is too long.
Do: give it another one in the map; all that refers to it follows.`,
	specs.ObstacleOwner: `A resource would belong to an account that the target does not list: most often the administrator
of the source, whom panels may not let own anything.
Do: in the map, name an account that is there: user: {root: webmaster}.`,
	specs.ObstacleCollision: `The map makes one resource of two of the source.
Do: give one of them another name in the map, or leave it behind (null).`,
	specs.ObstacleMap: `For a resource the map gives a value or a name that is not one.
Do: correct the rule of the map that the message names.`,
	specs.ObstacleCannotMove: `A resource cannot be made anew from what a panel tells of it: a certificate's key and names, for
example. It stays on the source, and nothing of it is compared.
Do: say in the map how it is to be made, or move it with the panel's own tools.`,
	specs.ObstacleStays: `The account that ispsync logs in with is an administrator's, and is not moved. What it owns is.
Do: nothing, or map its name to that of an account on the target.`,
	specs.ObstaclePointsBack: `A record or a zone that is moved holds an address of the source. It keeps leading visitors there.
Do: map the address when the new panel is to serve (ip: {old: new}); keep it to switch later.`,
}

// Explain says what a finding's code means and what to do; ok is false for an
// unknown code.
func Explain(code string) (text string, ok bool) {
	text, ok = explanations[code]
	return text, ok
}

// Codes lists the codes of findings, sorted.
func Codes() []string { return slices.Sorted(maps.Keys(explanations)) }
