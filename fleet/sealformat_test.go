package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
)

// TestSealedJobsFormat has another program, which knows the format from its
// description alone, read the files of jobs in a sealed folder, and those that a
// worker keeps.
func TestSealedJobsFormat(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "from cryptography.hazmat.primitives.ciphers.aead import AESGCM").Run() != nil {
		t.Skip("no python3 with cryptography")
	}
	keys := filepath.Join(t.TempDir(), "keys")
	secret := make([]byte, atrest.SecretSize)
	copy(secret, "a")
	if err := os.WriteFile(keys, fmt.Appendf(nil, "a %x\n", secret), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := makeKept(t, ringOf("a"))
	h := &hubOf{texts: map[string]string{keptFile.SHA256: keptLarge}}
	c, err := openInputCache(t.TempDir(), 0, ringOf("a"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if text, err := c.text(context.Background(), keptFile, &hubOf{texts: h.texts}); err != nil || text != keptLarge {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	read := func(args ...string) (string, error) {
		got, err := exec.Command(python, append([]string{filepath.Join("..", "internal", "atrest", "testdata", "opensealed.py"), keys}, args...)...).CombinedOutput()
		return string(got), err
	}
	one := func(name, text string) string { return fmt.Sprintf("%s %d\n%s\n", name, len(text), text) }
	run := string(keptJob) + "/1.1/"
	in := func(name string) string { return sealedfolder.SealedDir(filepath.Join(dir, name)) }
	for _, c := range []struct {
		want string
		args []string
	}{
		{one(keptFile.SHA256, keptLarge), []string{"inputs", in("inputs"), keptFile.SHA256}},
		{one(keptFile.SHA256, keptLarge), []string{"inputs-of-worker", c.dir, keptFile.SHA256}},
		{one(run+"a", keptSecret) + one(run+"dir/b", keptLarge) + one(run+"empty", ""), []string{"outputs", in("outputs")}},
		{one(string(keptJob)+"/1.log", fmt.Sprintf("%[1]s0\n%[1]s1\n-- run 2\n%[1]s2\n", keptSecret)), []string{"logs", in("logs")}},
	} {
		if got, err := read(c.args...); err != nil || got != c.want {
			t.Errorf("%s: %v\n%.300s\nwant\n%.300s", c.args, err, got, c.want)
		}
	}
	// It can fail: a part of a text that is not where it was written.
	log := filepath.Join(in("logs"), string(keptJob), "1.log")
	text, err := os.ReadFile(log)
	if err == nil {
		err = os.WriteFile(log, append(text, text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read("logs", in("logs")); err == nil || !strings.Contains(got, "InvalidTag") {
		t.Errorf("parts that are there twice: %.200q", got)
	}
}
