// Package socketserver accepts connections and datagrams and looks after those
// who handle them: an accept loop that survives errors, a choice of who runs a
// handler, limits in all and per client address, one coarse deadline a
// connection, and a drain that lets clients finish.
//
//	s := &socketserver.Server{Handler: socketserver.StreamFunc(
//		socketserver.StreamOptions{IdleTimeout: time.Minute},
//		func(s *socketserver.Stream) error {
//			line, err := s.ReadLine()
//			if err != nil {
//				return err
//			}
//			_, err = fmt.Fprintf(s, "you said %q\n", line)
//			return err
//		},
//	)}
//	l, err := socketserver.Listen("127.0.0.1:7000", 0)
//	…
//	err = s.ServeContext(ctx, l)
//
// It is for TCP and Unix sockets, and for any net.Listener ([Server]); datagrams
// have a [PacketServer]. It knows nothing of any protocol above, and does no
// TLS: package httpd stands on it, and so can a line protocol. Who knows
// Python's module of this name finds its parts as follows: BaseRequestHandler is
// [RequestHandler], StreamRequestHandler is [Stream], the mix-in classes are a
// [Model], serve_forever and handle_request are [Server.Serve] and
// [Server.HandleRequest], verify_request is Verify, handle_error is OnError.
//
// # Who runs a handler
//
//	Model          handler runs on             at once            who comes while all are busy       a panic ends
//	PerConnection  a goroutine of its own      MaxConns           is refused; with Queue waits       the connection
//	Inline         the goroutine that accepts  one                waits in the kernel's queue        the connection
//	Pool(n)        one of n goroutines         n                  waits in the kernel's queue        the connection
//	Process        a process of its own        MaxConns           is refused; with Queue waits       the connection
//
// No connection waits in a queue of this package: its goroutines, memory and processes
// are bounded whatever comes, and the kernel's queue, whose length is
// ListenConfig.Backlog, tells further clients to wait. The exception: with
// Inline or Pool and several listeners, up to n connections of each listener
// may have been accepted and wait for their turn.
//
// With Inline and Pool a client that says nothing keeps a turn for as long as its
// handler lets it: n of them keep all. Such a handler has time limits
// (StreamOptions, [Conn.Arm]); there are none by default.
//
// A handler that exits, corrupts memory or leaks takes all other connections
// with it, unless the model is Process. That costs a few milliseconds and
// megabytes a connection, and what handlers share must live outside of them. See
// [InChild] for what main must do.
//
// # Limits
//
//	Field                        Default          When it is reached
//	Server.MaxConns              65536            closed after Refused, or Queue; with Process the default is 64
//	Server.MaxConnsPerClient     half of those    closed after Refused; a client is an IPv4 address or an IPv6 /64
//	ListenConfig.Backlog         the system's     the kernel makes clients wait, or sends them away
//	StreamOptions.IdleTimeout    none             ErrTimeout; the handler can still answer
//	StreamOptions.ReadTimeout    none             the same
//	StreamOptions.WriteTimeout   none             the same
//	StreamOptions.MaxLine        8 KiB            ErrLineTooLong
//	Server.Timeout               none             HandleRequest returns after OnTimeout
//	Server.Grace                 10 s             ServeContext cuts who is left
//	ProcessOptions.KillAfter     2 s              SIGKILL, when a Shutdown that ran out of time has sent SIGTERM
//	ProxyProtocol.Timeout        5 s              the connection fails
//	ProxyProtocol.MaxHeader      4 KiB            the connection fails
//
// In a child of Process the limits of streams and headers hold as everywhere.
// MaxConns, MaxConnsPerClient and Verify belong to the parent, which does not
// see deadlines that the child arms, nor its memory: who wants a bound for what
// a handler may take in all arms a deadline in it.
//
// # Deadlines
//
// A server that sets a timer for each request pays for it on each request.
// Here a connection has one armed deadline, an atomic number
// ([Conn.Arm]), and one goroutine a server looks at all connections every
// [Server.SweepEvery] and wakes the overdue. Deadlines are therefore late by
// up to that interval, never early. A Stream's limits are such deadlines.
//
// # Errors
//
// Serve and its like return errors of the listener, and ErrServerClosed. What
// goes wrong with one connection is told to [Server.OnError], or logged: errors
// that a RequestHandler returns, but for those in which a client leaves;
// *[PanicError]; *[ChildError], when a child ended otherwise than by returning.
// A child reports what its handler returns by its own OnError or log: it has
// the parent's standard output and error.
//
// # Ending
//
// [Server.Shutdown] stops accepting, ends connections that wait for their client
// with nothing begun ([Conn.Waits], [Stream.ReadLine]), waits for the others,
// and cuts them when its context is done; children are drained, then get SIGTERM,
// then SIGKILL. [Server.Close] does not wait. Children die with their parent: on
// Linux and FreeBSD by a signal of the kernel, elsewhere when they notice that
// their control socket has ended.
//
// # Addresses
//
// [Listen] takes TCP addresses, Unix sockets, and sockets that were inherited,
// by number or by the name that a service manager gave them ([Activated]).
// [ProxyProtocol] has connections tell which client they are from.
//
// # Concurrency
//
// All methods of Server and Conn may be called by many goroutines at once,
// but for Conn's reads and writes, which follow the rules of net.Conn. A Stream
// is for one goroutine.
package socketserver
