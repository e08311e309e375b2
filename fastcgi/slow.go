package fastcgi

import (
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// Ended implements gateway.Program: the connection, and the turn, are given back
// before a client that is slow has all of the answer.
func (x *exchange) Ended(f *gateway.Fault) *gateway.Fault {
	if f != nil {
		f = x.cut(f)
	}
	x.part()
	return f
}

// Stop implements gateway.Program.
func (x *exchange) Stop(why rule.ID) { x.stop(why) }

// part gives back what the exchange has of the backend and of the handler's
// bounds, but while the client may still be sending: see done.
func (x *exchange) part() {
	if x.up != nil && !x.up.over.Load() {
		return
	}
	x.drain()
	x.release(x.in.usable())
	x.in.c = nil // another's, from now on
	if x.shown {
		x.h.board.Remove(&x.run)
	}
	if x.spooled != nil {
		x.spooled.Close()
	}
	x.h.leave(x.turn, x.uploads)
	x.turn, x.uploads = false, false
}

// Ahead returns how many answers are kept for clients that are slow, whose
// requests have no turn any more, or wait with one for want of room.
func (h *Handler) Ahead() gateway.AheadState { return h.spools.Ahead() }
