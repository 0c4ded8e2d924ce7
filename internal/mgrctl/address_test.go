package mgrctl

import (
	"slices"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		text string
		want address
	}{
		{"local:", address{}},
		{"ssh://web1", address{host: "web1"}},
		{"ssh://web1/", address{host: "web1"}},
		{"ssh://root@web1.example.net:2222", address{"root", "web1.example.net", "2222"}},
		{"ssh://deploy_1+x@10.0.0.1", address{"deploy_1+x", "10.0.0.1", ""}},
		{"ssh://root@[2001:db8::1]:22", address{"root", "2001:db8::1", "22"}},
	} {
		got, err := parseAddress(c.text)
		if got != c.want || err != nil {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
}

func TestAddressesRefused(t *testing.T) {
	for _, c := range []struct{ text, want, why string }{
		{"", "write local: or ssh://", "nothing"},
		{"local:1500", "not an address of mgrctl", "local has no more to say"},
		{"https://web1.example.net:1500/ispmgr", "not an address of mgrctl", "another transport"},
		{"ssh:web1", "not an address of mgrctl", "no host"},
		{"ssh://", "cannot be a host", "no host"},
		{"ssh://web1/path", "not an address of mgrctl", "a path means nothing"},
		{"ssh://web1?x=y", "not an address of mgrctl", "parameters mean nothing"},
		{"ssh://root:hunter2@web1", "holds a password", "ssh has keys"},
		{"ssh://-oProxyCommand=id@web1", "cannot be a user", "an option of ssh"},
		{"ssh://@web1", "cannot be a user", "an empty user"},
		{"ssh://a%20b@web1", "cannot be a user", "a word of two"},
		{"ssh://a%60id%60@web1", "cannot be a user", "code for a ProxyCommand"},
		{"ssh://-oProxyCommand=id", "cannot be a host", "an option of ssh"},
		{"ssh://$(id)", "cannot be a host", "code for a ProxyCommand"},
		{"ssh://web1;id", "cannot be a host", "code for a ProxyCommand"},
		{"ssh://[fe80::1%25eth0;id]", "cannot be a host", "code in a zone"},
		{"ssh://web1:0", "no port", "no such port"},
		{"ssh://web1:65536", "no port", "no such port"},
		{"ssh://web1:-1", "not an address of mgrctl", "an option again; net/url refuses it"},
	} {
		r, err := New(c.text)
		if r != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s (%s): %v", c.text, c.why, err)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}

// Whatever address is taken, its words cannot be options, and hold nothing that
// a shell reads.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"local:", "ssh://root@web1.example.net:2222", "ssh://[::1]", "ssh://-o@-p", "ssh://a%00@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		if a.local() != (text == "local:") {
			t.Fatalf("%q is taken for %+v", text, a)
		}
		for _, w := range []string{a.user, a.host, a.port} {
			if strings.HasPrefix(w, "-") || strings.ContainsAny(w, " \t\r\n\x00'\"`$\\;&|<>(){}*?~!#%/") {
				t.Errorf("%q gives the word %q", text, w)
			}
		}
	})
}

func TestCallsRefused(t *testing.T) {
	for _, c := range []struct {
		call Call
		want string
	}{
		{Call{}, `"" cannot be a function`},
		{Call{Func: "-l"}, "cannot be a function"},
		{Call{Func: "user edit"}, "cannot be a function"},
		{Call{Func: "user=x"}, "cannot be a function"},
		{Call{Func: "user", Format: "-R"}, "cannot be an output format"},
		{Call{Func: "user", Params: [][2]string{{"-e", "x=$HOME"}}}, "cannot be a parameter"},
		{Call{Func: "user", Params: [][2]string{{"", "x"}}}, "cannot be a parameter"},
		{Call{Func: "user", Params: [][2]string{{"a=b", "x"}}}, "cannot be a parameter"},
		{Call{Func: "user", Params: [][2]string{{"func", "user.delete"}}}, "another call"},
		{Call{Func: "user", Params: [][2]string{{"out", "text"}}}, "another call"},
		{Call{Func: "user", Params: [][2]string{{"name", "a\x00b"}}}, "the value of name holds a NUL"},
		{Call{Func: "sslcert.setcrt", Params: [][2]string{{"crt", strings.Repeat("x", 128<<10)}}}, "the value of crt has 131072 bytes"},
		{Call{Func: "user", Su: "a\x00b"}, "the value of su holds a NUL"},
		{Call{Func: "user", Secrets: [][2]string{{"passwd", "hunter2\x00"}}}, "the value of passwd holds a NUL"},
		{Call{Func: "user", Secrets: [][2]string{{"p w", "hunter2"}}}, "cannot be a parameter"},
	} {
		r, err := New("local:")
		if err != nil {
			t.Fatal(err)
		}
		reply, err := r.Run(t.Context(), c.call)
		if reply != nil || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("want %q: %v", c.want, err)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		call Call
		want string
	}{
		{Call{Func: "webdomain"}, "-m ispmgr -o xml webdomain"},
		{Call{Func: "user.edit", Format: "devel", Params: [][2]string{{"elid", "alice"}, {"zoom-x", ""}}}, "-m ispmgr -o devel user.edit elid=alice zoom-x="},
		{Call{Func: "user", Format: "JSONdata", Su: "bob", Lang: "ru"}, "-m ispmgr user su=bob lang=ru out=JSONdata"},
		{Call{Func: "user.edit", Secrets: [][2]string{{"passwd", "x"}}, Params: [][2]string{{"sok", "ok"}}}, "-m ispmgr -o xml user.edit sok=ok -e passwd=$ISPSYNC_SECRET_1"},
	} {
		if got := c.call.words(); !slices.Equal(got, strings.Split(c.want, " ")) {
			t.Errorf("%+v gives %q, want %q", c.call, got, c.want)
		}
	}
}
