package fleet

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"freshet/internal/bus"
)

// TestServesOnly: the keys of session tickets, and certificates, are for who was
// invited to serve; what a worker says of itself gets it neither.
func TestServesOnly(t *testing.T) {
	var from string
	n, err := Open(t.Context(), Options{Dir: t.TempDir(), Name: "hub", Listen: "127.0.0.1:0", Drain: time.Nanosecond, ErrorLog: slog.New(slog.DiscardHandler),
		Tickets: func() []byte { return []byte("keys") },
		Certificates: func(_ context.Context, who string, _ []byte) ([]byte, error) {
			from = who
			return []byte("certificate"), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	for _, tt := range []struct {
		name   string
		invite func(string, time.Duration) (string, error)
		serves bool
	}{{"worker", n.Invite, false}, {"server", n.InviteServer, true}} {
		token, err := tt.invite(tt.name, 0)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := bus.Join(t.Context(), token, bus.JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		report, err := json.Marshal(&Report{Tickets: true, Run: "r"})
		if err != nil {
			t.Fatal(err)
		}
		text, err := conn.Call(t.Context(), callReport, report)
		if err != nil {
			t.Fatal(err)
		}
		var h heard
		if err := json.Unmarshal(text, &h); err != nil || (string(h.Tickets) == "keys") != tt.serves {
			t.Errorf("%s gets the keys %q, %v", tt.name, h.Tickets, err)
		}
		text, err = conn.Call(t.Context(), callCertificates, []byte("{}"))
		if tt.serves && (err != nil || string(text) != "certificate" || from != tt.name) {
			t.Errorf("%s, known as %q, gets %q, %v", tt.name, from, text, err)
		}
		if !tt.serves && (err == nil || !strings.Contains(err.Error(), "invite --serves")) {
			t.Errorf("%s gets %q, %v", tt.name, text, err)
		}
		conn.Close()
	}
}
