package main

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"freshet/bench/internal/load"
)

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.Bytes()
}

func TestCheck(t *testing.T) {
	plain := &scenario{status: 200}
	coded := &scenario{status: 200, needs: needGzip}
	h2 := &scenario{status: 200, streams: 8}
	unchanged := &scenario{status: 304}
	gz := http.Header{"Content-Encoding": {"gzip"}}
	for _, c := range []struct {
		name string
		sc   *scenario
		a    answer
		want []byte
		ok   bool
	}{
		{"right", plain, answer{200, 1, nil, []byte("abc")}, []byte("abc"), true},
		{"wrong status", plain, answer{503, 1, nil, []byte("abc")}, []byte("abc"), false},
		{"wrong body", plain, answer{200, 1, nil, []byte("abd")}, []byte("abc"), false},
		{"short body", plain, answer{200, 1, nil, []byte("ab")}, []byte("abc"), false},
		{"coded unasked", plain, answer{200, 1, gz, zipped("abc")}, []byte("abc"), false},
		{"coded", coded, answer{200, 1, gz, zipped("abc")}, []byte("abc"), true},
		{"not coded", coded, answer{200, 1, nil, []byte("abc")}, []byte("abc"), false},
		{"badly coded", coded, answer{200, 1, gz, []byte("abc")}, []byte("abc"), false},
		{"cut off coding", coded, answer{200, 1, gz, zipped("abc")[:15]}, []byte("abc"), false},
		{"HTTP/2", h2, answer{200, 2, nil, []byte("abc")}, []byte("abc"), true},
		{"not HTTP/2", h2, answer{200, 1, nil, []byte("abc")}, []byte("abc"), false},
		{"304", unchanged, answer{304, 1, nil, nil}, nil, true},
		{"304 with a body", unchanged, answer{304, 1, nil, []byte("x")}, nil, false},
		{"200 for 304", unchanged, answer{200, 1, nil, []byte("x")}, nil, false},
	} {
		if err := c.a.check(c.sc, c.want); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestValidator(t *testing.T) {
	for _, c := range []struct {
		header http.Header
		want   string
	}{
		{http.Header{"Etag": {`"x"`}, "Last-Modified": {"now"}}, `If-None-Match: "x"`},
		{http.Header{"Last-Modified": {"now"}}, "If-Modified-Since: now"},
		{nil, ""},
	} {
		a := answer{header: c.header}
		if got, err := a.validator(); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%v: got %q, %v, want %q", c.header, got, err, c.want)
		}
	}
}

// TestVerify lets a server of the standard library be asked for a file that is
// there, and for one that is not.
func TestVerify(t *testing.T) {
	b := &bench{root: t.TempDir(), cert: filepath.Join(t.TempDir(), "cert.pem")}
	for name, body := range map[string]string{"a.txt": "hello", "b.txt": "other"} {
		if err := os.WriteFile(filepath.Join(b.root, name), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := httptest.NewUnstartedServer(http.FileServer(http.Dir(b.root)))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{}
	s.StartTLS()
	defer s.Close()
	if err := os.WriteFile(b.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &running{server: &server{name: "test"}, url: s.URL}
	for _, sc := range []scenario{
		{name: "h1", path: "/a.txt", status: 200},
		{name: "h2", path: "/a.txt", status: 200, streams: 8},
		{name: "404", path: "/c.txt", status: 404},
		{name: "304", path: "/a.txt", status: 304, conditional: true},
	} {
		header, err := b.verify(t.Context(), r, &sc)
		if err != nil {
			t.Errorf("%s: %v", sc.name, err)
		}
		if (len(header) == 1) != sc.conditional {
			t.Errorf("%s: the load generator is to send %q", sc.name, header)
		}
	}
	wrong := &scenario{path: "/c.txt", status: 200}
	if _, err := b.verify(t.Context(), r, wrong); err == nil {
		t.Error("a file that is not there was verified")
	}
}

func TestCheckResult(t *testing.T) {
	ok, missing := &scenario{status: 200}, &scenario{status: 404}
	for _, c := range []struct {
		name string
		sc   *scenario
		r    load.Result
		fine bool
	}{
		{"all well", ok, load.Result{Requests: 10}, true},
		{"an error among them", ok, load.Result{Requests: 10, Unsuccessful: 1}, false},
		{"all missing", missing, load.Result{Requests: 10, Unsuccessful: 10}, true},
		{"one found", missing, load.Result{Requests: 10, Unsuccessful: 9}, false},
		{"a lost connection", ok, load.Result{Requests: 5000, Failed: 5}, true},
		{"many lost connections", ok, load.Result{Requests: 5000, Failed: 6}, false},
	} {
		if err := checkResult(c.r, c.sc); (err == nil) != c.fine {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCheckLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := &column{server: &server{name: "test"}}
	if err := c.checkLog("", 5); err != nil {
		t.Errorf("no log: %v", err)
	}
	if err := c.checkLog(path, 5); err == nil {
		t.Error("a log that is not there is fine")
	}
	os.WriteFile(path, nil, 0o644)
	if err := c.checkLog(path, 5); err == nil {
		t.Error("an empty log is fine")
	}
	os.WriteFile(path, bytes.Repeat([]byte("a line\n"), 30000), 0o644)
	if err := c.checkLog(path, 30000); err != nil || len(c.notes) != 0 {
		t.Errorf("a full log: %v, %v", err, c.notes)
	}
	if err := c.checkLog(path, 30001); err != nil || len(c.notes) != 1 {
		t.Errorf("a line lost: %v, %v", err, c.notes)
	}
}

func TestMicros(t *testing.T) {
	if got := micros(1500 * time.Nanosecond); got != 1.5 {
		t.Errorf("got %v", got)
	}
}
