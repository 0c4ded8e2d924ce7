package panellog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/specs"
)

const panels = "panels: [{name: web1, url: 'https://web1.example.net/', auth: {username: root, password: \"${secret.env('P')}\"}}]\n"

// load reads what Convert wrote, with a panel for it.
func load(t testingT, text string) *specs.State {
	t.Helper()
	spec, err := specs.Load(specs.Options{Paths: []string{"-"}, Stdin: strings.NewReader(panels + text)})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return spec.Desired("web1")
}

// body is a spec without the comments on top.
func body(s string) string {
	for strings.HasPrefix(s, "#") {
		_, s, _ = strings.Cut(s, "\n")
	}
	return s
}

func TestSpec(t *testing.T) {
	for _, c := range []struct {
		why     string
		queries []string
		want    string
		notes   []string
	}{
		{"nothing", nil, "resources: {}\n", nil},
		{"a create, fields by parameter, in the forms of a spec",
			[]string{"func=webdomain.edit&name=Shop.Example.com&owner=alice&aliases=www.shop.example.com%20b.example.com&secure=on&php=off&ssl_port=443&email=&sok=ok"}, `resources:
  webdomain:
    - name: shop.example.com
      aliases: [b.example.com, www.shop.example.com]
      owner: alice
      php: false
      secure: true
      ssl_port: 443
`, nil},
		{"an edit clears what it sends empty",
			[]string{"func=webdomain.edit&elid=a.example.com&name=a.example.com&aliases=&comment=&email=a%40b.de&sok=ok"}, `resources:
  webdomain:
    - name: a.example.com
      aliases: []
      comment: ""
      email: a@b.de
`, nil},
		{"create, edit, suspend, resume, suspend are one entry",
			[]string{"func=webdomain.edit&name=a.example.com&owner=alice&comment=one&sok=ok", "func=webdomain.suspend&elid=a.example.com", "func=webdomain.resume&elid=a.example.com",
				"func=webdomain.edit&elid=a.example.com&comment=two&sok=ok", "func=webdomain.suspend&elid=a.example.com"}, `resources:
  webdomain:
    - name: a.example.com
      active: false
      comment: two
      owner: alice
`, nil},
		{"create, then delete", []string{"func=domain.edit&name=a.example.com&owner=alice&sok=ok", "func=domain.delete&elid=a.example.com"}, `resources:
  domain:
    - name: a.example.com
      ensure: absent
`, nil},
		{"delete, then create: nothing of the first remains",
			[]string{"func=domain.edit&name=a.example.com&email=a%40b.de&sok=ok", "func=domain.delete&elid=a.example.com", "func=domain.edit&name=a.example.com&ip=192.0.2.1&sok=ok"}, `resources:
  domain:
    - name: a.example.com
      ip: [192.0.2.1]
`, nil},
		{"several deleted at once, through the form that asks", []string{"func=webdomain.delete.confirm&elid=a.example.com%2C%20b.example.com&remove_directory=on&sok=ok"}, `resources:
  webdomain:
    # not in the catalog: remove_directory=on
    - name: a.example.com
      ensure: absent
    # not in the catalog: remove_directory=on
    - name: b.example.com
      ensure: absent
`, nil},
		{"masked secrets become references, one variable each",
			[]string{"func=user.edit&name=a-b&passwd=*&confirm=*&sok=ok", "func=user.edit&name=a_b&passwd=hunter2&confirm=hunter2&sok=ok"}, `resources:
  user:
    - name: a-b
      passwd: "${secret.env('USER_A_B_PASSWD')}"
    - name: a_b
      passwd: "${secret.env('USER_A_B_PASSWD_2')}"
`, []string{"1: user a-b: the log hides passwd; put it in the environment as USER_A_B_PASSWD", "2: user a_b: the log hides passwd; put it in the environment as USER_A_B_PASSWD_2"}},
		{"what the catalog does not know is kept as a comment",
			[]string{"func=user.edit&name=alice&newthing=a%20b&secret_thing=x&limit_db=many&sok=ok"}, `resources:
  user:
    # not in the catalog: newthing="a b", secret_thing=*, limit_db=many
    - name: alice
`, []string{"1: user.edit: the catalog has no field for secret_thing", `1: user.edit: limit_db: "many" is not a whole number; it is left out`}},
		{"a rename is told", []string{"func=webdomain.edit&name=old.example.com&owner=alice&sok=ok", "func=webdomain.edit&elid=old.example.com&name=new.example.com&php=on&sok=ok"}, `resources:
  webdomain:
    # renamed from old.example.com: ispsync does not rename, so on a panel that has the old one rename it first
    - name: new.example.com
      owner: alice
      php: true
`, []string{"2: webdomain.edit: webdomain new.example.com was renamed from old.example.com"}},
		{"the same name written in two ways is no rename", []string{"func=webdomain.edit&elid=xn--e1afmkfd.example.com&name=%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.Example.com&php=on&sok=ok"}, `resources:
  webdomain:
    - name: xn--e1afmkfd.example.com
      php: true
`, nil},
		{"a record is its value: another value is another record", []string{"func=domain.record.edit&elid=www.a.org.%20A%20%20192.0.2.1&plid=a.org&name=www&rtype=a&ip=192.0.2.2&ttl=60&sok=ok"}, `resources:
  domain.record:
    - name: www
      ensure: absent
      plid: a.org
      rtype: a
      value: 192.0.2.1
    - name: www
      plid: a.org
      rtype: a
      ttl: 60
      value: 192.0.2.2
`, nil},
		{"with another's rights", []string{"func=webdomain.edit&name=a.example.com&su=alice&sok=ok"}, `resources:
  webdomain:
    - name: a.example.com
      su: alice
`, nil},
		{"made in a session of one's own", []string{"func=webdomain.edit&name=a.example.com&sok=ok"}, `resources:
  webdomain:
    - name: a.example.com
      owner: root
`, nil},
		{"a job: the session's account, and the number of an edit before", []string{"func=scheduler.edit&elid=5&description=nightly&command=true&input_dmonth=*&sok=ok", "func=scheduler.suspend&elid=5%2C%206"}, `resources:
  scheduler:
    - name: nightly
      su: root
      active: false
      command: "true"
      input_dmonth: '*'
`, []string{`2: scheduler.suspend: which scheduler elid="6" means cannot be told`}},
		{"an account takes along what it owned", []string{"func=user.edit&name=alice&sok=ok", "func=webdomain.edit&name=a.example.com&owner=alice&sok=ok", "func=webdomain.edit&name=b.example.com&owner=bob&sok=ok", "func=user.delete&elid=alice", "func=user.edit&name=alice&sok=ok"}, `resources:
  user:
    - name: alice
  webdomain:
    # went with user alice
    - name: a.example.com
      ensure: absent
    - name: b.example.com
      owner: bob
`, nil},
		{"a delete that cannot have happened", []string{"func=user.delete&elid=alice", "func=webdomain.edit&name=a.example.com&owner=alice&sok=ok"}, `resources:
  webdomain:
    - name: a.example.com
      owner: alice
`, []string{"1: user alice was deleted, but webdomain a.example.com refers to it after that; the delete is left out"}},
		{"suspended after it was deleted", []string{"func=user.delete&elid=alice", "func=user.suspend&elid=alice"}, `resources:
  user:
    - name: alice
      ensure: absent
`, []string{"2: user.suspend: user alice was deleted before"}},
		{"functions of no kind", []string{"func=feature.edit&elid=a&sok=ok", "func=feature.edit&elid=b&sok=ok"}, "resources: {}\n",
			[]string{"1: feature.edit: no kind of the catalog has this function (2 times in the log)"}},
		{"the names of newer panels", []string{"func=site.edit&site_name=a.example.com&site_owner=alice&site_aliases=b.example.com&site_php_enable=on&site_ipsrc_inaccess=&lp_db_source=x&sok=ok"}, `resources:
  webdomain:
    # not in the catalog: lp_db_source=x
    - name: a.example.com
      aliases: [b.example.com]
      owner: alice
      php_enable: true
`, nil},
		{"and of old ones", []string{"func=wwwdomain.edit&name=a.example.com&owner=alice&alias=b.example.com&sok=ok", "func=wwwdomain.disable&elid=a.example.com"}, `resources:
  webdomain:
    - name: a.example.com
      active: false
      aliases: [b.example.com]
      owner: alice
`, nil},
		{"a template in a value stays text", []string{"func=user.edit&name=alice&fullname=%24%7Bsecret.env%28%27X%27%29%7D&sok=ok"}, `resources:
  user:
    - name: alice
      fullname: $${secret.env('X')}
`, nil},
		{"names that no entry can have", []string{"func=user.edit&name=a%20b&sok=ok", "func=user.edit&name=&sok=ok", "func=user.delete&elid=%1B"}, "resources: {}\n",
			[]string{"1: user.edit: which user it means cannot be told", "2: user.edit: which user", `3: user.delete: which user elid="\x1b" means`}},
	} {
		out, notes := convert(t, Spec, "", c.queries...)
		if d := cmp.Diff(c.want, body(out)); d != "" {
			t.Errorf("%s: %s", c.why, d)
		}
		load(t, out)
		if strings.Contains(out+strings.Join(notes, ""), "hunter2") {
			t.Errorf("%s: a secret is told", c.why)
		}
		if len(notes) != len(c.notes) {
			t.Errorf("%s: notes %q", c.why, notes)
			continue
		}
		for i := range notes {
			if !strings.HasPrefix(notes[i], c.notes[i]) {
				t.Errorf("%s: note %q, want %q", c.why, notes[i], c.notes[i])
			}
		}
	}
}

