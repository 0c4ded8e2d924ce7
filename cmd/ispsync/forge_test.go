package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// forge is what of GitHub, GitLab and Gitea the jobs talk to: the comments of
// request 7 and one artifact.
type forge struct {
	url, token string
	mu         sync.Mutex
	comments   []*comment
	artifact   []byte
}

type comment struct {
	ID     int               `json:"id"`
	Body   string            `json:"body"`
	User   map[string]string `json:"user"`
	Author map[string]int    `json:"author"`
}

// newForge has the comments of two people who talk about a plan; one even
// begins as ours does.
func newForge(t *testing.T, token string) *forge {
	f := &forge{token: token}
	for i, body := range []string{"see below\n<!-- ispsync plan -->", "<!-- ispsync plan -->\nnot a plan"} {
		f.comments = append(f.comments, &comment{ID: 11 + i, Body: body, User: map[string]string{"login": "alice"}, Author: map[string]int{"id": 1}})
	}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

// ours is the body of the one comment that the jobs have written.
func (f *forge) ours(t *testing.T) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.comments) != 3 || f.comments[0].Body != "see below\n<!-- ispsync plan -->" || f.comments[1].Body != "<!-- ispsync plan -->\nnot a plan" {
		t.Fatalf("there are %d comments, want those of two people as they were and one of ours", len(f.comments))
	}
	return f.comments[2].Body
}

var commentPath = regexp.MustCompile(`/(?:comments|notes)/(\d+)$`)

func (f *forge) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if got := q.Header.Get("Authorization") + q.Header.Get("PRIVATE-TOKEN"); !strings.HasSuffix(got, f.token) || q.URL.Query().Has("token") {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	var sent struct{ Body string }
	if q.Method != http.MethodGet {
		if err := json.NewDecoder(q.Body).Decode(&sent); err != nil || sent.Body == "" {
			http.Error(w, "no comment", http.StatusBadRequest)
			return
		}
	}
	path := q.URL.EscapedPath()
	m := commentPath.FindStringSubmatch(path)
	switch {
	case m != nil:
		i := slices.IndexFunc(f.comments, func(c *comment) bool { return fmt.Sprint(c.ID) == m[1] })
		if i < 0 {
			http.NotFound(w, q)
			return
		}
		f.comments[i].Body = sent.Body
	case q.Method == http.MethodPost:
		login := "gitea-actions"
		if strings.HasPrefix(path, "/repos/") {
			login = "github-actions[bot]"
		}
		f.comments = append(f.comments, &comment{ID: 20, Body: sent.Body, User: map[string]string{"login": login}, Author: map[string]int{"id": 42}})
	case strings.HasSuffix(path, "/issues/7/comments"), strings.HasSuffix(path, "/merge_requests/7/notes"):
		writeJSON(w, f.comments) //nolint:errcheck // the reader notices
	case path == "/user":
		writeJSON(w, map[string]int{"id": 42}) //nolint:errcheck // as above
	case strings.HasSuffix(path, "/commits/abc/merge_requests"):
		writeJSON(w, []map[string]any{{"iid": 6, "state": "opened"}, {"iid": 7, "state": "merged"}}) //nolint:errcheck // as above
	case path == "/repos/team/panels/actions/artifacts" && q.URL.Query().Get("name") == "plan-abc":
		fmt.Fprint(w, `{"artifacts":[{"workflow_run":{"id":99}}]}`)
	case path == "/runs/99", path == "/projects/5/jobs/artifacts/refs%2Fmerge-requests%2F7%2Fhead/download":
		f.zipped(w)
	default:
		http.NotFound(w, q)
	}
}

// zipped sends the artifact as forges do.
func (f *forge) zipped(w http.ResponseWriter) {
	z := zip.NewWriter(w)
	file, err := z.Create("plan.json")
	if err == nil {
		_, err = file.Write(f.artifact)
	}
	if err != nil || z.Close() != nil {
		panic(http.ErrAbortHandler)
	}
}

// fakeGh is GitHub's program, as far as the workflow uses it.
func fakeGh() {
	args := os.Args[1:]
	if len(args) > 2 && args[0] == "run" && args[1] == "download" {
		ghDownload("/runs/" + args[2])
		return
	}
	method, path, filter := http.MethodGet, "", ""
	var body []byte
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "--paginate", "--silent":
		case "--method":
			i++
			method = args[i]
		case "--jq":
			i++
			filter = args[i]
		case "-F":
			i++
			text, err := os.ReadFile(strings.TrimPrefix(args[i], "body=@"))
			if err != nil {
				ghFails(err)
			}
			body, _ = json.Marshal(map[string]string{"body": string(text)}) //nolint:errcheck // it is text
		default:
			path = "/" + args[i]
		}
	}
	ghCall(method, path, body, filter)
}

func ghFails(err any) {
	fmt.Fprintln(os.Stderr, "gh:", err)
	os.Exit(1)
}

func ghSend(method, path string, body []byte) *http.Response {
	q, err := http.NewRequest(method, os.Getenv("FORGE_URL")+path, bytes.NewReader(body))
	if err != nil {
		ghFails(err)
	}
	q.Header.Set("Authorization", "token "+os.Getenv("GH_TOKEN"))
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		ghFails(err)
	}
	if a.StatusCode != http.StatusOK {
		ghFails(a.Status + " " + method + " " + path)
	}
	return a
}

func ghCall(method, path string, body []byte, filter string) {
	a := ghSend(method, path, body)
	defer a.Body.Close()
	if filter == "" {
		return
	}
	jq := exec.Command("jq", "-r", filter)
	jq.Stdin, jq.Stdout, jq.Stderr = a.Body, os.Stdout, os.Stderr
	if err := jq.Run(); err != nil {
		ghFails(err)
	}
}

func ghDownload(path string) {
	a := ghSend(http.MethodGet, path, nil)
	defer a.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(a.Body); err != nil {
		ghFails(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		ghFails(err)
	}
	if err := os.CopyFS(".", z); err != nil {
		ghFails(err)
	}
}
