package acme

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"

	"freshet/internal/atrest"
)

const shopSite = "certificates/authority/shop.example.org/shop.example.org"

// A version is what is stored of one certificate, in the order of certmagic.
type version struct{ key, cert, meta []byte }

func newVersion(t *testing.T, serial int64) version {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"shop.example.org"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := certmagic.PEMEncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return version{text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), fmt.Appendf(nil, `{"serial":%d}`, serial)}
}

// store stores all or nothing, as certmagic does.
func (v version) store(f *folder) error {
	ctx := context.Background()
	if err := f.Store(ctx, shopSite+".key", v.key); err != nil {
		return err
	}
	if err := f.Store(ctx, shopSite+".crt", v.cert); err != nil {
		_ = f.Delete(ctx, shopSite+".key")
		return err
	}
	if err := f.Store(ctx, shopSite+".json", v.meta); err != nil {
		_ = f.Delete(ctx, shopSite+".crt")
		_ = f.Delete(ctx, shopSite+".key")
		return err
	}
	return nil
}

// kept returns what certmagic would read.
func kept(f *folder) version {
	ctx := context.Background()
	key, _ := f.Load(ctx, shopSite+".key")
	cert, _ := f.Load(ctx, shopSite+".crt")
	meta, _ := f.Load(ctx, shopSite+".json")
	return version{key, cert, meta}
}

func (v version) is(w version) bool {
	return bytes.Equal(v.key, w.key) && bytes.Equal(v.cert, w.cert) && bytes.Equal(v.meta, w.meta)
}

func testFolder(t *testing.T) (*folder, string) { return ringFolder(t, nil) }

func ringFolder(t *testing.T, ring *atrest.Ring) (*folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "c")
	f, err := openFolder(dir, ring)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.close() })
	return f, dir
}

// TestKilledWhileStoring kills a process before each write and each rename of a
// renewal: what is served at once after it has its key, and what is read
// afterwards is the old certificate or the new one with all that belongs to it.
func TestKilledWhileStoring(t *testing.T) {
	if dir := os.Getenv("ACME_TEST_STORE"); dir != "" {
		storeUntilKilled(t, dir)
		return
	}
	t.Parallel()
	t.Run("plain", func(t *testing.T) { t.Parallel(); testKilledWhileStoring(t, nil) })
	t.Run("sealed", func(t *testing.T) { t.Parallel(); testKilledWhileStoring(t, sealRing(t, "k1")) })
}

