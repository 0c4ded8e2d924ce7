package specs

import (
	"testing"
	"testing/quick"
)

// The law of canonicalisers: canonical text stays as it is, and what a panel
// tells and what a person writes meet in one value.
func FuzzCanon(f *testing.F) {
	for _, s := range []string{"", "on", "10 GiB", "Пример.РФ", "xn--e1afmkfd.xn--p1ai", "WWW.Example.COM.", "::FFFF:192.0.2.1", "2001:DB8::1",
		"/var/www/alice/data/www/x/", "a b  c", "Info@Пример.рф", "İstanbul.com", "ß.de", "*._dmarc.x", "-1", "9223372036854775807 TiB", "a\x00b", "\xff", "ǅ", "a,b;c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name := range canons {
			c, _ := canonByName(name)
			v, err := c.Parse(s)
			if err == nil {
				again, err := c.Parse(v.Items()...)
				if v.IsEmpty() {
					again, err = c.Parse("")
				}
				if err != nil || again != v {
					t.Errorf("%s: %q became %v, and that became %v (%v)", name, s, v, again, err)
				}
			}
			told := c.FromPanel(s)
			if err == nil && c.typ != ListType && told != v {
				t.Errorf("%s: %q is %v in a spec and %v from a panel", name, s, v, told)
			}
		}
	})
}

func TestCanonMeaning(t *testing.T) {
	for _, tc := range []struct{ canon, a, b, why string }{
		{"host", "Пример.РФ", "xn--e1afmkfd.xn--p1ai", "IDN and punycode are one name"},
		{"host", "Example.COM.", "example.com", "case and the final dot mean nothing"},
		{"fqdn", "ns1.example.net", "NS1.example.net.", "name servers are absolute"},
		{"bool", "on", "true", "the panel's word and YAML's"},
		{"bool", "", "off", "a cleared check box is off"},
		{"size_mib", "10 GiB", "10240", "the panel counts MiB"},
		{"size_mib", "1T", "1048576 MB", "units in any spelling"},
		{"ip", "::ffff:192.0.2.1", "192.0.2.1", "a mapped address is the address"},
		{"docroot", "/var/www/alice/data/www/shop", "www/shop", "listed absolute, set relative"},
		{"docroot", "www/shop/", "www/shop", "the final slash means nothing"},
		{"email", "Info@Example.COM", "info@example.com", "mail addresses are compared without case"},
		{"int", " 007", "7", "numbers are numbers"},
	} {
		c, _ := canonByName(tc.canon)
		a, errA := c.Parse(tc.a)
		b, errB := c.Parse(tc.b)
		if errA != nil || errB != nil || a != b {
			t.Errorf("%s: %q is %v (%v), %q is %v (%v): %s", tc.canon, tc.a, a, errA, tc.b, b, errB, tc.why)
		}
	}
}

func TestCanonSets(t *testing.T) {
	c, _ := canonByName("host_set")
	spec, err := c.Parse("www.b.org", "A.org", "www.b.org")
	if err != nil {
		t.Fatal(err)
	}
	if told := c.FromPanel("www.B.org a.org"); told != spec {
		t.Errorf("the panel's list is %v, the spec's %v", told, spec)
	}
	ordered, _ := canonByName("words")
	ab, _ := ordered.Parse("a", "b")
	ba, _ := ordered.Parse("b", "a")
	if ab == ba {
		t.Error("the order of a list without set must count")
	}
}

func TestCanonRefuses(t *testing.T) {
	for _, tc := range []struct{ canon, in string }{
		{"host", "exa mple.com"}, {"host", "a..b"}, {"host", "a\nb"}, {"bool", "maybe"}, {"int", "ten"}, {"int", "1.5"},
		{"size_mib", "10 parsecs"}, {"size_mib", "9223372036854775807 TiB"}, {"ip", "1.2.3"}, {"ip", "fe80::1%eth0"}, {"email", "info"}, {"word", "a b"}, {"text", "a\x1b[31m"},
	} {
		c, _ := canonByName(tc.canon)
		if v, err := c.Parse(tc.in); err == nil {
			t.Errorf("%s took %q as %v", tc.canon, tc.in, v)
		}
	}
}

// What the row writes, the panel tells back.
func TestToPanelAndBack(t *testing.T) {
	for name := range canons {
		c, _ := canonByName(name)
		row := &FieldRow{Canon: c}
		law := func(s string) bool {
			v, err := c.Parse(s)
			return err != nil || c.FromPanel(row.ToPanel(v)) == v
		}
		if err := quick.Check(law, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
