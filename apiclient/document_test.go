package apiclient

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ispsync/ispsync/specs"
)

// readList reads a document as a list of web domains.
func readList(doc []byte) (*document, []specs.Resource, error) {
	var s scanner
	s.reset(bytes.NewReader(doc), 1<<20)
	r := newRowReader("web1", specs.Builtin().Kind("webdomain"))
	d := &document{rows: r, form: map[string]string{}}
	d.start()
	if _, _, err := s.begin(); err != nil {
		return nil, nil, err
	}
	if err := d.read(&s); err != nil {
		return nil, nil, err
	}
	if r.problem != nil {
		return nil, nil, r.problem
	}
	return d, r.finish(), nil
}

func TestDocument(t *testing.T) {
	for _, c := range []struct {
		why, doc string
		want     document
	}{
		{"the guide's login", `<doc><auth id="abc"/></doc>`, document{bare: true, session: "abc"}},
		{"the recorded login has it twice", `<doc lang="en"><auth id="abc" level="16">abc</auth></doc>`, document{session: "abc"}},
		{"an old login has it as text only", `<doc lang="en"><auth> abc </auth></doc>`, document{session: "abc"}},
		{"done", `<doc lang="en"><id>x</id><ok/><tparams><ok>no</ok></tparams></doc>`, document{ok: true, id: "x"}},
		{"done, in long", `<doc lang="en"><ok></ok></doc>`, document{ok: true}},
		{"done, with a restart to come", "<doc><ok>\n restart </ok></doc>", document{bare: true, ok: true, restart: true}},
		{"a total that is none is not told", `<doc lang="en"><p_elems>many</p_elems></doc>`, document{}},
		{"nothing", `<doc/>`, document{bare: true}},
	} {
		var s scanner
		s.reset(bytes.NewReader([]byte(c.doc)), 1<<20)
		var d document
		d.start()
		if _, _, err := s.begin(); err != nil {
			t.Fatal(err)
		}
		if err := d.read(&s); err != nil {
			t.Errorf("%s: %v", c.why, err)
			continue
		}
		c.want.elems, c.want.page, c.want.pageSize = -1, -1, -1
		d.acc = nil
		if !reflect.DeepEqual(c.want, d) {
			t.Errorf("%s: %s", c.why, cmp.Diff(c.want, d, cmp.AllowUnexported(document{}, errorNode{})))
		}
	}
}

// FuzzDocument: nothing a panel can send makes the reader panic; what is read
// is read the same again; and each resource has a name and sorted fields.
func FuzzDocument(f *testing.F) {
	for _, doc := range []string{
		rows(1, site("a.example.com")), `<doc><elem><name>x</name><php/></elem><elem/></doc>`, `<doc><elem>x</elem></doc>`,
		`<doc lang="en"><error type="value" object="elid"><param name="value">x</param><stack><action level="0">f</action></stack><msg>m</msg></error></doc>`,
		`<doc><elem><name>a</name><name>b</name><owner orig="o">x<y/></owner></elem><p_elems>2</p_elems><ok>restart</ok></doc>`, `<authfail/>`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		d, got, err := readList(doc)
		_, again, errAgain := readList(doc)
		if (err == nil) != (errAgain == nil) || !reflect.DeepEqual(got, again) {
			t.Fatalf("%v, %v", err, errAgain)
		}
		if err != nil {
			return
		}
		if d.elems < -1 || d.page < -1 {
			t.Errorf("%+v", d)
		}
		for _, r := range got {
			if r.Ref.Key == "" && r.Unusable == "" && r.Elid == "" {
				t.Errorf("%+v has no name", r)
			}
			for i := 1; i < len(r.Fields); i++ {
				if r.Fields[i-1].Name >= r.Fields[i].Name {
					t.Errorf("fields are not sorted: %v", r.Fields)
				}
			}
		}
	})
}

// BenchmarkDecode100k is the reading of 100,000 rows alone, without network
// and server.
func BenchmarkDecode100k(b *testing.B) {
	doc := benchmarkList(100_000)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		var s scanner
		s.reset(bytes.NewReader(doc), 1<<30)
		d := &document{rows: newRowReader("web1", specs.Builtin().Kind("webdomain"))}
		d.start()
		if _, _, err := s.begin(); err != nil {
			b.Fatal(err)
		}
		if err := d.read(&s); err != nil {
			b.Fatal(err)
		}
		if n := len(d.rows.finish()); n != 100_000 {
			b.Fatal(n)
		}
	}
}
