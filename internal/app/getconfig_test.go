package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Flags may stand in a file, or come from standard input.
func TestGetConfig(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path, " ", r.Header.Get("X-A"), "\n")
	})
	text := "header = \"X-A: b\"\nurl = " + w.srv.URL + "/one\n"
	name := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := w.get("-K", name, "URL/two"); got != "/two b\n/one b\n" {
		t.Errorf("%q", got)
	}
	w.stdin = strings.NewReader(text)
	if got := w.get("-K", "-"); got != "/one b\n" {
		t.Errorf("%q", got)
	}
	_, said := w.run(exitUsage, "-K", name+"x")
	contains(t, said, "--config "+name+"x: no such file")
}
