package apiclient

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// listed is the listing of a kind after one snapshot.
func listed(t testing.TB, c *Client, w specs.Want) specs.Listing {
	t.Helper()
	state, err := c.Snapshot(t.Context(), []specs.Want{w})
	if err != nil {
		t.Fatal(err)
	}
	l, ok := state.Listing(w.Kind.Name)
	if !ok || state.Complete(w.Kind.Name) != (l.Err == nil) || l.Err != nil && len(l.Resources) > 0 {
		t.Fatalf("the state says neither all nor nothing: %+v", l)
	}
	return l
}

// TestDoubtfulLists: a list that may not be whole is read a second time, and
// then there are no resources, only the reason.
func TestDoubtfulLists(t *testing.T) {
	a, b, c := site("a.example.com"), site("b.example.com"), site("c.example.com")
	page := func(total, size, num int, elems ...string) string {
		return fmt.Sprintf(`<doc lang="en">%s<p_cnt>%d</p_cnt><p_elems>%d</p_elems><p_num>%d</p_num></doc>`, strings.Join(elems, ""), size, total, num)
	}
	for _, x := range []struct {
		why, says string
		answer    func(page, n int) string
		calls     int
	}{
		{"fewer rows than announced, and no more pages", "announced 3 rows and sent 2", func(p, _ int) string {
			if p == 1 {
				return page(3, 2, 1, a, b)
			}
			return page(3, 2, 2)
		}, 4},
		{"more rows than announced", "announced 1 rows and sent 2", func(int, int) string { return page(1, 1000, 1, a, b) }, 2},
		{"the total after the rows is read too", "announced 1 rows and sent 2", func(int, int) string {
			return `<doc lang="en"><p_num>1</p_num>` + a + b + `<p_elems> 1 </p_elems></doc>`
		}, 2},
		{"a page that begins again", "announced 6 rows, and page 2 begins as one before it", func(p, _ int) string { return page(6, 2, p, a, b) }, 4},
		{"the panel knows no pages and sends the first", "page 2 was asked for and the panel sent page 1", func(int, int) string { return page(4, 2, 1, a, b) }, 4},
		{"the total changes while we read", "announced 3 rows and on page 2 4", func(p, _ int) string {
			if p == 1 {
				return page(3, 2, 1, a, b)
			}
			return page(4, 2, 2, c)
		}, 4},
		{"a full page without a total may be the first of many", "did not announce", func(int, int) string { return `<doc lang="en">` + a + b + `<p_cnt>2</p_cnt></doc>` }, 2},
		{"a row without its key", "row 2 has no name", func(int, int) string { return page(2, 1000, 1, a, "<elem><owner>bob</owner></elem>") }, 2},
		{"a row with an empty key", "row 1 has no name", func(int, int) string { return page(1, 1000, 1, "<elem><name/></elem>") }, 2},
		{"an empty row", "row 2 has no name", func(int, int) string { return page(2, 1000, 1, a, "<elem></elem>") }, 2},
		{"one name twice", "web1/webdomain/a.example.com is there twice", func(int, int) string { return page(3, 1000, 1, a, b, a) }, 2},
		{"one name in two spellings", "is there twice", func(int, int) string {
			return page(2, 1000, 1, site("XN--E1AFMKFD.example.com"), site("пример.example.com"))
		}, 2},
	} {
		t.Run(x.why, func(t *testing.T) {
			c, s := scripted(t, func(fn string, n int, form url.Values) (int, string) {
				if fn != "webdomain" {
					return 0, ""
				}
				p, _ := strconv.Atoi(form.Get("p_num"))
				return 200, x.answer(max(p, 1), n)
			})
			l := listed(t, c, webdomains())
			e := asError(t, l.Err)
			if !strings.Contains(e.Error(), x.says) || e.Type != typeListing || !strings.HasPrefix(e.Error(), "panel web1: webdomain: ") {
				t.Errorf("got %v, want it to say %q", e, x.says)
			}
			if n := len(s.calls("webdomain")); n != x.calls {
				t.Errorf("%d calls, want %d: the list is read twice, no more", n, x.calls)
			}
		})
	}
}

