package bus

import (
	"errors"

	"freshet/internal/filelock"
)

// What callers branch on.
var (
	// ErrAbsent: this program was built without NATS.
	ErrAbsent = errors.New("this program was built without NATS (tag nonats)")
	// ErrFenced: somebody else has written since; who gets it is not the writer any more.
	ErrFenced = errors.New("somebody else has written meanwhile")
	// ErrUnclear: whether it was done is not known. Append the same entry
	// behind the same number again, by the same [Log]: if it is there already
	// its number comes back, and it is not written twice.
	ErrUnclear = errors.New("the outcome is not known")
	// ErrTooLarge: more than MaxEntry bytes, or than the server takes.
	ErrTooLarge = errors.New("too large")
	// ErrFull: the folder's or the log's bound is reached.
	ErrFull = errors.New("no room left")
	// ErrNoStore: nobody keeps streams here: Options.NoStore, or a cluster
	// elsewhere without JetStream, or whose JetStream is not up now.
	ErrNoStore = errors.New("no streams are kept here")
	// ErrBroken: the server could not write a file, and writes nothing more
	// until it is started anew. See [Server.Broken].
	ErrBroken = errors.New("the server cannot write")
	// ErrDamaged: entries in the middle of a log are missing, or something is not what
	// was put there, and sealed.
	ErrDamaged = errors.New("entries are missing")
	// ErrLocked: another process uses the folder.
	ErrLocked = filelock.ErrLocked
	// ErrNobody: nobody serves this subject now.
	ErrNobody = errors.New("nobody serves this")
	// ErrDenied: a worker's connection may not do this.
	ErrDenied = errors.New("a worker may not do this")
	// ErrToken: what was given is none.
	ErrToken = errors.New("this is no token, or it is not whole")
	// ErrRefused: the server does not know this token (any more), or it has expired.
	ErrRefused = errors.New("the token is not valid, or not any more")
	// ErrStranger: the server is not the one that made the token.
	ErrStranger = errors.New("this server did not make the token")
	// ErrCut: the connection was lost; it is made anew meanwhile.
	ErrCut = errors.New("the connection was lost")
	// ErrClosed: the connection or the server was closed.
	ErrClosed = errors.New("closed")
	// ErrPeerFolder: a peer's folder is not its own.
	ErrPeerFolder = errors.New("a peer's folder is its own; give this one another")
	// ErrName: a name or subject is not written as it must be.
	ErrName = errors.New("not a name")
	// ErrTaken: the name has a token that is valid.
	ErrTaken = errors.New("there is a token for this name")
	// ErrNotFound: there is no such stream, message or node.
	ErrNotFound = errors.New("not found")
)

// Codes of an [Error] that the bus itself sends.
const (
	CodeFailed = "failed"  // the handler's error had no code of its own
	CodeBusy   = "busy"    // as many requests as are served at once are being served
	CodeTooBig = "too-big" // the answer is longer than MaxEntry
	CodeEnded  = "ended"   // who served it has stopped
)

// Error is what a handler of [Conn.Serve] returned, as the caller of
// [Conn.Call] sees it. A handler that returns one chooses its code.
type Error struct {
	Code string // a short word for programs
	Text string // a sentence for people
}

// Error is the text.
func (e *Error) Error() string {
	if e.Text == "" {
		return e.Code
	}
	return e.Text
}
