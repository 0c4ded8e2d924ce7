package mgrctl

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
)

// noteSize is how many bytes of a process's words are kept for errors.
const noteSize = 64 << 10

// hider takes the secrets of one call out of texts for messages: a panel quotes
// values that it refuses. It lives as long as the call.
type hider struct {
	replace *strings.Replacer
	longest int // bytes of the longest secret
}

func newHider(secrets [][2]string) hider {
	var values []string
	for _, s := range secrets {
		values = append(values, s[1], oneLine(s[1]))
	}
	values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	h := hider{}
	var pairs []string
	for _, v := range values {
		h.longest = max(h.longest, len(v))
		pairs = append(pairs, v, "***")
	}
	h.replace = strings.NewReplacer(pairs...)
	return h
}

// notes keeps the beginning of what a process writes, and drops the rest. Over
// ssh it first waits for the ready line of the far shell and keeps nothing of
// what stood before it, such as a greeting.
type notes struct {
	hide  hider
	mu    sync.Mutex
	text  []byte
	ready chan struct{} // closed at the ready line
	wait  bool          // for the ready line
}

func newNotes(hide hider, wait bool) *notes {
	return &notes{hide: hide, wait: wait, ready: make(chan struct{})}
}

// Write never fails.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	most := noteSize + n.hide.longest
	if n.wait {
		n.text = append(n.text, p...)
		if i := bytes.Index(n.text, []byte(readyLine)); i >= 0 {
			n.text = n.text[i+len(readyLine):]
			n.wait = false
			close(n.ready)
		}
		n.text = slices.Clone(n.text[max(0, len(n.text)-most):])
		return len(p), nil
	}
	n.text = append(n.text, p[:min(len(p), most-len(n.text))]...)
	return len(p), nil
}

// raw is the text as it came, for reading, not for showing.
func (n *notes) raw() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return string(n.text)
}

// String is the text without secrets. Where the text was cut, so may be a
// secret: that part is left out.
func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := n.hide.replace.Replace(string(n.text))
	if len(n.text) == noteSize+n.hide.longest {
		text = text[:max(0, len(text)-n.hide.longest)]
	}
	return text
}
