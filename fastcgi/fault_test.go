package fastcgi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/fastcgi"
	"freshet/internal/wiretest"
)

// exchange asks once, and returns the status, or 0 when there was none, the
// body, and whether the answer was cut.
func exchange(t testing.TB, c *http.Client, req *http.Request) (status int, body string, cut bool) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		return 0, err.Error(), true
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err != nil
}

// What a backend does wrong before the head is a 5xx that says so; behind it the
// answer is cut.
func TestFaults(t *testing.T) {
	bad := func(kind byte, id byte, version byte) string {
		return string([]byte{version, kind, 0, id, 0, 0, 0, 0})
	}
	long := strings.Repeat("x", 3000)
	for name, tt := range map[string]struct {
		answer string
		status int
		rule   string
		cut    bool
	}{
		"whole":                     {whole("text"), 200, "script-answered", false},
		"padded":                    {rec(6, head, 255) + rec(6, "text", 7) + rec(6, "", 3) + rec(3, "\x00\x00\x00\x00\x00\x00\x00\x00", 8), 200, "script-answered", false},
		"without the end of output": {stdout(head+"text") + end(0, 0), 200, "script-answered", false},
		"empty body":                {stdout(head) + end(0, 0), 200, "script-answered", false},
		"status":                    {stdout("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\n") + end(0, 0), 404, "script-answered", false},
		"exit status":               {stdout(head+"text") + end(255, 0), 200, "script-answered", false},
		"stderr first":              {stderr("warning\n") + whole("text"), 200, "script-answered", false},
		"a flood of stderr":         {strings.Repeat(stderr(long), 300) + stdout(head) + strings.Repeat(stderr(long), 300) + end(0, 0), 200, "script-answered", false},
		"content-length":            {stdout("Content-Type: text/plain\r\nContent-Length: 4\r\n\r\ntext") + end(0, 0), 200, "script-answered", false},

		"nothing":                 {"", 502, "fastcgi-terminated", false},
		"half a header":           {"\x01\x06\x00", 502, "fastcgi-terminated", false},
		"half a record":           {stdout(head + "text")[:20], 502, "fastcgi-terminated", false},
		"only stderr":             {stderr("fatal\n"), 502, "fastcgi-terminated", false},
		"half a head":             {stdout("Content-Type: text/plain\r\n"), 502, "fastcgi-terminated", false},
		"end without an answer":   {end(1, 0), 502, "script-no-head", false},
		"end with half a head":    {stdout("Content-Type: te") + end(0, 0), 502, "script-no-head", false},
		"no head":                 {stdout("text\n\n") + end(0, 0), 502, "script-head-invalid", false},
		"overloaded":              {end(0, 2), 503, "fastcgi-overloaded", false},
		"cannot multiplex":        {end(0, 1), 503, "fastcgi-overloaded", false},
		"unknown role":            {end(0, 3), 502, "fastcgi-role", false},
		"unknown protocol status": {end(0, 9), 502, "fastcgi-protocol", false},
		"HTTP":                    {"HTTP/1.1 400 Bad Request\r\n\r\n", 502, "fastcgi-protocol", false},
		"version 2":               {bad(6, 1, 2), 502, "fastcgi-protocol", false},
		"another id":              {bad(6, 2, 1), 502, "fastcgi-protocol", false},
		"management":              {bad(10, 0, 1), 502, "fastcgi-protocol", false},
		"a type that is ours":     {bad(5, 1, 1), 502, "fastcgi-protocol", false},
		"a short end":             {rec(3, "\x00\x00\x00\x00", 0), 502, "fastcgi-protocol", false},
		"output after its end":    {stdout("") + stdout(head), 502, "fastcgi-protocol", false},
		"a long head":             {strings.Repeat(stdout("X-A: "+long+"\r\n"), 20), 502, "script-head-too-large", false},

		"cut in the body":      {stdout(head + "text"), 200, "fastcgi-terminated", true},
		"cut in a record":      {stdout(head + "text")[:40], 200, "fastcgi-terminated", true},
		"cut in the end":       {stdout(head+"text") + end(0, 0)[:12], 200, "fastcgi-terminated", true},
		"broken in the body":   {stdout(head+"text") + bad(6, 3, 1), 200, "fastcgi-protocol", true},
		"shorter than it says": {stdout("Content-Type: text/plain\r\nContent-Length: 40\r\n\r\ntext") + end(0, 0), 200, "script-incomplete", true},
		"more than may be":     {stdout(head+long) + strings.Repeat(stdout(long), 5) + end(0, 0), 200, "script-output-too-large", true},
	} {
		t.Run(name, func(t *testing.T) {
			address := fake(t, "unix", func(s *session) {
				if _, err := s.request(); err == nil {
					io.WriteString(s, tt.answer)
				}
			})
			h := newHandler(t, fastcgi.Options{Address: address, MaxOutput: 10_000})
			url, recs := serve(t, h)
			req, _ := http.NewRequest("GET", url, nil)
			status, body, cut := exchange(t, newClient(t), req)
			if cut && tt.cut && status == 0 {
				status = 200 // what was gathered was not sent
			}
			rec := recs.next(t)
			if status != tt.status || cut != tt.cut || rec.Rule.String() != tt.rule {
				t.Errorf("%d %q, cut %v, rule %s (%+v); want %d, cut %v, %s", status, body, cut, rec.Rule, rec.Detail, tt.status, tt.cut, tt.rule)
			}
			if h.Pool().Open != 0 && strings.HasPrefix(tt.rule, "fastcgi-") {
				t.Errorf("%+v: the connection was kept", h.Pool())
			}
			if running, waiting := h.Load(); running != 0 || waiting != 0 {
				t.Errorf("%d running, %d waiting", running, waiting)
			}
		})
	}
}

