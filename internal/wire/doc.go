// Package wire turns bytes into HTTP/1 message parts and back: request heads,
// targets, hosts, chunked bodies, status lines. It is pure: bytes in, values
// out, no goroutine, no clock, no I/O.
//
// It is strict. Where RFC 9112 leaves a recipient the choice between guessing
// and refusing, it refuses, and says which rule was broken:
//
//	n, broken := p.ParseRequest(buf, &head)
//	switch {
//	case broken != 0: // refuse with rule.Of(broken).Status
//	case n == 0:      // the head is not complete yet
//	default:          // buf[n:] is the body, or the next request
//	}
//
// It is deliberately not a builder of http.Request: package httpd does that.
package wire
