package guard

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
	clock := func() int64 {
		if g == nil {
			return jwtNow * second
		}
		return g.clock()
	}
	keys := FetchJWTKeys("https://id.example/keys", f, clock, func(err error) {
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

// What an address answers with 200, and can be read, counts, also when there is no key
// in it that can be used: what was taken back is good no more, and when it is there
// again so is what it has signed. All else is a fault, with which keys go on.
func TestJWTKeysTakenBack(t *testing.T) {
	s := theIssuer()
	long := strings.Replace(goodJWT, "1800000600", "1800900000", 1)
	token, unnamed := jwt(t, jwtHeader, long, s.ec), jwt(t, `{"alg":"ES256"}`, long, s.ec)
	unknown := jwt(t, `{"alg":"ES256","kid":"x"}`, long, s.ec)
	for _, tt := range []struct {
		set           string
		want, unnamed rule.ID // of a token that names its key, and of one that does not
		told          string
	}{
		{`{"keys":[]}`, rule.JWTKey, rule.JWTKey, "there is no key in it; nobody passes until there is one"},
		{`{"keys":[],"next":"-----BEGIN PUBLIC KEY-----"}`, rule.JWTKey, rule.JWTKey, "nobody passes until there is one"},
		{string(jwkSet(jwk("e", s.ec, "use", "enc"))), rule.JWTKey, rule.JWTKey, "not for signatures; nobody passes"},
		{string(jwkSet(`{"kty":"oct","kid":"e","k":"AAAA"}`)), rule.JWTKey, rule.JWTKey, "it is a secret"},
		{string(jwkSet(jwk("d", s.ed))), rule.JWTKey, rule.JWTAlgorithm, ""},
		{"", 0, 0, "unexpected EOF"},
		{`{}`, 0, 0, "it is no JWK set"},
		{`{"keys":null}`, 0, 0, "it is no JWK set"},
		{`{"keys":[`, 0, 0, "it is not JSON"},
		{`{"keys":[]}]`, 0, 0, "it is not JSON"},
		{`{"keys":[],"keys":[]}`, 0, 0, "two members of one name"},
		{"\n", 0, 0, "it is not JSON"},
		{`{"keys":[]}` + strings.Repeat(" ", maxJWTKeySet), 0, 0, "more than 64 KiB"},
	} {
		g, from := newIssuing(t, s.set(), "86400")
		g.expectJWT(t, from, "before", token, 0, 1)
		g.expectJWT(t, from, "before, without a name", unnamed, 0, 0)
		from.set.Store(tt.set)
		g.pass(24*time.Hour + keysAgain)
		g.expectJWT(t, from, "by a key that is not there", unknown, rule.JWTKey, 1) // it has waited for the answer
		g.expectJWT(t, from, tt.set, token, tt.want, 0)
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if _, e := g.Why(r); tt.unnamed == rule.JWTKey && !strings.Contains(fmt.Sprint(e.Compared), "there are no keys") {
			t.Errorf("%s: %v", tt.set, e.Compared)
		}
		g.expectJWT(t, from, tt.set+", without a name", unnamed, tt.unnamed, 0)
		g.expectJWT(t, from, tt.set+", by a key that is not there", unknown, rule.JWTKey, 0)
		g.o.Keys.f.wg.Wait() // until it was told
		g.doors.mu.Lock()
		if told := strings.Join(g.faults, "\n"); tt.told == "" && told != "" || !strings.Contains(told, tt.told) || len(g.faults) > 1 {
			t.Errorf("%.40s: told %q", tt.set, told)
		}
		g.doors.mu.Unlock()
		if tt.want == 0 {
			continue
		}
		from.set.Store(string(s.set()))
		g.pass(keysAgain)
		g.expectJWT(t, from, "again", token, 0, 1)
		g.expectJWT(t, from, "again, without a name", unnamed, 0, 0)
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

// Keys of an address are as old as the longer of what the two clocks say has passed,
// whatever the time of day is set to.
func TestJWTKeysClocks(t *testing.T) {
	s := theIssuer()
	by := func(g *gate, key string) string { // good by the time of day
		now := g.clock() / second
		claims := strings.NewReplacer("1800000600", fmt.Sprint(now+600), "1799999990", fmt.Sprint(now)).Replace(goodJWT)
		return jwt(t, `{"alg":"ES256","kid":"`+key+`"}`, claims, s.ec)
	}
	good, unknown := func(g *gate) string { return by(g, "e") }, func(g *gate) string { return by(g, "x") }
	const hour, year = time.Hour, 365 * 24 * time.Hour
	for _, tt := range []struct {
		name        string
		day, passed time.Duration // by how much the clocks move
		asked       int64         // how often a good token, and then one by an unknown key, have keys asked for
		down        rule.ID       // what becomes of a good token when the address is down
	}{
		{"nothing has happened", 0, 0, 0, 0},
		{"29 s", 29 * time.Second, 29 * time.Second, 0, 0},
		{"30 s", 30 * time.Second, 30 * time.Second, 1, 0},
		{"set back", -hour, time.Second, 0, 0},
		{"set back, and 30 s", -hour, 30 * time.Second, 1, 0},
		{"set back, and their time is over", -hour, hour, 1, 0},
		{"set back, and a day", -hour, 25 * hour, 1, rule.JWTKeys},
		{"set back by a year, and their time is over", -year, hour, 1, 0},
		{"set back by a year, and nearly a day", -year, 25*hour - time.Second, 1, 0},
		{"set back by a year, and a day", -year, 25 * hour, 1, rule.JWTKeys},
		{"slept", hour, time.Second, 1, 0},
		{"slept for a day", 25 * hour, time.Second, 1, rule.JWTKeys},
		{"set forth by a year", year, time.Second, 1, rule.JWTKeys},
	} {
		for _, down := range []bool{false, true} {
			g, from := newIssuing(t, s.set(), "3600")
			var passed atomic.Int64
			g.o.Keys.clock.passed = passed.Load
			g.expectJWT(t, from, tt.name+", before", good(g), 0, 1)
			if down {
				from.set.Store("")
			}
			g.pass(tt.day)
			passed.Add(int64(tt.passed))
			n := from.asked.Load()
			if _, refused, _ := g.ask(unknown(g)); refused == 0 {
				t.Fatal("it passes")
			}
			want := rule.ID(0)
			if down {
				want = tt.down
			}
			if _, refused, _ := g.ask(good(g)); refused != want {
				t.Errorf("%s, down %v: %v, want %v", tt.name, down, refused, want)
			}
			if got := from.asked.Load() - n; got != tt.asked {
				t.Errorf("%s, down %v: asked %d times, want %d", tt.name, down, got, tt.asked)
			}
		}
	}

	// Keys that came while the time of day was set wrong, and then was set right.
	g, from := newIssuing(t, s.set(), "3600")
	var passed atomic.Int64
	g.o.Keys.clock.passed = passed.Load
	g.pass(70 * year)
	g.expectJWT(t, from, "in another century", good(g), 0, 1)
	g.pass(-70 * year)
	for range 3 {
		passed.Add(int64(hour) - second)
		g.expectJWT(t, from, "while they are fresh", good(g), 0, 0)
		passed.Add(second)
		if _, refused, _ := g.ask(unknown(g)); refused != rule.JWTKey {
			t.Error(refused)
		}
		g.expectJWT(t, from, "asked for anew", good(g), 0, 0)
	}
	if got := from.asked.Load(); got != 4 {
		t.Errorf("asked %d times", got)
	}
}
