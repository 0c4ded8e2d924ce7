package mgrctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	waitDelay  = 2 * time.Second // for what still holds an ended process's output
	closeGrace = 5 * time.Second // for a process to end that was read until it had enough said
	unreadMost = 1 << 20         // bytes that Close reads on for a whole answer
)

// Reply is the answer of one running call. It is read by one goroutine.
type Reply struct {
	fn    string
	at    address
	cmd   *exec.Cmd
	stdin io.WriteCloser // nil on this machine
	out   *os.File
	hide  hider

	caller context.Context // ends the call; its end is the caller's doing
	cancel context.CancelFunc
	unhook func() bool
	ended  chan struct{} // closed when the process has ended and notes is complete

	head  *notes // the beginning of the output
	notes *notes // what was written on stderr
	eof   bool
	once  sync.Once
	err   error
}

// process is what start needs to know.
type process struct {
	at      address
	fn      string
	program string
	words   []string
	env     []string // nil for ispsync's own
	stdin   bool     // a pipe, else nothing
	hide    hider
}

// start starts a process in a group of its own: an interrupt at the terminal
// is for ispsync, which lets calls in flight end; and when ctx ends, the
// process ends with all it started.
func start(ctx context.Context, p process) (*Reply, error) {
	inner, cancel := context.WithCancel(ctx)
	r := &Reply{fn: p.fn, at: p.at, hide: p.hide, caller: ctx, cancel: cancel, ended: make(chan struct{}),
		head: newNotes(p.hide, false), notes: newNotes(p.hide, p.stdin)}
	cmd := exec.CommandContext(inner, p.program, p.words...)
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd.Process) }
	cmd.WaitDelay = waitDelay
	cmd.Env, cmd.Stderr = p.env, r.notes
	out, in, err := os.Pipe()
	if err != nil {
		cancel()
		return nil, err
	}
	cmd.Stdout, r.out, r.cmd = in, out, cmd
	if p.stdin {
		r.stdin, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	in.Close()
	if err != nil {
		out.Close()
		cancel()
		return nil, err
	}
	// The end of the process closes the pipe, but something it left behind may hold it.
	r.unhook = context.AfterFunc(inner, func() { _ = out.SetReadDeadline(time.Now()) })
	go func() {
		defer close(r.ended)
		_ = cmd.Wait() // the verdict reads ProcessState
	}()
	return r, nil
}

// Read reads what mgrctl prints, as it comes. io.EOF is the end of the output;
// whether that is the whole of the answer, Close says.
func (r *Reply) Read(p []byte) (int, error) {
	n, err := r.out.Read(p)
	_, _ = r.head.Write(p[:n])
	switch {
	case err == io.EOF:
		r.eof = true
	case errors.Is(err, os.ErrDeadlineExceeded) && r.caller.Err() != nil:
		err = r.lost(context.Cause(r.caller), why(r.caller))
	}
	return n, err
}

// Close waits for the end of the call and says how it ended: nil when mgrctl
// ended well and its answer is whole, *Failure when it answered no, *ConnError
// when it was lost. The answer need not be read to its end: a little more is
// read here, and mgrctl that goes on longer is killed.
func (r *Reply) Close() error {
	r.once.Do(func() { r.err = r.finish() })
	return r.err
}

func (r *Reply) finish() error {
	if !r.eof && r.caller.Err() == nil {
		_ = r.out.SetReadDeadline(time.Now().Add(closeGrace))
		_, _ = io.CopyN(io.Discard, r, unreadMost) // r.eof says how it went
	}
	if !r.eof {
		r.cancel()
	}
	<-r.ended
	r.unhook()
	r.cancel()
	r.out.Close()
	return r.verdict()
}

// verdict reads the end of the process.
func (r *Reply) verdict() error {
	exit := r.cmd.ProcessState.ExitCode()
	f, said := r.failure(exit)
	switch {
	case r.caller.Err() != nil && (exit < 0 || !r.eof):
		return r.lost(context.Cause(r.caller), why(r.caller))
	case !r.eof && exit <= 0:
		return r.lost(nil, "its answer was not read to the end")
	case exit < 0:
		return r.lost(nil, "ended by the system: "+r.cmd.ProcessState.String())
	case !r.at.local() && exit == 255:
		return r.lost(nil, "the connection broke: "+f.Text)
	case exit == 126 || exit == 127:
		return r.lost(nil, fmt.Sprintf("mgrctl could not be run (status %d): %s", exit, f.Text))
	case exit != 0 || said:
		return f
	}
	return nil
}

// lost is the error of a call that may have been taken.
func (r *Reply) lost(cause error, msg string) error {
	return &ConnError{Where: r.at.String(), Func: r.fn, Sent: true, Msg: msg, Err: cause}
}

// failure is what mgrctl said of a call that failed, and whether that is an
// ERROR line. Such a line may be on stdout or on stderr; on stderr it counts
// only when the exit says so too, as warnings go there.
func (r *Reply) failure(exit int) (*Failure, bool) {
	f := &Failure{Func: r.fn, Exit: exit, Text: clean(r.notes.String())}
	if f.Text == "" {
		f.Text = clean(r.head.String())
	}
	from := r.head
	line, said := ParseError(from.raw())
	if !said && exit != 0 {
		from = r.notes
		line, said = ParseError(from.raw())
	}
	if !said {
		return f, false
	}
	// The type decides what the failure means, so a password that reads like it
	// must not take it away. The message is of the text without secrets, for one
	// of several lines is whole only there.
	f.Type, f.Object = line.Type, r.hide.replace.Replace(line.Object)
	if shown, ok := ParseError(from.String()); ok && shown.Type == line.Type {
		f.Message = shown.Message
	}
	return f, true
}
