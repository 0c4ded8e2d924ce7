package main

import (
	"strings"
	"testing"
	"time"
)

// A check that lets anything pass would make every figure worthless.
func TestChecksOfAPlan(t *testing.T) {
	plan := []string{login(), "func=user", "func=webdomain"}
	forms := []string{"func=webdomain.edit&elid=site000001.web01.example.com", "func=webdomain.edit&elid=site000002.web01.example.com"}
	empty := cost{Stdout: "web01: 3 requests\n\nNo changes.\n"}
	for _, tt := range []struct {
		name    string
		bodies  []string
		cost    cost
		aliases bool
		wrong   string // empty: nothing is
	}{
		{"as it should be", plan, empty, false, ""},
		{"with forms", append(plan, forms...), cost{Stdout: "web01: 5 requests\n\nNo changes.\n"}, true, ""},
		{"not empty", plan, cost{Stdout: "web01: 3 requests\n\nPlan: 1 to add"}, false, "1 to add"},
		{"exit code", plan, cost{Exit: 3, Stdout: empty.Stdout}, false, "ended with 3"},
		{"requests not told", plan, cost{Stdout: "web01: 2 requests\n\nNo changes.\n"}, false, "does not say"},
		{"two lists", append(plan, "func=user"), cost{Stdout: "4 requests\nNo changes."}, false, "user:2"},
		{"two logins", append(plan, login()), cost{Stdout: "4 requests\nNo changes."}, false, "auth:2"},
		{"forms nobody needs", append(plan, forms...), cost{Stdout: "5 requests\nNo changes."}, false, "webdomain.edit:2"},
		{"a form left out", append(plan, forms[0]), cost{Stdout: "4 requests\nNo changes."}, true, "webdomain.edit:1"},
		{"a change", append(plan, forms[0], forms[1]+"&sok=ok"), cost{Stdout: "5 requests\nNo changes."}, true, "a plan sent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := scenario{size: size{1, 1, 2}, aliases: tt.aliases}
			tr := &trial{scenario: s, fleet: testFleet(t, s)}
			if _, err := sendAll([]lane{{tr.fleet.hosts[0].url, tt.bodies}}, countBytes); err != nil {
				t.Fatal(err)
			}
			told(t, tr.check(tt.cost), tt.wrong)
		})
	}
}

func TestChecksOfAnApply(t *testing.T) {
	user := "func=user.edit&sok=ok&name=u00001&passwd=" + userPassword
	site := "func=webdomain.edit&sok=ok&owner=u00001&name="
	done := cost{Stdout: "Apply complete! Resources: 3 added, 0 changed, 0 destroyed.\n"}
	for _, tt := range []struct {
		name   string
		bodies []string
		cost   cost
		wrong  string
	}{
		{"as it should be", []string{user, site + "a.example", site + "b.example"}, done, ""},
		{"incomplete", []string{user, site + "a.example", site + "b.example"}, cost{Exit: 3, Stdout: "Apply incomplete"}, "incomplete"},
		{"one left out", []string{user, site + "a.example"}, done, "1 + 1 changes"},
		{"one twice", []string{user, site + "a.example", site + "a.example"}, done, "refused: exists"},
		{"out of order", []string{user, site + "a.example", "func=user.edit&sok=ok&name=u00002&passwd=x"}, done, "before all users"},
		{"another password", []string{user + "x", site + "a.example", site + "b.example"}, done, "password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := scenario{size: size{1, 1, 2}, create: true}
			tr := &trial{scenario: s, fleet: testFleet(t, s)}
			if _, err := sendAll([]lane{{tr.fleet.hosts[0].url, append([]string{login()}, tt.bodies...)}}, countBytes); err != nil {
				t.Fatal(err)
			}
			told(t, tr.check(tt.cost), tt.wrong)
		})
	}
}

// told compares an error with what it must say.
func told(t *testing.T, err error, wrong string) {
	t.Helper()
	switch {
	case wrong == "" && err != nil:
		t.Errorf("it was refused: %v", err)
	case wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)):
		t.Errorf("the error is %v; it should say %q", err, wrong)
	}
}

func TestLastOfOthersLeavesTheFirstPanelOut(t *testing.T) {
	s := scenario{size: size{2, 1, 1}}
	f := testFleet(t, s)
	call := func(h *host) {
		if _, err := sendAll([]lane{{h.url, []string{login()}}}, countBytes); err != nil {
			t.Fatal(err)
		}
	}
	call(f.hosts[0])
	call(f.hosts[1])
	call(f.hosts[0])
	of := func(i, n int) time.Time { return f.hosts[i].panel.Load().Calls()[n].At }
	if got, want := f.lastOfOthers(), of(1, 0).Sub(of(0, 0)); got != want {
		t.Errorf("it is %v, not %v", got, want)
	}
}
