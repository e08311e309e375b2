package forward

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"freshet/internal/outbound"
)

// The kinds of failures are those of RFC 9209; what the client itself has broken
// off has none.
func TestTunnelFailed(t *testing.T) {
	h, err := New(Options{Name: "here"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, tt := range []struct {
		err    error
		status int
		says   string
	}{
		{&outbound.Error{Op: "dial", Kind: outbound.ConnectionRefused, Err: errors.New("x")}, 502, "here; error=connection_refused"},
		{&outbound.Error{Op: "dial", Kind: outbound.Canceled, Err: context.Canceled}, 502, ""},
		{&outbound.ProhibitedError{Host: "a.test", What: "a loopback address"}, 403, "here; error=destination_ip_prohibited"},
		{errors.New("whatever"), 502, "here; error=destination_unavailable"},
	} {
		w := httptest.NewRecorder()
		h.tunnelFailed(w, httptest.NewRequest("CONNECT", "http://a.test:443", nil), tt.err)
		if got := w.Header().Get("Proxy-Status"); w.Code != tt.status || got != tt.says {
			t.Errorf("%v: %d %q, want %d %q", tt.err, w.Code, got, tt.status, tt.says)
		}
	}
}
