package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/ispsync/ispsync/specs"
)

// Why a plan file cannot be used. Read wraps one of these.
var (
	ErrNotPlan  = errors.New("not a plan")
	ErrVersion  = errors.New("plan of another version")
	ErrAltered  = errors.New("plan was altered")
	ErrInvalid  = errors.New("plan contradicts itself")
	ErrTooLarge = errors.New("plan too large")
)

// maxFile bounds a plan file. A million steps take less.
const maxFile = 256 << 20

// Write writes the plan as its JSON document, indented. It is what Read reads.
func Write(w io.Writer, p *Plan) error {
	var b bytes.Buffer
	if err := encode(&b, p, "  "); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// Read reads a plan and checks everything once: the version, the digest, and
// that steps are whole and need only earlier ones. After it, code trusts the
// plan. Its errors wrap ErrNotPlan, ErrVersion, ErrAltered, ErrInvalid or
// ErrTooLarge, or are those of the reader. Elid, Su and SecretRefs of the steps
// are not in the file: see Check.
func Read(r io.Reader) (*Plan, error) { return readAtMost(r, maxFile) }

func readAtMost(r io.Reader, limit int64) (*Plan, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes; plan fewer panels at a time with --panel", ErrTooLarge, limit)
	}
	p, err := parse(data)
	if err != nil {
		return nil, err
	}
	if got := Digest(p); got != p.Digest {
		return nil, fmt.Errorf("%w: its digest says %.20s…, its contents give %.20s…; make the plan again", ErrAltered, p.Digest, got)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%w: %w; make the plan again", ErrInvalid, err)
	}
	return p, nil
}

func parse(data []byte) (*Plan, error) {
	var version struct {
		FormatVersion *string `json:"format_version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("%w, or one cut short: %w; give the file that plan --out wrote", ErrNotPlan, err)
	}
	switch {
	case version.FormatVersion == nil:
		return nil, fmt.Errorf("%w: it has no format_version; give the file that plan --out wrote", ErrNotPlan)
	case *version.FormatVersion != FormatVersion:
		return nil, fmt.Errorf("%w: its format_version is %q, this program reads %q; use the program that made it, or make the plan again", ErrVersion, *version.FormatVersion, FormatVersion)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var p Plan
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("%w as this program knows it: %w; make the plan again", ErrNotPlan, err)
	}
	return &p, nil
}

// check finds what a plan made by Assemble never has.
func (p *Plan) check() error {
	seen := make(map[string]bool, len(p.Steps)) // ids of earlier steps
	refs := make(map[specs.Ref]string, len(p.Steps))
	panels := make(map[string]bool, len(p.Panels))
	for _, panel := range p.Panels {
		if panels[panel.Name] {
			return fmt.Errorf("panel %q is there twice", panel.Name)
		}
		panels[panel.Name] = true
	}
	var sum Summary
	for i := range p.Steps {
		s := &p.Steps[i]
		if err := s.check(seen); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, strconv.Quote(s.ID), err)
		}
		if first, twice := refs[s.Ref]; twice {
			return fmt.Errorf("steps %s and %s are both about %s", first, s.ID, s.Ref)
		}
		if !panels[s.Panel] {
			return fmt.Errorf("step %s is about the panel %q, which the plan does not list", s.ID, s.Panel)
		}
		seen[s.ID], refs[s.Ref] = true, s.ID
		sum.count(s.Action)
	}
	if sum.Create != p.Summary.Create || sum.Update != p.Summary.Update || sum.Delete != p.Summary.Delete || len(p.Kept) != p.Summary.Kept {
		return fmt.Errorf("its summary does not count its steps and what is kept")
	}
	for _, f := range p.Findings {
		if f.Severity != Warning && f.Severity != Error {
			return fmt.Errorf("the finding %s has the unknown severity %q", f.Code, f.Severity)
		}
	}
	return nil
}

func (s *Step) check(earlier map[string]bool) error {
	switch {
	case s.ID == "":
		return errors.New("it has no id")
	case earlier[s.ID]:
		return errors.New("its id is not the only one")
	case s.Action != Create && s.Action != Update && s.Action != Delete:
		return fmt.Errorf("the action %q is unknown", s.Action)
	case s.Ref != specs.Ref{Panel: s.Panel, Kind: s.Kind, Key: s.Key}:
		return fmt.Errorf("ref %s does not agree with panel, kind and key", s.Ref)
	case (s.Was == AbsentDigest) != (s.Action == Create) || s.Was == "":
		return fmt.Errorf("a %s cannot have been made from %q", s.Action, s.Was)
	case s.Action == Delete && len(s.Changes)+len(s.Secrets) > 0:
		return errors.New("a delete changes no fields")
	}
	if s.Call != nil {
		for _, name := range s.Secrets {
			if _, ok := s.Call.Secrets[name]; !ok {
				return fmt.Errorf("it does not say where the secret %s comes from", name)
			}
		}
	}
	for _, need := range s.Needs {
		if !earlier[need] {
			return fmt.Errorf("it needs %q, which is no earlier step", need)
		}
	}
	return nil
}
