package simpanel

import (
	"regexp"
	"strconv"
)

// kindFTP: columns from section 4 (row ftp.user), fields from section 6
// (ftp.user.edit; the vendor's example sends no confirm and home=/).
var kindFTP = kind{
	name: "ftp.user", owned: true, secret: "passwd", valid: validFTP, existsObject: "user", missedObject: "ftp.user",
	limit:    "limit_ftp_users",
	required: []string{"passwd"},
	filters:  []string{"name", "owner"},
	columns:  []column{keyColumn("name"), ownerColumn(), fieldColumn("home"), activeColumn()},
	fields:   []field{text("home", "/"), text("passwd", "")},
}.ready()

var validFTP = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,31}$`)

// kindScheduler: columns from section 4 (row scheduler, listed with su=user),
// fields from section 6 (scheduler.edit). Everybody sees the own jobs only;
// that a job's number is counted for each account is inferred, and the harder
// case for a caller.
var kindScheduler = kind{
	name: "scheduler", owned: true, perAccount: true, scoped: true, keyColumn: "key", existsObject: "key", missedObject: "scheduler",
	required: []string{"command"},
	newKey:   (*call).newJob,
	parts:    func(string) [][2]string { return nil },
	filters:  []string{"command"},
	columns: []column{
		keyColumn("key"),
		fieldColumn("command"),
		activeColumn(),
		{name: "interval", cell: func(_ *Panel, k *kind, r *row) string { return interval(k, r) }},
		fieldColumn("description"),
	},
	fields: []field{
		text("command", ""), choice("schedule_type", "type_basic", "type_basic", "type_expert"),
		cronField("input_min"), cronField("input_hour"), cronField("input_dmonth"), cronField("input_month"), cronField("input_dweek"),
		onoff("active", "on"), text("description", ""),
	},
}.ready()

var validCron = regexp.MustCompile(`^[0-9*,/-]+$`)

func cronField(name string) field { return field{name: name, def: "*", check: validCron.MatchString} }

// interval is the five fields of a cron line.
func interval(k *kind, r *row) string {
	out := r.value(k, "input_min")
	for _, f := range [...]string{"input_hour", "input_dmonth", "input_month", "input_dweek"} {
		out += " " + r.value(k, f)
	}
	return out
}

// newJob is the next number of the caller's jobs.
func (c *call) newJob() (own, parent string, f *failure) {
	t, last := c.p.tables["scheduler"], 0
	for key := range t.byOwner[c.account] {
		if n, err := strconv.Atoi(after(key, "/")); err == nil && n > last {
			last = n
		}
	}
	return strconv.Itoa(last + 1), c.account, nil
}

// kindPreset: section 4 (row preset) and 6 (preset.edit: name, level, limit_*).
var kindPreset = kind{
	name: "preset", least: levelReseller, valid: validPreset, existsObject: "preset", missedObject: "preset",
	filters: []string{"name"},
	columns: []column{keyColumn("name"), fieldColumn("level")},
	fields:  append([]field{choice("level", "user", "user", "reseller")}, limitFields()...),
}.ready()

var validPreset = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,63}$`)

// limitFields are the limits of the account form.
func limitFields() []field {
	var out []field
	for _, f := range kindUser.fields {
		if len(f.name) > 6 && f.name[:6] == "limit_" {
			out = append(out, f)
		}
	}
	return out
}

// kindAddress: section 4 (row ipaddrlist), a list here.
var kindAddress = kind{
	name: "ipaddrlist", least: levelAdmin, existsObject: "name", missedObject: "ipaddrlist",
	filters: []string{"name"},
	columns: []column{keyColumn("name")},
}.ready()

func idColumn() column {
	return column{name: "id", cell: func(_ *Panel, _ *kind, r *row) string { return strconv.Itoa(r.id) }}
}
