package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// Every secret of every kind arrives as it is, through every door, and is told
// nowhere: not in what any command says, nor in a file, an argument or a URL.

// secretResource is an entry with secrets, as a spec has it, and where the panel
// keeps them. What it needs beside it is in the same spec.
type secretResource struct {
	kind  string
	entry map[string]any
	// kept is where the simulated panel keeps the secret field.
	kept [2]string
}

// secretResources has a row for each secret field of the catalog.
var secretResources = map[string]secretResource{
	"user.passwd":  {"user", map[string]any{"name": "alice"}, [2]string{"user", "alice"}},
	"email.passwd": {"email", map[string]any{"name": "info@example.com"}, [2]string{"email", "info@example.com"}},
	"db.password":  {"db", map[string]any{"name": "shop", "owner": "alice", "user": "*", "username": "shop"}, [2]string{"db.users", "shop->MySQL/shop"}},
	"db.users.password": {"db.users", map[string]any{"name": "second", "plid": "shop->MySQL"},
		[2]string{"db.users", "shop->MySQL/second"}},
	"ftp.user.passwd": {"ftp.user", map[string]any{"name": "upload", "owner": "alice"}, [2]string{"ftp.user", "upload"}},
	"sslcert.key": {"sslcert", map[string]any{"name": "example.com", "owner": "alice", "type": "existing", "crt": "-----BEGIN CERTIFICATE-----"},
		[2]string{"sslcert", "alice%#%example.com"}},
}

