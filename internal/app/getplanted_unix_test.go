//go:build unix

package app

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// In a folder that others can write to, the names beside a file are no way to
// files elsewhere, nor to what somebody else can change later.
func TestGetPlantedFiles(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		w.(http.Flusher).Flush() // of no length, so that it is noted what it is a part of
		io.WriteString(w, "body")
	})
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	out := filepath.Join(dir, "f")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{partSuffix, aboutSuffix} {
		if err := os.Symlink(mine, out+suffix); err != nil {
			t.Fatal(err)
		}
		args := []string{"--no-cache", "-o", out, "URL/f"}
		if suffix == partSuffix {
			_, said := w.run(getWriteError, args...)
			contains(t, said, "it is a link, or another user's; remove it")
		} else {
			w.get(args...)
		}
		if got := file(t, mine); got != "mine" {
			t.Errorf("%s: it has become %q", suffix, got)
		}
		os.Remove(out + suffix)
	}
	if os.Geteuid() != 0 {
		return // nobody else's file can be made
	}
	os.Remove(out)
	if err := os.WriteFile(out+partSuffix, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(out+partSuffix, 12345, -1); err != nil {
		t.Skip(err)
	}
	w.run(getWriteError, "--no-cache", "-o", out, "URL/f")
	if got := file(t, out); got != "" {
		t.Errorf("another user's file has become the answer: %q", got)
	}
}

// What another user has stored is not given as an answer.
func TestGetOthersCache(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("nobody else's folder can be made")
	}
	w := newGetWorld(t, say("body"))
	w.get("URL/")
	if err := os.Chown(w.cache, 12345, -1); err != nil {
		t.Skip(err)
	}
	_, said := w.run(exitFault, "URL/")
	contains(t, said, "open the cache in ", ": the folder belongs to another user; name another one with --cache-dir")
}

// What has cookies and logins in it is for this user alone.
func TestGetSecretFiles(t *testing.T) {
	w := newGetWorld(t, say("body"))
	dir := t.TempDir()
	for _, flag := range []string{"--trace", "--trace-ascii", "--dump-header"} {
		name := filepath.Join(dir, flag)
		w.get("-u", "ann:pw", "--no-cache", flag, name, "URL/")
		if info, err := os.Stat(name); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", flag, info, err)
		}
	}
}
