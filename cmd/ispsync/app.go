package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/render"
	"github.com/ispsync/ispsync/specs"
)

// app is one run of the program: its streams, its environment, its flags and
// the exit code found so far.
type app struct {
	stdin          *os.File
	stdout, stderr *os.File
	environ        []string
	// dial makes the connections to panels; nil dials the network. Tests put
	// panels without a network here, so that they can run on a false clock.
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// journalFile goes between a run's journal and its file; nil: nothing does.
	// Tests fail, or die, at a line of their choice.
	journalFile func(executor.JournalFile) executor.JournalFile
	// landsWithin is executor.Options.LandsWithin; tests have not that much time.
	landsWithin time.Duration

	color, logFormat string
	quiet, verbose   bool
	stateDir         string
	log              *logger
	code             exitCode // of outcomes that are no error: changes pending, applied in part
	facts            facts    // of the run, for --metrics
}

// A run is short and its memory small, so garbage is collected less often than
// usual, which saves a tenth of the time, up to a limit that follows the size of
// the spec: 220,000 resources are planned in less than 500 MB. In bytes.
const (
	gcPercent      = 150
	loadLimit      = 180 << 20
	planLimit      = 100 << 20
	perResourceMax = 1100
	perFormMax     = 2500 // of a resource whose form is read
)

// run is the program without the process around it.
func run(args []string, a *app) exitCode {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(loadLimit)
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.Execute()
	if a.log != nil {
		a.log.close()
	}
	if err != nil && (a.log == nil || !a.log.failed(err, worst(codeOf(err), a.code))) {
		fmt.Fprintln(a.stderr, errorText(err))
	}
	if err == nil {
		return a.code
	}
	return worst(codeOf(err), a.code)
}

// errorText is an error for people: the mistakes of a spec with their lines,
// anything else after "error:".
func errorText(err error) string {
	var es specs.Errors
	if errors.As(err, &es) {
		n := "1 mistake"
		if len(es) != 1 {
			n = fmt.Sprintf("%d mistakes", len(es))
		}
		return fmt.Sprintf("%s\n\nerror: %s in the spec", render.Clean(es.Error()), n)
	}
	return "error: " + render.Clean(err.Error())
}

func (a *app) getenv(name string) string {
	v, _ := a.lookupEnv(name)
	return v
}

func (a *app) lookupEnv(name string) (string, bool) {
	for i := len(a.environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(a.environ[i], name+"="); ok {
			return v, true
		}
	}
	return "", false
}

func (a *app) style() render.Style {
	s := render.DetectStyle(a.color, a.stdout, a.getenv)
	s.Verbose = a.verbose
	return s
}

func (a *app) errStyle() render.Style {
	s := render.DetectStyle(a.color, a.stderr, a.getenv)
	s.Verbose = a.verbose
	return s
}

// exit notes the code of an outcome; the one that wins stays.
func (a *app) exit(c exitCode) { a.code = worst(a.code, c) }

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "ispsync",
		Short: "Make ISPmanager panels what YAML specs say they should be",
		Long: `ispsync reads YAML specs that say which users, web domains and DNS zones should be
on which ISPmanager panels, compares them with what the panels list, and makes
the panels so: in order, in parallel, with every step accounted for.

Try it without a panel: ispsync demo`,
		SilenceErrors: true, SilenceUsage: true,
		Args:              cobra.NoArgs,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	f := root.PersistentFlags()
	f.StringVar(&a.color, "color", "auto", "colour: auto, always or never (NO_COLOR is honoured)")
	f.StringVar(&a.logFormat, "log-format", "text", "what goes to stderr: text or json")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "say only what matters on stderr: warnings and errors")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "list what is otherwise counted, and each call on stderr")
	f.StringVar(&a.stateDir, "state-dir", ".ispsync", "where runs, locks and applied plans are remembered")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fail(exitUsage, "%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(a.validateCommand(), a.withMetrics(a.planCommand()), a.withMetrics(a.driftCommand()), a.withMetrics(a.applyCommand()), a.showCommand(),
		a.runsCommand(), a.resumeCommand(), a.undoCommand(),
		a.exportCommand(), a.callCommand(), a.describeCommand(), a.functionsCommand(), a.fromLogCommand(), a.kindsCommand(), a.schemaCommand(), a.explainCommand(), a.migrateCommand(), a.simCommand(), a.demoCommand(), a.versionCommand(), exitCodesTopic())
	root.InitDefaultHelpCmd()
	root.SetHelpTemplate(root.HelpTemplate() + "\n" + exitHelp())
	for _, c := range root.Commands() {
		usageErrors(c)
	}
	usageErrors(root)
	return root
}

// usageErrors gives a command's complaints about arguments the code of usage errors.
func usageErrors(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fail(exitUsage, "%w; see `%s --help`", err, cmd.CommandPath())
			}
			return nil
		}
	}
}

// prepare takes flags from the environment and checks the common ones.
func (a *app) prepare(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "ISPSYNC_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := a.lookupEnv(name)
		if !ok || f.Changed || v == "" {
			return
		}
		values := []string{v}
		if strings.HasSuffix(f.Value.Type(), "Array") {
			values = strings.Split(v, ",")
		}
		for _, v := range values {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("the environment variable %s: %w", name, err))
			}
		}
	})
	for _, check := range []struct {
		flag, value string
		known       []string
	}{{"color", a.color, []string{"auto", "always", "never"}}, {"log-format", a.logFormat, []string{"text", "json"}}} {
		if err := oneOf(check.flag, check.value, check.known...); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return withCode(exitUsage, err)
	}
	a.log = newLogger(a)
	return nil
}

// oneOf checks the value of a flag that takes one of a few words.
func oneOf(flag, value string, known ...string) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return fail(exitUsage, "--%s takes one of %s, not %q", flag, strings.Join(known, ", "), value)
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitHelp(), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), exitHelp())
			return err
		}}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "ispsync", version())
			return err
		}}
}

// version is what the build recorded: the module's version, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v == "devel" {
			v += "-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return v + " " + info.GoVersion
}

// specFlags are the flags that say what the spec is.
type specFlags struct {
	files []string
	vars  []string
}

func (s *specFlags) add(f *pflag.FlagSet) {
	f.StringArrayVarP(&s.files, "file", "f", nil, "spec file, directory (read recursively) or - for stdin; repeatable (default .)")
	f.StringArrayVar(&s.vars, "var", nil, "set a variable of the spec, k=v; repeatable (also ISPSYNC_VAR_k)")
}

// load reads the spec the flags name.
func (s *specFlags) load(a *app, offline bool) (*specs.Spec, error) {
	files := s.files
	if len(files) == 0 {
		files = []string{"."}
	}
	vars := map[string]string{}
	for _, kv := range s.vars {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, fail(exitUsage, "--var takes k=v, not %q", kv)
		}
		vars[k] = v
	}
	began := time.Now()
	spec, err := specs.Load(specs.Options{Paths: files, Stdin: a.stdin, Vars: vars, Environ: a.environ, Offline: offline,
		CheckPolicies: func(ps []specs.Policy) error { _, err := compilePolicies(ps); return err }})
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	per := int64(perResourceMax)
	if spec.DeclaresForms() {
		per = perFormMax
	}
	debug.SetMemoryLimit(planLimit + per*int64(spec.Len()))
	a.log.debug("spec read", "panels", len(spec.Panels), "resources", spec.Len(), "took", time.Since(began))
	return spec, nil
}
