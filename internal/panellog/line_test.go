package panellog

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const head = "Feb  6 08:08:07 [2346:23826] core_module INFO Request "

func TestParseLine(t *testing.T) {
	one := request{from: "192.0.2.1", user: "root", fn: "user", params: []param{{"a", "b"}}}
	with := func(from, user string) request { r := one; r.from, r.user = from, user; return r }
	for _, c := range []struct {
		why, line string
		want      request
		err       string
	}{
		{"a padded day", head + "[192.0.2.1][root] 'func=user&a=b'", one, ""},
		{"a day that is not padded", "Feb 6 08:08:07 [2346:23826] core_module INFO Request [192.0.2.1][root] 'func=user&a=b'", one, ""},
		{"a day of two digits", "Oct 16 08:08:07 [2346:23826] core_module INFO Request [192.0.2.1][root] 'func=user&a=b'", one, ""},
		{"no thread", "Feb 6 08:08:07 [2346] core INFO Request [192.0.2.1][root] 'func=user&a=b'", one, ""},
		{"another module's name, another level", "Feb 6 08:08:07 [1:1] ispmgr EXTINFO Request [192.0.2.1][root] 'func=user&a=b'", one, ""},
		{"colour around level and text", "Feb 6 08:08:07 [1:1] core_module \x1b[1;32mINFO Request [192.0.2.1][root] 'func=user&a=b'\x1b[0m", one, ""},
		{"colour around the level alone", "Feb 6 08:08:07 [1:1] core_module \x1b[1;32mINFO\x1b[0m Request [192.0.2.1][root] 'func=user&a=b'", one, ""},
		{"the line end of Windows", head + "[192.0.2.1][root] 'func=user&a=b'\r\n", one, ""},
		{"the file name grep puts before", "/usr/local/mgr5/var/ispmgr.log:" + head + "[192.0.2.1][root] 'func=user&a=b'", one, ""},
		{"file name and line number", "ispmgr.log:17:" + head + "[192.0.2.1][root] 'func=user&a=b'", one, ""},
		{"IPv6", head + "[2001:db8::1][root] 'func=user&a=b'", with("2001:db8::1", "root"), ""},
		{"IPv6 in brackets of its own", head + "[[2001:db8::1]][root] 'func=user&a=b'", with("2001:db8::1", "root"), ""},
		{"nobody logged in", head + "[192.0.2.1][] 'func=user&a=b'", with("192.0.2.1", ""), ""},
		{"no address", head + "[][root] 'func=user&a=b'", with("", "root"), ""},
		{"quotes, & and = inside a value are encoded", head + "[192.0.2.1][root] 'func=user&a=%27%26%3D+%2B'", request{from: "192.0.2.1", user: "root", fn: "user", params: []param{{"a", "'&= +"}}}, ""},
		{"a raw quote inside a value", head + "[192.0.2.1][root] 'func=user&a='b'", request{from: "192.0.2.1", user: "root", fn: "user", params: []param{{"a", "'b"}}}, ""},
		{"no parameters", head + "[192.0.2.1][root] ''", request{from: "192.0.2.1", user: "root"}, ""},
		{"cut off", head + "[192.0.2.1][root] 'func=user&a=b", request{}, "cut off"},
		{"broken percent", head + "[192.0.2.1][root] 'func=user&a=%zz'", request{}, "percent"},
		{"a function that is code", head + "[192.0.2.1][root] 'func=%24%28id%29&a=b'", request{}, "no name of a function"},
		{"a parameter that is a flag", head + "[192.0.2.1][root] 'func=user&-f=b'", request{}, "no name of a parameter"},
		{"a zero byte", head + "[192.0.2.1][root] 'func=user&a=%00'", request{}, "zero byte"},
	} {
		got, found, err := parseLine([]byte(c.line))
		if !found {
			t.Errorf("%s: not found", c.why)
			continue
		}
		if c.err != "" || err != nil {
			if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.why, err, c.err)
			}
			continue
		}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(request{}, param{})); d != "" {
			t.Errorf("%s: %s", c.why, d)
		}
	}
}

