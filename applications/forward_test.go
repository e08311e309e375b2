package applications

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// site is what lies behind the proxies: the same by http and https.
type site struct {
	plain, secure *httptest.Server
	large         []byte
	ca            string // a file with the certificate

	mu    sync.Mutex
	asked []string // path, range, Via
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{large: make([]byte, 3<<20)}
	rand.NewChaCha8([32]byte{1}).Read(s.large)
	s.plain, s.secure = httptest.NewServer(s), httptest.NewTLSServer(s)
	t.Cleanup(s.plain.Close)
	t.Cleanup(s.secure.Close)
	s.ca = filepath.Join(t.TempDir(), "ca.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.secure.Certificate().Raw})
	if err := os.WriteFile(s.ca, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// ServeHTTP implements http.Handler.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, fmt.Sprintf("%s %s (%s)", r.URL.Path, r.Header.Get("Range"), strings.Join(r.Header.Values("Via"), ", ")))
	s.mu.Unlock()
	w.Header().Set("Cache-Control", "max-age=600")
	w.Header().Set("Etag", `"1"`)
	if r.URL.Path == "/large" {
		http.ServeContent(w, r, "large.bin", time.Unix(1_700_000_000, 0), bytes.NewReader(s.large))
		return
	}
	fmt.Fprintf(w, "here is %s", r.URL.Path)
}

// requests returns what came since it was asked last.
func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// startFilter starts freshet as a forward proxy and returns its URL.
func startFilter(t *testing.T, s *site, flags ...string) string {
	t.Helper()
	addr := freeAddr(t)
	args := append([]string{freshet, "filter", "--listen", addr, "--access-log", "off", "--monitor", "off", "--allow-private", "--port", portOf(t, s.secure.URL)}, flags...)
	start(t, addr, nil, args...)
	return "http://" + addr
}

// startSquid starts Squid, which keeps answers in memory unless the further
// lines of its configuration say otherwise.
func startSquid(t *testing.T, more string) string {
	t.Helper()
	program, err := exec.LookPath("squid")
	if err != nil {
		if program = "/usr/sbin/squid"; exec.Command(program, "-v").Run() != nil {
			cannotBeHad(t, "Squid is not installed (Debian: squid): %v", err)
		}
	}
	addr := freeAddr(t)
	dir, err := os.MkdirTemp("", "freshet-squid-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Chmod(dir, 0o777) != nil { // as root it becomes another user
		t.Fatal("chmod")
	}
	file := filepath.Join(dir, "squid.conf")
	conf := "http_port " + addr + "\nvisible_hostname squid.test\nhttp_access allow all\nalways_direct allow all\n" +
		"access_log none\ncache_log " + filepath.Join(dir, "log") + "\npid_filename none\ncoredump_dir " + dir + "\n" +
		"shutdown_lifetime 0 seconds\ncache_mem 16 MB\nmax_filedescriptors 1024\npinger_enable off\n"
	if more != "" {
		conf = strings.Replace(conf, "always_direct allow all\n", more, 1)
	}
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, addr, nil, program, "-N", "-f", file)
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("Squid said: %s", said)
		}
	})
	return "http://" + addr
}

// startPrivoxy starts Privoxy without its filters.
func startPrivoxy(t *testing.T, more string) string {
	t.Helper()
	program, err := exec.LookPath("privoxy")
	if err != nil {
		if program = "/usr/sbin/privoxy"; exec.Command(program, "--version").Run() != nil {
			cannotBeHad(t, "Privoxy is not installed (Debian: privoxy): %v", err)
		}
	}
	addr := freeAddr(t)
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("listen-address "+addr+"\ntoggle 0\nkeep-alive-timeout 5\n"+more), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, addr, nil, program, "--no-daemon", file)
	return "http://" + addr
}

// through returns a client of a proxy.
func through(t *testing.T, s *site, proxy string) *http.Client {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	tr := s.secure.Client().Transport.(*http.Transport).Clone()
	tr.Proxy = http.ProxyURL(u)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute}
}

