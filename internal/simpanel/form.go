package simpanel

// showForm answers an edit without sok: the current values of a resource, or
// without elid the defaults of a new one, and the choice lists (section 5).
func (c *call) showForm(old *row) (answer, *failure) {
	k, p := c.fn.kind, c.p
	admin := c.level >= levelAdmin
	return answer{body: func(d *document) {
		if old != nil {
			d.text("elid", p.shown(k, old.key))
			d.text("name", p.shown(k, old.key))
		} else {
			d.text("name", "")
		}
		if k.owned && admin {
			if old != nil {
				d.text("owner", old.owner)
			} else {
				d.text("owner", "")
			}
		}
		for _, f := range k.fields {
			d.text(f.name, p.formValue(k, f, old))
			if f.name == "passwd" {
				d.text("confirm", "")
			}
		}
		for _, f := range k.fields {
			writeOptions(d, f)
		}
	}}, nil
}

// formValue is what the form shows in one field. Passwords are write-only.
func (p *Panel) formValue(k *kind, f field, r *row) string {
	switch {
	case f.name == "passwd":
		return ""
	case r == nil:
		return f.def
	case f.name == "home":
		return docroot(k, r)
	case f.name == "docroot":
		return dataDir(r.owner) + docroot(k, r)
	case f.as != "":
		return r.value(k, f.as)
	}
	return p.shown(k, r.value(k, f.name))
}

func writeOptions(d *document, f field) {
	if f.options == nil {
		return
	}
	d.raw("<slist")
	d.attr("name", f.name)
	d.raw(">")
	for _, o := range f.options {
		d.raw("<val")
		d.attr("key", o)
		d.raw(">")
		d.escape(o)
		d.raw("</val>")
	}
	d.raw("</slist>")
}
