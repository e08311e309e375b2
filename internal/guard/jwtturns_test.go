package guard

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"freshet/internal/keyfile"
	"freshet/internal/rule"
)

// So many tokens are verified at once, so many wait, in their order, and others come
// later; one that was verified needs no turn, and what its form or its head refuses
// none either.
func TestJWTBusy(t *testing.T) {
	s := theIssuer()
	v := NewVerifying()
	v.turns.Running, v.turns.Queue = 1, 3
	known := jwt(t, jwtHeader, goodJWT, s.ec)
	fresh := func(i int) string { return jwt(t, jwtHeader, with(goodJWT, fmt.Sprintf(`"jti":"%d"`, i)), s.ec) }
	wrong := jwt(t, jwtHeader, goodJWT, s.other)
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, s.set(), JWTOptions{Verifying: v})
		expect := func(when, token string, want rule.ID) {
			t.Helper()
			_, refused, fields := g.ask(token)
			if refused != want || (want == rule.JWTBusy) != (fields.Get("Retry-After") == "1") || want == rule.JWTBusy && (fields["Www-Authenticate"] != nil || rule.Of(want).Status != 503) {
				t.Errorf("%s: %v, want %v; %v", when, refused, want, fields)
			}
		}
		figures := func(when string, want VerifyingFigures) {
			t.Helper()
			if got := v.Figures(); got != want {
				t.Errorf("%s: %+v, want %+v", when, got, want)
			}
		}
		expect("at first", known, 0)
		leave, refused := v.turn(t.Context())
		if refused != nil {
			t.Fatal(refused)
		}
		var passed atomic.Int64
		for i := range 3 {
			go func() {
				if _, refused, _ := g.ask(fresh(i)); refused == 0 {
					passed.Add(1)
				}
			}()
		}
		synctest.Wait()
		figures("three wait", VerifyingFigures{1, 3, 3, 0})
		expect("a good one", fresh(3), rule.JWTBusy)
		expect("a wrong one", wrong, rule.JWTBusy)
		figures("two were refused", VerifyingFigures{1, 3, 3, 2})
		expect("that was verified", known, 0)
		expect("of no form", "x", rule.JWTMalformed)
		expect("by a key that nobody has", jwt(t, `{"alg":"ES256","kid":"x"}`, goodJWT, s.ec), rule.JWTKey)
		leave()
		synctest.Wait()
		if passed.Load() != 3 {
			t.Errorf("of three that waited %d passed", passed.Load())
		}
		figures("nobody waits", VerifyingFigures{0, 0, 3, 2})
		expect("afterwards", fresh(3), 0)
		expect("a wrong one, afterwards", wrong, rule.JWTBad)

		// Nobody waits for ever, and who has gone does not wait.
		leave, _ = v.turn(t.Context())
		began := time.Now()
		expect("when none comes to its end", fresh(4), rule.JWTBusy)
		if d := time.Since(began); d != verifyingFor {
			t.Errorf("it has waited for %v", d)
		}
		ctx, goes := context.WithCancel(t.Context())
		r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
		r.Header.Set("Authorization", "Bearer "+fresh(5))
		var left rule.ID
		go func() { _, left = g.JWT.Check(http.Header{}, r) }()
		synctest.Wait()
		goes()
		synctest.Wait()
		if left != rule.JWTBusy {
			t.Errorf("who has gone: %v", left)
		}
		figures("who has gone was not refused", VerifyingFigures{1, 0, 3, 3})
		leave()
	})
}

// slowKey is a public key by which a token is verified until somebody says that it is.
type slowKey struct {
	begun atomic.Int64
	ends  chan struct{}
}

func (k *slowKey) VerifyPayload(_, _ []byte, _ jose.SignatureAlgorithm) error {
	k.begun.Add(1)
	<-k.ends
	return nil
}

// However many come, no more are verified at once than may be; and of those that come
// with the same token, who waited until it was verified does not have it verified.
func TestJWTAtOnce(t *testing.T) {
	v := NewVerifying()
	v.turns.Running = 2
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, theIssuer().set(), JWTOptions{Verifying: v})
		key := &slowKey{ends: make(chan struct{})}
		ring := &jwtRing{keys: []jwtKey{{id: "e", algorithm: keyfile.ES256, public: key}}}
		token := jwt(t, jwtHeader, goodJWT, theIssuer().ec)
		h, refused := readJWT(token, "", keyfile.TokenAlgorithms)
		if refused != nil {
			t.Fatal(refused)
		}
		var passed atomic.Int64
		for range 10 {
			go func() {
				if good, refused := g.signed(t.Context(), token, &h, ring, ring.keys); good && refused == nil {
					passed.Add(1)
				}
			}()
		}
		synctest.Wait()
		for i := int64(2); i <= 5; i++ {
			if got := key.begun.Load(); got != i || passed.Load() != i-2 {
				t.Errorf("%d were begun, want %d; %d have passed", got, i, passed.Load())
			}
			key.ends <- struct{}{}
			synctest.Wait()
		}
		g.remember(ring, g.sum(token), jwtPass{until: 1 << 62})
		close(key.ends)
		synctest.Wait()
		if got := key.begun.Load(); got != 6 || passed.Load() != 10 {
			t.Errorf("%d were begun, and %d have passed", got, passed.Load())
		}
	})
}
