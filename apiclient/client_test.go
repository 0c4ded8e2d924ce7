package apiclient

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/specs"
)

func TestURL(t *testing.T) {
	for _, c := range []struct {
		url, says string
		plaintext bool
	}{
		{"https://web1.example.net:1500/ispmgr", "", false},
		{"https://[2001:db8::1]:1500/ispmgr", "", false},
		{"http://localhost:1500/ispmgr", "", false},
		{"http://127.0.0.2/ispmgr", "", false},
		{"http://[::1]:1500/ispmgr", "", false},
		{"http://web1.example.net/ispmgr", "readable for everybody", false},
		{"http://web1.example.net/ispmgr", "", true},
		{"http://localhost.example.net/ispmgr", "readable for everybody", false},
		{"https://root:hunter2@web1.example.net/ispmgr", "under auth", false},
		{"https://root:hunter2@web1.example.net:99999999999/%zz", "no URL", false},
		{"https://web1.example.net/ispmgr?func=user", "parameters", false},
		{"ftp://web1.example.net", `not "ftp"`, false},
		{"web1.example.net:1500", "write it as https://host:1500/ispmgr", false},
		{"https:///ispmgr", "no host", false},
	} {
		_, err := New(specs.Panel{Name: "web1", URL: c.url, TLS: specs.TLS{Plaintext: c.plaintext}}, Options{})
		switch {
		case c.says == "" && err != nil, c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: got %v, want %q", c.url, err, c.says)
		case err != nil && (strings.Contains(err.Error(), "hunter2") || !strings.HasPrefix(err.Error(), "panel web1: url: ")):
			t.Errorf("%s: %v", c.url, err)
		}
	}
}

// tlsPanel is a panel with a certificate of its own making for a host name.
func tlsPanel(t *testing.T, name string) (addr string, cert *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("func") == funcAuth {
			w.Write([]byte(`<doc><auth id="x"/></doc>`))
			return
		}
		w.Write([]byte(rows(0)))
	}))
	srv.Config.ErrorLog = quiet()
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), cert
}

func TestTLS(t *testing.T) {
	addr, cert := tlsPanel(t, "web1.example.net")
	_, other := tlsPanel(t, "web1.example.net")
	file := func(c *x509.Certificate) string {
		name := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good, bad := file(cert), file(other)
	for _, c := range []struct {
		why, host string
		tls       specs.TLS
		says      string
	}{
		{"nobody vouches for it; the hint tells its pin", "web1.example.net", specs.TLS{}, fmt.Sprintf("tls.pin_sha256 (it shows %x", pinOf(cert))},
		{"its CA is known", "web1.example.net", specs.TLS{CAFile: good}, ""},
		{"another CA is known", "web1.example.net", specs.TLS{CAFile: bad}, "not trusted"},
		{"its CA is known, for another host", "web2.example.net", specs.TLS{CAFile: good}, "not trusted"},
		{"its key is known: that is enough", "web1.example.net", specs.TLS{PinSHA256: pinOf(cert)}, ""},
		{"and for any host name", "web2.example.net", specs.TLS{PinSHA256: pinOf(cert)}, ""},
		{"another key", "web1.example.net", specs.TLS{PinSHA256: pinOf(other)}, "its key is not the one of tls.pin_sha256"},
		{"both are asked for and right", "web1.example.net", specs.TLS{PinSHA256: pinOf(cert), CAFile: good}, ""},
		{"the CA is right and the key is not", "web1.example.net", specs.TLS{PinSHA256: pinOf(other), CAFile: good}, "its key is not"},
		{"the key is right and the CA is not", "web1.example.net", specs.TLS{PinSHA256: pinOf(cert), CAFile: bad}, "not trusted"},
		{"nothing is checked", "web2.example.net", specs.TLS{InsecureSkipVerify: true}, ""},
		{"nothing but the pin is checked", "web2.example.net", specs.TLS{InsecureSkipVerify: true, PinSHA256: pinOf(other)}, "its key is not"},
	} {
		p := specs.Panel{Name: "web1", URL: "https://" + c.host + ":1500/ispmgr", TLS: c.tls, Auth: specs.Auth{Username: "root", Password: envSecret("PW")}}
		cl := client(t, p, Options{Catalog: specs.Builtin(), Secret: testSecret, Dial: func(ctx context.Context, n, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, n, addr)
		}})
		_, err := cl.Snapshot(t.Context(), oneWant())
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", c.why, err)
			}
			continue
		}
		e := asError(t, err)
		if !strings.Contains(err.Error(), c.says) || e.MaybeApplied() || e.Retryable() || cl.Requests() != 1 {
			t.Errorf("%s: %d requests, %v, want %q", c.why, cl.Requests(), err, c.says)
		}
	}
}

