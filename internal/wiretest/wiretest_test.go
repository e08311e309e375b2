package wiretest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseArchive(t *testing.T) {
	a := parseArchive([]byte("# why\ntx x\n-- a.txt --\nhello\n-- b/c.txt --\n-- not a marker\n-- --\n"))
	want := archive{script: "# why\ntx x\n", files: []archiveFile{
		{"a.txt", []byte("hello\n")},
		{"b/c.txt", []byte("-- not a marker\n-- --\n")},
	}}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("got %q, want %q", a, want)
	}
}

func TestWords(t *testing.T) {
	vars := func(name string) (string, bool) { return `"a b"`, name == "TAG" }
	for _, c := range []struct {
		line string
		want []string
	}{
		{`tx`, []string{"tx"}},
		{`tx "GET /\r\n\x00\"" x`, []string{"tx", "GET /\r\n\x00\"", "x"}},
		{`tx "ab"*3 "c"`, []string{"tx", "ababab", "c"}},
		{`expect field ETag ${TAG}`, []string{"expect", "field", "ETag", `"a b"`}},
		{`tx "If-Match: ${TAG}\r\n"`, []string{"tx", "If-Match: \"a b\"\r\n"}},
		{`a=${TAG}.`, []string{`a="a b".`}},
	} {
		list, err := words(c.line, vars)
		var got []string
		for _, w := range list {
			got = append(got, w.text)
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.line, got, err, c.want)
		}
	}
	for _, bad := range []string{`"open`, `"\q"`, `${NONE}`, `"${NONE}"`, `"${TAG"`, `"a"b`, `"a"*`, `"a"*99999999`} {
		if list, err := words(bad, vars); err == nil {
			t.Errorf("%s: %v, want an error", bad, list)
		}
	}
}

