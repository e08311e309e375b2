package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// opensslKey is a key as the program openssl has it.
type opensslKey struct {
	name, algorithm string
	make            []string // arguments that make it; nil for a secret
}

var opensslKeys = []opensslKey{
	{"ed", "ed25519", []string{"-algorithm", "ed25519"}},
	{"ec", "ecdsa-p256-sha256", []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}},
	{"rsa", "rsa-pss-sha512", []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}},
	{"mac", "hmac-sha256", nil},
}

const macSecret = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// runOpenSSL runs the program, which tests of signatures need.
func runOpenSSL(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes()
}

// makeKeys has openssl make keys in a folder, with the file that servers want.
func makeKeys(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	lines := ""
	for _, k := range opensslKeys {
		private, public := filepath.Join(dir, k.name+".pem"), filepath.Join(dir, k.name+".pub")
		if k.make == nil {
			line := k.name + " " + k.algorithm + " " + macSecret + "\n"
			lines += line
			if err := os.WriteFile(private, []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		runOpenSSL(t, nil, append([]string{"genpkey", "-out", private}, k.make...)...)
		runOpenSSL(t, nil, "pkey", "-in", private, "-pubout", "-out", public)
		if err := os.Chmod(private, 0o600); err != nil {
			t.Fatal(err)
		}
		lines += k.name + " " + k.algorithm + " " + k.name + ".pub\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "signers.keys"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

var pssOptions = []string{"-sha512", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:64"}

// sign has openssl sign a base.
func (k *opensslKey) sign(t *testing.T, dir string, base []byte) []byte {
	t.Helper()
	file, key := filepath.Join(dir, "base"), filepath.Join(dir, k.name+".pem")
	if err := os.WriteFile(file, base, 0o600); err != nil {
		t.Fatal(err)
	}
	switch k.name {
	case "ed":
		return runOpenSSL(t, nil, "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", file)
	case "ec":
		var pair struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(runOpenSSL(t, nil, "dgst", "-sha256", "-sign", key, file), &pair); err != nil {
			t.Fatal(err)
		}
		out := make([]byte, 64)
		pair.R.FillBytes(out[:32])
		pair.S.FillBytes(out[32:])
		return out
	case "rsa":
		return runOpenSSL(t, nil, append(append([]string{"dgst"}, pssOptions...), "-sign", key, file)...)
	}
	return runOpenSSL(t, nil, "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:"+macSecret, "-binary", file)
}

// verify has openssl verify the signature of a base.
func (k *opensslKey) verify(t *testing.T, dir string, base, sig []byte) {
	t.Helper()
	file, sigFile, key := filepath.Join(dir, "base"), filepath.Join(dir, "sig"), filepath.Join(dir, k.name+".pub")
	if k.name == "ec" {
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:len(sig)/2]), new(big.Int).SetBytes(sig[len(sig)/2:])})
		if err != nil {
			t.Fatal(err)
		}
		sig = der
	}
	for name, data := range map[string][]byte{file: base, sigFile: sig} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	switch k.name {
	case "ed":
		runOpenSSL(t, nil, "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", file, "-sigfile", sigFile)
	case "ec":
		runOpenSSL(t, nil, "dgst", "-sha256", "-verify", key, "-signature", sigFile, file)
	case "rsa":
		runOpenSSL(t, nil, append(append([]string{"dgst"}, pssOptions...), "-verify", key, "-signature", sigFile, file)...)
	default:
		if want := k.sign(t, dir, base); !bytes.Equal(want, sig) {
			t.Errorf("openssl makes the code %x, not %x", want, sig)
		}
	}
}

// keeping is an origin that keeps the last request.
type keeping struct {
	mu   sync.Mutex
	r    *http.Request
	body []byte
}

func (k *keeping) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.r, k.body = r, body
	fmt.Fprintf(w, "for %s", r.Header.Get("Remote-User"))
}

func (k *keeping) last() (*http.Request, []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.r, k.body
}

