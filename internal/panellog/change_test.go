package panellog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ispsync/ispsync/specs"
)

// convert turns requests, written as queries, into text and notes.
func convert(t testingT, as Form, panel string, queries ...string) (out string, notes []string) {
	t.Helper()
	var log strings.Builder
	for _, q := range queries {
		log.WriteString(head + "[192.0.2.1][root] '" + q + "'\n")
	}
	var b strings.Builder
	err := Convert(&b, strings.NewReader(log.String()), Options{As: as, Panel: panel, Catalog: specs.Builtin(),
		Note: func(line int, text string) { notes = append(notes, fmt.Sprintf("%d: %s", line, text)) }})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), notes
}

// The guide's own line ("How to generate an API request using the log file")
// yields the guide's own request.
func TestTheGuidesLine(t *testing.T) {
	const line = "Feb 6 08:08:07 [2346:23826] core_module INFO Request [188.120.252.33][root] 'clicked_button=ok&email_inaccess=&func=domain.edit&ip=8.8.8.8&ip_existing=&maildomain=off&name=domain.name&ns=ns1.example.com.%20ns2.example.com.&operafake=1486357687433&owner=www%2Droot&owner_admins=off&progressid=false&reversezone=&sfrom=ajax&sok=ok&web_inaccess=&webdomain=off&zoom-ip=&zoom-ns='\n"
	var b strings.Builder
	err := Convert(&b, strings.NewReader(line), Options{As: Calls, Catalog: specs.Builtin(), Note: func(int, string) { t.Error("a note") }})
	want := "ispsync call PANEL domain.edit ip=8.8.8.8 maildomain=off name=domain.name ns='ns1.example.com. ns2.example.com.' owner=www-root sok=ok webdomain=off\n"
	if err != nil || b.String() != want {
		t.Errorf("got %v\n%swant\n%s", err, b.String(), want)
	}
}

func TestWhatIsDropped(t *testing.T) {
	for _, c := range []struct{ why, query string }{
		{"a list", "func=user"},
		{"a form", "func=user.edit&elid=alice"},
		{"a form that is redrawn", "func=user.edit&elid=alice&sok=ok&sv_field=preset"},
		{"a step back in a wizard", "func=user.add&sok=ok&sback=ok"},
		{"a step on that saves nothing", "func=user.add&snext=ok"},
		{"a login", "func=auth&username=root&password=*&sok=ok"},
		{"a login by another name", "func=logon&username=root"},
		{"another's rights", "func=su&elid=alice&sok=ok"},
		{"a validator", "func=check.domain&funcname=webdomain.edit&value=a&sok=ok"},
		{"a filter", "func=webdomain.filter&sok=ok&name=a"},
		{"the menu", "func=menu"},
		{"the dashboard", "func=dashboard.save&sok=ok"},
		{"polling", "func=longtask&elid=7"},
		{"polling a call", "func=progress.get&progressid=1"},
		{"keeping the session", "func=keepalive&sok=ok"},
		{"the width of a column", "func=colwidth&col=a&sok=ok"},
		{"a delete of nothing", "func=user.delete"},
		{"the question before a delete", "func=webdomain.delete.confirm&elid=a.example.com"},
		{"no function", "out=xml"},
	} {
		out, notes := convert(t, Calls, "", c.query)
		if out != "" || len(notes) > 0 {
			t.Errorf("%s: %q gives %q %q", c.why, c.query, out, notes)
		}
	}
}

