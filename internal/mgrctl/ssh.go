package mgrctl

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// One ssh connection serves all calls of a Runner: the first call makes it, and
// ssh keeps it behind a socket in a directory of our own for a minute after the
// last call. Calls that begin together wait until the first has its connection;
// else each would make, and authenticate, its own. Only connecting is one at a
// time, never the calls.

const (
	connectTimeout = 20 // seconds
	closeTimeout   = 5 * time.Second
)

// plainPath is a path that needs no quoting in an option of ssh and leaves room
// for a socket's name and what ssh adds to it (a socket's path has about 104
// characters).
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9/_.+-]{0,65}$`)

// socket is the path of the shared connection's socket; it makes the private
// directory (mode 0700) at the first call.
func (r *Runner) socket() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" {
		parent := os.TempDir()
		if !plainPath.MatchString(parent) {
			parent = "/tmp"
		}
		dir, err := os.MkdirTemp(parent, "ispsync")
		if err != nil {
			return "", fmt.Errorf("a private directory for the ssh connection: %w", err)
		}
		r.dir = dir
	}
	return r.socketIn(r.dir), nil
}

// socketIn is a short name that tells nothing and differs from panel to panel.
func (r *Runner) socketIn(dir string) string {
	sum := sha256.Sum256([]byte(r.at.user + "\x00" + r.at.host + "\x00" + r.at.port))
	return filepath.Join(dir, hex.EncodeToString(sum[:4]))
}

// sshWords are the words of an ssh command up to the host, with it. Beyond
// these the user's own configuration holds.
func (r *Runner) sshWords(socket string, more ...string) []string {
	w := []string{"-T", "-a", "-x",
		"-o", "BatchMode=yes",
		"-o", fmt.Sprintf("ConnectTimeout=%d", connectTimeout),
		"-o", "ServerAliveInterval=15", // a dead connection ends its calls, and the next makes a new one
		"-o", "ControlMaster=auto",
		"-o", "ControlPersist=60s",
		"-o", "ControlPath=" + socket,
		"-o", "ClearAllForwardings=yes", // forwardings of an interactive login would clash
		"-o", "RemoteCommand=none",
	}
	if r.at.port != "" {
		w = append(w, "-p", r.at.port)
	}
	if r.at.user != "" {
		w = append(w, "-l", r.at.user)
	}
	return append(append(w, more...), "--", r.at.host)
}

// runThere runs mgrctl on the panel's machine.
func (r *Runner) runThere(ctx context.Context, fn string, words []string, secrets [][2]string, hide hider) (*Reply, error) {
	socket, err := r.socket()
	if err != nil {
		return nil, r.notSent(fn, err, err.Error())
	}
	if _, err := os.Stat(socket); err != nil {
		select {
		case r.connecting <- struct{}{}:
			defer func() { <-r.connecting }()
		case <-ctx.Done():
			return nil, r.ended(ctx, fn)
		}
	}
	reply, err := start(ctx, process{at: r.at, fn: fn, program: "ssh", words: append(r.sshWords(socket), farCommand), stdin: true, hide: hide})
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, r.ended(ctx, fn)
	case errors.Is(err, exec.ErrNotFound):
		return nil, r.notSent(fn, err, "no ssh in PATH; install the OpenSSH client")
	case err != nil:
		return nil, r.notSent(fn, err, "ssh could not be started: "+clean(err.Error()))
	}
	if err := r.handOver(ctx, reply, body(words, secrets)); err != nil {
		reply.cancel()
		_ = reply.Close() // what it says follows from the cancel
		return nil, err
	}
	return reply, nil
}

// handOver gives the call to the far shell once that is ready. An error means
// that the shell has not got all of it, so that it runs none of it.
func (r *Runner) handOver(ctx context.Context, reply *Reply, script string) error {
	defer reply.stdin.Close()
	// An error of these writes shows as the end of ssh just below, which says more.
	_, _ = io.WriteString(reply.stdin, prologue(r.program))
	select {
	case <-reply.notes.ready:
	case <-reply.ended:
		return r.noShell(ctx, reply)
	}
	if err := reply.skipGreeting(); err != nil {
		reply.cancel()
		<-reply.ended
		return r.noShell(ctx, reply)
	}
	if _, err := io.WriteString(reply.stdin, script); err != nil {
		<-reply.ended
		return r.noShell(ctx, reply)
	}
	return nil
}

// skipGreeting reads stdout up to the ready line: some accounts' login shells
// print there, and that is no part of an answer. The far shell says nothing
// beyond that line before it has the call.
func (r *Reply) skipGreeting() error {
	var got []byte
	chunk := make([]byte, 4096)
	for !bytes.HasSuffix(got, []byte(readyLine)) {
		n, err := r.out.Read(chunk)
		if err != nil {
			return err
		}
		got = append(got, chunk[:n]...)
		got = got[max(0, len(got)-len(readyLine)):]
	}
	return nil
}

// noShell says why ssh ended before the call was handed over.
func (r *Runner) noShell(ctx context.Context, reply *Reply) error {
	exit, text := reply.cmd.ProcessState.ExitCode(), clean(reply.notes.String())
	switch {
	case ctx.Err() != nil:
		return r.ended(ctx, reply.fn)
	case exit == 127 && strings.Contains(text, noMgrctl):
		return r.notSent(reply.fn, ErrNotInstalled, "no mgrctl in PATH nor at "+r.program+" there; is this the panel's machine, and may the account see it?")
	case exit == 255:
		if text == "" {
			text = "ssh could not connect and gave no reason"
		}
		return r.notSent(reply.fn, nil, text+"; try it with `ssh "+r.at.host+"`, as ispsync never asks for passwords or new host keys")
	}
	return r.notSent(reply.fn, nil, fmt.Sprintf("ssh ended with %s before a shell was ready: %s; the account needs a POSIX /bin/sh", reply.cmd.ProcessState, text))
}

// Close ends the shared ssh connection and removes its directory. Call it after
// the last call has ended. An error says that the directory is still there; an
// ssh that cannot be told to end does so by itself after a minute.
func (r *Runner) Close() error {
	r.mu.Lock()
	dir := r.dir
	r.dir = ""
	r.mu.Unlock()
	if dir == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ssh", r.sshWords(r.socketIn(dir), "-O", "exit")...)
	cmd.WaitDelay = waitDelay
	_ = cmd.Run() // no connection, no need
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("the directory of the ssh connection: %w", err)
	}
	return nil
}
