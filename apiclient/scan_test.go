package apiclient

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// seen is one event as both readers can tell it.
type seen struct {
	What  string
	Name  string
	Text  string
	Attrs []string
}

// scanAll reads a document with the scanner. Leaves are told as their three
// events and neighbouring texts as one, as encoding/xml would.
func scanAll(r io.Reader, limit int64) ([]seen, error) {
	var s scanner
	s.reset(r, limit)
	if _, _, err := s.begin(); err != nil {
		return nil, err
	}
	var out []seen
	text := func(t []byte) {
		if n := len(out); n > 0 && out[n-1].What == "text" {
			out[n-1].Text += string(t)
		} else if len(t) > 0 {
			out = append(out, seen{What: "text", Text: string(t)})
		}
	}
	for {
		ev, err := s.next()
		if err != nil {
			return out, err
		}
		switch ev {
		case endOfDocument:
			return out, nil
		case startElement:
			e := seen{What: "start", Name: string(s.name)}
			for _, a := range s.attrs {
				e.Attrs = append(e.Attrs, fmt.Sprintf("%s=%s", a.name, a.value))
			}
			out = append(out, e)
		case endElement:
			out = append(out, seen{What: "end", Name: string(s.name)})
		case textRun:
			text(s.text)
		case leafElement:
			name := string(s.name)
			out = append(out, seen{What: "start", Name: name})
			text(s.text)
			out = append(out, seen{What: "end", Name: name})
		}
	}
}

// referenceAll reads the same with encoding/xml, and refuses what our dialect
// has not: a second root and text outside.
func referenceAll(doc []byte) ([]seen, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(doc, []byte("\xEF\xBB\xBF"))))
	var out []seen
	var open []string
	roots := 0
	name := func(n xml.Name) string {
		if n.Space != "" {
			return n.Space + ":" + n.Local
		}
		return n.Local
	}
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			if len(open) > 0 || roots != 1 {
				return nil, errors.New("not one whole document")
			}
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				roots++
			}
			e := seen{What: "start", Name: name(t.Name)}
			for _, a := range t.Attr {
				e.Attrs = append(e.Attrs, name(a.Name)+"="+a.Value)
			}
			out, open = append(out, e), append(open, e.Name)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != name(t.Name) {
				return nil, errors.New("wrong end")
			}
			out, open = append(out, seen{What: "end", Name: name(t.Name)}), open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 {
				continue
			}
			if n := len(out); n > 0 && out[n-1].What == "text" {
				out[n-1].Text += string(t)
			} else if len(t) > 0 {
				out = append(out, seen{What: "text", Text: string(t)})
			}
		case xml.Directive:
			return nil, errors.New("a directive")
		}
	}
}

// TestScanIsEncodingXML is the law of the scanner: whole documents give the
// same events as with encoding/xml, however the reader cuts them.
func TestScanIsEncodingXML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := genDocument(t)
		want, err := referenceAll([]byte(doc))
		if err != nil {
			t.Fatalf("encoding/xml refuses what was generated: %v\n%s", err, doc)
		}
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(doc), "bytes": iotest.OneByteReader(strings.NewReader(doc)),
			"halves": iotest.HalfReader(strings.NewReader(doc)), "eof": iotest.DataErrReader(strings.NewReader(doc)),
		} {
			got, err := scanAll(r, 1<<20)
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, doc)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: -encoding/xml +scanner\n%s\n%s", name, diff, doc)
			}
		}
	})
}

// TestScanCutDocument: no part of a document is a document.
func TestScanCutDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		genElement(t, &b, 0)
		doc := b.String()
		cut := rapid.IntRange(0, len(doc)-1).Draw(t, "cut")
		if _, err := scanAll(strings.NewReader(doc[:cut]), 1<<20); err == nil {
			t.Fatalf("%q was taken for whole", doc[:cut])
		}
	})
}

func genDocument(t *rapid.T) string {
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "\xEF\xBB\xBF", `<?xml version="1.0" encoding="UTF-8"?>` + "\n", "<!-- hello -->", "\n "}).Draw(t, "prolog"))
	genElement(t, &b, 0)
	b.WriteString(rapid.SampledFrom([]string{"", "\n", "<!-- bye -->", "<?pi x?>"}).Draw(t, "epilog"))
	return b.String()
}

