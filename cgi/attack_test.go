//go:build unix

package cgi_test

import (
	"io"
	"strings"
	"testing"

	"freshet/cgi"
)

// TestSlowUploadsLeaveTurns: clients whose long bodies are copied as they come
// have half of the turns, and no more.
func TestSlowUploadsLeaveTurns(t *testing.T) {
	dir := folder(t, "p", sh(`cat >/dev/null`, `printf 'Content-Type: text/plain\n\nanswer'`))
	s, h := run(t, dir, func(o *cgi.Options) { o.Running = 4 })
	for range 6 {
		slow, _ := s.dial()
		io.WriteString(slow, "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 1000))
	}
	eventually(t, "two uploads, and four that wait", func() bool {
		running, waiting := h.Load()
		return running == 2 && waiting == 4
	})
	if a := s.get("/p"); a.StatusCode != 200 || a.body != "answer" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
