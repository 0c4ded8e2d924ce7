//go:build unix

package mgrctl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fake is a machine with a fake mgrctl, a fake ssh, or both in PATH.
type fake struct {
	dir string // what the programs leave behind
}

// machine puts the fakes before everything in PATH.
func machine(t *testing.T, programs ...string) fake {
	t.Helper()
	data, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	path := []string{}
	for _, p := range programs {
		path = append(path, filepath.Join(data, p))
	}
	f := fake{t.TempDir()}
	t.Setenv("PATH", strings.Join(append(path, "/usr/bin", "/bin"), ":"))
	t.Setenv("FAKE_DIR", f.dir)
	t.Setenv("FAKE_DATA", data)
	t.Setenv("FAKE_SSH", "")
	t.Setenv("FAKE_SHELL", "sh")
	return f
}

// runner is a Runner that is closed when the test ends.
func runner(t *testing.T, url string) *Runner {
	t.Helper()
	r, err := New(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// traces are the files whose name begins so, in one text.
func (f fake) traces(t *testing.T, begin string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, begin+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, n := range names {
		text, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.Bytes()
}

// forget removes all traces.
func (f fake) forget(t interface{ Fatal(...any) }) {
	names, err := filepath.Glob(filepath.Join(f.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if err := os.Remove(n); err != nil {
			t.Fatal(err)
		}
	}
}

// everywhere runs a test on this machine and over ssh to it.
func everywhere(t *testing.T, test func(t *testing.T, f fake, r *Runner)) {
	t.Run("local", func(t *testing.T) {
		f := machine(t, "mgrctl", "ssh")
		test(t, f, runner(t, "local:"))
	})
	t.Run("ssh", func(t *testing.T) {
		f := machine(t, "mgrctl", "ssh")
		test(t, f, runner(t, "ssh://root@web1.example.net:2222"))
	})
}
