package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"freshet/internal/child"
	"freshet/jobs"
)

// Defaults and bounds of Options.
const (
	DefaultGrace           = 10 * time.Second
	DefaultDrain           = 30 * time.Second
	DefaultTell            = 30 * time.Second
	DefaultPath            = "/usr/local/bin:/usr/bin:/bin"
	DefaultMaxLog          = 10 << 20
	DefaultMaxOutputs      = 1000
	DefaultMaxOutputSize   = 4 << 30
	DefaultMaxInputSize    = 16 << 30
	DefaultQuarantineAfter = 3
	DefaultQuarantine      = 30 * time.Second
	MaxCapacity            = 4096
)

// Queue is what a worker needs of a jobs.Queue.
type Queue interface {
	Claim(context.Context, jobs.Worker) (*jobs.Task, error)
	Beat(context.Context, jobs.Lease, jobs.Progress) error
	Finish(context.Context, jobs.Lease, jobs.Result) error
}

// LogSink keeps what tasks print.
type LogSink interface {
	// Append adds lines to the log of an attempt. Calls for one lease come one
	// after the other; after an error the same lines come again. It must not
	// keep the slice, but may keep the texts in it. Who prints does not wait for
	// it; the end of an attempt does, up to ten seconds if it fails.
	Append(ctx context.Context, l jobs.Lease, lines []Line) error
}

// FileStore has the files that tasks need, and keeps those that they make.
type FileStore interface {
	// Open returns the content of a file of a job. What it has is compared
	// with the digest and the size; when it is another one, and has a method
	// Wrong(), that is called. An error that wraps ErrInput says that asking
	// again, or elsewhere, is of no use.
	Open(ctx context.Context, l jobs.Lease, f jobs.File) (io.ReadCloser, error)
	// Store keeps what a task made; it is called again after an error, but for one
	// that wraps jobs.ErrFull: then the task has failed. CheckOutput permits its name.
	Store(ctx context.Context, l jobs.Lease, name string, size int64, content io.Reader) error
}

// Kind is a kind of task that needs no program. It must return when its context
// ends; the cause says why (jobs.ErrCancelled, jobs.ErrPreempted, jobs.ErrLost,
// ErrTimeout, ErrStopped). A panic is a failure of the task.
type Kind = func(ctx context.Context, t *jobs.Task, r Reporter) jobs.Result

