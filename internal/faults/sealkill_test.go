//go:build linux

package faults

import (
	"bytes"
	"crypto/rand"
	"flag"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/internal/keyfile"
	"freshet/internal/wiretest"
)

var seals = flag.Int("faults.seals", 3, "how many rewritings of a folder are killed")

// sealWord is in all that is kept.
const sealWord = "a-word-that-nobody-may-read"

// TestSealKill kills "freshet seal" at random moments, over a folder that has
// something of everything, once or several times, and runs it again, in the same
// direction or the opposite one: it ends with status 0, and all is sealed then, or
// all plain. In the end all is there that was.
func TestSealKill(t *testing.T) {
	long(t, "it takes some thirty seconds")
	t.Parallel()
	random := mathrand.New(mathrand.NewPCG(wiretest.Seed(t), 0))
	s := newSealed(t)
	was, files := s.serve(t), s.plainFiles(t)
	if !strings.Contains(was, sealWord) || len(files) < 40 {
		t.Fatalf("there is too little: %s", was)
	}
	began := time.Now()
	s.seal(t, "k1")
	takes := time.Since(began) + 50*time.Millisecond
	killed := 0
	for round := range *seals {
		to := []string{"k1", "k2", ""}[random.IntN(3)]
		for random.IntN(3) > 0 || killed <= round {
			if s.kill(t, []string{"k1", "k2", ""}[random.IntN(3)], time.Duration(random.Int64N(int64(takes)))) {
				killed++
			} else {
				takes = takes * 3 / 4 // so that one is killed at last
			}
		}
		s.seal(t, to)
		if t.Failed() {
			t.Fatalf("round %d, to %q", round, to)
		}
	}
	s.seal(t, "")
	if is := s.plainFiles(t); !sameFiles(t, files, is) {
		t.Error("files are not as they were")
	}
	if is := s.serve(t); is != was {
		t.Errorf("the server says\n%s\nand said\n%s", is, was)
	}
	t.Logf("%d rounds, %d processes killed", *seals, killed)
}

// sealedHome is a folder with all that freshet seal rewrites.
type sealedHome struct{ home, program string }

func newSealed(t *testing.T) *sealedHome {
	t.Helper()
	program, err := build(ours, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &sealedHome{t.TempDir(), program}
	lines := map[string]string{}
	for _, name := range []string{"k1", "k2"} {
		key := keyfile.Key{Name: name, Secret: make([]byte, 32)}
		_, _ = rand.Read(key.Secret)
		lines[name] = key.String() + "\n"
	}
	s.write(t, "k1", lines["k1"]+lines["k2"])
	s.write(t, "k2", lines["k2"]+lines["k1"])
	s.write(t, "index.html", "hello")
	for i := range 8 { // as certificates by ACME are kept
		s.write(t, fmt.Sprintf("certificates/certificates/ca/%d.example/%d.example.key", i, i), sealWord)
	}
	s.write(t, "certificates/locks/x", "")
	s.write(t, "in.txt", strings.Repeat(sealWord+" came with it\n", 20_000))
	n := s.server(t)
	for i := range 4 {
		s.run(t, "job", "submit", "--data", s.path("data"), "--wait", "--name", sealWord, "--input", s.path("in.txt"), "--output", "out.txt", "--array", "1-5",
			"--", "/bin/sh", "-c", fmt.Sprintf("head -c %d in.txt > out.txt; echo %s %d", 1000+70_000*i, sealWord, i))
	}
	s.run(t, "worker", "invite", "--data", s.path("data"), sealWord[:20])
	if err := n.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sealedHome) path(name string) string { return filepath.Join(s.home, name) }

func (s *sealedHome) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *sealedHome) command(args ...string) *exec.Cmd {
	c := exec.Command(s.program, args...)
	c.Env = append(os.Environ(), "HOME="+s.home, "XDG_DATA_HOME="+s.home, "XDG_STATE_HOME="+s.home, "XDG_CACHE_HOME="+s.home)
	return c
}

// run has a command do something.
func (s *sealedHome) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", args, err, out)
	}
	return string(out)
}

