package mgrctl

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// What may stand in a user and a host name. A leading hyphen would make the
// word an option of ssh, and a ProxyCommand of the user's ssh_config may hand
// both to a shell, so nothing that a shell reads is let in.
var (
	userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+@-]*$`)
	hostName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

// address is where mgrctl runs. With no host it is this machine.
type address struct {
	user, host, port string // as ssh takes them; user and port may be empty
}

// parseAddress reads `local:` or `ssh://[user@]host[:port]`.
func parseAddress(text string) (address, error) {
	if text == "local:" {
		return address{}, nil
	}
	const form = "write local: or ssh://[user@]host[:port]"
	u, err := url.Parse(text)
	if err != nil {
		return address{}, fmt.Errorf("this is not an address of mgrctl; %s", form)
	}
	_, password := u.User.Password()
	a := address{user: u.User.Username(), host: u.Hostname(), port: u.Port()}
	port, portErr := strconv.Atoi(a.port)
	switch {
	case password:
		return address{}, fmt.Errorf("the address of %s holds a password; take it out, ssh uses your keys and agent", u.Hostname())
	case u.Scheme != "ssh" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return address{}, fmt.Errorf("%q is not an address of mgrctl; %s", text, form)
	case u.User != nil && !userName.MatchString(a.user):
		return address{}, fmt.Errorf("%q cannot be a user of ssh; it may hold letters, digits and _ . + @ -, and must not begin with a hyphen", a.user)
	case !hostName.MatchString(a.host) && !ipv6(a.host):
		return address{}, fmt.Errorf("%q cannot be a host of ssh; write a name, an alias of your ssh_config or an IP address", a.host)
	case a.port != "" && (portErr != nil || port < 1 || port > 65535):
		return address{}, fmt.Errorf("%q is no port; it is a number from 1 to 65535", a.port)
	}
	return a, nil
}

// ipv6 reports whether a host, freed of its brackets, is such an address. One
// with a zone is not: a zone may hold any character.
func ipv6(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Is6() && a.Zone() == ""
}

// local reports whether mgrctl runs on this machine.
func (a address) local() bool { return a.host == "" }

// String names the place in messages.
func (a address) String() string {
	if a.local() {
		return "mgrctl on this machine"
	}
	return "mgrctl over ssh on " + a.host
}
