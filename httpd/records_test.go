package httpd_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"freshet/httpd"
)

// all returns the records once the server has ended, as lines.
func (s *records) all(srv *httpd.Server) []string {
	srv.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, r := range s.got {
		what := fmt.Sprint(r.Bytes)
		if r.Status >= 400 {
			what = "page"
		}
		lines = append(lines, fmt.Sprintf("%s %s %d %s %s", r.Method, r.Target, r.Status, what, cmp.Or(r.Rule.String(), "-")))
	}
	return lines
}

// Each request leaves exactly one record, however it ended.
func TestOneRecordARequest(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/abort-later":
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/short":
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "12345")
		case "/hijack":
			c, _, _ := http.NewResponseController(w).Hijack()
			io.WriteString(c, "x")
			c.Close()
		case "/103":
			w.WriteHeader(103)
			io.WriteString(w, "hi")
		case "/304":
			w.WriteHeader(304)
		case "/read":
			io.Copy(io.Discard, r.Body)
		default:
			io.WriteString(w, "hi")
		}
	}
	req := func(method, path string) string { return method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }
	tests := []struct {
		name string
		raw  string
		want []string
	}{
		{"three", req("GET", "/a") + req("HEAD", "/b") + req("PURGE", "/c"), []string{"GET /a 200 2 handler-answered", "HEAD /b 200 0 handler-answered", "PURGE /c 200 2 handler-answered"}},
		{"hot and cold", req("GET", "/hot") + req("GET", "/a") + req("HEAD", "/hot"), []string{"GET /hot 200 3 -", "GET /a 200 2 handler-answered", "HEAD /hot 200 0 -"}},
		{"refused behind an answer", req("GET", "/a") + "GET /b HTTP/1.1\r\n\r\n", []string{"GET /a 200 2 handler-answered", "GET /b 400 page host-missing"}},
		{"refused behind a hot answer", req("GET", "/hot") + "GET b HTTP/1.1\r\n\r\n", []string{"GET /hot 200 3 -", "GET b 400 page bad-target"}},
		{"abort", req("GET", "/abort"), []string{"GET /abort 0 0 handler-aborted"}},
		{"abort behind an answer", req("GET", "/a") + req("GET", "/abort") + req("GET", "/never"), []string{"GET /a 200 2 handler-answered", "GET /abort 0 0 handler-aborted"}},
		{"abort in the body", req("GET", "/abort-later"), []string{"GET /abort-later 200 5 handler-aborted"}},
		{"short body", req("GET", "/short"), []string{"GET /short 200 5 handler-short-body"}},
		{"hijack", req("GET", "/a") + req("GET", "/hijack"), []string{"GET /a 200 2 handler-answered", "GET /hijack 101 0 handler-answered"}},
		{"interim", req("GET", "/103"), []string{"GET /103 200 2 handler-answered"}},
		{"304", req("GET", "/304"), []string{"GET /304 304 0 handler-answered"}},
		{"half a body", "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", []string{"POST /read 400 page body-incomplete"}},
		{"HTTP/0.9", "GET /old\r\n", []string{"GET /old 200 2 handler-answered"}},
		{"half a head, then gone", req("GET", "/a") + "GET /b HT", []string{"GET /a 200 2 handler-answered"}},
		{"nothing", "", nil},
		{"behind a close", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + req("GET", "/b"), []string{"GET /a 200 2 handler-answered"}},
		{"long pipeline", strings.Repeat(req("GET", "/hot"), 200), slices.Repeat([]string{"GET /hot 200 3 -"}, 200)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sink := newRecords()
			srv := &httpd.Server{AllowHTTP09: true, Sink: sink, Hot: hotPages{}, Handler: http.HandlerFunc(h)}
			tryTalk(start(t, srv), tt.raw)
			if got := sink.all(srv); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