// TestDoubtIsDispelled: the second reading of a list that changed meanwhile
// is believed, and only that.
func TestDoubtIsDispelled(t *testing.T) {
	c, s := scripted(t, func(fn string, n int, _ url.Values) (int, string) {
		if fn != "webdomain" {
			return 0, ""
		}
		if n == 1 {
			return 200, rows(1, site("a.example.com"), site("b.example.com"))
		}
		return 200, rows(2, site("c.example.com"), site("b.example.com"))
	})
	l := listed(t, c, webdomains())
	if l.Err != nil || len(l.Resources) != 2 || l.Resources[1].Ref.Key != "c.example.com" {
		t.Errorf("%+v", l)
	}
	for _, form := range s.calls("webdomain") {
		if form.Get("filter") != "off" || form.Get("out") != "xml" || form.Get("lang") != "en" || form.Get("auth") != "session1" || form.Has("sok") {
			t.Errorf("asked %v", form)
		}
	}
}

// TestListErrorFailsTheKind: an error node, wherever it stands, fails the kind
// and no other.
func TestListErrorFailsTheKind(t *testing.T) {
	c, _ := scripted(t, func(fn string, _ int, _ url.Values) (int, string) {
		switch fn {
		case "webdomain":
			return 200, `<doc lang="en">` + site("a.example.com") + `<error type="access" object="webdomain"><msg>No</msg></error></doc>`
		case "user":
			return 200, rows(1, `<elem><name>alice</name></elem>`)
		}
		return 0, ""
	})
	state, err := c.Snapshot(t.Context(), []specs.Want{webdomains(), {Kind: specs.Builtin().Kind("user")}})
	if err != nil {
		t.Fatal(err)
	}
	if l, _ := state.Listing("webdomain"); l.Err == nil || len(l.Resources) != 0 || asError(t, l.Err).Type != "access" {
		t.Errorf("webdomain: %+v", l)
	}
	if !state.Complete("user") || state.Find("user", "alice") == nil {
		t.Error("user is not there")
	}
}

