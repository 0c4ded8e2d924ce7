package render

// A headless Chromium for the tests of the pages, spoken to in its own protocol
// over two pipes: messages are JSON, each ended by a zero byte. One call is in
// flight at a time, so nothing here needs a goroutine; what the browser says
// unasked is kept in events.

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// browserPatience is how long the browser may take for one answer.
const browserPatience = 30 * time.Second

type chromium struct {
	t       *testing.T
	in, out *os.File
	answers *bufio.Reader
	lastID  int
	session string
	events  []event
}

// event is something the browser said unasked.
type event struct {
	Method string
	Params json.RawMessage
}

// findChromium is the path of the program. Without REQUIRE_TOOLS, which CI sets,
// the test is skipped: it measures time, and needs a machine that does nothing else.
func findChromium(t *testing.T) string {
	t.Helper()
	if os.Getenv("REQUIRE_TOOLS") == "" {
		t.Skip("needs a browser and a machine to itself: `bash .ci/run browser`")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("REQUIRE_TOOLS is set, and no Chromium is installed")
	return ""
}

// startChromium is a browser with one empty page, ended with the test.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path := findChromium(t)
	theirIn, in := pipe(t)
	out, theirOut := pipe(t)
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking",
		"--disable-component-update", "--disable-dev-shm-usage", "--mute-audio", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, as the browser expects them
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &chromium{t: t, in: in, out: out, answers: bufio.NewReader(out)}
	t.Cleanup(func() {
		c.session = ""
		c.send("Browser.close", nil)
		in.Close()
		kill := time.AfterFunc(browserPatience, func() { cmd.Process.Kill() }) //nolint:errcheck // it is gone either way
		defer kill.Stop()
		cmd.Wait() //nolint:errcheck // how it ends does not matter
		out.Close()
	})
	theirIn.Close()
	theirOut.Close()
	var target struct{ TargetID string }
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network", "Accessibility"} {
		c.call(domain+".enable", nil, nil)
	}
	return c
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func (c *chromium) send(method string, params any) (id int) {
	c.lastID++
	m := map[string]any{"id": c.lastID, "method": method}
	if params != nil {
		m["params"] = params
	}
	if c.session != "" {
		m["sessionId"] = c.session
	}
	text, err := json.Marshal(m)
	if err == nil {
		_, err = c.in.Write(append(text, 0))
	}
	if err != nil {
		c.t.Errorf("%s: %v", method, err)
	}
	return c.lastID
}

// message is what the browser sends: an answer, or an event when it has no ID.
type message struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
	event
}

// next is the next thing the browser says. why is what is waited for.
func (c *chromium) next(why string) message {
	c.t.Helper()
	if err := c.out.SetReadDeadline(time.Now().Add(browserPatience)); err != nil {
		c.t.Fatal(err)
	}
	text, err := c.answers.ReadBytes(0)
	if err != nil {
		c.t.Fatalf("%s: the browser says nothing: %v", why, err)
	}
	var m message
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		c.t.Fatal(err)
	}
	if m.ID == 0 {
		c.events = append(c.events, m.event)
	}
	return m
}

// call sends one command and waits for its answer, which goes to result unless that is nil.
func (c *chromium) call(method string, params, result any) {
	c.t.Helper()
	id := c.send(method, params)
	m := c.next(method)
	for m.ID != id {
		m = c.next(method)
	}
	if m.Error != nil {
		c.t.Fatalf("%s: %s", method, m.Error.Message)
	}
	if result != nil {
		if err := json.Unmarshal(m.Result, result); err != nil {
			c.t.Fatal(err)
		}
	}
}

// eval evaluates an expression in the page, waits for it if it is a promise,
// and gives its value as Go has it from JSON.
func (c *chromium) eval(expression string) any {
	c.t.Helper()
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &answer)
	if e := answer.ExceptionDetails; e != nil {
		c.t.Fatalf("%s\n%s %s", expression, e.Text, e.Exception.Description)
	}
	return answer.Result.Value
}

// until waits, frame by frame, until a condition holds in the page.
func (c *chromium) until(condition string) {
	c.t.Helper()
	if got := c.eval(`new Promise(done => {
		const began = performance.now();
		const look = () => (` + condition + `) ? done(true) : performance.now() - began > 15000 ? done(false) : requestAnimationFrame(look);
		look();
	})`); got != true {
		c.t.Fatalf("never true in the page: %s", condition)
	}
}

// open shows a document, as a file, and waits until it is loaded.
func (c *chromium) open(doc string) {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.events = slices.DeleteFunc(c.events, loaded)
	c.call("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	for !slices.ContainsFunc(c.events, loaded) {
		c.next("loading the page")
	}
}

func loaded(e event) bool { return e.Method == "Page.loadEventFired" }

// press presses and lets go of one key, as a person does. It takes the names of
// keys in the page's events; a single character is typed.
func (c *chromium) press(key string) {
	c.t.Helper()
	codes := map[string]int{"Enter": 13, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35}
	down := map[string]any{"type": "keyDown", "key": key}
	if code, named := codes[key]; named {
		down["windowsVirtualKeyCode"], down["code"] = code, key
	}
	switch {
	case key == "Enter":
		down["text"] = "\r"
	case len(key) == 1:
		down["text"] = key
	}
	c.call("Input.dispatchKeyEvent", down, nil)
	down["type"] = "keyUp"
	delete(down, "text")
	c.call("Input.dispatchKeyEvent", down, nil)
}

// screen says how big the window is, what it prefers and which medium it is.
func (c *chromium) screen(wide, high int, scheme, media string) {
	c.t.Helper()
	c.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": false}, nil)
	c.call("Emulation.setEmulatedMedia", map[string]any{"media": media, "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// shoot saves a picture of the window in the directory $SCREENSHOTS, for people.
func (c *chromium) shoot(name string) {
	c.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var picture struct{ Data []byte }
	c.call("Page.captureScreenshot", map[string]any{"format": "png"}, &picture)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture.Data, 0o600); err != nil {
		c.t.Fatal(err)
	}
}