// Other lines are no requests; least of all a value that only looks like one.
func TestParseLineIsNotFooled(t *testing.T) {
	for _, c := range []struct{ why, line string }{
		{"nothing", ""},
		{"another message", "Oct  5 21:27:50 [16105:1] core WARNING Module 'webdomain' was unloaded"},
		{"a request in a value of an error", "Oct  5 21:27:50 [1:1] libmgr ERROR Error: Value: '" + head + "[1.2.3.4][root] 'func=user.delete&elid=alice'"},
		{"a request after an error's text", "Oct  5 21:27:50 [1:1] libmgr ERROR Request failed " + head + "[1.2.3.4][root] 'func=user.delete&elid=alice'"},
		{"a request without a head", "Request [1.2.3.4][root] 'func=user.delete&elid=alice'"},
		{"a head that is quoted", "'Feb 6 08:08:07 [1:1] core_module INFO Request [1.2.3.4][root] 'func=user.delete&elid=alice'"},
		{"an address with spaces", head + "[1.2.3.4 x][root] 'func=user.delete&elid=alice'"},
	} {
		if r, found, _ := parseLine([]byte(c.line)); found {
			t.Errorf("%s: found %+v", c.why, r)
		}
	}
}

// The reader's memory is bounded: a longer line is passed over and told, and
// the lines around it are read.
func TestReaderPassesOverLongLines(t *testing.T) {
	ok := head + "[][root] 'func=user.edit&sok=ok&name=alice'"
	for _, c := range []struct {
		why, log string
		requests int
		notes    string
	}{
		{"one long line between two", ok + "\n" + head + strings.Repeat("x", 3*maxLine) + "\n" + ok + "\n", 2, "2: the line is longer"},
		{"a long line at the end", ok + "\n" + strings.Repeat("x", maxLine+1), 1, "2: the line is longer"},
		{"just as long as allowed", ok + strings.Repeat(" ", maxLine-len(ok)-1) + "\n", 1, ""},
		{"no line end at the end", ok, 1, ""},
		{"an empty log", "", 0, ""},
		{"a cut line", head + "[][root] 'func=a\n" + ok, 1, "1: the request is cut off"},
	} {
		var notes []string
		r := newReader(strings.NewReader(c.log), func(line int, text string) { notes = append(notes, fmt.Sprint(line, ": ", text)) })
		n := 0
		for {
			_, err := r.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != c.requests || !strings.HasPrefix(strings.Join(notes, "\n"), c.notes) || c.notes == "" && len(notes) > 0 {
			t.Errorf("%s: %d requests, notes %q", c.why, n, notes)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(head + "[192.0.2.1][root] 'func=user.edit&a=%27b+c'"))
	f.Add([]byte("Feb 6 08:08:07 [1] core \x1b[1;32mINFO Request [::1][] 'func=user&a=*'\x1b[0m"))
	f.Add([]byte("x:1:" + head + "[[::1]][root] '&&=&func='"))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, found, err := parseLine(line)
		if !found && err != nil {
			t.Fatalf("an error about a line that is no request: %v", err)
		}
		if !found || err != nil {
			return
		}
		// What was read, written as a panel writes it, is read again as the same.
		again, found, err := parseLine([]byte(logLine(r)))
		if !found || err != nil {
			t.Fatalf("%q is not read again: %v", logLine(r), err)
		}
		if d := cmp.Diff(r, again, cmp.AllowUnexported(request{}, param{})); d != "" {
			t.Fatal(d)
		}
	})
}

// logLine writes a request as a panel does: sorted by nobody here, everything encoded.
func logLine(r request) string {
	var q []string
	if r.fn != "" {
		q = append(q, "func="+encode(r.fn))
	}
	for _, p := range r.params {
		q = append(q, encode(p.name)+"="+encode(p.value))
	}
	return head + "[" + r.from + "][" + r.user + "] '" + strings.Join(q, "&") + "'"
}

func encode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
