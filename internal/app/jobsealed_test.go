package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJobsSealed: nothing that a job is told, comes with, writes or makes can be
// read in the folder of a server with --encrypt, while it runs and afterwards; it is
// there after another start, and for commands.
func TestJobsSealed(t *testing.T) {
	home := t.TempDir()
	data, keys, conf := filepath.Join(home, "data"), filepath.Join(home, "disk.keys"), filepath.Join(home, "freshet.toml")
	sealKeys(t, keys, "k1")
	const secret = "a-word-of-this-test"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(conf, "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\naccess-log = 'off'\njobs = 1\ndata = '"+data+"'\nencrypt = '"+keys+"'\n[[site]]\n[[site.route]]\nstatic = '"+t.TempDir()+"'\n")
	in := filepath.Join(home, "in.txt")
	write(in, strings.Repeat(secret+" came with it\n", 20_000))
	inHome := func(e *Env) { e.Environ = append(e.Environ, "XDG_DATA_HOME="+home) }
	hidden := func(when string) {
		t.Helper()
		if found := findSecret(t, data, secret); found != nil {
			t.Errorf("%s: it is in %v", when, found)
		}
	}
	p := startWith(t, inHome, "run", "-c", conf)
	p.url()
	script := `cat in.txt > out.txt; echo said: $X $1; echo faults >&2`
	status, id, stderr := command(t, home, "job", "submit", "--data", data, "--wait", "--name", secret, "--env", "X="+secret, "--input", in, "--output", "out.txt", "--", "/bin/sh", "-c", script, "sh", secret)
	if status != exitOK {
		t.Fatalf("%s%s", id, stderr)
	}
	hidden("while it runs")
	p.stop()
	hidden("afterwards")

	p = startWith(t, inHome, "run", "-c", conf)
	p.url()
	job := strings.Fields(id)[0]
	if status, stdout, stderr := command(t, home, "job", "logs", "--data", data, job); status != exitOK || !strings.Contains(stdout, "said: "+secret+" "+secret) {
		t.Errorf("what it wrote: %q, %s", stdout, stderr)
	}
	if status, stdout, stderr := command(t, home, "job", "show", "--data", data, job); status != exitOK || !strings.Contains(stdout, "out.txt") || !strings.Contains(stdout, secret) {
		t.Errorf("what it is: %q, %s", stdout, stderr)
	}
	if status, _, stderr := command(t, home, "job", "submit", "--data", data, "--wait", "--input", in, "--", "/bin/grep", "-q", secret, "in.txt"); status != exitOK {
		t.Errorf("what is kept is given to another job: %s", stderr)
	}
	p.stop()
	hidden("in the end")
	if left, _ := filepath.Glob(filepath.Join(data, "jobs", "*.sealed")); len(left) != 3 {
		t.Errorf("sealed are %q", left)
	}
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	write(conf, string(bytes.Replace(text, []byte("encrypt"), []byte("# encrypt"), 1)))
	p = startWith(t, inHome, "run", "-c", conf)
	if status := p.wait(); status != exitFault {
		t.Errorf("without its keys: status %d", status)
	}
	contains(t, p.stderr.String(), "sealed, and no key was given")
}
