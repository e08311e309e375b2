package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a queue answers when it does not do what it was asked for; errors of a
// Queue wrap them, also those of a client over a network.
var (
	ErrFenced    = errors.New("another scheduler writes the log")
	ErrLost      = errors.New("the task is not this worker's any more")
	ErrCancelled = errors.New("the task was cancelled")
	ErrPreempted = errors.New("the task is to be given back: another one goes first")
	ErrUnknown   = errors.New("no such job")
	ErrFull      = errors.New("a bound of the queue is reached")
	ErrClosed    = errors.New("the scheduler is closed")
	ErrSpec      = errors.New("the job cannot be accepted")
)

// ID names a job: nine characters, in the order in which jobs were submitted,
// unique over all jobs of a queue, forgotten ones too.
type ID string

// State is what has become of a job or of a task.
type State uint8

// A job is Queued until a task of it has run, Running until all of its tasks
// are in a final state, and then in the worst of their states: Dead, Failed,
// Cancelled, Succeeded.
const (
	Queued    State = iota // waits: for its turn, a delay, another job, or because it is paused
	Running                // a worker has it
	Succeeded              // its program ended with status 0
	Failed                 // its program did not, or what it comes after did not succeed, and no attempt is left
	Cancelled              // by somebody
	Dead                   // there is no result: workers were lost or could not start it, as often as is allowed
	states
)

var stateNames = [states]string{"queued", "running", "succeeded", "failed", "cancelled", "dead"}

