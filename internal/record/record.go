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
	ID       ID    // of the request
	Start    int64 // when the request was read, nanoseconds since 1970
	Duration int64 // from then until its last byte was handed to the kernel, nanoseconds
	Waited   int64 // of Duration: until the answer began; 0 when it was prebuilt

	Remote netip.AddrPort // the client's address; invalid for Unix sockets
	User   string         // who it was found to be from, else the name in Basic credentials, "" without; never the password

	Method  string
	Target  string // as sent; "" when no request line could be read
	Proto   string // "HTTP/1.1", …; "" when no request line could be read
	Host    string
	Referer string
	Agent   string // User-Agent

	Status  int   // status code sent; 0 when the connection was cut before one
	Bytes   int64 // body bytes sent, without the head
	Rule    rule.ID
	Verdict Verdict
	Place   uint16 // which route of the configuration answered; 0 when there is one only
	Hot     bool   // answered on the hot path
	TLS     bool   // the request came over TLS

	// Detail is what handlers told about the request; nil for what was answered
	// on the hot path. It is not changed any more: a sink may keep it.
	Detail *Detail
}

// URL returns the address that was asked for: the target itself when it is no
// path, as that of OPTIONS * and CONNECT, or there was no host.
func (r *Record) URL() string {
	switch {
	case len(r.Target) == 0 || r.Target[0] != '/' || r.Host == "":
		return r.Target
	case r.TLS:
		return "https://" + r.Host + r.Target
	}
	return "http://" + r.Host + r.Target
}

// Sink takes records. Record is called on the connection's goroutine, after
// the answer was written; it must not block and must not keep r.
type Sink interface {
	Record(r *Record)
}

// Verdict is what a request came to, for counters: the words in which people
// talk about caches.
type Verdict uint8

// The verdicts.
const (
	Handled     Verdict = iota // a handler answered; nothing is said about caches
	File                       // a file, a listing, or that there is none
	Hit                        // from the cache, without asking the origin
	Stale                      // from the cache, although it was stale
	Revalidated                // from the cache, after the origin said that it is valid
	Miss                       // from the origin: the cache had nothing that could be used
	Bypass                     // from the origin: the request goes past the cache
	Refused                    // by a limit or a rule, before anybody was asked
	NumVerdicts
)

var verdicts = [NumVerdicts]string{"handled", "file", "hit", "stale", "revalidated", "miss", "bypass", "refused"}

// String returns the verdict's name.
func (v Verdict) String() string {
	if v < NumVerdicts {
		return verdicts[v]
	}
	return "unknown"
}

// ParseVerdict returns the verdict of that name.
func ParseVerdict(name string) (Verdict, bool) {
	for v, n := range verdicts {
		if n == name {
			return Verdict(v), true
		}
	}
	return 0, false
}
