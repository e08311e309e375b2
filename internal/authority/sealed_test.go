package authority

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
)

func ringOf(t *testing.T, names ...string) *atrest.Ring {
	t.Helper()
	text := ""
	for _, name := range names {
		text += fmt.Sprintf("%s %s\n", name, strings.Repeat(fmt.Sprintf("%02x", name[len(name)-1]), 32))
	}
	keys, err := atrest.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

// TestSealed has an authority that is sealed from the beginning.
func TestSealed(t *testing.T) {
	dir, ring := filepath.Join(t.TempDir(), "ca"), ringOf(t, "k1")
	a, err := Create(dir, Options{Seal: ring})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(privateFile(dir))
	if err != nil || !atrest.IsSealed(file) || bytes.Contains(file, []byte("PRIVATE KEY")) {
		t.Fatalf("%v: %q", err, file)
	}
	b, err := Open(dir, ring)
	if err != nil || !b.key.Equal(a.key) {
		t.Errorf("opened: %v", err)
	}
	public, err := os.ReadFile(publicFile(dir))
	if err != nil || !bytes.Equal(public, a.PEM()) {
		t.Errorf("the certificate is to be given to others: %v", err)
	}
	damaged := bytes.Clone(file)
	damaged[len(damaged)/2] ^= 1
	plain := filepath.Join(t.TempDir(), "plain")
	if _, err := Create(plain, Options{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(privateFile(plain))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		file []byte
		ring *atrest.Ring
		want error
	}{
		{"no key", file, nil, atrest.ErrSealed},
		{"another key", file, ringOf(t, "k2"), atrest.ErrNoKey},
		{"damaged", damaged, ring, atrest.ErrDamaged},
		{"cut off", file[:len(file)-20], ring, atrest.ErrDamaged},
		{"of something else", ring.Pack(text, "certificate account"), ring, atrest.ErrDamaged},
		{"plain", text, ring, atrest.ErrPlain},
	} {
		if err := os.WriteFile(privateFile(dir), c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, c.ring); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", c.name, err, c.want)
		}
	}
}

// TestSeal rewrites an authority from each state to each other one.
func TestSeal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	a, err := Create(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []struct {
		keys    []string
		plain   bool
		changes bool
	}{
		{[]string{"k1"}, true, false},
		{[]string{"k1"}, false, true},
		{[]string{"k1"}, false, false},
		{[]string{"k2", "k1"}, false, true},
		{[]string{"k2"}, true, true},
	} {
		change := &atrest.Change{Ring: ringOf(t, to.keys...), Plain: to.plain}
		for _, dry := range []bool{true, false} {
			if changed, err := Seal(dir, change, dry); changed != to.changes || err != nil {
				t.Fatalf("%v, dry %t: changed %t, %v", to, dry, changed, err)
			}
		}
		ring := change.Ring
		if to.plain {
			ring = nil
		}
		if b, err := Open(dir, ring); err != nil || !b.key.Equal(a.key) {
			t.Errorf("%v: %v", to, err)
		}
	}
	left := filepath.Join(dir, ".new-123") // as a kill leaves it
	if err := os.WriteFile(left, []byte("PRIVATE KEY"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // first the key is sealed, too; then it is already
		change := &atrest.Change{Ring: ringOf(t, "k1")}
		for _, dry := range []bool{true, false} {
			if changed, err := Seal(dir, change, dry); !changed || err != nil {
				t.Errorf("with what is unfinished, dry %t: changed %t, %v", dry, changed, err)
			}
		}
		if _, err := os.Stat(left); err == nil {
			t.Error("what is unfinished, and plain, stays")
		}
		if changed, err := Seal(dir, change, false); changed || err != nil {
			t.Errorf("again: changed %t, %v", changed, err)
		}
		if err := os.WriteFile(left, []byte("PRIVATE KEY"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Seal(t.TempDir(), &atrest.Change{Ring: ringOf(t, "k1")}, false); !errors.Is(err, ErrNone) {
		t.Errorf("of none: %v", err)
	}
	if err := os.WriteFile(privateFile(dir), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Seal(dir, &atrest.Change{Ring: ringOf(t, "k1")}, false); err == nil {
		t.Error("what is no authority was sealed")
	}
}

// TestSealedFormat has another program, which knows the format from its
// description alone, open the authority's file.
func TestSealedFormat(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "from cryptography.hazmat.primitives.ciphers.aead import AESGCM").Run() != nil {
		t.Skip("no python3 with cryptography")
	}
	dir, keys := filepath.Join(t.TempDir(), "ca"), filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("k1 "+strings.Repeat("31", 32)+"\n"), 0o600); err != nil { // as ringOf makes it
		t.Fatal(err)
	}
	a, err := Create(dir, Options{Seal: ringOf(t, "k1")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(python, filepath.Join("..", "diskstore", "testdata", "open.py"), privateFile(dir), keys, "is local authority").Output()
	if err != nil {
		t.Fatal(err)
	}
	if key, cert, err := parseAuthority(text); err != nil || !key.Equal(a.key) || !cert.Equal(a.cert) {
		t.Errorf("%v: not the authority: %q", err, text)
	}
	if exec.Command(python, filepath.Join("..", "diskstore", "testdata", "open.py"), privateFile(dir), keys, "is another thing").Run() == nil {
		t.Error("it is opened as another thing")
	}
}
