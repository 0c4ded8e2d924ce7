package main

import (
	"io"
	"os"
	"regexp"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ispsync/ispsync/internal/panellog"
)

func (a *app) fromLogCommand() *cobra.Command {
	var (
		files     []string
		as, panel string
	)
	c := &cobra.Command{
		Use:   "from-log [FILE]",
		Short: "Turn what a panel's log says was done into a spec, calls or curl lines",
		Long: `Do a thing once in the panel's own interface; from-log reads the panel's log
(/usr/local/mgr5/var/ispmgr.log) and writes what would do it again:

  spec    entries of a spec: all requests about a resource become one entry
  calls   one "ispsync call PANEL FUNC k=v" a line
  curl    one curl command a line, credentials from $ISPSYNC_AUTHINFO

Reads, logins and what only the interface needs are dropped. A panel masks secrets
in its log: each is named on stderr, and in a spec becomes a reference to a variable
of the environment. The log says what was asked of the panel, not what it answered.`,
		Example: "  ispsync from-log ispmgr.log > sites.yaml\n" +
			"  ssh root@web1 tail -f /usr/local/mgr5/var/ispmgr.log | ispsync from-log --as calls --panel web1",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("as", as, string(panellog.Spec), string(panellog.Calls), string(panellog.Curl)); err != nil {
				return err
			}
			if panel != "" && !plainPanelName.MatchString(panel) {
				return fail(exitUsage, "--panel takes the name of a panel, letters, digits, dots, hyphens and underscores, not %q", panel)
			}
			catalog, err := a.catalogOf(files)
			if err != nil {
				return err
			}
			return a.fromLog(args, panellog.Options{As: panellog.Form(as), Panel: panel, Catalog: catalog, Note: a.logNote})
		},
	}
	c.Flags().StringVar(&as, "as", string(panellog.Spec), "what to write: spec, calls or curl")
	c.Flags().StringVar(&panel, "panel", "", "the panel's name in calls and entries (default: PANEL in calls, none in entries)")
	c.Flags().StringArrayVarP(&files, "file", "f", nil, "also the kinds of this spec; repeatable")
	return c
}

var plainPanelName = regexp.MustCompile(`^[\pL\pN_][\pL\pN_.-]*$`)

// logNote tells what the output lacks.
func (a *app) logNote(line int, text string) { a.log.warn("line %d of the log: %s", line, text) }

// fromLog converts a file, or stdin.
func (a *app) fromLog(args []string, o panellog.Options) error {
	var in io.Reader = a.stdin
	if len(args) == 1 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return fail(exitUsage, "the log cannot be read: %w", err)
		}
		defer f.Close() //nolint:errcheck // it is only read
		in = f
	} else if len(args) == 0 && term.IsTerminal(int(a.stdin.Fd())) {
		return fail(exitUsage, "from-log reads a panel's log: name a FILE, or pipe one in")
	}
	return panellog.Convert(a.stdout, in, o)
}
