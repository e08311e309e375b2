// Package record defines the one value that every answered request leaves
// behind. Access log, counters and explanations all read it; nothing else is
// told about a request.
package record

import (
	"net/netip"

	"freshet/internal/rule"
)

// Record describes one answered (or cut, or refused) request. Its strings are
// views of a connection's buffer: a sink that keeps them clones them.
type Record struct {
	Start    int64 // when the request was read, nanoseconds since 1970
	Duration int64 // from then until its last byte was handed to the kernel, nanoseconds

	Remote netip.AddrPort // the client's address; invalid for Unix sockets
	User   string         // name from Basic credentials, "" without; never the password

	Method  string
	Target  string // as sent; "" when no request line could be read
	Proto   string // "HTTP/1.1", …; "" when no request line could be read
	Host    string
	Referer string
	Agent   string // User-Agent

	Status int   // status code sent; 0 when the connection was cut before one
	Bytes  int64 // body bytes sent, without the head
	Rule   rule.ID
	Hot    bool // answered on the hot path
}

// Sink takes records. Record is called on the connection's goroutine, after
// the answer was written; it must not block and must not keep r.
type Sink interface {
	Record(r *Record)
}