// sample is a parameter of an edit with the value a spec has for it.
type sample struct {
	field, param, text string
	value              specs.Value
}

// samples are the plain fields of a kind with their documented examples.
func samples(k *specs.Kind) []sample {
	var out []sample
	for _, f := range k.Fields {
		if f.Secret || f.Toggle || f.Refers != "" || f.Name == k.Owner {
			continue
		}
		for _, text := range append([]string{f.Example}, f.Values...) {
			if v, err := f.FromParam(text); err == nil {
				out = append(out, sample{f.Name, f.Param, f.ToPanel(v), v})
			}
		}
	}
	return out
}

// wanted is one resource of the model below.
type wanted struct {
	absent bool
	fields map[string]specs.Value
}

// The law: whatever was done, in whatever order, what Convert writes loads and
// means what a panel would have in the end, field by field.
func TestSpecMeansWhatWasDone(t *testing.T) {
	kinds := map[string]string{"user": "u%d", "webdomain": "s%d.example.com", "domain": "z%d.example.org", "preset": "p%d"}
	choices := map[string][]sample{}
	for kind := range kinds {
		choices[kind] = samples(specs.Builtin().Kind(kind))
	}
	names := slices.Sorted(maps.Keys(kinds))
	rapid.Check(t, func(t *rapid.T) {
		model := map[string]map[string]*wanted{}
		var queries []string
		for range rapid.IntRange(0, 25).Draw(t, "requests") {
			kind := rapid.SampledFrom(names).Draw(t, "kind")
			k := specs.Builtin().Kind(kind)
			key := fmt.Sprintf(kinds[kind], rapid.IntRange(0, 2).Draw(t, "key"))
			if model[kind] == nil {
				model[kind] = map[string]*wanted{}
			}
			m := model[kind][key]
			there := m != nil && !m.absent
			switch op := rapid.SampledFrom([]string{"edit", "edit", "delete", "switch"}).Draw(t, "op"); {
			case op == "delete":
				queries = append(queries, "func="+k.Delete+"&elid="+encode(key))
				model[kind][key] = &wanted{absent: true}
			case op == "switch" && there && k.Suspend != "":
				on := rapid.Bool().Draw(t, "on")
				queries = append(queries, "func="+map[bool]string{true: k.Resume, false: k.Suspend}[on]+"&elid="+encode(key))
				m.fields["active"] = specs.Bool(on)
			default:
				q := "func=" + k.Edit + "&name=" + encode(key) + "&sok=ok&sfrom=ajax&su=adm"
				if there {
					q += "&elid=" + encode(key)
				} else {
					m = &wanted{fields: map[string]specs.Value{}}
					model[kind][key] = m
				}
				for _, s := range rapid.SliceOfNDistinct(rapid.SampledFrom(choices[kind]), 0, 5, func(s sample) string { return s.param }).Draw(t, "fields") {
					q += "&" + encode(s.param) + "=" + encode(s.text)
					m.fields[s.field] = s.value
				}
				queries = append(queries, q)
			}
		}
		out, _ := convert(t, Spec, "web1", queries...)
		state := load(t, out)
		for kind, resources := range model {
			if got := len(state.Resources(kind)); got != len(resources) {
				t.Fatalf("%d of %s, want %d\n%s", got, kind, len(resources), out)
			}
			for key, m := range resources {
				r := state.Find(kind, key)
				if r == nil || r.Absent != m.absent {
					t.Fatalf("%s %s is %+v, want %+v\n%s", kind, key, r, m, out)
				}
				got := map[string]specs.Value{}
				for _, f := range r.Fields {
					got[f.Name] = f.Value
				}
				if d := cmp.Diff(m.fields, got, cmp.AllowUnexported(specs.Value{})); d != "" && len(m.fields)+len(got) > 0 {
					t.Fatalf("%s %s: %s\n%s", kind, key, d, out)
				}
			}
		}
	})
}

