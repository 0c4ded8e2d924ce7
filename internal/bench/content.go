package main

// What is on the panels, once: the spec and the simulated panels are both made
// from it, so that a plan over them finds nothing to do.

import (
	"fmt"
	"iter"
	"strconv"
)

// size is how much is declared.
type size struct {
	panels, users, sites int // users and sites of each panel
}

func (s size) resources() int { return s.panels * (s.users + s.sites) }

// resource is one resource of a panel: its key and the declared fields in the
// order in which the spec writes them, values as a panel tells them.
type resource struct {
	key    string
	fields [][2]string
}

func panelName(i int) string { return fmt.Sprintf("web%02d", i+1) }

func userName(i int) string { return fmt.Sprintf("u%05d", i+1) }

// usersOf are the accounts of one panel.
func (s size) usersOf() iter.Seq[resource] {
	return func(yield func(resource) bool) {
		limit := strconv.Itoa(2*s.sites/s.users + 1)
		for i := range s.users {
			if !yield(resource{userName(i), [][2]string{{"fullname", "User " + strconv.Itoa(i+1)}, {"limit_webdomains", limit}}}) {
				return
			}
		}
	}
}

// sitesOf are the web domains of one panel, shared out among its users. With
// aliases, each declares a field that no list tells (panel-api.md section 4).
func (s size) sitesOf(panel int, aliases bool) iter.Seq[resource] {
	modes := []string{"php_mode_fcgi_nginxfpm", "php_mode_cgi"}
	return func(yield func(resource) bool) {
		for i := range s.sites {
			name := fmt.Sprintf("site%06d.%s.example.com", i+1, panelName(panel))
			fields := [][2]string{{"owner", userName(i * s.users / s.sites)}, {"php_mode", modes[i%2]}, {"secure", "off"}}
			if aliases {
				fields = append(fields, [2]string{"aliases", "www." + name})
			}
			if !yield(resource{name, fields}) {
				return
			}
		}
	}
}
