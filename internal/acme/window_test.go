package acme

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// TestWindow: each window that ends after it begins is obeyed, at some time in it;
// when the authority is asked again is bounded.
func TestWindow(t *testing.T) {
	var status int
	var said, after, asked string
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("/window", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"newNonce":%[1]q,"newAccount":%[1]q,"newOrder":%[1]q,"renewalInfo":%[2]q}`, server.URL, server.URL+"/info")
	})
	mux.HandleFunc("/info/", func(w http.ResponseWriter, r *http.Request) {
		asked = strings.TrimPrefix(r.URL.Path, "/info/")
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, said)
	})
	client := &acme.Client{Directory: server.URL + "/window", HTTPClient: server.Client(), UserAgent: "freshet"}
	i := &issuer{client: server.Client(), acme: client, acmez: &acmez.Client{Client: client}}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(0x87654321), AuthorityKeyId: []byte{0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4}}
	window := func(from, to string) string {
		return `{"suggestedWindow":{"start":"` + from + `","end":"` + to + `"},"explanationURL":"https://ca.example/why"}`
	}
	day := window("2026-01-02T04:00:00Z", "2026-01-03T04:00:00Z")
	for _, tt := range []struct {
		name   string
		status int
		said   string
		after  string
		again  time.Duration // 0: it is an error
	}{
		{"a day", 200, day, "21600", 6 * time.Hour},
		{"a second", 200, window("2026-01-02T04:00:00Z", "2026-01-02T04:00:01Z"), "60", time.Minute},
		{"a millisecond", 200, window("2026-01-02T04:00:00.000Z", "2026-01-02T04:00:00.001Z"), "60", time.Minute},
		{"centuries", 200, window("0001-01-02T04:00:00Z", "9999-01-02T04:00:00Z"), "60", time.Minute},
		{"a date to ask again", 200, day, time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat), 2 * time.Hour},
		{"no time to ask again", 200, day, "", 6 * time.Hour},
		{"no time that is one", 200, day, "soon", 6 * time.Hour},
		{"a negative time", 200, day, "-1", 6 * time.Hour},
		{"a year", 200, day, "31536000", 24 * time.Hour},
		{"more than there is", 200, day, "9223372036854775807", 24 * time.Hour},
		{"a date in a year", 200, day, time.Now().Add(365 * 24 * time.Hour).UTC().Format(http.TimeFormat), 24 * time.Hour},
		{"an end at the beginning", 200, window("2026-01-02T04:00:00Z", "2026-01-02T04:00:00Z"), "60", 0},
		{"an end before it", 200, window("2026-01-02T04:00:00Z", "2026-01-01T04:00:00Z"), "60", 0},
		{"no window", 200, `{}`, "60", 0},
		{"no JSON", 200, `soon`, "60", 0},
		{"no such certificate", 404, `{"type":"urn:ietf:params:acme:error:malformed"}`, "", 0},
		{"an error with a window", 500, day, "60", 0},
	} {
		status, said, after = tt.status, tt.said, tt.after
		info, err := i.window(t.Context(), leaf)
		if (err != nil) != (tt.again == 0) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if asked != "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" || err == nil && info.UniqueIdentifier != asked { // the example of RFC 9773 §4.1
			t.Errorf("%s: asked for %s", tt.name, asked)
		}
		if err != nil {
			continue
		}
		if s := info.SelectedTime; s.Before(info.SuggestedWindow.Start) || s.After(info.SuggestedWindow.End) {
			t.Errorf("%s: chosen is %v", tt.name, s)
		}
		if got := time.Until(*info.RetryAfter); got > tt.again || got < tt.again-time.Minute {
			t.Errorf("%s: asked again in %v", tt.name, got)
		}
		if _, err := json.Marshal(info); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestUnknownWindow: an authority that could not be asked at first is asked later.
func TestUnknownWindow(t *testing.T) {
	now := time.Now()
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), AuthorityKeyId: []byte{1}, NotBefore: now, NotAfter: now.Add(90 * 24 * time.Hour)}
	info := unknown(leaf)
	if !info.HasWindow() || info.NeedsRefresh() || info.UniqueIdentifier == "" || !info.SelectedTime.Equal(now.Add(60*24*time.Hour)) {
		t.Errorf("%+v", info)
	}
	over := now.Add(-time.Second)
	if info.RetryAfter = &over; !info.NeedsRefresh() {
		t.Error("it is not asked again")
	}
}
