package panellog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line that is read, in bytes. A longer one is no
// request anybody typed; it is passed over with a note.
const maxLine = 1 << 20

// reader gives the requests of a log one by one, in bounded memory: a log may
// be gigabytes.
type reader struct {
	in   *bufio.Reader
	line int // of the line read last, from 1
	note func(line int, text string)
}

func newReader(r io.Reader, note func(line int, text string)) *reader {
	return &reader{in: bufio.NewReaderSize(r, maxLine), note: note}
}

// next returns the next request, or io.EOF.
func (r *reader) next() (request, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return request{}, err
		}
		req, found, err := parseLine(line)
		switch {
		case err != nil:
			r.note(r.line, err.Error()+"; it is left out")
		case found:
			req.line = r.line
			return req, nil
		}
	}
}

// readLine returns the next line that is not too long; it is valid until the
// next call.
func (r *reader) readLine() ([]byte, error) {
	for {
		line, err := r.in.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			return nil, err
		}
		r.line++
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				err = nil // the last line has no end
			}
			return line, err
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.in.ReadSlice('\n')
		}
		r.note(r.line, fmt.Sprintf("the line is longer than %d bytes; it is left out", maxLine))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
}
