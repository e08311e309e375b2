package wiretest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Server is a running server as a script sees it.
type Server struct {
	Network, Addr string    // as net.Dial takes them
	Records       *Recorder // nil when the server has no sink; then "expect rule" fails
	Stop          func()    // stops it and waits until it has stopped
}

// Start starts a server for a script: dir is the folder to serve, settings
// are those of the script's "server" line. It ends the test when a setting is
// unknown.
type Start func(t testing.TB, dir string, settings map[string]string, hot bool) Server

// Run runs each script of the files that pattern matches, as a subtest, with
// the hot path and without, and compares the two.
func Run(t *testing.T, pattern string, start Start) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts match %s (%v)", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			hot := runOnce(t, file, text, start, true)
			cold := runOnce(t, file, text, start, false)
			if t.Failed() {
				return
			}
			if hot.received != cold.received {
				t.Errorf("%s: the answers differ with and without the hot path\n%s", file, difference(hot.received, cold.received))
			}
			if hot.records != cold.records {
				t.Errorf("%s: the records differ with and without the hot path\n%s", file, difference(hot.records, cold.records))
			}
			if cold.hits > 0 {
				t.Errorf("%s: %d hot answers although the hot path is off", file, cold.hits)
			}
			t.Logf("hot answers: %d", hot.hits)
		})
	}
}

// outcome is what a run leaves to be compared.
type outcome struct {
	received string // by each connection, in the order of their names
	records  string
	hits     int
}

func runOnce(t *testing.T, file string, text []byte, start Start, hot bool) outcome {
	a := parseArchive(text)
	how := "without the hot path"
	if hot {
		how = "with the hot path"
	}
	f, err := newFolder(t.TempDir(), a)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	commands, err := parseScript(a.script)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	p := &player{folder: f, vars: map[string]string{}, clients: map[string]*client{}, name: "1", patience: patience}
	settings, commands, err := serverSettings(commands)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	p.server = start(t, f.dir, settings, hot)
	for _, c := range commands {
		if err := p.play(c); err != nil {
			t.Errorf("%s:%d: (%s) %s\n\t%v%s", file, c.line, how, c.text, err, p.context())
			break
		}
	}
	p.end()
	var o outcome
	for _, name := range slices.Sorted(maps.Keys(p.clients)) {
		o.received += "== connection " + name + "\n" + p.clients[name].transcript()
	}
	if p.server.Records != nil {
		o.records, o.hits = p.server.Records.summary(), p.server.Records.hits()
	}
	return o
}

// serverSettings takes the server line off the start of a script.
func serverSettings(commands []command) (map[string]string, []command, error) {
	settings := map[string]string{}
	for len(commands) > 0 && strings.HasPrefix(commands[0].text, "server ") {
		list, err := words(commands[0].text, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", commands[0].line, err)
		}
		for _, w := range list[1:] {
			key, value, _ := strings.Cut(w.text, "=")
			settings[key] = value
		}
		commands = commands[1:]
	}
	return settings, commands, nil
}

// difference shows the first line in which two texts differ.
func difference(hot, cold string) string {
	a, b := strings.SplitAfter(hot, "\n"), strings.SplitAfter(cold, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("\tline %d\n\twith:    %q\n\twithout: %q", i+1, clip(x), clip(y))
		}
	}
	return ""
}

func clip(s string) string {
	const most = 400
	if len(s) <= most {
		return s
	}
	return s[:most] + fmt.Sprintf("… (%d bytes)", len(s))
}

func mismatch(what, want, got string) error {
	return fmt.Errorf("%s:\n\texpected %q\n\tgot      %q", what, clip(want), clip(got))
}
