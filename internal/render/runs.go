package render

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Run is one past run as `ispsync runs` lists it; its JSON is one item of the
// list that `runs -o json` prints.
type Run struct {
	ID        string    `json:"id"`
	Began     time.Time `json:"began"`
	Last      time.Time `json:"last"` // of the last line of its journal
	Command   string    `json:"command"`
	PID       int       `json:"pid"`
	Host      string    `json:"host"`
	Panels    []string  `json:"panels"`
	Plan      string    `json:"plan"` // digest
	Saved     bool      `json:"saved"`
	MadeBy    string    `json:"made_by,omitempty"`
	Resumes   string    `json:"resumes,omitempty"`
	ResumedBy string    `json:"resumed_by,omitempty"`
	Resumable bool      `json:"resumable"`
	// Result is that of the report, or running, cut off or unreadable.
	Result  string `json:"result"`
	Done    int    `json:"done"`
	Failed  int    `json:"failed"`
	Unknown int    `json:"unknown"` // steps of which nobody knows yet
	Error   string `json:"error,omitempty"`
}

// RunsText lists runs.
func RunsText(w io.Writer, runs []Run, s Style) error {
	if len(runs) == 0 {
		_, err := fmt.Fprintln(w, "No runs.")
		return err
	}
	t := newTable(s, "RUN", "BEGAN", "PANELS", "DONE", "FAILED", "UNKNOWN", "RESULT", "")
	for _, r := range runs {
		t.AppendRow(table.Row{clean(r.ID), r.Began.UTC().Format("2006-01-02 15:04:05Z"), panelsOfRun(r), r.Done, r.Failed, r.Unknown, resultOfRun(r, s), clean(noteOfRun(r))})
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

func panelsOfRun(r Run) string {
	switch len(r.Panels) {
	case 0:
		return ""
	case 1:
		return clean(r.Panels[0])
	default:
		return fmt.Sprintf("%s and %d more", clean(r.Panels[0]), len(r.Panels)-1)
	}
}

func resultOfRun(r Run, s Style) string {
	switch r.Result {
	case "applied", "nothing", "running":
		return r.Result
	default:
		return yellow.on(s, clean(r.Result))
	}
}

func noteOfRun(r Run) string {
	switch {
	case r.Error != "":
		return r.Error
	case r.ResumedBy != "":
		return "continued by " + r.ResumedBy
	case r.Resumable:
		return "ispsync resume " + r.ID
	case r.Unknown > 0 && r.Result != "running":
		return "the next apply settles it"
	case r.MadeBy != "":
		return r.MadeBy
	}
	return ""
}
