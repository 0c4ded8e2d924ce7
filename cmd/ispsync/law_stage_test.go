package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ispsync/ispsync/executor"
	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
)

// The laws run the whole program in-process, on simulated panels behind
// connections in memory, inside a synctest bubble: whatever waits (latency,
// back-off, the looks that settle a lost reply) waits on a false clock, so a
// run takes milliseconds. A bubble also proves that a run leaves no goroutine
// behind, because it cannot end before all of its goroutines have; and run
// checks after each command that no connection is left open.

// inBubble runs f inside a bubble and gives what it returns. f must not fail
// the test itself: rapid's panics would not reach rapid from in there.
func inBubble(t *testing.T, f func(*testing.T) error) (err error) {
	t.Helper()
	// The goroutine of os/signal is started by the first Notify and never
	// ends, so it must not belong to a bubble.
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	signal.Stop(c)
	synctest.Test(t, func(t *testing.T) { err = f(t) })
	return err
}

// stage is a place to run the program: a directory with a spec, an
// environment, and panels.
type stage struct {
	dir     string
	environ []string
	panels  map[string]*staged // by name
	byAddr  map[string]*staged

	// journalFile is that of the app: see law_kill_test.go.
	journalFile func(executor.JournalFile) executor.JournalFile
	clock       ghostClock

	mu    sync.Mutex
	open  int // connections that the program has not closed
	conns map[*countedConn]bool
	cut   bool // no connection is made any more
	// The most there were at a time.
	mostOpen, mostGoroutines int
}

// staged is one panel on a stage.
type staged struct {
	*simpanel.Panel
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *staged) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close makes the panel refuse connections.
func (p *staged) Close() error { p.once.Do(func() { close(p.closed) }); return nil }

func (p *staged) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1500} }

// newStage makes an empty stage. It must be made inside the bubble.
func newStage(t *testing.T) *stage {
	return &stage{dir: t.TempDir(), conns: map[*countedConn]bool{}, panels: map[string]*staged{}, byAddr: map[string]*staged{},
		environ: []string{"NO_COLOR=1", "SIM_PASSWORD=" + testPassword}}
}

// add serves a panel until the test ends, and gives its URL.
func (s *stage) add(t *testing.T, o simpanel.Options) (p *staged, url string) {
	if o.Password == "" {
		o.Password = testPassword
	}
	o.Now = s.clock.now
	p = &staged{Panel: simpanel.New(o), conns: make(chan net.Conn), closed: make(chan struct{})}
	addr := fmt.Sprintf("127.0.0.1:%d", 1500+len(s.panels))
	s.panels[o.Name], s.byAddr[addr] = p, p
	server, ended := &http.Server{Handler: p.Panel}, make(chan struct{})
	go func() { defer close(ended); server.Serve(p) }() //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close(); <-ended })
	return p, "http://" + addr + "/ispmgr"
}

func (s *stage) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	p := s.byAddr[addr]
	here, there := net.Pipe()
	select {
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	default:
	}
	if p.Refuses() || s.isCut() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	select {
	case p.conns <- there:
		c := &countedConn{Conn: here}
		c.closed = sync.OnceFunc(func() { s.count(c, -1) })
		s.count(c, 1)
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *stage) count(c *countedConn, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += n
	if s.conns[c] = true; n < 0 {
		delete(s.conns, c)
	}
	s.mostOpen, s.mostGoroutines = max(s.mostOpen, s.open), max(s.mostGoroutines, runtime.NumGoroutine())
}

type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error { c.closed(); return c.Conn.Close() }

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// write makes a file on the stage of a value, as JSON, which is YAML too.
func (s *stage) write(name string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.path(name), b, 0o600)
}

// ran is what one command came to.
type ran struct {
	code           exitCode
	stdout, stderr string
}

// String is the end of what it said: findings and outcomes stand there.
func (r ran) String() string {
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", r.code, r.stdout[max(0, len(r.stdout)-2000):], r.stderr)
}