func fetch(t *testing.T, c *http.Client, url string) (*http.Response, []byte) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// useChain fetches through a chain of proxies: what may be kept is asked for
// once, whichever of them keeps it; https goes through all of them; each that
// says so in Via stands there once, in order.
func useChain(t *testing.T, s *site, proxy string, via ...string) (second *http.Response) {
	t.Helper()
	c := through(t, s, proxy)
	for n := range 2 {
		resp, body := fetch(t, c, s.plain.URL+"/page")
		if resp.StatusCode != 200 || string(body) != "here is /page" {
			t.Errorf("request %d: %s %q", n, resp.Status, body)
		}
		second = resp
	}
	asked := s.requests()
	if len(asked) != 1 {
		t.Fatalf("the server was asked for %q", asked)
	}
	rest := asked[0]
	for _, name := range via {
		_, after, found := strings.Cut(rest, "1.1 "+name)
		if !found || strings.Contains(after, "1.1 "+name) {
			t.Errorf("the server saw %q; want %q once each, in this order", asked[0], via)
			break
		}
		rest = after
	}
	for range 2 {
		if resp, body := fetch(t, c, s.secure.URL+"/secret"); resp.StatusCode != 200 || string(body) != "here is /secret" || resp.Header.Get("Via") != "" {
			t.Errorf("https: %s %q, Via %q", resp.Status, body, resp.Header.Get("Via"))
		}
	}
	if asked := s.requests(); len(asked) != 2 {
		t.Errorf("by https the server was asked for %q", asked)
	}
	if resp, body := fetch(t, c, s.plain.URL+"/large"); resp.StatusCode != 200 || !bytes.Equal(body, s.large) {
		t.Errorf("large: %s, %d octets", resp.Status, len(body))
	}
	return second
}

// TestForwardSquid has Squid for a parent, and is the parent of Squid.
func TestForwardSquid(t *testing.T) {
	t.Run("parent, with the cache", func(t *testing.T) {
		s := newSite(t)
		second := useChain(t, s, startFilter(t, s, "--parent", startSquid(t, ""), "--proxy-name", "ours", "--cache", "off"), "ours", "squid.test")
		if got := second.Header.Get("X-Cache") + second.Header.Get("Cache-Status"); !strings.Contains(strings.ToLower(got), "hit") {
			t.Errorf("the second answer says %v", second.Header)
		}
	})
	t.Run("parent, without", func(t *testing.T) {
		s := newSite(t)
		second := useChain(t, s, startFilter(t, s, "--parent", startSquid(t, "always_direct allow all\ncache deny all\n"), "--proxy-name", "ours"), "ours", "squid.test")
		if got := second.Header.Get("Cache-Status"); !strings.Contains(got, "ours; hit") {
			t.Errorf("the second answer says %v", second.Header)
		}
	})
	t.Run("child", func(t *testing.T) {
		s := newSite(t)
		ours := startFilter(t, s, "--proxy-name", "ours")
		squid := startSquid(t, "cache_peer 127.0.0.1 parent "+portOf(t, ours)+" 0 no-query default\nnever_direct allow all\ncache deny all\n")
		second := useChain(t, s, squid, "squid.test", "ours")
		if got := second.Header.Values("Cache-Status"); !strings.Contains(strings.Join(got, ", "), "ours; hit") {
			t.Errorf("the second answer says %v", second.Header)
		}
	})
	t.Run("parent that is gone", func(t *testing.T) {
		s := newSite(t)
		c := through(t, s, startFilter(t, s, "--parent", "http://"+freeAddr(t), "--parent", startSquid(t, "")))
		if resp, body := fetch(t, c, s.plain.URL+"/page"); resp.StatusCode != 200 || string(body) != "here is /page" {
			t.Errorf("%s %q", resp.Status, body)
		}
		if resp, body := fetch(t, c, s.secure.URL+"/page"); resp.StatusCode != 200 || string(body) != "here is /page" {
			t.Errorf("https: %s %q", resp.Status, body)
		}
	})
}

// TestForwardPrivoxy has Privoxy on either side.
func TestForwardPrivoxy(t *testing.T) {
	t.Run("parent", func(t *testing.T) {
		s := newSite(t)
		useChain(t, s, startFilter(t, s, "--parent", startPrivoxy(t, ""), "--proxy-name", "ours"), "ours")
	})
	t.Run("child", func(t *testing.T) {
		s := newSite(t)
		ours := startFilter(t, s, "--proxy-name", "ours")
		useChain(t, s, startPrivoxy(t, "forward / "+strings.TrimPrefix(ours, "http://")+"\n"), "ours")
	})
}

// proxied is an environment whose programs go through a proxy.
func proxied(s *site, proxy string) []string {
	return []string{"http_proxy=" + proxy, "https_proxy=" + proxy, "HTTP_PROXY=", "HTTPS_PROXY=", "no_proxy=", "NO_PROXY=", "all_proxy=", "ALL_PROXY=", "SSL_CERT_FILE=" + s.ca, "CURL_CA_BUNDLE=" + s.ca}
}

