package specs

import (
	"fmt"
	"strconv"
	"time"
)

// loadRollout reads the section rollout: {waves: [1, "10%"], pause: 30s, max_failures: 2}.
func (l *loader) loadRollout() {
	r := &l.spec.Rollout
	l.eachKey("rollout", "rollout key", func(p part, k, v *node) {
		switch k.text {
		case "waves":
			r.Waves = l.waves(p, v)
		case "pause":
			d, err := parsePause(v)
			if err != nil {
				l.problems.add(p.src, v, err.Error(), "write pause: 30s")
			}
			r.Pause = d
		case "max_failures":
			n, err := strconv.Atoi(v.text)
			if v.kind != scalarNode || err != nil || n < 0 {
				l.problems.add(p.src, v, "this must be a whole number, 0 or more", "")
			}
			r.MaxFailures = n
		default:
			l.problems.add(p.src, k, fmt.Sprintf("unknown key %q in rollout", k.text), didYouMean(k.text, []string{"max_failures", "pause", "waves"}))
		}
	})
	if parts := l.parts["rollout"]; len(parts) > 0 && len(r.Waves) == 0 && !l.problems.any() {
		l.problems.add(parts[0].src, parts[0].key, "a rollout needs its waves", `write waves: [1, "10%", "100%"]`)
	}
}

func (l *loader) waves(p part, v *node) []WaveSize {
	if v.kind != listNode {
		l.problems.add(p.src, v, "waves must be a list, not "+v.kind.String(), `write waves: [1, "10%", "100%"]`)
		return nil
	}
	var out []WaveSize
	for i := range v.items() {
		item := &v.items()[i]
		w, err := ParseWaveSize(item.text)
		if item.kind != scalarNode || err != nil {
			l.problems.add(p.src, item, fmt.Sprintf("%q is no size of a wave", item.text), `write a number of panels, or a share of them: "10%"`)
			continue
		}
		if err := checkWaves(append(out[max(0, len(out)-1):len(out):len(out)], w)); err != nil {
			l.problems.add(p.src, item, err.Error(), "")
		}
		out = append(out, w)
	}
	return out
}

// parsePause reads a time such as 30s, or a number of seconds.
func parsePause(v *node) (time.Duration, error) {
	text := v.text
	if _, err := strconv.Atoi(text); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if v.kind != scalarNode || err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time", v.text)
	}
	return d, nil
}
