// Package proxy is a reverse proxy: an http.Handler that answers every request
// with what an origin answers to it.
//
//	h, err := proxy.New(proxy.Options{Origins: []string{"http://127.0.0.1:3000"}})
//	if err != nil { … }
//	defer h.Close()
//	srv := &httpd.Server{Addr: ":8080", Handler: h}
//
// It is not a cache (one can stand in front of it, see [FailureHandler]), not a
// router, and it rewrites nothing: apart from the fields that belong to one
// connection (RFC 9110 §7.6.1) and those that say where a message went (Via),
// an answer passes as the origin sent it, odd status codes and malformed dates
// included. It refuses CONNECT: it is no tunnel to places of a client's choice.
//
// # Invariants
//
//   - One request of a client is one request at the origin: the head is written
//     from parsed values, every one of which is checked again here.
//   - No request is sent twice once a byte of an answer came; one that is not
//     idempotent (RFC 9110 §9.2.2) is not sent twice once it may have arrived.
//   - A client never takes an answer for complete that the origin did not
//     complete: the connection, or the stream, is cut.
//   - Bodies stream: memory does not grow with them.
//   - What a client claims of itself (Forwarded, X-Forwarded-For) reaches the
//     origin only from the addresses in Options.Trusted.
package proxy
