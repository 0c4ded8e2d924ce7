package specs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Expressions are pure: the same files, variables and live state give the
// same values. So the functions of expr that read the clock or the machine's
// time zones are taken away, those that walk a Go map in its random order are
// replaced by ones that sort, and the only files in reach are those below the
// directory of the spec file that asks.

// expressions compiles and caches the expressions of one load. Safe for
// concurrent use.
type expressions struct {
	vars     map[string]any
	varsType types.Map

	mu        sync.Mutex
	templates map[templateKey]*template
	data      map[string]dataFile
}

type templateKey struct{ dir, text string }

type dataFile struct {
	value any
	err   error
}

func newExpressions(vars map[string]any) *expressions {
	t := types.Map{}
	for k := range vars {
		t[k] = types.Any
	}
	return &expressions{vars: vars, varsType: t,
		templates: map[templateKey]*template{}, data: map[string]dataFile{}}
}

// scope is what the templates of an entry see besides vars.
type scope struct {
	panel     map[string]any // nil where no panel is in scope
	each, key any
	loop      bool // each and key are in scope
}

func (e *expressions) env(s scope) map[string]any {
	env := map[string]any{"vars": e.vars, "secret": secretNamespace}
	if s.panel != nil {
		env["panel"] = s.panel
	}
	if s.loop {
		env["each"], env["key"] = s.each, s.key
	}
	return env
}

// secretNamespace makes references; it fetches nothing.
var secretNamespace = map[string]any{
	"env":     func(name string) Secret { return Secret{SecretEnv, name} },
	"file":    func(path string) Secret { return Secret{SecretFile, path} },
	"command": func(line string) Secret { return Secret{SecretCommand, line} },
}

var panelType = types.Map{"name": types.String, "url": types.String, "labels": types.Any}

// pureOptions are common to all expressions.
func (e *expressions) pureOptions(dir string) []expr.Option {
	opts := []expr.Option{
		expr.DisableBuiltin("now"), expr.DisableBuiltin("timezone"),
		expr.DisableBuiltin("keys"), expr.DisableBuiltin("values"), expr.DisableBuiltin("toPairs"),
		expr.Function("keys", func(p ...any) (any, error) { return sortedKeys(p[0]) }, new(func(map[string]any) []any)),
		expr.Function("values", func(p ...any) (any, error) { return sortedValues(p[0], false) }, new(func(map[string]any) []any)),
		expr.Function("toPairs", func(p ...any) (any, error) { return sortedValues(p[0], true) }, new(func(map[string]any) []any)),
	}
	for name, parse := range map[string]func([]byte) (any, error){"csv": parseCSV, "json": parseJSON, "yaml": parseYAMLData} {
		opts = append(opts, expr.Function(name, func(p ...any) (any, error) {
			path, ok := p[0].(string)
			if !ok {
				return nil, fmt.Errorf("%s takes a path", name)
			}
			return e.readData(dir, path, name, parse)
		}, new(func(string) any)))
	}
	return opts
}

func sortedKeys(v any) ([]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("keys takes a map")
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k)
	}
	return out, nil
}

func sortedValues(v any, pairs bool) ([]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("takes a map")
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if pairs {
			out = append(out, []any{k, m[k]})
		} else {
			out = append(out, m[k])
		}
	}
	return out, nil
}

// template is a text with ${…} in it, compiled.
type template struct {
	parts []templatePart
	// uses tells which of the names that change within a load it refers to.
	usesPanel, usesLoop bool
}

type templatePart struct {
	text   string
	prog   *vm.Program
	source string
	at     int // characters before the expression
}

// templateError is a mistake in a template, at a number of characters into it.
type templateError struct {
	at   int
	msg  string
	hint string
}

func (e *templateError) Error() string { return e.msg }

func hasTemplate(s string) bool { return strings.Contains(s, "${") }

// splitTemplate cuts a text at its ${…}. $${ is a literal ${.
func splitTemplate(s string) ([]templatePart, *templateError) {
	var parts []templatePart
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			parts = append(parts, templatePart{text: lit.String()})
			lit.Reset()
		}
	}
	rs := []rune(s)
	for i := 0; i < len(rs); {
		switch {
		case strings.HasPrefix(string(rs[i:min(i+3, len(rs))]), "$${"):
			lit.WriteString("${")
			i += 3
		case rs[i] == '$' && i+1 < len(rs) && rs[i+1] == '{':
			end := closingBrace(rs, i+2)
			if end < 0 {
				return nil, &templateError{at: i, msg: "this ${ is never closed", hint: "write $${ for a literal ${"}
			}
			src := string(rs[i+2 : end])
			if strings.TrimSpace(src) == "" {
				return nil, &templateError{at: i, msg: "there is no expression in this ${}", hint: "write $${ for a literal ${"}
			}
			flush()
			parts = append(parts, templatePart{source: src, at: i + 2})
			i = end + 1
		default:
			lit.WriteRune(rs[i])
			i++
		}
	}
	flush()
	return parts, nil
}

