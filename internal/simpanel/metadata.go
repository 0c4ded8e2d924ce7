package simpanel

import (
	"slices"
	"strings"
)

// What out=devel adds: metadata of the list or form and the messages it
// refers to (section 1: readers look at /doc/metadata/form//field/*,
// //coldata/col and //messages/msg; the list's is recorded, section 4).

// writeListMetadata describes the columns of a list.
func writeListMetadata(d *document, k *kind) {
	d.raw("<metadata")
	d.attr("name", k.name)
	d.attr("type", "list")
	d.attr("key", k.keyColumn)
	d.attr("mgr", "ispmgr")
	d.raw("><coldata>")
	var names []string
	for i := range k.columns {
		c := &k.columns[i]
		names = append(names, c.name)
		switch {
		case c.flag:
			d.raw("<col")
			d.attr("type", "prop")
			d.attr("name", c.name)
			d.raw("><prop")
			d.attr("name", c.name)
			d.raw("/></col>")
			continue
		case c.orig != nil:
			writeColumn(d, "msg", c.name, false)
		case c.name == "active":
			writeColumn(d, "toggle", c.name, false)
		default:
			writeColumn(d, "data", c.name, k.host && c.name == k.keyColumn)
		}
	}
	d.raw("</coldata></metadata>")
	writeMessages(d, d.fn, names)
}

func writeColumn(d *document, typ, name string, host bool) {
	d.raw("<col")
	d.attr("type", typ)
	d.attr("name", name)
	d.attr("sort", "alpha")
	if host {
		d.attr("convert", "punycode")
	}
	d.raw("/>")
}

// writeFormMetadata describes the fields of a form: whether a field must be
// there is told of a new one, and what cannot be changed of an old one
// (attributes inferred; the nodes are those readers look at).
func writeFormMetadata(d *document, p *Panel, fn *function, withOwner, edits bool) {
	k := fn.kind
	d.raw("<metadata")
	d.attr("name", d.fn)
	d.attr("type", "form")
	d.attr("mgr", "ispmgr")
	d.raw("><form>")
	var names []string
	put := func(node, typ, name string, required, readonly bool) {
		name = fn.told(name)
		names = append(names, name)
		d.raw("<field")
		d.attr("name", name)
		d.raw("><" + node)
		if typ != "" {
			d.attr("type", typ)
		}
		d.attr("name", name)
		if required && !edits {
			d.attr("required", "yes")
		}
		if readonly && edits {
			d.attr("readonly", "yes")
		}
		d.raw("/></field>")
	}
	for _, part := range p.formParts(k, nil) {
		put("input", "text", part[0], true, true)
	}
	if withOwner {
		put("input", "text", k.ownerParam, k == kindWebdomain, true)
	}
	for _, f := range k.fields {
		required := slices.Contains(k.required, f.name)
		switch {
		case f.name == k.secret:
			put("input", "password", f.name, required, false)
			put("input", "password", "confirm", false, false)
		case f.options != nil:
			put("select", "", f.name, required, f.when == onCreate)
		case f.box:
			put("input", "checkbox", f.name, required, f.when == onCreate)
		default:
			put("input", "text", f.name, required, f.when == onCreate)
		}
	}
	d.raw("</form></metadata>")
	writeMessages(d, d.fn, names)
}

// writeMessages tells the texts of fields or columns, and hints where there
// are some.
func writeMessages(d *document, name string, names []string) {
	d.raw("<messages")
	d.attr("name", name)
	d.raw(">")
	msg := func(name, text string) {
		d.raw("<msg")
		d.attr("name", name)
		d.raw(">")
		d.escape(text)
		d.raw("</msg>")
	}
	for _, n := range names {
		bare := strings.TrimPrefix(n, "site_")
		msg(n, label(bare, d.lang))
		if hint := hints[d.lang][bare]; hint != "" {
			msg("hint_"+n, hint)
		}
	}
	d.raw("</messages>")
}

// label is the text of a field: our own words; where there are none, those of
// its name.
func label(name, lang string) string {
	if text := labels[lang][name]; text != "" {
		return text
	}
	words := strings.ReplaceAll(name, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

var labels = map[string]map[string]string{
	"en": {"name": "Name", "owner": "Owner", "passwd": "Password", "password": "Password", "confirm": "Confirm the password", "fullname": "Full name", "aliases": "Aliases", "active": "State"},
	"ru": {"name": "Имя", "owner": "Владелец", "passwd": "Пароль", "password": "Пароль", "confirm": "Подтверждение пароля", "fullname": "Полное имя", "aliases": "Псевдонимы", "active": "Состояние"},
}

var hints = map[string]map[string]string{
	"en": {"name": "It cannot be changed later.", "aliases": "Further names, separated by spaces.", "passwd": "Leave it empty to keep the present one."},
	"ru": {"name": "Позже изменить нельзя.", "aliases": "Дополнительные имена через пробел.", "passwd": "Оставьте пустым, чтобы не менять."},
}
