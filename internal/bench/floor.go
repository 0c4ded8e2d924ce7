package main

// The floor is what any program written in Go has to pay for the same calls: a
// loop per panel that posts one body after the other over a connection kept
// open, and counts in the answers what can be counted: rows of a list, ok of a
// change. It reads no spec, keeps nothing and compares nothing.
//
// There are three, because "a byte scanner" can mean two things. The figures of
// issue 2 (0.091 with encoding/xml and 0.040 with a byte scanner, 0.87 and 0.31
// for ten times as much) are those of a scanner that takes rows apart; one that
// only looks for where rows begin costs a twentieth of encoding/xml. Budgets
// are held against the former.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// floorPanels is how many panels the floor talks to at once: as ispsync does
// by default.
const floorPanels = 10

// counter counts the nodes of a name in an answer.
type counter func(answer io.Reader, node string, buf []byte) (int, error)

// The ways of the floor to look at answers.
const (
	wayXML   = "xml"   // encoding/xml, token by token
	wayRows  = "rows"  // a byte scanner that makes a map of each row
	wayBytes = "bytes" // a byte scanner that looks for a tag and for nothing else
)

var ways = []string{wayXML, wayRows, wayBytes}

var counters = map[string]counter{wayXML: countNodes, wayRows: countRows, wayBytes: countBytes}

// floor is the role: its arguments are the name of a counter and the file with
// the calls.
func floor(args []string, out io.Writer) error {
	if len(args) != 2 || counters[args[0]] == nil {
		return errors.New("floor: the arguments are xml, rows or bytes, and a file with calls")
	}
	lanes, err := readLanes(args[1])
	if err != nil {
		return err
	}
	n, err := sendAll(lanes, counters[args[0]])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, n)
	return err
}

// sendAll sends the lanes, some at once, and returns what was counted.
func sendAll(lanes []lane, count counter) (int, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}
	defer transport.CloseIdleConnections()
	var (
		mu    sync.Mutex
		total int
		errs  []error
		ended sync.WaitGroup
	)
	next := make(chan lane)
	for range min(floorPanels, len(lanes)) {
		ended.Go(func() {
			buf := make([]byte, 64<<10)
			for l := range next {
				n, err := l.send(transport, count, buf)
				mu.Lock()
				total, errs = total+n, append(errs, err)
				mu.Unlock()
			}
		})
	}
	for _, l := range lanes {
		next <- l
	}
	close(next)
	ended.Wait()
	return total, errors.Join(errs...)
}

// send sends one lane.
func (l lane) send(transport *http.Transport, count counter, buf []byte) (total int, err error) {
	session := ""
	for _, body := range l.bodies {
		if session != "" {
			body += "&auth=" + session
		}
		n := 0
		err := post(transport, l.url, body, func(answer io.Reader) (err error) {
			switch {
			case session == "":
				session, err = readSession(answer)
			case strings.Contains(body, "sok="):
				n, err = count(answer, "ok", buf)
			default:
				n, err = count(answer, "elem", buf)
			}
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

func post(transport *http.Transport, url, body string, read func(io.Reader) error) error {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("floor: %s: %w", url, err)
	}
	defer resp.Body.Close()
	if err := read(resp.Body); err != nil {
		return fmt.Errorf("floor: %s: %w", url, err)
	}
	return nil
}

// readSession finds the session in the answer to a login (guide, "Session
// unique ID authentication").
func readSession(answer io.Reader) (string, error) {
	doc, err := io.ReadAll(answer)
	if err != nil {
		return "", fmt.Errorf("login: %w", err)
	}
	_, rest, _ := bytes.Cut(doc, []byte(`<auth id="`))
	id, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok || len(id) == 0 {
		return "", errors.New("login: the answer holds no session")
	}
	return string(id), nil
}

// countNodes counts with encoding/xml, which looks at everything.
func countNodes(answer io.Reader, node string, _ []byte) (n int, err error) {
	d := xml.NewDecoder(answer)
	for {
		t, err := d.Token()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("answer: %w", err)
		}
		if start, ok := t.(xml.StartElement); ok && start.Name.Local == node {
			n++
		}
	}
}

// countBytes counts where a tag of that name begins and looks at nothing else:
// neither in quotes nor in comments, which panels do not send. It needs a
// buffer longer than the tag.
func countBytes(answer io.Reader, node string, buf []byte) (n int, err error) {
	begin, kept := []byte("<"+node), 0
	for {
		m, err := answer.Read(buf[kept:])
		window := buf[:kept+m]
		for {
			i := bytes.Index(window, begin)
			if i < 0 || i+len(begin) == len(window) {
				break // none, or the byte that ends the name is still to come
			}
			if c := window[i+len(begin)]; c == '>' || c == '/' || c == ' ' {
				n++
			}
			window = window[i+len(begin):]
		}
		if len(window) > len(begin) {
			window = window[len(window)-len(begin):]
		}
		kept = copy(buf, window)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("answer: %w", err)
		}
	}
}