func TestTLSSettings(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, s := range map[string]specs.TLS{
		"ca_file: open": {CAFile: empty + "x"}, "holds no certificate": {CAFile: empty}, "it has 3 bytes": {PinSHA256: []byte{1, 2, 3}},
	} {
		if _, err := New(specs.Panel{Name: "web1", URL: "https://web1.example.net/ispmgr", TLS: s}, Options{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

// TestReadsSendNoWrites is promise 1 as a law: whatever rows the catalog has, a
// snapshot sends no function that does something, and nothing that saves.
func TestReadsSendNoWrites(t *testing.T) {
	s := &script{t: t, answer: func(fn string, _ int, form url.Values) (int, string) {
		if fn == funcAuth {
			return 0, ""
		}
		return 200, rows(1, `<elem><name>a</name><x>1</x></elem>`)
	}}
	p, o, _ := serve(t, s)
	c := client(t, p, o)
	// What reads stands there more than once: a case in which nothing may be read says less.
	functions := []string{"user", "user", "user", "user", "user.edit", "user.edit", "user.edit", "user.edit", "user.delete", "x.suspend", "restart", "reboot", "services.start", "session.newkey", "ipaddrlist.setdefault",
		"db.server.settings", "email.sorter", "whoami", "exit", "a.b.New", "dashboard.save", "auth", "edit", "", "x."}
	names := []string{"sok", "snext", "func", "auth", "elid", "su", "sv_field", "filter", "p_cnt", "clicked_button"}
	allowed := map[string]bool{"auth": true, "user": true, "user.edit": true, "db.server.settings": true, "email.sorter": true, "whoami": true}
	believed := 0
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(label string) string { return rapid.SampledFrom(functions).Draw(rt, label) }
		k := &specs.Kind{Name: "k", List: pick("list"), Edit: pick("edit"), ListParams: map[string]string{}}
		k.Fields = []*specs.FieldRow{{Name: "x", Read: specs.FromForm}}
		for _, n := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 2).Draw(rt, "params") {
			k.ListParams[n] = "ok"
		}
		k.Fields[0].Canon = specs.Builtin().Kind("user").Field("comment").Canon
		k.Key = specs.Key{Columns: []string{"name"}, Canon: k.Fields[0].Canon}
		state, err := c.Snapshot(t.Context(), []specs.Want{{Kind: k, Forms: func(string) bool { return true }}})
		if err == nil && state.Complete("k") {
			believed++
		}
	})
	if believed == 0 {
		t.Error("nothing was ever read: the law says nothing")
	}
	for _, f := range s.asked {
		fn := f.Get("func")
		if len(f["func"]) != 1 || !allowed[fn] || f.Has("sok") || f.Has("snext") || f.Has("sv_field") || f.Has("clicked_button") || fn != "auth" && len(f["auth"]) != 1 {
			t.Fatalf("a read sent %v", f)
		}
	}
}

// TestListFunctions: the panel's own lists pass, and what does something does not.
func TestListFunctions(t *testing.T) {
	for fn := range strings.FieldsSeq(`admin authlog backup2.list.db blacklist datapass db db.server db.server.dbunassigned db.server.settings db.users dns.blacklist
		domain domain.record email email.alias email.sorter.cond emaildomain errorjournal.settings fail2ban.jails feature file firewall.countries ftp.user ipaddrlist
		letsencrypt.logs longtask modulesloaded netactconn.detail.showbycountry optionlist phpconf phpversions preset request scheduler services session
		slaveserver.byns sslcert sslcert.csr user usermove.list userrights.fields webdomain webdomain.bad webdomain.diraccess.user webdomain.redirect whitelist wordpress`) {
		if err := readable(&call{fn: fn}); err != nil {
			t.Errorf("%s is a list: %v", fn, err)
		}
	}
	for fn := range strings.FieldsSeq(`user.delete user.suspend user.resume restart reboot exit apache.restart services.start services.stop services.enable services.disable
		feature.install user.add session.newkey sslcert.setcrt letsencrypt.generate sslcert.selfsigned request.finish longtask.delete dashboard.save user.setpass
		webdomain.passredirect backup2.superlist.users.restore2 problems.solve license.update x.Delete edit x. su`) {
		if readable(&call{fn: fn}) == nil {
			t.Errorf("%s may do something, and it would be sent", fn)
		}
	}
	if readable(&call{fn: "usrparam", form: true}) == nil || readable(&call{fn: "user.edit", form: true, params: params{{"sok", "ok"}}}) == nil {
		t.Error("a form that may save would be sent")
	}
	if readable(&call{fn: "user", secrets: []secretParam{{}}}) == nil {
		t.Error("a list with a secret would be sent")
	}
}

func TestTrace(t *testing.T) {
	s := &script{t: t, answer: func(fn string, _ int, _ url.Values) (int, string) {
		switch fn {
		case "user.edit":
			return 200, `<doc><error type="value" object="preset"/></doc>`
		case "webdomain":
			return 200, rows(0)
		}
		return 0, ""
	}}
	p, o, _ := serve(t, s)
	var lines []string
	o.Trace = func(line string) { lines = append(lines, line) }
	c := client(t, p, o)
	if _, err := c.Snapshot(t.Context(), oneWant()); err != nil {
		t.Fatal(err)
	}
	r := res("user", "alice", "comment", specs.Text("private"))
	r.Su = "bob"
	r.Secrets = []specs.SecretField{{Name: "passwd", Secret: envSecret("A")}}
	NewWriter(c).Update(t.Context(), r)
	want := []string{"web1 auth: ", "web1 webdomain: ", "web1 user.edit su=bob elid=alice: "}
	ends := []string{", 32 B, ok", fmt.Sprintf(", %d B, ok", len(rows(0))), ", 48 B, value(preset)"}
	for i := range want {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want[i]) || !strings.HasSuffix(lines[i], ends[i]) {
			t.Fatalf("%q, want %q … %q", lines, want, ends)
		}
	}
	if all := strings.Join(lines, "\n"); strings.Contains(all, "private") || strings.Contains(all, "A's") || strings.Contains(all, "session1") {
		t.Error(all)
	}
}
