package guard

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/signedurl"
)

// A link for some addresses is for the client whose address proxies tell that are
// believed, on both paths; nobody else's word counts.
func TestSignedURLBehindProxies(t *testing.T) {
	forged := "X-Forwarded-For: 203.0.113.9\r\n"
	for _, tt := range []struct {
		trusted, fields string
		status          string
		cold            bool // the quick path has no room for it
	}{
		{"", forged, "403", false},
		{"", "Forwarded: for=203.0.113.9\r\n", "403", false},
		{"", "X-Real-IP: 203.0.113.9\r\nClient-IP: 203.0.113.9\r\n", "403", false},
		{"127.0.0.0/8", "", "403", false},
		{"127.0.0.0/8", forged, "200", false},
		{"127.0.0.0/8", "Forwarded: for=203.0.113.9\r\n", "403", false},
		{"127.0.0.0/8", "x-forwarded-for: 203.0.113.9:4711\r\n", "200", false},
		{"127.0.0.0/8", "X-Forwarded-For: 203.0.113.9, 198.51.100.1\r\n", "403", false},
		{"127.0.0.0/8", forged + "X-Forwarded-For: 198.51.100.1\r\n", "403", false},
		{"127.0.0.0/8", forged + "X-Forwarded-For: 127.0.0.2\r\n", "200", false},
		{"127.0.0.0/8", "X-Forwarded-For: 203.0.113.9, unknown\r\n", "403", false},
		{"127.0.0.0/8", "X-Forwarded-For: 203.0.113.9,\r\n", "403", false},
		{"127.0.0.0/8", "X_Forwarded_For: 203.0.113.9\r\n", "403", false},
		{"127.0.0.0/8", forged + strings.Repeat("X-Forwarded-For: 127.0.0.2\r\n", 4), "200", true},
		{"127.0.0.0/8", forged + strings.Repeat("X-Forwarded-For: 127.0.0.2\r\n", 3) + "X-Forwarded-For: 198.51.100.1\r\n", "403", true},
		{"192.0.2.0/24", forged, "403", false},
	} {
		var trusted []netip.Prefix
		if tt.trusted != "" {
			trusted = append(trusted, netip.MustParsePrefix(tt.trusted))
		}
		files := newSigned(t, key)
		g, err := OpenSignedURL(files.file, trusted, files.now.Load, nil)
		if err != nil {
			t.Fatal(err)
		}
		link, err := signedurl.Sign("http://test/a", key, signedurl.Options{Expires: time.Unix(1_800_000_060, 0), IP: netip.MustParsePrefix("203.0.113.0/24")})
		if err != nil {
			t.Fatal(err)
		}
		for _, hot := range []bool{false, true} {
			s := &httpd.Server{Handler: Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), g)}
			if hot {
				s.Hot = Hot(hotMark{}, g)
			}
			status, path := askRaw(t, s, "GET "+strings.TrimPrefix(link, "http://test")+" HTTP/1.1\r\nHost: test\r\n"+tt.fields+"Connection: close\r\n\r\n")
			if status != tt.status || (path == "hot") != (hot && status == "200" && !tt.cold) {
				t.Errorf("behind %q, %q: %s %s, want %s", tt.trusted, tt.fields, status, path, tt.status)
			}
		}
	}
}

// askRaw sends a request to a server over TCP, and returns the status and X-Path.
func askRaw(t *testing.T, s *httpd.Server, request string) (status, path string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	defer func() { s.Close(); <-done }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.Status[:3], answer.Header.Get("X-Path")
}
