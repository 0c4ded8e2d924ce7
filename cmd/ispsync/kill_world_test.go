package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
)

// Processes that are really killed: the test binary runs again as ispsync, with
// a journal in which it dies at a line of the test's choice, or is killed from
// outside while a call is in flight. The panels live in the test, on loopback,
// and so outlive it.

// dyingEnv tells the test binary that it is ispsync, and where it dies.
const dyingEnv = "ISPSYNC_TEST_DIES"

// death is how a process dies at a line of its journal.
type death string

const (
	beforeLine death = "before the line"
	afterLine  death = "after the line"
	powerCut   death = "with half of what was not synced" // as when the machine goes down
)

var deaths = []death{beforeLine, afterLine, powerCut}

type dyingSpec struct {
	Line int // from 1; 0: it lives
	How  death
	// FileSize is how large a file may become, in bytes, as on a full disk; 0: any size.
	FileSize uint64
}

// limitFiles bounds the size of the files that this process writes. It is nil
// where the system has no such limit.
var limitFiles func(bytes uint64) error

// dyingMain is ispsync in a process that dies.
func dyingMain() {
	var d dyingSpec
	if err := json.Unmarshal([]byte(os.Getenv(dyingEnv)), &d); err != nil {
		panic(err)
	}
	if d.FileSize > 0 {
		if err := limitFiles(d.FileSize); err != nil {
			panic(err)
		}
	}
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), landsWithin: briefly}
	a.journalFile = func(f executor.JournalFile) executor.JournalFile {
		return &dyingFile{pieces: f.(*pieces), spec: d, die: func() {
			me, _ := os.FindProcess(os.Getpid())
			me.Kill() //nolint:errcheck // there is nobody to tell
			select {}
		}}
	}
	os.Exit(int(run(os.Args[1:], a)))
}

// dyingFile is the file of a journal whose process dies at a line.
type dyingFile struct {
	*pieces
	spec dyingSpec
	die  func()

	mu             sync.Mutex
	lines          int
	dead           bool
	written, saved int64
}

// errDead ends a run that goes on after its death: see law_kill_test.go.
var errDead = errors.New("the process is dead")

func (f *dyingFile) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lines++; f.dead {
		return 0, errDead
	}
	here := f.lines == f.spec.Line
	if f.dead = here; here && f.spec.How == beforeLine {
		f.die()
		return 0, errDead
	}
	n, err := f.pieces.Write(line)
	f.written += int64(n)
	if here && f.spec.How == powerCut {
		f.pieces.f.Truncate(f.saved + (f.written-f.saved)/2) //nolint:errcheck // the test would notice
	}
	if here {
		f.die()
		return n, errDead
	}
	return n, err
}

func (f *dyingFile) Sync() error {
	f.mu.Lock()
	upTo := f.written
	f.mu.Unlock()
	err := f.pieces.Sync()
	f.mu.Lock()
	f.saved = max(f.saved, upTo)
	f.mu.Unlock()
	return err
}

// briefly is how long calls land late in the kill tests, where none is late on purpose.
const briefly = 20 * time.Millisecond

// ground is where processes are killed: a panel, a spec and a state directory.
type ground struct {
	t     *testing.T
	dir   string
	sim   *simpanel.Panel
	lands time.Duration
	lines int // of the journal of an undisturbed run
	begun int // runs that were killed and had begun
	// journalFile is that of the app, for runs in the test itself.
	journalFile func(executor.JournalFile) executor.JournalFile
}

const killSpec = `
resources:
  user:
    - {name: alice, passwd: "${secret.env('SIM_PASSWORD')}", fullname: Alice}
    - {name: bob, passwd: "${secret.env('SIM_PASSWORD')}", active: false}
    - {name: u00001, fullname: Changed, limit_cpu: 7}
  webdomain:
    - {name: shop.example.org, owner: alice, aliases: [www.shop.example.org]}
    - {name: site00002-1.example.com, ensure: absent}
  scheduler:
    - {name: nightly, su: u00001, command: /bin/true, schedule_type: type_expert, input_min: "1", input_hour: "2"}
`

