package guard

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/rule"
	"freshet/internal/wire"
	"freshet/internal/wiretest"
)

// What else may be read in a path.
func TestReadAlso(t *testing.T) {
	for _, tt := range []struct {
		path string
		want string // with spaces between; "!": too many
	}{
		{"/", ""}, {"/a/b/", ""}, {"/.well-known/x", ""}, {"/a..b/.c/...", ""}, {"*", ""},
		{"/a%20b/%C3%A4%c3%a4/%5B%5d", ""}, {"/a,b=c@d:e!(f)*'", ""}, {"/%25", ""}, {"/100%", ""}, {"/%zz", ""},
		{"//admin", "/admin"}, {"/a//b///c/", "/a/b/c/"}, {"//", "/"}, {"/a//", "/a/"},
		{"/%61dmin", "/admin"}, {"/%7Euser/x%2Dy", "/~user/x-y"}, {"//%61", "/a"},
		{"/a%2Fb", "/a/b"}, {"/a%2fb/", "/a/b/"}, {"/%2Fadmin", "/admin"}, {"/admin%2F", "/admin/"},
		{"/a%5Cb", "/a/b"}, {`/a\b`, "/a/b"},
		{"/a;b=c", "/a"}, {"/;a/admin", "/admin"}, {"/admin/;x", "/admin/"}, {"/a%3Bb", "/a"},
		{"/a%2Fb;c", "/a/b /a%2Fb /a/b;c"},
		{"/a%252Fb", ""},
		{"/a%2Fb%5Cc;d", "!"},
	} {
		others, ok := readAlso(tt.path)
		slices.Sort(others)
		want := strings.Fields(tt.want)
		slices.Sort(want)
		if ok != (tt.want != "!") || ok && !slices.Equal(others, want) {
			t.Errorf("%s: %q, want %q", tt.path, others, want)
		}
	}
}

// Whatever is read in a path is among what the service is asked about, or it is not
// asked at all.
func FuzzReadAlso(f *testing.F) {
	for _, path := range []string{"/a", "//a", "/a%2Fb;c", "/%61%5C..;x", "/%00", "/a/%2e/b", "/;/;", "/%252F%25"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") || dotted(path) {
			return
		}
		others, ok := readAlso(path)
		if !ok {
			return
		}
		if len(others) > maxReadAlso {
			t.Fatalf("%q: %d others", path, len(others))
		}
		asked := map[string]bool{strings.Trim(decoded(path), "/"): true}
		for _, other := range others {
			if !strings.HasPrefix(other, "/") || strings.HasPrefix(other, "//") || strings.ContainsAny(other, "?# \r\n\x00") {
				t.Fatalf("%q: %q is no path", path, other)
			}
			asked[strings.Trim(decoded(other), "/")] = true
		}
		for reading := range wire.Readings(path) {
			if !asked[strings.Trim(decoded(strings.NewReplacer("%2F", "%2F", "%2f", "%2F", "%", "%25").Replace(reading)), "/")] {
				t.Fatalf("%q may be read as %q, and others are %q", path, reading, others)
			}
		}
	})
}

// A service that decides by the text of a path is asked about all that others may read
// in it, and none of them may be closed.
func TestForwardAuthReadings(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		uri := r.Header.Get("X-Forwarded-Uri")
		asked = append(asked, uri)
		if strings.HasPrefix(uri, "/admin") {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "not for you")
		}
	}))
	defer service.Close()
	g := NewForwardAuth(ForwardAuthOptions{URL: service.URL, Timeout: time.Minute, Transport: asking(t)})
	for _, tt := range []struct {
		target string
		status int
		asked  int
	}{
		{"/open?x=//admin", 200, 1}, {"/admin", 403, 1},
		{"//open?q=1", 200, 2}, {"/o%2Fpen", 200, 2}, {"/%6fpen", 200, 2}, {"/open;v=1", 200, 2},
		{"//admin?q=1", 403, 2}, {"/%61dmin", 403, 2}, {"/%2Fadmin", 403, 2}, {"/;x/admin", 403, 2}, {"/%5Cadmin", 403, 2}, {"/admi%6E%2Fx", 403, 3},
		{"/x/..;/admin", 400, 0}, {"/x%2F../admin", 400, 0}, {"/a%2Fb%5Cc;d", 400, 0},
	} {
		asked = nil
		r := httptest.NewRequest("GET", "http://h"+tt.target, nil)
		w := httptest.NewRecorder()
		Handler(&sawWhole{}, g).ServeHTTP(w, r)
		if w.Code != tt.status || len(asked) != tt.asked && tt.asked != 3 || tt.status == 403 && w.Body.String() != "not for you" || tt.asked > 0 && asked[0] != tt.target {
			t.Errorf("%s: %d %s, asked %q", tt.target, w.Code, w.Body, asked)
		}
		if tt.asked == 2 && tt.status == 200 && strings.Contains(tt.target, "?q=1") && !strings.HasSuffix(asked[1], "?q=1") {
			t.Errorf("%s: asked %q", tt.target, asked)
		}
		if _, e := g.Why(r); tt.status == 403 && tt.asked == 2 && (e.Rule != rule.ForwardAuthRefused || !strings.Contains(fmt.Sprint(e.Compared), "about /admin")) {
			t.Errorf("%s: %+v", tt.target, e)
		}
	}
}

// A short answer in chunks is read to its end, so that its connection is kept; one
// whose end does not come, or that is long, lets the request pass all the same.
func TestForwardAuthDrained(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		opened       int64
	}{
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1},
		{"chunks of a refusal", "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1},
		{"chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 4},
		{"no body", "HTTP/1.1 204 No Content\r\n\r\n", 1},
		{"a body that does not come", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 4},
		{"a long one", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 9) + "0\r\n\r\n", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var opened atomic.Int64
			wiretest.Connections(t, l, func(c net.Conn) {
				opened.Add(1)
				in := bufio.NewReader(c)
				for {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					io.WriteString(c, tt.answer)
				}
			})
			g := NewForwardAuth(ForwardAuthOptions{URL: "http://" + l.Addr().String(), Timeout: time.Minute, Transport: asking(t)})
			if tt.opened == 1 {
				g.drains = time.Minute
			}
			want := rule.ID(0)
			if strings.Contains(tt.answer, "500") {
				want = rule.ForwardAuthStatus
			}
			for range 4 {
				if _, refused := g.Check(nil, httptest.NewRequest("GET", "/", nil)); refused != want {
					t.Fatalf("%v", refused)
				}
			}
			if opened.Load() != tt.opened {
				t.Errorf("over %d connections, want %d", opened.Load(), tt.opened)
			}
		})
	}
}
