package jobs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
)

// TestSealedLogFormat has another program, which knows the format from its
// description alone, read a sealed ledger: entries of two files, and pages.
func TestSealedLogFormat(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "from cryptography.hazmat.primitives.ciphers.aead import AESGCM").Run() != nil {
		t.Skip("no python3 with cryptography")
	}
	dir, keys := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "keys")
	secret := make([]byte, atrest.SecretSize)
	copy(secret, "a")
	if err := os.WriteFile(keys, fmt.Appendf(nil, "# of this test\n\na %x\n", secret), 0o600); err != nil {
		t.Fatal(err)
	}
	l := openLogWith(t, dir, testRing("a"))
	large := "\x01" + strings.Repeat("more than a chunk ", 10_000)
	appendAll(t, l, 0, "\x01one", "\x01", large)
	for key, page := range map[string]string{"j-1": "page one", "m-1": large} {
		if err := l.PutPage(ctx, key, []byte(page)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLogWith(t, dir, testRing("a"))
	appendAll(t, l, 3, "\x01four")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	read := func() (string, error) {
		got, err := exec.Command(python, filepath.Join("..", "internal", "atrest", "testdata", "opensealed.py"), keys, "ledger", sealedfolder.SealedDir(dir)).CombinedOutput()
		return string(got), err
	}
	got, err := read()
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	want := ""
	for _, one := range [][2]string{{"entry 1", "\x01one"}, {"entry 2", "\x01"}, {"entry 3", large}, {"entry 4", "\x01four"}, {"page j-1", "page one"}, {"page m-1", large}} {
		want += fmt.Sprintf("%s %d\n%s\n", one[0], len(one[1]), one[1])
	}
	if got != want {
		t.Errorf("it read %d bytes, not the %d that were written:\n%.200q", len(got), len(want), got)
	}
	// It can fail.
	pages, _ := filepath.Glob(filepath.Join(sealedfolder.SealedDir(dir), pagePrefix+"*"))
	if err := os.Rename(pages[0], pages[1]); err != nil {
		t.Fatal(err)
	}
	if got, err := read(); err == nil {
		t.Errorf("a page in the place of another: %.200q", got)
	}
}