// server starts one, with nothing sealed.
func (s *sealedHome) server(t *testing.T) *node {
	t.Helper()
	n := &node{name: "server", env: s.command().Env, ready: regexp.MustCompile(`(?m)^serving `),
		args: []string{"serve", s.home, "--data", s.path("data"), "--jobs", "2", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-local", "--fleet", "127.0.0.1:0",
			"--monitor", "off", "--access-log", "off", "--alert-program", "/bin/true"}}
	begin(t, n)
	return n
}

// serve is all that a server says of its jobs.
func (s *sealedHome) serve(t *testing.T) string {
	t.Helper()
	n := s.server(t)
	ids := strings.Fields(s.run(t, "job", "list", "--data", s.path("data")))
	says := ""
	for _, id := range ids {
		if regexp.MustCompile(`^[0-9a-z]{9}$`).MatchString(id) && strings.ContainsAny(id, "0123456789") {
			says += s.run(t, "job", "show", "--data", s.path("data"), id) + s.run(t, "job", "logs", "--data", s.path("data"), id)
		}
	}
	if err := n.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return says
}

// change is freshet seal to a key, or to plain.
func (s *sealedHome) change(to string) *exec.Cmd {
	args := []string{"seal", "--data", s.path("data"), "--authority", s.path("freshet/authority"), "--tls-auto-data", s.path("certificates")}
	if to == "" {
		return s.command(append(args, "--plain", "--encrypt", s.path("k1"))...)
	}
	return s.command(append(args, "--encrypt", s.path(to))...)
}

// kill kills one after a while; false: it had ended.
func (s *sealedHome) kill(t *testing.T, to string, after time.Duration) bool {
	t.Helper()
	c := s.change(to)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	killing := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	defer killing.Stop()
	err := c.Wait()
	if err != nil && !c.ProcessState.Exited() {
		return true
	}
	if err != nil {
		t.Fatalf("to %q: %v: %s", to, err, &said)
	}
	return false
}

// seal runs one to its end, and looks at what there is then.
func (s *sealedHome) seal(t *testing.T, to string) {
	t.Helper()
	if out, err := s.change(to).CombinedOutput(); err != nil {
		t.Errorf("to %q: %v: %s", to, err, out)
	}
	for name, content := range s.files(t) {
		switch {
		case to != "" && (bytes.Contains(content, []byte(sealWord)) || bytes.Contains(content, []byte("PRIVATE KEY"))):
			t.Errorf("%s is not sealed", name)
		case to == "" && (bytes.Contains(content, []byte("frshseal")) || strings.HasSuffix(filepath.Dir(name), ".sealed")):
			t.Errorf("%s is sealed", name)
		case strings.Contains(name, ".new-") || strings.Contains(name, ".freshet-seal"):
			t.Errorf("%s was left", name)
		}
	}
	out, err := s.change(to).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "as it is to be") {
			t.Errorf("once more: %s", line)
		}
	}
	if err != nil {
		t.Errorf("once more: %v: %s", err, out)
	}
}

// files are those that freshet seal is to rewrite, with what they have.
func (s *sealedHome) files(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, dir := range []string{"data", "certificates", "freshet"} {
		err := filepath.WalkDir(s.path(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			name, err := filepath.Rel(s.home, path)
			if err == nil {
				all[name], err = os.ReadFile(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// plainFiles are those of jobs and keys.
func (s *sealedHome) plainFiles(t *testing.T) map[string][]byte {
	t.Helper()
	all := s.files(t)
	for name := range all {
		if !strings.HasPrefix(name, "data/jobs/inputs/") && !strings.HasPrefix(name, "data/jobs/outputs/") && !strings.HasPrefix(name, "data/jobs/logs/") &&
			!strings.HasPrefix(name, "certificates/certificates/") && !strings.HasPrefix(name, "freshet/") || filepath.Base(name) == "lock" {
			delete(all, name)
		}
	}
	return all
}

func sameFiles(t *testing.T, was, is map[string][]byte) bool {
	t.Helper()
	for name, content := range was {
		if other, there := is[name]; !there || !bytes.Equal(content, other) {
			t.Errorf("%s: %d bytes, and were %d", name, len(other), len(content))
		}
	}
	return len(was) == len(is)
}
