package httpd_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
)

// HEAD names the length that GET would have, or none.
func TestHEADLength(t *testing.T) {
	for _, sizes := range [][]int{{4095}, {4096}, {4097}, {10000}, {3000, 3000}, {1, 1 << 20}} {
		addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for i, n := range sizes {
				if i == 0 {
					w.Write(make([]byte, n))
				} else {
					io.WriteString(w, strings.Repeat("x", n))
				}
			}
		})})
		var got []string
		for _, method := range []string{"HEAD", "GET"} {
			head, _, _ := strings.Cut(talk(t, addr, method+" / HTTP/1.1\r\nHost: x\r\n\r\n"), "\r\n\r\n")
			length := "none"
			for line := range strings.SplitSeq(head, "\r\n") {
				if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
					length = v
				}
			}
			got = append(got, length)
		}
		if got[0] != "none" && got[0] != got[1] {
			t.Errorf("writes of %v: HEAD says %s, GET %s", sizes, got[0], got[1])
		}
	}
}

// No 1xx answer has a length (RFC 9110 §8.6).
func TestInterimHasNoLength(t *testing.T) {
	std, ours := bothServers(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(103)
		io.WriteString(w, "page")
	}))
	for name, addr := range map[string]string{"net/http": std, "ours": ours} {
		interim, _, _ := strings.Cut(talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "\r\n\r\n")
		if strings.Contains(interim, "Content-Length") {
			t.Errorf("%s: %q", name, interim)
		}
	}
}

// However a handler spells and repeats the fields that frame a message, the
// message has one framing.
func TestOneFraming(t *testing.T) {
	tests := map[string]http.Header{
		"length twice":           {"Content-Length": {"5", "6"}},
		"length in small":        {"content-length": {"3"}},
		"coding in small":        {"transfer-encoding": {"chunked"}},
		"coding":                 {"Transfer-Encoding": {"chunked"}},
		"connection in small":    {"connection": {"close"}},
		"length with a sign":     {"Content-Length": {"+5"}},
		"type in small":          {"content-type": {"text/plain"}},
		"name with a line break": {"A\r\nContent-Length: 0": {"x"}},
		"value with line breaks": {"A": {"x\r\nContent-Length: 0\r\n\r\n"}},
		"trailer's name":         {"Trailer": {"A: 1\r\n\r\nHTTP/1.1 200 OK"}, "A: 1\r\n\r\nHTTP/1.1 200 OK": {"x"}},
		"late trailer's name":    {http.TrailerPrefix + "A: 1\r\n\r\nHTTP/1.1 200 OK": {"x"}},
	}
	for name, fields := range tests {
		t.Run(name, func(t *testing.T) {
			addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for k, v := range fields {
					w.Header()[k] = v
				}
				io.WriteString(w, "hello")
			})})
			got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			head, _, _ := strings.Cut(got, "\r\n\r\n")
			seen := map[string]int{}
			for line := range strings.SplitSeq(head, "\r\n") {
				k, _, _ := strings.Cut(line, ":")
				seen[strings.ToLower(k)]++
			}
			if n := seen["content-length"] + seen["transfer-encoding"]; n != 1 || seen["connection"] > 1 || seen["content-type"] > 1 || strings.Contains(got, "\r\nHTTP/1.1") {
				t.Errorf("%q", got)
			}
		})
	}
}

// An empty file does not wait for the kernel to give up on more.
func TestEmptyFileGoesOutAtOnce(t *testing.T) {
	name := filepath.Join(t.TempDir(), "empty.txt")
	os.WriteFile(name, nil, 0o600)
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })})
	c := dial(t, addr)
	least := time.Hour
	for i := 0; i < 5 || i < 100 && least > 100*time.Millisecond; i++ { // a busy machine has its own waits
		begun := time.Now()
		io.WriteString(c, get)
		if status, _, err := c.answer(); status != 200 || err != nil {
			t.Fatal(status, err)
		}
		least = min(least, time.Since(begun))
	}
	if least > 100*time.Millisecond {
		t.Errorf("an empty file takes %v", least)
	}
}

// A section that is longer than the file, as io.SectionReader's users write.
func TestLongSection(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	os.WriteFile(name, bytes.Repeat([]byte("x"), 10_000), 0o600)
	std, ours := bothServers(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, _ := os.Open(name)
		defer f.Close()
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "10000")
		n, err := io.Copy(w, io.NewSectionReader(f, 0, 1<<40))
		if n != 10_000 || err != nil {
			panic(fmt.Sprint(n, err))
		}
	}))
	raw := "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	if want, got := describe(t, std, raw), describe(t, ours, raw); got != want {
		t.Errorf("ours %s net/http %s", got, want)
	}
}

// Date is when the answer was made, not when the request was read.
func TestDateOfASlowAnswer(t *testing.T) {
	addr := start(t, &httpd.Server{ReadHeaderTimeout: -1, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(1100 * time.Millisecond)
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
	})})
	resp, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	date, derr := http.ParseTime(resp.Header.Get("Date"))
	modified, merr := http.ParseTime(resp.Header.Get("Last-Modified"))
	if derr != nil || merr != nil || date.Before(modified) {
		t.Errorf("Date %v, Last-Modified %v", date, modified)
	}
}

// Trailers whose keys have the prefix are sent also behind a short body.
func TestLateTrailerOfAShortBody(t *testing.T) {
	std, ours := bothServers(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		io.WriteString(w, "hi")
	}))
	if want, got := describe(t, std, get), describe(t, ours, get); got != want {
		t.Errorf("ours %s net/http %s", got, want)
	}
}
