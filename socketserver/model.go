package socketserver

// Model says who runs the handler of a connection, or of a datagram. The zero
// Model is PerConnection.
type Model struct {
	kind    modelKind
	workers int // of Pool
}

type modelKind uint8

const (
	perConnection modelKind = iota
	inline
	pool
	process
)

// The models. [Pool] makes another one.
var (
	// PerConnection runs each handler on a goroutine of its own, at most
	// MaxConns (of a PacketServer: MaxHandlers) at once.
	PerConnection = Model{}

	// Inline runs handlers one after the other, on the goroutine that accepts:
	// the next client waits in the kernel's queue. For handlers that are quick
	// or must not overlap.
	Inline = Model{kind: inline}

	// Process hands each connection, or datagram, to a child process that
	// executes the program anew, as forking servers do: what a handler breaks
	// is broken for one client. See [InChild]. Unix only.
	Process = Model{kind: process}
)

// Pool runs handlers on n goroutines, at least 1: who comes while all are busy
// waits in the kernel's queue. A Server has n goroutines for each listener, which
// take turns: n handlers run at once in all. Clients that say nothing keep turns:
// handlers need time limits, such as StreamOptions.IdleTimeout.
func Pool(n int) Model { return Model{kind: pool, workers: max(n, 1)} }

// running bounds the handlers that run at once; 0 when that is not up to the
// model.
func (m Model) running() int {
	switch m.kind {
	case inline:
		return 1
	case pool:
		return m.workers
	}
	return 0
}

// String names the model as in the documentation.
func (m Model) String() string {
	switch m.kind {
	case inline:
		return "Inline"
	case pool:
		return "Pool"
	case process:
		return "Process"
	}
	return "PerConnection"
}
