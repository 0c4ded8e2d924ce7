package simpanel

import "fmt"

// Seed fills the panel with users u00001, u00002, … and for each so many web
// domains site00001-1.example.com, … . The same Options.Seed gives the same
// content. The password of u00001 is "seeded-u00001". Zones are not made;
// see SeedZones.
func (p *Panel) Seed(users, webdomainsPerUser int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	for u := 1; u <= users; u++ {
		name := fmt.Sprintf("u%05d", u)
		p.setSecret(kindUser, name, "seeded-"+name)
		p.tables[kindUser.name].put(&row{key: name, active: true, set: map[string]string{
			"fullname":   fmt.Sprintf("User %d", u),
			"quota_used": fmt.Sprint((uint64(u)*37 + p.opt.Seed) % 900),
		}})
		for s := 1; s <= webdomainsPerUser; s++ {
			p.tables[kindWebdomain.name].put(&row{
				key:    fmt.Sprintf("site%05d-%d.example.com", u, s),
				owner:  name,
				active: true,
				set:    seededSites[(uint64(s)+p.opt.Seed)%uint64(len(seededSites))],
			})
		}
	}
}

// seedServer makes what every panel has from the start: a database server
// (section 6, db.edit) and an address.
func (p *Panel) seedServer() {
	p.tables["db.server"].put(&row{key: defaultServer, active: true, set: map[string]string{"version": "8.0.36", "password": "sim-mysql"}})
	p.tables["ipaddrlist"].put(&row{key: defaultIP, active: true})
}

// seededSites are the settings that seeded web domains have in turn. Rows
// share these maps, so 100,000 sites stay small.
var seededSites = []map[string]string{
	nil,
	{"secure": "on", "ssl_cert": "selfsigned"},
	{"php_fpm_version": "isp-php83", "dirindex": "index.php"},
	{"php_mode": "php_mode_cgi", "php_cgi_version": "isp-php82"},
}

// SeedZones makes so many DNS zones zone00001-1.example.net, … for each of
// the users that Seed names.
func (p *Panel) SeedZones(users, zonesPerUser int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle()
	for u := 1; u <= users; u++ {
		for z := 1; z <= zonesPerUser; z++ {
			p.tables[kindDomain.name].put(&row{
				key:    fmt.Sprintf("zone%05d-%d.example.net", u, z),
				owner:  fmt.Sprintf("u%05d", u),
				active: true,
			})
		}
	}
}
