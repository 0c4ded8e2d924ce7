package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// ask shows nothing more than the question: the plan is on the screen.
func (ap *application) ask() error {
	if !term.IsTerminal(int(ap.a.stdin.Fd())) || !term.IsTerminal(int(ap.a.stderr.Fd())) {
		return fail(exitUsage, "nobody can be asked, nothing was written: give --auto-approve, or save the plan with `ispsync plan --out` and apply that")
	}
	fmt.Fprint(ap.a.stderr, "\nApply this plan? Only \"yes\" is taken as approval: ")
	answer := make(chan string, 1)
	go func() { // reading a terminal cannot be interrupted; the process ends instead
		line, _ := bufio.NewReader(ap.a.stdin).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ap.halts.soft.Done():
		fmt.Fprintln(ap.a.stderr)
		return fail(exitInterrupted, "%w before anything was written", context.Cause(ap.halts.soft))
	case got := <-answer:
		if got != "yes" {
			return fail(exitError, "not approved, nothing was written")
		}
	}
	return nil
}

// freshFor is how long after the reading an approval stands for what was read.
const freshFor = time.Minute

// massDeletes is how many deletes on one panel are so many that they are not
// made on the word of one reading.
const massDeletes = 3

// lookAgain reads panels once more before anything is written: all of them when
// the approval took its time, because what was approved is what is on the
// screen, and those on which much is to be deleted in any case.
func (ap *application) lookAgain() error {
	again := *ap.target
	why := "the panels moved while you were deciding"
	if time.Since(ap.plan.CreatedAt) < freshFor {
		why = "a second reading before so many deletes does not say the same as the first"
		deletes := map[string]int{}
		for i := range ap.plan.Steps {
			if s := &ap.plan.Steps[i]; s.Action == plan.Delete {
				deletes[s.Panel]++
			}
		}
		again.panels = slices.DeleteFunc(slices.Clone(again.panels), func(p specs.Panel) bool { return deletes[p.Name] <= massDeletes })
	}
	if len(again.panels) == 0 {
		return nil
	}
	ap.a.log.start(again.names())
	second, err := again.plan(ap.halts.soft, false)
	ap.a.log.stop()
	if halted := ap.halts.halted(); halted != nil {
		return fail(exitInterrupted, "%w before anything was written", halted)
	}
	if err != nil {
		return err
	}
	if moved := stepsThatMoved(ap.plan, second, again.names()); len(moved) > 0 {
		return fail(exitStale, "%s, nothing was written; run it again and look at: %s", why, few(moved))
	}
	maps.Copy(ap.gone, again.gone)
	return nil
}

// stepsThatMoved names the resources about which two plans of the same spec do
// not say the same, on some panels.
func stepsThatMoved(a, b *plan.Plan, panels []string) []string {
	said, on := map[specs.Ref]string{}, make(map[string]bool, len(panels))
	for _, name := range panels {
		on[name] = true
	}
	text := func(s *plan.Step) string {
		return fmt.Sprint(s.Action, s.Changes, s.Secrets, s.Was, s.TakesWithIt)
	}
	for i := range a.Steps {
		if s := &a.Steps[i]; on[s.Panel] {
			said[s.Ref] = text(s)
		}
	}
	var moved []string
	for i := range b.Steps {
		s := &b.Steps[i]
		if !on[s.Panel] {
			continue
		}
		if said[s.Ref] != text(s) {
			moved = append(moved, s.Ref.String())
		}
		delete(said, s.Ref)
	}
	for ref := range said {
		moved = append(moved, ref.String())
	}
	slices.Sort(moved)
	return moved
}
