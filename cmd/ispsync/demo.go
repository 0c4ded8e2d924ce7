package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/examples"
	"github.com/ispsync/ispsync/internal/simpanel"
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "The whole tour on three simulated panels, in one command",
		Long: `Starts three simulated panels on loopback, and on them runs the commands you would
run: plan, apply, an edit made behind ispsync's back, drift, the repair, and a
last plan that finds nothing to do. Touches nothing outside a temporary directory.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.demo() },
	}
}

// tour is a demo on its way.
type tour struct {
	a      *app
	server simServer
	dir    string
	vars   []string
}

func (a *app) demo() (err error) {
	t := &tour{a: a}
	if t.dir, err = os.MkdirTemp("", "ispsync-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(t.dir)
	defer t.server.close()
	if err := t.prepare(); err != nil {
		return err
	}
	// The commands run in the directory that holds the examples, so that they
	// are what is printed.
	back, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(t.dir); err != nil {
		return err
	}
	defer os.Chdir(back) //nolint:errcheck // the process ends
	for _, part := range []func() error{t.look, t.apply, t.disturb, t.repair, t.farewell} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// prepare starts the panels and puts the quickstart's files beside them.
func (t *tour) prepare() error {
	for i := range 3 {
		name := fmt.Sprintf("web%d", i+1)
		p, err := t.server.start(simpanel.Options{Name: name, Password: simPassword, Restart: i == 0, Seed: uint64(i)}, 0)
		if err != nil {
			return err
		}
		p.Seed(3, 2)
		if i == 0 {
			p.Put("webdomain", "old.example.com", map[string]string{"owner": "u00001"})
		}
		t.vars = append(t.vars, "ISPSYNC_VAR_"+name+"="+t.server.urls[i], strings.ToUpper(name)+"_PASSWORD="+simPassword)
	}
	t.vars = append(t.vars, "ALICE_PASSWORD=down&the=rabbit%hole+")
	return fs.WalkDir(examples.Quickstart, "quickstart", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := examples.Quickstart.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(t.dir, "examples", path)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o600)
	})
}

func (t *tour) say(format string, args ...any) {
	fmt.Fprintf(t.a.stdout, "\n# %s\n", strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n# "))
}

// command runs ispsync as the user would, on the quickstart, and expects a
// code. The environment says where the simulated panels are.
func (t *tour) command(want exitCode, args ...string) error {
	fmt.Fprintf(t.a.stdout, "$ ispsync %s\n", strings.Join(args, " "))
	args = append(args, "--color", t.a.color)
	in := &app{stdin: t.a.stdin, stdout: t.a.stdout, stderr: t.a.stderr, environ: append(t.a.environ, t.vars...)}
	if got := run(args, in); got != want {
		return fmt.Errorf("the demo expected exit code %d from this command and got %d: a fault of ispsync", want, got)
	}
	if want != exitOK {
		fmt.Fprintf(t.a.stdout, "(exit code %d)\n", want)
	}
	return nil
}

func (t *tour) look() error {
	t.say("Three simulated panels are running on loopback: web1, web2 and web3, with three\nusers and six web domains each. The specs are those of examples/quickstart.\nWhat would ispsync do to make the panels what the specs say?")
	return t.command(exitOK, "plan", "-f", "examples/quickstart")
}

func (t *tour) apply() error {
	t.say("Nothing was written so far: a plan only reads. Now for real. web1 asks for a\nrestart of its web server; it gets one, at the end.")
	return t.command(exitOK, "apply", "-f", "examples/quickstart", "--auto-approve", "-o", "compact")
}

func (t *tour) disturb() error {
	t.say("Behind ispsync's back somebody changes the PHP mode of a site on web2, and deletes\nthe site on web3.")
	web2, web3 := t.server.panels[1], t.server.panels[2]
	web2.Put("webdomain", "shop.example.com", map[string]string{"php_mode": "php_mode_cgi"})
	web3.Delete("webdomain", "xn--e1afmkfd.xn--p1ai")
	t.say("This is what cron runs. Exit code 2 says that something differs:")
	return t.command(exitChanges, "drift", "-f", "examples/quickstart")
}

func (t *tour) repair() error {
	t.say("Apply again, and look again:")
	if err := t.command(exitOK, "apply", "-f", "examples/quickstart", "--auto-approve", "-q", "-o", "compact"); err != nil {
		return err
	}
	fmt.Fprintln(t.a.stdout)
	return t.command(exitOK, "plan", "-f", "examples/quickstart")
}

func (t *tour) farewell() error {
	calls, writes := 0, 0
	for _, p := range t.server.panels {
		for _, c := range p.Calls() {
			calls++
			if c.Write {
				writes++
			}
		}
	}
	t.say(`That was all: %d calls to three panels, %d of them writing.

Next:
  read the specs          examples/quickstart/*.yaml
  what can be managed     ispsync kinds, ispsync kinds webdomain
  panels to play with     ispsync sim --panels 3 --users 5 --sites 20
  your own panels         write a panels: section and ispsync plan: it only reads`, calls, writes)
	return nil
}
