package guard

import (
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/rule"
)

// issuing answers with what a set of keys is now, and counts who asks.
type issuing struct {
	set    atomic.Value // its text; "": the address is down
	maxAge string
	asked  atomic.Int64
}

func (s *issuing) RoundTrip(*http.Request) (*http.Response, error) {
	s.asked.Add(1)
	text := s.set.Load().(string)
	if text == "" {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Cache-Control": {"max-age=" + s.maxAge}}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

// newIssuing is a guard whose keys come from an address.
func newIssuing(t *testing.T, set []byte, maxAge string) (*gate, *issuing) {
	t.Helper()
	from := &issuing{maxAge: maxAge}
	from.set.Store(string(set))
	f := NewKeyFetcher(from)
	t.Cleanup(f.Close)
	var g *gate
	keys := FetchJWTKeys("https://id.example/keys", f, func() int64 { return g.clock() }, func(err error) {
		g.doors.mu.Lock()
		defer g.doors.mu.Unlock()
		g.faults = append(g.faults, err.Error())
	})
	g = newGate(t, jwkSet(), JWTOptions{Keys: keys})
	return g, from
}

// expectJWT asks with a token, and says how often the address was asked meanwhile.
func (g *gate) expectJWT(t *testing.T, from *issuing, when, token string, want rule.ID, asked int64) {
	t.Helper()
	n := from.asked.Load()
	_, refused, _ := g.ask(token)
	if got := from.asked.Load() - n; refused != want || got != asked {
		t.Errorf("%s: %v, want %v; it was asked %d times, want %d", when, refused, want, got, asked)
	}
}

// A file from which the last key was taken away lets nobody pass.
func TestJWTKeysEmptied(t *testing.T) {
	s := theIssuer()
	g := newGate(t, s.set(), JWTOptions{})
	token := jwt(t, jwtHeader, goodJWT, s.ec)
	for i, tt := range []struct {
		set  []byte
		want rule.ID
	}{{s.set(), 0}, {jwkSet(), rule.JWTKey}, {s.set(), 0}, {jwkSet(jwk("e", s.ec, "use", "enc")), rule.JWTKey}} {
		if err := os.WriteFile(g.file, append(tt.set, strings.Repeat(" ", i)...), 0o600); err != nil {
			t.Fatal(err)
		}
		g.pass(2 * time.Second)
		if _, refused, _ := g.ask(token); refused != tt.want {
			t.Errorf("%s: %v, want %v", tt.set, refused, tt.want)
		}
	}
	if len(g.faults) != 2 || !strings.Contains(g.faults[0], "nobody passes") {
		t.Errorf("told %q", g.faults)
	}
}

// An issuer that has another key of the same name, or of none, is asked for it when a
// signature is not right, but not oftener than for names that are not known.
func TestJWTKeyReplaced(t *testing.T) {
	s := theIssuer()
	for _, tt := range []struct{ name, header, old, new string }{
		{"the same name", jwtHeader, jwk("e", s.other), jwk("e", s.ec)},
		{"no names", `{"alg":"ES256"}`, jwk("", s.other), jwk("", s.ec)},
		{"a name that keys do not have", jwtHeader, strings.Replace(jwk("e", s.other), `"kid":"e",`, "", 1), strings.Replace(jwk("e", s.ec), `"kid":"e",`, "", 1)},
		{"the same name, for another algorithm", jwtHeader, jwk("e", s.rsa), jwk("e", s.ec)},
		{"no names, for another algorithm", `{"alg":"ES256"}`, jwk("", s.rsa), jwk("", s.ec)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, from := newIssuing(t, jwkSet(tt.old), "3600")
			token := jwt(t, tt.header, goodJWT, s.ec)
			refused := rule.JWTBad
			if strings.HasSuffix(tt.name, "algorithm") {
				refused = rule.JWTAlgorithm
			}
			g.expectJWT(t, from, "before", token, refused, 1)
			from.set.Store(string(jwkSet(tt.new)))
			g.expectJWT(t, from, "a moment after it was asked", token, refused, 0)
			g.pass(keysAgain)
			g.expectJWT(t, from, "when it may be asked again", token, 0, 1)
			g.expectJWT(t, from, "remembered", token, 0, 0)
			wrong := jwt(t, tt.header, goodJWT, s.other)
			g.pass(keysAgain)
			g.expectJWT(t, from, "a wrong one", wrong, rule.JWTBad, 1)
			for range 5 {
				g.expectJWT(t, from, "more wrong ones", wrong, rule.JWTBad, 0)
			}
			g.pass(time.Second)
			g.expectJWT(t, from, "and the right one", token, 0, 0)
		})
	}
}