// In whatever pieces an answer comes, it is the same.
func TestPieces(t *testing.T) {
	answer := stderr("said\n") + rec(6, head, 3) + stdout("some ") + rec(7, "more\n", 1) + rec(6, "text", 5) + stdout("") + end(0, 0)
	for size := 1; size < 20; size++ {
		address := fake(t, "unix", func(s *session) {
			if _, err := s.request(); err != nil {
				return
			}
			for b := answer; b != ""; b = b[min(size, len(b)):] {
				io.WriteString(s, b[:min(size, len(b))])
			}
		})
		url, _ := serve(t, newHandler(t, fastcgi.Options{Address: address}))
		if _, body := get(t, newClient(t), url); body != "some text" {
			t.Errorf("in pieces of %d: %q", size, body)
		}
	}
}

func TestUnreachable(t *testing.T) {
	for _, address := range []string{wiretest.Reserve(t), "unix:/nowhere/at/all"} {
		url, recs := serve(t, newHandler(t, fastcgi.Options{Address: address}))
		resp, _ := get(t, newClient(t), url)
		if got := recs.rule(t); resp.StatusCode != 502 || got != "fastcgi-unreachable" {
			t.Errorf("%s: %s %s", address, resp.Status, got)
		}
	}
}

// The limit is on all of the head, whatever else comes meanwhile.
func TestHeadTimeout(t *testing.T) {
	for _, what := range []string{stderr("wait\n"), stdout("X-More: x\r\n")} {
		address := fake(t, "unix", func(s *session) {
			if _, err := s.request(); err != nil {
				return
			}
			for err := error(nil); err == nil; time.Sleep(5 * time.Millisecond) {
				_, err = io.WriteString(s, what)
			}
		})
		url, recs := serve(t, newHandler(t, fastcgi.Options{Address: address, Timeout: 50 * time.Millisecond}))
		resp, _ := get(t, newClient(t), url)
		if got := recs.rule(t); resp.StatusCode != 504 || got != "script-head-timeout" {
			t.Errorf("%q: %s %s", what, resp.Status, got)
		}
	}
}

// A backend that is silent is given up: before the head with 504, behind it by
// a cut.
func TestSilence(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		status int
		rule   string
	}{
		"before the head": {"", 504, "script-head-timeout"},
		"only stderr":     {stderr("wait\n"), 504, "script-head-timeout"},
		"in the body":     {stdout(head + "text"), 200, "script-timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			address := fake(t, "unix", func(s *session) {
				if _, err := s.request(); err == nil {
					io.WriteString(s, tt.answer)
					s.r.ReadByte()
				}
			})
			o := fastcgi.Options{Address: address, Timeout: 50 * time.Millisecond}
			if tt.status == 200 { // the head has to come in time
				o.Timeout, o.Pause = patience, 50*time.Millisecond
			}
			url, recs := serve(t, newHandler(t, o))
			req, _ := http.NewRequest("GET", url, nil)
			status, _, cut := exchange(t, newClient(t), req)
			if got := recs.rule(t); status != tt.status || got != tt.rule || cut != (status == 200) {
				t.Errorf("%d, cut %v, %s", status, cut, got)
			}
		})
	}
}
