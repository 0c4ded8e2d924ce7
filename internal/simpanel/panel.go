package simpanel

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Generation is the generation of panel that is simulated. It changes what
// the record says differs: error documents, logins, session ids, JSON and two
// columns of the web domain list. Function names are those of v5/6; v4 has its
// own beside them, v6 site.edit.
type Generation int

// The generations (panel-api.md sections 1 to 4).
const (
	V6 Generation = iota
	V5
	V4
)

// Options says what panel to simulate. The zero value is a v6 panel whose
// account is root without a password, which answers at once, tells all rows
// in one document and knows no func=restart.
type Options struct {
	// Name is for the people who run several panels; see Panel.Name. It is in
	// no document.
	Name string
	// Account is the administrator, level 30; root when empty. It is not in
	// the user list.
	Account string
	// Password is the administrator's.
	Password string
	// Generation is the dialect.
	Generation Generation
	// PageSize is how many rows a list document carries at most, whatever
	// p_cnt asks for; 0 means all of them (panel-api.md section 4, Paging).
	PageSize int
	// Latency is how long every call takes.
	Latency time.Duration
	// Restart makes writes to web domains answer <ok>restart</ok> and
	// func=restart exist (guide, "Successful operation"; section 8).
	Restart bool
	// RestartDowntime is how long after func=restart connections are dropped.
	RestartDowntime time.Duration
	// SessionTTL is how long a session lives without calls; one hour when 0
	// (guide, "Session unique ID authentication").
	SessionTTL time.Duration
	// BringsZones makes the create of a web domain make the DNS zone of that
	// name too (section 7, inferred there).
	BringsZones bool
	// RestrictAuthinfo makes a panel refuse authinfo, as the option of that
	// name does for addresses outside its range (section 2).
	RestrictAuthinfo bool
	// LetsEncryptDelay is how long after letsencrypt.generate a certificate is
	// issued; until then it is listed as ssl_le_processing (section 6:
	// asynchronous). 0 issues it at once.
	LetsEncryptDelay time.Duration
	// ListIDN makes lists and forms print host names in UTF-8, though they
	// are kept in punycode (section 4, IDN).
	ListIDN bool
	// Faults is what goes wrong; see SetFaults.
	Faults Faults
	// Now is the clock; time.Now when nil. Sessions, downtime and late
	// changes follow it.
	Now func() time.Time
	// Seed makes session ids, seeded content and faults repeatable.
	Seed uint64
}

// Panel is one simulated panel. It is safe for concurrent use.
type Panel struct {
	opt Options

	mu        sync.Mutex
	tables    map[string]*table // by kind
	secrets   map[secretKey]string
	filters   map[filterKey]map[string]string
	sessions  map[string]*session
	late      []lateChange
	made      map[string]int // creates executed, by kind/key
	downUntil time.Time
	onDown    func()
	random    *rand.Rand

	ledger ledger
	faults faultSource
}

// New makes an empty panel.
func New(o Options) *Panel {
	if o.Account == "" {
		o.Account = "root"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SessionTTL == 0 {
		o.SessionTTL = time.Hour
	}
	p := &Panel{
		opt:      o,
		tables:   make(map[string]*table, len(kinds)),
		secrets:  map[secretKey]string{{kindUser.name, o.Account}: o.Password},
		filters:  make(map[filterKey]map[string]string),
		sessions: make(map[string]*session),
		made:     make(map[string]int),
		random:   rand.New(rand.NewPCG(o.Seed, 0x15b5)),
	}
	for _, k := range kinds {
		p.tables[k.name] = newTable(k)
	}
	p.seedServer()
	p.SetFaults(o.Faults)
	return p
}

// Name is the panel's name, for printing a panels: section.
func (p *Panel) Name() string { return p.opt.Name }

// noEntry is the ledger entry of a change that no call is to be credited
// with a second time.
const noEntry = -1

// lateChange is an accepted change that takes effect at its time only.
type lateChange struct {
	due    time.Time
	effect func()
	entry  int
	call   *call // nil when it is not credited
}

// settle runs the late changes whose time has come. It is called, with the
// lock held, before anything looks at the state, so a late change needs no
// goroutine of its own.
func (p *Panel) settle() {
	if len(p.late) == 0 {
		return
	}
	now, late := p.opt.Now(), p.late
	p.late = nil
	for _, l := range late {
		if now.Before(l.due) {
			p.late = append(p.late, l)
			continue
		}
		l.effect() // may put off a change of its own
		if l.call == nil || !l.call.void {
			p.ledger.applied(l.entry)
		}
	}
}
