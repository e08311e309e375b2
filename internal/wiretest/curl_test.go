package wiretest_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
)

// TestCurl lets a client that we did not write fetch a file, and get 304, 206,
// 412 and 416 when it should, over each version of HTTP that curl speaks.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is not installed; make setup says how to get it")
	}
	files := newStatic(t, map[string]string{"a.txt": "0123456789\n"})
	plain := listen(t, &httpd.Server{Handler: files, Hot: files}, false)
	secure := listen(t, &httpd.Server{Handler: files, Hot: files}, true)
	ca, _ := keyPair(t).Write(t, t.TempDir())
	for _, c := range []struct{ version, url, answers string }{
		{"--http1.0", plain, "HTTP/1.1"},
		{"--http1.1", plain, "HTTP/1.1"},
		{"--http1.0", secure, "HTTP/1.1"},
		{"--http1.1", secure, "HTTP/1.1"},
		{"--http2", secure, "HTTP/2"},
	} {
		scheme, _, _ := strings.Cut(c.url, ":")
		t.Run(strings.TrimPrefix(c.version, "--")+" "+scheme, func(t *testing.T) {
			curl := func(args ...string) (*http.Response, string) {
				t.Helper()
				args = append([]string{"--silent", "--show-error", "--include", "--max-time", "20", "--noproxy", "*", "--cacert", ca, c.version}, args...)
				out, err := exec.Command("curl", append(args, c.url+"/a.txt")...).Output()
				if err != nil {
					t.Fatalf("curl %q: %v", args, err)
				}
				version, _, _ := strings.Cut(string(out), " ")
				if version != c.answers {
					t.Errorf("curl %q: answered with %s, want %s", args, version, c.answers)
				}
				// What curl prints is a head of HTTP/1, whatever was spoken.
				text := strings.Replace(string(out), "HTTP/2 ", "HTTP/2.0 ", 1)
				request := &http.Request{Method: "GET"}
				if args[len(args)-1] == "--head" {
					request.Method = "HEAD"
				}
				resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), request)
				if err != nil {
					t.Fatalf("curl %q: %v in %q", args, err, out)
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatalf("curl %q: %v in %q", args, err, out)
				}
				return resp, string(body)
			}
			whole, body := curl()
			if whole.StatusCode != 200 || body != "0123456789\n" {
				t.Fatalf("got %s, %q", whole.Status, body)
			}
			tag, modified := whole.Header.Get("ETag"), whole.Header.Get("Last-Modified")
			if tag == "" || modified == "" {
				t.Fatalf("ETag %q, Last-Modified %q: both are wanted", tag, modified)
			}
			for _, q := range []struct {
				args   []string
				status int
				body   string
			}{
				{[]string{"-H", "If-None-Match: " + tag}, 304, ""},
				{[]string{"-H", "If-Modified-Since: " + modified}, 304, ""},
				{[]string{"-H", `If-None-Match: "other"`}, 200, "0123456789\n"},
				{[]string{"--range", "2-4"}, 206, "234"},
				{[]string{"--range", "-3"}, 206, "89\n"},
				{[]string{"--range", "2-4", "-H", "If-Range: " + tag}, 206, "234"},
				{[]string{"--range", "2-4", "-H", `If-Range: "other"`}, 200, "0123456789\n"},
				{[]string{"-H", `If-Match: "other"`}, 412, "*"},
				{[]string{"--range", "11-"}, 416, "*"},
				{[]string{"--head"}, 200, ""},
			} {
				resp, body := curl(q.args...)
				if resp.StatusCode != q.status || q.body != "*" && body != q.body {
					t.Errorf("curl %q: %s, %q; want %d, %q", q.args, resp.Status, body, q.status, q.body)
				}
				if q.status == 304 && resp.Header.Get("ETag") != tag {
					t.Errorf("curl %q: ETag %q, want %q", q.args, resp.Header.Get("ETag"), tag)
				}
				if q.status == 416 && resp.Header.Get("Content-Range") != "bytes */11" {
					t.Errorf("curl %q: Content-Range %q", q.args, resp.Header.Get("Content-Range"))
				}
			}
		})
	}
}

// TestHTTP09 sends the one line that HTTP/0.9 knows; curl cannot.
func TestHTTP09(t *testing.T) {
	files := newStatic(t, map[string]string{"a.txt": "0123456789\n"})
	url := listen(t, &httpd.Server{Handler: files, Hot: files, AllowHTTP09: true}, false)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, "GET /a.txt\r\n"); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(conn)
	if err != nil || string(body) != "0123456789\n" {
		t.Errorf("got %q, %v", body, err)
	}
}