// secretFields lists the secret fields of the catalog.
func secretFields() []string {
	var out []string
	for _, k := range specs.Builtin().Kinds() {
		for _, f := range k.Fields {
			if f.Secret {
				out = append(out, k.Name+"."+f.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestLawSecretsOfEveryKind(t *testing.T) {
	if got := slices.Sorted(maps.Keys(secretResources)); !slices.Equal(got, secretFields()) {
		t.Fatalf("the catalog has the secrets %v, and this law knows %v", secretFields(), got)
	}
	doors := []string{"session", "authinfo", "key", "local:", "ssh://root@web1.example.net"}
	for _, door := range doors {
		t.Run(strings.Trim(door, ":/"), func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.Contains(door, ":") {
				t.Skip("mgrctl is a unix program")
			}
			d := newDoorStage(t, door)
			if door == doors[0] { // what renders is the same for all
				d.rendered(t)
			}
			d.ran(t, exitOK, "plan", "--out", d.path("plan.json"))
			d.ran(t, exitOK, "apply", d.path("plan.json"), "--report", d.path("report.json"), "--log-format", "json")
			d.arrived(t, "")
			if underRace && strings.Contains(door, ":") {
				return // a process a call: the rest is tried without the detector
			}
			d.ran(t, exitOK, "drift", "--check-passwords") // what arrived is taken
			d.ran(t, exitOK, "runs")
			d.ran(t, exitOK, "undo", "last", "--out", d.path("undo.json"))
			d.ran(t, exitOK, "export")
			d.rotated(t)
			d.failed(t)
		})
	}
}

// rendered runs whatever only reads and shows.
func (d *doorStage) rendered(t *testing.T) {
	d.ran(t, exitOK, "validate")
	d.ran(t, exitOK, "plan", "--log-format", "json", "-o", "json")
	d.ran(t, exitChanges, "drift", "-o", "json")
	for _, format := range []string{"text", "compact", "markdown", "html"} {
		d.ran(t, exitOK, "plan", "-o", format, "--out", d.path("plan.json"))
		d.ran(t, exitOK, "show", d.path("plan.json"), "-o", format)
	}
	d.ran(t, exitUsage, "plan", "--surprise")
}

// doorStage is a panel behind one door, with a spec of everything that has a
// secret.
type doorStage struct {
	dir, door string
	panel     *simpanel.Panel
	environ   []string
	secrets   map[string]string // by KIND.FIELD
}

func (d *doorStage) path(name string) string { return filepath.Join(d.dir, name) }

func newDoorStage(t *testing.T, door string) *doorStage {
	d := &doorStage{dir: t.TempDir(), door: door, panel: simpanel.New(simpanel.Options{Name: "web1", Password: testPassword}), secrets: map[string]string{}}
	farm := &farmPanel{Panel: d.panel}
	server := httptest.NewServer(farm.withMgrctl())
	t.Cleanup(server.Close)
	t.Setenv("FAKE_MGRCTL", server.URL+"/mgrctl")
	d.environ = []string{"NO_COLOR=1", "SIM_PASSWORD=" + testPassword}
	panel := map[string]any{"name": "web1", "url": door}
	if !strings.Contains(door, ":") {
		auth := map[string]any{"username": "root", "password": "${secret.env('SIM_PASSWORD')}", "method": door}
		if door == "key" {
			auth["as"] = "root"
		}
		panel["url"], panel["auth"] = server.URL+"/ispmgr", auth
	}
	resources := map[string]any{"emaildomain": []any{map[string]any{"name": "example.com", "owner": "alice"}}}
	for i, name := range secretFields() {
		r := secretResources[name]
		field := strings.TrimPrefix(name, r.kind+".")
		entry := maps.Clone(r.entry)
		entry[field] = d.provide(t, i, name)
		resources[r.kind] = []any{entry}
	}
	if err := (&stage{dir: d.dir}).write("spec.yaml", map[string]any{"panels": []any{panel}, "resources": resources}); err != nil {
		t.Fatal(err)
	}
	return d
}

// provide puts a secret in one of the three places and gives its reference.
func (d *doorStage) provide(t *testing.T, i int, name string) string {
	d.secrets[name] = fmt.Sprintf("%s %s%d", name, testPassword, i)
	file := filepath.Join(d.dir, fmt.Sprintf("secret%d", i))
	if i%3 > 0 {
		put(t, file, d.secrets[name]+"\n")
	}
	switch i % 3 {
	case 0:
		d.environ = append(d.environ, fmt.Sprintf("SECRET%d=%s", i, d.secrets[name]))
		return fmt.Sprintf("${secret.env('SECRET%d')}", i)
	case 1:
		return "${secret.file('" + file + "')}"
	default:
		return "${secret.command('cat " + file + "')}"
	}
}

// ran runs a command, loudly, and looks for secrets in all that is there then.
func (d *doorStage) ran(t *testing.T, want exitCode, args ...string) {
	t.Helper()
	out, err := os.Create(d.path("out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	args = append(args, "-v", "--state-dir", d.path("state"))
	if args[0] != "show" && args[0] != "runs" {
		args = append(args, "-f", d.path("spec.yaml"))
	}
	if args[0] == "plan" || args[0] == "apply" || args[0] == "drift" {
		args = append(args, "--allow-commands")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	code := run(args, &app{stdin: null, stdout: out, stderr: out, environ: d.environ})
	said, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	if code != want {
		t.Fatalf("%v: exit code %d, want %d\n%s", args, code, want, said)
	}
	if err := errors.Join(leaks(d.dir, string(said), d.secretFiles()...), documents(d.dir), inURLs(d.panel.Calls())); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// secretFiles are the files that the test put secrets in.
func (d *doorStage) secretFiles() []string {
	names, _ := fs.Glob(os.DirFS(d.dir), "secret*") //nolint:errcheck // the pattern is right
	return names
}

// arrived holds what the panel keeps against what was to be sent; but are the
// fields that only a create sends.
func (d *doorStage) arrived(t *testing.T, suffix string, but ...string) {
	t.Helper()
	for name, want := range d.secrets {
		if slices.Contains(but, name) {
			continue
		}
		at := secretResources[name].kept
		if got := d.panel.Secret(at[0], at[1]); got != want+suffix {
			t.Errorf("%s arrived as %q, want %q", name, got, want+suffix)
		}
	}
}

// rotated writes all secrets anew, with other values.
func (d *doorStage) rotated(t *testing.T) {
	for i, e := range d.environ {
		if strings.HasPrefix(e, "SECRET") {
			d.environ[i] += "2"
		}
	}
	for _, name := range d.secretFiles() {
		b, err := os.ReadFile(d.path(name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, d.path(name), strings.TrimSuffix(string(b), "\n")+"2\n")
	}
	d.ran(t, exitOK, "apply", "--auto-approve", "--rotate", "*", "-o", "json")
	d.arrived(t, "2", "db.password", "sslcert.key")
}

// failed: nor does an error tell what was sent, when a panel does not do it or is
// cut off. (More that can go wrong is in TestLawSecrets, where waiting is free.)
func (d *doorStage) failed(t *testing.T) {
	for _, f := range []simpanel.Fault{simpanel.Ignore, simpanel.Cut} {
		d.panel.SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
			if c.Write {
				return f
			}
			return ""
		}})
		want := exitPartial
		if f == simpanel.Ignore {
			want = exitOK // nobody can read a password back
		}
		d.ran(t, want, "apply", "--auto-approve", "--rotate", "*/ftp.user/*", "--rotate", "*/email/*", "--log-format", "json")
	}
}
