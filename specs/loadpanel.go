package specs

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// loadPanels reads the panels section. Like resources, an entry may have
// for_each, so that a table of a thousand panels need not be written out.
func (l *loader) loadPanels() {
	seen := map[string]Pos{}
	for _, p := range l.parts["panels"] {
		if p.n.kind != listNode {
			l.problems.add(p.src, p.n, "panels must be a list, not "+p.n.kind.String(), "write `- name: web1` and below it `url: …`")
			continue
		}
		for i := range p.n.items() {
			entry := &p.n.items()[i]
			if entry.kind != mapNode {
				l.problems.add(p.src, entry, "a panel must be a map, not "+entry.kind.String(), "write name: and url:")
				continue
			}
			l.loopPanel(p.src, entry, seen)
		}
	}
	slices.SortFunc(l.spec.Panels, func(a, b Panel) int { return strings.Compare(a.Name, b.Name) })
	if len(l.spec.Panels) == 0 && len(l.parts["panels"]) == 0 {
		return // validate of a part of a spec; resources will complain if they need one
	}
	for i := range l.spec.Panels {
		l.spec.desired[l.spec.Panels[i].Name] = NewState(l.spec.Panels[i].Name)
	}
}

func (l *loader) loopPanel(src *source, entry *node, seen map[string]Pos) {
	scopes := []scope{{}}
	if n := entry.get("for_each"); n != nil {
		scopes = l.loop(src, n, scope{})
	}
	for _, s := range scopes {
		p := l.panel(src, entry, s)
		if p.Name == "" {
			continue // said already; a panel with another mistake still counts, or its resources would be mistakes too
		}
		if first, dup := seen[p.Name]; dup {
			l.problems.add(src, entry.get("name"), fmt.Sprintf("the panel %q is already given at %s", p.Name, first), "")
			continue
		}
		seen[p.Name] = p.Pos
		l.spec.Panels = append(l.spec.Panels, p)
	}
}

// panelReader reads the values of one panel entry.
type panelReader struct {
	l     *loader
	src   *source
	scope scope
	ok    bool
}

func (r *panelReader) fail(n *node, msg, hint string) {
	r.ok = false
	r.l.problems.add(r.src, n, msg, hint)
}

// value evaluates a scalar that may be a template.
func (r *panelReader) value(n *node) (any, bool) {
	if n.kind != scalarNode {
		r.fail(n, "this must be a single value, not "+n.kind.String(), "")
		return nil, false
	}
	if n.isNull() {
		r.fail(n, "this has no value", "leave the key out to get its default")
		return nil, false
	}
	if !hasTemplate(n.text) {
		return n.text, true
	}
	v, ok := r.l.eval(r.src, n, r.scope)
	r.ok = r.ok && ok
	return v, ok
}

func (r *panelReader) text(to *string) func(*node) {
	return func(n *node) {
		v, ok := r.value(n)
		if !ok {
			return
		}
		t, isText := scalarText(v)
		if !isText {
			r.fail(n, "this must be a text, not "+describe(v), "")
			return
		}
		*to = t
	}
}

func (r *panelReader) flag(to *bool) func(*node) {
	return func(n *node) {
		var t string
		r.text(&t)(n)
		b, err := canonBool(t)
		if err != nil {
			r.fail(n, "this must be true or false", "")
		}
		*to = b == "true"
	}
}

func (r *panelReader) count(to *int) func(*node) {
	return func(n *node) {
		var t string
		r.text(&t)(n)
		v, err := strconv.Atoi(t)
		if err != nil || v < 1 || v > 1000 {
			r.fail(n, "this must be a whole number from 1 to 1000", "")
			return
		}
		*to = v
	}
}

// keys walks a map and complains about keys it does not know.
func (r *panelReader) keys(n *node, what string, known map[string]func(*node)) {
	if n.kind != mapNode {
		r.fail(n, what+" must be a map, not "+n.kind.String(), "")
		return
	}
	n.pairs(func(k, v *node) {
		f := known[k.text]
		if f == nil {
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			r.fail(k, fmt.Sprintf("unknown key %q in %s", k.text, what), didYouMean(k.text, names))
			return
		}
		f(v)
	})
}

