package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// A saved plan does what it says or nothing: whichever single field of what a
// step is about was changed since, by whoever, nothing at all is written and the
// exit code is 4; with --on-drift skip that one step is stale and the rest runs.

// savedCases are resources as the panel holds them, and what an update changes.
var savedCases = []struct {
	kind, key string
	live      map[string]string
	update    map[string]any
}{
	{"user", "u00001", nil, map[string]any{"fullname": "Changed"}},
	{"webdomain", "shop.example.com", map[string]string{"owner": "u00001"}, map[string]any{"aliases": []any{"www.shop.example.com"}}},
	{"domain", "shop.example.com", map[string]string{"owner": "u00001"}, map[string]any{"dnssec": true}},
	{"emaildomain", "shop.example.com", map[string]string{"owner": "u00001"}, map[string]any{"spamassassin": true}},
	{"email", "info@shop.example.com", map[string]string{"passwd": "x"}, map[string]any{"greylist": true}},
	{"ftp.user", "upload", map[string]string{"owner": "u00001", "passwd": "x"}, map[string]any{"home": "/www"}},
	{"preset", "starter", nil, map[string]any{"limit_webdomains": 7}},
}

func TestLawSavedPlan(t *testing.T) {
	changes := 0
	for i := range savedCases {
		for _, action := range []string{"create", "update", "delete"} {
			c := &savedCases[i]
			t.Run(c.kind+" "+action, func(t *testing.T) {
				if err := inBubble(t, func(t *testing.T) error {
					s, err := savedStage(t, i, action)
					if err != nil {
						return err
					}
					n, err := s.nothingOrAll(c.kind, c.key, action)
					changes += n
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if changes < 150 {
		t.Errorf("only %d changes were tried", changes)
	}
}

// savedStage holds all resources of the cases but the one that is to be made,
// and has a saved plan with a step about that one, and another step.
func savedStage(t *testing.T, of int, action string) (*stage, error) {
	c := savedCases[of]
	w := &world{panels: []worldPanel{{options: simpanel.Options{Name: "web1"}, limits: map[string]int{"writes": 1}, auth: "session",
		live: []liveResource{{"user", "u00001", nil}, {"user", "u00002", nil}, {"emaildomain", "shop.example.com", map[string]string{"owner": "u00001"}}}}}}
	entry := map[string]any{"name": c.key}
	switch action {
	case "create":
		for name, v := range c.live {
			entry[name] = v
			if name == "passwd" {
				entry[name] = "${secret.env('SIM_PASSWORD')}"
			}
		}
		if c.kind == "user" {
			c.key, entry["name"], entry["passwd"] = "u00009", "u00009", "${secret.env('SIM_PASSWORD')}"
		}
	case "update":
		maps.Copy(entry, c.update)
	case "delete":
		entry["ensure"] = "absent"
	}
	if action != "create" && c.key != "u00001" {
		w.panels[0].live = append(w.panels[0].live, liveResource{c.kind, c.key, c.live})
	}
	if c.kind == "user" || action == "create" && c.kind == "emaildomain" {
		w.panels[0].live = w.panels[0].live[:2] // nothing goes with the user, and the domain is to be made
	}
	entries := []any{entry}
	other := map[string]any{"name": "other", "passwd": "${secret.env('SIM_PASSWORD')}"}
	w.spec = map[string]any{"resources": map[string]any{c.kind: entries, "user": []any{other}}}
	if c.kind == "user" {
		w.spec["resources"] = map[string]any{"user": []any{entry, other}}
	}
	s, err := w.stage(t)
	if err == nil {
		_, err = s.want(exitOK, "plan", "--out", s.path("plan.json"))
	}
	return s, err
}

// nothingOrAll changes one field after the other, and takes each change back.
func (s *stage) nothingOrAll(kind, key, action string) (changes int, err error) {
	p := s.panels["web1"]
	if action == "create" {
		if kind == "user" {
			key = "u00009"
		}
		return 1, s.movedOnce(kind, key, "", func() { p.Put(kind, key, map[string]string{}) }, func() { p.Delete(kind, key) })
	}
	held, ok := p.Get(kind, key)
	if !ok {
		return 0, fmt.Errorf("there is no %s %s", kind, key)
	}
	row := specs.Builtin().Kind(kind)
	for _, name := range slices.Sorted(maps.Keys(held)) {
		f := row.Field(name)
		if f == nil || f.Read == specs.Never || f.Secret {
			continue
		}
		other := otherValue(f, held[name])
		change := func(v string) func() { return func() { p.Put(kind, key, map[string]string{name: v}) } }
		if err := s.movedOnce(kind, key, name, change(other), change(held[name])); err != nil {
			return changes, fmt.Errorf("%s %q, changed to %q: %w", name, held[name], other, err)
		}
		changes++
	}
	err = s.movedOnce(kind, key, "", func() { p.Delete(kind, key) }, func() { p.Put(kind, key, held) })
	if err != nil {
		return changes, err
	}
	_, err = s.want(exitOK, "apply", s.path("plan.json")) // as it was: the plan was refused, not used up
	return changes, err
}

// otherValue is a value that a field has not.
func otherValue(f *specs.FieldRow, held string) string {
	switch {
	case f.Name == "owner":
		return "u00002"
	case f.Name == "docroot":
		return "www/other" // its example is where the site is anyway
	case held == "on":
		return "off"
	case held == "off":
		return "on"
	}
	if n, err := strconv.Atoi(held); err == nil {
		return fmt.Sprint(n + 1)
	}
	for _, v := range append(slices.Clone(f.Values), f.Example, "other") {
		if v != held && v != "true" && v != "false" {
			return v
		}
	}
	return "on"
}

// movedOnce holds one change against the saved plan, both ways of --on-drift,
// and takes the change back.
func (s *stage) movedOnce(kind, key, field string, change, back func()) error {
	p := s.panels["web1"]
	skip := field == "" || len(field)%4 == 0 // one field in four: it takes three runs
	if skip {
		if _, err := s.want(exitOK, "plan", "--out", s.path("skip.json")); err != nil {
			return err
		}
	}
	p.ResetCalls()
	change()
	r, err := s.want(exitStale, "apply", s.path("plan.json"))
	switch {
	case err != nil:
		return err
	case len(s.writes()["web1"]) > 0:
		return fmt.Errorf("%d writing calls: %v", len(s.writes()["web1"]), r)
	case !strings.Contains(r.stderr, "web1/"+kind+"/"+key+": ") || field != "" && !strings.Contains(r.stderr, field+": was "):
		return fmt.Errorf("it does not say what moved: %v", r)
	}
	if !skip {
		back()
		return nil
	}
	report, r, err := s.apply(s.path("skip.json"), "--on-drift", "skip")
	if err != nil || r.code != exitPartial || report.Summary.Stale != 1 || report.Summary.Done != 1 || len(report.Outcomes) != 2 {
		return fmt.Errorf("with --on-drift skip: %v, %v", err, r)
	}
	for _, c := range s.writes()["web1"] {
		if c.Params["name"] != "other" {
			return fmt.Errorf("with --on-drift skip there is a call of %s %v", c.Func, c.Params)
		}
	}
	p.Delete("user", "other")
	back()
	return nil
}

// TestLawAlteredPlan: a plan file with a wrong byte anywhere is refused before
// anything is asked of a panel. (That the package plan refuses 10,000 of them,
// or takes them for what they were, is its own law.)
func TestLawAlteredPlan(t *testing.T) {
	if err := inBubble(t, func(t *testing.T) error {
		s, err := savedStage(t, 1, "update")
		if err != nil {
			return err
		}
		file, err := os.ReadFile(s.path("plan.json"))
		if err != nil {
			return err
		}
		s.panels["web1"].ResetCalls()
		random, refused := rand.New(rand.NewPCG(3, 3)), 0
		for range 200 {
			altered := slices.Clone(file)
			altered[random.IntN(len(altered))] ^= 1 << random.IntN(8)
			if _, err := plan.Read(bytes.NewReader(altered)); err == nil {
				continue
			}
			if err := os.WriteFile(s.path("altered.json"), altered, 0o600); err != nil {
				return err
			}
			if _, err := s.want(exitStale, "apply", s.path("altered.json")); err != nil {
				return err
			}
			refused++
		}
		if n := len(s.panels["web1"].Calls()); n > 0 || refused < 100 {
			return fmt.Errorf("%d calls, %d refused", n, refused)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
