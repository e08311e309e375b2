package guard

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// Verifying bounds how many tokens are verified at once, for the guards of a server.
// Anybody can send tokens that have to be, each another one: they get half of the
// processors, and all that needs no verification keeps the others. Who waits is in
// the order in which he came.
type Verifying struct {
	turns   gateway.Turns
	refused atomic.Int64
}

// The bounds of Verifying. What a verification costs is measured by
// BenchmarkJWTWrong.
const (
	maxVerifying     = 1024 // that wait; each of them holds its request, and nothing else
	verifyingFor     = 5 * time.Second
	verifyingAgainIn = time.Second
)

// NewVerifying returns what bounds verifications.
func NewVerifying() *Verifying {
	return &Verifying{turns: gateway.Turns{Running: max(runtime.GOMAXPROCS(0)/2, 1), Queue: maxVerifying, QueueTime: verifyingFor}}
}

// turn waits until a token may be verified, and returns what ends that; or why it
// may not be.
func (v *Verifying) turn(ctx context.Context) (leave func(), refused *jwtRefusal) {
	switch v.turns.Take(ctx) {
	case 0:
		return v.turns.Leave, nil
	case rule.ScriptClientGone:
		return nil, refusedJWT(rule.JWTBusy, "who sent it has gone")
	}
	v.refused.Add(1)
	return nil, refusedJWT(rule.JWTBusy, "others are being verified, and more wait")
}

// VerifyingFigures are how many tokens are verified, how many wait for that, how
// many may, and how many were refused because of that.
type VerifyingFigures struct {
	Running, Waiting, Most int
	Refused                int64
}

// Figures returns them.
func (v *Verifying) Figures() VerifyingFigures {
	running, waiting := v.turns.Load()
	return VerifyingFigures{running, waiting, v.turns.Queue, v.refused.Load()}
}

// signed reports whether one of the keys has signed a token, when it is its turn.
func (g *JWT) signed(ctx context.Context, text string, h *jwtHead, ring *jwtRing, keys []jwtKey) (bool, *jwtRefusal) {
	leave, refused := g.o.Verifying.turn(ctx)
	if refused != nil {
		return false, refused
	}
	defer leave()
	// Others may have come to an end meanwhile: a page has several requests with one
	// token.
	if _, is := g.remembers(ring, g.sum(text), g.o.Now()); is {
		return true, nil
	}
	return h.verify(text, keys), nil
}
