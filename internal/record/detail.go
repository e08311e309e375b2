package record

import "freshet/internal/rule"

// Detail is what the handlers of a request tell about it, beyond what every
// Record has. Each fills in what it knows; who made the request's writer gives
// it out (httpd.DetailOf).
type Detail struct {
	// The cache.
	Key       string  // under which the answer is kept
	Forward   string  // why the origin was asked, as in RFC 9211: "uri-miss"; "" when it was not
	Reason    rule.ID // the rule behind Forward; 0 without one
	Storing   rule.ID // why the answer was stored, or was not
	Stored    bool
	Collapsed bool   // it waited for the answer to another request
	Evidence  string // what of the request or the answer decided: "Set-Cookie: ab=…", "max-age=60, age 75"
	Age       int64  // of the answer that was used, nanoseconds
	Lifetime  int64  // its freshness lifetime, nanoseconds

	// The proxy.
	Origin       string // URL of the origin that was asked last
	OriginStatus int    // what it answered; 0: nothing
	Tries        int    // how many times origins were asked
	Connect      int64  // nanoseconds that connecting took; 0 when a connection was at hand
	Wait         int64  // nanoseconds until the origin's answer began
	OriginID     ID     // what an origin that is a freshet, too, calls the request; 0 when it does not say

	// Programs that are run.
	Program string // its file
	Exit    string // how it ended: "exit status 0"; "" when it had not, as the answer was over
	CPU     int64  // nanoseconds of processor time that it and its children had
	Memory  int64  // octets that the largest of them had in memory; 0: not known

	// The filter.
	Listed   string // the rule of a list that decided: "EasyList:1234 ||ads.example^"; "" without
	Overrode string // the rule that it overrode, in the same form
	Changed  string // what was changed: "utm_source removed", "2 cookies refused"

	// Noted are rules that hold beside that of the answer; see Note.
	Noted [4]rule.ID

	// Error is what failed, in words for the operator; "" when nothing did.
	Error string
}

// Note adds a rule that holds beside that of the answer: once, and as long as
// there is room.
func (d *Detail) Note(id rule.ID) {
	for i, n := range d.Noted {
		if n == id {
			return
		}
		if n == 0 {
			d.Noted[i] = id
			return
		}
	}
}
