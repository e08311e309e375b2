package app

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOtherSecret has a file of keys get another secret under the name that it had,
// while a server runs: it goes on with the one that it has, and says so. What it
// stores from then on opens with the secret that all else was sealed with.
func TestOtherSecret(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		io.WriteString(w, r.URL.Path)
	}))
	defer origin.Close()
	data, keys := t.TempDir(), filepath.Join(t.TempDir(), "disk.keys")
	args := []string{"proxy", "--listen", "127.0.0.1:0", "--monitor", "off", "--access-log", "off", "--to", origin.URL, "--data", data, "--encrypt", keys}
	sealKeys(t, keys, "k1")
	right, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(url string, hit bool) {
		t.Helper()
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "www.example"
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if was := strings.Contains(resp.Header.Get("Cache-Status"), "; hit"); was != hit {
			t.Errorf("%s: Cache-Status: %s", url, resp.Header.Get("Cache-Status"))
		}
	}
	p := start(t, args...)
	url := p.url()
	ask(url+"before", false)
	sealKeys(t, keys, "k2", "k1")
	const refused = "key k1 has another secret than it had: give a new secret a name of its own, and put the old line back"
	for end := time.Now().Add(time.Minute); !strings.Contains(p.stderr.String(), refused); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not say so: %s", p.stderr.String())
		}
		resp, err := http.Get(url + "look") // the file is looked at when keys are used
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	ask(url+"after", false)
	p.stop()
	if n := strings.Count(p.stderr.String(), refused); n != 1 {
		t.Errorf("it says so %d times", n)
	}
	if err := os.WriteFile(keys, right, 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, args...)
	ask(p.url()+"before", true)
	ask(p.url()+"after", true)
	p.stop()
}

// TestSealOtherSecret: freshet seal changes nothing when a key has another secret
// than it had; with the one that it had it does what it is told.
func TestSealOtherSecret(t *testing.T) {
	home, site := t.TempDir(), t.TempDir()
	data, keys := filepath.Join(home, "data"), filepath.Join(home, "disk.keys")
	sealKeys(t, keys, "k1")
	right, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	p := startWith(t, func(e *Env) { e.Environ = append(e.Environ, "XDG_DATA_HOME="+home) },
		"serve", site, "--listen", "127.0.0.1:0", "--monitor", "off", "--access-log", "off", "--data", data, "--jobs", "1", "--alert-program", "/bin/true", "--encrypt", keys)
	p.url()
	if status, _, stderr := command(t, home, "job", "submit", "--data", data, "--wait", "--", "/bin/echo", "hello"); status != exitOK {
		t.Error(stderr)
	}
	p.stop()
	was := contents(t, data)
	sealKeys(t, keys, "k2", "k1")
	for _, more := range [][]string{nil, {"--plain"}, {"--dry-run"}} {
		status, stdout, stderr := command(t, home, append([]string{"seal", "--data", data, "--encrypt", keys}, more...)...)
		if status != exitFault || !strings.Contains(stderr, "nothing was changed: give each key the secret that it had") {
			t.Errorf("%v: %d: %s%s", more, status, stdout, stderr)
		}
	}
	for _, dir := range []string{"bus", "logs.sealed", "outputs.sealed", "inputs.sealed"} {
		if _, err := os.Stat(filepath.Join(data, "jobs", dir, "sealed")); err != nil {
			t.Error(err)
		}
	}
	if is := contents(t, data); is != was {
		t.Errorf("files changed: %s\nwere %s", is, was)
	}
	sealKeys(t, keys, "k2")
	next, err := os.ReadFile(keys)
	if err == nil {
		err = os.WriteFile(keys, append(next, right...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := command(t, home, "seal", "--data", data, "--encrypt", keys); status != exitOK {
		t.Errorf("%d: %s%s", status, stdout, stderr)
	}
}

// contents are the files of a folder, by hashes of what they have.
func contents(t *testing.T, dir string) string {
	t.Helper()
	text := ""
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		text += path[len(dir):] + " " + fmt.Sprintf("%x", sha256.Sum256(b)) + "\n"
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