func newGround(t *testing.T) *ground {
	g := &ground{t: t, dir: t.TempDir(), lands: briefly}
	g.sim = simpanel.New(simpanel.Options{Name: "web1", Password: testPassword, Restart: true})
	g.sim.Seed(2, 1)
	server := httptest.NewServer(g.sim)
	t.Cleanup(server.Close)
	spec := fmt.Sprintf("panels: [{name: web1, url: %q, auth: {username: root, password: \"${secret.env('SIM_PASSWORD')}\"}}]\n%s", server.URL+"/ispmgr", killSpec)
	if err := os.WriteFile(g.path("spec.yaml"), []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *ground) path(name string) string { return filepath.Join(g.dir, name) }

func (g *ground) args(args []string) []string {
	args = slices.Clone(args)
	if !slices.Contains(args, "--state-dir") {
		args = append(args, "--state-dir", g.path("state"))
	}
	switch args[0] {
	case "apply", "plan", "resume", "undo":
		if !slices.Contains(args, "-f") {
			args = append(args, "-f", g.path("spec.yaml"))
		}
	}
	return args
}

// child starts ispsync as a process of its own.
func (g *ground) child(d dyingSpec, args ...string) (*exec.Cmd, *bytes.Buffer) {
	exe, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	how, _ := json.Marshal(d) //nolint:errcheck // plain data
	said := &bytes.Buffer{}
	cmd := exec.Command(exe, g.args(args)...)
	cmd.Env = []string{"NO_COLOR=1", "SIM_PASSWORD=" + testPassword, dyingEnv + "=" + string(how)}
	cmd.Stdout, cmd.Stderr = said, said
	return cmd, said
}

// dies runs a process that is to be killed.
func (g *ground) dies(d dyingSpec, args ...string) {
	g.t.Helper()
	cmd, said := g.child(d, args...)
	if err := cmd.Run(); !wasKilled(err) {
		g.t.Fatalf("it was to be killed %s %d: %v\n%s", d.How, d.Line, err, said)
	}
}

func wasKilled(err error) bool {
	var ee *exec.ExitError
	return errors.As(err, &ee) && ee.ExitCode() == -1
}

// run runs a command in the test itself.
func (g *ground) run(want exitCode, args ...string) ran {
	g.t.Helper()
	r := g.do(args...)
	if r.code != want {
		g.t.Fatalf("%v: want exit code %d; %v", args, want, r)
	}
	return r
}

// do is run with whatever exit code.
func (g *ground) do(args ...string) ran {
	g.t.Helper()
	files := make([]*os.File, 3)
	for i, name := range []string{os.DevNull, g.path("stdout"), g.path("stderr")} {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			g.t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	r := ran{code: run(g.args(args), &app{stdin: files[0], stdout: files[1], stderr: files[2], landsWithin: g.lands, journalFile: g.journalFile,
		environ: []string{"NO_COLOR=1", "SIM_PASSWORD=" + testPassword}})}
	out, _ := os.ReadFile(g.path("stdout"))
	told, _ := os.ReadFile(g.path("stderr"))
	r.stdout, r.stderr = string(out), string(told)
	return r
}

// report runs apply or resume and gives its report, after holding it against
// the schema.
func (g *ground) report(args ...string) (*executor.Report, ran) {
	g.t.Helper()
	r := g.run(exitOK, append(args, "-o", "json")...)
	rep := &executor.Report{}
	if err := json.Unmarshal([]byte(r.stdout), rep); err != nil {
		g.t.Fatalf("%v\n%v", err, r)
	}
	if err := validReport(r.stdout); err != nil {
		g.t.Fatalf("%v\n%v", err, r)
	}
	return rep, r
}

// doubtful lists the steps that the runs so far left open.
func (g *ground) doubtful() []string {
	dir := stateDir(g.path("state"))
	ids, err := dir.runs()
	if err != nil {
		g.t.Fatal(err)
	}
	var refs []string
	for _, id := range ids {
		rec, err := dir.record(id)
		if errors.Is(err, executor.ErrNotBegun) {
			continue
		}
		if err != nil {
			g.t.Fatal(err)
		}
		for _, st := range rec.Steps {
			if st.Doubtful() {
				refs = append(refs, st.Ref.String())
			}
		}
	}
	slices.Sort(refs)
	return refs
}

// named fails unless a run named exactly the steps that nobody knew about, and
// knows what became of them.
func (g *ground) named(open []string, rep *executor.Report, r ran) {
	g.t.Helper()
	var settled []string
	for _, s := range rep.Settled {
		settled = append(settled, s.Ref.String())
		if s.Outcome == executor.Unknown {
			g.t.Errorf("nobody knows what became of %s: %s", s.Ref, s.Evidence)
		}
	}
	slices.Sort(settled)
	if d := cmp.Diff(open, settled); d != "" {
		g.t.Errorf("steps nobody knew about, and what the report names:\n%s", d)
	}
	for _, ref := range open {
		if !strings.Contains(r.stderr, ref+": done: ") && !strings.Contains(r.stderr, ref+": not done: ") {
			g.t.Errorf("%s is not named:\n%s", ref, r.stderr)
		}
	}
	if left := g.doubtful(); len(left) > 0 {
		g.t.Errorf("still open: %v", left)
	}
}

// ended fails unless the panel holds what an undisturbed run leaves, and
// everything was made once.
func (g *ground) ended(want any) {
	g.t.Helper()
	if d := cmp.Diff(want, any(g.sim.Snapshot())); d != "" {
		g.t.Errorf("the panel ends otherwise:\n%s", d)
	}
	made := g.sim.Made()
	for what, n := range made {
		if n != 1 {
			g.t.Errorf("%s was made %d times", what, n)
		}
	}
	if len(made) != 4 {
		g.t.Errorf("made: %v", slices.Sorted(maps.Keys(made)))
	}
	if g.sim.Counts()["restart"] == 0 {
		g.t.Error("the panel was not restarted")
	}
	if left, _ := filepath.Glob(stateDir(g.path("state")).locks("*.run")); len(left) > 0 {
		g.t.Errorf("locks of the dead are left: %v", left)
	}
	r := g.run(exitOK, "plan", "--detailed-exitcode")
	if strings.Contains(r.stderr, "nobody knew") {
		g.t.Errorf("after all is settled: %v", r)
	}
}

// calmly is what an undisturbed run leaves, and how many lines its journal has.
func calmly(t *testing.T) (ends any, lines int) {
	t.Helper()
	g := newGround(t)
	g.report("apply", "--auto-approve")
	if rs := g.runs(); len(rs) != 1 || rs[0].Result != "applied" {
		t.Fatalf("%+v", rs)
	}
	dir := stateDir(g.path("state"))
	ids, err := dir.runs()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dir.run(ids[0], "journal-0001.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	ends = g.sim.Snapshot()
	g.ended(ends)
	return ends, bytes.Count(text, []byte("\n"))
}
