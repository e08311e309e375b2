package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsers(t *testing.T) {
	write := func(text string, mode os.FileMode) string {
		file := filepath.Join(t.TempDir(), "users")
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	u, err := readUsers(write("# people\n\nann:se:cret\nbob:x\n", 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, password string
		ok             bool
	}{{"ann", "se:cret", true}, {"bob", "x", true}, {"ann", "x", false}, {"ann", "", false}, {"eve", "", false}, {"", "", false}} {
		if u.login(tt.name, tt.password) != tt.ok {
			t.Errorf("login %q %q: %v", tt.name, tt.password, !tt.ok)
		}
	}
	for text, says := range map[string]string{"ann\n": ":1: write name:password", "\n#x\n": "no user in it", "ann:\n": "write name:password"} {
		if _, err := readUsers(write(text, 0o600)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	if _, err := readUsers(write("ann:x\n", 0o644)); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
}
