package simpanel

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestPaging: pages make up the list; the account's page size is a bound.
func TestPaging(t *testing.T) {
	p := newPanel(Options{PageSize: 7})
	p.Seed(3, 5)
	for _, tc := range []struct {
		cnt   string
		pages int
	}{{"", 3}, {"1000", 3}, {"4", 4}} {
		var got []string
		for num := 1; num <= tc.pages; num++ {
			n := ask(t, p, "webdomain", "p_num", fmt.Sprint(num), "p_cnt", tc.cnt)
			if total := n.text("p_elems"); total != "15" {
				t.Errorf("p_elems %s, want 15", total)
			}
			if n.text("p_num") != fmt.Sprint(num) {
				t.Errorf("p_num %s, want %d", n.text("p_num"), num)
			}
			got = append(got, n.rows()...)
		}
		if len(got) != 15 || !slices.IsSorted(got) || len(slices.Compact(got)) != 15 {
			t.Errorf("p_cnt=%s: %d pages tell %v, want 15 sorted names", tc.cnt, tc.pages, got)
		}
	}
	if rows := ask(t, p, "webdomain", "p_num", "9").rows(); rows != nil {
		t.Errorf("page 9 tells %v, want nothing", rows)
	}
}

// TestFilters: a saved filter hides rows and their count.
func TestFilters(t *testing.T) {
	p := sample(Options{})
	p.SaveFilter("root", "webdomain", map[string]string{"owner": "bob"})
	for _, tc := range []struct{ filter, name, rows, total string }{
		{"", "", "bob.example.org", "1"},
		{"off", "", "bob.example.org shop.example.com", "2"},
		{"yes", "", "bob.example.org shop.example.com", "2"},
		{"on", "shop", "shop.example.com", "1"},
	} {
		form := []string{"filter", tc.filter, "name", tc.name}
		if tc.filter == "" {
			form = nil
		}
		n := ask(t, p, "webdomain", form...)
		if got := strings.Join(n.rows(), " "); got != tc.rows || n.text("p_elems") != tc.total {
			t.Errorf("filter=%s: %s of %s, want %s of %s", tc.filter, got, n.text("p_elems"), tc.rows, tc.total)
		}
	}
	p.SaveFilter("root", "webdomain", nil)
	if n := len(ask(t, p, "webdomain").rows()); n != 2 {
		t.Errorf("%d rows after the filter was removed, want 2", n)
	}
}

// TestIDN: both spellings name a site; the list prints the one of Options.
func TestIDN(t *testing.T) {
	for _, tc := range []struct {
		list bool
		want string
	}{{false, "xn--e1afmkfd.xn--p1ai"}, {true, "пример.рф"}} {
		p := sample(Options{ListIDN: tc.list})
		n := ask(t, p, "webdomain.edit", "name", "Пример.рф", "aliases", "www.пример.рф", "owner", "alice", "sok", "ok")
		if n.text("id") != tc.want {
			t.Errorf("id %s, want %s", n.text("id"), tc.want)
		}
		if rows := ask(t, p, "webdomain").rows(); !slices.Contains(rows, tc.want) {
			t.Errorf("list %v, want %s in it", rows, tc.want)
		}
		for _, elid := range []string{"xn--e1afmkfd.xn--p1ai", "пример.рф"} {
			form := ask(t, p, "webdomain.edit", "elid", elid)
			if form.text("name") != tc.want || form.text("aliases") != "www."+tc.want {
				t.Errorf("form of %s: %s with %s", elid, form.text("name"), form.text("aliases"))
			}
		}
	}
}

// TestPHPColumns: the list tells PHP for people; which version parameter
// counts follows from the mode, and v5 tells on or off.
func TestPHPColumns(t *testing.T) {
	for _, tc := range []struct {
		gen                   Generation
		fields                map[string]string
		php, version, docroot string
	}{
		{V6, map[string]string{"php_fpm_version": "isp-php83"}, "PHP binary: /opt/php83/bin/php", "8.3.4 (alt)", "/var/www/bob/data/www/bob.example.org"},
		{V6, map[string]string{"php_mode": "php_mode_mod", "php_fpm_version": "isp-php83"}, "PHP binary: /usr/bin/php", "8.2.7 (native)", "/var/www/bob/data/www/bob.example.org"},
		{V6, map[string]string{"php_mode": "php_mode_cgi", "php_cgi_version": "isp-php74", "docroot": "www/x"}, "PHP binary: /opt/php74/bin/php", "7.4.4 (alt)", "/var/www/bob/data/www/x"},
		{V6, map[string]string{"php": "off"}, "", "8.2.7 (native)", "/var/www/bob/data/www/bob.example.org"},
		{V5, map[string]string{"php_fpm_version": "php83"}, "on", "8.3.4 (alt)", "www/bob.example.org"},
		{V5, map[string]string{"php": "off", "docroot": "www/x"}, "off", "8.2.7 (native)", "www/x"},
	} {
		p := sample(Options{Generation: tc.gen})
		p.Put("webdomain", "bob.example.org", tc.fields)
		site := ask(t, p, "webdomain").find("elem")
		if site.text("php") != tc.php || site.text("php_version") != tc.version || site.text("docroot") != tc.docroot {
			t.Errorf("generation %d, %v: %s, %s, %s", tc.gen, tc.fields, site.text("php"), site.text("php_version"), site.text("docroot"))
		}
	}
}
