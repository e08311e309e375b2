// Package socketserver accepts connections and looks after them: an accept
// loop that survives errors, limits in all and per client address, one coarse
// deadline a connection, and a drain that lets requests finish.
//
//	s := &socketserver.Server{Handler: func(c *socketserver.Conn) {
//		io.Copy(c, c)
//	}}
//	l, err := socketserver.Listen("127.0.0.1:7000", 0)
//	…
//	err = s.Serve(l)
//
// It knows nothing of any protocol: package httpd stands on it, and so can a
// line protocol.
//
// # Deadlines
//
// A server that sets a timer for each request pays for it on each request.
// Here a connection has one armed deadline, an atomic number
// ([Conn.Arm]), and one goroutine a server looks at all connections every
// [Server.SweepEvery] and wakes the overdue. Deadlines are therefore late by
// up to that interval, never early.
//
// # Concurrency
//
// All methods of Server and Conn may be called by many goroutines at once,
// but for Conn's reads and writes, which follow the rules of net.Conn.
package socketserver
