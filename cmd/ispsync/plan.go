package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// planLife is how long a saved plan can be applied.
const planLife = 24 * time.Hour

func (a *app) planCommand() *cobra.Command {
	var (
		sf       specFlags
		pf       panelFlags
		output   string
		out      string
		detailed bool
	)
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would do",
		Long: `Reads the panels and shows what apply would do to make them what the spec says.
Sends no writing call. With --out the plan is saved, to be reviewed and given to
apply later; it is bound to what was seen, expires after 24 hours and is applied once.`,
		Example: "  ispsync plan -f specs/\n  ispsync plan -f specs/ --out plan.json && ispsync apply plan.json -f specs/",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			p, err := a.plan(&sf, &pf, out != "")
			if err != nil {
				return err
			}
			if detailed && p.Summary.Changes() > 0 {
				a.exit(exitChanges)
			}
			return a.hand(p, &sf, out, output)
		},
	}
	sf.add(c.Flags())
	pf.add(c.Flags())
	addOutput(c.Flags(), &output)
	addTryPasswords(c.Flags(), &pf)
	c.Flags().StringVar(&out, "out", "", "save the plan to this file")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	return c
}

// hand saves a plan, when asked to, and shows it.
func (a *app) hand(p *plan.Plan, sf *specFlags, out, output string) error {
	if out != "" {
		if err := writeFile(out, func(f *os.File) error { return plan.Write(f, p) }); err != nil {
			return err
		}
		a.log.say("plan saved to " + out + "; apply it with: " + applyCommandFor(out, sf))
	}
	return a.showPlan(a.stdout, p, output, applyCommandFor(out, sf))
}

func (a *app) driftCommand() *cobra.Command {
	var (
		sf     specFlags
		pf     panelFlags
		output string
	)
	c := &cobra.Command{
		Use:   "drift",
		Short: "Say whether the panels differ from the spec, for cron",
		Long: `The plan, for cron: exit code 2 when something differs, 0 when nothing does. A
difference that apply does not mend by itself (an owner, a field that only a create
can set, a password with --check-passwords) counts too.`,
		Example: "  ispsync drift -q -f specs/ || mail -s drift admin@example.com",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			p, err := a.plan(&sf, &pf, false)
			if err != nil {
				return err
			}
			if p.Summary.Changes() > 0 || slices.ContainsFunc(p.Findings, differs) {
				a.exit(exitChanges)
				if p.Summary.Changes() == 0 {
					a.log.warn("the panels differ from the spec in what apply does not mend by itself: see the warnings")
				}
			}
			return a.showPlan(a.stdout, p, output, "")
		},
	}
	sf.add(c.Flags())
	pf.add(c.Flags())
	addTryPasswords(c.Flags(), &pf)
	addOutput(c.Flags(), &output)
	return c
}

// differs is true of findings about a declared value that is another on the panel.
func differs(f plan.Finding) bool {
	return f.Code == plan.CodeCreateOnly || f.Code == plan.CodeOwnerDiffers || f.Code == plan.CodePasswordDiffers
}

func addOutput(f *pflag.FlagSet, to *string) {
	f.StringVarP(to, "output", "o", "text", "text, compact, json, markdown or html")
}

func checkOutput(o string) error {
	return oneOf("output", o, "text", "compact", "json", "markdown", "html")
}

// plan loads the spec, reads the panels and makes the plan. forms is for a plan
// that will be saved.
func (a *app) plan(sf *specFlags, pf *panelFlags, forms bool) (*plan.Plan, error) {
	spec, err := sf.load(a, false)
	if err != nil {
		return nil, err
	}
	t, err := a.aim(spec, pf)
	if err != nil {
		return nil, err
	}
	t.readOnly = true
	h := haltable(time.Duration(pf.timeout), func(s string) { a.log.line(s) })
	defer h.release()
	a.log.start(t.names())
	_, err = t.recover(h.soft, false)
	var p *plan.Plan
	if err == nil {
		p, err = t.plan(h.soft, forms)
	}
	a.log.stop()
	t.close()
	if halted := h.halted(); halted != nil {
		return nil, fail(exitInterrupted, "%w before the plan was made", halted)
	}
	return p, err
}

func (t *target) names() []string {
	names := make([]string, len(t.panels))
	for i := range t.panels {
		names[i] = t.panels[i].Name
	}
	return names
}

// close lets go of the connections.
func (t *target) close() {
	for _, c := range t.clients {
		c.Close() //nolint:errcheck // idle connections only
	}
}