func (l *loader) panel(src *source, entry *node, s scope) Panel {
	r := &panelReader{l: l, src: src, scope: s, ok: true}
	p := Panel{Lang: "en", Timeout: time.Minute, Limits: Limits{Reads: 4, Writes: 1}, Auth: Auth{Method: AuthSession}, Pos: src.pos(entry)}
	var method string
	r.keys(entry, "a panel", map[string]func(*node){
		"name": r.text(&p.Name), "url": r.text(&p.URL), "for_each": func(*node) {},
		"su": r.text(&p.Su), "lang": r.text(&p.Lang), "generation": func(n *node) { r.generation(n, &p.Generation) },
		"labels":  func(n *node) { p.Labels = r.labels(n) },
		"timeout": func(n *node) { r.timeout(n, &p.Timeout) },
		"auth": func(n *node) {
			r.keys(n, "auth", map[string]func(*node){
				"method": r.text(&method), "as": r.text(&p.Auth.As), "username": r.text(&p.Auth.Username),
				"password": func(n *node) { p.Auth.Password = r.secret(n) },
			})
		},
		"tls": func(n *node) {
			r.keys(n, "tls", map[string]func(*node){
				"ca_file": r.text(&p.TLS.CAFile), "pin_sha256": func(n *node) { p.TLS.PinSHA256 = r.pin(n) },
				"insecure_skip_verify": r.flag(&p.TLS.InsecureSkipVerify), "plaintext": r.flag(&p.TLS.Plaintext),
			})
		},
		"limits": func(n *node) {
			r.keys(n, "limits", map[string]func(*node){
				"reads": r.count(&p.Limits.Reads), "writes": r.count(&p.Limits.Writes), "rate": func(n *node) { r.rate(n, &p.Limits.Rate) },
			})
		},
	})
	if r.ok || p.Name == "" {
		r.checkPanel(entry, &p, method)
	}
	return p
}

func (r *panelReader) checkPanel(entry *node, p *Panel, method string) {
	at := func(key string) *node {
		if n := entry.get(key); n != nil {
			return n
		}
		return entry
	}
	if !validPanelName(p.Name) {
		r.fail(at("name"), "a panel needs a name of letters, digits, dots, hyphens and underscores", "")
	}
	if p.TLS.CAFile != "" && !filepath.IsAbs(p.TLS.CAFile) {
		p.TLS.CAFile = filepath.Join(r.src.dir, p.TLS.CAFile)
	}
	switch AuthMethod(method) {
	case "", AuthSession:
	case AuthAuthinfo, AuthKey:
		p.Auth.Method = AuthMethod(method)
	default:
		r.fail(at("auth"), fmt.Sprintf("auth.method %q is not known", method), "use session, authinfo or key")
	}
	if (p.Auth.As != "") != (p.Auth.Method == AuthKey) {
		r.fail(at("auth"), "auth.as and auth.method: key belong together", "the administrator in username makes a key, and the session is that of the account in as")
	}
	if p.OverMgrctl() {
		if entry.get("auth") != nil {
			r.fail(at("auth"), "mgrctl needs no auth: it runs with the rights of the user who runs it", "remove auth, or give an https address")
		}
	} else if p.Auth.Username == "" || p.Auth.Password.IsZero() {
		r.fail(at("auth"), fmt.Sprintf("the panel %s needs auth: {username: …, password: …}", p.Name), "write password: \"${secret.env('PANEL_PASSWORD')}\"")
	}
	if msg, hint := checkURL(p); msg != "" {
		r.fail(at("url"), msg, hint)
	}
}

func validPanelName(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// checkURL says what is wrong with a panel's address, or nothing.
func checkURL(p *Panel) (msg, hint string) {
	const example = "write https://web1.example.net:1500/ispmgr"
	if p.URL == "local:" {
		return "", ""
	}
	u, err := url.Parse(p.URL)
	switch {
	case p.URL == "":
		return fmt.Sprintf("the panel %s needs a url", p.Name), example
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "ssh":
		return "this is not the address of a panel", example
	case u.Scheme == "ssh":
		return checkSSH(u)
	case u.User != nil:
		return "an address must not hold a user or password", "they belong in auth:"
	case u.RawQuery != "" || u.Fragment != "":
		return "an address must not hold parameters", example
	case u.Scheme == "http" && !p.TLS.Plaintext && !loopback(u.Hostname()):
		return "http would send the password in the clear", "use https, or allow it with tls: {plaintext: true}"
	}
	return "", ""
}

// checkSSH: ssh://[user@]host[:port] and nothing else; a host or user with a
// leading hyphen would be an option of ssh.
func checkSSH(u *url.URL) (msg, hint string) {
	const example = "write ssh://root@web1.example.net"
	_, password := u.User.Password()
	switch {
	case password:
		return "an address must not hold a password", "ssh uses your keys and agent"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "an ssh address is a user, a host and a port", example
	case strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(u.User.Username(), "-"):
		return "a user or host must not begin with a hyphen", example
	}
	return "", ""
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

func (r *panelReader) labels(n *node) map[string]any {
	if n.kind != mapNode {
		r.fail(n, "labels must be a map, not "+n.kind.String(), "write labels: {region: ams}")
		return nil
	}
	out := map[string]any{}
	n.pairs(func(k, v *node) {
		if v.kind == scalarNode && hasTemplate(v.text) {
			out[k.text], _ = r.value(v)
			return
		}
		out[k.text] = v.any()
	})
	return out
}

func (r *panelReader) generation(n *node, to *int) {
	var t string
	r.text(&t)(n)
	g, err := strconv.Atoi(t)
	if err != nil || g < 4 || g > 6 {
		r.fail(n, "generation is 4, 5 or 6", "leave it out for panels of v5 and v6")
		return
	}
	*to = g
}

func (r *panelReader) timeout(n *node, to *time.Duration) {
	var t string
	r.text(&t)(n)
	d, err := time.ParseDuration(t)
	if secs, aerr := strconv.Atoi(t); aerr == nil {
		d, err = time.Duration(secs)*time.Second, nil
	}
	if err != nil || d <= 0 {
		r.fail(n, "this must be a time such as 60s or 2m", "")
		return
	}
	*to = d
}

func (r *panelReader) rate(n *node, to *float64) {
	var t string
	r.text(&t)(n)
	v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(t, "/s")), 64)
	if err != nil || v <= 0 {
		r.fail(n, "this must be a number of calls per second, such as 5/s", "")
		return
	}
	*to = v
}

