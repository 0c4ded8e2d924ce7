//go:build unix

package mgrctl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// ask makes a call and gives its whole answer and how it ended.
func ask(r *Runner, c Call) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	reply, err := r.Run(ctx, c)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(reply)
	return string(text), errors.Join(err, reply.Close())
}

// hostile are values that some shell, or some option parser, would read.
var hostile = []string{
	"$(touch $FAKE_DIR/pwned)", "`touch $FAKE_DIR/pwned`", "'; touch $FAKE_DIR/pwned; '", `"`, `\`, "'", "\n", "\r\n", "-e", "--", "-x=y",
	"=", "a=b=c", "$ISPSYNC_SECRET_1", "${IFS}", "*", "~root", "!!", "#", " ", "\t", "&", "|", ">", "<", ";", "{", "}", "}\n", "EOF\n", "%s", "%%n", "пример.рф",
	"\x81\x88", "\xff\xfe", "\x01\x1b[31m\x7f",
}

func value() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			if rapid.Bool().Draw(t, "hostile") {
				b.WriteString(rapid.SampledFrom(hostile).Draw(t, "text"))
			} else {
				b.Write(rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 20).Draw(t, "bytes"))
			}
		}
		return b.String()
	})
}

func params(t *rapid.T, label string, least int) [][2]string {
	name := rapid.StringMatching(`p[A-Za-z0-9_.-]{0,8}`)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]string {
		return [2]string{name.Draw(t, "name"), value().Draw(t, "value")}
	}), least, 4).Draw(t, label)
}

// Whatever a value holds, mgrctl gets exactly its bytes, as one word, and no
// shell on the way has read it.
func TestWordsArriveAsTheyAre(t *testing.T) {
	for _, shell := range []string{"sh", "bash"} {
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		t.Run(shell, func(t *testing.T) {
			everywhere(t, func(t *testing.T, f fake, r *Runner) {
				t.Setenv("FAKE_SHELL", shell)
				rapid.Check(t, func(t *rapid.T) {
					c := Call{Func: "words", Params: params(t, "params", 0), Secrets: params(t, "secrets", 0)}
					got, err := ask(r, c)
					if err != nil {
						t.Fatal(err)
					}
					var want strings.Builder
					for _, p := range append(append([][2]string{}, c.Params...), c.Secrets...) {
						want.WriteString(p[0] + "=" + p[1] + "\x00")
					}
					if got != want.String() {
						t.Fatalf("mgrctl got  %q\nit was sent %q", got, want.String())
					}
					if _, err := os.Stat(filepath.Join(f.dir, "pwned")); err == nil {
						t.Fatal("a value was run as code")
					}
				})
			})
		})
	}
}

// A far shell that gets only part of a call runs none of it.
func TestHalfAScriptRunsNothing(t *testing.T) {
	f := machine(t, "mgrctl")
	rapid.Check(t, func(t *rapid.T) {
		c := Call{Func: "words", Params: params(t, "params", 0), Secrets: params(t, "secrets", 0)}
		script := body(c.words(), c.Secrets)
		cut := rapid.IntRange(0, len(script)).Draw(t, "cut")
		cmd := exec.Command("sh", "-s")
		cmd.Stdin = strings.NewReader("m=mgrctl\n" + script[:cut])
		_ = cmd.Run() // a syntax error, as is right
		names, _ := filepath.Glob(filepath.Join(f.dir, "argv.*"))
		if ran := len(names) > 0; ran != (cut == len(script)) {
			t.Fatalf("cut at %d of %d, mgrctl ran: %v", cut, len(script), ran)
		}
		f.forget(t)
	})
}

// No process list shows a secret, here or there; nor what a call is about, on
// the way.
func TestSecretsAreInNoArgv(t *testing.T) {
	everywhere(t, func(t *testing.T, f fake, r *Runner) {
		const secret = "correct horse battery staple"
		got, err := ask(r, Call{Func: "words", Params: [][2]string{{"elid", "alice"}}, Secrets: [][2]string{{"passwd", secret}, {"confirm", secret}}, Su: "bob", Lang: "en", Format: "print"})
		if err != nil {
			t.Fatal(err)
		}
		if want := "elid=alice\x00su=bob\x00lang=en\x00out=print\x00passwd=" + secret + "\x00confirm=" + secret + "\x00"; got != want {
			t.Errorf("mgrctl got %q, want %q", got, want)
		}
		argv, ssh := f.traces(t, "argv"), f.traces(t, "ssh")
		if bytes.Contains(argv, []byte("horse")) || bytes.Contains(ssh, []byte("horse")) || bytes.Contains(ssh, []byte("alice")) {
			t.Errorf("argv of mgrctl %q, of ssh %q", argv, ssh)
		}
		want := "-m\x00ispmgr\x00words\x00elid=alice\x00su=bob\x00lang=en\x00out=print\x00-e\x00passwd=$ISPSYNC_SECRET_1\x00-e\x00confirm=$ISPSYNC_SECRET_2\x00"
		if d := cmp.Diff(want, string(argv)); d != "" {
			t.Errorf("argv of mgrctl (-want +got):\n%s", d)
		}
	})
}

// The longest value that is let through is one that Linux takes.
func TestLongestValue(t *testing.T) {
	everywhere(t, func(t *testing.T, _ fake, r *Runner) {
		long := strings.Repeat("x", longest-1)
		got, err := ask(r, Call{Func: "words", Params: [][2]string{{"a", long}}, Secrets: [][2]string{{"b", long}}})
		if want := "a=" + long + "\x00b=" + long + "\x00"; got != want || err != nil {
			t.Errorf("%d bytes, want %d; %v", len(got), len(want), err)
		}
	})
}

func TestMgrctlHasNoStdin(t *testing.T) {
	everywhere(t, func(t *testing.T, _ fake, r *Runner) {
		if got, err := ask(r, Call{Func: "stdin"}); got != "" || err != nil {
			t.Errorf("mgrctl read %q, %v; it must not read what is left of the script", got, err)
		}
	})
}

func TestHowCallsEnd(t *testing.T) {
	for _, c := range []struct {
		name, fn, out string
		want          *Failure // nil for success
	}{
		{"success", "ok", "OK\n", nil},
		{"a warning on stderr is no failure", "warning", "OK\n", nil},
		{"refused on stdout", "refused", "ERROR value(site_name): invalid domain\n",
			&Failure{Type: "value", Object: "site_name", Message: "invalid domain", Exit: 1, Text: "ERROR value(site_name): invalid domain"}},
		{"refused on stderr, without a message", "refused.stderr", "", &Failure{Type: "exists", Object: "user", Exit: 1, Text: "ERROR exists(user)"}},
		{"an ERROR line counts whatever the status", "refused.exit0", "ERROR missed(currency): none\n",
			&Failure{Type: "missed", Object: "currency", Message: "none", Text: "ERROR missed(currency): none"}},
		{"the document tells more than the status", "refused.xml", `<doc><error type="value" object="elid"><msg>no</msg></error></doc>` + "\n",
			&Failure{Exit: 1, Text: `<doc><error type="value" object="elid"><msg>no</msg></error></doc>`}},
		{"control characters go", "refused.escape", "ERROR value(name): a\x1b[31mred\a text\n",
			&Failure{Type: "value", Object: "name", Message: "a [31mred text", Exit: 1, Text: "ERROR value(name): a [31mred text"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, _ fake, r *Runner) {
				out, err := ask(r, Call{Func: c.fn, Format: "text"})
				var got *Failure
				if err != nil && !errors.As(err, &got) {
					t.Fatalf("want a *Failure, got %v", err)
				}
				if c.want != nil {
					c.want.Func = c.fn
				}
				if d := cmp.Diff(c.want, got); d != "" || out != c.out {
					t.Errorf("output %q; failure (-want +got):\n%s", out, d)
				}
			})
		})
	}
}

// A panel that quotes the value it refuses does not get a password shown.
func TestErrorsHideSecrets(t *testing.T) {
	everywhere(t, func(t *testing.T, _ fake, r *Runner) {
		for _, fn := range []string{"refused.quoting", "refused.folding"} {
			for _, secret := range []string{"hunter2", "two\nlines", "with  spaces\tand 'quotes'", strings.Repeat("long", 5000)} {
				_, err := ask(r, Call{Func: fn, Secrets: [][2]string{{"passwd", secret}}})
				var f *Failure
				if !errors.As(err, &f) || f.Type != "value" || f.Object != "passwd" {
					t.Fatalf("%q: %v", secret, err)
				}
				for _, text := range []string{f.Error(), f.Text, f.Message} {
					if strings.Contains(text, secret[:4]) || strings.Contains(text, "lines") || !strings.Contains(text, "***") {
						t.Errorf("%s shows %q", fn, text)
					}
				}
			}
		}
	})
}

// A password that is a word of the panel's own does not change what a failure means.
func TestSecretsDoNotChangeTheMeaning(t *testing.T) {
	machine(t, "mgrctl")
	for _, secret := range []string{"value", "ERROR", "(", ":"} {
		_, err := ask(runner(t, "local:"), Call{Func: "refused", Secrets: [][2]string{{"passwd", secret}}})
		var f *Failure
		if !errors.As(err, &f) || f.Type != "value" || f.Object != "site_name" {
			t.Errorf("%q: %+v", secret, err)
		}
	}
}

func TestLostCalls(t *testing.T) {
	for _, c := range []struct{ name, ssh, url, fn, want string }{
		{"mgrctl crashed", "", "local:", "killed", "ended by the system: signal: killed"},
		{"a program that cannot run", "", "local:", "unrunnable", "mgrctl could not be run (status 126)"},
		{"the connection broke", "lost", "ssh://web1", "ok", "the connection broke: client_loop: send disconnect: Broken pipe"},
		{"the connection broke in the middle of the call", "cut", "ssh://web1", "words", "the connection broke"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := machine(t, "mgrctl", "ssh")
			t.Setenv("FAKE_SSH", c.ssh)
			_, err := ask(runner(t, c.url), Call{Func: c.fn, Params: [][2]string{{"text", strings.Repeat("x", 2000)}}})
			var lost *ConnError
			if !errors.As(err, &lost) {
				t.Fatalf("want a *ConnError, got %v", err)
			}
			if !lost.Sent || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.fn) {
				t.Errorf("sent %v: %v", lost.Sent, err)
			}
			if ran := len(f.traces(t, "argv")) > 0; ran == (c.ssh == "cut") {
				t.Errorf("mgrctl ran: %v", ran)
			}
		})
	}
}

// An error of Run means that mgrctl has not seen the call.
func TestCallsThatWereNotMade(t *testing.T) {
	long := strings.Repeat("x", 100<<10) // some of them are more than a pipe holds
	for _, c := range []struct {
		name, url, ssh string
		programs       []string
		cause          error
		want           string
	}{
		{"a connection that breaks in the middle of the call", "ssh://web1", "cut", []string{"mgrctl", "ssh"}, nil, "try it with `ssh web1`"},
		{"no mgrctl here", "local:", "", []string{"ssh"}, ErrNotInstalled, "no mgrctl in PATH nor at /nowhere/mgrctl"},
		{"no mgrctl there", "ssh://web1", "", []string{"ssh"}, ErrNotInstalled, "no mgrctl in PATH nor at /nowhere/mgrctl there"},
		{"nobody listens", "ssh://web1", "refuse", []string{"mgrctl", "ssh"}, nil, "Connection refused; try it with `ssh web1`"},
		{"an account without a shell", "ssh://web1", "noshell", []string{"mgrctl", "ssh"}, nil, "not available"},
		{"a host that never answers", "ssh://web1", "silent", []string{"mgrctl", "ssh"}, context.DeadlineExceeded, "no answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := machine(t, c.programs...)
			t.Setenv("FAKE_SSH", c.ssh)
			r := runner(t, c.url)
			r.program = "/nowhere/mgrctl"
			wait := 20 * time.Second
			if c.cause == context.DeadlineExceeded {
				wait = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			defer cancel()
			reply, err := r.Run(ctx, Call{Func: "user.delete", Params: [][2]string{{"elid", "alice"}, {"a", long}, {"b", long}, {"c", long}, {"d", long}}})
			var not *ConnError
			if reply != nil || !errors.As(err, &not) || not.Sent || !strings.Contains(err.Error(), c.want) || c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("%#v, %v", reply, err)
			}
			if argv := f.traces(t, "argv"); len(argv) > 0 {
				t.Errorf("mgrctl ran: %q", argv)
			}
		})
	}
}

// mgrctl that is not in PATH is found where the installer puts it.
func TestInstalledPlace(t *testing.T) {
	for _, url := range []string{"local:", "ssh://web1"} {
		machine(t, "ssh")
		r := runner(t, url)
		r.program = filepath.Join(os.Getenv("FAKE_DATA"), "mgrctl", "mgrctl")
		if out, err := ask(r, Call{Func: "ok"}); out != "OK\n" || err != nil {
			t.Errorf("%s: %q, %v", url, out, err)
		}
	}
}

// The end of the context ends mgrctl and what it started.
func TestCancelEndsTheWholeFamily(t *testing.T) {
	everywhere(t, func(t *testing.T, f fake, r *Runner) {
		fifo := filepath.Join(f.dir, "alive")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		reply, err := r.Run(ctx, Call{Func: "family"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reply.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		alive, err := os.Open(fifo) // waits for the writer
		if err != nil {
			t.Fatal(err)
		}
		defer alive.Close()
		if err := alive.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		cancel()
		err = reply.Close()
		var lost *ConnError
		if !errors.As(err, &lost) || !lost.Sent || !errors.Is(err, context.Canceled) {
			t.Errorf("closed with %v", err)
		}
		if again := reply.Close(); again != err {
			t.Errorf("closed a second time with %v", again)
		}
		if n, err := alive.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the family is alive: %d, %v", n, err)
		}
	})
}

// A process that mgrctl left behind, and that holds its output, does not hold a
// call beyond its time.
func TestLeftBehindProcessDoesNotHoldACall(t *testing.T) {
	machine(t, "mgrctl")
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	reply, err := runner(t, "local:").Run(ctx, Call{Func: "detached", Params: [][2]string{{"seconds", "4"}}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reply)
	if string(text) != "OK\n" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read %q, %v", text, err)
	}
	if err := reply.Close(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closed with %v", err)
	}
}

// Answers of any size pass through; they are not kept.
func TestBigAnswersAreStreamed(t *testing.T) {
	everywhere(t, func(t *testing.T, _ fake, r *Runner) {
		reply, err := r.Run(context.Background(), Call{Func: "big", Params: [][2]string{{"size", "134217728"}}})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := io.Copy(io.Discard, reply)
		runtime.ReadMemStats(&after)
		if n != 128<<20 || err != nil || reply.Close() != nil {
			t.Errorf("%d bytes, %v, %v", n, err, reply.Close())
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
			t.Errorf("%d bytes were allocated for an answer of %d", got, n)
		}
	})
}

// An answer that nobody wants to the end, and that has none, is killed.
func TestAbandonedAnswer(t *testing.T) {
	everywhere(t, func(t *testing.T, _ fake, r *Runner) {
		reply, err := r.Run(context.Background(), Call{Func: "endless"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(reply, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		var lost *ConnError
		if err := reply.Close(); !errors.As(err, &lost) || !strings.Contains(err.Error(), "not read to the end") {
			t.Errorf("closed with %v", err)
		}
	})
}

func TestFunctions(t *testing.T) {
	everywhere(t, func(t *testing.T, f fake, r *Runner) {
		got, err := r.Functions(context.Background(), "", "")
		if err != nil || len(got) != 6 || got[0] != (Function{"admin", "list", "Administrators."}) {
			t.Errorf("%v, %v", got, err)
		}
		if _, err := r.Functions(context.Background(), "admin.edit", "ru"); err != nil {
			t.Error(err)
		}
		argv := string(f.traces(t, "argv"))
		for _, want := range []string{"-m\x00ispmgr\x00-i\x00lang=en\x00", "-m\x00ispmgr\x00-i\x00admin.edit\x00lang=ru\x00"} {
			if !strings.Contains(argv, want) {
				t.Errorf("mgrctl got %q, not %q", argv, want)
			}
		}
		for _, bad := range [][2]string{{"-l", "en"}, {"admin", "en x"}} {
			if _, err := r.Functions(context.Background(), bad[0], bad[1]); err == nil {
				t.Errorf("%q was asked for", bad)
			}
		}
	})
}
