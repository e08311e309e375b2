//go:build unix

package fastcgi_test

import (
	"log/slog"
	"strings"
	"testing"

	"freshet/fastcgi"
	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// TestLog: why there was no answer is in the log, as the operator's remedy is.
func TestLog(t *testing.T) {
	address := wiretest.Reserve(t)
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
