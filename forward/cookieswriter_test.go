package forward

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/httpd"
)

// However a handler begins its answer, the cookies in it are decided on first;
// in interim answers, too.
func TestHeadWriter(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, begin := range map[string]func(w http.ResponseWriter){
		"nothing":     func(w http.ResponseWriter) {},
		"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(204) },
		"Write":       func(w http.ResponseWriter) { w.Write([]byte("hello")) },
		"WriteString": func(w http.ResponseWriter) { io.WriteString(w, "hello") },
		"ReadFrom": func(w http.ResponseWriter) {
			f, err := os.Open(file)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if n, err := io.Copy(w, f); n != 5 || err != nil {
				t.Error(n, err)
			}
		},
		"Flush":      func(w http.ResponseWriter) { w.(http.Flusher).Flush(); w.Write([]byte("hello")) },
		"FlushError": func(w http.ResponseWriter) { http.NewResponseController(w).Flush(); w.Write([]byte("hello")) },
		"interim":    func(w http.ResponseWriter) { w.WriteHeader(103); w.Write([]byte("hello")) },
		"Hijack": func(w http.ResponseWriter) {
			w.Header().Set("Upgrade", "x")
			w.Header().Set("Connection", "Upgrade")
			w.WriteHeader(101)
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := New(Options{Policy: Policy{CookieRules: []string{"bad@*=refuse"}}})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			h.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Set-Cookie"] = []string{"bad=1", "good=2"}
				begin(w)
			})
			told := make(chan httpd.Record, 1)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			srv := &httpd.Server{Handler: h, Sink: sink(told)}
			done := make(chan struct{})
			go func() { defer close(done); srv.Serve(l) }()
			defer func() { srv.Close(); <-done }()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
			all, err := io.ReadAll(bufio.NewReader(c))
			if err != nil || strings.Contains(string(all), "bad=1") || !strings.Contains(string(all), "good=2") {
				t.Errorf("%v\n%s", err, all)
			}
			if r := <-told; r.Detail == nil || r.Detail.Changed != "1 cookie refused" {
				t.Errorf("told %+v", r.Detail)
			}
			if s := h.CookieSites(); len(s) != 1 || s[0].Cookies[0].Set != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

type sink chan httpd.Record

func (s sink) Record(r *httpd.Record) { s <- *r }

// The lines of an answer that others use, too, stay what they are.
func TestLinesAreNotChanged(t *testing.T) {
	h, err := New(Options{Policy: Policy{CookieRules: []string{"bad@*=refuse", "s@*=session"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	shared := []string{"s=1; Max-Age=5", "bad=1", "x=2"}
	h.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = shared
		w.WriteHeader(200)
	})
	w := httptest.NewRecorder()
	h.forward(w, request("http://a.example/", "Cookie", "bad=1; y=2"))
	if got := strings.Join(w.Header()["Set-Cookie"], "|"); got != "s=1|x=2" || strings.Join(shared, "|") != "s=1; Max-Age=5|bad=1|x=2" {
		t.Errorf("%q, %q", got, shared)
	}
}
