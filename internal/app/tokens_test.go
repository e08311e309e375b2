package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/rule"
)

// signer makes tokens, by a key that has a name.
type signer struct {
	name string
	key  *ecdsa.PrivateKey
}

func newSigner(t *testing.T, name string) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{name, key}
}

var base64url = base64.RawURLEncoding.EncodeToString

// jwk is the public key.
func (s signer) jwk() string {
	point, _ := s.key.PublicKey.Bytes()
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q}`, s.name, base64url(point[1:33]), base64url(point[33:]))
}

// token is one of somebody, which ends at a second.
func (s signer) token(t *testing.T, sub string, exp int64, more string) string {
	t.Helper()
	signed := base64url(fmt.Appendf(nil, `{"alg":"ES256","kid":%q}`, s.name)) + "." +
		base64url(fmt.Appendf(nil, `{"iss":"https://id.example","aud":"photos","sub":%q,"exp":%d%s}`, sub, exp, more))
	sum := sha256.Sum256([]byte(signed))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64url(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
}

func keySet(of ...signer) string {
	var all []string
	for _, s := range of {
		all = append(all, s.jwk())
	}
	return `{"keys":[` + strings.Join(all, ",") + `]}`
}

// Who has a token passes: origins are told who it is, and get no token; what was
// made for one is not given to another; and the token is in no log, record or
// explanation.
func TestTokens(t *testing.T) {
	home := t.TempDir()
	keys := filepath.Join(home, "keys.json")
	id := newSigner(t, "k1")
	if err := os.WriteFile(keys, []byte(keySet(id)), 0o644); err != nil {
		t.Fatal(err)
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.URL.Path == "/public" {
			w.Header().Set("Cache-Control", "public, max-age=60")
		}
		fmt.Fprintf(w, "%s %q %q", r.Header.Get("Remote-User"), r.Header.Get("Authorization"), r.Header["Cookie"])
	}))
	defer origin.Close()
	log := filepath.Join(home, "access.log")
	errors := filepath.Join(home, "error.log")
	p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--access-log", log, "--error-log", errors,
		"--jwt-keys", keys, "--jwt-issuer", "https://id.example", "--jwt-audience", "photos", "--jwt-audience", "web", "--realm", "Photos", "--jwt-claims", "role=reader")
	until := time.Now().Unix() + 3600
	role := `,"role":["reader"]`
	ann, bob := id.token(t, "ann", until, role), id.token(t, "bob", until, role)
	forged := newSigner(t, "k1").token(t, "root", until, role)
	old, poor := id.token(t, "ann", until-7200, role), id.token(t, "ann", until, "")
	for _, tt := range []struct {
		path, token string
		status      int
		want        string
	}{
		{"page", ann, 200, `ann "" ["a=1"]`},
		{"page", bob, 200, `bob "" ["a=1"]`},
		{"page", ann, 200, `ann "" ["a=1"]`},
		{"public", ann, 200, `ann "" ["a=1"]`},
		{"public", bob, 200, `ann "" ["a=1"]`}, // as the origin allows
		{"page", forged, 401, rule.Of(rule.JWTBad).Sentence},
		{"page", old, 401, rule.Of(rule.JWTExpired).Sentence},
		{"page", poor, 403, rule.Of(rule.JWTDenied).Sentence},
	} {
		resp, body := get(t, p.url()+tt.path, "Authorization", "Bearer "+tt.token, "Cookie", "a=1", "Remote-User", "root")
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.want) || tt.status != 200 && resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %v, %s; want %s", tt.path, resp.StatusCode, resp.Header, body, tt.want)
		}
	}
	resp, _ := get(t, p.url()+"page")
	if resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") != `Bearer realm="Photos"` {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}

	seen := map[string]string{}
	why := func(token string, want ...string) {
		t.Helper()
		for _, more := range [][]string{nil, {"--json"}} {
			status, stdout, stderr := asked(t, home, append(more, "/page", "-H", "Authorization: Bearer "+token)...)
			seen["why "+want[0]+strings.Join(more, "")] = stdout + stderr
			for _, part := range want {
				if status != exitOK || more == nil && !strings.Contains(stdout, part) {
					t.Errorf("no %q in: %d, %s%s", part, status, stdout, stderr)
				}
			}
		}
	}
	why(ann, "of ann", "good until")
	why(forged, "jwt-bad", keys+" (--jwt-keys)")
	why(old, "jwt-expired", "it has ended (exp) 1h0m")
	why(poor, "jwt-denied", "role has no \"reader\"", "role=reader (--jwt-claims)")
	why("x", "jwt-malformed", "1 parts")

	_, seen["requests"] = get(t, p.monitor()+"requests.json")
	_, seen["records"] = get(t, p.monitor()+"requests")
	_, seen["configuration"] = get(t, p.monitor()+"config.json")
	p.stop()
	for _, file := range []string{log, errors} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen[file] = string(text)
	}
	if !strings.Contains(seen[log], " - ann [") || !strings.Contains(seen["requests"], `"status":401,"verdict":"refused"`) {
		t.Errorf("%s, %s", seen[log], seen["requests"])
	}
	for where, text := range seen {
		for _, token := range []string{ann, bob, forged, old, poor} {
			for _, part := range strings.Split(token, ".") {
				if strings.Contains(text, part) {
					t.Errorf("a token is in %s: %s", where, text)
				}
			}
		}
	}
}

// keyServer is the address of a set of keys; what it answers changes.
type keyServer struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  int
}

func newKeyServer(t *testing.T) *keyServer {
	s := &keyServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked++
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) says(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *keyServer) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func answering(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header()["Date"] = nil // it has another clock than the server of the test
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
}

// Keys of an address, in a server's life: not there at its start, then there, rotated,
// broken, slow, and gone.
func TestTokenKeysFetched(t *testing.T) {
	first, second := newSigner(t, "k1"), newSigner(t, "k2")
	source := newKeyServer(t)
	source.says(answering(503, "later"))
	clock := &movedClock{now: 1_800_000_000 * int64(time.Second)}
	errors := filepath.Join(t.TempDir(), "error.log")
	p := startWith(t, func(e *Env) { e.Now = clock.get },
		"serve", "--listen", "127.0.0.1:0", "--error-log", errors, "--jwt-keys", source.URL+"/keys", "--jwt-issuer", "https://id.example", "--jwt-audience", "photos", folder(t, "a.txt", "a"))
	const end = 1_900_000_000
	old, fresh, unknown := first.token(t, "ann", end, ""), second.token(t, "ann", end, ""), newSigner(t, "k3").token(t, "ann", end, "")
	expect := func(when, token string, status int, says rule.ID) {
		t.Helper()
		resp, body := get(t, p.url()+"a.txt", "Authorization", "Bearer "+token)
		if resp.StatusCode != status || status != 200 && !strings.Contains(body, rule.Of(says).Sentence) || (status == 503) != (resp.Header.Get("Retry-After") == "30") {
			t.Errorf("%s: %d, %v, %s", when, resp.StatusCode, resp.Header, body)
		}
	}
	expect("before there are keys", old, 503, rule.JWTKeys)
	source.says(answering(200, keySet(first)))
	clock.pass(29 * time.Second)
	expect("a moment later", old, 503, rule.JWTKeys)
	clock.pass(time.Second)
	expect("when it is asked again", old, 200, 0)
	n := source.times()
	for range 5 {
		expect("while they are fresh", old, 200, 0)
	}
	if source.times() != n {
		t.Errorf("it was asked %d times more", source.times()-n)
	}

	source.says(answering(200, keySet(second)))
	expect("by a key that is not there, a moment after it was asked", fresh, 401, rule.JWTKey)
	clock.pass(30 * time.Second)
	expect("by a key that is not there", fresh, 200, 0)
	expect("by the key that was there", old, 401, rule.JWTKey)
	n = source.times()
	for range 5 {
		expect("by a key that nobody has", unknown, 401, rule.JWTKey)
	}
	clock.pass(30 * time.Second)
	for range 5 {
		expect("by a key that nobody has, later", unknown, 401, rule.JWTKey)
	}
	if got := source.times() - n; got != 1 {
		t.Errorf("keys that nobody has were asked for %d times", got)
	}

	for _, broken := range []http.HandlerFunc{
		answering(200, "<html>"), answering(200, `{"keys":[],"keys":[]}`), answering(404, keySet(first)),
		answering(200, keySet(second)+strings.Repeat(" ", 65<<10)),
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, keySet(first))
		},
	} {
		source.says(broken)
		clock.pass(time.Hour + 30*time.Second)
		n := source.times()
		expect("with a fault", fresh, 200, 0)
		expect("with a fault, and another key", old, 401, rule.JWTKey) // it has waited for the answer
		if got := source.times() - n; got < 1 || got > 2 {             // a connection that has ended is tried once more
			t.Errorf("with a fault it was asked %d times", source.times()-n)
		}
	}

	// The issuer takes back all of his keys, and has them again a moment later.
	source.says(answering(200, `{"keys":[]}`))
	clock.pass(time.Hour + 30*time.Second)
	expect("with no key left, and one that is not known", old, 401, rule.JWTKey) // it has waited for the answer
	expect("with no key left", fresh, 401, rule.JWTKey)
	source.says(answering(200, keySet(second)))
	clock.pass(30 * time.Second)
	expect("when it is there again", fresh, 200, 0)

	// While an answer is waited for, who has a key goes on.
	release := make(chan struct{})
	source.says(func(w http.ResponseWriter, r *http.Request) {
		<-release
		answering(200, keySet(first))(w, r)
	})
	clock.pass(time.Hour + time.Minute)
	n = source.times()
	for range 3 {
		expect("while it is slow", fresh, 200, 0)
	}
	close(release)
	for source.times() == n {
		time.Sleep(time.Millisecond) // until it was asked
	}
	expect("rotated by who was slow", old, 200, 0)
	if source.times() != n+1 {
		t.Errorf("while it was slow it was asked %d times", source.times()-n)
	}

	// For an hour they are fresh, and for a day they are used.
	source.Server.CloseClientConnections()
	source.Server.Close()
	clock.pass(time.Hour)
	expect("gone", old, 200, 0)
	clock.pass(24*time.Hour - time.Minute)
	expect("gone for nearly a day", old, 200, 0)
	clock.pass(2 * time.Minute)
	expect("gone for a day", old, 503, rule.JWTKeys)
	p.stop()
	text, err := os.ReadFile(errors)
	for _, says := range []string{"it answers 503", "it is not JSON", "there is no key in it; nobody passes until there is one", "two members of one name", "more than 64 KiB", "leads elsewhere", "in the coding"} {
		if err != nil || strings.Count(string(text), says) != 1 {
			t.Errorf("not once in the log, %v: %s\n%s", err, says, text)
		}
	}
}

// How many tokens are remembered, how many wait, and how old keys of an address are, is
// among the figures of a server that has guards of tokens.
func TestTokenFigures(t *testing.T) {
	id := newSigner(t, "k1")
	source := newKeyServer(t)
	source.says(answering(200, keySet(id)))
	clock := &movedClock{now: 1_800_000_000 * int64(time.Second)}
	p := startWith(t, func(e *Env) { e.Now, e.Environ = clock.get, []string{"HOME=" + t.TempDir()} }, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0",
		"--jwt-keys", source.URL+"/keys", "--jwt-issuer", "https://id.example", "--jwt-audience", "photos", folder(t, "a.txt", "a"))
	for i := range 3 {
		if resp, body := get(t, p.url()+"a.txt", "Authorization", "Bearer "+id.token(t, fmt.Sprint("user", i), 1_900_000_000, "")); resp.StatusCode != 200 {
			t.Fatalf("%d: %s", resp.StatusCode, body)
		}
	}
	clock.pass(90 * time.Second)
	_, figures := get(t, p.monitor()+"metrics")
	for _, want := range []string{"freshet_tokens_held 3", "freshet_tokens_held_limit 4096", "freshet_tokens_waiting 0", "freshet_tokens_waiting_limit 1024", "freshet_tokens_refused_total 0", "freshet_token_keys_age_seconds 90"} {
		if !strings.Contains(figures, "\n"+want+"\n") {
			t.Errorf("no %s among\n%s", want, figures)
		}
	}
	p.stop()
}

// movedClock is a clock that the test moves.
type movedClock struct {
	mu  sync.Mutex
	now int64
}

func (c *movedClock) get() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *movedClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += int64(d)
}
