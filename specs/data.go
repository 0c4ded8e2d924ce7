package specs

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// readData reads a data file once. os.Root keeps the path inside dir, links
// and ".." included.
func (e *expressions) readData(dir, path, kind string, parse func([]byte) (any, error)) (any, error) {
	id := kind + "\x00" + dir + "\x00" + path
	e.mu.Lock()
	defer e.mu.Unlock()
	d, ok := e.data[id]
	if !ok {
		d.value, d.err = loadData(dir, path, parse)
		if d.err != nil {
			d.err = fmt.Errorf("%s(%q): %w", kind, path, d.err)
		}
		e.data[id] = d
	}
	return d.value, d.err
}

func loadData(dir, path string, parse func([]byte) (any, error)) (any, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, plainPathError(err)
	}
	defer root.Close()
	f, err := root.Open(filepath.Clean(path))
	if err != nil {
		err = plainPathError(err)
		if filepath.IsAbs(path) || strings.HasPrefix(filepath.Clean(path), "..") || strings.Contains(err.Error(), "escapes") {
			return nil, fmt.Errorf("only files below the spec's own directory (%s) can be read", dir)
		}
		return nil, fmt.Errorf("%w in %s", err, dir)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, plainPathError(err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	if firstInvalidUTF8(data) >= 0 {
		return nil, errors.New("is not UTF-8")
	}
	return parse([]byte(strings.TrimPrefix(string(data), "\ufeff")))
}

// parseCSV yields a list of maps by the names in the first line. Spreadsheets
// of many countries write semicolons instead of commas.
func parseCSV(data []byte) (any, error) {
	r := csv.NewReader(strings.NewReader(string(data)))
	first, _, _ := strings.Cut(string(data), "\n")
	if strings.Contains(first, ";") && !strings.Contains(first, ",") {
		r.Comma = ';'
	}
	r.TrimLeadingSpace = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("is empty; its first line must name the columns")
	}
	out := make([]any, 0, len(rows)-1)
	for _, row := range rows[1:] {
		m := make(map[string]any, len(row))
		for i, cell := range row {
			m[strings.TrimSpace(rows[0][i])] = strings.TrimSpace(cell)
		}
		out = append(out, m)
	}
	return out, nil
}

func parseJSON(data []byte) (any, error) {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return plainNumbers(v), nil
}

// plainNumbers turns json.Number into int where it is one: 10 must not become 1e+01.
func plainNumbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		if i, err := strconv.Atoi(x.String()); err == nil {
			return i
		}
		f, _ := x.Float64()
		return f
	case []any:
		for i := range x {
			x[i] = plainNumbers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = plainNumbers(x[k])
		}
	}
	return v
}

func parseYAMLData(data []byte) (any, error) {
	var p problems
	src := &source{path: "data", data: data}
	docs, err := src.parseYAML(data, 0, &p)
	switch {
	case err != nil:
		return nil, errors.New(src.yamlError(err).Error())
	case p.any():
		return nil, errors.New(p.errs[0].Error())
	case len(docs) != 1:
		return nil, fmt.Errorf("holds %d documents, not one", len(docs))
	}
	return docs[0].any(), nil
}
