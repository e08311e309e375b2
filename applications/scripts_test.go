package applications

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// scripts is a server of scripts.
type scripts struct {
	place
	server *os.Process
}

// startScripts serves a page, and the programs of testdata/programs below
// /cgi-bin/.
func startScripts(t *testing.T, more ...string) (p scripts, url string) {
	t.Helper()
	for _, program := range []string{"/usr/bin/perl", "/usr/bin/python3"} {
		if _, err := os.Stat(program); err != nil {
			cannotBeHad(t, "a program is missing: %v", err)
		}
	}
	p.place = newPlace(t)
	data := p.folder(t, "data", true)
	p.file(t, "www/page.html", "<p>a page</p>\n", 0o644)
	files, err := filepath.Glob("testdata/programs/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p.file(t, "www/cgi-bin/"+filepath.Base(name), string(source), 0o755)
	}
	args := append([]string{"serve", filepath.Join(p.dir, "www"), "--cgi", "/cgi-bin", "--cgi-env", "DATA=" + data}, more...)
	url, p.server = p.serve(t, args...)
	return p, url
}

func wantBody(t *testing.T, what string, a *answer, status int, body string) {
	t.Helper()
	if a.status != status || string(a.body) != body {
		t.Errorf("%s: %d %.300q, want %d %q", what, a.status, a.body, status, body)
	}
}

// lines are the lines of an answer, each once.
func lines(a *answer) map[string]bool {
	m := make(map[string]bool)
	for line := range strings.Lines(string(a.body)) {
		m[strings.TrimSuffix(line, "\n")] = true
	}
	return m
}

func TestScriptEnvironment(t *testing.T) {
	p, url := startScripts(t)
	a := get(t, url+"/cgi-bin/environment.sh/a%20b/c?x=1&y=%41",
		"Cookie", "a=1", "Proxy", "http://evil/", "X_Own", "evil", "X-Own", "own", "X-Forwarded-For", "192.0.2.1", "Authorization", "Basic eDp5")
	got := lines(a)
	root := filepath.Join(p.dir, "www")
	for _, want := range []string{
		"GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "REQUEST_METHOD=GET",
		"QUERY_STRING=x=1&y=%41", "REQUEST_URI=/cgi-bin/environment.sh/a%20b/c?x=1&y=%41",
		"SCRIPT_NAME=/cgi-bin/environment.sh", "SCRIPT_FILENAME=" + root + "/cgi-bin/environment.sh",
		"PATH_INFO=/a b/c", "PATH_TRANSLATED=" + root + "/a b/c", "DOCUMENT_ROOT=" + root,
		"SERVER_NAME=127.0.0.1", "SERVER_PORT=" + url[strings.LastIndexByte(url, ':')+1:], "REMOTE_ADDR=127.0.0.1",
		"HTTP_COOKIE=a=1", "HTTP_X_OWN=own", "DATA=" + p.dir + "/data",
		"ARGUMENTS=0", "FOLDER=" + root + "/cgi-bin",
	} {
		if !got[want] {
			t.Errorf("no %s", want)
		}
	}
	for line := range got {
		for _, not := range []string{"HTTP_PROXY", "HTTP_AUTHORIZATION", "HTTP_X_FORWARDED_FOR", "CONTENT_LENGTH", "TMPDIR=" + p.tmp, "HOME=/root"} {
			if strings.HasPrefix(line, not) {
				t.Errorf("there is %s", line)
			}
		}
	}
	if t.Failed() {
		t.Logf("%s", a.body)
	}
}

// TestScriptTrust has programs hear of the client from a proxy that is trusted.
func TestScriptTrust(t *testing.T) {
	_, url := startScripts(t, "--cgi-trust", "127.0.0.1")
	if got := lines(get(t, url+"/cgi-bin/environment.sh", "X-Forwarded-For", "192.0.2.1")); !got["HTTP_X_FORWARDED_FOR=192.0.2.1"] {
		t.Errorf("no HTTP_X_FORWARDED_FOR in %v", got)
	}
}

