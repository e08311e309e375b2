// Package outbound makes HTTP requests: client connections of HTTP/1.1 to
// origins, kept in a pool. It is what the proxies and the client sit on.
//
//	t := &outbound.Transport{MaxConnsPerHost: 100}
//	resp, err := t.RoundTrip(req) // an http.RoundTripper
//	var failed *outbound.Error
//	if errors.As(err, &failed) {
//		status := failed.Kind.Status()
//	}
//
// It adds nothing to a request but what frames and routes it: no User-Agent, no
// Accept-Encoding. It follows no redirect, keeps no cookie and decodes no
// content. Connections go straight to the origin, or by parents (HTTP, SOCKS5);
// a Guard may say to which addresses; Overrides send them elsewhere. It
// deliberately is not net/http.Transport, which is
// used for HTTP/2 only: that one forgives faults in answers, and has two
// goroutines for each connection.
//
// What holds:
//
//   - Answers are read by package wire, which refuses what could be read in two
//     ways. A body that was cut off ends in io.ErrUnexpectedEOF, never in io.EOF.
//   - A connection is used again only when the last message on it ended exactly
//     where its framing says, and nothing has come behind it.
//   - A request is sent twice only when that cannot be told from once.
//   - Requests are written and answers read by the goroutine that asked. One
//     goroutine more sends a request body that does not fit the first write; it
//     ends when the connection or the body's Read does, which may be after the
//     answer was read.
//   - All waiting is bounded, and so is everything that an origin can send but
//     the body.
package outbound
