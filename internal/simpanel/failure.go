package simpanel

import (
	"fmt"
	"strconv"
	"strings"
)

// failure is an error a panel answers, in a document with HTTP status 200
// (section 1). Meaning is in type and object; texts are for people.
type failure struct {
	typ, object, value string
	// kind is what a missing or a second resource is one of, and asks for
	// the v4 codes 3 and 2.
	kind string
}

// errorText is our sentence for each language and type, with the panel's
// placeholders.
var errorText = map[string]map[string]string{"en": {
	"auth":           "Access denied: the name, the password or the session is not valid",
	"access":         "The account may not call __object__",
	"exists":         "__object__ '__value__' is already there",
	"missed":         "__object__ is missing",
	"value":          "__object__ does not take the value '__value__'",
	"limit":          "The limit __object__ is used up",
	"dns":            "The name '__value__' lies in a zone of another account",
	"request_failed": "An administrator ended the request",
}, "ru": {
	"auth":           "Вход невозможен: неверны имя, пароль или сессия",
	"access":         "Учётной записи нельзя вызывать __object__",
	"exists":         "__object__ '__value__' уже есть",
	"missed":         "Нет __object__",
	"value":          "__object__ не принимает значение '__value__'",
	"limit":          "Ограничение __object__ исчерпано",
	"dns":            "Имя '__value__' лежит в зоне другой учётной записи",
	"request_failed": "Запрос прерван администратором",
}}

func missedParam(name string) *failure { return &failure{typ: "missed", object: name} }

func badValue(name, value string) *failure {
	return &failure{typ: "value", object: name, value: value}
}

// gone is the answer of edit and delete for a resource that is not there;
// suspend and resume differ (section 0, fact 3; section 7).
func gone(k *kind, elid string) *failure {
	return &failure{typ: "value", object: "elid", value: elid, kind: k.name}
}

func goneForToggle(k *kind, elid string) *failure {
	return &failure{typ: "missed", object: k.missedObject, value: elid, kind: k.name}
}

// noSession is the answer to a call without a living session. The body is
// not on record (section 13); section 2 says to take any error of type auth
// as "log in again", so that type is used, with the level 0 of somebody not
// logged in.
func noSession() *failure { return &failure{typ: "auth", object: "session"} }

// noFunction is the answer for a function the panel lacks. No body is on
// record (section 3, section 13); "missed" is the type for a thing that is
// not there.
func noFunction(name string) *failure {
	return &failure{typ: "missed", object: "func", value: name}
}

// sentence is the finished text for people.
func (f *failure) sentence(lang string) string {
	return strings.NewReplacer("__object__", f.object, "__value__", f.value).Replace(errorText[lang][f.typ])
}

// write prints the error the way the generation does.
func (f *failure) write(d *document) {
	if d.gen == V4 {
		f.writeV4(d)
		return
	}
	d.raw(`<error type="`)
	d.escape(f.typ)
	d.raw(`" object="`)
	d.escape(f.object)
	d.raw(`" lang="`)
	d.raw(d.lang)
	d.raw(`"><param name="object" type="msg">`)
	d.escape(f.object)
	d.raw(`</param><param name="value">`)
	d.escape(f.value)
	d.raw(`</param><stack><action level="` + strconv.Itoa(d.level) + `" user="`)
	d.escape(d.account)
	d.raw(`">`)
	d.escape(d.fn)
	d.raw(`</action></stack>`)
	d.text("group", errorText[d.lang][f.typ])
	// detail may hold placeholders where msg is finished (section 3).
	d.text("detail", errorText[d.lang][f.typ])
	d.text("msg", f.sentence(d.lang))
	d.raw(`</error>`)
}

// writeV4 prints the numeric form of the v4 error table (section 3).
func (f *failure) writeV4(d *document) {
	if f.typ == "auth" {
		d.raw("<authfail/>")
		return
	}
	code, attr, subject := f.v4()
	d.raw(fmt.Sprintf(`<error code="%d"`, code))
	if attr != "" {
		d.raw(" " + attr + `="`)
		d.escape(subject)
		d.raw(`"`)
	}
	d.raw(">")
	d.escape(f.sentence(d.lang))
	d.raw("</error>")
}

// v4 is the code and the attribute that carries its subject.
func (f *failure) v4() (code int, attr, subject string) {
	switch f.typ {
	case "exists":
		return 2, "obj", f.kind
	case "limit":
		return 5, "val", f.object
	case "access", "dns":
		return 6, "obj", f.object
	case "request_failed":
		return 1, "", ""
	}
	if f.kind != "" {
		return 3, "obj", f.kind
	}
	if f.object == "func" {
		return 3, "obj", "func"
	}
	return 4, "val", f.object
}
