package specs

import (
	"io"

	"gopkg.in/yaml.v3"
)

// rowText is a row in the order and form that `kinds:` takes.
type rowText struct {
	Doc          string                `yaml:"doc,omitempty"`
	Sure         string                `yaml:"sure,omitempty"`
	List         string                `yaml:"list,omitempty"`
	Edit         string                `yaml:"edit"`
	Delete       string                `yaml:"delete"`
	Suspend      string                `yaml:"suspend,omitempty"`
	Resume       string                `yaml:"resume,omitempty"`
	ListParams   map[string]string     `yaml:"list_params,omitempty"`
	DeleteParams map[string]string     `yaml:"delete_params,omitempty"`
	Key          keyText               `yaml:"key"`
	Create       map[string]string     `yaml:"create,omitempty"`
	CreateFunc   string                `yaml:"create_func,omitempty"`
	Async        *asyncText            `yaml:"async,omitempty"`
	Owner        string                `yaml:"owner,omitempty"`
	Parent       *parentText           `yaml:"parent,omitempty"`
	Su           string                `yaml:"su,omitempty"`
	Login        bool                  `yaml:"login,omitempty"`
	KeyRefers    map[string]string     `yaml:"key_refers,omitempty"`
	Optional     bool                  `yaml:"optional,omitempty"`
	Unloads      bool                  `yaml:"unloads,omitempty"`
	Dialects     map[int]dialectText   `yaml:"dialects,omitempty"`
	Brings       []string              `yaml:"brings,omitempty,flow"`
	TakesWithIt  []string              `yaml:"takes_with_it,omitempty,flow"`
	Meters       []string              `yaml:"meters,omitempty,flow"`
	Offered      map[string]string     `yaml:"offered,omitempty,flow"`
	Builtin      string                `yaml:"builtin,omitempty"`
	Probe        string                `yaml:"probe,omitempty"`
	Fields       map[string]*fieldText `yaml:"fields,omitempty"`
}

type keyText struct {
	Param   string   `yaml:"param"`
	Column  []string `yaml:"column,flow"`
	Elid    string   `yaml:"elid,omitempty"`
	Canon   string   `yaml:"canon"`
	Compose string   `yaml:"compose,omitempty"`
	Live    string   `yaml:"live,omitempty"`
	Max     int      `yaml:"max,omitempty"`
	Unique  bool     `yaml:"unique"`
	Doc     string   `yaml:"doc,omitempty"`
	Example string   `yaml:"example,omitempty"`
}

type asyncText struct {
	Column string   `yaml:"column,omitempty"`
	Busy   []string `yaml:"busy,omitempty,flow"`
	Failed []string `yaml:"failed,omitempty,flow"`
	Wait   string   `yaml:"wait"`
}

type parentText struct {
	Kind  string `yaml:"kind"`
	Field string `yaml:"field"`
	Param string `yaml:"param"`
}

type fieldText struct {
	Doc        string            `yaml:"doc,omitempty"`
	Sure       string            `yaml:"sure,omitempty"`
	Param      string            `yaml:"param"`
	Read       ReadFrom          `yaml:"read"`
	Column     []string          `yaml:"column,omitempty,flow"`
	Form       string            `yaml:"form,omitempty"`
	Canon      string            `yaml:"canon"`
	Separator  string            `yaml:"separator,omitempty"`
	Refers     string            `yaml:"refers,omitempty"`
	Names      string            `yaml:"names,omitempty"`
	Offered    string            `yaml:"offered,omitempty"`
	Bounds     string            `yaml:"bounds,omitempty"`
	MappedAs   []string          `yaml:"mapped_as,omitempty,flow"`
	With       map[string]string `yaml:"with,omitempty,flow"`
	KeyPart    bool              `yaml:"key_part,omitempty"`
	Required   bool              `yaml:"required,omitempty"`
	CreateOnly bool              `yaml:"create_only,omitempty"`
	Secret     bool              `yaml:"secret,omitempty"`
	Confirm    string            `yaml:"confirm,omitempty"`
	Toggle     bool              `yaml:"toggle,omitempty"`
	Default    *string           `yaml:"default,omitempty"`
	Derived    string            `yaml:"derived,omitempty"`
	Values     []string          `yaml:"values,omitempty,flow"`
	Example    string            `yaml:"example,omitempty"`
}

// WriteKinds writes rows as a `kinds:` section: what it writes can be read
// back by a spec.
func WriteKinds(w io.Writer, rows ...*Kind) error {
	out := map[string]map[string]rowText{"kinds": {}}
	for _, k := range rows {
		out["kinds"][k.Name] = textOfRow(k)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(out); err != nil {
		return err
	}
	return enc.Close()
}

func textOfRow(k *Kind) rowText {
	t := rowText{
		Doc: k.Doc, Sure: k.Sure, List: k.List, Edit: k.Edit, Delete: k.Delete, Suspend: k.Suspend, Resume: k.Resume,
		ListParams: k.ListParams, DeleteParams: k.DeleteParams, Owner: k.Owner, Su: k.Su, Login: k.Login,
		Brings: k.Brings, TakesWithIt: k.TakesWithIt, Meters: k.Meters,
		Key: keyText{Param: k.Key.Param, Column: k.Key.Columns, Elid: k.Key.Elid, Canon: k.Key.Canon.name,
			Compose: k.Key.Compose, Live: k.Key.Live, Max: k.Key.Max, Unique: k.Key.Unique, Doc: k.Key.Doc, Example: k.Key.Example},
		Fields: map[string]*fieldText{},
	}
	if len(k.Create) > 0 {
		t.Create = map[string]string{}
		for _, p := range k.Create {
			t.Create[p.Name] = p.expr
		}
	}
	t.CreateFunc, t.Optional, t.Unloads, t.Offered, t.Builtin, t.Probe = k.CreateFunc, k.Optional, k.Unloads, k.Offered, k.Builtin, k.Probe
	if len(k.Dialects) > 0 {
		t.Dialects = textOfDialects(k.Dialects)
	}
	for _, r := range k.KeyRefers {
		if t.KeyRefers == nil {
			t.KeyRefers = map[string]string{}
		}
		t.KeyRefers[r.Kind] = r.expr
	}
	if a := k.Async; a != nil {
		t.Async = &asyncText{a.Column, a.Busy, a.Failed, a.Wait.String()}
	}
	if k.Parent != nil {
		t.Parent = &parentText{k.Parent.Kind, k.Parent.Field, k.Parent.Param}
	}
	for _, f := range k.Fields {
		t.Fields[f.Name] = textOfField(f)
	}
	return t
}

func textOfField(f *FieldRow) *fieldText {
	t := &fieldText{
		Doc: f.Doc, Sure: f.Sure, Param: f.Param, Read: f.Read, Canon: f.Canon.name, Separator: f.Separator, Refers: f.Refers,
		Names: f.Names, Offered: f.Offered, Bounds: f.Bounds, MappedAs: f.MappedAs, With: f.With,
		KeyPart: f.KeyPart, Required: f.Required, CreateOnly: f.CreateOnly, Secret: f.Secret, Confirm: f.Confirm, Toggle: f.Toggle,
		Derived: f.Derived, Values: f.Values, Example: f.Example,
	}
	if f.Read == FromList {
		t.Column = f.Columns
	}
	if f.Form != f.Param {
		t.Form = f.Form
	}
	if !f.Default.IsAbsent() {
		s := f.Default.String()
		t.Default = &s
	}
	return t
}
