package record

import "freshet/internal/rule"

// OfOrigin says what a record tells of the origin that its detail names: whether
// the origin was asked and could have answered, and whether it failed to. What the
// client did, and what was refused on this side, says nothing of an origin.
func (r *Record) OfOrigin() (asked, failed bool) {
	d := r.Detail
	switch {
	case d == nil || d.Origin == "":
		return false, false
	case d.OriginStatus >= 500:
		return true, true
	case d.OriginStatus != 0:
		return true, cutByOrigin(r.Rule)
	}
	ours := notOfOrigin(r.Rule)
	return !ours, !ours
}

// notOfOrigin are rules by which an origin was left before it had answered.
func notOfOrigin(id rule.ID) bool {
	switch id {
	case rule.ProxyUnsent, rule.ProxyBusy, // the proxy could not send, or had no connection to spare
		rule.ScriptQueueFull, rule.ScriptQueueTimeout, rule.ScriptSpoolFailed, rule.ScriptNoRoom, rule.ScriptStopped:
		return true
	}
	status := rule.Of(id).Status
	return status >= 400 && status < 500 // the client's doing: it went away, its body broke off
}

// cutByOrigin are rules by which an answer that had begun was not whole.
func cutByOrigin(id rule.ID) bool {
	switch id {
	case rule.ProxyIncomplete, rule.ProxyBodyTimeout, rule.CacheCut, rule.ScriptTimeout, rule.ScriptDied, rule.ScriptOutputTooLarge, rule.ScriptIncomplete,
		rule.FastcgiTerminated, rule.FastcgiProtocol:
		return true
	}
	return false
}
