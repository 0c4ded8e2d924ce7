package simpanel

// showForm answers an edit without sok: the current values of a resource, or
// without elid the defaults of a new one, and the choice lists (section 5).
func (c *call) showForm(old *row) (answer, *failure) {
	k, p, fn, withOwner := c.fn.kind, c.p, c.fn, c.choosesOwner()
	return answer{body: func(d *document) {
		owner := ""
		if old != nil {
			d.text("elid", p.shown(k, k.own(old)))
			if k.parent != nil && k.scoped {
				d.text("plid", p.shown(k.parent, old.parent))
			}
			owner = old.owner
		}
		for _, part := range p.formParts(k, old) {
			d.text(fn.told(part[0]), part[1])
		}
		if withOwner {
			d.text(fn.told(k.ownerParam), owner)
		}
		for _, f := range k.fields {
			d.text(fn.told(f.name), p.formValue(k, f, old))
			if f.name == k.secret {
				d.text("confirm", "")
			}
		}
		for _, f := range k.fields {
			writeOptions(d, fn, f)
		}
		if d.devel {
			writeFormMetadata(d, p, fn, withOwner, old != nil)
		}
	}}, nil
}

// formParts are the nodes that tell the key.
func (p *Panel) formParts(k *kind, r *row) [][2]string {
	own := ""
	if r != nil {
		own = p.shown(k, k.own(r))
	}
	if k.parts == nil {
		return [][2]string{{"name", own}}
	}
	return k.parts(own)
}

// choosesOwner tells whether the caller says who owns a resource.
func (c *call) choosesOwner() bool {
	k := c.fn.kind
	return k.owned && !k.inherits() && c.level >= levelReseller
}

// formValue is what the form shows in one field. Passwords are write-only.
func (p *Panel) formValue(k *kind, f field, r *row) string {
	switch {
	case f.name == k.secret:
		return ""
	case r == nil:
		return f.def
	case f.name == "active":
		return onOff(r.active)
	case k == kindWebdomain && f.name == "home":
		return docroot(k, r)
	case f.name == "docroot":
		return dataDir(r.owner) + docroot(k, r)
	case f.as != "":
		return r.value(k, f.as)
	}
	return p.shown(k, r.value(k, f.name))
}

func writeOptions(d *document, fn *function, f field) {
	if f.options == nil {
		return
	}
	d.raw("<slist")
	d.attr("name", fn.told(f.name))
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
