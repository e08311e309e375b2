package cgi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"freshet/internal/gateway"
)

// Options say which programs a [Handler] runs and how. The zero value of every
// field but Dir is its default.
type Options struct {
	// Dir is the folder of the programs. It must exist.
	Dir string
	// Prefix is the URL path at which Dir is: "" or "/cgi-bin".
	Prefix string
	// Folders are URL paths below Prefix in which every file is a program, and
	// nothing is ever sent as a file; "/" is all of Dir. Compared without case.
	// Default, without Extensions: "/".
	Folders []string
	// Extensions, such as ".py", are those of files that are programs wherever
	// they are below Dir. Compared without case.
	Extensions []string
	// Index are the names that are tried for a folder, as far as they are
	// programs. Default none.
	Index []string
	// DocumentRoot is what programs get as DOCUMENT_ROOT, and what
	// PATH_TRANSLATED begins with. Default Dir.
	DocumentRoot string

	// User is who programs run as: a name or a number. Default "nobody" when we
	// are root, else who we are. Root is refused.
	User string
	// Env are further variables: "NAME" passes on the server's own, if it has
	// one, "NAME=value" sets one. PATH, LANG, LC_*, TZ and REDIRECT_STATUS are there without
	// being named. Variables that speak of the request, HTTP_PROXY among them,
	// are refused.
	Env []string
	// PassAuthorization tells programs the client's credentials in
	// HTTP_AUTHORIZATION, for those that check them themselves.
	PassAuthorization bool

	// Trusted are the networks of the proxies in front: their Forwarded,
	// X-Real-IP and X-Forwarded-… fields are passed on, those of others are not.
	// Default none.
	Trusted []netip.Prefix

	// Timeout is a program's time from its start to its end. Default 60 s;
	// negative means no limit. Then: it is ended; 504, or the answer is cut.
	Timeout time.Duration
	// Grace is the time between TERM and KILL. Default 2 s.
	Grace time.Duration

	// Running is how many programs run at once. Default 32. Half of them, and at
	// least one, may be those whose bodies are copied as they come: clients that
	// send slowly do not keep all turns.
	Running int
	// Queue is how many requests wait for a turn. Default 128; negative means
	// none. Then: 503 with Retry-After.
	Queue int
	// QueueTime is how long each waits. Default 10 s. Then: 503 with Retry-After.
	QueueTime time.Duration

	// MaxOutput bounds the body of an answer, in bytes. Default 1 GiB;
	// negative means no limit. Then: the program is ended and the answer cut.
	MaxOutput int64
	// MaxHead bounds the fields that an answer begins with, in bytes. Default
	// 32 KiB, at most 64 KiB. Then: 502.
	MaxHead int
	// SpoolMemory is how many bytes of a body of unknown length are kept in
	// memory; beyond it is a file. Default 64 KiB.
	SpoolMemory int64
	// MaxSpool bounds a body of unknown length, in bytes. Default 256 MiB. Then: 413.
	// All of them together may have four times as much; then: 503. It bounds what
	// is kept in a file of an answer for a client that reads slowly, too, those
	// together to twice as much; then: the program waits for the client.
	MaxSpool int64
	// SpoolDir is where those files are; they have no names there. Default
	// os.TempDir. When it is full: 503 for bodies, and programs wait for clients.
	SpoolDir string

	// Limits of each program, beside Timeout.
	Limits Limits
	// NoNetwork keeps programs from the network.
	NoNetwork bool
	// Landlock lets programs read Dir, DocumentRoot and what programs are made
	// of (/usr, /lib, /etc, /proc, …), write Writable, and nothing else. There
	// is no private folder for temporary files: TMPDIR is the first of Writable.
	Landlock bool
	// Writable are the folders that programs may write with Landlock.
	Writable []string
	// Cgroup is where each program gets a cgroup (v2) of its own: "" or "off",
	// "auto", or a directory.
	Cgroup string
	// AllowWritable runs programs that others than their owner may change.
	AllowWritable bool

	// Redirects answers the requests that local redirects of programs lead to.
	// Default the Handler itself.
	Redirects http.Handler
	// Next answers requests that are for no program. Default: 404.
	Next http.Handler

	// Software is SERVER_SOFTWARE. Default "freshet".
	Software string
	// ErrorLog is told what programs say on their standard error, and how they
	// fail. Default slog.Default().
	ErrorLog *slog.Logger
}

// Limits bound each program. A program that reaches one sees what the system
// does: memory that is refused, forks and opens that fail, signals. Zero means
// the default, negative no limit. Only Linux has them: elsewhere there are no
// defaults, and New refuses a limit.
type Limits struct {
	// Memory is the address space of each process, in bytes; with a cgroup
	// that can, what all processes of a program use together. Default 1 GiB.
	Memory int64
	// CPU is the processor time of each process. Default Options.Timeout.
	CPU time.Duration
	// Processes is how many processes and threads the programs' user may have,
	// all programs and whatever else it runs together; with a cgroup that can, how many a program
	// may have. Default 256, or eight for each of Options.Running if that is
	// more; no limit when programs run as the server's own user.
	Processes int
	// Files is how many descriptors each process may have. Default 256.
	Files int
	// FileSize is how large a file may be written, in bytes. Default 1 GiB.
	FileSize int64
}

// Defaults of Options and Limits.
const (
	maxHead          = 64 << 10
	defaultTimeout   = 60 * time.Second
	defaultMaxOutput = 1 << 30
	defaultMemory    = 1 << 30
	defaultFiles     = 256
	defaultFileSize  = 1 << 30
	leastProcesses   = 256
	processesEach    = 8
	defaultRunning   = gateway.DefaultRunning
)
