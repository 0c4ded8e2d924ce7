package specs

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Canon is one canonicaliser out of a closed, named list: the only place
// where text becomes a Value. Each is idempotent: the canonical text of a
// canonical text is itself (checked by fuzzing).
//
// A canonicaliser works on the text of one item. Those of a list type apply
// it to each item; sets are then sorted and made unique, because their order
// means nothing to the panel.
type Canon struct {
	name string
	typ  ValueType
	set  bool
	// host says that an item is a host name ("name") or ends in one after an
	// @ ("address"), which has a readable spelling.
	host string
	// item makes one text canonical, or says what is wrong with it in words
	// that end the sentence `"x" is not …`.
	item func(string) (string, error)
}

// canons is the closed list. A catalog row names one of these.
var canons = map[string]Canon{
	"text":     {typ: TextType, item: canonText},
	"word":     {typ: TextType, item: canonWord},
	"lower":    {typ: TextType, item: canonLower},
	"bool":     {typ: BoolType, item: canonBool},
	"int":      {typ: NumberType, item: canonInt},
	"size_mib": {typ: NumberType, item: canonSizeMiB},
	"host":     {typ: TextType, host: "name", item: canonHost},
	"fqdn":     {typ: TextType, host: "name", item: canonFQDN},
	"email":    {typ: TextType, host: "address", item: canonEmail},
	"ip":       {typ: TextType, item: canonIP},
	"docroot":  {typ: TextType, item: canonDocroot},
	"words":    {typ: ListType, item: canonWord},
	"word_set": {typ: ListType, set: true, item: canonWord},
	"host_set": {typ: ListType, set: true, host: "name", item: canonHost},
	"fqdns":    {typ: ListType, host: "name", item: canonFQDN},
	"ip_set":   {typ: ListType, set: true, item: canonIP},
	"emails":   {typ: ListType, set: true, host: "address", item: canonEmail},
}

// CanonNames lists the canonicalisers a catalog row may name, sorted.
func CanonNames() []string {
	names := make([]string, 0, len(canons))
	for n := range canons {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func canonByName(name string) (Canon, bool) {
	c, ok := canons[name]
	c.name = name
	return c, ok
}

// Name is the name a catalog row uses.
func (c Canon) Name() string { return c.name }

// Type is the type of the values it makes.
func (c Canon) Type() ValueType { return c.typ }

// Parse makes the value a person wrote canonical. The empty text clears a
// field of any type. A text for a list type is a list of one item. The error
// ends the sentence that begins with the value.
func (c Canon) Parse(items ...string) (Value, error) {
	if c.typ != ListType {
		if len(items) != 1 {
			return Value{}, fmt.Errorf("takes one value, not a list")
		}
		if items[0] == "" {
			return c.typ.cleared(), nil
		}
		s, err := c.item(items[0])
		if err != nil {
			return Value{}, err
		}
		return Value{s, c.typ}, nil
	}
	out := make([]string, 0, len(items))
	for _, it := range items {
		if it == "" && len(items) == 1 {
			break
		}
		s, err := c.item(it)
		if err != nil {
			return Value{}, err
		}
		out = append(out, s)
	}
	return c.list(out), nil
}

func (c Canon) list(items []string) Value {
	if c.set && len(items) > 1 {
		slices.Sort(items)
		items = slices.Compact(items)
	}
	return List(items...)
}

// FromPanel makes a text the panel told canonical. It never fails: what is
// not canonical for the row is kept as the panel wrote it, so that it differs
// from anything a spec can say and is shown instead of hidden.
func (c Canon) FromPanel(text string) Value {
	if c.typ != ListType {
		if text == "" {
			return c.typ.cleared()
		}
		s, err := c.item(text)
		if err != nil {
			return Text(cleanText(text))
		}
		return Value{s, c.typ}
	}
	items := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) || unicode.IsControl(r) })
	for i, it := range items {
		if s, err := c.item(it); err == nil {
			items[i] = s
		} else {
			items[i] = cleanText(it)
		}
	}
	return c.list(items)
}

// cleared is what an empty text means: off for a check box, and for a number
// that there is none, which is different from 0.
func (t ValueType) cleared() Value {
	if t == BoolType {
		return Bool(false)
	}
	return Text("")
}

// ToPanel writes a value as a parameter of a call: on and off for booleans,
// list items joined with the row's separator.
func (f *FieldRow) ToPanel(v Value) string {
	switch v.Type() {
	case BoolType:
		if v.s == "true" {
			return "on"
		}
		return "off"
	case ListType:
		sep := f.Separator
		if sep == "" {
			sep = " "
		}
		return strings.ReplaceAll(v.s, itemSeparator, sep)
	default:
		return v.s
	}
}

func cleanText(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) && utf8.ValidString(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

func canonText(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("is not valid UTF-8")
	}
	if strings.ContainsRune(s, '\r') {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return "", fmt.Errorf("holds the control character %U", r)
		}
	}
	return s, nil
}

