package render

// Steps fold into sets of which each can be told in one sentence, in two turns:
// first those that do exactly the same, then, of what is left, those of a kind
// that have the same fields with other values in them. The second kind of set
// must be bigger to be one, because its sentence leaves values out.

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

const (
	// foldFrom is the number of equal steps from which they share a line.
	foldFrom = 4
	// looseFrom is that number for steps with the same fields.
	looseFrom = 8
)

// fold is a set of steps of one kind and action: one step alone, or some that
// do the same.
type fold struct {
	steps []*plan.Step
	loose bool // they have the same fields, but not the same values
}

// foldPlan sorts all steps into folds: what is destroyed first, then what is
// changed, then what is added, and in plan order otherwise; a fold stands where
// its first step does.
func foldPlan(steps []plan.Step) []fold {
	of := [3][]*plan.Step{}
	for i := range steps {
		d := danger(steps[i].Action)
		of[d] = append(of[d], &steps[i])
	}
	var folds []fold
	for _, same := range of {
		folds = append(folds, foldSteps(same)...)
	}
	return folds
}

// foldSteps sorts steps of one action into folds.
func foldSteps(steps []*plan.Step) []fold {
	exact, rest := gather(steps, foldFrom, appendDeed)
	loose, single := gather(rest, looseFrom, appendFields)
	at := make(map[*plan.Step]int, len(steps))
	for i, s := range steps {
		at[s] = i
	}
	folds := make([]fold, 0, len(exact)+len(loose)+len(single))
	for _, set := range exact {
		folds = append(folds, fold{steps: set})
	}
	for _, set := range loose {
		folds = append(folds, fold{steps: set, loose: true})
	}
	for i := range single {
		folds = append(folds, fold{steps: single[i : i+1]})
	}
	slices.SortFunc(folds, func(a, b fold) int { return at[a.steps[0]] - at[b.steps[0]] })
	return folds
}

// gather makes a set of all steps of which id says the same, if there are at
// least from of them; the others are the rest.
func gather(steps []*plan.Step, from int, id func([]byte, *plan.Step) []byte) (sets [][]*plan.Step, rest []*plan.Step) {
	index := map[string]int{}
	of := make([]int, len(steps))
	var buf []byte
	for i, s := range steps {
		buf = id(buf[:0], s)
		n, ok := index[string(buf)]
		if !ok {
			n = len(sets)
			index[string(buf)] = n
			sets = append(sets, nil)
		}
		of[i] = n
		sets[n] = append(sets[n], s)
	}
	for i, s := range steps {
		if len(sets[of[i]]) < from {
			rest = append(rest, s)
		}
	}
	return slices.DeleteFunc(sets, func(set []*plan.Step) bool { return len(set) < from }), rest
}

// appendDeed appends what tells apart what steps do: for deletes the kind, for
// others the fields and values too. No part can hold the separators, since
// values hold no control character but the line feed between list items.
func appendDeed(b []byte, s *plan.Step) []byte {
	b = append(b, s.Action...)
	b = append(b, 0)
	b = append(b, s.Kind...)
	if s.Action == plan.Delete {
		return b
	}
	for _, c := range s.Changes {
		b = append(b, 0)
		b = append(b, c.Field...)
		b = appendValue(b, c.Before)
		b = appendValue(b, c.After)
	}
	return appendSecrets(b, s)
}

// appendFields appends which fields of which kind steps are about.
func appendFields(b []byte, s *plan.Step) []byte {
	b = append(b, s.Kind...)
	for _, c := range s.Changes {
		b = append(b, 0)
		b = append(b, c.Field...)
	}
	return appendSecrets(b, s)
}

func appendSecrets(b []byte, s *plan.Step) []byte {
	for _, name := range s.Secrets {
		b = append(b, 2)
		b = append(b, name...)
	}
	return b
}

func appendValue(b []byte, v specs.Value) []byte {
	b = append(b, 1, byte(v.Type()))
	if v.Type() != specs.ListType {
		return append(b, v.String()...)
	}
	for _, it := range v.Items() {
		b = append(b, it...)
		b = append(b, '\n')
	}
	return b
}

// panels is on how many panels the steps are.
func (f *fold) panels() int {
	n, last := 0, ""
	for i, s := range f.steps { // steps come panel by panel
		if i == 0 || s.Panel != last {
			n, last = n+1, s.Panel
		}
	}
	return n
}

// takes sums up what goes with deletes, by kind in the order met.
func (f *fold) takes() []plan.Count {
	var sum []plan.Count
	at := map[string]int{}
	for _, s := range f.steps {
		for _, c := range s.TakesWithIt {
			i, met := at[c.Kind]
			if !met {
				i = len(sum)
				at[c.Kind] = i
				sum = append(sum, plan.Count{Kind: c.Kind})
			}
			sum[i].Count += c.Count
		}
	}
	return sum
}

// sources is where the spec asks for the steps: "  site.yaml:8 and 3 more places".
func (f *fold) sources() string {
	met := map[string]bool{}
	first := ""
	for _, s := range f.steps {
		if s.Source == "" {
			continue
		}
		if first == "" {
			first = s.Source
		}
		met[s.Source] = true
	}
	switch len(met) {
	case 0:
		return ""
	case 1:
		return "  " + clean(first)
	}
	return "  " + clean(first) + " and " + counted(len(met)-1, "more place")
}

// deed is what the steps do, without to what: "php_mode a → b, aliases (9
// values)".
func (f *fold) deed() string {
	first := f.steps[0]
	parts := make([]string, 0, len(first.Changes)+len(first.Secrets))
	for i, c := range first.Changes {
		becomes := ""
		if f.loose {
			becomes = f.becomes(i)
		}
		if becomes == "" {
			becomes = briefChange(first.Action, c, " → ")
		}
		parts = append(parts, clean(c.Field)+" "+becomes)
	}
	for _, name := range first.Secrets {
		parts = append(parts, clean(name)+" "+secretWritten)
	}
	if len(parts) == 0 {
		return "no fields"
	}
	return strings.Join(parts, ", ")
}

// becomes is what becomes of the i-th field where the steps differ: how many
// values there are before and after; empty where they do not.
func (f *fold) becomes(i int) string {
	first := f.steps[0].Changes[i]
	befores, afters := map[string]bool{}, map[string]bool{}
	var buf []byte
	for _, s := range f.steps {
		buf = appendValue(buf[:0], s.Changes[i].Before)
		befores[string(buf)] = true
		buf = appendValue(buf[:0], s.Changes[i].After)
		afters[string(buf)] = true
	}
	if len(befores) == 1 && len(afters) == 1 {
		return ""
	}
	many := func(set map[string]bool, one specs.Value) string {
		if len(set) == 1 {
			return short(briefValue(one))
		}
		return "(" + strconv.Itoa(len(set)) + " values)"
	}
	after := many(afters, first.After)
	if first.Before.IsAbsent() && len(befores) == 1 && f.steps[0].Action == plan.Create {
		return after
	}
	return many(befores, first.Before) + " → " + after
}

// why is why the steps are deletes: the one reason, or how many there are.
func (f *fold) why() string {
	met := map[string]bool{}
	for _, s := range f.steps {
		met[s.Why] = true
	}
	if len(met) > 1 {
		return strconv.Itoa(len(met)) + " reasons"
	}
	return clean(f.steps[0].Why)
}