func TestReadResponse(t *testing.T) {
	for _, c := range []struct {
		name, raw, body string
		head, broken    bool
		rest            string
	}{
		{name: "length", raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabrest", body: "ab", rest: "rest"},
		{name: "chunked", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nA: b\r\n\r\nrest", body: "ab", rest: "rest"},
		{name: "to the end", raw: "HTTP/1.1 200 OK\r\n\r\nab", body: "ab"},
		{name: "head", raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nrest", head: true, rest: "rest"},
		{name: "304", raw: "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nrest", rest: "rest"},
		{name: "interim", raw: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nrest", rest: "rest"},
		{name: "no reason", raw: "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"},
		{name: "empty value", raw: "HTTP/1.1 200 OK\r\nServer: \r\nContent-Length: 0\r\n\r\n"},
		{name: "cut", raw: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", body: "ab", broken: true},
		{name: "cut chunk", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", body: "ab", broken: true},
		{name: "no last chunk", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", body: "ab", broken: true},
		{name: "bare LF", raw: "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", broken: true},
		{name: "bare CR", raw: "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", broken: true},
		{name: "no blank after colon", raw: "HTTP/1.1 200 OK\r\nA:b\r\n\r\n", broken: true},
		{name: "no space after status", raw: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", broken: true},
	} {
		in := bufio.NewReader(strings.NewReader(c.raw))
		got, err := readResponse(in, c.head)
		rest, _ := io.ReadAll(in)
		if (err != nil) != c.broken || got.body != c.body || string(rest) != c.rest && !c.broken {
			t.Errorf("%s: body %q, rest %q, error %v", c.name, got.body, rest, err)
		}
		if !c.broken && got.raw+c.rest != c.raw {
			t.Errorf("%s: raw is %q", c.name, got.raw)
		}
	}
}

func TestLint(t *testing.T) {
	const date = "Date: Tue, 02 Jan 2024 03:04:05 GMT\r\n"
	for _, c := range []struct{ head, fault string }{
		{"200 OK\r\n" + date, ""},
		{"200 OK\r\n", "no Date"},
		{"200 OK\r\n" + date + date, "2 times"},
		{"200 OK\r\nDate: Tue, 2 Jan 2024 03:04:05 GMT\r\n", "preferred format"},
		{"200 OK\r\n" + date + "ETag: abc\r\n", "malformed ETag"},
		{"200 OK\r\n" + date + "Content-Encoding: gzip\r\n", "without Vary"},
		{"200 OK\r\n" + date + "Content-Range: bytes 0-1/2\r\n", "has Content-Range"},
		{"204 No Content\r\n" + date + "Content-Length: 0\r\n", "states a length"},
		{"206 Partial Content\r\n" + date, "206 with"},
		{"206 Partial Content\r\n" + date + "Content-Range: bytes 5-4/9\r\n", "impossible"},
		{"206 Partial Content\r\n" + date + "Content-Range: bytes 0-3/9\r\nContent-Length: 2\r\n", "with 2 bytes"},
		{"301 Moved Permanently\r\n" + date + "Location: //evil.example/\r\n", "off the site"},
		{"304 Not Modified\r\n" + date + "Content-Type: text/html\r\n", "a 304 has"},
		{"405 Method Not Allowed\r\n" + date, "without Allow"},
		{"416 Range Not Satisfiable\r\n" + date, "416 with"},
	} {
		raw := "HTTP/1.1 " + c.head + "\r\nxx"
		p, err := readResponse(bufio.NewReader(strings.NewReader(raw)), false)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		faults := strings.Join(lint(p), "; ")
		if (c.fault == "") != (faults == "") || !strings.Contains(faults, c.fault) {
			t.Errorf("%q: %q, want %q", raw, faults, c.fault)
		}
	}
}

// TestPlay runs commands against net/http, and proves that each expectation
// can fail.
func TestPlay(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/a", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Two", "1")
		w.Header().Add("X-Two", "2")
		_, _ = io.WriteString(w, "hello "+r.Host)
	})
	const request = "req GET /a\nrx 200\n"
	for _, c := range []struct{ script, fault string }{
		{request + "expect body \"hello test\"\nexpect field X-Two ~ ^1\nexpect field X-Two \"1, 2\"\nexpect length 10\nexpect nofield Etag\nexpect raw ~ ^HTTP", ""},
		{"req GET /a HTTP/1.0\nrx\nexpect status 200\nexpect closed", ""},
		{"drip \"GET /a HTTP/1.1\\r\\nHost: drip\\r\\n\\r\\n\"\nrx\nexpect body \"hello drip\"", ""},
		{request + "keep\nreq GET /a\nrx\nexpect same\nreq HEAD /a\nrx head\nexpect length 0", ""},
		{request + "save B body\nwrite f ${B}\nexpect bodyfile f\nexpect bodyfile f 0 10", ""},
		{"connect a\nconnect b\nreq GET /a\nrx 200\nuse a\nreq GET /a\nrx 200\nshut\nexpect closed", ""},
		{request + "expect body hello", `got      "hello test"`},
		{request + "expect field X-Two 1", `got      "1, 2"`},
		{request + "expect field ETag x", "there is no ETag"},
		{request + "expect nofield Date", "there is Date"},
		{request + "expect length 9", "length"},
		{request + "expect closed", "keeps it open"},
		{request + "expect rule x", "no records"},
		{request + "write f other\nexpect bodyfile f", "differ from byte 0"},
		{request + "keep\nreq GET /b\nrx\nexpect same", "status"},
		{"req GET /a\nrx 404", "expected status 404, got 200"},
		{"req GET /a\nrx bytes \"HTTP/2\"", `got      "HTTP/1"`},
		{"expect body x", "no response yet"},
		{"frobnicate", "unknown command"},
	} {
		wait := patience
		if strings.Contains(c.fault, "open") {
			wait = 50 * time.Millisecond // the time-out is what is expected
		}
		Longer(t, wait, func(wait time.Duration) error {
			if err := playAgainst(t, mux, c.script, wait); (c.fault == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fault) {
				return fmt.Errorf("%q: %v, want %q", c.script, err, c.fault)
			}
			return nil
		})
	}
}

func playAgainst(t *testing.T, h http.Handler, script string, wait time.Duration, prepare ...func(*player)) error {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(listener) }()
	f, err := newFolder(t.TempDir(), archive{})
	if err != nil {
		t.Fatal(err)
	}
	commands, err := parseScript(script)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{folder: f, vars: map[string]string{}, clients: map[string]*client{}, name: "1", patience: wait,
		server: Server{Dial: func() (net.Conn, error) { return net.Dial("tcp", listener.Addr().String()) }, Stop: func() { _ = server.Close() }}}
	for _, c := range prepare {
		c(p)
	}
	defer p.end()
	for _, c := range commands {
		if err := p.play(c); err != nil {
			return err
		}
	}
	return nil
}
