package child

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"time"
)

// Defaults and bounds of Options.
const (
	DefaultSlots = 64
	MaxSlots     = 1 << 14
	DefaultGrace = 2 * time.Second
)

// Errors that callers tell apart.
var (
	// ErrRoot is why New refuses to start programs as the superuser.
	ErrRoot = errors.New("programs would run as root: name another user")
	// ErrBusy is why Start refuses a child beyond Options.Slots.
	ErrBusy = errors.New("as many programs run as there are slots")
	// ErrLimits is why New refuses limits on processors other than amd64 and
	// arm64, for which nobody has written how a program sets its own.
	ErrLimits = errors.New("limits on memory, processor time, … of programs cannot be set on this processor")
	// ErrClosed is why Start refuses after Close.
	ErrClosed = errors.New("the spawner is closed")
)

// Options say what a Spawner starts programs as, and within which bounds. The
// zero value starts them as we are, without limits, unless we are root.
type Options struct {
	// User is who programs run as; nil: who we are. Only root can choose.
	// New refuses root as the user with ErrRoot.
	User *User
	// AllowRoot lets New accept root as the user, and lets set-user-ID
	// programs gain privileges when we are root: for workers that drop
	// privileges themselves.
	AllowRoot bool
	// Limits of each program.
	Limits Limits
	// NoNetwork starts programs in a network namespace without interfaces.
	// That needs privilege; without it Landlock rules (ABI 4, Linux 6.7)
	// refuse TCP: UDP, Unix and raw sockets are then as before. New fails
	// when neither can be had.
	NoNetwork bool
	// Landlock says which files programs may use; nil: what their user may.
	// New fails when the kernel cannot.
	Landlock *Landlock
	// Cgroup is where each child gets a cgroup (v2) of its own: "" or "off":
	// nowhere; "auto": below our own, where that may be done; else a
	// directory below which it must be possible. Where the controllers for
	// memory and pids can be enabled, they do the work of Limits.Memory and
	// Limits.Processes; the kernel refuses that where processes are in the
	// directory itself, as we are in our own: then a child's group holds it
	// together, and nothing else changes.
	Cgroup string
	// Slots is how many children there are at most; then Start says ErrBusy.
	// Default 64, at most 16384.
	Slots int
	// Grace is the time between TERM and KILL. Default 2 s.
	Grace time.Duration
	// ErrorLog hears of what could not be ended; nil: slog.Default.
	ErrorLog *slog.Logger
}

// Limits of one program; zero: none. A program that reaches one sees what the
// system does: memory that is refused, SIGXCPU and a second later SIGKILL,
// forks and opens that fail, SIGXFSZ. With any limit there are no core files.
type Limits struct {
	// Memory is the address space of each process in bytes (RLIMIT_AS); with
	// a cgroup controller what all processes of a child use together.
	Memory int64
	// CPU is the time of each process, rounded up to seconds (RLIMIT_CPU).
	CPU time.Duration
	// Processes is how many processes and threads the user may have, all
	// programs of this user together (RLIMIT_NPROC; root is exempt); with a
	// cgroup controller how many a child may have.
	Processes int
	// Files is how many descriptors each process may have (RLIMIT_NOFILE).
	Files int
	// FileSize is how large a file may be written, in bytes (RLIMIT_FSIZE).
	FileSize int64
}

// Landlock lists what programs may use of the file system; the rest is
// refused to them, whoever they are. Paths must exist. /dev/null may always be
// written, /dev/zero, /dev/full, /dev/random and /dev/urandom be read.
type Landlock struct {
	// Read are files, and directories below which programs may read, list
	// and execute. What programs are made of (/usr, /lib) belongs here.
	Read []string
	// Write are those below which they may also write, make and remove.
	Write []string
}

// check fills in defaults and returns all faults at once.
func (o *Options) check() error {
	var faults []error
	if o.Slots == 0 {
		o.Slots = DefaultSlots
	}
	if o.Slots < 0 || o.Slots > MaxSlots {
		faults = append(faults, fmt.Errorf("slots: %d is not between 1 and %d", o.Slots, MaxSlots))
	}
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	if o.Grace < 0 {
		faults = append(faults, errors.New("grace: less than nothing"))
	}
	if l := o.Limits; l.Memory < 0 || l.CPU < 0 || l.Processes < 0 || l.Processes > math.MaxInt32 || l.Files < 0 || l.Files > math.MaxInt32 || l.FileSize < 0 {
		faults = append(faults, errors.New("limits: less than nothing, or too much"))
	}
	if l := o.Landlock; l != nil {
		for _, path := range append(append([]string(nil), l.Read...), l.Write...) {
			if !filepath.IsAbs(path) {
				faults = append(faults, fmt.Errorf("landlock: %q is not an absolute path", path))
			}
		}
	}
	if o.Cgroup != "" && o.Cgroup != "off" && o.Cgroup != "auto" && !filepath.IsAbs(o.Cgroup) {
		faults = append(faults, fmt.Errorf("cgroup: %q is neither off, auto nor an absolute path", o.Cgroup))
	}
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	return errors.Join(faults...)
}

// any says whether there is a limit at all.
func (l Limits) any() bool { return l != Limits{} }

// seconds is the limit of CPU time in the unit of RLIMIT_CPU.
func (l Limits) seconds() uint64 {
	return uint64((l.CPU + time.Second - 1) / time.Second)
}
