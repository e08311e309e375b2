package fastcgi

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Defaults of Workers.
const (
	DefaultWorkers    = 4
	DefaultWorkerIdle = 60 * time.Second
	DefaultBackoff    = 100 * time.Millisecond
	maxBackoff        = 30 * time.Second
	maxWorkers        = 1024
)

// Workers are processes of a backend that the handler starts itself. Each gets
// a listening Unix socket of its own as descriptor 0 (FCGI_LISTENSOCK_FILENO),
// and one request at a time; a program that forks serves no more by that.
//
// A worker that ends is started again: at once when it lived for a second and
// more, else after a pause that doubles, up to 30 s, and is short again once
// one has lived.
//
// A worker whose request was given up (its client has gone, its time was over)
// is ended, too: nobody can tell when it would take the next.
type Workers struct {
	// Command is the program, with an absolute path, and its arguments.
	Command []string
	// Min is how many run always. Default 1.
	Min int
	// Max is how many run when requests wait. Default 4, at least Min, at most 1024.
	Max int
	// Idle is how long a worker above Min is kept without a request. Default 60 s.
	Idle time.Duration
	// User is who they run as. Default: who we are, which must not be root.
	User string
	// Env is their whole environment, "NAME=value". PATH is set when Env does
	// not; nothing is inherited.
	Env []string
	// Dir is their working directory. Default: that of Options.Root, else ours.
	Dir string
	// Memory (octets), CPU, Processes, Files bound each worker, as
	// in RLIMIT_AS, RLIMIT_CPU, RLIMIT_NPROC and RLIMIT_NOFILE. Zero: no bound.
	Memory    int64
	CPU       time.Duration
	Processes int
	Files     int
	// Backoff is the first pause before a worker is started again that ended at
	// once. Default 100 ms.
	Backoff time.Duration
	// Grace is how long a worker has to end before it is killed. Default 2 s.
	Grace time.Duration
}

func (w *Workers) check() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(w.Command) == 0 || !filepath.IsAbs(w.Command[0]) {
		faults = append(faults, errors.New("workers: the command is not an absolute path"))
	}
	if w.Min < 0 || w.Max < 0 || w.Idle < 0 || w.Backoff < 0 || w.Grace < 0 {
		faults = append(faults, errors.New("workers: a limit is negative"))
	}
	if w.Min == 0 {
		w.Min = 1
	}
	if w.Max == 0 {
		w.Max = max(DefaultWorkers, w.Min)
	}
	if w.Max < w.Min || w.Max > maxWorkers {
		fault("workers: at most %d, at least %d, and never more than %d", w.Max, w.Min, maxWorkers)
	}
	if w.Idle == 0 {
		w.Idle = DefaultWorkerIdle
	}
	if w.Backoff == 0 {
		w.Backoff = DefaultBackoff
	}
	for _, e := range w.Env {
		if !strings.Contains(e, "=") {
			fault("workers: env %q is not NAME=value", e)
		}
	}
	return faults
}