// TestForwardCurl has curl go through the proxy: by http and https, and on from
// where a download had stopped.
func TestForwardCurl(t *testing.T) {
	s := newSite(t)
	env := proxied(s, startFilter(t, s, "--proxy-name", "ours", "--data", t.TempDir()))
	dir := t.TempDir()
	for _, address := range []string{s.plain.URL, s.secure.URL} {
		if got := command(t, dir, env, "curl", "-sS", "--fail", address+"/a?b=%2F"); got != "here is /a" {
			t.Errorf("%s: %q", address, got)
		}
		file := filepath.Join(dir, portOf(t, address))
		if err := os.WriteFile(file, s.large[:1<<20], 0o644); err != nil {
			t.Fatal(err)
		}
		command(t, dir, env, "curl", "-sS", "--fail", "-C", "-", "-o", file, address+"/large")
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, s.large) {
			t.Errorf("%s, continued: %d octets, %v", address, len(got), err)
		}
	}
	if asked := fmt.Sprint(s.requests()); strings.Count(asked, "bytes=1048576-") != 2 {
		t.Errorf("the server was asked for %s", asked)
	}
	// By http a range is answered from what the cache has: on disk, for its length.
	command(t, dir, env, "curl", "-sS", "--fail", "-o", "whole", s.plain.URL+"/large")
	s.requests()
	head := command(t, dir, env, "curl", "-sS", "--fail", "-o", "part", "-D", "-", "-r", "5-9", s.plain.URL+"/large")
	if got, err := os.ReadFile(filepath.Join(dir, "part")); err != nil || !bytes.Equal(got, s.large[5:10]) || !strings.Contains(head, "ours; hit") || len(s.requests()) != 0 {
		t.Errorf("a range: %q, %v\n%s", got, err, head)
	}
}

// TestForwardPython has Python's urllib go through the proxy.
func TestForwardPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		cannotBeHad(t, "Python is not installed (Debian: python3): %v", err)
	}
	s := newSite(t)
	env := proxied(s, startFilter(t, s))
	for _, address := range []string{s.plain.URL, s.secure.URL} {
		got := command(t, "", env, "python3", "-c", `
import sys, urllib.request
for n in range(2):
    with urllib.request.urlopen(sys.argv[1] + "/python") as answer:
        print(answer.status, answer.read().decode(), answer.headers.get("Cache-Status", "none").split(";")[1:2])
`, address)
		want := "200 here is /python [' fwd=uri-miss']\n200 here is /python [' hit']\n"
		if address == s.secure.URL {
			want = strings.Repeat("200 here is /python []\n", 2)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// TestForwardApt has apt fetch a file through the proxy, and the rest of one of
// which it has the beginning.
func TestForwardApt(t *testing.T) {
	const helper = "/usr/lib/apt/apt-helper"
	if _, err := os.Stat(helper); err != nil {
		t.Skipf("apt is not installed: %v", err)
	}
	s := newSite(t)
	proxy := startFilter(t, s)
	for _, begun := range []int{0, 1 << 20} {
		dir, err := os.MkdirTemp("", "freshet-apt-") // whose name lets apt's own user in
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "large")
		if begun > 0 {
			if err := os.WriteFile(file, s.large[:begun], 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, time.Now(), time.Unix(1_700_000_000, 0)); err != nil {
				t.Fatal(err)
			}
		}
		command(t, dir, nil, helper, "-o", "Acquire::http::Proxy="+proxy, "-o", "APT::Sandbox::User=", "download-file", s.plain.URL+"/large?"+strconv.Itoa(begun), file)
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, s.large) {
			t.Errorf("from %d: %d octets, %v", begun, len(got), err)
		}
	}
	if asked := s.requests(); len(asked) == 0 || !strings.Contains(asked[0], "(1.1 freshet-") {
		t.Errorf("the server was asked for %q", asked)
	}
}

// TestForwardGit has git clone and push through the proxy, from and to git
// http-backend below freshet serve.
func TestForwardGit(t *testing.T) {
	p := newPlace(t)
	bare := gitProject(t, p, 5<<20)
	p.file(t, "www/cgi-bin/git", "#!/bin/sh\nGIT_PROJECT_ROOT="+filepath.Dir(bare)+" GIT_HTTP_EXPORT_ALL=1\n"+
		"export GIT_PROJECT_ROOT GIT_HTTP_EXPORT_ALL\nexec git http-backend\n", 0o755)
	server, _ := p.serve(t, "serve", filepath.Join(p.dir, "www"), "--cgi", "/cgi-bin")
	s := newSite(t)
	proxy := startFilter(t, s)
	dir := filepath.Join(t.TempDir(), "clone")
	trace := gitTraced(t, "", "-c", "http.proxy="+proxy, "clone", "-q", server+"/cgi-bin/git/project.git", dir)
	if !strings.Contains(trace, "send header: get http://") || !strings.Contains(trace, "recv header: via: 1.1 freshet-") {
		t.Errorf("git did not go through the proxy: %.2000s", trace)
	}
	if got, want := gitObjects(t, dir), inRepositoryObjects(t, bare); got != want {
		t.Errorf("other objects than the server has: %.20q, want %.20q", got, want)
	}
	gitCommit(t, dir, "more", 2<<20)
	git(t, dir, "-c", "http.proxy="+proxy, "push", "-q", "origin", "main")
	if got, want := inRepository(t, bare, "rev-parse", "main"), git(t, dir, "rev-parse", "main"); got != want {
		t.Errorf("pushed %s, want %s", got, want)
	}
}
