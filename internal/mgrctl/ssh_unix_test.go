//go:build unix

package mgrctl

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// Calls that begin together share one connection, which Close ends; its socket
// is where nobody else can reach it.
func TestOneConnectionPerPanel(t *testing.T) {
	f := machine(t, "mgrctl", "ssh")
	r, err := New("ssh://root@[2001:db8::1]:2222")
	if err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range 12 {
		calls.Go(func() {
			if out, err := ask(r, Call{Func: "ok"}); out != "OK\n" || err != nil {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
	calls.Wait()
	if got := string(f.traces(t, "connections")); got != "connect\n" {
		t.Errorf("connections: %q", got)
	}
	dir := r.dir
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the socket: %v, %v", info.Mode(), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if got := string(f.traces(t, "control")); got != "exit 2001:db8::1\n" {
		t.Errorf("control: %q", got)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	if err := r.Close(); err != nil || string(f.traces(t, "control")) != "exit 2001:db8::1\n" {
		t.Errorf("a second Close did something: %v", err)
	}
}

// A call that waits for another's connection gives up when its time is over.
func TestWaitingForAConnectionEnds(t *testing.T) {
	machine(t, "mgrctl", "ssh")
	r := runner(t, "ssh://web1")
	r.connecting <- struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := r.Run(ctx, Call{Func: "ok"})
	var not *ConnError
	if !errors.As(err, &not) || not.Sent || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// The options are ones that OpenSSH knows: it prints its configuration, and
// connects to nobody.
func TestOptionsAreOpenSSHs(t *testing.T) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("no ssh here")
	}
	r := runner(t, "ssh://root@web1.example.net:2222")
	words := append([]string{"-G", "-F", "none"}, r.sshWords("/tmp/socket")...)
	out, err := exec.Command(ssh, append(words, farCommand)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"user root", "hostname web1.example.net", "port 2222", "batchmode yes", "controlmaster auto", "controlpath /tmp/socket", "controlpersist 60", "forwardagent no", "requesttty false"} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("ssh does not understand %q; it says\n%s", want, out)
		}
	}
}
