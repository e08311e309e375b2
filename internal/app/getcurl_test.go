package app

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// curlServer answers, and notes each request: line, fields by name, body.
type curlServer struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

// percentEncoded is written in small letters by curl up to 7.88.
var percentEncoded = regexp.MustCompile(`%[0-9a-f]{2}`)

var curlBoundary = regexp.MustCompile(`-{20,}[0-9A-Za-z]{16,}`)

func newCurlServer(t *testing.T) *curlServer {
	s := &curlServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s %s\nHost: %s\n", r.Method, r.RequestURI, r.Proto, strings.Replace(r.Host, s.Listener.Addr().String(), "ADDR", 1))
		if r.Header.Get("User-Agent") == "freshet" || strings.HasPrefix(r.Header.Get("User-Agent"), "curl/") {
			r.Header.Set("User-Agent", "its own")
		}
		chunked := slices.Contains(r.TransferEncoding, "chunked")
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			for _, v := range r.Header[name] {
				if name == "Expect" || name == "Proxy-Connection" {
					continue // see TestGetExpect; the other is no field of HTTP
				}
				if name == "Content-Length" && len(v) > 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
					v = "some" // boundaries differ in length
				}
				fmt.Fprintf(&b, "%s: %s\n", name, curlBoundary.ReplaceAllString(v, "BOUNDARY"))
			}
		}
		fmt.Fprintf(&b, "chunked: %v\n\n%s", chunked, curlBoundary.ReplaceAll(body, []byte("BOUNDARY")))
		s.mu.Lock()
		s.seen = append(s.seen, strings.ReplaceAll(percentEncoded.ReplaceAllStringFunc(b.String(), strings.ToUpper), s.Listener.Addr().String(), "ADDR"))
		s.mu.Unlock()
		switch {
		case strings.HasPrefix(r.URL.Path, "/301"), strings.HasPrefix(r.URL.Path, "/302"), strings.HasPrefix(r.URL.Path, "/303"),
			strings.HasPrefix(r.URL.Path, "/307"), strings.HasPrefix(r.URL.Path, "/308"):
			w.Header().Set("Location", "/end")
			var code int
			fmt.Sscan(r.URL.Path[1:4], &code)
			w.WriteHeader(code)
		case r.URL.Path == "/set":
			http.SetCookie(w, &http.Cookie{Name: "s", Value: "1", Path: "/"})
			w.Header().Set("Location", "/end")
			w.WriteHeader(302)
		default:
			io.WriteString(w, "body")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *curlServer) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// What goes to a server is what curl sends for the same arguments.
