package simpanel

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// mgrctl, the panel's own command (guide, "Local calls"; panel-api.md section
// 9), as a function: a test's fake program passes its arguments on and prints
// what comes back. It calls as root without a password. Where the record is
// silent: an error in a format other than text leaves exit status 0, because
// the document that was asked for is printed; error lines go to stderr.

// Mgrctl answers as `mgrctl ARGS…` does. args are its arguments without the
// program's name; env is its environment, which -e 'NAME=$VARIABLE' reads.
// Exit is 1 for an error of the panel in text format, for faults that keep an
// answer away, and for arguments it does not know. Calls are in the ledger
// with method "mgrctl".
func (p *Panel) Mgrctl(args []string, env map[string]string) (stdout, stderr []byte, exit int) {
	cmd, err := parseMgrctl(args, env)
	switch {
	case err != nil:
		return nil, []byte("mgrctl: " + err.Error() + "\n"), 1
	case cmd.info:
		return p.mgrctlInfo(cmd)
	}
	w := &localWriter{header: make(http.Header), status: http.StatusOK}
	c := &call{p: p, form: cmd.form, local: true, http: &http.Request{Host: "localhost", RemoteAddr: "127.0.0.1:0", Header: http.Header{}}}
	if dropped := serveLocally(c, w); dropped || w.status != http.StatusOK {
		return nil, []byte("mgrctl: the panel did not answer\n"), 1
	}
	out := w.body.Bytes()
	if cmd.form.Get("out") == "text" && bytes.HasPrefix(out, []byte("ERROR ")) {
		return nil, out, 1
	}
	return out, nil, 0
}

// serveLocally serves a call and tells whether a fault has dropped it.
func serveLocally(c *call, w *localWriter) (dropped bool) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case http.ErrAbortHandler:
			dropped = true
		default:
			panic(r)
		}
	}()
	c.serve(w, "mgrctl", false)
	return false
}

// localWriter takes an answer that no connection carries.
type localWriter struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (w *localWriter) Header() http.Header { return w.header }

func (w *localWriter) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *localWriter) WriteHeader(status int) { w.status = status }

// mgrctl is a command line: [-m MGR] [-o FORMAT] [-R] FUNC [NAME=VALUE …]
// [-e 'NAME=$VARIABLE'], or -i [FUNC] [lang=XX].
type mgrctl struct {
	info bool
	form url.Values
}

func parseMgrctl(args []string, env map[string]string) (*mgrctl, error) {
	cmd := &mgrctl{form: url.Values{"out": {"text"}}}
	operand := func(option string) (string, error) {
		if len(args) == 0 {
			return "", fmt.Errorf("%s lacks its operand", option)
		}
		v := args[0]
		args = args[1:]
		return v, nil
	}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		var v string
		var err error
		switch word {
		case "-i":
			cmd.info = true
		case "-R": // a new panel process; the next call starts one anyway
		case "-m":
			if v, err = operand(word); err == nil && v != "ispmgr" {
				err = fmt.Errorf("there is no manager %q here", v)
			}
		case "-o":
			if v, err = operand(word); err == nil {
				cmd.form.Set("out", v)
			}
		case "-e":
			if v, err = operand(word); err == nil {
				err = cmd.param(os.Expand(v, func(name string) string { return env[name] }))
			}
		default:
			err = cmd.word(word)
		}
		if err != nil {
			return nil, err
		}
	}
	if !cmd.info && cmd.form.Get("func") == "" {
		return nil, fmt.Errorf("no function is named")
	}
	return cmd, nil
}

// word is the function, once, or a parameter.
func (cmd *mgrctl) word(word string) error {
	switch {
	case cmd.form.Has("func") || cmd.info && strings.Contains(word, "="):
		return cmd.param(word)
	case strings.HasPrefix(word, "-"):
		return fmt.Errorf("unknown option %s", word)
	}
	cmd.form.Set("func", word)
	return nil
}

func (cmd *mgrctl) param(word string) error {
	name, value, ok := strings.Cut(word, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is no NAME=VALUE", word)
	}
	cmd.form.Set(name, value)
	return nil
}

// infoWidth is the column where descriptions begin, infoEnd where they wrap
// (section 9; the real layout in the list of functions).
const (
	infoWidth = 45
	infoEnd   = 125
)

// mgrctlInfo is -i: the functions with their descriptions, or the parameters
// of one. The default language is Russian. What -i FUNC looks like is not on
// record: here it has the same two columns.
func (p *Panel) mgrctlInfo(cmd *mgrctl) (stdout, stderr []byte, exit int) {
	lang, b := cmd.form.Get("lang"), &bytes.Buffer{}
	if lang != "en" {
		lang = "ru"
	}
	if name := cmd.form.Get("func"); name != "" {
		fn, unknown := p.find(name)
		if unknown != nil {
			return nil, []byte("ERROR missed(func): " + unknown.sentence(lang) + "\n"), 1
		}
		for _, param := range fn.params() {
			infoLine(b, param, label(strings.TrimPrefix(param, fn.prefix), lang))
		}
		return b.Bytes(), nil, 0
	}
	names := make([]string, 0, len(functions))
	for name := range byName {
		if _, unknown := p.find(name); unknown == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		infoLine(b, name, byName[name].description(lang))
	}
	return b.Bytes(), nil, 0
}

// params are the parameters of a function.
func (f *function) params() []string {
	if f.kind == nil {
		return nil
	}
	if f.list {
		return f.kind.filters
	}
	if !f.edit {
		return []string{"elid"}
	}
	out := []string{"elid"}
	if f.kind.parts != nil {
		for _, part := range f.kind.parts("") {
			out = append(out, f.told(part[0]))
		}
	} else {
		out = append(out, f.told("name"))
	}
	if f.kind.owned && !f.kind.inherits() {
		out = append(out, f.told(f.kind.ownerParam))
	}
	for _, field := range f.kind.fields {
		out = append(out, f.told(field.name))
	}
	return out
}

func (f *function) description(lang string) string {
	if f.kind == nil {
		return map[string]string{"en": "Description is not available", "ru": "Описание отсутствует"}[lang]
	}
	what, kind := map[string]string{"en": "Resources of the kind " + f.kind.name, "ru": "Объекты вида " + f.kind.name}[lang], "group operation"
	switch {
	case f.list:
		kind = "list"
	case f.edit:
		kind = "form"
	}
	return what + ". Function type: " + kind
}

// infoLine pads a name and wraps its description.
func infoLine(b *bytes.Buffer, name, description string) {
	fmt.Fprintf(b, "%-*s", infoWidth, name)
	if len(name) >= infoWidth {
		b.WriteByte(' ')
	}
	column := infoWidth
	for i, word := range strings.Fields(description) {
		width := len([]rune(word))
		switch {
		case i == 0:
		case column+1+width > infoEnd:
			b.WriteString("\n" + strings.Repeat(" ", infoWidth))
			column = infoWidth
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	b.WriteByte('\n')
}
