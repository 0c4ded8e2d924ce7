package specs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rollout is the section `rollout` of a spec: an apply goes over the panels in
// waves, and stops when too much has failed. The zero Rollout is one wave.
type Rollout struct {
	// Waves are how many of the panels have had their turn when a wave is over.
	// They do not shrink. Panels beyond the last are a wave of their own.
	Waves []WaveSize
	// Pause is the time between two waves.
	Pause time.Duration
	// MaxFailures is how many failures the rollout goes on with.
	MaxFailures int
}

// WaveSize is a number of panels, or a share of them all in percent.
type WaveSize struct {
	Count   int
	Percent float64 // used when Count is 0
}

// Panels is the size in panels, of all: at least one, shares rounded up.
func (w WaveSize) Panels(all int) int {
	if w.Count > 0 {
		return w.Count
	}
	n := float64(all) * w.Percent / 100
	whole := int(n)
	if float64(whole) < n {
		whole++
	}
	return max(whole, 1)
}

func (w WaveSize) String() string {
	if w.Count > 0 {
		return strconv.Itoa(w.Count)
	}
	return strconv.FormatFloat(w.Percent, 'g', -1, 64) + "%"
}

// ParseWaveSize reads a number of panels, 3, or a share of them, 10%.
func ParseWaveSize(s string) (WaveSize, error) {
	text := strings.TrimSpace(s)
	if share, ok := strings.CutSuffix(text, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil || !(p > 0 && p <= 100) {
			return WaveSize{}, fmt.Errorf("%q is no share of the panels; write it as 10%%", s)
		}
		return WaveSize{Percent: p}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return WaveSize{}, fmt.Errorf("%q is no number of panels; write 3, or 10%%", s)
	}
	return WaveSize{Count: n}, nil
}

// ParseWaves reads sizes with commas between them: 1,10%,100%.
func ParseWaves(s string) ([]WaveSize, error) {
	var (
		out  []WaveSize
		errs []error
	)
	for _, part := range strings.Split(s, ",") {
		w, err := ParseWaveSize(part)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, w)
	}
	if len(errs) == 0 {
		errs = append(errs, checkWaves(out))
	}
	return out, errors.Join(errs...)
}

// checkWaves finds a wave that is certainly smaller than the one before it.
// Numbers and shares cannot be compared before the panels are counted.
func checkWaves(waves []WaveSize) error {
	for i := 1; i < len(waves); i++ {
		a, b := waves[i-1], waves[i]
		if a.Count > 0 && b.Count > 0 && b.Count < a.Count || a.Count == 0 && b.Count == 0 && b.Percent < a.Percent {
			return fmt.Errorf("the wave %s comes after %s: sizes say how many panels have had their turn in all, so they grow", b, a)
		}
	}
	return nil
}
