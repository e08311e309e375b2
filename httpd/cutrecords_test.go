package httpd_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// shrunk answers with a file that is shorter than its answer says.
type shrunk struct{ f *os.File }

func (s shrunk) Release() {}
func (s shrunk) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if q.Path == "/small" {
		a.Status, a.Head, a.Body = 200, hotHead, hotBody
		return true
	}
	if q.Path != "/file" {
		return false
	}
	a.Status = 200
	a.Rule = rule.StaticFile
	a.Head = append(a.Scratch, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"...)
	a.File, a.Size, a.Done = s.f, 100_000, s
	return true
}

// A file that became shorter cuts the connection, and the record says so, with
// the bytes that were sent.
func TestShrunkenFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	os.WriteFile(name, make([]byte, 40_000), 0o600)
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, hot := range []bool{true, false} {
		t.Run(fmt.Sprintf("hot=%v", hot), func(t *testing.T) {
			sink := newRecords()
			srv := &httpd.Server{Sink: sink, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				w.Header().Set("Content-Length", "100000")
				io.Copy(w, io.NewSectionReader(f, 0, 100_000))
			})}
			want := "GET /file 200 40000 static-shrank"
			if hot {
				srv.Hot = shrunk{f}
				want = "GET /file 200 40000 static-shrank"
			}
			c := dial(t, start(t, srv))
			io.WriteString(c, "GET /file HTTP/1.1\r\nHost: x\r\n\r\nGET /file HTTP/1.1\r\nHost: x\r\n\r\n")
			if status, body, err := c.answer(); status != 200 || len(body) != 40_000 || err != io.ErrUnexpectedEOF {
				t.Errorf("%d, %d bytes, %v", status, len(body), err)
			}
			if got := sink.all(srv); len(got) != 1 || got[0] != want {
				t.Errorf("records %q, want %q", got, want)
			}
		})
	}
}

// An answer that was sent in full is recorded as such, although one behind it,
// which was gathered with it, could not be sent.
func TestRecordBeforeAFailure(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	os.WriteFile(name, make([]byte, 40_000), 0o600)
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sink := newRecords()
	srv := &httpd.Server{Sink: sink, Hot: shrunk{f}}
	c := dial(t, start(t, srv))
	io.WriteString(c, "GET /small HTTP/1.1\r\nHost: x\r\n\r\nGET /file HTTP/1.1\r\nHost: x\r\n\r\n")
	for range 2 {
		c.answer()
	}
	if got := sink.all(srv); len(got) != 2 || strings.Contains(got[0], "client-gone") {
		t.Errorf("records %q", got)
	}
}

// The record of half a head has what the client sent, though the buffer was
// moved in the meantime.
func TestRecordOfHalfAHead(t *testing.T) {
	wiretest.Longer(t, soon, func(limit time.Duration) error {
		sink := newRecords()
		c := dial(t, start(t, &httpd.Server{Sink: sink, Hot: hotPages{}, SweepEvery: time.Millisecond, ReadHeaderTimeout: limit}))
		first := "GET /hot HTTP/1.1\r\nHost: x\r\n\r\n"
		second := "REPORT /something HTTP/1.1\r\nHost: x\r\nA: "
		second += strings.Repeat("a", 8<<10-len(first)-len(second))
		io.WriteString(c, first+second)
		if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
			return fmt.Errorf("got %q, %v", got, err)
		}
		if r := sink.wait(t, 1); r.Method != "REPORT" || r.Target != "/something" || r.Rule != rule.HeadTimeout {
			return fmt.Errorf("%q %q %v", r.Method, r.Target, rule.Of(r.Rule).Name)
		}
		return nil
	})
}
