package specs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestParseWaves: what --waves takes, and what it says of what it does not take.
func TestParseWaves(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  []WaveSize
		wrong string
	}{
		{"1", []WaveSize{{Count: 1}}, ""},
		{"1,10%,100%", []WaveSize{{Count: 1}, {Percent: 10}, {Percent: 100}}, ""},
		{" 2 , 0.5 % ", []WaveSize{{Count: 2}, {Percent: 0.5}}, ""},
		{"3,3", []WaveSize{{Count: 3}, {Count: 3}}, ""}, // the second is empty, and harms nobody
		{"", nil, `"" is no number of panels`},
		{"0", nil, `"0" is no number of panels`},
		{"-1", nil, `"-1" is no number of panels`},
		{"1.5", nil, `"1.5" is no number of panels`},
		{"0%", nil, `"0%" is no share of the panels`},
		{"101%", nil, `"101%" is no share of the panels`},
		{"NaN%", nil, `"NaN%" is no share of the panels`},
		{"Inf%", nil, `"Inf%" is no share of the panels`},
		{"ten", nil, `"ten" is no number of panels; write 3, or 10%`},
		{"1,ten,x%", nil, `"x%" is no share`}, // both are told
		{"3,2", nil, "the wave 2 comes after 3"},
		{"50%,10%", nil, "the wave 10% comes after 50%"},
	} {
		got, err := ParseWaves(c.text)
		switch {
		case c.wrong == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%q: %v, want %s", c.text, err, c.wrong)
		case c.wrong == "":
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%q: %s", c.text, d)
			}
		}
	}
}

// FuzzParseWaves: sizes that are taken are written as they are read, never shrink
// to nothing, and never grow beyond all for a share.
func FuzzParseWaves(f *testing.F) {
	for _, s := range []string{"1,10%,100%", "0.001%", "9999999", ",", "1e3%", "5,5%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		waves, err := ParseWaves(text)
		if err != nil {
			return
		}
		said := make([]string, len(waves))
		for i, w := range waves {
			said[i] = w.String()
			for _, all := range []int{1, 7, 1000} {
				if n := w.Panels(all); n < 1 || w.Count == 0 && n > all {
					t.Errorf("%s of %d panels is %d", w, all, n)
				}
			}
		}
		again, err := ParseWaves(strings.Join(said, ","))
		if err != nil || !cmp.Equal(waves, again) {
			t.Errorf("%q is read as %v, written as %q, and read again as %v, %v", text, waves, said, again, err)
		}
	})
}

// TestLoadRollout: the section rollout of a spec.
func TestLoadRollout(t *testing.T) {
	for text, want := range map[string]Rollout{
		"": {},
		`rollout: {waves: [1, "10%", 100%], pause: 30s, max_failures: 2}`: {
			Waves: []WaveSize{{Count: 1}, {Percent: 10}, {Percent: 100}}, Pause: 30 * time.Second, MaxFailures: 2},
		"rollout: {waves: [2], pause: 90}": {Waves: []WaveSize{{Count: 2}}, Pause: 90 * time.Second},
	} {
		if d := cmp.Diff(want, mustLoad(t, onePanel+text+"\n").Rollout); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

// TestRolloutMistakes: each is found with its place, and all at once.
func TestRolloutMistakes(t *testing.T) {
	for text, wants := range map[string][]string{
		"rollout: {wave: [1]}":                                {`unknown key "wave" in rollout`},
		"rollout: {waves: 1}":                                 {"waves must be a list"},
		"rollout: {waves: [0]}":                               {`"0" is no size of a wave`},
		"rollout: {waves: [[1]]}":                             {"is no size of a wave"},
		"rollout: {waves: [3, 2]}":                            {"the wave 2 comes after 3"},
		"rollout: {waves: []}":                                {"a rollout needs its waves"},
		"rollout: {pause: 1s}":                                {"a rollout needs its waves"},
		"rollout: {waves: [1], pause: soon}":                  {`"soon" is not a time`},
		"rollout: {waves: [1], pause: -1s}":                   {`"-1s" is not a time`},
		"rollout: {waves: [1], max_failures: -1}":             {"whole number, 0 or more"},
		"rollout: {waves: [x], pause: y, max_failures: many}": {`"x" is no size of a wave`, `"y" is not a time`, "whole number, 0 or more"},
	} {
		_, err := loadText(t, onePanel+text+"\n", Options{})
		es, ok := err.(Errors)
		if !ok || len(es) != len(wants) {
			t.Errorf("%s: want %d mistakes, got %v", text, len(wants), err)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: want %q in\n%v", text, want, err)
			}
		}
	}
}
