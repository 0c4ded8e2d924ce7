package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ispsync/ispsync/internal/simpanel"
)

var update = flag.Bool("update", false, "write the golden parts of the scripts anew")

func TestMain(m *testing.M) {
	if os.Getenv(dyingEnv) != "" {
		dyingMain()
	}
	// What runs side by side here waits for disks and clocks, not for a core.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"ispsync": main, "mgrctl": fakeMgrctl, "ssh": fakeSSH, "gh": fakeGh})
}

// Each script is a story a user could tell, with panels that the script
// starts itself:
//
//	sim NAME[,NAME…] [users=N] [sites=N] [zones=N] [page=N] [restart] [brings] [latency=D] [v4|v5]
//	simput NAME KIND KEY [FIELD=VALUE…]   an edit behind ispsync's back
//	simdelete NAME KIND KEY
//	simget NAME KIND KEY                  prints the fields, one a line
//	simpass NAME USER                     prints the password
//	simcalls NAME                         prints how often each function was called
//	simfaults NAME PROFILE
//	simrestart NAME FUNC DURATION   somebody restarts it at the next call of FUNC
//	interrupt NAME FUNC PROGRAM ARG…      runs a program and interrupts it while a call of FUNC is in flight
//	maskports FILE TO                     copies a file, ports replaced by PORT
//	simstop NAME                          connections are refused from now on
//	hold-lock PANEL                       another run holds the panel
//
// sim writes panels.yaml with a panels: section; the password is in $SIM_PASSWORD.
func TestScripts(t *testing.T) {
	testscript.RunT(scriptT{t}, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			farm := &farm{panels: map[string]*farmPanel{}}
			e.Values["farm"] = farm
			t := e.T().(scriptT)
			e.Defer(func() {
				farm.close()
				for name, p := range farm.panels {
					if err := inURLs(p.Calls()); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				t.left(e.WorkDir)
			})
			e.Setenv("SIM_PASSWORD", testPassword)
			e.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sim": cmdSim, "simput": onPanel(simPut), "simdelete": onPanel(simDelete), "simget": onPanel(simGet), "simpass": onPanel(simPass),
			"simcalls": onPanel(simCalls), "simfaults": onPanel(simFaults), "interrupt": onPanel(interrupt),
			"simrestart": onPanel(simRestart), "simstop": onPanel(simStop), "hold-lock": cmdHoldLock, "exitcode": cmdExitCode, "maskports": cmdMaskPorts,
		},
	})
}

// farm is the panels of one script.
type farm struct {
	panels map[string]*farmPanel
	locks  []*hold
}

type farmPanel struct {
	*simpanel.Panel
	server  *httptest.Server
	hold    string // function whose next call waits
	mu      sync.Mutex
	held    chan struct{} // closed when one waits
	release chan struct{}
}

func (f *farm) close() {
	for _, p := range f.panels {
		p.letGo()
		p.server.Close()
	}
	for _, l := range f.locks {
		l.release()
	}
}

func (p *farmPanel) letGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = ""
	select {
	case <-p.release:
	default:
		close(p.release)
	}
}

// hook makes the call that is to be held wait.
func (p *farmPanel) hook(c simpanel.Call) simpanel.Fault {
	p.mu.Lock()
	if c.Func != p.hold || !c.Write {
		p.mu.Unlock()
		return ""
	}
	p.hold = ""
	held, release := p.held, p.release
	p.mu.Unlock()
	close(held)
	<-release
	return ""
}

func cmdSim(ts *testscript.TestScript, _ bool, args []string) {
	f := ts.Value("farm").(*farm)
	o := simpanel.Options{Password: testPassword, RestartDowntime: 0}
	var users, sites, zones int
	for _, arg := range args[1:] {
		k, v, _ := strings.Cut(arg, "=")
		n, _ := strconv.Atoi(v)
		switch k {
		case "users":
			users = n
		case "sites":
			sites = n
		case "zones":
			zones = n
		case "page":
			o.PageSize = n
		case "restart":
			o.Restart = true
		case "brings":
			o.BringsZones = true
		case "latency":
			o.Latency, _ = time.ParseDuration(v)
		case "v4":
			o.Generation = simpanel.V4
		case "v5":
			o.Generation = simpanel.V5
		default:
			ts.Fatalf("sim: unknown option %s", arg)
		}
	}
	section := "panels:\n"
	for _, name := range strings.Split(args[0], ",") {
		o.Name = name
		p := &farmPanel{Panel: simpanel.New(o), held: make(chan struct{}), release: make(chan struct{})}
		p.Seed(users, sites)
		p.SeedZones(users, zones)
		p.server = httptest.NewServer(p.withMgrctl())
		f.panels[name] = p
		section += fmt.Sprintf("  - name: %s\n    url: %s/ispmgr\n    auth: {username: root, password: \"${secret.env('SIM_PASSWORD')}\"}\n    labels: {region: %s}\n",
			name, p.server.URL, map[bool]string{true: "ams", false: "fra"}[name != "web3"])
		ts.Setenv(strings.ToUpper(name)+"_URL", p.server.URL+"/ispmgr")
		ts.Setenv("FAKE_MGRCTL", p.server.URL+"/mgrctl")
	}
	ts.Check(os.WriteFile(ts.MkAbs("panels.yaml"), []byte(section), 0o600))
}

