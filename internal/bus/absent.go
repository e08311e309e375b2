//go:build nonats

package bus

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"time"

	"freshet/internal/atrest"
)

// Server is not there: Start says so.
type Server struct{}

// Start returns ErrAbsent.
func Start(Options) (*Server, error) { return nil, ErrAbsent }

// Connect returns ErrAbsent.
func (*Server) Connect(string) (*Conn, error) { return nil, ErrAbsent }

// Open returns ErrAbsent.
func (*Server) Open(Listen) (net.Addr, error) { return nil, ErrAbsent }

// Token returns ErrAbsent.
func (*Server) Token(TokenOptions) (string, error) { return "", ErrAbsent }

// Revoke returns ErrAbsent.
func (*Server) Revoke(string) error { return ErrAbsent }

// Also does nothing.
func (*Server) Also([]string) {}

// Serves is false.
func (*Server) Serves(string) bool { return false }

// Nodes lists nobody.
func (*Server) Nodes() []Node { return nil }

// Broken is never closed.
func (*Server) Broken() <-chan struct{} { return nil }

// Err returns ErrAbsent.
func (*Server) Err() error { return ErrAbsent }

// Close does nothing.
func (*Server) Close() error { return nil }

// Peer is not there: StartPeer says so.
type Peer struct{}

// NewPeers returns ErrAbsent.
func NewPeers([]PeerPlace) ([]string, error) { return nil, ErrAbsent }

// PeerName returns ErrAbsent.
func PeerName(string) (string, error) { return "", ErrAbsent }

// StartPeer returns ErrAbsent.
func StartPeer(PeerOptions) (*Peer, error) { return nil, ErrAbsent }

// Connect returns ErrAbsent.
func (*Peer) Connect(string) (*Conn, error) { return nil, ErrAbsent }

// Name is empty.
func (*Peer) Name() string { return "" }

// Yield does nothing.
func (*Peer) Yield() {}

// Away are none.
func (*Peer) Away() ([]string, int) { return nil, 0 }

// Broken is never closed.
func (*Peer) Broken() <-chan struct{} { return nil }

// Err returns ErrAbsent.
func (*Peer) Err() error { return ErrAbsent }

// Close does nothing.
func (*Peer) Close() error { return nil }

// Holds is false.
func Holds(string) bool { return false }

// ErrPeerStore is not returned.
var ErrPeerStore = errors.New("there are no peers")

// SealFolder returns ErrAbsent, unless the folder is not there.
func SealFolder(_ context.Context, dir string, _ *atrest.Change, _ func(done, total int64)) error {
	_, err := NeedsSeal(dir, nil)
	return err
}

// NeedsSeal returns ErrAbsent, unless the folder is not there.
func NeedsSeal(dir string, _ *atrest.Change) (string, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return "", ErrAbsent
}

// Conn is not there: Connect says so.
type Conn struct{}

// Connect returns ErrAbsent.
func Connect(context.Context, ConnectOptions) (*Conn, error) { return nil, ErrAbsent }

// CheckToken returns ErrAbsent.
func CheckToken(string) error { return ErrAbsent }

// Join returns ErrAbsent.
func Join(context.Context, string, JoinOptions) (*Conn, error) { return nil, ErrAbsent }

// Name is empty.
func (*Conn) Name() string { return "" }

// Learn does nothing.
func (*Conn) Learn([]string) {}

// IsUp is false.
func (*Conn) IsUp() bool { return false }

// Done is never closed.
func (*Conn) Done() <-chan struct{} { return nil }

// Close does nothing.
func (*Conn) Close() {}

// Serve returns ErrAbsent.
func (*Conn) Serve(string, Handler) (func(), error) { return nil, ErrAbsent }

// ServeWith returns ErrAbsent.
func (*Conn) ServeWith(string, ServeOptions, Handler) (func(), error) { return nil, ErrAbsent }

// Call returns ErrAbsent.
func (*Conn) Call(context.Context, string, []byte) ([]byte, error) { return nil, ErrAbsent }

// Publish returns ErrAbsent.
func (*Conn) Publish(string, []byte) error { return ErrAbsent }

// Subscribe returns ErrAbsent.
func (*Conn) Subscribe(string, func(Hint)) (func(), error) { return nil, ErrAbsent }

// Lead returns ErrAbsent.
func (*Conn) Lead(context.Context, string, time.Duration) (*Leadership, error) {
	return nil, ErrAbsent
}

// State returns ErrAbsent.
func (*Conn) State(context.Context) (State, error) { return State{}, ErrAbsent }

// Peek returns ErrAbsent.
func (*Conn) Peek(context.Context, string, uint64) (Message, error) { return Message{}, ErrAbsent }

// PeekFrom returns ErrAbsent.
func (*Conn) PeekFrom(context.Context, string, uint64) (Message, error) {
	return Message{}, ErrAbsent
}

// Store returns ErrAbsent.
func (*Conn) Store(context.Context, string, map[string][]string, []byte) (string, uint64, error) {
	return "", 0, ErrAbsent
}

// Leadership is not there: Lead says so.
type Leadership struct{}

// Holds is false.
func (*Leadership) Holds() bool { return false }

// Lost is never closed.
func (*Leadership) Lost() <-chan struct{} { return nil }

// Resign does nothing.
func (*Leadership) Resign() {}

// Log returns ErrAbsent.
func (*Conn) Log(context.Context, string, LogOptions) (*Log, error) { return nil, ErrAbsent }

// Log is not there: Conn.Log says so.
type Log struct{}

// Last returns ErrAbsent.
func (*Log) Last(context.Context) (uint64, error) { return 0, ErrAbsent }

// Append returns ErrAbsent.
func (*Log) Append(context.Context, uint64, []byte) (uint64, error) { return 0, ErrAbsent }

// Read returns ErrAbsent.
func (*Log) Read(context.Context, uint64, func(uint64, []byte) error) error { return ErrAbsent }

// Trim returns ErrAbsent.
func (*Log) Trim(context.Context, uint64) error { return ErrAbsent }

// PutPage returns ErrAbsent.
func (*Log) PutPage(context.Context, string, []byte) error { return ErrAbsent }

// Pages returns ErrAbsent.
func (*Log) Pages(context.Context, func(string, []byte) error) error { return ErrAbsent }

// Reseal returns ErrAbsent.
func (*Log) Reseal(context.Context) (plain uint64, err error) { return 0, ErrAbsent }

// Records are none.
func (*Log) Records() Records { return nil }

// Objects returns ErrAbsent.
func (*Conn) Objects(context.Context, string, ObjectsOptions) (*Objects, error) {
	return nil, ErrAbsent
}

// Objects are not there: Conn.Objects says so.
type Objects struct{}

// Put returns ErrAbsent.
func (*Objects) Put(context.Context, string, io.Reader) error { return ErrAbsent }

// Get returns ErrAbsent.
func (*Objects) Get(context.Context, string) (io.ReadCloser, error) { return nil, ErrAbsent }

// Delete returns ErrAbsent.
func (*Objects) Delete(context.Context, string) error { return ErrAbsent }

// Keys returns ErrAbsent.
func (*Objects) Keys(context.Context, func(string, int64) error) error { return ErrAbsent }

// Sweep returns ErrAbsent.
func (*Objects) Sweep(context.Context) error { return ErrAbsent }

// Reseal returns ErrAbsent.
func (*Objects) Reseal(context.Context) error { return ErrAbsent }

// IsAddress is false.
func IsAddress(string) bool { return false }

// Reachable is nothing.
func Reachable(string) []string { return nil }
