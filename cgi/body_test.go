//go:build unix

package cgi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"freshet/cgi"
	"freshet/internal/rule"
)

// digest answers with the length that was announced, the length that came, and its SHA-256.
var digest = sh(`printf 'Content-Type: text/plain\n\n'`, `printf '%s ' "$CONTENT_LENGTH"`, `sha256sum | cut -c1-64`)

// TestBodies: programs get the bodies that clients send, however.
func TestBodies(t *testing.T) {
	if _, err := os.Stat("/usr/bin/sha256sum"); err != nil {
		t.Skip("sha256sum is not installed")
	}
	s, _ := run(t, folder(t, "digest", digest), nil)
	for _, size := range []int{0, 1, 4095, 64 << 10, 64<<10 + 1, 200 << 10, 3 << 20} {
		b := make([]byte, size)
		chacha := rand.NewChaCha8([32]byte{byte(size)})
		chacha.Read(b)
		sum := sha256.Sum256(b)
		want := hex.EncodeToString(sum[:])
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d-%v", size, chunked), func(t *testing.T) {
				var body io.Reader = bytes.NewReader(b)
				if chunked {
					body = io.MultiReader(body)
				}
				a := s.do("POST", "/digest", body)
				announced, sum, _ := strings.Cut(strings.TrimSuffix(a.body, "\n"), " ")
				if size == 0 && chunked && announced == "" {
					announced = "0" // there was a body, or there was none: both are true
				}
				if a.StatusCode != 200 || sum != want || announced != fmt.Sprint(size) {
					t.Errorf("%v %q %v, want %s", a.Status, a.body, a.err, want)
				}
			})
		}
	}
}

// TestBigBodies both ways at once, in bounded memory.
func TestBigBodies(t *testing.T) {
	const size = 96 << 20
	s, _ := run(t, folder(t, "echo", sh(`printf 'Content-Type: application/octet-stream\n\n'`, `exec cat`)), nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := http.NewRequest("POST", "http://"+s.addr+"/echo", io.LimitReader(zeros{}, size))
	must(t, err)
	r.ContentLength = size
	resp, err := client.Do(r)
	must(t, err)
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	runtime.ReadMemStats(&after)
	if n != size || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d bytes were allocated for %d", used, size)
	}
	if got := s.next(t); got.Rule != rule.ScriptAnswered || got.Bytes < size {
		t.Errorf("%v, %d bytes", got.Rule, got.Bytes)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestAnswersBeforeReading: neither waits for the other.
func TestAnswersBeforeReading(t *testing.T) {
	s, _ := run(t, folder(t, "hello", hello), nil)
	for _, tt := range []struct{ name, head string }{
		{"long", "POST /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"},
		{"long, expected", "POST /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, br := s.dial()
			io.WriteString(c, tt.head+strings.Repeat("x", 100_000))
			resp, err := http.ReadResponse(br, nil)
			must(t, err)
			if resp.StatusCode == 100 {
				resp, err = http.ReadResponse(br, nil)
				must(t, err)
			}
			b, err := io.ReadAll(resp.Body)
			if resp.StatusCode != 200 || string(b) != "hello\n" || err != nil {
				t.Errorf("%v %q %v", resp.Status, b, err)
			}
			c.Close()
			if r := s.next(t); r.Rule != rule.ScriptAnswered {
				t.Errorf("%v %+v", r.Rule, r.Detail)
			}
		})
	}
}

// TestInterleaved: a program that answers line by line gets the body as it
// comes.
func TestInterleaved(t *testing.T) {
	s, _ := run(t, folder(t, "lines", sh(`printf 'Content-Type: text/event-stream\n\n'`, `while read line; do echo "got $line"; done`)), nil)
	c, br := s.dial()
	io.WriteString(c, "POST /lines HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
	sent := 0
	send := func(line string) {
		n, err := io.WriteString(c, line)
		must(t, err)
		sent += n
	}
	send("one\n")
	resp, err := http.ReadResponse(br, nil)
	must(t, err)
	line := func() string {
		b := make([]byte, 8)
		_, err := io.ReadFull(resp.Body, b)
		must(t, err)
		return string(b)
	}
	if got := line(); got != "got one\n" {
		t.Fatalf("%q", got)
	}
	send("two\n")
	if got := line(); got != "got two\n" {
		t.Fatalf("%q", got)
	}
	send(strings.Repeat("x", 100000-sent-1) + "\n")
	rest, err := io.ReadAll(resp.Body)
	if err != nil || len(rest) != len("got ")+100000-len("one\ntwo\n") {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}

// TestExpect: a client that waits for 100 Continue gets it, or the answer.
func TestExpect(t *testing.T) {
	s, _ := run(t, folder(t, "count", sh(`printf 'Content-Type: text/plain\n\n'`, `wc -c`)), nil)
	for _, head := range []string{"Content-Length: 5", "Content-Length: 100000", "Transfer-Encoding: chunked"} {
		c, br := s.dial()
		io.WriteString(c, "POST /count HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"+head+"\r\n\r\n")
		resp, err := http.ReadResponse(br, nil)
		must(t, err)
		if resp.StatusCode != 100 {
			t.Fatalf("%s: %v", head, resp.Status)
		}
		want := "5"
		switch head {
		case "Content-Length: 5":
			io.WriteString(c, "abcde")
		case "Content-Length: 100000":
			want = "100000"
			io.WriteString(c, strings.Repeat("x", 100000))
		default:
			io.WriteString(c, "5\r\nabcde\r\n0\r\n\r\n")
		}
		if resp, err = http.ReadResponse(br, nil); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if strings.TrimSpace(string(b)) != want || err != nil {
			t.Errorf("%s: %q %v", head, b, err)
		}
	}
}

// TestSpoolLimit: a body of unknown length has a bound, and leaves no file.
func TestSpoolLimit(t *testing.T) {
	spool := t.TempDir()
	s, _ := run(t, folder(t, "count", sh(`printf 'Content-Type: text/plain\n\n'`, `wc -c`)), func(o *cgi.Options) {
		o.SpoolMemory, o.MaxSpool, o.SpoolDir = 1<<10, 10<<10, spool
	})
	for size, status := range map[int]int{1 << 10: 200, 1<<10 + 1: 200, 10 << 10: 200, 10<<10 + 1: 413, 200 << 10: 413} {
		a := s.do("POST", "/count", io.MultiReader(bytes.NewReader(make([]byte, size))))
		if a.StatusCode != status || status == 200 && strings.TrimSpace(a.body) != fmt.Sprint(size) {
			t.Errorf("%d bytes: %v %q %v", size, a.Status, a.body, a.err)
		}
	}
	if left, _ := os.ReadDir(spool); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
