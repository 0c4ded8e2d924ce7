package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/plan"
	"github.com/ispsync/ispsync/specs"
)

// webServer answers for the hosts of a table, over HTTP or TLS: status and page.
func webServer(t *testing.T, tls bool, pages map[string]string) string {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.Host]
		switch {
		case !ok:
			http.Error(w, "no such site", http.StatusNotFound)
		case strings.HasPrefix(page, "https://"):
			http.Redirect(w, r, page, http.StatusMovedPermanently)
		default:
			io.WriteString(w, page) //nolint:errcheck // of a test
		}
	})
	s := httptest.NewUnstartedServer(h)
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// nameServer answers questions "NAME TYPE" with resources, over UDP as truncated
// where there is more than one, over TCP whole.
func nameServer(t *testing.T, zone map[string][]dnsmessage.ResourceBody) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Skipf("the same port is not free for UDP: %v", err)
	}
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 512)
		for {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			udp.WriteTo([]byte("noise"), from)                    //nolint:errcheck // of a test
			udp.WriteTo(answerTo(zone, buf[:n], len(zone)), from) //nolint:errcheck // of a test
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var size [2]byte
			io.ReadFull(c, size[:]) //nolint:errcheck // of a test
			q := make([]byte, binary.BigEndian.Uint16(size[:]))
			io.ReadFull(c, q) //nolint:errcheck // of a test
			a := answerTo(zone, q, 0)
			c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)) //nolint:errcheck // of a test
			c.Close()
		}
	}()
	t.Cleanup(func() { udp.Close(); l.Close(); <-done; <-done })
	return l.Addr().String()
}

func answerTo(zone map[string][]dnsmessage.ResourceBody, question []byte, udp int) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil {
		return nil
	}
	m.Response, m.Authoritative = true, true
	q := m.Questions[0]
	bodies, ok := zone[q.Name.String()+" "+strings.TrimPrefix(q.Type.String(), "Type")]
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	if m.Truncated = udp > 0 && len(bodies) > 1; !m.Truncated {
		for _, b := range bodies {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: b})
		}
	}
	out, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return out
}

func a(ip byte) dnsmessage.ResourceBody { return &dnsmessage.AResource{A: [4]byte{192, 0, 2, ip}} }

func mx(pref uint16, host string) dnsmessage.ResourceBody {
	return &dnsmessage.MXResource{Pref: pref, MX: dnsmessage.MustNewName(host)}
}

// TestProbes: what a visitor sees is asked at both panels, by address, under the
// site's name; redirects and errors are answers; addresses that the map changes
// are expected as changed.
func TestProbes(t *testing.T) {
	pages := map[string]string{"a.example.com": "<html><TITLE>\n A &amp; B </title>", "b.example.com": "<title>old</title>", "d.example.com": "https://d.example.com/x"}
	moved := map[string]string{"a.example.com": "<title>A &amp; B</title>new", "b.example.com": "<title>new</title>", "d.example.com": "https://d.example.com/y"}
	zone := func(ip byte, txt string) map[string][]dnsmessage.ResourceBody {
		return map[string][]dnsmessage.ResourceBody{"www.example.net. A": {a(ip)}, "example.net. MX": {mx(10, "mail.example.net."), mx(20, "Mail2.example.net.")}, "example.net. TXT": {&dnsmessage.TXTResource{TXT: []string{txt}}}}
	}
	p := map[string]string{}
	for name, of := range map[string]map[string]string{"old": pages, "new": moved} {
		p[name+"http"], p[name+"https"] = webServer(t, false, of), webServer(t, true, of)
	}
	p["olddns"], p["newdns"] = nameServer(t, zone(1, "same")), nameServer(t, zone(7, "other"))
	var panels []any
	for _, name := range []string{"old", "new"} {
		sim := simpanel.New(simpanel.Options{Name: name, Password: simPassword})
		server := httptest.NewServer(sim)
		t.Cleanup(server.Close)
		sim.Put("user", "alice", nil)
		for _, site := range []string{"a", "b", "c", "d"} {
			secure := map[bool]string{true: "on", false: "off"}[site == "a"]
			sim.Put("webdomain", site+".example.com", map[string]string{"owner": "alice", "secure": secure, "ssl_cert": map[bool]string{true: "x"}[site == "a"]})
		}
		sim.Put("domain", "example.net", map[string]string{"owner": "alice"})
		ip := map[string]string{"old": "192.0.2.1", "new": "192.0.2.7"}[name]
		sim.Put("domain.record", "example.net/www.example.net. A  "+ip, map[string]string{"rtype": "a", "ip": ip})
		sim.Put("domain.record", "example.net/example.net. MX  mail.example.net.", map[string]string{"rtype": "mx", "domain": "mail.example.net.", "priority": "10"})
		sim.Put("domain.record", "example.net/example.net. TXT  same", map[string]string{"rtype": "txt", "value": "same"})
		panels = append(panels, map[string]any{"name": name, "url": server.URL + "/ispmgr", "auth": map[string]any{"username": "root", "password": "${secret.env('SIM_PASSWORD')}"},
			"labels": map[string]any{"probe_http": p[name+"http"], "probe_https": p[name+"https"], "probe_dns": p[name+"dns"]}})
	}
	got := probed(t, panels, "ip: {192.0.2.1: 192.0.2.7}\n")
	if got.Equal != got.Compared || got.Complete {
		t.Errorf("parity %s, complete %v: %v", got.Headline(), got.Complete, got.Differing)
	}
	want := []string{
		"https://a.example.com/ alike 200 A & B / 200 A & B",
		"http://b.example.com/ not 200 old / 200 new",
		"http://c.example.com/ alike 404  / 404 ",
		"http://d.example.com/ alike 301  / 301 ",
		"dns:example.net.?type=MX alike [10 mail.example.net. 20 mail2.example.net.] / [10 mail.example.net. 20 mail2.example.net.]",
		"dns:example.net.?type=TXT not [same] / [other]",
		"dns:www.example.net.?type=A alike [192.0.2.1] / [192.0.2.7]",
	}
	var said []string
	for _, b := range got.Probes {
		word := map[bool]string{true: "alike", false: "not"}[b.Alike]
		if b.From.Error+b.To.Error != "" {
			t.Errorf("%s: %s, %s", b.URI, b.From.Error, b.To.Error)
		}
		if strings.HasPrefix(b.URI, "dns:") {
			said = append(said, fmt.Sprintf("%s %s %v / %v", b.URI, word, b.From.Answers, b.To.Answers))
		} else {
			said = append(said, fmt.Sprintf("%s %s %d %s / %d %s", b.URI, word, b.From.Status, b.From.Title, b.To.Status, b.To.Title))
		}
	}
	slices.Sort(want)
	slices.Sort(said)
	if !slices.Equal(want, said) {
		t.Errorf("want\n%s\ngot\n%s", strings.Join(want, "\n"), strings.Join(said, "\n"))
	}
}

