package specs

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Options says what Load reads.
type Options struct {
	Paths   []string          // files, directories, or - for Stdin
	Stdin   io.Reader         // read for -
	Vars    map[string]string // --var
	Environ []string          // ISPSYNC_VAR_k=v among them override vars too
	// Offline makes a reference to something the spec does not declare a
	// mistake when the spec declares others of that kind on that panel: nobody
	// will look at the panel to see whether it is there.
	Offline bool
	// CheckPolicies compiles the policies, which is the planner's business; its
	// mistakes, when they are Errors, are reported with all others. May be nil.
	CheckPolicies func([]Policy) error
	// Beside, when not nil, is a spec whose panels, kinds and variables stand for
	// those of the files, which then hold resources and defaults only: an export is
	// read back so.
	Beside *Spec
}

// Load reads and resolves a spec. Mistakes in it come back as Errors, all of
// them; another error means that a file could not be read at all.
func Load(o Options) (*Spec, error) { return load(o, usualCut) }

func load(o Options, cut cutSizes) (*Spec, error) {
	sources, err := findSources(o.Paths, o.Stdin)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		s.cut = cut
	}
	l, err := loadSources(o, sources)
	if errors.Is(err, errWhole) {
		l, err = loadSources(o, sources)
	}
	if err != nil {
		return nil, err
	}
	if l.problems.any() {
		return nil, l.problems.errs.sorted()
	}
	l.spec.Warnings = l.problems.warnings.sorted()
	return l.spec, nil
}

// loadSources goes from files to a Spec. Its error is for files that cannot be
// read, or errWhole; mistakes are in the loader's problems.
func loadSources(o Options, sources []*source) (*loader, error) {
	l := &loader{o: o, sources: sources, spec: &Spec{desired: map[string]*State{}, literals: map[string]string{}, Deletes: DefaultDeletes}}
	if err := l.readSources(sources); err != nil {
		return nil, err
	}
	l.sections(sources)
	if l.problems.any() { // what follows would only echo these
		return l, nil
	}
	surroundings := []func(){l.loadKinds, l.loadVars, l.loadPanels}
	if o.Beside != nil {
		surroundings = []func(){l.standBeside}
	}
	for _, stage := range append(surroundings, l.loadRules, l.loadDefaults, l.loadResources, l.checkReferences) {
		stage()
	}
	if slices.ContainsFunc(sources, func(s *source) bool { return s.whole && s.chunks != nil }) {
		return nil, errWhole
	}
	for _, e := range slices.Concat(l.problems.errs, l.problems.warnings) {
		l.addLine(e)
	}
	return l, nil
}

// standBeside takes panels, kinds and variables from another spec.
func (l *loader) standBeside() {
	b := l.o.Beside
	l.spec.Catalog, l.spec.Panels, l.exprs, l.spec.exprs = b.Catalog, b.Panels, b.exprs, b.exprs
	for i := range b.Panels {
		l.spec.desired[b.Panels[i].Name] = NewState(b.Panels[i].Name)
	}
	for _, section := range []string{"kinds", "vars", "panels"} {
		for _, p := range l.parts[section] {
			l.problems.add(p.src, p.key, section+" has no place in this file", "")
		}
	}
}

// part is one section of one document.
type part struct {
	src *source
	key *node // its name, for errors
	n   *node
}

// loader holds what is gathered on the way from files to a Spec.
type loader struct {
	o        Options
	spec     *Spec
	sources  []*source
	problems problems
	parts    map[string][]part
	exprs    *expressions
	defaults map[string][]entryField // by kind
	choices  panelChoices
	// literalMu guards Spec.literals while entries are resolved side by side.
	literalMu sync.Mutex
}

// sectionNames are the keys a document may have.
var sectionNames = []string{"defaults", "kinds", "limits", "panels", "policies", "protect", "prune", "resources", "rollout", "vars"}

// readSources parses all files, in parallel: YAML is most of the work of a
// run that finds nothing to do.
func (l *loader) readSources(sources []*source) error {
	errs := make([]error, len(sources))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range sources {
		g.Go(func() error { errs[i] = s.read(&l.problems); return nil })
	}
	g.Wait() //nolint:errcheck // the functions return nil
	return errors.Join(errs...)
}

// sections sorts the documents' keys into parts.
func (l *loader) sections(sources []*source) {
	l.parts = map[string][]part{}
	for _, s := range sources {
		for i := range s.docs {
			doc := &s.docs[i]
			if doc.isNull() {
				continue
			}
			if doc.kind != mapNode {
				l.problems.add(s, doc, "a spec document must be a map, not "+doc.kind.String(), "its keys are: "+strings.Join(sectionNames, ", "))
				continue
			}
			doc.pairs(func(k, v *node) {
				if !slices.Contains(sectionNames, k.text) {
					hint := didYouMean(k.text, sectionNames)
					if l.spec.Catalog = Builtin(); l.spec.Catalog.Kind(k.text) != nil {
						hint = "kinds stand under resources:"
					}
					l.problems.add(s, k, fmt.Sprintf("unknown key %q", k.text), hint)
					return
				}
				if !v.isNull() {
					l.parts[k.text] = append(l.parts[k.text], part{s, k, v})
				}
			})
		}
		s.docs = nil
	}
}