// plan reads all panels and joins their drafts. It notes the exit codes that
// follow from what was found.
func (t *target) plan(ctx context.Context, forms bool) (*plan.Plan, error) {
	t.warnOfTargets()
	reads := t.readAll(ctx, forms)
	t.gone = map[string][]plan.Gone{}
	drafts := make([]*plan.Draft, 0, len(reads))
	infos := make([]plan.Panel, len(reads))
	extra := append(literalFindings(t.spec.Warnings), t.seen.findings(t.flags.rails.lifts)...)
	for i, r := range reads {
		infos[i], extra = r.info, append(extra, r.findings...)
		if r.draft != nil {
			t.gone[r.info.Name] = r.draft.Gone()
			drafts = append(drafts, r.draft)
		}
	}
	id := make([]byte, 16)
	rand.Read(id) //nolint:errcheck // it never fails
	now := time.Now().UTC().Truncate(time.Second)
	p := plan.Assemble(plan.Header{ID: hex.EncodeToString(id), CreatedAt: now, ExpiresAt: now.Add(planLife), SpecDigest: t.spec.Digest(), MadeBy: t.madeBy},
		drafts, infos, extra)
	t.a.exit(readingCode(infos))
	t.a.exit(findingCode(p))
	t.a.facts.plan = p
	return p, nil
}

// warnOfTargets warns of a --target that names nothing of the spec: most likely
// it is misspelt. With prune rules it may mean something that is only live.
func (t *target) warnOfTargets() {
	if t.madeBy != "" || len(t.pruned) > 0 {
		return
	}
	for _, glob := range t.flags.targets {
		if !t.declares(glob) {
			t.a.log.warn("--target %s: the spec declares nothing of that ref (panel/kind/key, * matches anything)", glob)
		}
	}
}

func (t *target) declares(glob string) bool {
	for _, p := range t.panels {
		state := t.desired(p.Name)
		for _, kind := range state.Kinds() {
			for _, r := range state.Resources(kind) {
				if globMatches(glob, r.Ref.String()) {
					return true
				}
			}
		}
	}
	return false
}

// readingCode is the exit code that follows from how the panels could be read.
func readingCode(infos []plan.Panel) exitCode {
	refused, bad := 0, 0
	for _, p := range infos {
		if p.Refused {
			refused++
		}
		if p.Error != "" {
			bad++
		}
	}
	switch {
	case refused > 0 && refused == len(infos):
		return exitRefused
	case bad > 0:
		return exitPartial
	}
	return exitOK
}

// specCodes are the findings that mean that the spec itself is wrong, though
// only the panel could tell.
var specCodes = []string{plan.CodeReferenceMissing, plan.CodeRequired, plan.CodeRule, plan.CodeNotDeletable, plan.CodeCircle, specs.ObstacleMap, specs.ObstacleCollision}

func findingCode(p *plan.Plan) exitCode {
	for _, f := range p.Findings {
		if f.Severity == plan.Error && slices.Contains(specCodes, f.Code) {
			return exitUsage
		}
	}
	return exitOK
}

// literalFindings makes findings of the passwords written out in the spec.
func literalFindings(warnings specs.Errors) []plan.Finding {
	out := make([]plan.Finding, len(warnings))
	for i, w := range warnings {
		out[i] = plan.Finding{Severity: plan.Warning, Code: plan.CodeLiteralSecret, Ref: w.Pos.FileLine(), Message: w.Msg + "; " + w.Hint}
	}
	return out
}

// showPlan writes a plan in the format asked for. apply is the command that
// applies it, for Markdown; empty for a plan that was not saved.
func (a *app) showPlan(w io.Writer, p *plan.Plan, output, apply string) error {
	switch output {
	case "json":
		return plan.Write(w, p)
	case "compact":
		return render.PlanCompact(w, p, a.style())
	case "markdown":
		return render.PlanMarkdown(w, p, render.MarkdownOptions{Apply: apply})
	case "html":
		return render.PlanHTML(w, p)
	default:
		return render.PlanText(w, p, a.style())
	}
}

// applyCommandFor is the command that applies a plan saved to a file.
func applyCommandFor(file string, sf *specFlags) string {
	if file == "" {
		return ""
	}
	words := []string{"ispsync", "apply", file}
	for _, f := range sf.files {
		words = append(words, "-f", f)
	}
	for _, v := range sf.vars {
		words = append(words, "--var", v)
	}
	for i, w := range words {
		if strings.ContainsFunc(w, func(r rune) bool { return !strings.ContainsRune(plainInShell, r) }) {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	command := strings.Join(words, " ")
	if strings.ContainsFunc(command, unicode.IsControl) {
		return ""
	}
	return command
}

// plainInShell are the characters that no shell gives a meaning.
const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,"
