package applications

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
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
		"Cookie", "a=1", "Proxy", "http://evil/", "X_Forwarded_For", "evil", "X-Forwarded-For", "192.0.2.1", "Authorization", "Basic eDp5")
	got := lines(a)
	root := filepath.Join(p.dir, "www")
	for _, want := range []string{
		"GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "REQUEST_METHOD=GET",
		"QUERY_STRING=x=1&y=%41", "REQUEST_URI=/cgi-bin/environment.sh/a%20b/c?x=1&y=%41",
		"SCRIPT_NAME=/cgi-bin/environment.sh", "SCRIPT_FILENAME=" + root + "/cgi-bin/environment.sh",
		"PATH_INFO=/a b/c", "PATH_TRANSLATED=" + root + "/a b/c", "DOCUMENT_ROOT=" + root,
		"SERVER_NAME=127.0.0.1", "SERVER_PORT=" + url[strings.LastIndexByte(url, ':')+1:], "REMOTE_ADDR=127.0.0.1",
		"HTTP_COOKIE=a=1", "HTTP_X_FORWARDED_FOR=192.0.2.1", "DATA=" + p.dir + "/data",
		"ARGUMENTS=0", "FOLDER=" + root + "/cgi-bin",
	} {
		if !got[want] {
			t.Errorf("no %s", want)
		}
	}
	for line := range got {
		for _, not := range []string{"HTTP_PROXY", "HTTP_AUTHORIZATION", "CONTENT_LENGTH", "TMPDIR=" + p.tmp, "HOME=/root"} {
			if strings.HasPrefix(line, not) {
				t.Errorf("there is %s", line)
			}
		}
	}
	if t.Failed() {
		t.Logf("%s", a.body)
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

// TestScriptClientGone has a program whose client has gone be ended.
func TestScriptClientGone(t *testing.T) {
	p, url := startScripts(t)
	resp, err := browser.Get(url + "/cgi-bin/clock.sh?3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if !p.running("clock.sh") {
		t.Fatal("the program does not run")
	}
	resp.Body.Close()
	eventually(t, "the program is ended", func() bool { return !p.running("clock.sh") })
}

// TestScriptServerStops has a server that is told to stop end a program that
// does not, when the time of running requests is over.
func TestScriptServerStops(t *testing.T) {
	p, url := startScripts(t, "--shutdown-timeout", "500ms")
	resp, err := browser.Get(url + "/cgi-bin/clock.sh?3")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	if _, err := events.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	p.server.Signal(syscall.SIGTERM)
	if _, err := io.ReadAll(events); err == nil {
		t.Error("what was cut looks whole")
	}
	eventually(t, "neither the server nor the program runs", func() bool { return len(p.processes()) == 0 })
}

// TestScriptServerKilled has the programs of a server that is killed be ended,
// too.
func TestScriptServerKilled(t *testing.T) {
	p, url := startScripts(t)
	resp, err := browser.Get(url + "/cgi-bin/clock.sh?3")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	p.server.Kill()
	eventually(t, "neither the server nor the program runs", func() bool { return len(p.processes()) == 0 })
}

// breakOff begins to upload 50 MB, and goes away after 5.
func breakOff(t *testing.T, url, framing string) {
	t.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Type: multipart/form-data; boundary=b\r\n%s\r\n\r\n", path, host, framing)
	if strings.HasPrefix(framing, "Transfer") {
		fmt.Fprintf(c, "%x\r\n", 50<<20)
	}
	fmt.Fprint(c, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n")
	if _, err := c.Write(bytes.Repeat([]byte("0123456789abcde\n"), 5<<16)); err != nil {
		t.Errorf("%s: %v", framing, err)
	}
	c.(*net.TCPConn).SetLinger(0)
}

// brokenUploads are the ways to frame what breakOff sends.
var brokenUploads = []string{"Content-Length: 52428800", "Transfer-Encoding: chunked"}

// TestScriptBrokenUpload has programs whose clients break a body off be ended,
// and nothing of it be left (which the end of each test looks for, too).
func TestScriptBrokenUpload(t *testing.T) {
	p, url := startScripts(t)
	for range 3 {
		for _, framing := range brokenUploads {
			breakOff(t, url+"/cgi-bin/upload.py", framing)
		}
	}
	eventually(t, "no program runs", func() bool { return !p.running("upload.py") })
	wantBody(t, "afterwards", get(t, url+"/cgi-bin/form.pl?a=b"), 200, "a: b\n")
}

func TestScriptAnswers(t *testing.T) {
	p, url := startScripts(t)
	a := get(t, url+"/cgi-bin/nph-raw.sh")
	wantBody(t, "nph", a, 203, "raw\n")
	if a.header.Get("X-Protocol") != "HTTP/1.1" {
		t.Errorf("nph: %v", a.header)
	}
	if a := get(t, url+"/cgi-bin/dies.py"); a.status != 502 || bytes.Contains(a.body, []byte("the fault of this program")) {
		t.Errorf("a program that dies: %d %.300q", a.status, a.body)
	}
	for n, query := range []string{"", "?begun"} {
		resp, err := browser.Get(url + "/cgi-bin/killed.sh" + query)
		if err != nil {
			t.Errorf("killed%s: nothing of it came, so that a client would ask again: %v", query, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		runs, _ := os.ReadFile(filepath.Join(p.dir, "data/killed"))
		if err == nil || !strings.HasSuffix(query, string(body)) || bytes.Count(runs, []byte("run")) != n+1 {
			t.Errorf("killed%s: %q, %v; run %q", query, body, err, runs)
		}
	}
	const size = 20 << 20
	if a := get(t, fmt.Sprintf("%s/cgi-bin/large.py?%d", url, size)); a.status != 200 || len(a.body) != size {
		t.Errorf("large: %d, %d octets", a.status, len(a.body))
	}
	if a := request(t, "HEAD", fmt.Sprintf("%s/cgi-bin/large.py?%d", url, size), nil); a.status != 200 || a.header.Get("Content-Length") != strconv.Itoa(size) {
		t.Errorf("HEAD: %d %v", a.status, a.header)
	}
	if a := request(t, "POST", url+"/cgi-bin/large.py?5", bytes.NewReader(make([]byte, 4<<20))); a.status != 200 || len(a.body) != 5 {
		t.Errorf("a body that is not read: %d, %d octets", a.status, len(a.body))
	}
	wantBody(t, "a program that leaves another behind", get(t, url+"/cgi-bin/later.sh"), 200, "started\n")
	eventually(t, "what it left behind is ended", func() bool { return !p.running("sleep") })
}

// TestScriptSource has the source of a program never be sent.
func TestScriptSource(t *testing.T) {
	p, url := startScripts(t)
	p.file(t, "www/cgi-bin/notes.txt", "#!/bin/sh\nnot executable\n", 0o644)
	p.file(t, "www/cgi-bin/others.sh", "#!/bin/sh\necho\n", 0o777)
	for _, path := range []string{
		"/cgi-bin/notes.txt", "/cgi-bin/others.sh", "/cgi-bin/", "/cgi-bin", "/cgi-bin/none", "/cgi-bin/clock.sh%00", "/cgi-bin/clock.sh.",
		"/CGI-BIN/clock.sh", "/cgi%2dbin/notes.txt", "/./cgi-bin/notes.txt", "//cgi-bin/notes.txt", "/x/../cgi-bin/notes.txt", "/cgi-bin%2fnotes.txt", "/cgi-bin/%2e/notes.txt",
	} {
		for _, header := range [][]string{nil, {"Range", "bytes=0-50"}, {"Translate", "f"}} {
			if a := get(t, url+path, header...); bytes.Contains(a.body, []byte("#!/bin")) || a.status == 200 {
				t.Errorf("%s: %d %.100q", path, a.status, a.body)
			}
		}
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "PROPFIND"} {
		if a := request(t, method, url+"/cgi-bin/notes.txt", nil); bytes.Contains(a.body, []byte("#!/bin")) {
			t.Errorf("%s: %d %.100q", method, a.status, a.body)
		}
	}
}
