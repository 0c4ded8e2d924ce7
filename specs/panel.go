package specs

import (
	"net/url"
	"strings"
	"time"
)

// Panel is one ISPmanager installation as a spec describes it.
type Panel struct {
	Name string
	// URL is the address of the API, https://host:1500/ispmgr; http is
	// accepted for loopback hosts, or with TLS.Plaintext. local: runs mgrctl
	// here, ssh://[user@]host[:port] runs it there; both need no Auth.
	URL  string
	Auth Auth
	Su   string // run every call as this account
	Lang string // language of the panel's texts; default "en"
	// Generation of the panel: 4, 5 or 6, or 0 when the spec does not say. It
	// chooses the dialect of the catalog's rows; see Catalog.For.
	Generation int
	Labels     map[string]any
	TLS        TLS
	Limits     Limits
	// Timeout bounds one call, from dialling to the last byte. Default 60 s.
	Timeout time.Duration
	Pos     Pos
}

// Account is the account whose rights the calls have: that of the login, or
// the system user of mgrctl, which is root unless the address says otherwise.
func (p *Panel) Account() string {
	switch {
	case p.Auth.Method == AuthKey:
		return p.Auth.As
	case p.Auth.Username != "":
		return p.Auth.Username
	}
	if u, err := url.Parse(p.URL); err == nil && u.User.Username() != "" {
		return u.User.Username()
	}
	return "root"
}

// OverMgrctl reports whether the panel is spoken to through mgrctl, here or
// over ssh, instead of HTTP.
func (p *Panel) OverMgrctl() bool {
	return p.URL == "local:" || strings.HasPrefix(p.URL, "ssh://")
}

// AuthMethod is how ispsync proves who it is to a panel.
type AuthMethod string

// The methods of the vendor's guide that are supported.
const (
	AuthSession  AuthMethod = "session"  // func=auth once, then the session id
	AuthAuthinfo AuthMethod = "authinfo" // user and password with each call
	AuthKey      AuthMethod = "key"      // session.newkey by Username, then a session as As
)

// Auth holds the account and a reference to its password.
type Auth struct {
	Method   AuthMethod
	Username string
	Password Secret
	As       string // the account of the session, for AuthKey
}

// TLS says how the panel's certificate is checked.
type TLS struct {
	CAFile             string // PEM file; the only trusted roots when set
	PinSHA256          []byte // SHA-256 of the certificate's public key (SPKI), 32 bytes, or nil
	InsecureSkipVerify bool
	Plaintext          bool // allow http to a host that is not loopback
}

// Limits bounds what one panel is asked to do at a time.
type Limits struct {
	Reads  int     // reading calls at a time; default 4
	Writes int     // writing calls at a time; default 1
	Rate   float64 // calls per second, 0 for no limit
}
