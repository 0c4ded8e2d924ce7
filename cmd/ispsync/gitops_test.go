package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// The jobs of examples/gitops are taken out of their files and run: the very
// shell of a pull request, its merge and the night after, with ispsync, bash, curl
// and jq as they are, on simulated panels, against a simulated forge. What is
// left out is what the CI system itself does: checkouts, artifacts, conditions.

// pipeline is one CI file, as far as its jobs are shell.
type pipeline struct {
	file string
	jobs map[string][]ciStep
}

// ciStep is shell that runs in a bash of its own.
type ciStep struct {
	name, run string
	env       map[string]string
	always    bool // after a failure too
}

func TestGitopsPipelines(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "jq", "unzip"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("REQUIRE_TOOLS") != "" {
				t.Fatal(err)
			}
			t.Skipf("the jobs need %s (`bash .ci/run browser` installs it)", tool)
		}
	}
	for _, file := range []string{"github-actions.yml", "gitea.yml", "gitlab-ci.yml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			newPipelineRun(t, file).story(t)
		})
	}
}

// story is a pull request that is planned twice, merged, and watched.
func (r *pipelineRun) story(t *testing.T) {
	r.job(t, 0, "plan")
	first := r.forge.ours(t)
	if !strings.Contains(first, "Plan: 5 to add") || !strings.Contains(first, "ispsync apply plan.json -f specs") {
		t.Errorf("the comment is\n%s", first)
	}
	if page, err := os.ReadFile(filepath.Join(r.dir, "plan.html")); err != nil || !bytes.HasPrefix(page, []byte("<!DOCTYPE html>")) {
		t.Errorf("the page is %.60q, %v", page, err)
	}
	r.job(t, 0, "plan") // a second push
	if second := r.forge.ours(t); second == first {
		t.Error("the comment was not updated: its digest is that of the first plan")
	}
	r.keep(t)
	r.job(t, 0, "apply")
	if _, ok := r.panels[0].Get("webdomain", "shop.example.com"); !ok {
		t.Error("the site is not on web1 after the apply")
	}
	r.job(t, 0, "drift")
	r.panels[0].Put("webdomain", "shop.example.com", map[string]string{"secure": "off"})
	r.job(t, int(exitChanges), "drift")
	r.clean(t)
	r.job(t, int(exitStale), "apply") // applied already
	before := r.forge.ours(t)
	if err := os.WriteFile(filepath.Join(r.dir, "specs", "broken.yaml"), []byte("nonsense: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.clean(t)
	r.job(t, int(exitUsage), "plan")
	if after := r.forge.ours(t); after != before {
		t.Error("a plan that could not be made changed the comment")
	}
}

// pipelineRun is a pipeline with panels, a forge and a checkout.
type pipelineRun struct {
	pipeline
	dir    string // the checkout
	home   string // what stays on the runner
	panels []*simpanel.Panel
	forge  *forge
	token  string
}

func newPipelineRun(t *testing.T, file string) *pipelineRun {
	r := &pipelineRun{dir: t.TempDir(), home: t.TempDir(), token: "t0ken"}
	examples := filepath.Join("..", "..", "examples", "gitops")
	r.pipeline = readPipeline(t, filepath.Join(examples, file))
	if err := os.CopyFS(filepath.Join(r.dir, "specs"), os.DirFS(filepath.Join(examples, "specs"))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir, "specs", "panels.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web1", "web2"} {
		p := simpanel.New(simpanel.Options{Password: simPassword})
		srv := httptest.NewServer(p)
		t.Cleanup(srv.Close)
		r.panels = append(r.panels, p)
		text = bytes.ReplaceAll(text, []byte("https://"+name+".example.net:1500"), []byte(srv.URL))
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r.forge = newForge(t, r.token)
	return r
}

// job runs a job and checks its exit code, which is that of its first failure.
func (r *pipelineRun) job(t *testing.T, want int, name string) {
	t.Helper()
	code := 0
	var said strings.Builder
	for _, s := range r.jobs[name] {
		if code != 0 && !s.always {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, "bash", "-eo", "pipefail", "-c", r.fill(t, s.run))
		cmd.Dir = r.dir
		cmd.Env = append(os.Environ(), "WEB1_PASSWORD="+simPassword, "WEB2_PASSWORD="+simPassword, "TEAM_SHOP_PASSWORD="+simPassword,
			"GITHUB_SERVER_URL="+r.forge.url, "FORGE_URL="+r.forge.url, "GITHUB_REPOSITORY=team/panels", "GITHUB_STEP_SUMMARY="+filepath.Join(r.home, "summary.md"),
			"CI_API_V4_URL="+r.forge.url, "CI_PROJECT_ID=5", "CI_MERGE_REQUEST_IID=7", "CI_COMMIT_SHA=abc", "GITLAB_TOKEN="+r.token)
		for k, v := range s.env {
			cmd.Env = append(cmd.Env, k+"="+r.fill(t, v))
		}
		cmd.Env = append(cmd.Env, "ISPSYNC_STATE_DIR="+filepath.Join(r.home, "state"))
		out, err := cmd.CombinedOutput()
		cancel()
		fmt.Fprintf(&said, "== %s\n%s", s.name, out)
		if err != nil && code == 0 {
			code = cmd.ProcessState.ExitCode()
		}
		if bytes.Contains(out, []byte(r.token)) || bytes.Contains(out, []byte(simPassword)) {
			t.Errorf("%s tells a secret:\n%s", name, out)
		}
	}
	if code != want {
		t.Fatalf("%s of %s ended with %d, want %d:\n%s", name, r.file, code, want, &said)
	}
}

var expression = regexp.MustCompile(`\$\{\{ *([^}]*?) *\}\}`)

// fill puts what the CI system would for ${{ … }}.
func (r *pipelineRun) fill(t *testing.T, s string) string {
	return expression.ReplaceAllStringFunc(s, func(e string) string {
		name := expression.FindStringSubmatch(e)[1]
		switch name {
		case "github.token":
			return r.token
		case "github.event.pull_request.number":
			return "7"
		case "github.event.pull_request.head.sha":
			return "abc"
		}
		if strings.HasPrefix(name, "secrets.") {
			return simPassword
		}
		t.Errorf("%s: nothing is known of %s", r.file, e)
		return ""
	})
}

// keep hands the plan to the forge as the artifact it keeps; clean takes the
// files of the job away, as a new checkout does.
func (r *pipelineRun) keep(t *testing.T) {
	saved, err := os.ReadFile(filepath.Join(r.dir, "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	r.forge.mu.Lock()
	r.forge.artifact = saved
	r.forge.mu.Unlock()
	r.clean(t)
}

func (r *pipelineRun) clean(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(r.dir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
}

// readPipeline reads the jobs of a CI file. What installs ispsync is left out.
func readPipeline(t *testing.T, path string) pipeline {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline{file: filepath.Base(path), jobs: map[string][]ciStep{}}
	var actions struct {
		Env  map[string]string
		Jobs map[string]struct {
			Env   map[string]string
			Steps []struct {
				Name, Run, If string
				Env           map[string]string
			}
		}
	}
	if strings.HasPrefix(p.file, "gitlab") {
		var jobs map[string]yaml.Node
		if err := yaml.Unmarshal(text, &jobs); err != nil {
			t.Fatal(err)
		}
		for name, node := range jobs {
			var job struct{ Script []any }
			if node.Kind == yaml.MappingNode && node.Decode(&job) == nil && job.Script != nil {
				p.jobs[name] = []ciStep{{name: name, run: strings.Join(flatten(job.Script), "\n")}}
			}
		}
		return p
	}
	if err := yaml.Unmarshal(text, &actions); err != nil {
		t.Fatal(err)
	}
	for name, job := range actions.Jobs {
		for _, s := range job.Steps {
			if s.Run == "" || strings.HasPrefix(s.Run, "go install ") {
				continue
			}
			step := ciStep{name: s.Name, run: s.Run, env: map[string]string{}, always: strings.Contains(s.If, "cancelled()") || s.If == "always()"}
			for _, env := range []map[string]string{actions.Env, job.Env, s.Env} {
				for k, v := range env {
					step.env[k] = v
				}
			}
			p.jobs[name] = append(p.jobs[name], step)
		}
	}
	return p
}

// flatten is a script as GitLab reads it: lists in lists are one.
func flatten(script []any) []string {
	var lines []string
	for _, l := range script {
		switch l := l.(type) {
		case []any:
			lines = append(lines, flatten(l)...)
		default:
			lines = append(lines, fmt.Sprint(l))
		}
	}
	return lines
}
