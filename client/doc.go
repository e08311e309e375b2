// Package client asks for things over HTTP, at three levels:
//
//   - [Conn] is one connection, on which a caller puts requests, piece by piece
//     if need be, and gets replies, in order. Several requests may be put before
//     the first reply is read (pipelining). It is what Python's
//     http.client.HTTPConnection is.
//   - [Transport] is an http.RoundTripper with a private cache in it.
//   - Client does what people expect on top: redirects, cookies, codings.
//
// One connection, and what was said on it:
//
//	conn, err := client.Dial(ctx, "http://127.0.0.1:8080", client.DialOptions{})
//	if err != nil { … }
//	defer conn.Close()
//	conn.PutRequest("GET", "/a")
//	conn.EndHeaders()
//	conn.PutRequest("GET", "/b")
//	conn.PutHeader("Accept", "text/plain")
//	conn.EndHeaders()
//	a, err := conn.GetReply()
//	io.Copy(os.Stdout, a.Body)
//	b, err := conn.GetReply()
//
// It is deliberately not a browser, and no crawler. A Conn speaks HTTP/1.0 and
// 1.1 only; HTTP/2 is the Transport's.
//
// What holds for a Conn:
//
//   - It adds two fields to a request, as http.client does, unless the caller has
//     put them or asked for neither: Host, and Accept-Encoding: identity.
//   - What a recipient could read in two ways is not sent, unless the caller asks
//     for that (DialOptions.Raw); a reply that could be is refused.
//   - A body that was cut off ends in io.ErrUnexpectedEOF, never in io.EOF; of
//     requests that stay without a reply the caller hears which ones.
//   - All waiting is bounded, and so is everything that a server can send but
//     the body.
package client