func genElement(t *rapid.T, b *strings.Builder, depth int) {
	name := rapid.SampledFrom([]string{"doc", "elem", "name", "p_elems", "a-b.c", "n:s", "Ünï", "x1"}).Draw(t, "name")
	b.WriteString("<" + name)
	for i := range rapid.IntRange(0, 2).Draw(t, "attrs") {
		space := rapid.SampledFrom([]string{" ", "\n\t", "  "}).Draw(t, "space")
		eq := rapid.SampledFrom([]string{"=", " = ", "=\n"}).Draw(t, "eq")
		q := rapid.SampledFrom([]string{`"`, `'`}).Draw(t, "quote")
		fmt.Fprintf(b, "%sa%d%s%s%s%s", space, i, eq, q, genText(t, q), q)
	}
	b.WriteString(rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "space"))
	if rapid.IntRange(0, 4).Draw(t, "empty") == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	for range rapid.IntRange(0, 4).Draw(t, "children") {
		switch k := rapid.IntRange(0, 9).Draw(t, "child"); {
		case k < 4 && depth < 5:
			genElement(t, b, depth+1)
		case k == 4:
			b.WriteString("<![CDATA[" + rapid.SampledFrom([]string{"", "a<b>&amp;", "]]", "x\r\ny", "]]>]]<![CDATA[>"}).Draw(t, "cdata") + "]]>")
		case k == 5:
			b.WriteString("<!--" + rapid.SampledFrom([]string{"", " <a> & ", " - "}).Draw(t, "comment") + "-->")
		case k == 6:
			b.WriteString("<?p " + rapid.SampledFrom([]string{"", "x > y ?"}).Draw(t, "pi") + "?>")
		default:
			b.WriteString(genText(t, ""))
		}
	}
	b.WriteString("</" + name + rapid.SampledFrom([]string{"", " ", "\r\n"}).Draw(t, "space") + ">")
}

func genText(t *rapid.T, quote string) string {
	parts := []string{"", "text", " ", "\n", "\r\n", "\r", "&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#65;", "&#x1F600;", "&#xA;", "&#13;", "пример", "a > b", "a\"b", "a'b", "ünï", ";"}
	out := ""
	for range rapid.IntRange(0, 5).Draw(t, "parts") {
		if p := rapid.SampledFrom(parts).Draw(t, "part"); quote == "" || !strings.Contains(p, quote) {
			out += p
		}
	}
	return out
}

func TestScanRefuses(t *testing.T) {
	big := "<doc><a>" + strings.Repeat("x", maxToken) + "</a></doc>"
	for _, c := range []struct {
		why, doc, says string
		final          bool
	}{
		{"a DTD brings entities that grow without bound", `<!DOCTYPE doc [<!ENTITY a "aaaa">]><doc>&a;</doc>`, "document type", true},
		{"a page of a proxy", `<!doctype HTML><html></html>`, "HTML page", false},
		{"an entity of nobody's", `<doc>&nbsp;</doc>`, "unknown reference", false},
		{"a lone ampersand", `<doc>a & b</doc>`, "&", false},
		{"a number that is no character", `<doc>&#x110000;</doc>`, "wrong reference", false},
		{"an empty number", `<doc>&#;</doc>`, "unknown reference", false},
		{"tags that do not match", `<doc><a></b></doc>`, "<a> is closed by </b>", false},
		{"two roots: half of another answer may be behind", `<doc/><doc/>`, "second document", false},
		{"text behind the root", `<doc/>Notice: something`, "outside", false},
		{"text before the root", `Notice <doc/>`, "outside", false},
		{"a closing tag first", `</doc>`, "not opened", false},
		{"an attribute without quotes", `<doc a=b/>`, "without quotes", false},
		{"an attribute without value", `<doc a></doc>`, "without name or value", false},
		{"< in a tag", `<doc <a/>`, "inside a tag", false},
		{"a tag without name", `<doc><></></doc>`, "no proper name", false},
		{"a name like a number", `<doc><1/></doc>`, "no proper name", false},
		{"another encoding would be read wrongly", `<?xml version="1.0" encoding="windows-1251"?><doc/>`, "windows-1251", true},
		{"nothing nests that deep", strings.Repeat("<a>", maxDepth+1), "nested", true},
		{"a token that would fill the memory", big, "larger than", true},
		{"nothing", ``, "cut off", false},
		{"a root that does not end", `<doc>`, "cut off", false},
		{"CDATA outside", `<![CDATA[x]]><doc/>`, "outside", false},
	} {
		_, err := scanAll(strings.NewReader(c.doc), 1<<30)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want an error that says %q", c.why, err, c.says)
			continue
		}
		var final tooMuch
		if errors.As(err, &final) != c.final {
			t.Errorf("%s: final is %v", c.why, !c.final)
		}
	}
}

