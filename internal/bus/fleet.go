package bus

import (
	"log/slog"
	"time"
)

// Bounds of a fleet.
const (
	// MaxNodes is how many tokens may be valid at once.
	MaxNodes = 10000
	// DefaultMaxConns is the default of Listen.MaxConns.
	DefaultMaxConns = 1024
)

// Listen says where a server accepts nodes.
type Listen struct {
	// Addr is host:port, as for net.Listen; "": all addresses, any free port.
	Addr string
	// Addresses are what tokens tell nodes to dial, host:port each. Empty: the
	// address that is listened on, or those of this machine when it is all.
	Addresses []string
	// MaxConns bounds the connections of nodes; 0: DefaultMaxConns. What comes
	// beyond is closed; of one token there are 32, and one more ends the oldest. Of
	// those that have not proven who they are there are 64 at most, 16 of one host,
	// for 10 s each, and one more ends the oldest.
	MaxConns int
}

// TokenOptions say what a token is for.
type TokenOptions struct {
	// Name is the node's: letters, digits, - and _, at most 64. One token of a
	// name is valid at a time.
	Name string
	// Until is when it ends, also for connections that are open; zero: never.
	Until time.Time
	// Peer makes it one for a server of the fleet, which may do everything.
	// Otherwise it is a worker's, which may call subjects that begin with
	// "jobs." or "fleet." under its own name, hear hints that begin so and have
	// one more name and then its own, and nothing else.
	Peer bool
	// Serves is kept with the name, and means nothing here; see Node.
	Serves bool
}

// JoinOptions are those of Join.
type JoinOptions struct {
	// Log gets what happens to the connection; nil: nobody.
	Log *slog.Logger
}

// Node is who has a token.
type Node struct {
	Name    string
	Peer    bool
	Serves  bool // TokenOptions.Serves
	Made    time.Time
	Until   time.Time // zero: never
	Conns   int       // connections that are open now
	Address string    // of one of them
	Since   time.Time // when that one was accepted
}
