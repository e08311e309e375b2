package applications

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

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

// TestScriptLargeUpload has memory not grow with a body, whether its length is
// known or it is kept aside first.
func TestScriptLargeUpload(t *testing.T) {
	p, url := startScripts(t)
	const size = 200 << 20
	wantBody(t, "little", request(t, "POST", url+"/cgi-bin/count.pl", strings.NewReader("abc")), 200, "3 of 3\n")
	before := memory(t, p.server, "VmRSS")
	for _, length := range []int64{size, -1} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", url+"/cgi-bin/count.pl", io.LimitReader(rand.NewChaCha8([32]byte{}), size))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		resp, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := fmt.Sprintf("%d of %d\n", size, size); resp.StatusCode != 200 || string(body) != want {
			t.Errorf("length %d: %d %q, want %q", length, resp.StatusCode, body, want)
		}
		if most := memory(t, p.server, "VmHWM"); most > before+64<<20 {
			t.Errorf("length %d: memory grew from %d to %d MiB", length, before>>20, most>>20)
		}
	}
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