// closingBrace finds the } that ends an expression, past strings and inner braces.
func closingBrace(rs []rune, from int) int {
	depth := 0
	for i := from; i < len(rs); i++ {
		switch c := rs[i]; c {
		case '\'', '"', '`':
			for i++; i < len(rs) && rs[i] != c; i++ {
				if rs[i] == '\\' && c != '`' {
					i++
				}
			}
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return -1
}

// compile returns the template of a text, from the cache when it was seen.
func (e *expressions) compile(dir, text string) (*template, *templateError) {
	e.mu.Lock()
	t := e.templates[templateKey{dir, text}]
	e.mu.Unlock()
	if t != nil {
		return t, nil
	}
	parts, terr := splitTemplate(text)
	if terr != nil {
		return nil, terr
	}
	t = &template{parts: parts}
	env := types.Map{"vars": e.varsType, "panel": panelType, "each": types.Any, "key": types.Any,
		"secret": types.Map{"env": types.TypeOf(secretNamespace["env"]), "file": types.TypeOf(secretNamespace["file"]), "command": types.TypeOf(secretNamespace["command"])}}
	for i := range parts {
		if parts[i].source == "" {
			continue
		}
		prog, err := expr.Compile(parts[i].source, append(e.pureOptions(dir), expr.Env(env))...)
		if err != nil {
			at, msg, hint := e.explain(err, parts[i].source, []string{"vars", "panel", "each", "key", "secret", "csv", "json", "yaml"})
			return nil, &templateError{at: parts[i].at + at, msg: msg, hint: hint}
		}
		parts[i].prog = prog
		names := identifiers(prog)
		t.usesPanel = t.usesPanel || names["panel"]
		t.usesLoop = t.usesLoop || names["each"] || names["key"]
	}
	e.mu.Lock()
	e.templates[templateKey{dir, text}] = t
	e.mu.Unlock()
	return t, nil
}

// explain turns an error of expr into column, message and hint.
func (e *expressions) explain(err error, source string, names []string) (at int, msg, hint string) {
	var fe *file.Error
	if !errors.As(err, &fe) {
		return 0, err.Error(), ""
	}
	msg = fe.Message
	if name, ok := strings.CutPrefix(msg, "unknown name "); ok {
		hint = didYouMean(name, names)
		if name == "now" || name == "timezone" {
			hint = "a spec has no clock: the same files must give the same plan"
		}
	}
	if rest, ok := strings.CutPrefix(msg, "unknown field "); ok {
		if rest, _, _ = strings.Cut(rest, " "); hint == "" {
			hint = didYouMean(rest, slices.Sorted(maps.Keys(e.vars)))
		}
		if hint == "" {
			hint = "declare it under vars:, or give it with --var " + rest + "=…"
		}
	}
	return fe.Column, fmt.Sprintf("in the expression %q: %s", source, msg), hint
}

// identifiers are the names an expression refers to.
func identifiers(p *vm.Program) map[string]bool {
	v := &identifierVisitor{names: map[string]bool{}}
	n := p.Node()
	ast.Walk(&n, v)
	return v.names
}

type identifierVisitor struct{ names map[string]bool }

func (v *identifierVisitor) Visit(n *ast.Node) {
	if id, ok := (*n).(*ast.IdentifierNode); ok {
		v.names[id.Value] = true
	}
}

// eval gives the value of a template. A text that is one ${…} keeps the
// expression's type; anything else is a string.
func (e *expressions) eval(t *template, s scope) (any, *templateError) {
	if t.usesLoop && !s.loop {
		return nil, &templateError{msg: "each and key exist only in an entry with for_each"}
	}
	if t.usesPanel && s.panel == nil {
		return nil, &templateError{msg: "panel is not known here"}
	}
	env := e.env(s)
	var b strings.Builder
	for i := range t.parts {
		p := &t.parts[i]
		if p.prog == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := expr.Run(p.prog, env)
		if err != nil {
			at, msg, hint := e.explain(err, p.source, nil)
			return nil, &templateError{at: p.at + at, msg: msg, hint: hint}
		}
		if len(t.parts) == 1 {
			return plain(v), nil
		}
		text, ok := scalarText(v)
		if !ok {
			return nil, &templateError{at: p.at, msg: fmt.Sprintf("the expression %q yields %s, which cannot stand inside a text", p.source, describe(v)), hint: textHint(v)}
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func textHint(v any) string {
	switch v.(type) {
	case Secret:
		return "a secret must be the whole value of its field"
	case nil:
		return `write ${x ?? "default"} where a value may be missing`
	}
	return ""
}

// scalarText writes a value of an expression as a spec would.
func scalarText(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case bool:
		return strconv.FormatBool(x), true
	case int:
		return strconv.Itoa(x), true
	case int64:
		return strconv.FormatInt(x, 10), true
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), true
	}
	return "", false
}

func describe(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case Secret:
		return "a secret"
	case []any, []string:
		return "a list"
	case map[string]any:
		return "a map"
	default:
		return fmt.Sprintf("a %T", v)
	}
}
