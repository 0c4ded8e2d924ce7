package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// report prints the table in Markdown, what belongs below it, and the machine.
func report(out io.Writer, results []*result, p python) error {
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, "| scenario | resources | ispsync CPU s | floor xml CPU s | floor rows CPU s | floor bytes CPU s | × xml | × rows | × bytes | aiohttp CPU s | max RSS MB | wall s | requests | budget | kept |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|")
	for _, r := range results {
		fmt.Fprintln(w, r.row())
	}
	fmt.Fprintln(w)
	linearity(w, results)
	for _, r := range results {
		r.remarks(w)
	}
	if p.path == "" {
		fmt.Fprintf(w, "- The aiohttp script was skipped: no Python with aiohttp and yaml (%s).\n", p.missing)
	}
	fmt.Fprintf(w, "- %s.\n", machine(time.Now()))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("the table: %w", err)
	}
	return nil
}

// row is a line of the table; "–" is what was not measured.
func (r *result) row() string {
	cpu := func(costs []cost) string {
		if len(costs) == 0 {
			return "–"
		}
		return seconds(median(costs).CPU)
	}
	m := r.median()
	cells := []string{r.scenario.name, thousands(r.scenario.size.resources()), seconds(m.CPU)}
	for _, way := range ways {
		cells = append(cells, cpu(r.floors[way]))
	}
	for _, way := range ways {
		if len(r.floors[way]) == 0 {
			cells = append(cells, "–")
			continue
		}
		cells = append(cells, fmt.Sprintf("%.1f", r.overFloor(way)))
	}
	budgets, kept := r.judged()
	cells = append(cells, cpu(r.python), fmt.Sprintf("%.0f", float64(m.MaxRSS)/1e6), seconds(m.Wall), thousands(r.requests), budgets, kept)
	return "| " + strings.Join(cells, " | ") + " |"
}

// judged names the budgets and those that were missed.
func (r *result) judged() (budgets, kept string) {
	var all, over []string
	for _, b := range r.scenario.budgets {
		all = append(all, b.text)
		if !b.kept(r) {
			over = append(over, b.text)
		}
	}
	switch {
	case len(all) == 0:
		return "–", "–"
	case len(over) == 0:
		return strings.Join(all, ", "), "ok"
	default:
		return strings.Join(all, ", "), "**over**: " + strings.Join(over, ", ")
	}
}

// mostGrowth is how much more a resource may cost when there are ten times as many.
const mostGrowth = 1.15

// linearity compares the cost of a resource among the sizes of one scenario.
func linearity(w io.Writer, results []*result) {
	var smaller *result
	for _, r := range results {
		if !r.scenario.linear {
			continue
		}
		if smaller != nil {
			growth := float64(r.perResource()) / float64(smaller.perResource())
			verdict := "ok"
			if growth > mostGrowth {
				verdict = "**over**"
			}
			fmt.Fprintf(w, "- A resource costs %v of CPU among %s and %v among %s: %.2f times (budget ≤ %.2f: %s).\n",
				smaller.perResource().Round(100*time.Nanosecond), thousands(smaller.scenario.size.resources()),
				r.perResource().Round(100*time.Nanosecond), thousands(r.scenario.size.resources()), growth, mostGrowth, verdict)
		}
		smaller = r
	}
}

// remarks says what the columns have no room for.
func (r *result) remarks(w io.Writer) {
	if ideal := r.scenario.ideal(); ideal > 0 {
		fmt.Fprintf(w, "- %s: ideal wall time %v, measured %.2f times that.\n", r.scenario.name, ideal, r.median().Wall.Seconds()/ideal.Seconds())
	}
	if r.scenario.slow > 0 {
		fmt.Fprintf(w, "- %s: the last call to another panel came after %v, without the slow panel after %v.\n",
			r.scenario.name, r.others.Round(time.Millisecond), r.othersAlone.Round(time.Millisecond))
	}
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// machine says where the figures come from.
func machine(now time.Time) string {
	cpu := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if model := cpuModel(string(info)); model != "" {
			cpu = model
		}
	}
	return fmt.Sprintf("%s, %d cores, %s %s/%s, %s", cpu, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, now.UTC().Format(time.DateOnly))
}

// cpuModel finds the processor's name in /proc/cpuinfo.
func cpuModel(info string) string {
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
