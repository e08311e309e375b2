package app

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A scenario is a script in testdata/why that produces one verdict, says what
// its cause must be, and is mended by what is said to mend it. It has lines:
//
//	serve FLAG…            the command, without addresses; or proxy, or run
//	prime, get, head, …    a request that is sent: see below
//	advance 75s            the time of caches and of origins' pauses moves
//	origin stop | start    nobody listens where the origin was
//	edit                   what follows "-- edited.toml --" is the configuration
//	purge ARG…             freshet purge
//	remove FILE            of the folder that is served
//	chmod MODE FILE        of it
//	why METHOD TARGET      the request that is to be explained; it is sent
//	cause RULE             what its cause is, before it is sent and after it
//	before RULE            the cause that is seen before; "-" if none is asked for
//	status CODE            of its answer; 0: it is cut
//	verdict NAME           of its record
//	says TEXT              a part of its explanation as text; may be repeated
//	fix TEXT               what would make it a hit, each a line; "fix none"
//	hit VERDICT            what it is once that is done, instead of a hit or a file
//
// A request is a method, a target (or an absolute URL, of which the host is
// sent), and fields in indented lines; a line "| text" is its body. "raw TEXT"
// in place of method and target sends bytes as they are. With a line "goes" the
// client goes away once the origin was asked, with "hangs up" once the answer has
// begun, with "reads nothing" it does that.
//
// Sections are files: "freshet.toml", "files/NAME" of the folder, and
// "origin PATH" for what the origin answers: one answer after the other, with
// "---" between, the last one again and again. An answer is a status line
// "200", fields, an empty line, and a body; or "raw TEXT", "hold TEXT" (which
// keeps the connection), "silent" or "close". "programs/NAME" are files that may
// be executed, "private/NAME" one of $HOME that nobody else may read, and "backend" is what the FastCGI backend at $FASTCGI does with
// each request: see playedBackend. $ORIGIN, $DIR and $HOME stand for
// the origin's URL and folders, $TOKEN for the server's token, $FILL and $FIELDS
// for much.
type scenario struct {
	name     string
	command  []string
	steps    []step
	toml     string
	edited   string
	files    map[string]string
	programs map[string]string // files that may be executed
	private  map[string]string // files of $HOME, for its user alone
	backend  string
	answers  map[string][]string // by path, as written
	expected expectation
}

// step is a line of the script.
type step struct {
	verb string
	args []string
	req  *request
}

// request is what a client sends.
type request struct {
	method, target string
	fields         []string
	body           string
	raw            string
	goes, unread   bool
	hangsUp        bool
}

type expectation struct {
	cause, before, verdict, hit string
	status                      int
	says, fixes                 []string
}

// parseScenario reads a script.
func parseScenario(path string) (*scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &scenario{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), files: map[string]string{}, programs: map[string]string{}, private: map[string]string{}, answers: map[string][]string{}}
	s.expected.status = -1
	script, sections := cutSections(strings.ReplaceAll(string(text), "\r\n", "\n"))
	for _, sec := range sections {
		switch name := sec[0]; {
		case name == "freshet.toml":
			s.toml = sec[1]
		case name == "edited.toml":
			s.edited = sec[1]
		case strings.HasPrefix(name, "files/"):
			s.files[strings.TrimPrefix(name, "files/")] = sec[1]
		case strings.HasPrefix(name, "programs/"):
			s.programs[strings.TrimPrefix(name, "programs/")] = sec[1]
		case strings.HasPrefix(name, "private/"):
			s.private[strings.TrimPrefix(name, "private/")] = sec[1]
		case name == "backend":
			s.backend = sec[1]
		case strings.HasPrefix(name, "origin "):
			s.answers[strings.TrimPrefix(name, "origin ")] = strings.Split(sec[1], "---\n")
		default:
			return nil, fmt.Errorf("unknown section %q", name)
		}
	}
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\n")
		if err := s.line(line); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	if len(s.command) == 0 || s.expected.cause == "" || s.expected.fixes == nil {
		return nil, errors.New("a scenario has a command, why, cause and fix")
	}
	return s, nil
}

// cutSections splits a text at its "-- name --" lines.
func cutSections(text string) (script string, sections [][2]string) {
	current := &script
	for line := range strings.Lines(text) {
		name, begins := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		if name, ends := strings.CutSuffix(name, " --"); begins && ends {
			sections = append(sections, [2]string{name})
			current = &sections[len(sections)-1][1]
			continue
		}
		*current += line
	}
	return script, sections
}

func (s *scenario) line(line string) error {
	indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
	text := strings.TrimSpace(line)
	verb, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case text == "" || text[0] == '#':
	case indented:
		if len(s.steps) == 0 || s.steps[len(s.steps)-1].req == nil {
			return errors.New("a field without a request")
		}
		r := s.steps[len(s.steps)-1].req
		body, isBody := strings.CutPrefix(text, "| ")
		switch {
		case isBody:
			r.body += body
			return nil
		case text == "goes":
			r.goes = true
			return nil
		case text == "hangs up":
			r.hangsUp = true
			return nil
		case text == "reads nothing":
			r.unread = true
			return nil
		}
		r.fields = append(r.fields, text)
	case verb == "serve" || verb == "proxy" || verb == "run":
		s.command = strings.Fields(text)
	case s.expected.line(verb, rest):
	case verb == "prime" || verb == "why":
		r := &request{}
		if raw, ok := strings.CutPrefix(rest, "raw "); ok {
			r.raw = raw
		} else if r.method, r.target, ok = strings.Cut(rest, " "); !ok {
			return errors.New("a method and a target are needed")
		}
		s.steps = append(s.steps, step{verb: verb, req: r})
	case verb == "advance" || verb == "origin" || verb == "edit" || verb == "purge" || verb == "remove" || verb == "chmod":
		s.steps = append(s.steps, step{verb: verb, args: strings.Fields(rest)})
	default:
		return errors.New("unknown command")
	}
	return nil
}

