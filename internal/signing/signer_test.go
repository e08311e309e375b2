package signing

import (
	"net/http"
	"strings"
	"testing"

	"freshet/signature"
)

// TestWho: who the client is, as origins are told, is covered; and eight labels
// that are taken are not all that there are.
func TestWho(t *testing.T) {
	key, err := signature.NewKey("k", signature.HMAC, []byte(strings.Repeat("k", signature.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(key, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", "http://h/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Remote-User", "ann")
	r.Header.Set("Client-Cert", ":AAAA:")
	for range 9 {
		if err := s.Sign(r); err != nil {
			t.Fatal(err)
		}
	}
	lines := r.Header.Values("Signature-Input")
	if last := lines[8]; !strings.HasPrefix(last, `sig9=("@method" "@authority" "@path" "@query" "remote-user" "client-cert")`) {
		t.Error(last)
	}
}
