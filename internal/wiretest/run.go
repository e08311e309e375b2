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

// prepared is a script with its folders, one for each run.
type prepared struct {
	file     string
	commands []command
	settings map[string]string
	folders  [2]*folder
}

// Run runs each script of the files that pattern matches, as a subtest, with
// the hot path and without, and compares the two.
func Run(t *testing.T, pattern string, start Start) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts match %s (%v)", pattern, err)
	}
	// All folders are made before the first script begins, so that waiting
	// once lets all servers trust what they find.
	var scripts []*prepared
	for _, file := range files {
		s, err := prepare(file, filepath.Join(t.TempDir(), "site"))
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, s)
	}
	settle()
	for _, s := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(s.file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			hot := s.run(t, start, true)
			cold := s.run(t, start, false)
			if t.Failed() {
				return
			}
			if hot.received != cold.received {
				t.Errorf("%s: the answers differ with and without the hot path\n%s", s.file, difference(hot.received, cold.received))
			}
			if hot.records != cold.records {
				t.Errorf("%s: the records differ with and without the hot path\n%s", s.file, difference(hot.records, cold.records))
			}
			if cold.hits > 0 {
				t.Errorf("%s: %d hot answers although the hot path is off", s.file, cold.hits)
			}
			t.Logf("hot answers: %d", hot.hits)
		})
	}
}

func prepare(file, dir string) (*prepared, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	a := parseArchive(text)
	s := &prepared{file: file}
	if s.commands, err = parseScript(a.script); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if s.settings, s.commands, err = serverSettings(s.commands); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range s.folders {
		if s.folders[i], err = newFolder(fmt.Sprint(dir, i), a); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return s, nil
}

// outcome is what a run leaves to be compared.
type outcome struct {
	received string // by each connection, in the order of their names
	records  string
	hits     int
}

func (s *prepared) run(t *testing.T, start Start, hot bool) outcome {
	f, how := s.folders[0], "without the hot path"
	if hot {
		f, how = s.folders[1], "with the hot path"
	}
	outside := filepath.Join(t.TempDir(), "outside.txt")
	if err := os.WriteFile(outside, []byte("outside\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(outside, modified, modified); err != nil {
		t.Fatal(err)
	}
	p := &player{folder: f, vars: map[string]string{"OUTSIDE": outside}, clients: map[string]*client{}, name: "1", hot: hot, patience: patience}
	p.server = start(t, f.dir, s.settings, hot)
	for _, c := range s.commands {
		if err := p.play(c); err != nil {
			t.Errorf("%s:%d: (%s) %s\n\t%v%s", s.file, c.line, how, c.text, err, p.context())
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
