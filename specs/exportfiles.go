package specs

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Splits are the words of ExportOptions.Split: a file per panel, per account, per
// kind. Several make directories, in that order.
var Splits = []string{"panel", "owner", "kind"}

// exportFiles sorts entries into files.
type exportFiles struct {
	split  []string
	many   bool
	byPath map[string]int // by the parts, joined
	taken  map[string]bool
	files  []ExportFile
}

func newExportFiles(o ExportOptions) *exportFiles {
	fs := &exportFiles{split: o.Split, many: len(o.Panels) > 1, byPath: map[string]int{}, taken: map[string]bool{}}
	if len(fs.split) == 0 {
		fs.files = []ExportFile{{}}
		fs.byPath[""] = 0
	} else {
		fs.taken[strings.TrimSuffix(defaultsFile, fileEnding)] = true
	}
	return fs
}

// DocumentFile is the name of the file of an export that is not split.
const DocumentFile = "resources" + fileEnding

const (
	fileEnding   = ".yaml"
	defaultsFile = "defaults" + fileEnding
	// nobody stands for the owner of what belongs to no account.
	nobody = "-server-"
)

// parts says in which file an entry stands.
func (fs *exportFiles) parts(kind string, e *exportEntry) string {
	var parts []string
	for _, by := range fs.split {
		switch by {
		case "panel":
			parts = append(parts, e.panel)
		case "owner":
			parts = append(parts, cmp.Or(e.owner, nobody))
		case "kind":
			parts = append(parts, kind)
		}
	}
	return strings.Join(parts, "\x00")
}

// merge makes one entry of those that say the same on several panels. With
// secrets they stay apart: nobody knows whether those are the same.
func (fs *exportFiles) merge(ek *exportKind) []exportEntry {
	if !fs.many {
		return ek.entries
	}
	out := ek.entries[:0]
	first := 0 // of out, with the same name
	for _, e := range ek.entries {
		e.panels = []string{e.panel}
		if len(out) > 0 && (out[first].key != e.key || out[first].parent != e.parent || out[first].su != e.su) {
			first = len(out)
		}
		same := -1
		for i := first; i < len(out) && same < 0 && len(ek.secrets) == 0; i++ {
			if out[i].name == e.name && slices.Equal(out[i].fields, e.fields) && fs.parts(ek.kind.Name, &out[i]) == fs.parts(ek.kind.Name, &e) {
				same = i
			}
		}
		if same >= 0 {
			out[same].panels = append(out[same].panels, e.panel)
			continue
		}
		out = append(out, e)
	}
	return out
}

// place puts an entry into its file.
func (fs *exportFiles) place(e *exportEntry, name string, kind, index int) {
	id := fs.parts(name, e)
	at, ok := fs.byPath[id]
	if !ok {
		at = len(fs.files)
		fs.byPath[id] = at
		fs.files = append(fs.files, ExportFile{Name: id})
	}
	f := &fs.files[at]
	for len(f.entries) <= kind {
		f.entries = append(f.entries, nil)
	}
	f.entries[kind] = append(f.entries[kind], index)
	f.Resources++
}

// finish names the files and says where the defaults stand: with their kind,
// where kinds have a file each, else in one of their own.
func (fs *exportFiles) finish(e *Export) []ExportFile {
	var kinds []string
	for _, ek := range e.kinds {
		if e.defaults[ek.kind.Name] != nil {
			kinds = append(kinds, ek.kind.Name)
		}
	}
	if len(fs.split) == 0 {
		fs.files[0].Name, fs.files[0].defaults = DocumentFile, kinds
		return fs.files
	}
	byKind := slices.Equal(fs.split, []string{"kind"})
	for i := range fs.files {
		f := &fs.files[i]
		parts := strings.Split(f.Name, "\x00")
		if byKind && e.defaults[parts[0]] != nil {
			f.defaults = []string{parts[0]}
		}
		for j := range parts {
			parts[j] = fileName(parts[j])
		}
		f.Name = fs.free(path.Join(parts...))
	}
	slices.SortFunc(fs.files, func(a, b ExportFile) int { return strings.Compare(a.Name, b.Name) })
	if len(kinds) > 0 && !byKind {
		fs.files = append([]ExportFile{{Name: defaultsFile, defaults: kinds}}, fs.files...)
	}
	return fs.files
}

// free makes a name that no other file has, on disks too that take upper and
// lower case for the same.
func (fs *exportFiles) free(name string) string {
	out := name
	for i := 2; fs.taken[strings.ToLower(out)]; i++ {
		out = fmt.Sprintf("%s-%d", name, i)
	}
	fs.taken[strings.ToLower(out)] = true
	return out + fileEnding
}

// fileName is a text as a part of a path: no separators, and no dot in front,
// because such files are no specs.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-@+", r) {
			return r
		}
		return '_'
	}, s)
	if s == "" || s[0] == '.' {
		s = "_" + s
	}
	if len(s) > 100 {
		s = strings.ToValidUTF8(s[:100], "")
	}
	return s
}
