package simpanel

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden documents anew")

// TestDocuments compares one document of each form with a golden that was
// checked against the recorded shapes by hand.
func TestDocuments(t *testing.T) {
	for _, tc := range []struct {
		name string
		gen  Generation
		fn   string
		form []string
	}{
		{"list", V6, "webdomain", []string{"out", "xml"}},
		{"list-v5", V5, "webdomain", nil},
		{"list-v4", V4, "domain", nil},
		{"list-user", V6, "user", nil},
		{"form", V6, "webdomain.edit", []string{"elid", "shop.example.com"}},
		{"form-new", V6, "user.edit", nil},
		{"created", V6, "domain.edit", []string{"name", "new.example.net", "owner", "alice", "sok", "ok"}},
		{"error", V6, "user.edit", []string{"name", "alice", "passwd", "x", "sok", "ok"}},
		{"error-v4", V4, "user.edit", []string{"name", "alice", "passwd", "x", "sok", "ok"}},
		{"login", V6, "auth", []string{"username", "root", "password", "pw"}},
		{"login-v4", V4, "auth", []string{"username", "root", "password", "pw"}},
		{"login-refused", V6, "auth", []string{"username", "root", "password", "wrong"}},
		{"login-refused-v4", V4, "auth", []string{"username", "root", "password", "wrong"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, body := post(sample(Options{Generation: tc.gen}), tc.fn, tc.form...)
			golden(t, tc.name+".xml", indented(t, body))
		})
	}
}

func indented(t *testing.T, body string) string {
	t.Helper()
	var out strings.Builder
	dec, enc := xml.NewDecoder(strings.NewReader(body)), xml.NewEncoder(&out)
	enc.Indent("", "  ")
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = enc.EncodeToken(tok)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String()) + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got), run with -update to accept:\n%s", file, d)
	}
}
