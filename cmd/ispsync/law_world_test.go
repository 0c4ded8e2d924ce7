package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ispsync/ispsync/internal/simpanel"
	"github.com/ispsync/ispsync/specs"
)

// Random worlds: one to three panels of any make with anything on them, and a
// spec that can be fulfilled. What cannot be fulfilled is left out on purpose:
// an owner that is neither there nor declared, or that goes; a site in the zone
// of another account; a site whose zone is declared absent; a resource whose
// fields contradict each other. Names come from small pools, so that declared,
// live, tombstone and prune collide.

var (
	worldUsers   = []string{"alice", "bob", "carol", "old1", "old2"}
	worldDomains = []string{"example.com", "example.org", "xn--e1afmkfd.xn--p1ai", "example.net"}
	worldLabels  = []string{"", "shop.", "blog.", "*.", "xn--80aaxitdbjk."}
	// spellings are other ways to write the same names in a spec.
	spellings = map[string]string{"xn--e1afmkfd.xn--p1ai": "пример.рф", "xn--80aaxitdbjk.": "Магазин.", "example.org": "Example.ORG."}
)

type liveResource struct {
	kind, key string
	fields    map[string]string
}

// worldPanel is one panel of a world, before anything ran.
type worldPanel struct {
	options simpanel.Options
	live    []liveResource
	limits  map[string]int
	auth    string
}

// world is what a law is tried on.
type world struct {
	panels []worldPanel
	spec   map[string]any // without panels
	owners map[string]string
	env    []string
}

func (w *world) String() string {
	var b strings.Builder
	for _, p := range w.panels {
		o := p.options
		fmt.Fprintf(&b, "%s: generation %d, page size %d, latency %v, restart %v, brings %v, IDN %v, limits %v, auth %s\n", o.Name, o.Generation, o.PageSize, o.Latency, o.Restart, o.BringsZones, o.ListIDN, p.limits, p.auth)
		for _, r := range p.live {
			fmt.Fprintf(&b, "  %s %s %v\n", r.kind, r.key, r.fields)
		}
	}
	fmt.Fprintf(&b, "spec: %v\n", w.spec)
	return b.String()
}

// stage puts a world on a stage.
func (w *world) stage(t *testing.T) (*stage, error) {
	s := newStage(t)
	s.environ = append(s.environ, w.env...)
	spec := maps.Clone(w.spec)
	var panels []any
	for _, p := range w.panels {
		sim, url := s.add(t, p.options)
		for _, r := range p.live {
			sim.Put(r.kind, r.key, r.fields)
		}
		panels = append(panels, map[string]any{"name": p.options.Name, "url": url, "limits": p.limits, "labels": map[string]any{"n": len(panels)},
			"auth": map[string]any{"username": "root", "password": "${secret.env('SIM_PASSWORD')}", "method": p.auth}})
	}
	spec["panels"] = panels
	return s, s.write("spec.yaml", spec)
}

func chance(t *rapid.T, of int, label string) bool {
	return rapid.IntRange(0, of-1).Draw(t, label) == of-1
}

func drawWorldPanel(t *rapid.T, name string) worldPanel {
	p := worldPanel{
		options: simpanel.Options{
			Name:        name,
			Generation:  rapid.SampledFrom([]simpanel.Generation{simpanel.V6, simpanel.V5, simpanel.V4}).Draw(t, name+" generation"),
			PageSize:    rapid.SampledFrom([]int{0, 1, 7}).Draw(t, name+" page size"),
			Restart:     rapid.Bool().Draw(t, name+" restart"),
			BringsZones: rapid.Bool().Draw(t, name+" brings"),
			ListIDN:     rapid.Bool().Draw(t, name+" IDN"),
		},
		limits: map[string]int{"reads": rapid.IntRange(1, 4).Draw(t, name+" reads"), "writes": rapid.IntRange(1, 4).Draw(t, name+" writes")},
		auth:   rapid.SampledFrom([]string{"session", "authinfo"}).Draw(t, name+" auth"),
	}
	if p.options.Generation == simpanel.V4 {
		p.options.PageSize = 0 // it announces no total, so nobody could know of a second page
	}
	return p
}

// worldMaker draws a world.
type worldMaker struct {
	t *rapid.T
	w *world
	// live and gone say per panel which users are there, and which go.
	live, gone map[string]map[string]bool
	declared   map[string][]string // user: the panels on which it is declared
	noZone     map[string]bool     // zones that are declared absent somewhere
	pruned     bool                // old* users are pruned
	names      []string
}