// Whatever the log holds, the spec loads, on every kind of the catalog.
func TestHostileLogsLoad(t *testing.T) {
	var fns []string
	params := []string{"name", "elid", "plid", "su", "sok", "note", "confirm"}
	for _, k := range specs.Builtin().Kinds() {
		for _, fn := range append(k.CreateFuncs(), k.Edit, k.Delete, k.Suspend, k.Resume) {
			if fn != "" {
				fns = append(fns, fn)
			}
		}
		for _, f := range k.Fields {
			params = append(params, f.Param)
		}
		for _, c := range k.Create {
			params = append(params, c.Name)
		}
	}
	slices.Sort(params)
	params = slices.Compact(params)
	values := rapid.OneOf(hostile, rapid.SampledFrom([]string{"a", "b", "example.com", "a@example.com", "192.0.2.1", "on", "*", "", "a", "txt", "mx", "shop->MySQL", "a%#%b", "a, b", "www.example.com. A  192.0.2.1"}))
	rapid.Check(t, func(t *rapid.T) {
		var queries []string
		for range rapid.IntRange(1, 12).Draw(t, "requests") {
			q := "func=" + rapid.SampledFrom(fns).Draw(t, "func") + "&sok=ok"
			for _, name := range append([]string{"name", "elid", "plid", "su"}, rapid.SliceOfN(rapid.SampledFrom(params), 0, 6).Draw(t, "params")...) {
				if rapid.IntRange(0, 3).Draw(t, name+" is there") > 0 {
					q += "&" + name + "=" + encode(values.Draw(t, name))
				}
			}
			queries = append(queries, q)
		}
		out, _ := convert(t, Spec, "", queries...)
		load(t, out)
		if strings.ContainsFunc(strings.ReplaceAll(out, "\n", ""), unseen) {
			t.Fatalf("something invisible is written raw in %q", out)
		}
	})
}
