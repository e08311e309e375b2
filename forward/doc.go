// Package forward is a forward proxy for browsers and programs that filters
// what passes: an http.Handler for requests in absolute form and for CONNECT.
//
//	h, err := forward.New(forward.Options{Store: store})
//	if err != nil { … }
//	defer h.Close()
//	srv := &httpd.Server{Addr: "127.0.0.1:3128", Handler: h}
//
// Who may use it, and where it connects to, is decided here (access.go), and so
// is what lists block and what becomes of cookies and of fields that tell about
// the user. Answers come from packages cache and proxy, which sit behind it.
//
// It is no open proxy: without [Options.Clients] only this machine may use it.
// It is not transparent: clients know of it. It looks into TLS only where it
// was told to; a tunnel is otherwise known by the name of its host alone.
//
// # Invariants
//
//   - No connection goes to an address that was not looked at: it is decided on
//     the address that is dialled, not on the name.
//   - Credentials for the proxy end here.
//   - A request that is refused or blocked has reached nobody.
//   - What a stand-in replaces is never stored as that.
package forward
