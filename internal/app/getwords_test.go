package app

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An error is said once, and in words.
func TestGetCutOffWords(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/known" {
			w.Header().Set("Content-Length", "10")
		}
		w.Write([]byte("short"))
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	for path, want := range map[string]string{
		"URL/known": "freshet: (18) the body was cut off after 5 of 10 bytes\n",
		"URL/other": "freshet: (18) the body was cut off after 5 bytes\n",
	} {
		if _, said := w.run(getPartial, path); said != want {
			t.Errorf("%s: %q, want %q", path, said, want)
		}
	}
}

// A port where nobody speaks TLS is a fault of TLS, however it shows.
func TestGetPlainPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1))
			c.Close()
		}
	}()
	defer func() { l.Close(); <-done }()
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {})
	plain := "https" + strings.TrimPrefix(w.srv.URL, "http")
	for _, args := range []string{"", "--http1.0"} {
		_, said := w.run(getTLSError, append(strings.Fields(args), "https://"+l.Addr().String()+"/")...)
		contains(t, said, "no TLS with "+l.Addr().String()+": it has closed the connection instead; is it http there")
		_, said = w.run(getTLSError, append(strings.Fields(args), plain)...)
		contains(t, said, "it answers with something else; is it http there")
	}
	_, said := w.run(getTLSError, "-x", "https://"+l.Addr().String(), "URL/")
	contains(t, said, l.Addr().String())
}

// Who is told of a cache that cannot be opened is told where it is.
func TestGetCacheFault(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, said := w.run(exitFault, "--cache-dir", filepath.Join(file, "cache"), "URL/")
	contains(t, said, "open the cache in "+filepath.Join(file, "cache")+": ", "; name another one with --cache-dir")
}

// Who writes to a folder that is not there is told which flag makes it.
func TestGetNoFolder(t *testing.T) {
	w := newGetWorld(t, say("body"))
	dir := filepath.Join(t.TempDir(), "none")
	_, said := w.run(getWriteError, "-o", filepath.Join(dir, "f"), "URL/")
	contains(t, said, "; there is no folder "+dir+": --create-dirs makes it")
	w.get("--create-dirs", "-o", filepath.Join(dir, "f"), "URL/")
}
