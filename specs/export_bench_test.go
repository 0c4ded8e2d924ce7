package specs

import (
	"fmt"
	"io"
	"testing"
)

// BenchmarkExport exports 10,000 sites and 10,000 records of one panel, once read.
func BenchmarkExport(b *testing.B) {
	sites, records := Builtin().Kind("webdomain"), Builtin().Kind("domain.record")
	zone := Text("example.com")
	st := NewState("web1")
	var rs, recs []Resource
	for i := range 10_000 {
		rs = append(rs, Resource{Ref: Ref{"web1", "webdomain", fmt.Sprintf("s%05d.example.com", i)}, Fields: Fields{{"active", Bool(true)}, {"comment", Text(fmt.Sprint("no. ", i))},
			{"docroot", Text(fmt.Sprintf("www/s%05d.example.com", i))}, {"owner", Text("alice")}, {"php_mode", Text("php_mode_cgi")}}})
		recs = append(recs, Resource{Ref: Ref{"web1", "domain.record", fmt.Sprintf("s%05d.example.com. A  192.0.2.1", i)}, Parent: "example.com",
			Fields: Fields{{"plid", zone}, {"rtype", Text("a")}, {"ttl", Number(3600)}}})
	}
	st.Set("webdomain", rs)       //nolint:errcheck // no doubles
	st.Set("domain.record", recs) //nolint:errcheck // no doubles
	b.ReportAllocs()
	for b.Loop() {
		x := NewExporter(ExportOptions{Catalog: Builtin(), Panels: []string{"web1"}})
		for i := range rs {
			r, rec := rs[i], recs[i]
			x.Slim("web1", sites, &r)
			x.Slim("web1", records, &rec)
		}
		x.Add(Panel{Name: "web1"}, st, nil)
		e := x.Finish()
		if err := e.WriteDocument(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