// String is the state's name in lower case.
func (s State) String() string {
	if s < states {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Final says whether nothing happens any more unless somebody asks for it.
func (s State) Final() bool { return s >= Succeeded && s < states }

// MarshalText writes the name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name.
func (s *State) UnmarshalText(text []byte) error {
	for i, name := range stateNames {
		if string(text) == name {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("no state is called %q", text)
}

// Worker is who asks for tasks. Node is its name, unique among workers; a
// worker that comes back under the same name is the same one.
type Worker struct {
	Node     string            `json:"node"`
	Pools    []string          `json:"pools,omitempty"`    // takes tasks of these pools only; none: of all
	Labels   map[string]string `json:"labels,omitempty"`   // what it has, for Spec.Needs
	Kinds    []string          `json:"kinds,omitempty"`    // takes tasks of these built-in kinds (Spec.Kind), and programs
	Capacity int               `json:"capacity,omitempty"` // tasks at once, for the page; the worker keeps to it
	Version  string            `json:"version,omitempty"`
	Note     string            `json:"note,omitempty"` // what it says about itself: draining, quarantined and why
}

// Lease is the right to run a task once. Token grows with every claim of the
// queue: of two leases for one task, that with the larger token is valid.
type Lease struct {
	Job     ID     `json:"job"`
	Task    int64  `json:"task"`    // the number in the array (the frame); 0 for a job without one
	Attempt int    `json:"attempt"` // from 1; runs that were lost count too
	Token   uint64 `json:"token"`
}

// Task is what a worker gets to run.
type Task struct {
	Lease
	Spec    Spec          `json:"spec"`
	Expires time.Duration `json:"expires"` // the lease, from now; a Beat begins it anew
}

// Progress is what a program says while it runs.
type Progress struct {
	Fraction float64 `json:"fraction"`          // of the task: 0 to 1
	Message  string  `json:"message,omitempty"` // one line, at most 256 bytes
}

// Usage is what a run has cost.
type Usage struct {
	CPU    time.Duration `json:"cpu,omitempty"`  // user and system
	Wall   time.Duration `json:"wall,omitempty"` // from start to end
	MaxRSS int64         `json:"max_rss,omitempty"`
}

// Result is how a run ended. It succeeded when Exit is 0, Signal and Reason
// are empty, and it was not lost.
type Result struct {
	Exit   int    `json:"exit"`
	Signal string `json:"signal,omitempty"` // that ended it, as "SIGKILL"
	Reason string `json:"reason,omitempty"` // why it failed if not by its status: "timed out after 10m"
	Lost   bool   `json:"lost,omitempty"`   // nothing ran, or it was interrupted by its worker: queued again, no attempt is used up
	Usage  Usage  `json:"usage,omitzero"`
	Output []byte `json:"output,omitempty"` // the end of what it wrote; 1 KiB is kept
}

// OK says whether the run succeeded.
func (r Result) OK() bool { return r.Exit == 0 && r.Signal == "" && r.Reason == "" && !r.Lost }

// Counts are numbers of tasks, by state.
type Counts [states]int64

// Of is the number of tasks in a state.
func (c Counts) Of(s State) int64 {
	if s < states {
		return c[s]
	}
	return 0
}

// Total is the number of all tasks.
func (c Counts) Total() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// Info is what a queue knows of a job.
type Info struct {
	ID        ID        `json:"id"`
	Spec      Spec      `json:"spec"`
	State     State     `json:"state"`
	Counts    Counts    `json:"counts"` // queued, running, succeeded, failed, cancelled, dead
	Submitted time.Time `json:"submitted"`
	Started   time.Time `json:"started,omitzero"` // the first task of it
	Ended     time.Time `json:"ended,omitzero"`   // the last one
	Paused    bool      `json:"paused,omitempty"`
	Waits     string    `json:"waits,omitempty"`  // why no task of it is claimed, if it is known
	Reason    string    `json:"reason,omitempty"` // why it failed, was cancelled, is dead
	Fraction  float64   `json:"fraction"`         // of all tasks, with the progress of those that run

	// Left is an estimate of how long it still takes, from how long its tasks
	// took that succeeded, and how many run at once; 0: nothing is known to tell by.
	Left time.Duration `json:"left,omitempty"`
	// Followers are jobs that come after this one, 100 of them at most; told by
	// Queue.Job alone.
	Followers []ID `json:"followers,omitempty"`
}

// TaskInfo is what a queue knows of a task.
type TaskInfo struct {
	Task     int64     `json:"task"`
	State    State     `json:"state"`
	Attempt  int       `json:"attempt,omitempty"` // how often it was claimed
	Worker   string    `json:"worker,omitempty"`  // the latest
	Queued   time.Time `json:"queued,omitzero"`   // not before: a retry that waits
	Started  time.Time `json:"started,omitzero"`  // the latest run
	Ended    time.Time `json:"ended,omitzero"`    //
	Progress Progress  `json:"progress,omitzero"` // of a run that goes on
	Result   *Result   `json:"result,omitempty"`  // of the latest run that ended; Output is kept of some that failed
	Ending   bool      `json:"ending,omitempty"`  // cancelled, and its worker does not say yet that it has ended
	// Preempted is the job for which it is to be given back; its worker does not
	// say yet that it has ended.
	Preempted ID `json:"preempted_by,omitempty"`
}

// WorkerInfo is what a scheduler knows of a worker; it is remembered in memory
// only, an hour beyond its last sign.
type WorkerInfo struct {
	Worker
	Seen     time.Time `json:"seen"`
	Waiting  int       `json:"waiting"` // claims that wait for a task
	Running  []Lease   `json:"running,omitempty"`
	Finished int64     `json:"finished"` // since the scheduler started
	Lost     int64     `json:"lost"`
}

// Filter says which jobs to list. Zero fields do not restrict.
type Filter struct {
	States []State `json:"states,omitempty"`
	Owner  string  `json:"owner,omitempty"`
	Pool   string  `json:"pool,omitempty"`
	Kind   string  `json:"kind,omitempty"`
	Name   string  `json:"name,omitempty"`   // a part of the name
	After  ID      `json:"after,omitempty"`  // begin behind this one
	Oldest bool    `json:"oldest,omitempty"` // the oldest first, not the latest
	N      int     `json:"n,omitempty"`      // how many at most; default 100, at most 1000

	// Changed leaves out what has not changed since then.
	Changed time.Time `json:"changed,omitzero"`
	// Waiting is for jobs that wait to be run alone: no task of theirs was claimed,
	// and they are not paused, no template, and come after no other job.
	Waiting bool `json:"waiting,omitempty"`
}

// Page is a part of a list of jobs.
type Page struct {
	Jobs  []Info `json:"jobs"`
	Next  ID     `json:"next,omitempty"` // Filter.After for what follows; empty: nothing does
	Total int    `json:"total"`          // jobs in the queue, whatever the filter
	By    Counts `json:"by"`             // of them, by state
	// Pools are those that have a limit, by name, 1,000 at most.
	Pools []PoolUse `json:"pools,omitempty"`
}

// TaskFilter says which tasks of a job to list. Zero fields do not restrict.
type TaskFilter struct {
	States []State `json:"states,omitempty"`
	Begin  int64   `json:"begin,omitempty"` // only tasks from this position in the array on
	End    int64   `json:"end,omitempty"`   // and before this one; 0: all
	From   int64   `json:"from,omitempty"`  // how many tasks that match to leave out
	N      int     `json:"n,omitempty"`     // how many at most; default 100, at most 1000
}

// Queue is a [Scheduler], or a client of one over a network. All methods may
// be called at the same time. An error that is none of this package's says
// that it is not known whether what was asked for has happened.
type Queue interface {
	// Submit adds jobs, all or none. A Spec that fails Check: ErrSpec.
	Submit(ctx context.Context, specs ...Spec) ([]ID, error)

	// Claim waits until there is a task for the worker, and gives it a lease.
	Claim(ctx context.Context, w Worker) (*Task, error)
	// Beat renews a lease and says how far the task is. ErrLost: it is not
	// yours any more; ErrCancelled: end it, and Finish it; ErrPreempted: the
	// same, with a Result that is Lost.
	Beat(ctx context.Context, l Lease, p Progress) error
	// Finish says how it ended. ErrLost: refused, for somebody else has it.
	// The same Finish again, as after a broken connection, is no error.
	Finish(ctx context.Context, l Lease, r Result) error

	// Cancel ends tasks of a job that are not in a final state; the zero Array
	// means all.
	Cancel(ctx context.Context, job ID, tasks Array) error
	// Retry queues tasks again that are failed, cancelled or dead; the zero
	// Array means all of those.
	Retry(ctx context.Context, job ID, tasks Array) error
	// Pause keeps tasks of a job from being claimed, or no longer.
	Pause(ctx context.Context, job ID, paused bool) error

	Jobs(ctx context.Context, f Filter) (Page, error)
	Job(ctx context.Context, job ID) (Info, error)
	Tasks(ctx context.Context, job ID, f TaskFilter) ([]TaskInfo, error)
	Workers(ctx context.Context) ([]WorkerInfo, error)
	// Watch calls f with what is known of a job, now and after changes, until
	// the job is in a final state, f returns an error, or ctx ends. States
	// between two calls are left out, the final one never is.
	Watch(ctx context.Context, job ID, f func(Info) error) error
}

// Log is where a scheduler writes what happened: entries, numbered upwards
// from 1, and pages, which say the same once more. An implementation may be
// used by one scheduler at a time; its methods may be called from several
// goroutines.
type Log interface {
	// Read calls f with each entry after number after, in order. The entry is
	// f's only until it returns.
	Read(ctx context.Context, after uint64, f func(n uint64, entry []byte) error) error
	// Append stores an entry (1 MiB at most) right behind entry number last, durable
	// on return, and returns its number. ErrFenced: last is not the last one, and
	// nothing was written. After any other error it is not known whether it was.
	Append(ctx context.Context, last uint64, entry []byte) (uint64, error)
	// Trim forgets entries up to number n. The last entry is never trimmed.
	Trim(ctx context.Context, n uint64) error
	// PutPage stores a page (1 MiB at most) under a key of at most 64
	// characters of a–z, 0–9, "-" and "."; an empty page deletes it.
	PutPage(ctx context.Context, key string, page []byte) error
	// Pages calls f with each page, in any order. The page is f's only until
	// it returns.
	Pages(ctx context.Context, f func(key string, page []byte) error) error
}