func TestCalls(t *testing.T) {
	for _, c := range []struct{ why, query, want, note string }{
		{"a delete needs no sok", "func=user.delete&elid=alice%2C%20bob&elname=alice", "ispsync call web1 user.delete elid='alice, bob'", ""},
		{"functions the catalog does not know", "func=feature.edit&elid=web&package_x=on&sok=ok", "ispsync call web1 feature.edit elid=web package_x=on sok=ok", ""},
		{"group functions the catalog does not know", "func=services.disable&elid=nginx", "ispsync call web1 services.disable elid=nginx", ""},
		{"a masked secret", "func=user.edit&confirm=*&name=alice&passwd=*&sok=ok", "ispsync call web1 user.edit name=alice sok=ok", "1: user.edit needs confirm and passwd"},
		{"a secret that is not masked is not told either", "func=user.edit&name=alice&passwd=hunter2&sok=ok", "ispsync call web1 user.edit name=alice sok=ok", "needs passwd"},
		{"nor one of an unknown function", "func=x.edit&db_password=hunter2&api_token=hunter2&sok=ok", "ispsync call web1 x.edit sok=ok", "needs db_password and api_token"},
		{"a star that is a choice, not a mask", "func=db.edit&name=shop&user=*&username=u&sok=ok", "ispsync call web1 db.edit name=shop user='*' username=u sok=ok", ""},
		{"a star nobody knows", "func=x.edit&y=*&sok=ok", "ispsync call web1 x.edit sok=ok", "needs y"},
		{"which button matters to a plug-in", "func=plugin.settings&clicked_button=install&sok=ok", "ispsync call web1 plugin.settings clicked_button=install sok=ok", ""},
		{"the session is never told", "auth=0123456789ab&func=user.suspend&elid=a&authinfo=root%3Apw", "ispsync call web1 user.suspend elid=a", ""},
		{"all of section 10", "func=x.edit&a_inaccess=on&a_existing=1&clickstat=1&currname=a&elname=a&newwindow=y&p_cnt=1&p_num=2&p_order=a&p_sort=b&show_params=a&snext=ok&tconvert=u&zoom-a=1&cancreatebox=on&sok=ok", "ispsync call web1 x.edit sok=ok", ""},
		{"text with quotes and shell code", "func=x.edit&note=%27%3B%20rm%20%2Drf%20%2F%3B%20%24%28id%29&sok=ok", `ispsync call web1 x.edit note=''\''; rm -rf /; $(id)' sok=ok`, ""},
		{"a line break", "func=x.edit&note=a%0Ab%27%25%21&sok=ok", `ispsync call web1 x.edit note="$(printf 'a\012b\047\045\041')" sok=ok`, ""},
		{"line breaks at the end", "func=x.edit&note=a%0A%0A&sok=ok", `ispsync call web1 x.edit note=a sok=ok`, "line breaks at the end of note"},
		{"an escape sequence for the terminal", "func=x.edit&note=%1B%5B2J&sok=ok", `ispsync call web1 x.edit note="$(printf '\033[2J')" sok=ok`, ""},
		{"bytes that are no UTF-8", "func=x.edit&note=%FF&sok=ok", `ispsync call web1 x.edit note="$(printf '\377')" sok=ok`, ""},
		{"a name that is a pattern", "func=x.edit&a%5B0%5D=b&sok=ok", `ispsync call web1 x.edit 'a[0]=b' sok=ok`, ""},
	} {
		out, notes := convert(t, Calls, "web1", c.query)
		if out != c.want+"\n" {
			t.Errorf("%s: got\n%swant\n%s", c.why, out, c.want)
		}
		if joined := strings.Join(notes, "\n"); !strings.Contains(joined, c.note) || c.note == "" && joined != "" {
			t.Errorf("%s: notes %q", c.why, joined)
		}
	}
}

func TestCurl(t *testing.T) {
	out, _ := convert(t, Curl, "", "func=domain.edit&name=a%20b&sok=ok&passwd=hunter2")
	want := curlHead + `printf %s "$ISPSYNC_AUTHINFO" | curl -sS --data-urlencode authinfo@- --data-urlencode func=domain.edit --data-urlencode name='a b' --data-urlencode sok=ok --data-urlencode out=xml "$PANEL_URL"` + "\n"
	if out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

// testingT is what tests and property tests have in common.
type testingT interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
