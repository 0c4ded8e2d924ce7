package main

import "time"

// event is a line of --log-format json: what the schema of kind event is made
// from, and which keys newLogger's lines may have. Only level, time and message
// are in every line; message says which event it is: "panel read", "apply began",
// "step began", "step ended", "waiting", "lane began", "lane ended", or else a
// text for people.
type event struct {
	Level   string    `json:"level" jsonschema:"enum=debug,enum=info,enum=warn,enum=error"`
	Time    time.Time `json:"time"`
	Message string    `json:"message"`
	Panel   string    `json:"panel,omitempty" jsonschema:"description=the panel it is about"`
	Kind    string    `json:"kind,omitempty" jsonschema:"description=the kind it is about"`
	Error   string    `json:"error,omitempty" jsonschema:"description=why it failed"`
	// ExitCode is in the last line of a command that ends with an error.
	ExitCode int `json:"exit_code,omitempty" jsonschema:"description=what the command ends with; its message is the error"`

	Panels    int   `json:"panels,omitempty" jsonschema:"description=spec read: panels of the spec"`
	Resources int   `json:"resources,omitempty" jsonschema:"description=spec read and panel read: resources"`
	Took      int64 `json:"took,omitempty" jsonschema:"description=spec read: nanoseconds"`
	Requests  int   `json:"requests,omitempty" jsonschema:"description=panel read and lane ended: calls so far"`

	Plan  string `json:"plan,omitempty" jsonschema:"description=apply began: the plan's digest"`
	Steps int    `json:"steps,omitempty" jsonschema:"description=apply began: how many steps"`

	Step        string `json:"step,omitempty" jsonschema:"description=id of the step in the plan"`
	Ref         string `json:"ref,omitempty" jsonschema:"description=panel/kind/key"`
	Action      string `json:"action,omitempty" jsonschema:"enum=create,enum=update,enum=delete"`
	Outcome     string `json:"outcome,omitempty" jsonschema:"enum=done,enum=failed,enum=blocked,enum=stale,enum=unknown,enum=not_run"`
	Attempts    int    `json:"attempts,omitempty" jsonschema:"description=calls sent for the step"`
	ErrorType   string `json:"error_type,omitempty" jsonschema:"description=the panel's or ispsync's type of the error: see ispsync explain"`
	ErrorObject string `json:"error_object,omitempty" jsonschema:"description=the panel's object of the error"`

	For     string `json:"for,omitempty" jsonschema:"description=waiting: for what"`
	Writes  int    `json:"writes,omitempty" jsonschema:"description=lane ended: writing calls"`
	Restart string `json:"restart,omitempty" jsonschema:"enum=none,enum=done,enum=failed,enum=unsupported"`
}
