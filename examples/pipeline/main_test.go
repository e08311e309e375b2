package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"freshet/httpd"
)

// TestMain is the program itself when a test executes this binary anew.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// start serves h with the engine, and returns where.
func start(t *testing.T, h http.HandlerFunc) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httpd.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// run runs the program and returns what it prints.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	program := exec.CommandContext(t.Context(), os.Args[0], args...)
	program.Env = append(os.Environ(), "EXAMPLE_MAIN=1")
	var e strings.Builder
	program.Stderr = &e
	out, err := program.Output()
	return string(out), e.String(), err
}

const replies = `/a: 200 OK, 2 bytes
/b?x=y: 200 OK, 6 bytes
/none: 404 Not Found, 0 bytes
`

func TestPipeline(t *testing.T) {
	url := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			w.WriteHeader(404)
			return
		}
		io.WriteString(w, r.URL.RequestURI())
	})
	out, heads, err := run(t, "-v", url, "/a", "/b?x=y", "/none")
	if want := "1 " + strings.Replace(strings.Replace(replies, "/b", "2 /b", 1), "/none", "3 /none", 1); err != nil || out != want {
		t.Errorf("%v: %q, want %q", err, out, want)
	}
	// All three were put before the first reply was read.
	if puts, got := strings.Count(heads, "> \"GET "), strings.Index(heads, "< "); puts != 3 || strings.LastIndex(heads, "> ") > got {
		t.Errorf("%s", heads)
	}
	if _, _, err := run(t, url, "no path"); err == nil {
		t.Error("a target that is none is asked for")
	}
}

// A server that closes after each reply is asked again for the rest.
func TestPipelineClosed(t *testing.T) {
	url := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if r.URL.Path == "/none" {
			w.WriteHeader(404)
			return
		}
		io.WriteString(w, r.URL.RequestURI())
	})
	out, stderr, err := run(t, url, "/a", "/b?x=y", "/none")
	if want := "1 " + strings.Replace(strings.Replace(replies, "/b", "1 /b", 1), "/none", "1 /none", 1); err != nil || out != want {
		t.Errorf("%v: %q %s, want %q", err, out, stderr, want)
	}
}
