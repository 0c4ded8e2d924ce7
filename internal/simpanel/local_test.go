package simpanel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMgrctl: command lines and what they print, as section 9 tells.
func TestMgrctl(t *testing.T) {
	env := map[string]string{"PW": "pa ss=$x", "EMPTY": ""}
	for _, tc := range []struct {
		why  string
		args []string
		out  string // the whole of stdout, or with … a part of it
		err  string // the same of stderr
		exit int
	}{
		{"an action", []string{"-m", "ispmgr", "user.suspend", "elid=bob"}, "OK\n", "", 0},
		{"a refusal", []string{"user.delete", "elid=nobody"}, "", "ERROR value(elid): …", 1},
		{"a refusal as xml", []string{"-m", "ispmgr", "-o", "xml", "user.delete", "elid=nobody"}, `…<error type="value" object="elid"…`, "", 0},
		{"a list", []string{"domain"}, "name=example.com owner=alice dtype=master status=\n", "", 0},
		{"a list by out=", []string{"domain", "out=xml"}, "…<elem><name>example.com</name>…", "", 0},
		{"a form", []string{"domain.edit", "elid=example.com"}, "elid=example.com\nname=example.com\nowner=alice\n…", "", 0},
		{"json", []string{"-o", "json", "domain"}, `{"doc":{…`, "", 0},
		{"as another", []string{"domain", "su=bob"}, "", "", 0},
		{"a secret", []string{"user.edit", "name=carol", "sok=ok", "-e", "passwd=$PW"}, "OK\n", "", 0},
		{"no secret", []string{"user.edit", "name=dave", "sok=ok", "-e", "passwd=$EMPTY"}, "", "ERROR missed(passwd): …", 1},
		{"values are one word each", []string{"user.edit", "elid=bob", "fullname=a b=c $PW", "sok=ok"}, "OK\n", "", 0},
		{"no such function", []string{"nope"}, "", "ERROR missed(func): …", 1},
		{"no function", []string{"-m", "ispmgr"}, "", "mgrctl: no function is named\n", 1},
		{"another manager", []string{"-m", "billmgr", "user"}, "", "mgrctl: there is no manager \"billmgr\" here\n", 1},
		{"an unknown option", []string{"-x", "user"}, "", "mgrctl: unknown option -x\n", 1},
		{"no operand", []string{"-o"}, "", "mgrctl: -o lacks its operand\n", 1},
		{"no parameter", []string{"user", "elid"}, "", "mgrctl: \"elid\" is no NAME=VALUE\n", 1},
		{"the functions", []string{"-m", "ispmgr", "-i", "lang=en"}, "…\nuser                                         Resources of the kind user. Function type: list\n…", "", 0},
		{"in Russian", []string{"-i"}, "…Объекты вида user.…", "", 0},
		{"one function", []string{"-i", "email.edit", "lang=en"}, "elid                                         Elid\nname                                         Name\n…", "", 0},
		{"an unknown one", []string{"-i", "nope", "lang=en"}, "", "ERROR missed(func): …", 1},
	} {
		p := sample(Options{})
		stdout, stderr, exit := p.Mgrctl(tc.args, env)
		if !like(string(stdout), tc.out) || !like(string(stderr), tc.err) || exit != tc.exit {
			t.Errorf("%s: mgrctl %q prints %q and %q, exit %d", tc.why, tc.args, stdout, stderr, exit)
		}
		switch tc.why {
		case "a secret":
			if got := p.Password("carol"); got != env["PW"] {
				t.Errorf("password %q, want the variable's value", got)
			}
			if c := p.Calls()[0]; c.Method != "mgrctl" || c.Params["passwd"] != "*" || !c.Write || !c.Applied {
				t.Errorf("ledger: %+v", c)
			}
		case "values are one word each":
			if f, _ := p.Get("user", "bob"); f["fullname"] != "a b=c $PW" {
				t.Errorf("fullname %q", f["fullname"])
			}
		}
	}
}

// like compares with a text that leaves parts out as "…".
func like(got, want string) bool {
	parts := strings.Split(want, "…")
	if len(parts) == 1 {
		return got == want
	}
	for i, part := range parts {
		at := strings.Index(got, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return parts[len(parts)-1] == "" || got == ""
}

// TestMgrctlAgrees: a call by mgrctl changes what the same call by HTTP does.
func TestMgrctlAgrees(t *testing.T) {
	for name, steps := range kindWalks {
		if name == "fronts" {
			continue
		}
		web, local := sample(Options{}), sample(Options{})
		for _, w := range steps {
			post(web, w.call[0], w.call[1:]...)
			args := []string{"-m", "ispmgr", "-o", "xml", w.call[0]}
			for i := 1; i < len(w.call); i += 2 {
				args = append(args, w.call[i]+"="+w.call[i+1])
			}
			local.Mgrctl(args, nil)
		}
		if d := cmp.Diff(web.Snapshot(), local.Snapshot()); d != "" {
			t.Errorf("%s: mgrctl leaves another panel than HTTP:\n%s", name, d)
		}
	}
}

// TestMgrctlFaults: a panel that does not answer is exit 1 with nothing on
// stdout; whether the call was served is the fault's business.
func TestMgrctlFaults(t *testing.T) {
	for fault, applied := range map[Fault]bool{DropBefore: false, ServerError: false, DropAfter: true, GatewayTimeout: true, CutConnection: true} {
		p := sample(Options{Faults: Faults{Hook: func(Call) Fault { return fault }}})
		stdout, stderr, exit := p.Mgrctl([]string{"user.suspend", "elid=bob"}, nil)
		if len(stdout) > 0 || len(stderr) == 0 || exit != 1 {
			t.Errorf("%s: %q, %q, exit %d", fault, stdout, stderr, exit)
		}
		if got := p.Calls()[0].Applied; got != applied {
			t.Errorf("%s: applied %v, want %v", fault, got, applied)
		}
	}
	p := sample(Options{Faults: Faults{Hook: func(Call) Fault { return RequestFailed }}})
	if _, stderr, exit := p.Mgrctl([]string{"user"}, nil); exit != 1 || !strings.HasPrefix(string(stderr), "ERROR request_failed(") {
		t.Errorf("request_failed: %q, exit %d", stderr, exit)
	}
}
