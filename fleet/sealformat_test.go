package fleet

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/internal/bustest"
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

// TestSealedMessagesFormat has the same program read messages as a cluster elsewhere
// keeps them: entries, a page, and an object in parts.
func TestSealedMessagesFormat(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "from cryptography.hazmat.primitives.ciphers.aead import AESGCM").Run() != nil {
		t.Skip("no python3 with cryptography")
	}
	ctx, dir := t.Context(), t.TempDir()
	keys := filepath.Join(dir, "keys")
	secret := make([]byte, atrest.SecretSize)
	copy(secret, "a")
	if err := os.WriteFile(keys, fmt.Appendf(nil, "a %x\n", secret), 0o600); err != nil {
		t.Fatal(err)
	}
	url := bustest.Server(t)
	conn := func(name string, ring *atrest.Ring) *bus.Conn {
		c, err := bus.Connect(ctx, bus.ConnectOptions{URL: url, Name: name, Seal: ring})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	c := conn("writer", ringOf("a"))
	log, err := c.Log(ctx, "x", bus.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, entry := range []string{"one", "two " + keptSecret} {
		if _, err := log.Append(ctx, uint64(i), []byte(entry)); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.PutPage(ctx, "a page", []byte("its text")); err != nil {
		t.Fatal(err)
	}
	files, err := c.Objects(ctx, "y", bus.ObjectsOptions{})
	if err == nil {
		err = files.Put(ctx, "some/file", strings.NewReader(keptLarge))
	}
	if err != nil {
		t.Fatal(err)
	}

	raw := conn("reader", nil)
	stored := func(m bus.Message) string {
		t.Helper()
		name := filepath.Join(dir, fmt.Sprint(m.Stream, "-", m.Number))
		if err := os.WriteFile(name, m.Payload, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	first := func(stream string, n uint64) bus.Message {
		t.Helper()
		m, err := raw.PeekFrom(ctx, stream, n)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	args := []string{filepath.Join("..", "internal", "atrest", "testdata", "opensealed.py"), keys, "messages", stored(first("seals", 1)),
		stored(first("log_x", 1)), "fleet log_x: entry 1", stored(first("log_x", 2)), "fleet log_x: entry 2", stored(first("page_x", 1)), "fleet page_x: page a page"}
	want := fmt.Sprintf("fleet log_x: entry 1 3\none\nfleet log_x: entry 2 %d\ntwo %s\nfleet page_x: page a page 8\nits text\n", 4+len(keptSecret), keptSecret)
	label, parts, lengths := "", 0, 0
	for n := uint64(1); label == ""; n++ {
		m := first("OBJ_y", n)
		n = m.Number
		if id, ok := strings.CutPrefix(m.Subject, "$O.y.C."); ok {
			parts++
			args = append(args, stored(m), fmt.Sprintf("fleet OBJ_y: part %d of %s", parts, id))
			continue
		}
		name, err := base64.URLEncoding.DecodeString(strings.TrimPrefix(m.Subject, "$O.y.M."))
		if err != nil {
			t.Fatal(m.Subject, err)
		}
		label = "fleet OBJ_y: label " + string(name)
		args = append(args, stored(m), label)
	}
	out, err := exec.Command(python, args...).CombinedOutput()
	got := string(out)
	if err != nil || !strings.HasPrefix(got, want) {
		t.Fatalf("%v\n%.400s", err, got)
	}
	text := ""
	for rest := got[len(want):]; rest != ""; {
		head, body, _ := strings.Cut(rest, "\n")
		n, err := strconv.Atoi(head[strings.LastIndexByte(head, ' ')+1:])
		if err != nil {
			t.Fatal(head, err)
		}
		if strings.HasPrefix(head, "fleet OBJ_y: part ") {
			text += body[:n]
		} else if lengths++; !strings.Contains(body[:n], fmt.Sprintf(`"size":%d`, len(keptLarge))) {
			t.Errorf("the label: %s", body[:n])
		}
		rest = body[n+1:]
	}
	if text != keptLarge || parts == 0 || lengths != 1 {
		t.Errorf("%d bytes in %d parts, %d labels", len(text), parts, lengths)
	}
	args[5], args[7] = args[7], args[5] // the entries in each other's place
	if out, err := exec.Command(python, args...).CombinedOutput(); err == nil || !strings.Contains(string(out), "InvalidTag") {
		t.Errorf("%v %.200s", err, out)
	}
}
