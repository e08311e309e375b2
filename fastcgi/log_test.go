//go:build unix

package fastcgi_test

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"freshet/fastcgi"
	"freshet/internal/rule"
)

// TestLog: why there was no answer is in the log, as the operator's remedy is.
func TestLog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	var log safeBuffer
	h := newHandler(t, fastcgi.Options{Address: address, ErrorLog: slog.New(slog.NewTextHandler(&log, nil))})
	url, recs := serve(t, h)
	if resp, _ := get(t, newClient(t), url+"/a?b"); resp.StatusCode != 502 {
		t.Error(resp.Status)
	}
	r := recs.next(t)
	if r.Rule != rule.FastcgiUnreachable {
		t.Error(r.Rule)
	}
	for _, want := range []string{"level=WARN", "url=/a?b", "request=" + r.ID.String(), "backend=" + address, "rule=fastcgi-unreachable", "cannot be reached"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s: %s", want, log.String())
		}
	}
}
