package simpanel

import "time"

// A panel that is down drops calls that reach it, as its server does while it
// stops; a new connection is refused. ServeHTTP has no say in connections, so
// whoever makes them asks Refuses, and whoever keeps them may close them OnDown.

// Down takes the panel down from now on for d, by its clock. Sessions live on.
func (p *Panel) Down(d time.Duration) {
	p.mu.Lock()
	p.downUntil = p.opt.Now().Add(d)
	hook := p.onDown
	p.mu.Unlock()
	if hook != nil {
		hook()
	}
}

// RestartedByOthers is Down with the end of all sessions, as when another
// administrator restarts the panel (section 8).
func (p *Panel) RestartedByOthers(d time.Duration) {
	p.mu.Lock()
	clear(p.sessions)
	p.mu.Unlock()
	p.Down(d)
}

// Refuses tells whether the panel is down now, so that a connection to it would
// be refused.
func (p *Panel) Refuses() bool { return p.isDown() }

// OnDown sets what is called, without locks, when Down, RestartedByOthers or the
// fault Restarted takes the panel down; func=restart, whose caller is owed an
// answer, does not call it.
func (p *Panel) OnDown(hook func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onDown = hook
}