// probed runs migrate verify with all probes from old to new.
func probed(t *testing.T, panels []any, text string) *plan.Parity {
	t.Helper()
	dir := t.TempDir()
	spec, err := json.Marshal(map[string]any{"panels": panels})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"spec.yaml": string(spec), "map.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	code := run([]string{"migrate", "verify", "--from", "old", "--to", "new", "--map", filepath.Join(dir, "map.yaml"), "-f", filepath.Join(dir, "spec.yaml"), "--probe", "dns,http", "-o", "json"},
		&app{stdin: os.Stdin, stdout: out, stderr: os.Stderr, environ: []string{"SIM_PASSWORD=" + simPassword}})
	if code != exitError {
		t.Errorf("exit code %d", code)
	}
	data, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	p := &plan.Parity{}
	if err := json.Unmarshal(data, p); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return p
}

// An answer that proves nothing is alike to nothing: an error, also the same one twice.
func TestProbeErrorsAreNotAlike(t *testing.T) {
	broken := plan.ProbeReply{Error: "connection refused"}
	if alike(specs.Probe{To: "http://a/"}, broken, broken) {
		t.Error("two errors are alike")
	}
	if !alike(specs.Probe{To: "dns:a?type=A"}, plan.ProbeReply{}, plan.ProbeReply{Answers: []string{}}) {
		t.Error("no records at both are not alike")
	}
}

func TestTitleOf(t *testing.T) {
	for page, want := range map[string]string{"": "", "<title>x": "", "<TITLE a=b>x\n  y</TITLE>": "x y", "<title>&lt;b&gt;\xff</title>": "<b>\uFFFD",
		"<title>" + strings.Repeat("a", 300) + "</title>": strings.Repeat("a", 200) + "…"} {
		if got := titleOf([]byte(page)); got != want {
			t.Errorf("%.40q: %q, want %q", page, got, want)
		}
	}
}

// A panel's address for a probe is that of its label, or its host, with the
// scheme's port.
func TestProbeAddress(t *testing.T) {
	for _, c := range []struct{ url, label, want string }{
		{"https://web1.example.net:1500/ispmgr", "", "web1.example.net:80"},
		{"https://[2001:db8::1]:1500/ispmgr", "", "[2001:db8::1]:80"},
		{"ssh://root@web1.example.net:22", "", "web1.example.net:80"},
		{"local:", "192.0.2.1", "192.0.2.1:80"},
		{"local:", "192.0.2.1:8080", "192.0.2.1:8080"},
		{"local:", "2001:db8::2", "[2001:db8::2]:80"},
		{"local:", "", ""},
	} {
		p := specs.Panel{Name: "web1", URL: c.url, Labels: map[string]any{}}
		if c.label != "" {
			p.Labels["probe_http"] = c.label
		}
		got, err := probeAddress(p, "http")
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%v: %q, %v", c, got, err)
		}
	}
}