func drawWorld(t *rapid.T) *world {
	m := &worldMaker{t: t, w: &world{spec: map[string]any{}, owners: map[string]string{}},
		live: map[string]map[string]bool{}, gone: map[string]map[string]bool{}, declared: map[string][]string{}, noZone: map[string]bool{}}
	for i := range rapid.IntRange(1, 3).Draw(t, "panels") {
		p := drawWorldPanel(t, fmt.Sprintf("web%d", i+1))
		m.w.panels = append(m.w.panels, p)
		m.names = append(m.names, p.options.Name)
		m.live[p.options.Name], m.gone[p.options.Name] = map[string]bool{}, map[string]bool{}
	}
	for _, d := range worldDomains {
		m.w.owners[d] = rapid.SampledFrom(worldUsers).Draw(t, "owner of "+d)
	}
	m.rules()
	resources := map[string]any{}
	for _, kind := range []string{"user", "domain", "webdomain"} {
		if entries := m.kind(kind); len(entries) > 0 {
			resources[kind] = entries
		}
	}
	m.w.spec["resources"] = resources
	m.w.spec["limits"] = map[string]any{"deletes": map[string]any{"count": 1000}}
	return m.w
}

func (m *worldMaker) rules() {
	prune := map[string]string{}
	if m.pruned = chance(m.t, 3, "prune users"); m.pruned {
		prune["user"] = `name startsWith "old"`
	}
	if chance(m.t, 3, "prune sites") {
		prune["webdomain"] = rapid.SampledFrom([]string{`owner == "alice"`, "true", `!active`}).Draw(m.t, "prune of sites")
	}
	if chance(m.t, 3, "prune zones") {
		prune["domain"] = rapid.SampledFrom([]string{`owner == "bob"`, "true", `panel.labels.n == 0`}).Draw(m.t, "prune of zones")
	}
	if len(prune) > 0 {
		m.w.spec["prune"] = prune
	}
}

// keysOf lists every key of a kind with its owner, "" for users.
func (m *worldMaker) keysOf(kind string) (keys []string, owner map[string]string) {
	owner = map[string]string{}
	switch kind {
	case "user":
		return worldUsers, owner
	case "domain":
		for _, d := range worldDomains {
			owner[d] = m.w.owners[d]
		}
	default:
		for _, d := range worldDomains {
			for _, l := range worldLabels {
				owner[l+d] = m.w.owners[d]
			}
		}
	}
	return slices.Sorted(maps.Keys(owner)), owner
}

