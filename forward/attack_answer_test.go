package forward_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/forward"
	"freshet/httpd"
)

// said is an answer as octets, after which the server closes the connection.
func said(answer string) func(*http.Request, string) string {
	return func(*http.Request, string) string { return answer }
}

// closing marks an answer after which a witness ends the connection.
const closing = "Connection: close\r\n"

// Whatever a server answers, a client reads one answer, and one that was cut
// never looks whole, neither now nor later.
func TestAttackAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n" + closing
	second := "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	for _, tt := range []struct{ name, answer, status, body string }{
		{"sound", ok + "Content-Length: 5\r\n\r\nhello", "200", "hello"},
		{"to the end of the connection", ok + "\r\nhello", "200", "hello"},
		{"cut, of a length", ok + "Content-Length: 10\r\n\r\nhello", "cut", ""},
		{"cut, chunked", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "cut", ""},
		{"cut, chunked, before the last empty line", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "cut", ""},
		{"cut, in a chunk's size", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1", "cut", ""},
		{"chunk of no size", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", "cut", ""},
		{"cut, in the head", "HTTP/1.1 200 OK\r\n" + closing + "Content-Le", "502", ""},
		{"no answer at all", closing, "502", ""},
		{"two lengths", ok + "Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello", "502", ""},
		{"length and coding", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "502", ""},
		{"another coding", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "502", ""},
		{"a folded line, which becomes one", ok + "A: b\r\n Content-Length: 3\r\n\r\nhello", "200", "hello"},
		{"a bare carriage return", ok + "A: b\rContent-Length: 3\r\n\r\nhello", "502", ""},
		{"NUL in a field", ok + "A: b\x00\r\nContent-Length: 5\r\n\r\nhello", "502", ""},
		{"a space before the colon, which is taken away", ok + "Content-Length : 5\r\n\r\nhello", "200", "hello"},
		{"another protocol", "ICY 200 OK\r\n" + closing + "\r\nhello", "502", ""},
		{"a second answer behind the first", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" + second, "200", "hello"},
		{"a switch of protocols that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n" + second, "502", ""},
		{"early hints", "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" + ok + "Content-Length: 5\r\n\r\nhello", "200", "hello"},
		{"interim answers without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n", 1000) + ok + "Content-Length: 5\r\n\r\nhello", "502", ""},
		{"a head of a megabyte", ok + "A: " + strings.Repeat("x", 1<<20) + "\r\nContent-Length: 5\r\n\r\nhello", "502", ""},
		{"fields without end", ok + strings.Repeat("A: b\r\n", 20_000) + "Content-Length: 5\r\n\r\nhello", "502", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newWitness(t, "127.0.0.1:0", said(tt.answer))
			addr := start(t, forward.Options{AllowPrivate: true, Store: newStore(t)})
			for range 2 {
				all := talk(t, addr, "GET http://"+o.host()+"/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				var got exchange // none: a connection that just ends is no answer, either
				if len(all) > 0 {
					got = all[0]
				}
				if tt.status == "cut" && got.status == 200 && !strings.HasSuffix(got.body, " cut") || strings.Contains(got.fields.Get("Cache-Status"), "; hit") && tt.status != "200" {
					t.Errorf("what was cut looks whole: %+v", got)
				}
				if tt.status != "cut" && (len(all) != 1 || fmt.Sprint(got.status) != tt.status || tt.status == "200" && got.body != tt.body) {
					t.Errorf("got %+v, want %s %q", all, tt.status, tt.body)
				}
			}
		})
	}
}

