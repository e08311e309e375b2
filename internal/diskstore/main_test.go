package diskstore

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"os/exec"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/wiretest"
)

// TestMain fails the run when a test left goroutines or descriptors behind.
func TestMain(m *testing.M) { wiretest.Main(m) }

// sealedVar has all tests of this package use sealed stores.
const sealedVar = "DISKSTORE_TEST_SEALED"

// openStore is Open, sealed when all tests are.
func openStore(o Options) (*Store, error) {
	if os.Getenv(sealedVar) != "" && o.Seal == nil {
		o.Seal = testRing("k1")
	}
	return Open(o)
}

// testRing returns a ring of keys, the first of which seals; the secret of each
// follows from its name.
func testRing(names ...string) *atrest.Ring {
	text := ""
	for _, name := range names {
		text += name + " " + hex.EncodeToString(append(make([]byte, atrest.SecretSize-len(name)), name...)) + "\n"
	}
	keys, err := atrest.ParseKeys([]byte(text))
	if err != nil {
		panic(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

// TestAllSealed runs all other tests with sealed stores.
func TestAllSealed(t *testing.T) {
	if os.Getenv(sealedVar) != "" || os.Getenv(killDirVar) != "" {
		t.Skip("this is that run")
	}
	if testing.CoverMode() != "" {
		t.Skip("a second process writes no coverage")
	}
	args := []string{"-test.timeout=10m"}
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "test.short", "model.rounds", "kill.rounds":
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	all := exec.Command(os.Args[0], args...)
	all.Env = append(os.Environ(), sealedVar+"=1")
	out, err := all.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("PASS")) {
		t.Errorf("%v\n%s", err, out)
	}
}
