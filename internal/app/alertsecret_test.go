package app

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// With another secret under the name of a key the state of alerts is not begun
// anew: the server does not start, and with the right one goes on.
func TestAlertsOfAnotherSecret(t *testing.T) {
	home, keys := t.TempDir(), filepath.Join(t.TempDir(), "disk.keys")
	data := filepath.Join(home, "data")
	args := []string{"serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--access-log", "off", "--data", data, "--encrypt", keys,
		"--alert-program", "/bin/true", folder(t)}
	start := func() {
		p := startWith(t, func(e *Env) { e.AlertLooks = time.Tick(10 * time.Millisecond) }, args...)
		p.url()
		p.stop()
	}
	sealKeys(t, keys, "k1")
	start()
	file := filepath.Join(data, alertsFile)
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	right, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	sealKeys(t, keys, "k1") // made anew
	contains(t, fails(t, exitFault, args...), alertsFile, "not what was sealed", "another secret under the name")
	if is, err := os.ReadFile(file); err != nil || !bytes.Equal(is, was) {
		t.Errorf("the state has changed, %v", err)
	}
	if err := os.WriteFile(keys, right, 0o600); err != nil {
		t.Fatal(err)
	}
	start()
}
