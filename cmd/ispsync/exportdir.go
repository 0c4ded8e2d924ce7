package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ispsync/ispsync/specs"
)

// Files of an export are written to a directory of their own beside their
// place and moved there when all of them are whole: one rename where the
// place is new, one for each file where it is not.

// Files of an export that are no specs.
const (
	secretsFile = "secrets.env.example"
	notesFile   = "not-exported.txt"
)

func inDir(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

// buffered writes through a buffer.
func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// freeOfExports refuses, before anything is read, a directory that an export of this
// shape was written to already: it could not be written there again.
func freeOfExports(dir string, split []string) error {
	names := []string{secretsFile}
	if len(split) == 0 {
		names = append(names, specs.DocumentFile)
	}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return overwrites([]string{filepath.Join(dir, name)})
		}
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fail(exitUsage, "--out %s is a file; name a directory", dir)
	}
	return nil
}

func overwrites(paths []string) error {
	return fail(exitUsage, "%s is there already, and an export overwrites nothing; choose another --out, or say --force-overwrite", few(paths))
}

// outFile is one file to be written below the directory.
type outFile struct {
	name  string
	write func(io.Writer) error
}

func (x *exportRun) writeFiles(e *specs.Export) error {
	var files []outFile
	for i := range e.Files {
		f := &e.Files[i]
		files = append(files, outFile{f.Name, func(w io.Writer) error { return e.Write(w, f) }})
	}
	if len(e.Secrets) > 0 {
		files = append(files, outFile{secretsFile, e.WriteSecrets})
	}
	if len(e.Notes) > 0 && len(x.xf.split) > 0 {
		files = append(files, outFile{notesFile, e.WriteNotes})
	}
	if err := writeDir(x.xf.out, files, x.xf.force); err != nil {
		return err
	}
	text := fmt.Sprintf("exported %s to %s, %d files", x.howMany(e), x.xf.out, len(files))
	if len(e.Secrets) > 0 {
		text += fmt.Sprintf("; %d secrets are references to fill in, named in %s", len(e.Secrets), secretsFile)
	}
	x.a.log.say(text)
	if old := leftOver(x.xf.out, e.Files); len(old) > 0 {
		x.a.log.warn("files of an earlier export are still there, and would declare things twice: %s", few(old))
	}
	return nil
}

// writeDir writes files below a directory: all of them or none.
func writeDir(dir string, files []outFile, force bool) (err error) {
	dir = filepath.Clean(dir)
	if !force {
		var there []string
		for _, f := range files {
			if _, err := os.Lstat(inDir(dir, f.name)); err == nil {
				there = append(there, inDir(dir, f.name))
			}
		}
		if len(there) > 0 {
			return overwrites(there)
		}
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("the export is not written: %w", err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	_, statErr := os.Stat(dir)
	fresh := errors.Is(statErr, os.ErrNotExist)
	place := dir
	if fresh {
		place = filepath.Dir(dir)
	}
	temp, err := os.MkdirTemp(place, ".ispsync-export-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) //nolint:errcheck // best effort
	made := filepath.Join(temp, "new")
	if err := os.Mkdir(made, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		if err := writeNew(inDir(made, f.name), f.write); err != nil {
			return err
		}
	}
	if fresh {
		return os.Rename(made, dir)
	}
	return moveAll(made, dir, filepath.Join(temp, "old"), files)
}

func writeNew(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(buffered(f, write), f.Sync(), f.Close())
}

// moveAll moves files from one directory to another. What was there is put
// aside, and put back when a file cannot be moved.
func moveAll(from, to, aside string, files []outFile) (err error) {
	type moved struct{ path, old string }
	var done []moved
	defer func() {
		if err == nil {
			return
		}
		for _, m := range slices.Backward(done) {
			os.Remove(m.path) //nolint:errcheck // best effort: the first error is the one to tell
			if m.old != "" {
				os.Rename(m.old, m.path) //nolint:errcheck // as above
			}
		}
	}()
	for _, f := range files {
		path, m := inDir(to, f.name), moved{}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if _, err := os.Lstat(path); err == nil {
			m.old = inDir(aside, f.name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(m.old), 0o777), os.Rename(path, m.old)); err != nil {
				return err
			}
		}
		m.path = path
		done = append(done, m)
		if err := os.Rename(inDir(from, f.name), path); err != nil {
			return err
		}
	}
	return nil
}

// leftOver names files of the directory that an earlier export wrote and this one
// did not: read together they would declare things twice.
func leftOver(dir string, files []specs.ExportFile) []string {
	var out []string
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error { //nolint:errcheck // a warning only
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || slices.ContainsFunc(files, func(f specs.ExportFile) bool { return f.Name == filepath.ToSlash(rel) }) {
			return nil
		}
		if f, err := os.Open(path); err == nil {
			defer f.Close() //nolint:errcheck // it is only read
			if line, _ := bufio.NewReader(f).ReadString('\n'); specs.IsExport(line) {
				out = append(out, path)
			}
		}
		return nil
	})
	return out
}