func (r *panelReader) pin(n *node) []byte {
	var t string
	r.text(&t)(n)
	t = strings.TrimPrefix(t, "sha256//")
	for _, decode := range []func(string) ([]byte, error){
		func(s string) ([]byte, error) { return hex.DecodeString(strings.ReplaceAll(s, ":", "")) },
		base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
	} {
		if b, err := decode(t); err == nil && len(b) == 32 {
			return b
		}
	}
	r.fail(n, "this is not the SHA-256 of a public key", "write its 32 bytes in hex or base64")
	return nil
}

// secret reads a reference; a literal is allowed, with a warning.
func (r *panelReader) secret(n *node) Secret {
	s, ok := r.l.secretValue(r.src, n, r.scope)
	r.ok = r.ok && ok
	return s
}

// writeReference is the hint for a secret field that holds something else.
const writeReference = "write \"${secret.env('NAME')}\", secret.file or secret.command"

// secretValue reads the value of a secret field. Whatever is wrong with it,
// nothing of it is shown.
func (l *loader) secretValue(src *source, n *node, s scope) (Secret, bool) {
	if n.kind != scalarNode || n.isNull() {
		l.problems.addSecret(src, n, "a secret field takes one value", writeReference)
		return Secret{}, false
	}
	if !hasTemplate(n.text) {
		return l.literal(src, n, n.text), true
	}
	t, terr := l.exprs.compile(src.dir, n.text)
	var v any
	if terr == nil {
		v, terr = l.exprs.eval(t, s)
	}
	if terr != nil {
		msg := "the expression of this secret field is wrong"
		if strings.HasSuffix(terr.msg, "which cannot stand inside a text") && strings.Contains(terr.msg, "yields a secret") {
			msg = "a secret, which cannot stand inside a text, is mixed with other text here"
		}
		l.problems.addSecret(src, n, msg, "a secret must be the whole value of its field: "+writeReference)
		return Secret{}, false
	}
	switch x := v.(type) {
	case Secret:
		return src.secretPath(x), true
	case string:
		return l.literal(src, n, x), true
	default:
		l.problems.addSecret(src, n, "a secret field takes a secret, not "+describe(v), writeReference)
		return Secret{}, false
	}
}

// literal keeps a password written out in the spec where nothing prints it,
// and warns.
func (l *loader) literal(src *source, n *node, value string) Secret {
	l.literalMu.Lock()
	defer l.literalMu.Unlock()
	s := Secret{SecretLiteral, src.pos(n).String()}
	if value == "" {
		l.problems.addSecret(src, n, "this password is empty", writeReference)
		return s
	}
	if old, ok := l.spec.literals[s.Arg]; ok && old != value { // one place, another turn of a for_each
		s.Arg += fmt.Sprintf("#%d", len(l.spec.literals))
	}
	l.spec.literals[s.Arg] = value
	l.problems.put(&l.problems.warnings, src.hidden(n, "a password is written out here", "keep it out of the file: \"${secret.env('NAME')}\", secret.file or secret.command"))
	return s
}

// secretPath makes the path of a secret file absolute to the spec that names it.
func (s *source) secretPath(sec Secret) Secret {
	if sec.Source == SecretFile && !filepath.IsAbs(sec.Arg) {
		sec.Arg = filepath.Join(s.dir, sec.Arg)
	}
	return sec
}
