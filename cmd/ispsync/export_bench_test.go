package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// BenchmarkExport100k exports 100,000 web domains with their forms from a
// simulated panel over loopback, the panel's own work included.
func BenchmarkExport100k(b *testing.B) {
	sim := simpanel.New(simpanel.Options{Name: "web1", Password: simPassword})
	sim.Seed(1000, 100)
	srv := httptest.NewServer(sim)
	defer srv.Close()
	dir := b.TempDir()
	panels := filepath.Join(dir, "panels.yaml")
	text := fmt.Sprintf("panels:\n  - {name: web1, url: '%s/ispmgr', auth: {username: root, password: \"${secret.env('P')}\"}}\n", srv.URL)
	if err := os.WriteFile(panels, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	for i := 0; b.Loop(); i++ {
		sim.ResetCalls()
		a := &app{stdin: null, stdout: null, stderr: null, environ: []string{"P=" + simPassword}}
		if code := run([]string{"export", "-q", "-f", panels, "--out", filepath.Join(dir, fmt.Sprint(i))}, a); code != exitOK {
			b.Fatalf("exit code %d", code)
		}
		b.ReportMetric(float64(len(sim.Calls())), "requests")
	}
}
