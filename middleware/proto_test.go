package middleware

import (
	"compress/gzip"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// eachProto runs f against a server of h over HTTP/1.1 and over HTTP/2. The
// client neither asks for codings nor undoes them unless told.
func eachProto(t *testing.T, h http.Handler, f func(t *testing.T, do func(method, path string, fields ...string) *answered)) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			c, url := serve(t, h, proto)
			f(t, func(method, path string, fields ...string) *answered {
				t.Helper()
				req, err := http.NewRequest(method, url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := 0; i < len(fields); i += 2 {
					req.Header.Add(fields[i], fields[i+1])
				}
				res, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if res.Proto != proto {
					t.Fatalf("answered with %s", res.Proto)
				}
				body, err := io.ReadAll(res.Body)
				return &answered{res, string(body), err}
			})
		})
	}
}

func serve(t *testing.T, h http.Handler, proto string) (*http.Client, string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // some tests abort
	if srv.EnableHTTP2 = proto == "HTTP/2.0"; srv.EnableHTTP2 {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	c := srv.Client()
	c.Transport.(*http.Transport).DisableCompression = true
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, srv.URL
}

type answered struct {
	*http.Response
	body string
	err  error // of reading the body
}

// plain returns the body without its coding, which is identity or gzip.
func (a *answered) plain(t *testing.T) string {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	switch c := a.Header.Get("Content-Encoding"); c {
	case "gzip":
		z, err := gzip.NewReader(strings.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	case "":
	default:
		t.Fatalf("a coding %q", c)
	}
	return a.body
}

// stream codes a body as it would pass.
func stream(c field.Coding, body string) string {
	if c == field.Identity {
		return body
	}
	var b strings.Builder
	w := coding.NewWriter(&b, c)
	io.WriteString(w, body)
	w.Close()
	return b.String()
}

// want checks the status and fields of an answer: name, value, …; "" means
// that there is no such field.
func (a *answered) want(t *testing.T, status int, fields ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("status %d, want %d; body %q", a.StatusCode, status, a.body)
	}
	for i := 0; i < len(fields); i += 2 {
		if got := strings.Join(a.Header.Values(fields[i]), " | "); got != fields[i+1] {
			t.Errorf("%s: %q, want %q", fields[i], got, fields[i+1])
		}
	}
}
