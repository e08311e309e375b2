package bus

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"freshet/internal/atrest"
)

// Bounds and defaults.
const (
	// MaxEntry is how long an entry, a page, a request, an answer or a hint
	// may be, in bytes; a cluster elsewhere may take less. What is longer is
	// refused with ErrTooLarge before it is sent.
	MaxEntry = 1 << 20
	// DefaultMaxStore is the default of Options.MaxStore.
	DefaultMaxStore = 1 << 30
	// DefaultParallel is the default of ServeOptions.Parallel.
	DefaultParallel = 1024
	// DefaultTimeout bounds what is done without a deadline in its context,
	// except Lead, which waits for its turn.
	DefaultTimeout = 10 * time.Second
)

// Options are those of an embedded server.
type Options struct {
	// Dir is the server's folder, created with mode 0700 if it is missing.
	// One process at a time may use it: ErrLocked. With NoStore and Records
	// nothing is kept there, and it may be "".
	Dir string
	// NoStore: no streams are kept. Nodes may join, requests and hints are
	// carried; Log, Lead and what else needs a stream returns ErrNoStore.
	NoStore bool
	// Records is where the server's key, and who has a token, are kept; nil: in
	// files of Dir. Several servers, one after the other, that have the same
	// records are one to their nodes: a token of one is good at each.
	Records Records
	// MaxStore bounds what is kept there, in bytes; 0: DefaultMaxStore.
	// When it is reached, Append and PutPage return ErrFull.
	MaxStore int64
	// Seal are the keys by which what is in Dir is sealed; nil: it is not. A folder
	// that is sealed is refused without keys, and with keys one that is not, unless it is empty; see
	// [SealFolder]. What connections of this process put into logs, pages and
	// objects is sealed as well, before NATS gets it.
	Seal *atrest.Ring
	// Name is the server's name; "": "freshet".
	Name string
	// Log gets what the server says; nil: nobody. What NATS calls a notice is
	// logged as debug.
	Log *slog.Logger
}

// Records keep small contents by name, somewhere. A server calls one method at
// a time. Names that it does not know it leaves alone.
type Records interface {
	// Load calls f with each record, once. An error of f ends it and is returned.
	Load(f func(name string, content []byte) error) error
	// Store keeps a record, durable on return, in place of the one that had its
	// name; empty content removes that. ErrFenced: another writes them now.
	Store(name string, content []byte) error
}

// ConnectOptions are those of a connection to a cluster elsewhere.
type ConnectOptions struct {
	// URL is one address or several with commas (nats://host:4222, tls://…).
	URL string
	// Name is this node's name: letters, digits, - and _, at most 64.
	Name string
	// Creds is a file of credentials (JWT and seed), as nsc makes; "": none.
	Creds string
	// User and Password, or Token, are for servers that ask for those.
	User, Password, Token string
	// TLS, if not nil, makes TLS necessary.
	TLS *tls.Config
	// Replicas is on how many servers of the cluster things are kept, 1 or 3;
	// 0: 1. It is applied to what is made for the first time.
	Replicas int
	// Seal are the keys by which what is put into logs, pages and objects is
	// sealed before the cluster gets it; nil: it is not. All who open them have the
	// same keys: what is sealed is refused without. What was plain before is read
	// until it is sealed, too; see [Log.Reseal].
	Seal *atrest.Ring
	// Log gets what happens to the connection; nil: nobody.
	Log *slog.Logger
}

// LogOptions are those of a log.
type LogOptions struct {
	// Replicas is on how many servers of a cluster entries are kept, 1 or 3;
	// 0: the connection's. It is applied when the log is made for the first time.
	Replicas int
	// MaxBytes bounds the entries, as they are stored; 0: only the server's bound counts.
	MaxBytes int64
}

// ObjectsOptions are those of [Conn.Objects].
type ObjectsOptions struct {
	// Replicas is on how many servers of a cluster objects are kept, 1 or 3;
	// 0: the connection's. It is applied when they are made for the first time.
	Replicas int
	// MaxBytes bounds them all, with what is kept beside each; 0: only the
	// server's bound counts. When it is reached, Put returns ErrFull.
	MaxBytes int64
}

// ServeOptions are those of [Conn.ServeWith].
type ServeOptions struct {
	// Parallel is how many requests are served at once; 0: DefaultParallel.
	// Further ones are answered with CodeBusy at once; none waits.
	Parallel int
	// PerCaller is how many of them may be one caller's; 0: 64.
	PerCaller int
	// Shared: of several connections that serve the subject with Shared, one
	// gets each request. Without, each of them does, and the first answer counts.
	Shared bool
}

// Request is what a handler gets.
type Request struct {
	Subject string // as given to Call
	From    string // the name of the caller's connection; with a worker's token it cannot be another's
	Payload []byte
}

// Hint is a message that may get lost.
type Hint struct {
	Subject string
	Payload []byte
}

// Handler answers a request. Its context ends when the caller has stopped
// waiting, when serving is stopped, and with the connection.
type Handler func(ctx context.Context, r Request) ([]byte, error)
