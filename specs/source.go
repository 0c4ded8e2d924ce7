package specs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxFile bounds one spec file in bytes. 100,000 written-out entries take
// about 15 MiB.
const maxFile = 128 << 20

// source is one spec file.
type source struct {
	path string // as the user named it
	dir  string // base of relative paths in it
	data []byte
	docs []node

	cut    cutSizes
	chunks []chunk
	// whole says that the file must not be cut: it was tried, and it does not
	// mean the same in pieces.
	whole bool
}

func (s *source) errorAt(line, col int, msg, hint string) *Error {
	return &Error{Pos: Pos{s.path, line, col}, Msg: msg, Hint: hint, Line: s.line(line)}
}

// hidden is an error about a node whose value must not be shown: the line ends
// where the value begins.
func (s *source) hidden(n *node, msg, hint string) *Error {
	e := s.errorAt(int(n.line), int(n.col), msg, hint)
	if rs := []rune(e.Line); int(n.col) <= len(rs) {
		e.Line = string(rs[:n.col-1]) + "***"
	}
	return e
}

func (s *source) pos(n *node) Pos { return Pos{s.path, int(n.line), int(n.col)} }

// line returns the text of a line, counted from 1, with secrets masked.
func (s *source) line(number int) string {
	rest := s.data
	for ; number > 1; number-- {
		_, after, ok := bytes.Cut(rest, []byte("\n"))
		if !ok {
			return ""
		}
		rest = after
	}
	text, _, _ := bytes.Cut(rest, []byte("\n"))
	if len(text) > 4096 {
		text = text[:4096]
	}
	return maskSecrets(strings.ToValidUTF8(string(text), "\uFFFD"))
}

// findSources turns the -f arguments into files: a directory is read
// recursively, sorted, without names that start with a dot; - is stdin. A file
// named twice is read once.
func findSources(paths []string, stdin io.Reader) ([]*source, error) {
	var out []*source
	var errs []error
	seen := map[string]bool{}
	add := func(path string) {
		clean := filepath.Clean(path)
		if !seen[clean] {
			seen[clean] = true
			out = append(out, &source{path: filepath.ToSlash(clean), dir: filepath.Dir(clean)})
		}
	}
	for _, p := range paths {
		if p == "-" {
			data, err := readBounded(stdin, "stdin")
			if err != nil {
				errs = append(errs, err)
				continue
			}
			out = append(out, &source{path: "stdin", dir: ".", data: data})
			continue
		}
		info, err := os.Stat(p)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("spec %s: %w", p, plainPathError(err)))
		case info.IsDir():
			before := len(out)
			if err := walkSpecs(p, add); err != nil {
				errs = append(errs, err)
			} else if len(out) == before {
				errs = append(errs, fmt.Errorf("spec %s: no *.yaml or *.yml file in this directory; name the spec with -f", p))
			}
		default:
			add(p)
		}
	}
	return out, errors.Join(errs...)
}

func walkSpecs(dir string, add func(string)) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("spec %s: %w", path, plainPathError(err))
		}
		if strings.HasPrefix(d.Name(), ".") && path != dir {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(path); !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			add(path)
		}
		return nil
	})
	return err
}

// plainPathError drops the operation and the path, which the caller says better.
func plainPathError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func readBounded(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("spec %s: %w", name, plainPathError(err))
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("spec %s: larger than %d MiB; split it into several files", name, maxFile>>20)
	}
	return data, nil
}

// read fills data and docs. Mistakes go to problems; the error is for a file
// that cannot be read at all.
func (s *source) read(problems *problems) error {
	if s.data == nil {
		f, err := os.Open(s.path)
		if err != nil {
			return fmt.Errorf("spec %s: %w", s.path, plainPathError(err))
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if info.Size() > maxFile {
				return fmt.Errorf("spec %s: larger than %d MiB; split it into several files", s.path, maxFile>>20)
			}
			s.data = make([]byte, info.Size())
			if n, err := io.ReadFull(f, s.data); err != nil {
				s.data = s.data[:n] // it shrank while we read
			}
		} else if s.data, err = readBounded(f, s.path); err != nil {
			return err
		}
	}
	s.data = bytes.TrimPrefix(s.data, []byte("\ufeff"))
	if at := firstInvalidUTF8(s.data); at >= 0 {
		line := bytes.Count(s.data[:at], []byte("\n")) + 1
		col := utf8.RuneCount(s.data[bytes.LastIndexByte(s.data[:at], '\n')+1:at]) + 1
		problems.addErr(s.errorAt(line, col, "this is not UTF-8", "save the file as UTF-8"))
		return nil
	}
	s.docs = s.parse(problems)
	return nil
}

func firstInvalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func (s *source) parse(problems *problems) []node {
	s.chunks = nil
	if docs, ok := s.parseAround(); ok {
		return docs
	}
	docs, err := s.parseYAML(s.data, 0, problems)
	if err != nil {
		problems.addErr(s.yamlError(err))
	}
	return docs
}

// parseYAML reads all documents of a text whose first line is line
// lineOffset+1 of the file. An error is one of YAML's syntax.
func (s *source) parseYAML(data []byte, lineOffset int, problems *problems) (docs []node, err error) {
	defer func() { // yaml.v3 has panicked on hostile input before
		if r := recover(); r != nil {
			docs, err = nil, fmt.Errorf("yaml: this cannot be parsed (%v)", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var y yaml.Node
		if err := dec.Decode(&y); err == io.EOF {
			return docs, nil
		} else if err != nil {
			return docs, err
		}
		if y.Kind != yaml.DocumentNode || len(y.Content) != 1 {
			continue
		}
		c := converter{src: s, problems: problems, lineOffset: lineOffset, intern: map[string]string{},
			maxAliased: 10_000 + len(data)}
		if n := c.node(y.Content[0], 0, false); !c.failed {
			docs = append(docs, n)
		}
	}
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

func (s *source) yamlError(err error) *Error {
	msg, line := strings.ReplaceAll(err.Error(), "\n", " "), 1
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		if m[1] != "" {
			line, _ = strconv.Atoi(m[1])
		}
		msg = m[2]
	}
	e := s.errorAt(line, 1, "this is not YAML: "+msg, "")
	if trimmed := strings.TrimLeft(e.Line, " \t"); trimmed != "" {
		e.Pos.Col = utf8.RuneCountInString(e.Line) - utf8.RuneCountInString(trimmed) + 1
	}
	switch {
	case strings.Contains(msg, "tab"):
		e.Hint = "indent with spaces"
	case strings.Contains(msg, "mapping values are not allowed"):
		e.Hint = "check the indentation, and put quotes around a value that holds ': '"
	case strings.Contains(msg, "cannot start any token"), strings.Contains(msg, "did not find expected"):
		e.Hint = "put quotes around a value that begins with % @ ` & * ! { [ or holds ': '"
	}
	return e
}
