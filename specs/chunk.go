package specs

import (
	"bytes"
	"errors"
	"regexp"
)

// A large file is nearly always one long list of entries, and yaml.v3 keeps
// a tree of the whole document, ten times the size of the text. So the lists
// under `resources:` are cut at lines where an entry begins. What is around
// them is parsed at once, with those lines emptied; each piece is parsed when its
// entries are resolved, side by side with others, and its tree dropped right
// after.
//
// The cut is made on indentation alone. Whenever a piece turns out not to be
// exactly a list of as many maps as were cut, or not to be YAML by itself (a quoted
// text over several lines, an anchor of another piece), or holds a mistake, the
// load begins anew with the file read in one go.

// cutSizes says which files are cut, and into pieces of which size, in bytes.
type cutSizes struct{ from, piece int }

var usualCut = cutSizes{from: 256 << 10, piece: 64 << 10}

// chunk is one piece.
type chunk struct {
	from, to  int // bytes of the file
	firstLine int // lines before it
	keyLine   int // the line of the kind's key this list belongs to
	items     int
}

var (
	topKey  = regexp.MustCompile(`^resources:\s*(?:#.*)?$`)
	kindKey = regexp.MustCompile(`^( +)[A-Za-z][\w.-]*:\s*(?:#.*)?$`)
)

// cutChunks finds the pieces; nil when the file does not have the plain shape.
func cutChunks(data []byte, size int) []chunk {
	var (
		out            []chunk
		cur            *chunk
		inResources    bool
		kindIndent     int
		keyLine        int
		itemIndent     = -1
		lineNo, offset int
	)
	for offset < len(data) {
		end := bytes.IndexByte(data[offset:], '\n')
		if end < 0 {
			end = len(data) - offset - 1
		}
		next := offset + end + 1
		line := bytes.TrimRight(data[offset:next], "\r\n")
		lineNo++
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		rest := line[indent:]
		switch {
		case len(rest) == 0 || rest[0] == '#':
		case indent == 0 && !(inResources && itemIndent == 0 && rest[0] == '-'):
			inResources, cur, itemIndent, kindIndent = topKey.Match(line), nil, -1, 0
		case !inResources:
		case kindIndent == 0 || indent == kindIndent && rest[0] != '-':
			if kindIndent != 0 && indent != kindIndent || !kindKey.Match(line) {
				return nil
			}
			kindIndent, keyLine, cur, itemIndent = indent, lineNo, nil, -1
		case rest[0] == '-' && len(rest) > 1 && rest[1] == ' ' && (itemIndent < 0 && indent >= kindIndent || indent == itemIndent):
			itemIndent = indent
			if cur == nil || offset-cur.from >= size {
				out = append(out, chunk{from: offset, firstLine: lineNo - 1, keyLine: keyLine})
				cur = &out[len(out)-1]
			}
			cur.items++
		case cur == nil || indent <= itemIndent:
			return nil
		}
		if cur != nil {
			cur.to = next
		}
		offset = next
	}
	return out
}

// parseAround parses what is around the pieces of a file that is to be cut.
func (s *source) parseAround() ([]node, bool) {
	if s.whole || len(s.data) < s.cut.from {
		return nil, false
	}
	chunks := cutChunks(s.data, s.cut.piece)
	if len(chunks) < 2 {
		return nil, false
	}
	var rest []byte
	at := 0
	for _, c := range chunks {
		rest = append(rest, s.data[at:c.from]...)
		rest = append(rest, bytes.Repeat([]byte("\n"), bytes.Count(s.data[c.from:c.to], []byte("\n")))...)
		at = c.to
	}
	var found problems
	docs, err := s.parseYAML(append(rest, s.data[at:]...), 0, &found)
	if err != nil || found.any() {
		return nil, false
	}
	s.chunks = chunks
	return docs, true
}

// piecesOf returns the pieces of the list that belongs to a kind's key.
func (s *source) piecesOf(key, value *node) []chunk {
	if !value.isNull() {
		return nil
	}
	var out []chunk
	for _, c := range s.chunks {
		if c.keyLine == int(key.line) {
			out = append(out, c)
		}
	}
	return out
}

var errWhole = errors.New("this file must be read in one go")

// parseChunk parses one piece into its entries.
func (s *source) parseChunk(c chunk) ([]node, error) {
	var found problems
	docs, err := s.parseYAML(s.data[c.from:c.to], c.firstLine, &found)
	if err != nil || found.any() || len(docs) != 1 || docs[0].kind != listNode || len(docs[0].items()) != c.items {
		return nil, errWhole
	}
	for i := range docs[0].items() {
		if docs[0].items()[i].kind != mapNode {
			return nil, errWhole
		}
	}
	return docs[0].items(), nil
}