// TestScriptTLS has programs see that a client came by TLS and HTTP/2.
func TestScriptTLS(t *testing.T) {
	like := httptest.NewTLSServer(nil)
	like.Close()
	key, err := x509.MarshalPKCS8PrivateKey(like.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: like.Certificate().Raw},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addr := freeAddr(t)
	_, _ = startScripts(t, "--tls-listen", addr, "--tls-cert", dir+"/cert.pem", "--tls-key", dir+"/key.pem")
	roots := x509.NewCertPool()
	roots.AddCert(like.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + addr + "/cgi-bin/environment.sh")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.ProtoMajor != 2 {
		t.Errorf("%s, %v", resp.Proto, err)
	}
	got := lines(&answer{body: body})
	for _, want := range []string{"HTTPS=on", "REQUEST_SCHEME=https", "SERVER_PROTOCOL=HTTP/2.0", "SERVER_NAME=127.0.0.1",
		"SERVER_PORT=" + addr[strings.LastIndexByte(addr, ':')+1:], "HTTP_HOST=" + addr} {
		if !got[want] {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

// TestScriptForms sends forms as browsers do.
func TestScriptForms(t *testing.T) {
	_, url := startScripts(t)
	const form, want = "name=J%C3%BCrgen+M&tags=a&tags=b%26c&empty=", "empty: \nname: Jürgen M\ntags: a, b&c\n"
	wantBody(t, "GET", get(t, url+"/cgi-bin/form.pl?"+form), 200, want)
	const urlencoded = "application/x-www-form-urlencoded"
	wantBody(t, "POST", request(t, "POST", url+"/cgi-bin/form.pl", strings.NewReader(form), "Content-Type", urlencoded), 200, want)
	// Of unknown length: the program is told it all the same.
	wantBody(t, "chunked", request(t, "POST", url+"/cgi-bin/form.pl", io.MultiReader(strings.NewReader(form)), "Content-Type", urlencoded), 200, want)
	wantBody(t, "Python", request(t, "POST", url+"/cgi-bin/upload.py", strings.NewReader(form), "Content-Type", urlencoded), 200,
		"name: Jürgen M\ntags: a\ntags: b&c\n")
	if _, err := exec.LookPath("curl"); err != nil {
		cannotBeHad(t, "curl is not installed")
	}
	said := command(t, "", nil, "curl", "-sS", "-F", "name=Jürgen M", "-F", "tags=a", url+"/cgi-bin/upload.py")
	if said != "name: Jürgen M\ntags: a\n" {
		t.Errorf("curl -F: %q", said)
	}
}

// TestScriptUpload uploads files of several sizes in one form.
func TestScriptUpload(t *testing.T) {
	_, url := startScripts(t)
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	var want strings.Builder
	for n, size := range []int{0, 1, 65536, 8 << 20} {
		name := fmt.Sprintf("file%d", n)
		content := bytes.Repeat([]byte("\r\n--x\x00\xff"+strings.Repeat("-", 90)), size/97+1)[:size]
		part, err := w.CreateFormFile(name, "a file.bin")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(content)
		fmt.Fprintf(&want, "%s: a file.bin application/octet-stream %d %x\n", name, size, sha256.Sum256(content))
	}
	w.Close()
	for name, body := range map[string]io.Reader{
		"of known length": bytes.NewReader(b.Bytes()),
		"chunked":         io.MultiReader(bytes.NewReader(b.Bytes())),
	} {
		wantBody(t, name, request(t, "POST", url+"/cgi-bin/upload.py", body, "Content-Type", w.FormDataContentType()), 200, want.String())
	}
}

func TestScriptRedirects(t *testing.T) {
	_, url := startScripts(t)
	redirect := url + "/cgi-bin/redirect.sh?"
	if a := get(t, redirect+"local"); a.status != 200 || !lines(a)["PATH_INFO=/there"] || !lines(a)["QUERY_STRING=moved"] {
		t.Errorf("local: %d %s", a.status, a.body)
	}
	wantBody(t, "to a file", get(t, redirect+"file"), 200, "<p>a page</p>\n")
	if a := get(t, redirect+"away"); a.status != 302 || a.header.Get("Location") != "https://example.com/a#b" {
		t.Errorf("away: %d %v", a.status, a.header)
	}
	if a := get(t, redirect+"other"); a.status != 303 || a.header.Get("Location") != "/cgi-bin/environment.sh" || string(a.body) != "look there\n" {
		t.Errorf("other: %d %v %q", a.status, a.header, a.body)
	}
	for _, endless := range []string{"loop", "round", "1"} {
		if a := get(t, redirect+endless); a.status != 502 {
			t.Errorf("%s: %d", endless, a.status)
		}
	}
	wantBody(t, "none", get(t, redirect+"x"), 404, "no such redirect\n")
}

// TestScriptCounter counts with many at once, and loses none.
func TestScriptCounter(t *testing.T) {
	_, url := startScripts(t)
	const all = 40
	seen := make([]bool, all+1)
	var mu sync.Mutex
	var group sync.WaitGroup
	next := make(chan struct{}, all)
	for range all {
		next <- struct{}{}
	}
	close(next)
	for range 8 {
		group.Go(func() {
			for range next {
				resp, err := browser.Get(url + "/cgi-bin/counter.pl")
				if err != nil {
					t.Error(err)
					continue
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				n, err := strconv.Atoi(strings.TrimSpace(string(body)))
				mu.Lock()
				if err != nil || n < 1 || n > all || seen[n] {
					t.Errorf("%d %q", resp.StatusCode, body)
				} else {
					seen[n] = true
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	wantBody(t, "after all", get(t, url+"/cgi-bin/counter.pl"), 200, fmt.Sprintln(all+1))
}

func TestScriptCookies(t *testing.T) {
	_, url := startScripts(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Transport: browser.Transport, Timeout: browser.Timeout}
	for n, want := range []string{"\n", "visits=0; theme=dark\n", "visits=1; theme=dark\n"} {
		resp, err := c.Get(fmt.Sprintf("%s/cgi-bin/cookies.sh?%d", url, n))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != want {
			t.Errorf("visit %d: %q, want %q", n, body, want)
		}
	}
}

// TestScriptClock has each event reach the client before the next is asked for.
func TestScriptClock(t *testing.T) {
	p, url := startScripts(t)
	resp, err := browser.Get(url + "/cgi-bin/clock.sh?3")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	for n := range 3 {
		for _, want := range []string{fmt.Sprintf("data: %d\n", n), "\n"} {
			if line, err := events.ReadString('\n'); line != want || err != nil {
				t.Fatalf("%q, %v; want %q", line, err, want)
			}
		}
		p.file(t, fmt.Sprintf("data/tick%d", n+1), "", 0o644)
	}
	if rest, err := io.ReadAll(events); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}