// line takes what is expected.
func (x *expectation) line(verb, rest string) bool {
	switch verb {
	case "cause":
		x.cause = rest
	case "before":
		x.before = rest
	case "verdict":
		x.verdict = rest
	case "hit":
		x.hit = rest
	case "status":
		_, err := fmt.Sscan(rest, &x.status)
		return err == nil
	case "says":
		x.says = append(x.says, rest)
	case "fix":
		if x.fixes == nil {
			x.fixes = []string{}
		}
		if rest != "none" {
			x.fixes = append(x.fixes, rest)
		}
	default:
		return false
	}
	return true
}

// TestScenarios plays all scripts, and checks then that each rule there is has
// been seen, here or elsewhere.
func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/why/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	all := &sightings{}
	complete := t.Run("each", func(t *testing.T) {
		for _, path := range paths {
			s, err := parseScenario(path)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.play(t, all)
			})
		}
	})
	if complete {
		all.check(t)
	}
}

// play runs the script, and then what mends it.
func (s *scenario) play(t *testing.T, all *sightings) {
	w := newWorld(t, s)
	defer func() { all.add(w.records.rules()) }()
	w.start()
	for _, st := range s.steps {
		switch st.verb {
		case "prime":
			w.send(st.req)
		case "why":
			w.explain(st.req)
		default:
			if err := w.do(st); err != nil {
				t.Fatalf("%s %v: %v", st.verb, st.args, err)
			}
		}
		if t.Failed() {
			break
		}
	}
	w.stop()
}

// do is a step without a request.
func (w *world) do(st step) error {
	switch st.verb {
	case "advance":
		d, err := time.ParseDuration(st.args[0])
		w.now.Add(int64(d))
		return err
	case "origin":
		if st.args[0] == "stop" {
			w.origin.stop()
			return nil
		}
		return w.origin.start()
	case "remove":
		return os.Remove(filepath.Join(w.dir, st.args[0]))
	case "chmod":
		mode, err := strconv.ParseUint(st.args[0], 8, 32)
		return errors.Join(err, os.Chmod(filepath.Join(w.dir, st.args[1]), os.FileMode(mode)))
	case "edit":
		return w.configure(w.expand(w.s.edited))
	case "purge":
		args := []string{"purge"}
		for _, a := range st.args {
			args = append(args, w.absolute(w.expand(a)))
		}
		if status, _, stderr := command(w.t, w.home, args...); status != exitOK {
			return errors.New(stderr)
		}
		return nil
	}
	return errors.New("unknown step")
}

// explain asks why before and after a request, and mends what is to be mended.
func (w *world) explain(r *request) {
	t, x := w.t, &w.s.expected
	t.Helper()
	if before := x.before; before != "-" && r.raw == "" {
		if before == "" {
			before = x.cause
		}
		if e := w.ask(w.whyArgs(r)...); e != nil && e.Rule.Name != before {
			t.Errorf("before it is sent its cause is %s, want %s\n%s", e.Rule.Name, before, e.text)
		}
		if t.Failed() {
			return
		}
	}
	rec := w.send(r)
	if rec == nil {
		return
	}
	e := w.ask(rec.ID.String())
	if e == nil {
		return
	}
	if e.Rule.Name != x.cause {
		t.Errorf("its cause is %s, want %s", e.Rule.Name, x.cause)
	}
	if x.verdict != "" && e.Verdict != x.verdict {
		t.Errorf("its verdict is %s, want %s", e.Verdict, x.verdict)
	}
	if x.status >= 0 && rec.Status != x.status {
		t.Errorf("its status is %d, want %d", rec.Status, x.status)
	}
	if got, want := strings.Join(e.fixes(), "\n"), strings.Join(w.expandAll(x.fixes), "\n"); got != want {
		t.Errorf("fixes:\n%s\nwant:\n%s", got, want)
	}
	plain := strings.Join(strings.Fields(e.text), " ")
	for _, part := range w.expandAll(x.says) {
		if !strings.Contains(plain, part) {
			t.Errorf("it does not say %q", part)
		}
	}
	if t.Failed() {
		t.Logf("explained:\n%s", e.text)
		return
	}
	if len(x.fixes) > 0 {
		w.mend(r, e)
	}
}

// mend does what the explanation says, and asks twice: the second answer must
// be a hit, or from the folder.
func (w *world) mend(r *request, e *explained) {
	w.t.Helper()
	for _, f := range e.Fixes {
		if err := w.apply(r, f.Fix); err != nil {
			w.t.Errorf("%s: %v", f.Text, err)
			return
		}
	}
	w.restart()
	w.send(r)
	rec := w.send(r)
	if rec == nil {
		return
	}
	verdict, want := rec.Verdict.String(), w.s.expected.hit
	switch {
	case want != "":
		if verdict != want {
			w.t.Errorf("mended, it is %s, want %s (%v)", verdict, want, rec.Rule)
		}
	case rec.Status >= http.StatusBadRequest || verdict != "hit" && verdict != "file":
		after := w.ask(rec.ID.String())
		w.t.Errorf("mended, it is %d, %s: %v\n%s", rec.Status, verdict, rec.Rule, after.text)
	}
}