// Options say what a worker runs, as whom, and within which bounds. Only Queue
// is required.
type Options struct {
	// Queue is where tasks come from.
	Queue Queue
	// Node is the worker's name. Default: the host's.
	Node string
	// Pools are those of which tasks are claimed; none: all.
	Pools []string
	// Version of the program, for those who look at workers.
	Version string
	// Labels say what the worker offers; tasks name what they need.
	Labels map[string]string
	// Capacity is how many tasks run at a time. Default: a processor each; at
	// most 4096.
	Capacity int
	// Dir is where working folders are made. It and those above it must belong
	// to root or to us, and nobody else may be able to change them (a sticky
	// one like /tmp will do). It is made if need be. Each worker has a folder of
	// its own in it, and removes those of workers that were killed (but on
	// Windows). Default: a new one in the system's folder for temporary files,
	// which Close removes.
	Dir string
	// Dirs are folders that jobs may name to work in (Spec.Dir), with all that
	// is in them. Default: none, so that such jobs are refused.
	Dirs []string
	// User is who programs run as. Default: nobody when we are root, else who
	// we are. Only root can choose, and not root.
	User string
	// Path is where programs are looked for. Default: DefaultPath.
	Path string
	// Limits of each program.
	Limits child.Limits
	// NoNetwork and Cgroup are those of child.Options.
	NoNetwork bool
	Cgroup    string
	// Grace is the time between TERM and KILL. Default 10 s.
	Grace time.Duration
	// Drain is how long programs may go on when Run's context has ended. Then
	// they are ended, and their tasks given back. Default 30 s; negative: none.
	Drain time.Duration
	// Tell is how long results are offered to a queue that cannot be reached,
	// once programs were ended because Run's context did. Default 30 s.
	Tell time.Duration
	// Logs gets what programs print; nil: only the last 4 KiB are kept, in the
	// result.
	Logs LogSink
	// MaxLog bounds what Logs gets of an attempt, in bytes; each line counts 64
	// more. Of longer output the first three quarters and the last quarter are
	// kept, and a line between them says what is left out. While Logs cannot
	// take it, that much is kept in memory. Default 10 MiB.
	MaxLog int
	// Files has inputs and takes outputs; nil: tasks with either are given back.
	Files FileStore
	// MaxInputSize bounds the sum of a task's inputs in bytes (default 16 GiB);
	// a task with more is refused. MaxOutputs (default 1000) and MaxOutputSize
	// (bytes, default 4 GiB) bound what a task may make; with more it fails.
	MaxInputSize  int64
	MaxOutputs    int
	MaxOutputSize int64
	// Kinds are kinds of tasks that are functions (Spec.Kind). They count for
	// Capacity as others do.
	Kinds map[string]Kind
	// QuarantineAfter is after how many tasks in a row that could not be
	// started by our fault the worker claims no more for a while. Default 3.
	QuarantineAfter int
	// Quarantine is that while; it doubles each time, up to 64 of them, until a
	// task could be started. Default 30 s.
	Quarantine time.Duration
	// ErrorLog hears of what is wrong with the worker and its queue; nil:
	// slog.Default.
	ErrorLog *slog.Logger
	// Clock tells the time that lines of output get; nil: time.Now.
	Clock func() time.Time
}

// check fills in defaults and returns all faults at once.
func (o *Options) check() error {
	var faults []error
	if o.Queue == nil {
		faults = append(faults, errors.New("queue: there is none"))
	}
	if o.Node == "" {
		o.Node, _ = os.Hostname()
	}
	o.Capacity = either(o.Capacity, runtime.GOMAXPROCS(0))
	if o.Capacity < 1 || o.Capacity > MaxCapacity {
		faults = append(faults, fmt.Errorf("capacity: %d is not between 1 and %d", o.Capacity, MaxCapacity))
	}
	o.Path = either(o.Path, DefaultPath)
	o.Grace = either(o.Grace, DefaultGrace)
	o.Drain = either(o.Drain, DefaultDrain)
	o.Tell = either(o.Tell, DefaultTell)
	o.MaxLog = either(o.MaxLog, DefaultMaxLog)
	o.MaxInputSize = either(o.MaxInputSize, DefaultMaxInputSize)
	o.MaxOutputs = either(o.MaxOutputs, DefaultMaxOutputs)
	o.MaxOutputSize = either(o.MaxOutputSize, DefaultMaxOutputSize)
	o.QuarantineAfter = either(o.QuarantineAfter, DefaultQuarantineAfter)
	o.Quarantine = either(o.Quarantine, DefaultQuarantine)
	if o.Grace < 0 || o.Tell < 0 || o.MaxLog < 0 || o.MaxInputSize < 0 || o.MaxOutputs < 0 || o.MaxOutputSize < 0 || o.QuarantineAfter < 0 || o.Quarantine < 0 {
		faults = append(faults, errors.New("grace, tell, bounds, quarantine: less than nothing"))
	}
	for _, dir := range append([]string{o.Dir}, o.Dirs...) {
		if dir != "" && !filepath.IsAbs(dir) {
			faults = append(faults, fmt.Errorf("folders: %q is not an absolute path", dir))
		}
	}
	for name, f := range o.Kinds {
		if name == "" || f == nil {
			faults = append(faults, fmt.Errorf("kinds: %q has no name or no function", name))
		}
	}
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return errors.Join(faults...)
}

// either is v, or the default when v is zero.
func either[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
