package apiclient

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/specs"
)

// fakeMgrctl puts a program mgrctl in PATH that writes its words to a file
// and then runs the script, in which $func is the function. It gives the words
// of all calls, one call a line.
func fakeMgrctl(t *testing.T, script string) (words func() []string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the fake is a shell script")
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "words")
	text := `#!/bin/sh
echo "$*" >>"` + log + `"
func=
for w in "$@"; do
	case $w in -*|xml|devel|text|json|ispmgr) ;; *=*) ;; *) func=$w; break ;; esac
done
` + script
	if err := os.WriteFile(filepath.Join(dir, "mgrctl"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() []string {
		b, _ := os.ReadFile(log)
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
}

// hereClient is a client of the panel on this machine.
func hereClient(t *testing.T) *Client {
	return client(t, specs.Panel{Name: "here", URL: "local:"}, Options{Catalog: specs.Builtin(), Secret: testSecret, RestartWait: 5 * time.Second})
}

func TestMgrctlReadsAndWrites(t *testing.T) {
	words := fakeMgrctl(t, `
case $func in
webdomain) echo '<?xml version="1.0" encoding="UTF-8"?><doc lang="en"><elem><name>a.example.com</name><owner>alice</owner></elem><p_elems>1</p_elems></doc>' ;;
user.edit) [ "$ISPSYNC_SECRET_1" = "A's & value" ] && echo '<doc><ok/></doc>' || echo "<doc><error type='value' object='passwd'/></doc>" ;;
user.delete) echo 'ERROR value(elid): no such user'; exit 1 ;;
restart) echo '<doc><error type="missed" object="func"/></doc>'; exit 1 ;;
esac`)
	c := hereClient(t)
	if l := listed(t, c, webdomains()); l.Err != nil || len(l.Resources) != 1 || l.Resources[0].Ref.String() != "here/webdomain/a.example.com" {
		t.Errorf("%+v", l)
	}
	w := NewWriter(c)
	alice := res("user", "alice", "fullname", specs.Text("Alice & Co"))
	alice.Secrets = []specs.SecretField{{Name: "passwd", Secret: envSecret("A")}}
	alice.Su = "root"
	if _, err := w.Create(t.Context(), alice); err != nil {
		t.Error(err)
	}
	_, err := w.Delete(t.Context(), res("user", "bob"))
	if e := asError(t, err); !e.Gone() || e.MaybeApplied() || !strings.HasPrefix(err.Error(), "panel here: user.delete bob: the panel says value(elid): no such user") {
		t.Error(err)
	}
	if err := w.Restart(t.Context()); err == nil || !asError(t, err).Unsupported() {
		t.Error(err)
	}
	want := []string{
		"-m ispmgr -o xml webdomain filter=off lang=en",
		"-m ispmgr -o xml user.edit fullname=Alice & Co name=alice sok=ok su=root lang=en -e passwd=$ISPSYNC_SECRET_1 -e confirm=$ISPSYNC_SECRET_2",
		"-m ispmgr -o xml user.delete elid=bob sok=ok lang=en",
		"-m ispmgr -o xml restart lang=en",
	}
	if diff := cmp.Diff(want, words()); diff != "" {
		t.Errorf("-want +ran\n%s", diff)
	}
	if c.Requests() != 4 {
		t.Errorf("%d requests", c.Requests())
	}
}

// TestMgrctlErrors: what mgrctl prints and how it ends are one typed error,
// the same as over HTTP.
func TestMgrctlErrors(t *testing.T) {
	for _, x := range []struct {
		why, script, typ, object, says string
		maybe                          bool
	}{
		{"a document and a status", `echo '<doc><error type="exists" object="user"><param name="value">alice</param><msg>There</msg></error></doc>'; exit 1`, "exists", "user", `exists(user) "alice": There`, false},
		{"a document alone", `echo '<doc><error type="exists" object="user"/></doc>'`, "exists", "user", "", false},
		{"the line on stdout", `echo 'ERROR exists(user): There'; exit 1`, "exists", "user", "exists(user): There", false},
		{"the line on stderr", `echo 'ERROR limit(limit_db): full' >&2; exit 1`, "limit", "limit_db", "raise the account's limit", false},
		{"the line without a status", `echo 'ERROR access(user): No'`, "access", "user", "the unix user that mgrctl runs as lacks the right", false},
		{"a line with what moves cursors", `printf 'ERROR value(na\033[2Jme): be\007ll\n'; exit 1`, "value", "na [2Jme", "be ll", false},
		{"a status and nothing else", `exit 3`, typeDocument, "", "mgrctl ended with status 3", true},
		{"a status and words", `echo 'Segmentation fault' >&2; exit 3`, typeDocument, "", "Segmentation fault", true},
		{"ok and a status: nobody can tell", `echo '<doc><ok/></doc>'; exit 3`, typeDocument, "", "status 3", true},
		{"nothing", `exit 0`, typeDocument, "", "the answer is empty", true},
		{"text", `echo OK`, typeDocument, "", `the text "OK"`, true},
		{"killed", `echo '<doc>'; kill -9 $$`, typeLost, "", "killed", true},
		{"half a document", `echo '<doc><ok/>'`, typeDocument, "", "cut off", true},
	} {
		t.Run(x.why, func(t *testing.T) {
			words := fakeMgrctl(t, x.script)
			_, err := NewWriter(hereClient(t)).Update(t.Context(), res("user", "alice", "comment", specs.Text("x")))
			if err == nil {
				t.Fatal("no error")
			}
			e := asError(t, err)
			if e.Type != x.typ || e.Object != x.object || !strings.Contains(err.Error(), x.says) || e.MaybeApplied() != x.maybe || err.Error() != cleanLine(err.Error()) {
				t.Errorf("%s(%s), may be applied %v: %q", e.Type, e.Object, e.MaybeApplied(), err)
			}
			if n := len(words()); n != 1 {
				t.Errorf("a write was sent %d times", n)
			}
		})
	}
}

func TestMgrctlIsNotThere(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := os.Stat("/usr/local/mgr5/sbin/mgrctl"); err == nil {
		t.Skip("there is a panel on this machine")
	}
	c := hereClient(t)
	_, err := c.Snapshot(t.Context(), three())
	e := asError(t, err)
	if e.Type != typeUnreachable || e.Retryable() || e.MaybeApplied() || !strings.Contains(err.Error(), "no mgrctl in PATH") {
		t.Error(err)
	}
	if _, err := NewWriter(c).Delete(t.Context(), res("user", "alice")); asError(t, err).MaybeApplied() {
		t.Error(err)
	}
}

func TestMgrctlTimeout(t *testing.T) {
	fakeMgrctl(t, `echo '<doc>'; sleep 60`)
	c := client(t, specs.Panel{Name: "here", URL: "local:", Timeout: 100 * time.Millisecond}, Options{Catalog: specs.Builtin()})
	_, err := NewWriter(c).Delete(t.Context(), res("user", "alice"))
	if e := asError(t, err); e.Type != typeLost || !e.MaybeApplied() || !strings.Contains(err.Error(), "no whole answer within 100ms") {
		t.Error(err)
	}
}

func TestMgrctlRaw(t *testing.T) {
	words := fakeMgrctl(t, `
case $func in
user) printf 'name=alice note=a b\n' ;;
user.edit) echo "ERROR value(passwd): $ISPSYNC_SECRET_1 is weak"; exit 1 ;;
esac`)
	c := hereClient(t)
	var out bytes.Buffer
	if err := c.Raw(t.Context(), RawCall{Func: "user", Format: "text"}, &out); err != nil || out.String() != "name=alice note=a b\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	err := NewWriter(c).Raw(t.Context(), RawCall{Func: "user.edit", Format: "text", Params: [][2]string{{"elid", "alice"}, {"passwd", "hunter2"}, {"sok", "ok"}}}, &out)
	if e := asError(t, err); e.Type != "value" || e.Object != "passwd" || strings.Contains(err.Error(), "hunter2") || out.String() != "ERROR value(passwd): hunter2 is weak\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	want := []string{"-m ispmgr -o text user lang=en", "-m ispmgr -o text user.edit elid=alice sok=ok lang=en -e passwd=$ISPSYNC_SECRET_1"}
	if diff := cmp.Diff(want, words()); diff != "" {
		t.Errorf("-want +ran\n%s", diff)
	}
}

func TestFunctions(t *testing.T) {
	words := fakeMgrctl(t, `printf '%-45s%s\n%-45s%s\n' user 'Users. Function type: list' user.edit 'A user. Function type: form'`)
	got, err := hereClient(t).Functions(t.Context(), "", "ru")
	want := []Function{{"user", "list", "Users."}, {"user.edit", "form", "A user."}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"-m ispmgr -i lang=ru"}, words()); diff != "" {
		t.Error(diff)
	}
	c, _ := scripted(t, nil)
	if _, err := c.Functions(t.Context(), "", ""); err == nil || !strings.Contains(err.Error(), "mgrctl alone") {
		t.Error(err)
	}
}
