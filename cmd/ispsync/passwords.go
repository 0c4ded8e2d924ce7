package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/ispsync/ispsync/apiclient"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// A panel never tells a password, so the only way to find out whether the
// declared one is in force is to log in with it. Panels block who fails to log
// in too often (panel-api.md section 2; thresholds are on no record), so this
// is asked for, goes slowly, tries an account once in a run whatever came back,
// and stops at what may be the beginning of a block. A login is how sessions
// are made and changes nothing, so a plan may do it.

func addTryPasswords(f *pflag.FlagSet, pf *panelFlags) {
	f.BoolVar(&pf.tryPasswords, "check-passwords", false, "log in once as each declared account that may, to see whether its password is the declared one; one a second and panel")
}

const (
	// loginPause is between two logins on one panel.
	loginPause = time.Second
	// maxRefused is how many logins a panel may refuse in a row before it is
	// left in peace: fewer than common blockers count (fail2ban: 5).
	maxRefused = 3
	// maxLost is how many logins in a row may tell nothing.
	maxLost = 2
)

// trial is the trying of passwords on one panel.
type trial struct {
	t     *target
	c     *apiclient.Client
	in    plan.Input
	found []plan.Finding
	// inRow counts refusals since the last login that was accepted, lost the
	// logins in a row that told nothing.
	inRow, lost int
}

// tryPasswords tries the passwords of one panel's accounts and returns what to
// say about them.
func (t *target) tryPasswords(ctx context.Context, c *apiclient.Client, in plan.Input) []plan.Finding {
	tr := &trial{t: t, c: c, in: in}
	accounts := tr.accounts()
	if len(accounts) > 0 && in.Panel.OverMgrctl() {
		tr.unchecked(in.Panel.Name, "passwords cannot be tried through mgrctl, which asks for none; give the panel an https address")
		return tr.found
	}
	for i, a := range accounts {
		if !pause(ctx, loginPause) {
			return tr.found // the run is over, and says so
		}
		if why := tr.try(ctx, a); why != "" {
			if left := len(accounts) - i - 1; left > 0 {
				tr.unchecked(in.Panel.Name, "%s, so the other %d accounts were not tried: panels block an address that fails too often", why, left)
			}
			break
		}
	}
	return tr.found
}

// account is one to log in as.
type account struct {
	ref    specs.Ref
	field  string
	secret specs.Secret
	source string
}

// accounts are the declared ones that are there, active, and whose password
// this very plan does not write. Our own has been tried already: by logging in.
func (tr *trial) accounts() []account {
	var out []account
	for _, kind := range tr.in.Desired.Kinds() {
		row := tr.in.Kinds(kind)
		if row == nil || !row.Login {
			continue
		}
		for _, d := range tr.in.Desired.Resources(kind) {
			live := tr.in.Live.Find(kind, d.Ref.Key)
			i := slices.IndexFunc(d.Secrets, func(f specs.SecretField) bool { return !row.Field(f.Name).CreateOnly })
			switch {
			case d.Absent || live == nil || live.Unusable != "" || i < 0 || suspended(row, live):
			case tr.in.Targets != nil && !tr.in.Targets(d.Ref), tr.in.Rotate != nil && tr.in.Rotate(d.Ref):
			case d.Ref.Key == tr.in.Account:
				if d.Secrets[i].Secret != tr.in.Panel.Auth.Password {
					tr.unchecked(d.Ref.String(), "%s: it is the account ispsync logs in with, by another secret than the declared one; an account is tried once in a run", d.Secrets[i].Name)
				}
			default:
				out = append(out, account{d.Ref, d.Secrets[i].Name, d.Secrets[i].Secret, d.Pos.FileLine()})
			}
		}
	}
	return out
}

// suspended reports whether an account is switched off.
func suspended(row *specs.Kind, live *specs.Resource) bool {
	for _, f := range row.Fields {
		if v, ok := live.Fields.Get(f.Name); f.Toggle && ok && v == specs.Bool(false) {
			return true
		}
	}
	return false
}

// try logs in as one account. What it returns is why no other should be tried.
func (tr *trial) try(ctx context.Context, a account) (stop string) {
	if err := tr.t.secrets.check(a.secret); err != nil {
		tr.unchecked(a.ref.String(), "%s: the declared secret cannot be had: %v", a.field, err)
		return ""
	}
	accepted, err := tr.c.TryLogin(ctx, a.ref.Key, a.secret)
	switch {
	case err != nil:
		tr.unchecked(a.ref.String(), "%s: could not be checked, and is not tried again: %v", a.field, err)
		switch tr.lost++; {
		case tr.inRow > 0:
			return "a login failed for another reason after one that was refused"
		case tr.lost == maxLost:
			return fmt.Sprintf("%d logins in a row told nothing", maxLost)
		}
	case accepted:
		tr.inRow, tr.lost = 0, 0
	default:
		tr.inRow, tr.lost = tr.inRow+1, 0
		tr.found = append(tr.found, plan.Finding{Severity: plan.Warning, Code: plan.CodePasswordDiffers, Ref: a.ref.String(),
			Message: fmt.Sprintf("%s: differs on the panel (%s); `ispsync apply --rotate '%s'` writes the declared one", a.field, a.source, a.ref)})
		if tr.inRow == maxRefused {
			return fmt.Sprintf("%d logins in a row were refused", maxRefused)
		}
	}
	return ""
}

func (tr *trial) unchecked(ref, format string, args ...any) {
	tr.found = append(tr.found, plan.Finding{Severity: plan.Warning, Code: plan.CodePasswordUnknown, Ref: ref, Message: fmt.Sprintf(format, args...)})
}

// pause waits; it is false when the context ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
