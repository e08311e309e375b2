//go:build unix

package control

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// owned is a file of some user.
type owned struct {
	fs.FileInfo
	uid uint32
}

func (o owned) Sys() any { return &syscall.Stat_t{Uid: o.uid} }

func TestOwnerTrusted(t *testing.T) {
	own := uint32(os.Geteuid())
	if !ownerTrusted(owned{uid: own}) || !ownerTrusted(owned{uid: 0}) || ownerTrusted(owned{uid: own + 1}) {
		t.Error("owners")
	}
}

// Whoever owns the folder could put a socket of his own in the place of ours,
// or lead what we do to it elsewhere.
func TestFolderOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Skip(err)
	}
	s, err := Open(dir, "8000", handlerOf(&purges{}))
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left there: %v", left)
	}
}

// Links in the folder are replaced, not followed: neither the token nor the mode
// of the socket ends up in another file.
func TestLinksInFolder(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{socketPath(dir, "8000"), tokenPath(dir, "8000")} {
		if err := os.Symlink(victim, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, "8000", http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	info, err := os.Stat(victim)
	text, _ := os.ReadFile(victim)
	if err != nil || info.Mode().Perm() != 0o644 || string(text) != "kept" {
		t.Errorf("%v %v %q", err, info.Mode(), text)
	}
	if info, err := os.Lstat(tokenPath(dir, "8000")); err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
		t.Errorf("token: %v %v", info, err)
	}
}