func TestScanLimit(t *testing.T) {
	doc := "<doc>" + strings.Repeat("<a>b</a>", 100) + "</doc>"
	if _, err := scanAll(strings.NewReader(doc), int64(len(doc))); err != nil {
		t.Errorf("a body of the size allowed: %v", err)
	}
	var large tooMuch
	if _, err := scanAll(strings.NewReader(doc), int64(len(doc))-1); !errors.As(err, &large) {
		t.Errorf("one byte more: %v", err)
	}
}

// TestScanMemory: memory follows the largest token, not the document.
func TestScanMemory(t *testing.T) {
	var s scanner
	s.reset(io.MultiReader(strings.NewReader("<doc>"), strings.NewReader(strings.Repeat("<elem><name>x</name></elem>", 1<<16)), strings.NewReader("</doc>")), 1<<30)
	if _, _, err := s.begin(); err != nil {
		t.Fatal(err)
	}
	for {
		ev, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		if ev == endOfDocument {
			break
		}
	}
	if len(s.buf) != scanWindow {
		t.Errorf("the buffer grew to %d bytes", len(s.buf))
	}
}

func FuzzScan(f *testing.F) {
	for _, doc := range []string{
		`<?xml version="1.0" encoding="UTF-8"?><doc><elem><name>a</name><active/></elem><p_elems>1</p_elems></doc>`,
		`<doc a='1' b="&lt;"><!-- c --><![CDATA[x]]>y&#10;</doc>`, "<a>\r\n&amp;\r</a>", "<n:a xmlns:n='x'/>", "<doc><?p?></doc>", "\xEF\xBB\xBF<d/>",
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := scanAll(bytes.NewReader(doc), 1<<20)
		cut, cutErr := scanAll(iotest.OneByteReader(bytes.NewReader(doc)), 1<<20)
		if (err == nil) != (cutErr == nil) || err == nil && !cmp.Equal(got, cut) {
			t.Fatalf("it depends on how the reader cuts: %v, %v", err, cutErr)
		}
		if err != nil {
			return
		}
		want, err := referenceAll(doc)
		if err != nil {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("-encoding/xml +scanner\n%s", diff)
		}
	})
}

// benchmarkList is a list of web domains of about the given size, as v6
// panels print it.
func benchmarkList(rows int) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<doc lang="en" func="webdomain" binary="/ispmgr" host="https://web1.example.net:1500">`)
	for i := range rows {
		benchmarkRow(&b, i)
	}
	fmt.Fprintf(&b, `<p_cnt>%d</p_cnt><p_elems>%d</p_elems><p_num>1</p_num></doc>`, rows, rows)
	return b.Bytes()
}

func benchmarkRow(b *bytes.Buffer, i int) {
	fmt.Fprintf(b, `<elem><active>on</active><analyzer>off</analyzer><database orig="db_not_assigned">No database</database>`+
		`<docroot>/var/www/u%05d/data/www/site%06d.example.com</docroot><handler>PHP as FastCGI (Nginx + PHP-FPM)</handler><id>%d</id><ipaddr>192.0.2.10</ipaddr>`+
		`<name>site%06d.example.com</name><owner>u%05d</owner><php>PHP binary: /opt/php83/bin/php</php><php_mode>php_mode_fcgi_nginxfpm</php_mode>`+
		`<php_version>8.3.4 (alt)</php_version><secure>on</secure><ssl_issued_success/><webscript_status/></elem>`, i/10, i, i, i, i/10)
}

// BenchmarkScan reads a list of 40 MB, with the scanner and with encoding/xml.
func BenchmarkScan(b *testing.B) {
	doc := benchmarkList(40 << 20 / len(benchmarkList(1)))
	b.Run("scanner", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		var s scanner
		for b.Loop() {
			s.reset(bytes.NewReader(doc), 1<<30)
			if _, _, err := s.begin(); err != nil {
				b.Fatal(err)
			}
			for {
				ev, err := s.next()
				if err != nil {
					b.Fatal(err)
				}
				if ev == endOfDocument {
					break
				}
			}
		}
	})
	b.Run("encoding_xml", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			d := xml.NewDecoder(bytes.NewReader(doc))
			for {
				if _, err := d.RawToken(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
