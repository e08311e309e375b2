package worker

import (
	"os"
	"path/filepath"
	"testing"
)

// What a worker left that was killed is removed by the next one, and what one
// has that lives stays.
func TestAbandonedFolders(t *testing.T) {
	temp := t.TempDir()
	if err := os.Chmod(temp, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	killed, err := openBase("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if killed.lock == nil {
		t.Skip("there are no locks here")
	}
	if err := os.MkdirAll(filepath.Join(killed.path, "task-x", "work", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := killed.lock.Close(); err != nil { // as the end of its process does
		t.Fatal(err)
	}
	beginning := filepath.Join(temp, basePrefix+"beginning")
	if err := os.Mkdir(beginning, 0o711); err != nil {
		t.Fatal(err)
	}
	first, err := openBase("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	second, err := openBase("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.close()
	if _, err := os.Lstat(killed.own); !os.IsNotExist(err) {
		t.Errorf("what was left is there: %v", err)
	}
	for _, dir := range []string{first.path, second.path, beginning} {
		if _, err := os.Lstat(dir); err != nil {
			t.Errorf("one that is used: %v", err)
		}
	}
}
