package socketserver

// RequestHandler serves one connection, in three steps. What embeds a Stream has
// Setup and Finish from it and adds Handle:
//
//	type greeter struct {
//		socketserver.Stream
//		name string
//	}
//
//	func (g *greeter) Handle() error {
//		line, err := g.ReadLine()
//		…
//	}
type RequestHandler interface {
	Setup() error  // prepares; when it fails, neither of the others is called
	Handle() error // speaks with the client
	Finish() error // flushes and lets go; called after Handle also when that failed or panicked
}

// Requests makes a Server's Handler that has make build a handler for each
// connection and takes it through its steps. The errors of the steps go to
// [Conn.Report], except those in which a client leaves (io.EOF, a reset) or the
// server drains (ErrServerClosed).
func Requests(make func(c *Conn) RequestHandler) func(*Conn) {
	return func(c *Conn) { c.through(make(c)) }
}

// through takes c through the steps of h.
func (c *Conn) through(h RequestHandler) {
	report := func(err error) {
		if !ordinary(err) {
			c.Report(err)
		}
	}
	if err := h.Setup(); err != nil {
		report(err)
		return
	}
	defer func() { report(h.Finish()) }()
	report(h.Handle())
}

// StreamFunc makes a Server's Handler of a function that speaks through a
// Stream, which is set up as o says and finished afterwards.
func StreamFunc(o StreamOptions, handle func(*Stream) error) func(*Conn) {
	return Requests(func(c *Conn) RequestHandler {
		return &streamFunc{Stream{Conn: c, StreamOptions: o}, handle}
	})
}

type streamFunc struct {
	Stream
	handle func(*Stream) error
}

func (f *streamFunc) Handle() error { return f.handle(&f.Stream) }
