package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Variables with the secrets that the specs refer to, and their values.
const (
	panelPasswordVar = "BENCH_PANEL_PASSWORD"
	userPasswordVar  = "BENCH_USER_PASSWORD"
	panelPassword    = "simulated"
	userPassword     = "simulated-too"
)

// writeSpecs writes the spec of a scenario as a user with that many panels
// keeps it: panels.yaml, and one file for the resources of each panel, every
// entry written out.
func writeSpecs(dir string, s scenario, urls []string) error {
	err := writeFile(filepath.Join(dir, "panels.yaml"), func(w io.Writer) { writePanels(w, urls) })
	if err != nil {
		return err
	}
	for i := range urls {
		err := writeFile(filepath.Join(dir, panelName(i)+".yaml"), func(w io.Writer) { writeResources(w, s, i) })
		if err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, write func(io.Writer)) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("a spec of the bench: %w", err)
	}
	b := bufio.NewWriter(f) // keeps the first error of the writes for Flush
	write(b)
	if err := b.Flush(); err != nil {
		f.Close()
		return fmt.Errorf("a spec of the bench: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("a spec of the bench: %w", err)
	}
	return nil
}

func writePanels(w io.Writer, urls []string) {
	fmt.Fprintln(w, "panels:")
	for i, u := range urls {
		fmt.Fprintf(w, "  - name: %s\n    url: %s\n    auth: {username: root, password: \"${secret.env('%s')}\"}\n", panelName(i), u, panelPasswordVar)
	}
}

func writeResources(w io.Writer, s scenario, panel int) {
	fmt.Fprintln(w, "resources:\n  user:")
	for r := range s.size.usersOf() {
		writeEntry(w, panel, r)
		fmt.Fprintf(w, "      passwd: \"${secret.env('%s')}\"\n", userPasswordVar)
	}
	fmt.Fprintln(w, "  webdomain:")
	for r := range s.size.sitesOf(panel, s.aliases) {
		writeEntry(w, panel, r)
	}
}

func writeEntry(w io.Writer, panel int, r resource) {
	fmt.Fprintf(w, "    - name: %s\n      panels: [%s]\n", r.key, panelName(panel))
	for _, f := range r.fields {
		if name, value := f[0], f[1]; name == "aliases" {
			fmt.Fprintf(w, "      %s: [%s]\n", name, value)
		} else {
			fmt.Fprintf(w, "      %s: %s\n", name, value)
		}
	}
}
