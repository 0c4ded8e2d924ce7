package main

// What is checked of every run: a fast wrong answer is no answer. The ledgers
// of the simulated panels are the witnesses.

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// check says what a run of ispsync did that it should not have.
func (t *trial) check(c cost) error {
	ending, perPanel := "No changes.", t.checkPlanned
	if t.create {
		ending = fmt.Sprintf("Apply complete! Resources: %d added, 0 changed, 0 destroyed.", t.size.resources())
		perPanel = t.checkCreated
	}
	if c.Exit != 0 || !strings.Contains(c.Stdout, ending) {
		return unexpected(c)
	}
	if told := fmt.Sprintf("%d requests", t.fleet.requests()); !t.create && !strings.Contains(c.Stdout, told) {
		return fmt.Errorf("the panels got %s, which the plan does not say: %w", told, unexpected(c))
	}
	for i, h := range t.fleet.hosts {
		if err := perPanel(h.panel.Load()); err != nil {
			return fmt.Errorf("%s: %w", panelName(i), err)
		}
	}
	return nil
}

// unexpected tells how a command ended.
func unexpected(c cost) error {
	return fmt.Errorf("it ended with %d and said:\n%s%s", c.Exit, tail(c.Stdout), tail(c.Stderr))
}

// tail is the end of a text, where commands say what became of them.
func tail(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	return "…" + strings.ToValidUTF8(s[len(s)-most:], "")
}

// checkPlanned: one login, one list per kind, a form per resource only where a
// declared field needs it, and no change (contract section 6, promises 1 and 2).
func (t *trial) checkPlanned(p *simpanel.Panel) error {
	want := map[string]int{"auth": 1, "user": 1, "webdomain": 1}
	if t.aliases {
		want["webdomain.edit"] = t.size.sites
	}
	got := p.Counts()
	if !maps.Equal(got, want) {
		return fmt.Errorf("the calls were %v, not %v", got, want)
	}
	for _, c := range p.Calls() {
		if c.Write {
			return fmt.Errorf("a plan sent %s %v", c.Func, c.Params)
		}
	}
	return nil
}

// checkCreated: one login, one change per resource, users before what they
// own, and all of it there.
func (t *trial) checkCreated(p *simpanel.Panel) error {
	logins, users, sites := 0, 0, 0
	for _, c := range p.Calls() {
		switch {
		case c.Func == "auth":
			logins++
		case c.Write && !c.Applied:
			return fmt.Errorf("%s %v was refused: %s", c.Func, c.Params, c.Error)
		case c.Write && c.Func == "user.edit" && sites > 0:
			return errors.New("a web domain was made before all users were")
		case c.Write && c.Func == "user.edit":
			users++
		case c.Write:
			sites++
		}
	}
	if logins != 1 || users != t.size.users || sites != t.size.sites {
		return fmt.Errorf("there were %d logins and %d + %d changes, not 1 and %d + %d", logins, users, sites, t.size.users, t.size.sites)
	}
	if u, s := p.Count("user"), p.Count("webdomain"); u != t.size.users || s != t.size.sites {
		return fmt.Errorf("the panel has %d users and %d web domains, not %d and %d", u, s, t.size.users, t.size.sites)
	}
	if p.Password(userName(0)) != userPassword {
		return errors.New("a user's password is not the declared one")
	}
	return nil
}

// lastOfOthers is when the last call to a panel other than the first came,
// since the first call of all.
func (f *fleet) lastOfOthers() time.Duration {
	var first, last time.Time
	for i, h := range f.hosts {
		for _, c := range h.panel.Load().Calls() {
			if first.IsZero() || c.At.Before(first) {
				first = c.At
			}
			if i > 0 && c.At.After(last) {
				last = c.At
			}
		}
	}
	return max(0, last.Sub(first))
}
