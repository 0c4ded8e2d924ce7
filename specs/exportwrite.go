package specs

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"gopkg.in/yaml.v3"
)

// batchWritten is how many entries are turned into text at a time: a tree of all
// of them would be ten times the size of the text.
const batchWritten = 256

// Write writes one of Files.
func (e *Export) Write(w io.Writer, f *ExportFile) error {
	comments := []string{e.title(f)}
	switch {
	case e.single:
		if !e.chosen {
			comments = append(comments, "Fields with the value that a new resource gets by itself are left out, and so not managed.")
		}
		comments = append(comments, e.Notes...)
	case f.Resources == 0:
		comments = append(comments, "The values that most entries of the other files have alike.")
	}
	if err := writeComments(w, comments); err != nil {
		return err
	}
	if err := e.writeDefaults(w, f.defaults); err != nil {
		return err
	}
	return e.writeEntries(w, f)
}

// WriteDocument writes the one file of an export that is not split, with the
// list of secrets to fill in at its end.
func (e *Export) WriteDocument(w io.Writer) error {
	if err := e.Write(w, &e.Files[0]); err != nil || len(e.Secrets) == 0 {
		return err
	}
	lines := []string{"Secrets to fill in, as variables of the environment, before a resource can be made anew:"}
	for _, s := range e.Secrets {
		lines = append(lines, "  "+s.Name)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return writeComments(w, lines)
}

// WriteSecrets writes the list of variables to fill in, as an environment file.
func (e *Export) WriteSecrets(w io.Writer) error {
	if err := writeComments(w, []string{
		"Secrets that the export refers to. A panel never tells one, so they are to be",
		"filled in, in a copy of this file that is in no repository. What is there already is",
		"compared without them; they are needed to make a resource, and by apply --rotate."}); err != nil {
		return err
	}
	for _, s := range e.Secrets {
		if _, err := fmt.Fprintf(w, "\n%s\n%s=\n", commentText(s.Ref.String()+": "+s.Field), s.Name); err != nil {
			return err
		}
	}
	return nil
}

// WriteNotes writes what is not in the export, as a file of comments.
func (e *Export) WriteNotes(w io.Writer) error {
	return writeComments(w, slices.Concat([]string{exportMark}, e.Notes))
}

func (e *Export) writeDefaults(w io.Writer, kinds []string) error {
	if len(kinds) == 0 {
		return nil
	}
	all := &yaml.Node{Kind: yaml.MappingNode}
	for _, kind := range kinds {
		n := &yaml.Node{Kind: yaml.MappingNode}
		params := &yaml.Node{Kind: yaml.MappingNode}
		ek := e.kinds[slices.IndexFunc(e.kinds, func(ek *exportKind) bool { return ek.kind.Name == kind })]
		for _, f := range e.defaults[kind] {
			v, _ := ek.kind.Field(f.Name).written(f.Value)
			to := n
			if slices.Contains(entryKeys, f.Name) {
				to = params
			}
			to.Content = append(to.Content, scalarOf(f.Name), v.node())
		}
		if len(params.Content) > 0 {
			n.Content = append(n.Content, scalarOf("params"), params)
		}
		all.Content = append(all.Content, scalarOf(kind), n)
	}
	text, err := encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalarOf("defaults"), all}})
	if err == nil {
		_, err = fmt.Fprintf(w, "\n%s", text)
	}
	return err
}

func (e *Export) writeEntries(w io.Writer, f *ExportFile) error {
	if f.Resources == 0 {
		if e.single {
			_, err := io.WriteString(w, "\nresources: {}\n")
			return err
		}
		return nil
	}
	if _, err := io.WriteString(w, "\nresources:\n"); err != nil {
		return err
	}
	for i, indexes := range f.entries {
		if len(indexes) == 0 {
			continue
		}
		head := true
		for some := range slices.Chunk(indexes, batchWritten) {
			text, err := e.entriesText(e.kinds[i], some)
			if err != nil {
				return err
			}
			if !head {
				_, text, _ = bytes.Cut(text, []byte("\n"))
			}
			head = false
			if _, err := w.Write(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// entriesText is the part of a document from the kind's key on.
func (e *Export) entriesText(ek *exportKind, indexes []int) ([]byte, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, i := range indexes {
		ent := &ek.entries[i]
		out := Entry{Kind: ek.kind.Name, Name: ent.name, Su: ent.su, Fields: make(Fields, len(ent.fields)), Secrets: ent.secrets}
		if e.many {
			out.Panels = ent.panels
		}
		for j, f := range ent.fields {
			v, _ := ek.kind.Field(f.Name).written(f.Value)
			out.Fields[j] = Field{f.Name, v}
		}
		n, err := out.node()
		if err != nil {
			return nil, err
		}
		list.Content = append(list.Content, n)
	}
	kinds := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalarOf(ek.kind.Name), list}}
	text, err := encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalarOf("resources"), kinds}})
	if err != nil {
		return nil, err
	}
	_, text, _ = bytes.Cut(text, []byte("\n"))
	return text, nil
}

// encode is a tree as text that hides nothing from an eye.
func encode(n *yaml.Node) ([]byte, error) {
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return []byte(escapeInvisible(text.String())), nil
}