func canonWord(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("is empty")
	}
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError {
			return "", fmt.Errorf("must be one word without spaces")
		}
	}
	return s, nil
}

func canonLower(s string) (string, error) {
	s, err := canonWord(s)
	if err != nil {
		return "", err
	}
	low := strings.ToLower(s)
	if strings.ToLower(low) != low { // a few letters need two rounds
		return s, nil
	}
	return low, nil
}

func canonBool(s string) (string, error) {
	switch strings.ToLower(s) {
	case "on", "true", "yes", "1":
		return "true", nil
	case "off", "false", "no", "0":
		return "false", nil
	}
	return "", fmt.Errorf("is not true or false")
}

func canonInt(s string) (string, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return "", fmt.Errorf("is not a whole number")
	}
	return strconv.FormatInt(n, 10), nil
}

// sizeUnits are the sizes of the units in MiB. The panel counts in binary
// units and calls them MB or MiB alike, so both spellings mean the same.
var sizeUnits = map[string]int64{
	"": 1, "m": 1, "mb": 1, "mib": 1,
	"g": 1024, "gb": 1024, "gib": 1024,
	"t": 1024 * 1024, "tb": 1024 * 1024, "tib": 1024 * 1024,
}

func canonSizeMiB(s string) (string, error) {
	t := strings.TrimSpace(s)
	i := strings.IndexFunc(t, func(r rune) bool { return (r < '0' || r > '9') && r != '-' })
	digits, unit := t, ""
	if i >= 0 {
		digits, unit = t[:i], strings.ToLower(strings.TrimSpace(t[i:]))
	}
	factor, ok := sizeUnits[unit]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n > (1<<62)/factor || n < -(1<<62)/factor {
		return "", fmt.Errorf("is not a size: write MiB as a whole number, or a unit as in 10 GiB")
	}
	return strconv.FormatInt(n*factor, 10), nil
}

// idnaProfile maps and checks names as browsers do, but leaves the characters
// of plain ASCII labels to us: panels have names like _dmarc and *.example.com.
var idnaProfile = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.BidiRule())

// maxHostText bounds the text of a host name in bytes before it is mapped:
// punycode takes time that grows with the square of the length.
const maxHostText = 1024

func canonHost(s string) (string, error) {
	s = strings.TrimSuffix(s, ".")
	if s == "" {
		return "", fmt.Errorf("is not a host name")
	}
	if plainHost(s) {
		return s, nil
	}
	if len(s) > maxHostText {
		return "", fmt.Errorf("is not a host name: it is too long")
	}
	a, err := idnaProfile.ToASCII(s)
	if err != nil {
		return "", fmt.Errorf("is not a host name: %w", err)
	}
	a = strings.ToLower(strings.TrimSuffix(a, "."))
	if !plainHost(a) {
		return "", fmt.Errorf("is not a host name")
	}
	if again, err := idnaProfile.ToASCII(a); err != nil || again != a {
		return "", fmt.Errorf("is not a host name")
	}
	return a, nil
}

// plainHost reports whether a name is already canonical: lower-case ASCII
// labels of 1 to 63 letters, digits, hyphens, underscores or a star, at most
// 253 in all.
func plainHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	label := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
			continue
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '*':
			label++
			if label > 63 {
				return false
			}
		default:
			return false
		}
	}
	return label > 0
}

func canonFQDN(s string) (string, error) {
	h, err := canonHost(s)
	if err != nil {
		return "", err
	}
	return h + ".", nil
}

func canonEmail(s string) (string, error) {
	at := strings.LastIndexByte(s, '@')
	if at <= 0 {
		return "", fmt.Errorf("is not a mail address")
	}
	local, err := canonWord(s[:at])
	if err != nil {
		return "", fmt.Errorf("is not a mail address")
	}
	host, err := canonHost(s[at+1:])
	if err != nil {
		return "", fmt.Errorf("is not a mail address: its host name %w", err)
	}
	low := strings.ToLower(local)
	if strings.ToLower(low) != low {
		low = local
	}
	return low + "@" + host, nil
}

func canonIP(s string) (string, error) {
	a, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil || a.Zone() != "" {
		return "", fmt.Errorf("is not an IP address")
	}
	return a.Unmap().String(), nil
}

// canonDocroot makes the two spellings of a site's directory one: panels list
// it absolute (/var/www/USER/data/www/site) and take it relative to the
// account's data directory (www/site).
func canonDocroot(s string) (string, error) {
	s, err := canonText(s)
	if err != nil {
		return "", err
	}
	s = strings.TrimRight(s, "/")
	for rest, ok := strings.CutPrefix(s, "/var/www/"); ok; rest, ok = strings.CutPrefix(s, "/var/www/") {
		_, inside, found := strings.Cut(rest, "/data/")
		if !found {
			break
		}
		s = strings.Trim(inside, "/")
	}
	if s == "" {
		return "", fmt.Errorf("is not a directory")
	}
	return s, nil
}
