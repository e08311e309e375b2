package wiretest

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Way is one of the ways through the server on which every script runs; the
// answers must not differ.
type Way uint8

const (
	Hot    Way = iota // prepared answers are allowed
	Cold              // the hot path is off: every answer is a handler's
	Secure            // as Hot, over TLS: bytes are read and written by other code
	numWays
)

func (w Way) String() string {
	return [...]string{"with the hot path", "without the hot path", "over TLS"}[w]
}

// Server is a running server as a script sees it.
type Server struct {
	Dial    func() (net.Conn, error)
	Records *Recorder // nil when the server has no sink; then "expect rule" fails
	Stop    func()    // stops it and waits until it has stopped
}

// Start starts a server for a script: dir is the folder to serve, settings
// are those of the script's "server" line. It ends the test when a setting is
// unknown.
type Start func(t testing.TB, dir string, settings map[string]string, way Way) Server

// prepared is a script with its folders, one for each run.
type prepared struct {
	file     string
	commands []command
	settings map[string]string
	plain    bool // not for TLS
	loose    bool // its answers and records may differ
	front    bool // with an origin
	folders  [numWays]*folder
}

// Run runs each script of the files that pattern matches, as a subtest, in
// every way, and compares the answers.
func Run(t *testing.T, pattern string, start Start) {
	runAll(t, pattern, false, func(t testing.TB, f Front, settings map[string]string, way Way) Server {
		return start(t, f.Dir, settings, way)
	})
}

// Front is what a server has to stand in front of.
type Front struct {
	Dir    string       // the folder of the script's files
	Origin string       // host and port of the origin that the script plays
	Now    func() int64 // the time, nanoseconds since 1970: it moves with "advance" alone
}

// StartFront starts a server in front of an origin. What is left running after
// its Stop fails the test.
type StartFront func(t testing.TB, f Front, settings map[string]string, way Way) Server

// RunFront is Run for scripts that play the origin as well as the client.
func RunFront(t *testing.T, pattern string, start StartFront) { runAll(t, pattern, true, start) }

func runAll(t *testing.T, pattern string, front bool, start StartFront) {
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
		s.front = front
		scripts = append(scripts, s)
	}
	if !front {
		settle()
	}
	for _, s := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(s.file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			hot := s.run(t, start, Hot)
			for way := Hot + 1; way < numWays; way++ {
				if way == Secure && s.plain {
					continue
				}
				other := s.run(t, start, way)
				if t.Failed() {
					return
				}
				if hot.received != other.received && !s.loose {
					t.Errorf("%s: the answers differ %s and %s\n%s", s.file, Hot, way, difference(hot.received, other.received))
				}
				if hot.records != other.records && !s.loose {
					t.Errorf("%s: the records differ %s and %s\n%s", s.file, Hot, way, difference(hot.records, other.records))
				}
				if way == Cold && other.hits > 0 {
					t.Errorf("%s: %d hot answers although the hot path is off", s.file, other.hits)
				}
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
	_, s.plain = s.settings["plain"]
	delete(s.settings, "plain")
	_, s.loose = s.settings["loose"]
	delete(s.settings, "loose")
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

func (s *prepared) run(t *testing.T, start StartFront, way Way) outcome {
	f := s.folders[way]
	outside := filepath.Join(t.TempDir(), "outside.txt")
	if err := os.WriteFile(outside, []byte("outside\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(outside, modified, modified); err != nil {
		t.Fatal(err)
	}
	p := &player{folder: f, vars: map[string]string{"OUTSIDE": outside}, clients: map[string]*client{}, name: "1", way: way, patience: patience}
	given := Front{Dir: f.dir}
	if s.front {
		var err error
		if p.origin, err = newOrigin(); err != nil {
			t.Fatal(err)
		}
		p.clock, p.exchanges = newClock(), map[string]*exchange{}
		given.Origin, given.Now = p.origin.listener.Addr().String(), p.clock.now
		p.vars["ORIGIN"] = given.Origin
	}
	p.server = start(t, given, s.settings, way)
	for _, c := range s.commands {
		if err := p.play(c); err != nil {
			t.Errorf("%s:%d: (%s) %s\n\t%v%s", s.file, c.line, way, c.text, err, p.context())
			break
		}
	}
	p.end()
	if p.origin != nil && !t.Failed() {
		if err := p.origin.left(); err != nil {
			t.Errorf("%s: (%s) %v", s.file, way, err)
		}
	}
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
func difference(one, other string) string {
	a, b := strings.SplitAfter(one, "\n"), strings.SplitAfter(other, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("\tline %d\n\tone:   %q\n\tother: %q", i+1, clip(x), clip(y))
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
