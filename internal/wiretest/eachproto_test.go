package wiretest_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// byPath is a handler with each of the handlers under its name.
func byPath() http.Handler {
	mux := http.NewServeMux()
	for name, h := range handlers {
		mux.HandleFunc("/"+name, h)
	}
	mux.HandleFunc("/{$}", handlers["nothing"])
	return mux
}

func TestHandlersEachProto(t *testing.T) {
	eachProto(t, byPath(), func(t *testing.T, s site) {
		t.Run("methods", func(t *testing.T) {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PURGE", "PROPFIND", "M-SEARCH"} {
				if resp, body := s.get(t, method, "/echo?q=1", nil); resp.StatusCode != 200 || !strings.HasPrefix(body, method+" /echo?q=1 ") {
					t.Errorf("%s: %s, %q", method, resp.Status, body)
				}
			}
		})
		t.Run("body of unknown length", func(t *testing.T) {
			r, err := http.NewRequest("POST", s.url+"/echo", io.NopCloser(strings.NewReader("hello")))
			if err != nil {
				t.Fatal(err)
			}
			r.Trailer = http.Header{"X-Sum": {"5"}}
			resp, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || !strings.Contains(string(body), "body: hello\n") || !strings.Contains(string(body), "trailer X-Sum: 5\n") {
				t.Errorf("%q, %v", body, err)
			}
		})
		t.Run("sniffing and length", func(t *testing.T) {
			resp, _ := s.get(t, "GET", "/sniff?body=%3C!doctype+html%3E", nil)
			if got := resp.Header.Get("Content-Type"); got != "text/html; charset=utf-8" || resp.ContentLength != 15 {
				t.Errorf("type %q, length %d", got, resp.ContentLength)
			}
		})
		t.Run("flush", func(t *testing.T) {
			resp, body := s.get(t, "GET", "/stream", nil)
			if body != "piece 0\npiece 1\npiece 2\n" || resp.ContentLength != -1 {
				t.Errorf("%q, length %d", body, resp.ContentLength)
			}
		})
		t.Run("trailers", func(t *testing.T) {
			resp, body := s.get(t, "GET", "/trailers", nil)
			if body != "body" || resp.Trailer.Get("X-Announced") != "yes" || resp.Trailer.Get("X-Late") != "too" {
				t.Errorf("%q, trailers %v", body, resp.Trailer)
			}
		})
		t.Run("early hints", func(t *testing.T) {
			var link string
			trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
				if code == http.StatusEarlyHints {
					link = header.Get("Link")
				}
				return nil
			}}
			r, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), "GET", s.url+"/early", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != 200 || link == "" || resp.Header.Get("Link") != "" {
				t.Errorf("%s, early link %q, late link %q", resp.Status, link, resp.Header.Get("Link"))
			}
		})
		t.Run("cut off", func(t *testing.T) {
			// A panic before the answer is a 500 or a broken connection; after
			// half of it, the rest must not look complete.
			for _, path := range []string{"/late", "/abort", "/short"} {
				resp, err := s.client.Get(s.url + path)
				if err != nil {
					continue // cut before the head could be told from nothing
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil {
					t.Errorf("%s: %q looks complete", path, body)
				}
			}
			// The server goes on.
			if resp, _ := s.get(t, "GET", "/", nil); resp.StatusCode != 200 {
				t.Errorf("after panics: %s", resp.Status)
			}
		})
		t.Run("full duplex", func(t *testing.T) { fullDuplex(t, s) })
		t.Run("client goes away", func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			r, err := http.NewRequestWithContext(ctx, "GET", s.url+"/wait", nil)
			if err != nil {
				t.Fatal(err)
			}
			gone := make(chan error, 1)
			waiting.Store(r.URL.Host, gone)
			resp, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			cancel()
			resp.Body.Close()
			select {
			case err := <-gone:
				if err != context.Canceled {
					t.Errorf("the handler's context ended with %v", err)
				}
			case <-time.After(time.Minute):
				t.Error("the handler was not told")
			}
		})
	})
}

// fullDuplex sends a line, and the next one only when the first was answered.
func fullDuplex(t *testing.T, s site) {
	in, out := io.Pipe()
	r, err := http.NewRequest("POST", s.url+"/duplex", in)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(out, "one\n") }()
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answers := bufio.NewReader(resp.Body)
	for _, next := range []string{"two\n", ""} {
		got, err := answers.ReadString('\n')
		if err != nil || !strings.HasPrefix(got, "got ") {
			t.Fatalf("%q, %v", got, err)
		}
		if next == "" {
			break
		}
		if _, err := io.WriteString(out, next); err != nil {
			t.Fatal(err)
		}
	}
	out.Close()
	if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}