// What a parent says instead of opening a tunnel is not passed on as if it were
// the server's: a client that wanted https shows no page that anybody could have
// written.
func TestAttackParentRefuses(t *testing.T) {
	for _, status := range []string{"403 Forbidden", "302 Found\r\nLocation: http://evil.test/", "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=evil", "500 No", "101 Switching Protocols", "100 Continue"} {
		body := "<script>evil()</script>"
		parent := newWitness(t, "127.0.0.1:0", said(fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Type: text/html\r\nSet-Cookie: evil=1\r\nContent-Length: %d\r\n\r\n%s", status, closing, len(body), body)))
		addr := start(t, forward.Options{Parents: []string{"http://" + parent.host()}})
		got := ask(t, addr, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
		if len(got) != 1 || got[0].status != 502 && got[0].status != 503 && got[0].status != 504 || strings.Contains(fmt.Sprint(got), "evil") {
			t.Errorf("%q: %+v", status, got)
		}
	}
	// A tunnel that is open begins where the head ends, whatever the head says.
	parent := newWitness(t, "127.0.0.1:0", said("HTTP/1.1 200 OK\r\n"+closing+"Content-Length: 3\r\n\r\nearly"))
	addr := start(t, forward.Options{Parents: []string{"http://" + parent.host()}})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
	all, err := io.ReadAll(c)
	if head, rest, _ := bytes.Cut(all, []byte("\r\n\r\n")); err != nil || !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) || string(rest) != "early" || bytes.Contains(head, []byte("Content-Length")) {
		t.Errorf("%q, %v", all, err)
	}
}

// An answer of 407 speaks to the proxy that gets it: a browser that got it would
// ask for a password as if this proxy wanted one. Whoever says so, a parent or a
// server, it is an error here.
func TestAttackLogin(t *testing.T) {
	const wants = "HTTP/1.1 407 Proxy Authentication Required\r\n" + closing + "Proxy-Authenticate: Basic realm=\"evil\"\r\nSet-Cookie: evil=1\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nevil"
	o := newWitness(t, "127.0.0.1:0", said(wants))
	for name, options := range map[string]forward.Options{
		"a parent":               {Parents: []string{"http://" + o.host()}},
		"a parent behind caches": {Parents: []string{"http://" + o.host()}, Store: newStore(t)},
		"a server":               {AllowPrivate: true},
	} {
		told := make(rules, 4)
		addr := startTold(t, options, told)
		target := "far.example"
		if options.AllowPrivate {
			target = o.host()
		}
		for _, method := range []string{"GET", "POST"} {
			got := ask(t, addr, method+" http://"+target+"/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			if len(got) != 1 || got[0].status != 502 || strings.Contains(fmt.Sprint(got), "evil") || got[0].fields.Get("Proxy-Authenticate") != "" ||
				!strings.Contains(got[0].body, hostname(target)+", or a proxy on the way to it, wants this proxy to log in (407)") || !strings.Contains(got[0].body, "--parent") {
				t.Errorf("%s, %s: %+v", name, method, got)
			}
			if given := <-told; given != "proxy-parent-login" {
				t.Errorf("%s, %s: the rule is %s", name, method, given)
			}
		}
	}
}

// A small document that decodes to a very large one is not held in memory, nor
// read to its end: the answer breaks off, or passes as it is.
func TestAttackBomb(t *testing.T) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	io.WriteString(z, "<!doctype html><title>x</title><body>")
	zeros := make([]byte, 1<<20)
	for range 20 {
		z.Write(zeros)
	}
	z.Close()
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("##.banner\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := newWitness(t, "127.0.0.1:0", said(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", b.Len(), b.String())))
	addr := start(t, forward.Options{AllowPrivate: true, Lists: []forward.ListSource{{File: list}}})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "GET http://"+o.host()+"/ HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	t.Logf("%s %q: %d octets , %v", resp.Status, resp.Header.Get("Content-Encoding"), n, err)
	if err == nil && resp.Header.Get("Content-Encoding") == "" && n < 20<<20 {
		t.Error("a document that was cut looks whole")
	}
	if n > 16<<20 {
		t.Errorf("%d octets came of %d", n, b.Len())
	}
}

// A client that sends its head slowly is the server's to end, also here.
func TestAttackSlowHead(t *testing.T) {
	h, err := forward.New(forward.Options{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	told := make(rules, 1)
	srv := &httpd.Server{Handler: h, ReadHeaderTimeout: 2 * time.Second, Sink: told}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	defer func() { srv.Close(); <-done }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost")
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 408 ") {
		t.Errorf("%q, %v", all, err)
	}
}

// hostname is a host without its port.
func hostname(hostport string) string {
	host, _, _ := strings.Cut(hostport, ":")
	return host
}
