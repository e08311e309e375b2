package app

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDigestsOutside: the digests that are sent of files, and of what the cache
// keeps, are those that the program openssl makes of what curl gets.
func TestDigestsOutside(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	page := strings.Repeat("some text of a page\n", 500)
	for name, content := range map[string]string{"page.txt": page, "empty": "", "large.bin": strings.Repeat(page, 300)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := start(t, "serve", dir, "--listen", "127.0.0.1:0", "--monitor", "off")
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("ETag", `"1"`)
		if r.URL.Path != "/empty" {
			io.WriteString(w, page)
		}
	}))
	defer origin.Close()
	cached := start(t, "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--monitor", "off")
	curl := func(url string, args ...string) (http.Header, []byte) {
		t.Helper()
		head, body := filepath.Join(out, "head"), filepath.Join(out, "body")
		os.WriteFile(body, nil, 0o600) // of an empty answer curl makes no file
		cmd := exec.CommandContext(t.Context(), "curl", append([]string{"-sS", "-D", head, "-o", body, "--max-time", "60", url}, args...)...)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("curl: %v\n%s", err, text)
		}
		fields := http.Header{}
		text, err := os.ReadFile(head)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				fields.Add(name, value)
			}
		}
		content, err := os.ReadFile(body)
		if err != nil {
			t.Fatal(err)
		}
		return fields, content
	}
	made := func(algorithm string, content []byte) string {
		sum := runOpenSSL(t, content, "dgst", "-"+strings.ReplaceAll(algorithm, "-", ""), "-binary")
		return algorithm + "=:" + base64.StdEncoding.EncodeToString(sum) + ":"
	}
	for _, c := range []struct{ url, coding string }{
		{files.url() + "page.txt", ""}, {files.url() + "page.txt", "gzip"}, {files.url() + "page.txt", "br"}, {files.url() + "empty", ""}, {files.url() + "large.bin", ""},
		{cached.url() + "page", ""}, {cached.url() + "page", "gzip"}, {cached.url() + "empty", ""},
	} {
		for _, algorithm := range []string{"sha-256", "sha-512"} {
			// What is made in the background is not there for the first who asks.
			var fields http.Header
			var content []byte
			for range 600 {
				fields, content = curl(c.url, "-H", "Accept-Encoding: "+c.coding, "-H", "Want-Repr-Digest: "+algorithm+"=5", "-H", "Want-Content-Digest: "+algorithm+"=5")
				coded := fields.Get("Content-Encoding") == c.coding || strings.HasPrefix(c.url, cached.url()) // with a digest the proxy codes nothing
				if fields.Get("Repr-Digest") != "" && coded {
					break
				}
			}
			want := made(algorithm, content)
			if fields.Get("Repr-Digest") != want || fields.Get("Content-Digest") != want {
				t.Errorf("%s in %q by %s: %v, and openssl makes %s of %d bytes", c.url, c.coding, algorithm, fields, want, len(content))
			}
			if len(content) == 0 {
				continue
			}
			// A part may be one of another coding than the whole.
			_, plain := curl(c.url)
			part, some := curl(c.url, "-r", "1-9", "-H", "Accept-Encoding: "+c.coding, "-H", "Want-Repr-Digest: "+algorithm+"=5", "-H", "Want-Content-Digest: "+algorithm+"=5")
			of := content
			if part.Get("Content-Encoding") != fields.Get("Content-Encoding") {
				of = plain
			}
			if part.Get("Repr-Digest") != made(algorithm, of) || part.Get("Content-Digest") != "" || !bytes.Equal(some, of[1:10]) {
				t.Errorf("a part of %s in %q: %v, want %s", c.url, c.coding, part, made(algorithm, of))
			}
			var head http.Header
			for range 600 { // nor need it be there for a while: what has just changed on disk is looked at again
				head, _ = curl(c.url, "-I", "-H", "Accept-Encoding: "+c.coding, "-H", "Want-Repr-Digest: "+algorithm+"=5", "-H", "Want-Content-Digest: "+algorithm+"=5")
				if head.Get("Content-Encoding") == fields.Get("Content-Encoding") {
					break
				}
			}
			if head.Get("Repr-Digest") != want || head.Get("Content-Digest") != "" {
				t.Errorf("HEAD of %s in %q: %v, want %s", c.url, c.coding, head, want)
			}
		}
	}
}
