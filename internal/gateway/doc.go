// Package gateway is what CGI and FastCGI share: it knows the Common Gateway
// Interface (RFC 3875) and neither a process nor a connection.
//
//	vars := gateway.AppendVars(nil, r, &gateway.Script{Name: "/cgi-bin/a", File: "/srv/cgi-bin/a"}, &options)
//	…
//	out := gateway.NewOutput(pipe)
//	defer out.Release()
//	head, fault := out.ReadHead(false, 0)
//	…
//	fault = gateway.Relay(w, r, head, out, gateway.RelayOptions{})
//
// What runs is bounded by [Turns], shown and stopped through a [Board]; a body
// whose length must be known is kept aside by [Spool], and so is by [Relay] what a
// [Program] prints faster than its client reads: see [AheadState]. Faults come back as
// values that name a rule; the caller tells the engine, and ends the program.
//
// All may be used by many goroutines at once, but for values that belong to one
// exchange: Output, Head, Spooled.
package gateway