// kind draws what is live of a kind on each panel, and the spec's entries.
func (m *worldMaker) kind(kind string) []any {
	keys, owner := m.keysOf(kind)
	var entries []any
	for _, key := range keys {
		label := kind + " " + key
		fate := rapid.SampledFrom([]string{"", "", "present", "present", "absent"}).Draw(m.t, label)
		for i, name := range m.names {
			if o := owner[key]; o != "" && !m.live[name][o] || !chance(m.t, 2, label+" on "+name) {
				continue
			}
			fields := drawFields(m.t, kind, label+" live", true)
			if o := owner[key]; o != "" {
				fields["owner"] = o
			} else {
				m.live[name][key] = true
			}
			told := map[string]string{}
			for f, v := range fields {
				told[f] = v.(string)
			}
			m.w.panels[i].live = append(m.w.panels[i].live, liveResource{kind, key, told})
		}
		if e := m.entry(kind, key, owner[key], fate); e != nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// entry draws the spec's word on one key, nil when it says nothing of it.
func (m *worldMaker) entry(kind, key, owner, fate string) any {
	label := kind + " " + key
	if kind == "webdomain" && m.noZone[key] {
		return nil // on a panel where sites bring their zones this contradicts itself
	}
	var on []string
	for _, name := range m.names {
		fits := fate == "absent" || owner == "" || slices.Contains(m.declared[owner], name) || m.live[name][owner] && !m.gone[name][owner]
		if fits && fate != "" && rapid.IntRange(0, 3).Draw(m.t, label+" at "+name) > 0 {
			on = append(on, name)
		}
	}
	if kind == "user" {
		for _, name := range m.names {
			here := slices.Contains(on, name)
			m.gone[name][key] = here && fate == "absent" || !here && m.pruned && strings.HasPrefix(key, "old")
		}
	}
	if len(on) == 0 {
		return nil
	}
	e := map[string]any{"name": m.spell(key), "panels": on}
	if fate == "absent" {
		m.noZone[key] = kind == "domain"
		e["ensure"] = "absent"
		return e
	}
	maps.Copy(e, drawFields(m.t, kind, label, false))
	if kind == "user" {
		m.declared[key] = on
		e["passwd"] = "${secret.env('PW_" + key + "')}"
		m.w.env = append(m.w.env, "PW_"+key+"=p&"+key)
	} else {
		e["owner"] = owner
	}
	return e
}

// spell writes a name in another way that means the same.
func (m *worldMaker) spell(key string) string {
	for canonical, other := range spellings {
		if strings.Contains(key, canonical) && chance(m.t, 2, "spelling of "+key) {
			key = strings.ReplaceAll(key, canonical, other)
		}
	}
	return key
}

// unfit are fields that a random value of cannot be fulfilled: they make
// something else, are ignored by panels on purpose, or stand for the owner.
var unfit = map[string]bool{
	"user/owner": true, "user/passwd": true, "user/limit_webdomains": true, "user/limit_domains": true,
	"domain/owner": true, "domain/webdomain": true, "domain/maildomain": true, "webdomain/owner": true,
}

// aliasOf are fields that are another field by a second name.
var aliasOf = map[string]string{"php_enable": "php", "home": "docroot"}

// drawFields draws some fields of a resource: for the spec of any type the
// spec takes, for a panel as the panel would hold them.
func drawFields(t *rapid.T, kind, label string, live bool) map[string]any {
	out := map[string]any{}
	for _, row := range specs.Builtin().Kind(kind).Fields {
		if unfit[kind+"/"+row.Name] || !chance(t, 6, label+" has "+row.Name) {
			continue
		}
		if row.Read == specs.Never && (live || kind == "user") || live && row.CreateOnly {
			continue // what only a create can say, of accounts what else is to be made
		}
		v := drawValue(t, row, label+" "+row.Name)
		if live {
			v = asPanel(row, v)
		}
		out[row.Name] = v
	}
	if kind != "user" {
		consistent(out, live)
	}
	return out
}

// consistent drops fields that contradict others of the resource.
func consistent(fields map[string]any, live bool) {
	for alias, of := range aliasOf {
		if _, both := fields[of]; both || live {
			delete(fields, alias)
		}
	}
	if _, there := fields["ipsrc"]; there && !live {
		delete(fields, "ipaddrs") // auto overrules what is said about addresses
	}
	if fields["ssl_cert"] == "" {
		delete(fields, "ssl_cert") // panels give TLS sites a certificate
	}
}

var worldTexts = []any{"Alice", "", "Пример & Ко", `<b>"q"</b> 'x' = +%20 ; $HOME`, "two\nlines", "emoji 🐘", " edges ", "a  b"}

// drawValue draws a value as a person would write it.
func drawValue(t *rapid.T, row *specs.FieldRow, label string) any {
	if len(row.Values) > 0 {
		return rapid.SampledFrom(row.Values).Draw(t, label)
	}
	pool := worldTexts
	switch row.Canon.Name() {
	case "bool":
		pool = []any{true, false, "on", "off"}
	case "int":
		pool = []any{0, 1, 7, "9", 100}
	case "size_mib":
		pool = []any{0, 512, "1 GiB", "2048 MB"}
	case "email":
		pool = []any{"a@example.com", "Боб@пример.рф", "A.B+c@EXAMPLE.org"}
	case "ip_set":
		pool = []any{[]any{"192.0.2.1"}, []any{"192.0.2.9", "2001:db8:0:0::1"}, "192.0.2.7", []any{"192.0.2.2", "192.0.2.1", "192.0.2.2"}}
	case "fqdns":
		pool = []any{[]any{"ns2.example.net.", "ns1.example.net"}, []any{"ns1.пример.рф."}}
	case "host_set":
		pool = []any{[]any{}, []any{"www.a.example.com"}, []any{"www.b.example.com", "WWW.A.example.com"}, []any{"зеркало.рф"}}
	case "words", "word_set":
		pool = []any{[]any{"b", "a", "c"}, []any{"index.php"}, []any{}}
	case "docroot":
		pool = []any{"www/other", "www/a b/c", "www/deep/er/"}
	case "host":
		pool = []any{"made.example.com"}
	case "lower":
		pool = []any{"reseller1"}
	case "word":
		pool = []any{"off", "x1"}
		if strings.HasSuffix(row.Name, "_version") {
			pool = []any{"native", "isp-php83", "isp-php74"}
		}
	}
	return rapid.SampledFrom(pool).Draw(t, label)
}

// asPanel writes a value as a panel keeps it, though not in canonical order.
func asPanel(row *specs.FieldRow, v any) string {
	items, list := v.([]any)
	if !list {
		items = []any{v}
	}
	texts := make([]string, len(items))
	for i, it := range items {
		texts[i] = fmt.Sprint(it)
		if row.Canon.Name() == "size_mib" || row.Canon.Type() == specs.BoolType || row.Canon.Name() == "host_set" {
			c, err := row.Canon.Parse(texts[i])
			if err != nil {
				panic(err)
			}
			texts[i] = row.ToPanel(c)
		}
	}
	return strings.Join(texts, " ")
}

// latencies draws how long the calls of each panel take.
func (w *world) latencies(t *rapid.T, label string) []time.Duration {
	out := make([]time.Duration, len(w.panels))
	for i := range out {
		out[i] = time.Duration(rapid.IntRange(0, 300).Draw(t, label)) * time.Millisecond
	}
	return out
}

// lawKinds are the kinds the worlds are made of.
var lawKinds = []string{"domain", "user", "webdomain"}