func testKilledWhileStoring(t *testing.T, ring *atrest.Ring) {
	was, is := newVersion(t, 1), newVersion(t, 2)
	news := 0
	for step := 1; ; step++ {
		f, dir := ringFolder(t, ring)
		if err := was.store(f); err != nil {
			t.Fatal(err)
		}
		from := t.TempDir()
		for name, data := range map[string][]byte{"key": is.key, "crt": is.cert, "json": is.meta} {
			if err := os.WriteFile(filepath.Join(from, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		child := exec.Command(os.Args[0], "-test.run=^TestKilledWhileStoring$")
		child.Env = append(os.Environ(), "ACME_TEST_STORE="+dir, "ACME_TEST_FROM="+from, "ACME_TEST_STEP="+strconv.Itoa(step), "ACME_TEST_SEALED="+strconv.FormatBool(ring != nil))
		out, err := child.CombinedOutput()
		if _, _, err := f.pair(shopSite); err != nil {
			t.Errorf("killed before step %d: nothing can be served: %v", step, err)
		}
		if err := f.whole(shopSite); err != nil {
			if err := f.mend(shopSite); err != nil {
				t.Errorf("killed before step %d: %v", step, err)
			}
		}
		got := kept(f)
		if got.is(is) {
			news++
		} else if !got.is(was) {
			t.Errorf("killed before step %d: neither the old one nor the new one: %s", step, got.meta)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, shopSite) + ".key.*"); err != nil && f.whole(shopSite) != nil {
			t.Errorf("killed before step %d: not in order: %v", step, left)
		}
		if err == nil {
			if !got.is(is) || step < 9 {
				t.Errorf("it ended well after %d steps", step)
			}
			break
		}
		if strings.Contains(string(out), "FAIL") || step > 20 {
			t.Fatalf("step %d: %v: %s", step, err, out)
		}
	}
	if news < 3 {
		t.Errorf("%d times the new one", news)
	}
}

func storeUntilKilled(t *testing.T, dir string) {
	var ring *atrest.Ring
	if os.Getenv("ACME_TEST_SEALED") == "true" {
		ring = sealRing(t, "k1")
	}
	f, err := openFolder(dir, ring)
	if err != nil {
		t.Fatal(err)
	}
	left, err := strconv.Atoi(os.Getenv("ACME_TEST_STEP"))
	if err != nil {
		t.Fatal(err)
	}
	f.before = func(string) error {
		if left--; left == 0 {
			p, _ := os.FindProcess(os.Getpid())
			p.Kill()
			select {}
		}
		return nil
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(os.Getenv("ACME_TEST_FROM"), name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if err := (version{read("key"), read("crt"), read("json")}).store(f); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk has each write of a renewal fail: the old certificate keeps its
// key, and the next renewal goes as if there had been none.
func TestFullDisk(t *testing.T) {
	was, is := newVersion(t, 1), newVersion(t, 2)
	for fails := 1; fails <= 3; fails++ {
		f, _ := testFolder(t)
		if err := was.store(f); err != nil {
			t.Fatal(err)
		}
		writes := 0
		f.before = func(step string) error {
			if strings.HasPrefix(step, "write ") {
				if writes++; writes >= fails {
					return syscall.ENOSPC
				}
			}
			return nil
		}
		if err := is.store(f); err == nil || !kept(f).is(was) || f.whole(shopSite) != nil {
			t.Errorf("write %d fails: %v, and %s is kept: %v", fails, err, kept(f).meta, f.whole(shopSite))
		}
		f.before = nil
		if err := f.Store(t.Context(), shopSite+".json", []byte(`{"later":1}`)); err != nil || !bytes.Equal(kept(f).cert, was.cert) {
			t.Errorf("write %d fails: when to renew it is not kept: %v", fails, err)
		}
		if err := is.store(f); err != nil || !kept(f).is(is) {
			t.Errorf("write %d fails: and then: %v", fails, err)
		}
	}
}

// TestNoRoom: nobody is asked for a certificate that could not be kept.
func TestNoRoom(t *testing.T) {
	asked := 0
	authority := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer authority.Close()
	f, dir := testFolder(t)
	i := newIssuer(&Options{Directory: authority.URL, HTTP: true, Log: slog.New(slog.DiscardHandler)}, f, &proofs{folder: f, open: map[string]proof{}})
	f.before = func(step string) error {
		if strings.HasPrefix(step, "write ") {
			return syscall.ENOSPC
		}
		return nil
	}
	_, err := i.Issue(t.Context(), &x509.CertificateRequest{DNSNames: []string{"shop.example.org"}})
	if err == nil || !strings.Contains(err.Error(), "there is no place to keep a certificate") || asked != 0 {
		t.Errorf("%v; asked %d times", err, asked)
	}
	f.before = nil
	if err := f.room(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "probe*")); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

// TestMend: what cannot be used goes, so that another one is obtained; what can
// be used stays, and so does what cannot be read.
func TestMend(t *testing.T) {
	was, is := newVersion(t, 1), newVersion(t, 2)
	for what, tt := range map[string]struct {
		ext    string
		value  []byte
		broken bool
	}{
		"all is well":        {".key", was.key, false},
		"another key":        {".key", is.key, true},
		"zeros for a key":    {".key", make([]byte, 200), true},
		"no certificate":     {".crt", nil, true},
		"half of when":       {".json", was.meta[:4], true},
		"a key left aside":   {".key" + aside, is.key, true},
		"half a key is left": {".key" + aside, is.key[:9], true},
	} {
		f, _ := testFolder(t)
		if err := was.store(f); err != nil {
			t.Fatal(err)
		}
		if err := f.write(shopSite+tt.ext, tt.value); err != nil {
			t.Fatal(err)
		}
		if err := f.whole(shopSite); (err != nil) != tt.broken {
			t.Errorf("%s: %v", what, err)
		}
		if err := f.mend(shopSite); err != nil || f.whole(shopSite) != nil {
			t.Errorf("%s: %v, %v", what, err, f.whole(shopSite))
		}
		got := kept(f)
		if stays := !tt.broken || strings.HasSuffix(tt.ext, aside); (got.cert != nil) != stays {
			t.Errorf("%s: a certificate is kept: %v", what, got.cert != nil)
		}
		if got.cert != nil {
			if _, err := tls.X509KeyPair(got.cert, got.key); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	f, dir := testFolder(t)
	if err := was.store(f); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, filepath.FromSlash(shopSite)+".key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(key, 0o700); err != nil { // reading it fails
		t.Fatal(err)
	}
	if err := f.mend(shopSite); err == nil || kept(f).cert == nil {
		t.Errorf("a certificate is deleted because its key cannot be read: %v", err)
	}
}