// eachKey calls f for each key of a section that must be a map, over all
// documents, and complains about a key given twice.
func (l *loader) eachKey(section, what string, f func(p part, k, v *node)) {
	seen := map[string]Pos{}
	for _, p := range l.parts[section] {
		if p.n.kind != mapNode {
			l.problems.add(p.src, p.n, fmt.Sprintf("%s must be a map, not %s", section, p.n.kind), "")
			continue
		}
		p.n.pairs(func(k, v *node) {
			if first, dup := seen[k.text]; dup {
				l.problems.add(p.src, k, fmt.Sprintf("%s %q is already given at %s", what, k.text, first), "")
				return
			}
			seen[k.text] = p.src.pos(k)
			f(p, k, v)
		})
	}
}

// kind finds the catalog row for a section's key, or complains.
func (l *loader) kind(p part, k *node) *Kind {
	kind := l.spec.Catalog.Kind(k.text)
	if kind == nil {
		hint := didYouMean(k.text, l.spec.Catalog.names())
		if hint == "" {
			hint = "`ispsync kinds` lists them; a `kinds:` section adds more"
		}
		l.problems.add(p.src, k, fmt.Sprintf("unknown kind %q", k.text), hint)
	}
	return kind
}

func (l *loader) loadKinds() {
	l.spec.Catalog = Builtin()
	var rows []*Kind
	seen := map[string]Pos{}
	for _, p := range l.parts["kinds"] {
		for _, row := range readKinds(p.src, p.n, &l.problems) {
			if first, dup := seen[row.Name]; dup {
				l.problems.add(p.src, p.n, fmt.Sprintf("the kind %q is already given at %s", row.Name, first), "")
				continue
			}
			seen[row.Name] = p.src.pos(p.n)
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return
	}
	c, err := l.spec.Catalog.With(rows...)
	if err != nil {
		p := l.parts["kinds"][0]
		for line := range strings.SplitSeq(err.Error(), "\n") {
			l.problems.add(p.src, p.key, line, "")
		}
		return
	}
	l.spec.Catalog = c
}

// loadVars reads constants. Only data files are in reach of their templates:
// a variable that needs another would give the file an order.
func (l *loader) loadVars() {
	vars := map[string]any{}
	constants := newExpressions(map[string]any{})
	overrides := l.overrides()
	l.eachKey("vars", "the variable", func(p part, k, v *node) {
		if text, ok := overrides[k.text]; ok {
			vars[k.text] = l.override(p, k, v, text)
			return
		}
		vars[k.text] = l.constant(constants, p, v)
	})
	for k, text := range overrides {
		if _, declared := vars[k]; !declared {
			vars[k] = text
		}
	}
	l.exprs = newExpressions(vars)
	l.spec.exprs = l.exprs
}

// overrides are the variables of the environment and the command line; the
// command line wins.
func (l *loader) overrides() map[string]string {
	out := map[string]string{}
	for _, e := range l.o.Environ {
		if name, ok := strings.CutPrefix(e, "ISPSYNC_VAR_"); ok {
			if k, v, ok := strings.Cut(name, "="); ok && k != "" {
				out[k] = v
			}
		}
	}
	maps.Copy(out, l.o.Vars)
	return out
}

// override gives a text from outside the type the declared constant has.
func (l *loader) override(p part, k, declared *node, text string) any {
	if declared.kind == scalarNode && (declared.tag == strTag || declared.isNull()) {
		return text
	}
	v, err := parseYAMLData([]byte(text))
	if err != nil || fmt.Sprintf("%T", v) != fmt.Sprintf("%T", declared.any()) {
		l.problems.add(p.src, declared, fmt.Sprintf("the value given for %s from outside, %q, is not of the type declared here", k.text, text), "write it as YAML, for example --var "+k.text+"='[a, b]'")
		return nil
	}
	return v
}

func (l *loader) constant(e *expressions, p part, n *node) any {
	switch n.kind {
	case listNode:
		out := make([]any, 0, len(n.items()))
		for i := range n.items() {
			out = append(out, l.constant(e, p, &n.items()[i]))
		}
		return out
	case mapNode:
		out := map[string]any{}
		n.pairs(func(k, v *node) { out[k.text] = l.constant(e, p, v) })
		return out
	}
	if !hasTemplate(n.text) {
		return n.any()
	}
	v, _ := l.evalIn(e, p.src, n, scope{})
	if _, secret := v.(Secret); secret {
		l.problems.add(p.src, n, "a secret cannot be a variable", "write it as the value of the secret field")
	}
	return v
}

// eval evaluates the template in a scalar; ok is false after a mistake.
func (l *loader) eval(src *source, n *node, s scope) (any, bool) {
	return l.evalIn(l.exprs, src, n, s)
}

func (l *loader) evalIn(e *expressions, src *source, n *node, s scope) (any, bool) {
	t, terr := e.compile(src.dir, n.text)
	if terr == nil {
		var v any
		if v, terr = e.eval(t, s); terr == nil {
			if sec, ok := v.(Secret); ok {
				return src.secretPath(sec), true
			}
			return v, true
		}
	}
	l.problems.addErr(src.exprError(n, terr.at, terr.msg, terr.hint))
	return nil, false
}

// addLine gives a mistake that was found far from its file the text of its line.
func (l *loader) addLine(e *Error) {
	if e.Line != "" {
		return
	}
	for _, s := range l.sources {
		if s.path == e.Pos.File {
			e.Line = s.line(e.Pos.Line)
		}
	}
}