func onPanel(do func(*testscript.TestScript, *farmPanel, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		p := ts.Value("farm").(*farm).panels[args[0]]
		if p == nil {
			ts.Fatalf("no panel %s", args[0])
		}
		do(ts, p, args[1:])
	}
}

func simPut(_ *testscript.TestScript, p *farmPanel, args []string) {
	fields := map[string]string{}
	for _, kv := range args[2:] {
		k, v, _ := strings.Cut(kv, "=")
		fields[k] = v
	}
	p.Put(args[0], args[1], fields)
}

func simDelete(ts *testscript.TestScript, p *farmPanel, args []string) {
	if !p.Delete(args[0], args[1]) {
		ts.Fatalf("there is no %s %s", args[0], args[1])
	}
}

func simGet(ts *testscript.TestScript, p *farmPanel, args []string) {
	fields, ok := p.Get(args[0], args[1])
	if !ok {
		fmt.Fprintln(ts.Stdout(), "absent")
		return
	}
	var lines []string
	for k, v := range fields {
		if v != "" {
			lines = append(lines, k+"="+v)
		}
	}
	slices.Sort(lines)
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
}

func simPass(ts *testscript.TestScript, p *farmPanel, args []string) {
	fmt.Fprintln(ts.Stdout(), p.Password(args[0]))
}

func simCalls(ts *testscript.TestScript, p *farmPanel, _ []string) {
	var lines []string
	for f, n := range p.Counts() {
		lines = append(lines, fmt.Sprintf("%s %d", f, n))
	}
	slices.Sort(lines)
	fmt.Fprintln(ts.Stdout(), strings.Join(lines, "\n"))
	ts.Check(inURLs(p.Calls()))
	p.ResetCalls()
}

func simFaults(ts *testscript.TestScript, p *farmPanel, args []string) {
	f, err := simpanel.ParseFaults(args[0])
	ts.Check(err)
	p.SetFaults(f)
}

// simRestart has somebody else restart a panel at the next call of a function.
func simRestart(ts *testscript.TestScript, p *farmPanel, args []string) {
	down, err := time.ParseDuration(args[1])
	ts.Check(err)
	var once sync.Once
	p.SetFaults(simpanel.Faults{DownFor: down, Hook: func(c simpanel.Call) (f simpanel.Fault) {
		if c.Func == args[0] {
			once.Do(func() { f = simpanel.Restarted })
		}
		return f
	}})
}

// interrupt holds the first writing call of a function until the program has
// said that it was interrupted.
func interrupt(ts *testscript.TestScript, p *farmPanel, args []string) {
	p.mu.Lock()
	p.hold = args[0]
	p.mu.Unlock()
	p.SetFaults(simpanel.Faults{Hook: p.hook})
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Env, cmd.Stdout = ts.Getenv("WORK"), []string{"SIM_PASSWORD=" + testPassword, "NO_COLOR=1"}, ts.Stdout()
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	<-p.held
	ts.Check(cmd.Process.Signal(os.Interrupt))
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(ts.Stderr(), lines.Text())
		if strings.Contains(lines.Text(), "interrupted: nothing new is started") {
			p.letGo()
		}
	}
	fmt.Fprintf(ts.Stdout(), "%v\n", cmd.Wait())
}

func simStop(_ *testscript.TestScript, p *farmPanel, _ []string) { p.server.Close() }

func cmdHoldLock(ts *testscript.TestScript, _ bool, args []string) {
	dir := stateDir(ts.MkAbs(".ispsync"))
	ts.Check(dir.make())
	h, err := dir.lock(context.Background(), args[:1], 0)
	ts.Check(err)
	note := fmt.Sprintf(`{"pid":4242,"host":"elsewhere","started":"2026-01-02T03:04:05Z","run":%q}`, filepath.Base(h.file.Path()))
	ts.Check(os.WriteFile(dir.locks(args[0]+".lock"), []byte(note+"\n"), 0o600))
	f := ts.Value("farm").(*farm)
	f.locks = append(f.locks, h)
}

// cmdExitCode runs a program and checks its exit code: exitcode 6 ispsync validate.
func cmdExitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%s: exit code %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

var loopbackPort = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func cmdMaskPorts(ts *testscript.TestScript, _ bool, args []string) {
	text := loopbackPort.ReplaceAllString(ts.ReadFile(args[0]), "127.0.0.1:PORT")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
