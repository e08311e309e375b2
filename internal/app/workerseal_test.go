package app

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestWorkerSealsInputs has a worker with keys keep the file that a job came with:
// what it says, and its digest as a name, are nowhere in the worker's folder.
func TestWorkerSealsInputs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	const secret = "s3cr3tw0rd"
	keys := filepath.Join(t.TempDir(), "disk.keys")
	sealKeys(t, keys, "k1")
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--fleet", "127.0.0.1:0", folder(t, "index.html", "hello"))
	token := p.stderr.wait(t, `(?m)^fleet on 127\.0\.0\.1:\d+; on another machine: freshet worker --join (\S+)$`)
	data := filepath.Join(t.TempDir(), "data.txt")
	if err := os.WriteFile(data, []byte(strings.Repeat(secret, 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	cached := t.TempDir()
	w := startWith(t, func(e *Env) {
		e.Environ = []string{"HOME=" + home, "XDG_CACHE_HOME=" + cached, "FRESHET_JOIN=" + token}
	}, "worker", "--tasks", "1", "--label", "far", "--encrypt", keys)
	w.stderr.wait(t, `(?m)^(worker worker-1: 1 at a time)`)
	status, _, stderr := command(t, home, "job", "submit", "--wait", "--input", data, "--need", "far", "--", "grep", "-q", secret, "data.txt")
	if status != exitOK {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	w.stop()
	kept := 0
	err := filepath.WalkDir(cached, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && len(d.Name()) == 64 {
			kept++
		}
		return err
	})
	if kept != 1 || err != nil {
		t.Errorf("the worker keeps %d files, %v", kept, err)
	}
	if found := findSecret(t, cached, secret); found != nil {
		t.Errorf("what the job came with is plain in %v", found)
	}
}