// TestListsAreWholeOrNothing is the law (contract section 6, promise 3):
// whatever goes wrong on the way, a listing is exactly what the panel has, or
// it is not there at all.
func TestListsAreWholeOrNothing(t *testing.T) {
	faults := []simpanel.Fault{
		"", simpanel.ShortList, simpanel.NoTotal, simpanel.RepeatPage, simpanel.ErrorInList, simpanel.DuplicateRows, simpanel.OrigCells,
		simpanel.Cut, simpanel.CutConnection, simpanel.DropBefore, simpanel.DropAfter, simpanel.BadGateway, simpanel.ServerError,
		simpanel.RequestFailed, simpanel.ForgetSession, simpanel.EntityBomb, simpanel.DeepNesting, simpanel.Unavailable, simpanel.Slow,
	}
	whole := 0
	rapid.Check(t, func(rt *rapid.T) {
		users, sites := rapid.IntRange(0, 4).Draw(rt, "users"), rapid.IntRange(0, 5).Draw(rt, "sites")
		gen := rapid.SampledFrom([]simpanel.Generation{simpanel.V6, simpanel.V5, simpanel.V4}).Draw(rt, "generation")
		faults, pageSize := faults, rapid.SampledFrom([]int{0, 1, 2, 3, 7}).Draw(rt, "page size")
		if gen == simpanel.V4 {
			// v4 announces no total, so nobody could tell; and it has no pages.
			pageSize = 0
			faults = slices.DeleteFunc(slices.Clone(faults), func(f simpanel.Fault) bool { return f == simpanel.ShortList || f == simpanel.NoTotal })
		}
		sim := simpanel.New(simpanel.Options{
			Password: testPassword, PageSize: pageSize, Generation: gen,
			ListIDN: rapid.Bool().Draw(rt, "idn"), Seed: rapid.Uint64().Draw(rt, "seed"),
		})
		sim.Seed(users, sites)
		sim.Put("webdomain", "xn--e1afmkfd.example.com", map[string]string{"owner": "u00001"})
		sim.SaveFilter("root", "webdomain", map[string]string{"name": "site00001"})
		plan := rapid.SliceOfN(rapid.SampledFrom(faults), 0, 12).Draw(rt, "faults")
		sim.SetFaults(simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
			if c.Func != "webdomain" || c.OfFunc > len(plan) {
				return ""
			}
			return plan[c.OfFunc-1]
		}})
		var state *specs.State
		synctest.Test(t, func(t *testing.T) {
			p, o, _ := serve(t, sim)
			// An error is about the panel as a whole: then there is no state.
			state, _ = client(t, p, o).Snapshot(t.Context(), oneWant())
		})
		for _, call := range sim.Calls() {
			if call.Write || call.SecretInURL {
				rt.Fatalf("a read sent %+v", call)
			}
		}
		if state == nil || !state.Complete("webdomain") {
			if len(plan) == 0 {
				rt.Fatal("nothing went wrong, and there is no listing")
			}
			return
		}
		whole++
		var got, want []string
		for _, r := range state.Resources("webdomain") {
			owner, _ := r.Fields.Get("owner")
			got = append(got, r.Ref.Key+" of "+owner.String())
		}
		for key, f := range sim.Snapshot()["webdomain"] {
			want = append(want, key+" of "+f["owner"])
		}
		if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
			rt.Fatalf("a listing that is neither whole nor nothing: -panel +listing\n%s", diff)
		}
	})
	if whole == 0 {
		t.Error("no listing was ever believed: the law says nothing")
	}
}

// TestOneListPerKind: promise 2 in numbers: one login, one list per kind, one
// more per further page.
func TestOneListPerKind(t *testing.T) {
	c, sim := simulated(t, simpanel.Options{PageSize: 4})
	sim.Seed(2, 5) // 10 sites on 3 pages, 2 users on one
	sim.SeedZones(1, 1)
	wants := []specs.Want{webdomains(), {Kind: specs.Builtin().Kind("user")}, {Kind: specs.Builtin().Kind("domain")}}
	state, err := c.Snapshot(t.Context(), wants)
	if err != nil || state.Len() != 13 {
		t.Fatalf("%d resources: %v", state.Len(), err)
	}
	want := map[string]int{"auth": 1, "webdomain": 3, "user": 1, "domain": 1}
	if diff := cmp.Diff(want, sim.Counts()); diff != "" || c.Requests() != 6 {
		t.Errorf("%d requests\n%s", c.Requests(), diff)
	}
	if _, err := c.Snapshot(t.Context(), wants); err != nil || c.Requests() != 11 {
		t.Errorf("again: %d requests, %v", c.Requests(), err)
	}
}

func TestHostilePanels(t *testing.T) {
	for _, f := range []simpanel.Fault{simpanel.EntityBomb, simpanel.DeepNesting, simpanel.Endless} {
		s := simpanel.New(simpanel.Options{Password: testPassword, Faults: simpanel.Faults{Hook: func(c simpanel.Call) simpanel.Fault {
			if c.Func == funcAuth {
				return ""
			}
			return f
		}}})
		p, o, _ := serve(t, s)
		o.MaxBody = 1 << 20
		c := client(t, p, o)
		_, err := c.Snapshot(t.Context(), oneWant())
		if e := asError(t, err); e.Type != typeDocument || e.Retryable() || c.Requests() != 2 {
			t.Errorf("%s: %d requests, %v", f, c.Requests(), err)
		}
	}
}
