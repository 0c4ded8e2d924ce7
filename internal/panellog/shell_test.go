package panellog

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// hostile draws values that break quotes, lines, terminals and templates. It
// draws no zero byte: a line with one is refused.
var hostile = rapid.OneOf(
	rapid.SampledFrom([]string{"'", `"`, "'; rm -rf / #", "$(id)", "`id`", "${HOME}", "$HOME", "a\nb", "\nfunc", "\x1b]0;x\a", "\xff\xfe", "*", "~", "~root", "!!", "a!b'", `\`, `\'`, `a\`, "%s%n", "-rf", "-\x1b",
		"a b", "\t", "\r", "#", "&", "|", ";", "<", "\u202e", "é", "{a,b}", "[a]", "=", "=ls", "null", "true", "- x", "a: b", "<<", "*x", "&x", "!x", "''", "\u2028", " "}),
	rapid.Map(rapid.String(), func(s string) string { return strings.ReplaceAll(s, "\x00", "") }),
	rapid.Map(rapid.SliceOf(rapid.ByteRange(1, 255)), func(b []byte) string { return string(b) }),
)

// A shell reads each word as exactly the text it was made of, whatever the text
// is, and it stands on one line in which nothing is invisible.
func TestWordsAreReadByShells(t *testing.T) {
	var texts []string
	rapid.Check(t, func(t *rapid.T) {
		s, _ := lineEnd(hostile.Draw(t, "text"))
		texts = append(texts, s)
		if w := word(s); strings.ContainsFunc(w, unseen) {
			t.Fatalf("%q is written with invisible characters: %q", s, w)
		}
	})
	texts = append(texts, strings.Repeat("'", 10_000), strings.Repeat("x\n", 2_000)+"x")
	var script, want strings.Builder
	for i, s := range texts {
		script.WriteString("printf '%s\\0' " + word(s) + " " + assignment("n", s) + " " + assignment("a[0]", s) + "\n")
		want.WriteString(s + "\x00n=" + s + "\x00a[0]=" + s + "\x00")
		if strings.Count(script.String(), "\n") != i+1 {
			t.Fatalf("%q takes more than one line", s)
		}
	}
	for _, shell := range []string{"sh", "bash", "dash"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		file := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(path, file)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%.300s", shell, err, out)
		}
		if !bytes.Equal(out, []byte(want.String())) {
			got, words := strings.Split(string(out), "\x00"), strings.Split(want.String(), "\x00")
			for i := range words {
				if i >= len(got) || got[i] != words[i] {
					t.Fatalf("%s reads word %d as %q, want %q", shell, i, got[min(i, len(got)-1)], words[i])
				}
			}
		}
	}
}

// Whole lines of hostile logs are one command each: sh run on them calls
// ispsync with the arguments, and nothing else.
func TestHostileLinesStayOneCommand(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ispsync"), []byte("#!/bin/sh\nfor a; do printf '%s\\0' \"$a\"; done\nprintf '\\001\\0'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var queries []string
	var want strings.Builder
	rapid.Check(t, func(t *rapid.T) {
		if len(queries) >= 60 { // each is a process
			return
		}
		v := hostile.Draw(t, "value")
		queries = append(queries, "func=x.edit&note="+encode(v)+"&sok=ok")
		want.WriteString("call\x00PANEL\x00x.edit\x00")
		if kept, _ := lineEnd(v); v != "" && v != mask {
			want.WriteString("note=" + kept + "\x00")
		}
		want.WriteString("sok=ok\x00\x01\x00")
	})
	out, _ := convert(t, Calls, "", queries...)
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, msg)
	}
	cmd := exec.Command("sh", script)
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	got, err := cmd.CombinedOutput()
	if err != nil || string(got) != want.String() {
		t.Fatalf("%v\ngot  %q\nwant %q", err, got, want.String())
	}
}