// run runs one command on the spec of the stage. The error says that the
// command left something behind.
func (s *stage) run(args ...string) (ran, error) {
	r, err := s.runAs("", args...)
	if err == nil {
		err = s.heldAgainst(args, r)
	}
	if err != nil {
		return r, err
	}
	synctest.Wait() // closed connections are put away by goroutines of their own
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != 0 {
		return r, fmt.Errorf("%v left %d connections open\n%v", args, s.open, r)
	}
	return r, nil
}

// runAs is run for commands that run side by side: what they say goes to files of
// their own.
func (s *stage) runAs(name string, args ...string) (ran, error) {
	files := make([]*os.File, 3)
	stdout, stderr := s.path(name+"stdout"), s.path(name+"stderr")
	for i, name := range []string{os.DevNull, stdout, stderr} {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return ran{}, err
		}
		defer f.Close()
		files[i] = f
	}
	files[0].Close() // nobody is there to ask
	args = append(args, "--state-dir", s.path("state"))
	switch args[0] {
	case "plan", "apply", "drift", "resume", "undo":
		args = append(args, "-f", s.path("spec.yaml"))
	}
	r := ran{code: run(args, &app{stdin: files[0], stdout: files[1], stderr: files[2], environ: s.environ, dial: s.dial, journalFile: s.journalFile})}
	out, errOut := os.ReadFile(stdout)
	told, errTold := os.ReadFile(stderr)
	if errOut != nil || errTold != nil {
		return r, fmt.Errorf("%v, %v", errOut, errTold)
	}
	r.stdout, r.stderr = string(out), string(told)
	return r, nil
}

// heldAgainst holds what a command said and left against the laws of suite_test.go.
func (s *stage) heldAgainst(args []string, r ran) error {
	err := errors.Join(leaks(s.dir, r.stdout+r.stderr, "spec.yaml"), document(r.stdout), events(r.stderr), documents(s.dir))
	for _, p := range s.panels {
		err = errors.Join(err, inURLs(p.Calls()))
	}
	if err != nil {
		return fmt.Errorf("%v: %w\n%v", args, err, r)
	}
	return nil
}

// want runs one command and fails when its exit code is another.
func (s *stage) want(code exitCode, args ...string) (ran, error) {
	r, err := s.run(args...)
	if err == nil && r.code != code {
		err = fmt.Errorf("%v: want exit code %d, got %v", args, code, r)
	}
	return r, err
}

// plan runs plan -o json. It moves the clock on, so that nothing in a plan is
// the same only because it was made at the same time.
func (s *stage) plan(code exitCode, args ...string) (*plan.Plan, ran, error) {
	time.Sleep(time.Minute) // of the bubble
	r, err := s.want(code, append([]string{"plan", "-o", "json"}, args...)...)
	if err != nil {
		return nil, r, err
	}
	p := &plan.Plan{}
	if err := json.Unmarshal([]byte(r.stdout), p); err != nil {
		return nil, r, fmt.Errorf("the plan cannot be read: %v\n%v", err, r)
	}
	return p, r, nil
}

// apply runs apply -o json and gives the report, with whatever exit code.
func (s *stage) apply(args ...string) (*executor.Report, ran, error) {
	r, err := s.run(append([]string{"apply", "--auto-approve", "-o", "json"}, args...)...)
	if err != nil {
		return nil, r, err
	}
	report := &executor.Report{}
	if err := json.Unmarshal([]byte(r.stdout), report); err != nil {
		return nil, r, fmt.Errorf("the report cannot be read: %v\n%v", err, r)
	}
	if err := validReport(r.stdout); err != nil {
		return nil, r, fmt.Errorf("the report is not what its schema says: %v\n%v", err, r)
	}
	return report, r, nil
}

// writes gives the writing calls that panels received.
func (s *stage) writes() map[string][]simpanel.Call {
	out := map[string][]simpanel.Call{}
	for name, p := range s.panels {
		for _, c := range p.Calls() {
			if c.Write {
				out[name] = append(out[name], c)
			}
		}
	}
	return out
}

// ends is what the panels hold.
func (s *stage) ends() map[string]map[string]map[string]map[string]string {
	out := map[string]map[string]map[string]map[string]string{}
	for name, p := range s.panels {
		out[name] = p.Snapshot()
	}
	return out
}
