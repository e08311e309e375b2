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
	// What is made in the background is not there for the first who asks, nor for a
	// while after that: what has just changed on disk is looked at again.
	ask := func(there func(http.Header) bool, url, coding, algorithm string, args ...string) (fields http.Header, content []byte) {
		t.Helper()
		args = append(args, "-H", "Accept-Encoding: "+coding, "-H", "Want-Repr-Digest: "+algorithm+"=5", "-H", "Want-Content-Digest: "+algorithm+"=5")
		for range 600 {
			if fields, content = curl(url, args...); there(fields) {
				break
			}
		}
		return fields, content
	}
	wanted := func(url, coding, algorithm string, args ...string) (http.Header, []byte) {
		t.Helper()
		return ask(func(f http.Header) bool { return f.Get("Repr-Digest") != "" }, url, coding, algorithm, args...)
	}
	whole := func(url, coding, algorithm string, args ...string) (http.Header, []byte) {
		t.Helper()
		return ask(func(f http.Header) bool {
			coded := f.Get("Content-Encoding") == coding || strings.HasPrefix(url, cached.url()) // with a digest the proxy codes nothing
			return coded && f.Get("Repr-Digest") != ""
		}, url, coding, algorithm, args...)
	}
	for _, c := range []struct{ url, coding string }{
		{files.url() + "page.txt", ""}, {files.url() + "page.txt", "gzip"}, {files.url() + "page.txt", "br"}, {files.url() + "empty", ""}, {files.url() + "large.bin", ""},
		{cached.url() + "page", ""}, {cached.url() + "page", "gzip"}, {cached.url() + "empty", ""},
	} {
		for _, algorithm := range []string{"sha-256", "sha-512"} {
			fields, content := whole(c.url, c.coding, algorithm)
			want := made(algorithm, content)
			if fields.Get("Repr-Digest") != want || fields.Get("Content-Digest") != want {
				t.Errorf("%s in %q by %s: %v, and openssl makes %s of %d bytes", c.url, c.coding, algorithm, fields, want, len(content))
			}
			if len(content) == 0 {
				continue
			}
			// A part may be one of another coding than the whole.
			_, plain := curl(c.url)
			part, some := wanted(c.url, c.coding, algorithm, "-r", "1-9")
			of := content
			if part.Get("Content-Encoding") != fields.Get("Content-Encoding") {
				of = plain
			}
			if part.Get("Repr-Digest") != made(algorithm, of) || part.Get("Content-Digest") != "" || !bytes.Equal(some, of[1:10]) {
				t.Errorf("a part of %s in %q: %v, want %s", c.url, c.coding, part, made(algorithm, of))
			}
			head, _ := whole(c.url, c.coding, algorithm, "-I")
			if head.Get("Repr-Digest") != want || head.Get("Content-Digest") != "" {
				t.Errorf("HEAD of %s in %q: %v, want %s", c.url, c.coding, head, want)
			}
		}
	}
}