func TestGetAsCurlSends(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl to compare with")
	}
	s := newCurlServer(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"data": "a=1\nb=2\r\n", "plain.txt": "text", "page.html": "<p>", "blob": "\x00\x01", "fields": "X-A: 1\nX-B: 2\n",
		"netrc": "machine 127.0.0.1 login ann password pw\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{
		"URL/", "URL/", "URL/a%20b?q=1&r", "URL/a/../b", "URL/a/./b//c/..", "--path-as-is URL/a/../b", "URL/?", "URL/x#fragment",
		"-I URL/", "-X DELETE URL/", "-X OPTIONS URL/", "-A agent URL/", "-e http://from.test/ URL/", "-r 0-9 URL/", "-r -5 URL/", "-r 5- URL/",
		"-H X-A:1 URL/", "-H X-A:1 -H X-A:2 URL/", "-H Accept: URL/", "-H User-Agent: URL/", "-H X-Empty; URL/", "-H Host:other.test URL/", "-H @DIR/fields URL/",
		"-H Accept:text/html URL/", "-A agent -H User-Agent:other URL/",
		"-d a=1 URL/", "-d a=1 -d b=2 URL/", "-d @DIR/data URL/", "--data-ascii @DIR/data URL/", "--data-raw @DIR/data URL/", "--data-binary @DIR/data URL/",
		"--data-urlencode a=b&c/~-._ URL/", "--data-urlencode =a=b URL/", "--data-urlencode a@DIR/data URL/", "--data-urlencode @DIR/data URL/", "--data-urlencode a+b URL/",
		"-d x=1 --data-urlencode y=é --data-raw z URL/", "-d  URL/", "-d a -H Content-Type:text/plain URL/", "-d a -H Content-Type: URL/", "-d a -X PUT URL/",
		"-G -d a=1 -d b=2 URL/", "-G -d a=1 URL/?x=2", "-G --data-urlencode a=b*c URL/", "-G -I -d a=1 URL/",
		"--json {\"a\":1} URL/", "--json [ --json ] URL/", "--json {} -H Accept:x/y URL/",
		"-F a=b URL/", "-F a=b -F c=d URL/", "-F f=@DIR/plain.txt URL/", "-F f=@DIR/page.html URL/", "-F f=@DIR/blob URL/", "-F f=<DIR/plain.txt URL/",
		"-F f=@DIR/plain.txt;type=image/png URL/", "-F f=@DIR/plain.txt;filename=other.name URL/", "-F f=@DIR/plain.txt;type=a/b;filename=x URL/",
		"-F a=b;type=text/x URL/", "--form-string a=@b;type=c URL/", "-F a=\"b;c\" URL/", "-F f=@DIR/plain.txt;headers=X-Y:z URL/",
		"-T DIR/plain.txt URL/name", "-T DIR/plain.txt URL/dir/", "-T DIR/blob -H Transfer-Encoding:chunked URL/name", "-T DIR/plain.txt -X PATCH URL/name",
		"-u ann:pw URL/", "-u ann:p:w URL/", "--oauth2-bearer token URL/", "http://ann:pw@ADDR/", "http://ann@ADDR/", "--netrc-file DIR/netrc URL/", "-u a:b --netrc-file DIR/netrc URL/",
		"-b a=1 URL/", "-b a=1;b=2 URL/", "-b  URL/set", "-b none URL/set", "-b none URL/end",
		"URL/301", "-d a URL/301", "-d a URL/302", "-d a URL/303", "-d a URL/307", "-d a URL/308", "--post301 -d a URL/301", "--post302 -d a URL/302", "--post303 -d a URL/303",
		"-I URL/302", "-T DIR/plain.txt URL/307", "-T DIR/plain.txt URL/302", "-e http://f.test/;auto URL/302", "-u a:b URL/302", "-H X-A:1 -d a URL/302", "-b a=1 URL/302",
		"--resolve other.test:PORT:127.0.0.1 http://other.test:PORT/", "--connect-to other.test:80:127.0.0.1:PORT http://other.test/",
		"-x http://ADDR http://other.test/path?q", "-x ADDR http://other.test/", "-x http://u:p@ADDR http://other.test/", "-x ADDR -U u:p http://other.test/", "-x ADDR --noproxy 127.0.0.1 URL/",
		"-0 URL/", "--http1.0 -d a URL/",
	} {
		t.Run(args, func(t *testing.T) {
			addr := s.Listener.Addr().String()
			var line []string
			for _, a := range strings.Split(args, " ") {
				a = strings.NewReplacer("URL", s.URL, "DIR", dir, "ADDR", addr, "PORT", addr[strings.LastIndexByte(addr, ':')+1:]).Replace(a)
				line = append(line, a)
			}
			cmd := exec.Command(curl, append([]string{"-q", "-s", "-L"}, line...)...)
			cmd.Env = []string{"HOME=" + dir}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("curl: %v: %s", err, out)
			}
			want := s.take()
			p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + dir} }, append([]string{"get", "--no-cache", "-s", "-S"}, line...)...)
			if status := p.wait(); status != exitOK {
				t.Fatalf("status %d: %s", status, p.stderr)
			}
			if got := s.take(); !slices.Equal(got, want) {
				t.Errorf("got\n%s\ncurl sends\n%s", strings.Join(got, "\n---\n"), strings.Join(want, "\n---\n"))
			}
		})
	}
}
