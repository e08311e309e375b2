package app

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sealKeys writes a file of keys, of which sign prints the lines.
func sealKeys(t *testing.T, file string, names ...string) {
	t.Helper()
	text := ""
	for _, name := range names {
		status, stdout, stderr := command(t, t.TempDir(), "sign", "--new-key", name)
		if status != 0 {
			t.Fatal(stderr)
		}
		text += stdout
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// findSecret looks for a word in all files of a folder and in their names.
func findSecret(t *testing.T, dir, word string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.Contains(path[len(dir):], word) {
			found = append(found, path)
		}
		if d.Type().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if bytes.Contains(content, []byte(word)) {
				found = append(found, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestEncrypted has a proxy keep secrets on disk, small and large, whole and in
// part, and purge some: none is found there, and the next life has them.
func TestEncrypted(t *testing.T) {
	const secret = "s3cr3tw0rd"
	large := bytes.Repeat([]byte(secret+" and more. "), 20_000)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("X-Word", secret)
		w.Header().Set("Cache-Tag", secret+"-tag")
		w.Header().Set("ETag", `"`+secret+`"`)
		if strings.Contains(r.URL.Path, "large") {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(large))
			return
		}
		io.WriteString(w, secret)
	}))
	defer origin.Close()
	data, keys := t.TempDir(), filepath.Join(t.TempDir(), "disk.keys")
	sealKeys(t, keys, "k1")
	args := []string{"proxy", "--listen", "127.0.0.1:0", "--monitor", "off", "--access-log", "off", "--to", origin.URL, "--data", data, "--memory", "1MiB", "--encrypt", keys}

	ask := func(url, ranges, want string, hit bool) {
		t.Helper()
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "www.example" // the same in each life: it is part of the key
		if ranges != "" {
			req.Header.Set("Range", ranges)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != want {
			t.Errorf("%s %s: %d bytes of %d, %v", url, ranges, len(body), len(want), err)
		}
		if was := strings.Contains(resp.Header.Get("Cache-Status"), "; hit"); was != hit {
			t.Errorf("%s %s: Cache-Status: %s", url, ranges, resp.Header.Get("Cache-Status"))
		}
	}
	for life, hit := range []bool{false, true} {
		p := start(t, args...)
		url := p.url()
		ask(url+secret, "", secret, hit)
		ask(url+"large?"+secret, "", string(large), hit)
		ask(url+"large?"+secret, "bytes=65000-67000", string(large[65000:67001]), true)
		ask(url+"large-part?"+secret, "bytes=70000-170000", string(large[70000:170001]), hit)
		p.stop()
		if found := findSecret(t, data, secret); found != nil {
			t.Errorf("life %d: in %v", life, found)
		}
	}

	// With a new first key all is read; without the old one it is fetched again.
	old, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	sealKeys(t, keys, "k2")
	first, err := os.ReadFile(keys)
	if err == nil {
		err = os.WriteFile(keys, append(first, old...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, args...)
	ask(p.url()+"large?"+secret, "", string(large), true)
	p.stop()
	if err := os.WriteFile(keys, first, 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, args...)
	ask(p.url()+"large?"+secret, "", string(large), false)
	p.stop()

	// Without a key the folder is refused, and so is one that is not sealed with one.
	contains(t, fails(t, exitFault, args[:len(args)-2]...), "what it has is sealed, and no key was given")
	plain := t.TempDir()
	bare := append([]string{}, args[:len(args)-2]...)
	for i := range bare {
		if bare[i] == data {
			bare[i] = plain
		}
	}
	p = start(t, bare...)
	ask(p.url()+"a", "", secret, false)
	p.stop()
	if findSecret(t, plain, secret) == nil {
		t.Error("what is not sealed is not found either: this test finds nothing")
	}
	contains(t, fails(t, exitFault, append(bare, "--encrypt", keys)...), "it has something that is not sealed: empty it")

	// The file of keys.
	if err := os.WriteFile(keys, []byte("k1 AAAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, fails(t, exitFault, args...), `the secret of key k1 has 3 bytes; it needs 32, of a random source; "freshet sign --new-key NAME" prints a line for it`)
	contains(t, fails(t, exitUsage, "proxy", "--to", origin.URL, "--encrypt", keys), "--encrypt seals what is in the folder that --data names; give --data too")
}
