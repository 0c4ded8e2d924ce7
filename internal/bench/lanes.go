package main

// The floor sends the calls that ispsync sent: they are taken from the
// simulated panels' ledgers, so there is no second idea of what they should
// be, and handed to the floor as a file. A line with the address of a panel
// begins its lane; each further line is the body of a call.

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
)

// lane is what is sent to one panel, in this order.
type lane struct {
	url    string
	bodies []string
}

// lanes are the calls that the ledgers hold. The ledger masks secrets: the
// password of the login is put back, the session is the floor's own, and an
// account may well be made with the password "*".
func (f *fleet) lanes() []lane {
	out := make([]lane, len(f.hosts))
	for i, h := range f.hosts {
		out[i].url = h.url
		for _, c := range h.panel.Load().Calls() {
			form := url.Values{"func": {c.Func}}
			for name, value := range c.Params {
				if name != "auth" {
					form.Set(name, value)
				}
			}
			if form.Has("password") {
				form.Set("password", panelPassword)
			}
			out[i].bodies = append(out[i].bodies, form.Encode())
		}
	}
	return out
}

func writeLanes(path string, lanes []lane) error {
	return writeFile(path, func(w io.Writer) {
		for _, l := range lanes {
			fmt.Fprintln(w, l.url)
			for _, b := range l.bodies {
				fmt.Fprintln(w, b)
			}
		}
	})
}

func readLanes(path string) ([]lane, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the calls to send: %w", err)
	}
	defer f.Close()
	var lanes []lane
	in := bufio.NewScanner(f)
	for in.Scan() {
		line := in.Text()
		switch {
		case strings.HasPrefix(line, "http"):
			lanes = append(lanes, lane{url: line})
		case len(lanes) == 0:
			return nil, fmt.Errorf("the calls to send: %s begins with a call, not with a panel", path)
		default:
			last := &lanes[len(lanes)-1]
			last.bodies = append(last.bodies, line)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("the calls to send: %w", err)
	}
	return lanes, nil
}
