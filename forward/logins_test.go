package forward_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/forward"
	"freshet/internal/rule"
)

// Passwords cannot be guessed by trying, neither from one address nor from many,
// and who guesses shuts out nobody who has logged in before.
func TestGuesses(t *testing.T) {
	var now, looked atomic.Int64
	now.Store(1e18)
	h, err := forward.New(forward.Options{
		Clients: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
		Login:   func(n, p string) bool { looked.Add(1); return n == "ann" && p == "secret" },
		Now:     now.Load,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	try := func(from, name, password string) int {
		r := httptest.NewRequest("GET", "https://127.0.0.1/", nil) // TLS, and 403 once the login is right
		r.RemoteAddr = from
		r.Header.Set("Authorization", "x")
		r.SetBasicAuth(name, password)
		r.Header.Set("Proxy-Authorization", r.Header.Get("Authorization"))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if after := w.Header().Get("Retry-After"); (after == "10") != (w.Code == http.StatusTooManyRequests) {
			t.Errorf("%d, Retry-After: %q", w.Code, after)
		}
		if guesses := strings.Contains(w.Body.String(), rule.Of(rule.FilterGuesses).Sentence); guesses != (w.Code == 429) { // filter-guesses
			t.Errorf("%d\n%s", w.Code, w.Body)
		}
		return w.Code
	}
	expect := func(what string, want, got int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	const guesser, other, home = "192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1"
	expect("ann at home", 403, try(home, "ann", "secret"))
	for i := range 10 {
		expect("a guess", 407, try(guesser, "ann", fmt.Sprint(i)))
	}
	before := looked.Load()
	expect("the eleventh", 429, try(guesser, "ann", "wrong"))
	expect("the right one, from there", 429, try(guesser, "ann", "secret"))
	expect("another name, from there", 429, try(guesser, "bob", "wrong"))
	if looked.Load() != before {
		t.Error("passwords were looked at that are not to be")
	}
	expect("from elsewhere", 403, try(other, "ann", "secret"))

	// Many guess for one name.
	for i := range 20 {
		expect("a guess of many", 407, try(fmt.Sprintf("198.51.100.%d:1", i), "ann", "wrong"))
	}
	expect("one of many", 429, try("198.51.100.99:1", "ann", "secret"))
	expect("another name", 407, try("198.51.100.98:1", "bob", "wrong"))
	expect("ann at home, the same network", 403, try("[2001:db8::2]:1", "ann", "secret"))
	expect("a wrong one at home", 407, try(home, "ann", "wrong"))

	now.Add(int64(11 * time.Second))
	expect("later", 403, try(guesser, "ann", "secret"))
	expect("later, of many", 403, try("198.51.100.99:1", "ann", "secret"))
	// A request without a password is no guess.
	for range 20 {
		r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
		r.RemoteAddr = guesser
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		expect("without a password", 407, w.Code)
	}
	expect("after those without", 403, try(guesser, "ann", "secret"))
}
