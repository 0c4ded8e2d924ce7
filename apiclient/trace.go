package apiclient

import (
	"fmt"
	"strings"
	"time"
)

// traced are the parameters a trace line may show. Others are left out by
// name, so no secret can get in under a name nobody thought of.
var traced = []string{"elid", "plid", "p_num"}

// traceCall writes one line about a call that was made.
func (c *Client) traceCall(k *call, took time.Duration, size int64, failure *Error) {
	if c.trace == nil {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", c.panel.Name, k.fn)
	if k.su != "" {
		b.WriteString(" su=" + cleanLine(k.su))
	}
	for _, name := range traced {
		for _, p := range k.params {
			if p.name == name {
				fmt.Fprintf(&b, " %s=%s", name, clip(cleanLine(p.value), 80))
			}
		}
	}
	if !k.params.has("elid") && !k.login && k.about != "" {
		fmt.Fprintf(&b, " %s", clip(cleanLine(k.about), 80))
	}
	fmt.Fprintf(&b, ": %v, %d B, ", took.Round(time.Millisecond/10), size)
	switch {
	case failure == nil:
		b.WriteString("ok")
	case failure.Object != "":
		fmt.Fprintf(&b, "%s(%s)", failure.Type, failure.Object)
	default:
		b.WriteString(failure.Type)
	}
	c.trace(b.String())
}
