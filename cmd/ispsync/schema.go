package main

import (
	"reflect"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

func (a *app) schemaCommand() *cobra.Command {
	var (
		of    string
		files []string
	)
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of spec files, plans, reports, parities or events",
		Long: `Prints a JSON Schema (2020-12): of spec files, for editors that complete and check
them, of the documents (plans, reports, what migrate verify says), or of an event: one line of what
--log-format json writes to stderr, or of a run's journal in the state directory. With -f the kinds that a spec adds are in it.`,
		Example: "  ispsync schema > ispsync.schema.json\n  ispsync schema --of plan",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := oneOf("of", of, "spec", "plan", "report", "parity", "event"); err != nil {
				return err
			}
			switch of {
			case "plan":
				return writeJSON(a.stdout, documentSchema(&plan.Plan{}, "plan"))
			case "parity":
				return writeJSON(a.stdout, documentSchema(&plan.Parity{}, "parity"))
			case "report":
				return writeJSON(a.stdout, documentSchema(&executor.Report{}, "report"))
			case "event":
				return writeJSON(a.stdout, eventSchema())
			}
			catalog, err := a.catalogOf(files)
			if err != nil {
				return err
			}
			return writeJSON(a.stdout, specs.Schema(catalog))
		},
	}
	c.Flags().StringVar(&of, "of", "spec", "spec, plan, report, parity or event")
	c.Flags().StringArrayVarP(&files, "file", "f", nil, "also the kinds of this spec; repeatable")
	return c
}

// oneWord is the schema of a text that is one of a few words.
func oneWord[T ~string](words ...T) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, w := range words {
		s.Enum = append(s.Enum, w)
	}
	return s
}

// eventSchema is that of a line of the log, or of a journal.
func eventSchema() *jsonschema.Schema {
	s, journal := documentSchema(&event{}, "event"), documentSchema(&executor.Line{}, "event")
	for name, def := range journal.Definitions {
		s.Definitions[name] = def
	}
	s.Ref, s.AnyOf = "", []*jsonschema.Schema{{Ref: s.Ref}, {Ref: journal.Ref}}
	return s
}

// documentSchema reflects a document. Documents are additive, so a reader
// must bear fields it does not know.
func documentSchema(v any, name string) *jsonschema.Schema {
	r := jsonschema.Reflector{AllowAdditionalProperties: true, Mapper: func(t reflect.Type) *jsonschema.Schema {
		switch t {
		case reflect.TypeFor[specs.Ref]():
			return &jsonschema.Schema{Type: "string", Pattern: "^[^/]+/[^/]+/.+$", Description: "panel/kind/key"}
		case reflect.TypeFor[specs.Value]():
			return &jsonschema.Schema{Description: "A canonical value: text, number, boolean, list of texts, or null.",
				OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "integer"}, {Type: "boolean"}, {Type: "null"},
					{Type: "array", Items: &jsonschema.Schema{Type: "string"}}}}
		case reflect.TypeFor[plan.Action]():
			return oneWord(plan.Create, plan.Update, plan.Delete)
		case reflect.TypeFor[plan.Severity]():
			return oneWord(plan.Warning, plan.Error)
		case reflect.TypeFor[executor.LineEvent]():
			return oneWord(executor.LineRun, executor.LineBefore, executor.LineCall, executor.LineAnswer, executor.LineStep, executor.LineSettled, executor.LineEnd)
		case reflect.TypeFor[executor.What]():
			return oneWord(executor.Done, executor.Failed, executor.Blocked, executor.Stale, executor.Unknown, executor.NotRun)
		case reflect.TypeFor[executor.Result]():
			return oneWord(executor.Nothing, executor.Applied, executor.Partial, executor.Refused, executor.Interrupted)
		case reflect.TypeFor[executor.RestartDone]():
			return oneWord(executor.RestartNone, executor.RestartOK, executor.RestartFailed, executor.RestartUnsupported)
		}
		return nil
	}}
	s := r.Reflect(v)
	s.ID = jsonschema.ID("https://github.com/ispsync/ispsync/" + name + ".schema.json")
	s.Title = "ispsync " + name
	return s
}
