package bus

import (
	"log/slog"

	"freshet/internal/atrest"
)

// Bounds of peers.
const (
	// MinPeers and MaxPeers are how many a set of peers has.
	MinPeers = 3
	MaxPeers = 7
	// DefaultPeerStore is the default of PeerOptions.MaxStore.
	DefaultPeerStore = 128 << 30
)

// PeerPlace is where a peer is.
type PeerPlace struct {
	// Name is the peer's: letters, digits, - and _, at most 64.
	Name string
	// Address is where the others find it, host:port.
	Address string
}

// PeerOptions are those of a peer.
type PeerOptions struct {
	// Token is one of those that [NewPeers] has made.
	Token string
	// Dir is the peer's folder, created with mode 0700 if it is missing. One
	// process at a time may use it (ErrLocked), and one peer ever.
	Dir string
	// Listen is where it listens for the others, host:port; "": at the token's
	// address.
	Listen string
	// MaxStore bounds what is kept there, in bytes; 0: DefaultPeerStore. When it
	// is reached, Append, PutPage and Put return ErrFull.
	MaxStore int64
	// Seal are the keys by which what is in Dir is sealed, as in [Options].
	Seal *atrest.Ring
	// Log gets what the server says; nil: nobody.
	Log *slog.Logger
}