// TestSignedByGet: openssl verifies what freshet get signs, over a base that is
// made here of what has come, by each algorithm, with a body and without.
func TestSignedByGet(t *testing.T) {
	dir := makeKeys(t)
	home := t.TempDir()
	origin := new(keeping)
	srv := httptest.NewServer(origin)
	defer srv.Close()
	file := filepath.Join(dir, "body.txt")
	if err := os.WriteFile(file, []byte("two eggs"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range opensslKeys {
		for _, args := range [][]string{{}, {"-d", "two eggs"}, {"-T", file}, {"-d", "x", "--sign-components", "@method", "--sign-components", "@target-uri", "--sign-components", "content-type"}} {
			args = append([]string{"get", "-v", "--no-cache", "--sign", filepath.Join(dir, k.name+".pem"), srv.URL + "/a?x=%201"}, args...)
			status, _, stderr := command(t, home, args...)
			if status != exitOK {
				t.Fatalf("%v: %d, %s", args, status, stderr)
			}
			r, body := origin.last()
			input, isSigned := strings.CutPrefix(r.Header.Get("Signature-Input"), "sig1=")
			if !isSigned || !strings.HasSuffix(input, `;keyid="`+k.name+`"`) || !strings.Contains(input, ";created=") || !strings.Contains(input, `;nonce="`) {
				t.Fatalf("%s: %v", k.name, r.Header)
			}
			var base strings.Builder
			for _, c := range regexp.MustCompile(`"[^"]+"`).FindAllString(input[:strings.IndexByte(input, ')')], -1) {
				value := map[string]string{
					`"@method"`: r.Method, `"@authority"`: r.Host, `"@path"`: "/a", `"@query"`: "?x=%201", `"@target-uri"`: srv.URL + "/a?x=%201",
					`"content-type"`: r.Header.Get("Content-Type"), `"content-digest"`: r.Header.Get("Content-Digest"),
				}[c]
				fmt.Fprintf(&base, "%s: %s\n", c, value)
			}
			base.WriteString(`"@signature-params": ` + input)
			sum := sha256.Sum256(body)
			if want := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"; len(body) > 0 && (r.Header.Get("Content-Digest") != want || !strings.Contains(base.String(), want)) {
				t.Errorf("%s: the digest of %q is %s", k.name, body, r.Header.Get("Content-Digest"))
			}
			coded := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Signature"), "sig1=:"), ":")
			sig, err := base64.StdEncoding.DecodeString(coded)
			if err != nil {
				t.Fatal(err)
			}
			k.verify(t, dir, []byte(base.String()), sig)
			for line := range strings.SplitSeq(base.String(), "\n") {
				if !strings.Contains(stderr, "*   "+line+"\n") {
					t.Errorf("%s: --verbose does not show %q: %s", k.name, line, stderr)
				}
			}
		}
	}
}

// startAWhileAgo starts a server that has begun a minute ago, by its own clock: in
// its first seconds it takes no signatures.
func startAWhileAgo(t *testing.T, args ...string) *program {
	t.Helper()
	var late atomic.Int64
	late.Store(int64(time.Minute))
	p := startWith(t, func(e *Env) { e.Now = func() int64 { return time.Now().UnixNano() - late.Load() } }, args...)
	p.url()
	late.Store(0)
	return p
}

// TestSignedByOpenSSL: what openssl has signed passes the guard, once, by each
// algorithm, and the origin is told by whom; what freshet get signs passes, too.
func TestSignedByOpenSSL(t *testing.T) {
	dir := makeKeys(t)
	home := t.TempDir()
	origin := new(keeping)
	srv := httptest.NewServer(origin)
	defer srv.Close()
	p := startAWhileAgo(t, "proxy", "--to", srv.URL, "--listen", "127.0.0.1:0", "--monitor", "off", "--signatures", filepath.Join(dir, "signers.keys"))
	base := p.url()
	host := strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/")
	sum := sha256.Sum256([]byte("two eggs"))
	contentDigest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	for _, k := range opensslKeys {
		params := fmt.Sprintf(`("@method" "@target-uri" "content-digest");created=%d;keyid="%s"`, time.Now().Unix(), k.name)
		signed := "\"@method\": POST\n\"@target-uri\": " + base + "b?c=d\n\"content-digest\": " + contentDigest + "\n\"@signature-params\": "
		ask := func(params, body string) (int, string) {
			t.Helper()
			sig := k.sign(t, dir, []byte(signed+params))
			req, err := http.NewRequest("POST", base+"b?c=d", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			req.Header.Set("Content-Digest", contentDigest)
			req.Header.Set("Signature-Input", "sig1="+params)
			req.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(sig)+":")
			req.Header.Set("Remote-User", "root")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			return resp.StatusCode, string(text)
		}
		if status, text := ask(params+`;nonce="1"`, "six eggs"); status != 401 || !strings.Contains(text, "signature-body") && !strings.Contains(text, "digest") {
			t.Errorf("%s, another body than was signed: %d, %s", k.name, status, text)
		}
		if status, text := ask(params, "two eggs"); status != 200 || text != "for "+k.name {
			t.Errorf("%s: %d, %s", k.name, status, text)
		}
		if r, body := origin.last(); string(body) != "two eggs" || r.Header.Get("Signature") != "" || r.Header.Get("Content-Digest") != contentDigest {
			t.Errorf("%s: the origin got %q, %v", k.name, body, r.Header)
		}
		if status, text := ask(params, "two eggs"); status != 401 || !strings.Contains(text, "used before") {
			t.Errorf("%s, again: %d, %s", k.name, status, text)
		}
		// And what we sign ourselves.
		for range 2 {
			if status, stdout, stderr := command(t, home, "get", "--no-cache", "--sign", filepath.Join(dir, k.name+".pem"), "-d", "six eggs", base+"c"); status != exitOK || stdout != "for "+k.name {
				t.Errorf("%s: %d, %s, %s", k.name, status, stdout, stderr)
			}
		}
	}
	if status, _, stderr := command(t, home, "get", "--fail", "--no-cache", base+"c"); status != 22 {
		t.Errorf("unsigned: %d, %s", status, stderr)
	}
	// A redirect elsewhere gets no signature.
	elsewhere := new(keeping)
	other := httptest.NewServer(elsewhere)
	defer other.Close()
	from := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer from.Close()
	if status, _, stderr := command(t, home, "get", "--no-cache", "--sign", filepath.Join(dir, "ed.pem"), from.URL); status != exitOK {
		t.Error(stderr)
	}
	if r, _ := elsewhere.last(); r.Header.Get("Signature") != "" {
		t.Errorf("a host that a redirect leads to gets %v", r.Header)
	}
	for _, tt := range []struct{ text, want string }{
		{"", "there is no key in it"}, {"a ed25519", "a line is a name"}, {"a none b", "is no algorithm"}, {"a hmac-sha256 00", "it needs 32"},
		{"-----BEGIN X-----", "there is no PEM block with a key"},
	} {
		file := filepath.Join(dir, "bad.key")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, _, stderr := command(t, home, "get", "--sign", file, base); status != exitFault || !strings.Contains(stderr, tt.want) {
			t.Errorf("%q: %d, %s", tt.text, status, stderr)
		}
	}
}

// TestSignedByProxy: what one server signs for its origin passes at another, and
// nothing else does.
func TestSignedByProxy(t *testing.T) {
	dir := makeKeys(t)
	origin := new(keeping)
	srv := httptest.NewServer(origin)
	defer srv.Close()
	back := startAWhileAgo(t, "proxy", "--to", srv.URL, "--listen", "127.0.0.1:0", "--monitor", "off", "--signatures", filepath.Join(dir, "signers.keys"))
	front := start(t, "proxy", "--to", back.url(), "--listen", "127.0.0.1:0", "--monitor", "off", "--origin-sign", filepath.Join(dir, "ec.pem"), "--proxy-name", "front")
	for _, body := range []string{"", "two eggs", strings.Repeat("long ", 1<<15)} {
		for range 2 {
			resp, err := http.Post(front.url()+"a?b", "text/plain", io.MultiReader(strings.NewReader(body)))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if _, got := origin.last(); resp.StatusCode != 200 || string(text) != "for ec" || string(got) != body {
				t.Errorf("%d, %s, and the origin got %d bytes of %d", resp.StatusCode, text, len(got), len(body))
			}
		}
	}
	if resp, _ := get(t, back.url()+"a?b"); resp.StatusCode != 401 {
		t.Errorf("without the first proxy: %d", resp.StatusCode)
	}
}

// TestSignedTooEarly: who signs in the first seconds of a server is told why it is
// refused and when to come again, by exit status, too, when that is asked for.
func TestSignedTooEarly(t *testing.T) {
	dir := makeKeys(t)
	home := t.TempDir()
	var at atomic.Int64
	at.Store(time.Now().UnixNano())
	p := startWith(t, func(e *Env) { e.Now = at.Load }, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--signatures", filepath.Join(dir, "signers.keys"), folder(t, "a.txt", "a"))
	get := []string{"get", "--no-cache", "-i", "--sign", filepath.Join(dir, "ed.pem"), p.url() + "a.txt"}
	status, stdout, stderr := command(t, home, get...)
	if status != exitOK || stderr != "" {
		t.Errorf("%d, %s", status, stderr)
	}
	contains(t, stdout, "HTTP/1.1 401 ", "made before this server began, or in its first 30 seconds", "sign the request anew when the time that Retry-After says is over")
	if after := regexp.MustCompile(`(?m)^Retry-After: (30|2\d)\r?$`); !after.MatchString(stdout) {
		t.Errorf("no Retry-After in %s", stdout)
	}
	if status, _, stderr := command(t, home, append(get, "--fail")...); status != 22 || !strings.Contains(stderr, "401 Unauthorized") {
		t.Errorf("%d, %s", status, stderr)
	}
	p.stop()
}
