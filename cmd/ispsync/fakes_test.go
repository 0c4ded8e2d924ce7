package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// The programs that ispsync runs for url local: and ssh://, as far as the
// scripts need them. mgrctl asks the simulated panel of the script; ssh runs
// what it is told on this machine, as if it were the far one.

// mgrctlCall is what the fake mgrctl hands to the simulated panel, and back.
type mgrctlCall struct {
	Args           []string
	Env            map[string]string
	Stdout, Stderr string
	Exit           int
}

// withMgrctl answers calls of the fake mgrctl beside those over HTTP.
func (p *farmPanel) withMgrctl() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", p.Panel)
	mux.HandleFunc("/mgrctl", func(w http.ResponseWriter, r *http.Request) {
		var c mgrctlCall
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		stdout, stderr, exit := p.Mgrctl(c.Args, c.Env)
		json.NewEncoder(w).Encode(mgrctlCall{Stdout: string(stdout), Stderr: string(stderr), Exit: exit}) //nolint:errcheck // the reader notices
	})
	return mux
}

// noSecretInArgv ends a fake program that was given a secret where every user
// of the machine can read it.
func noSecretInArgv() {
	if strings.Contains(strings.Join(os.Args, " "), canary) {
		fmt.Fprintln(os.Stderr, "there is a secret in the arguments")
		os.Exit(71)
	}
}

func fakeMgrctl() {
	noSecretInArgv()
	c := mgrctlCall{Args: os.Args[1:], Env: map[string]string{}}
	for _, e := range os.Environ() {
		k, v, _ := strings.Cut(e, "=")
		c.Env[k] = v
	}
	if log := os.Getenv("ARGV_LOG"); log != "" {
		f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintf(f, "%q\n", c.Args)
			f.Close()
		}
	}
	body, err := json.Marshal(c)
	if err == nil {
		var resp *http.Response
		if resp, err = http.Post(os.Getenv("FAKE_MGRCTL"), "application/json", bytes.NewReader(body)); err == nil {
			err = json.NewDecoder(resp.Body).Decode(&c)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(70)
	}
	fmt.Fprint(os.Stdout, c.Stdout)
	fmt.Fprint(os.Stderr, c.Stderr)
	os.Exit(c.Exit)
}

func fakeSSH() {
	noSecretInArgv()
	if slices.Contains(os.Args, "-O") {
		os.Exit(0)
	}
	cmd := exec.Command("/bin/sh", "-c", os.Args[len(os.Args)-1])
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		os.Exit(max(cmd.ProcessState.ExitCode(), 1))
	}
}
