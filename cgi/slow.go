package cgi

import (
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// Ended implements gateway.Program: the program is seen to its end, and its turn
// given back, before a client that is slow has all of the answer.
func (x *exchange) Ended(f *gateway.Fault) *gateway.Fault {
	f = x.run.bodyFault(f, x.whole)
	if x.in.spooled != nil {
		x.in.spooled.Close()
	}
	x.leaveUploads()
	return f
}

// Stop implements gateway.Program.
func (x *exchange) Stop(why rule.ID) {
	x.run.end(why)
	x.run.out.Close() // what escaped the program may hold the other end
}

func (x *exchange) leaveUploads() {
	if x.uploading {
		x.uploading = false
		x.h.uploads.Leave()
	}
}

// Ahead returns how many answers are kept for clients that are slow, whose
// programs are gone, or wait with their turns for want of room.
func (h *Handler) Ahead() gateway.AheadState { return h.spools.Ahead() }
