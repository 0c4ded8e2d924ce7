package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// countRows counts like countBytes, but takes the rows of a list apart: each
// becomes a map of its cells, name to text, and is then forgotten. That is the
// least a program has to do with a list that it wants to compare with
// something; it decodes no entities and checks nothing.
func countRows(answer io.Reader, node string, buf []byte) (n int, err error) {
	if node != "elem" {
		return countBytes(answer, node, buf)
	}
	in := bufio.NewReaderSize(answer, len(buf))
	var row []byte
	for {
		part, err := in.ReadSlice('>')
		row = append(row, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, fmt.Errorf("answer: %w", err)
		case bytes.HasSuffix(row, []byte("<elem>")):
			row = row[:0]
		case bytes.HasSuffix(row, []byte("</elem>")):
			if len(cells(row)) > 0 {
				n++
			}
			row = row[:0]
		}
	}
}

// cells are the children of one row that hold text.
func cells(row []byte) map[string]string {
	out := map[string]string{}
	for {
		_, rest, ok := bytes.Cut(row, []byte("<"))
		if !ok {
			return out
		}
		tag, rest, _ := bytes.Cut(rest, []byte(">"))
		text, _, _ := bytes.Cut(rest, []byte("<"))
		if len(text) > 0 && len(tag) > 0 && tag[0] != '/' {
			name, _, _ := bytes.Cut(tag, []byte(" "))
			out[string(name)] = string(text)
		}
		row = rest
	}
}
