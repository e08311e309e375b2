package worker_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// soon is how long a test waits for what must happen at once, on a machine
// that is busy with other things.
const soon = 2 * time.Minute

// queue is a queue that gives out what it is given, and can be away.
type queue struct {
	tasks chan *jobs.Task

	mu       sync.Mutex
	lease    time.Duration
	token    uint64
	away     error // what everything returns
	onBeat   func(jobs.Lease, jobs.Progress) error
	onFinish func(jobs.Lease, jobs.Result) error
	claims   int // that were begun
	beats    int
	results  map[jobs.Lease]jobs.Result
	told     chan jobs.Result
}

func newQueue() *queue {
	return &queue{tasks: make(chan *jobs.Task, 1000), lease: time.Minute, results: map[jobs.Lease]jobs.Result{}, told: make(chan jobs.Result, 1000)}
}

// put queues a task.
func (q *queue) put(s jobs.Spec) jobs.Lease { return q.frame(s, 0) }

// frame queues a task with a number.
func (q *queue) frame(s jobs.Spec, number int64) jobs.Lease {
	q.mu.Lock()
	q.token++
	l := jobs.Lease{Job: jobs.ID(fmt.Sprintf("job%06d", q.token)), Task: number, Attempt: 1, Token: q.token}
	lease := q.lease
	q.mu.Unlock()
	q.tasks <- &jobs.Task{Lease: l, Spec: s, Expires: lease}
	return l
}

func (q *queue) fault(count *int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	*count++
	return q.away
}

// leave has the queue be away; nil: it is back.
func (q *queue) leave(err error) {
	q.mu.Lock()
	q.away = err
	q.mu.Unlock()
}

func (q *queue) Claim(ctx context.Context, _ jobs.Worker) (*jobs.Task, error) {
	if err := q.fault(&q.claims); err != nil {
		return nil, err
	}
	select {
	case t := <-q.tasks:
		return t, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (q *queue) Beat(_ context.Context, l jobs.Lease, p jobs.Progress) error {
	if err := q.fault(&q.beats); err != nil {
		return err
	}
	q.mu.Lock()
	f := q.onBeat
	q.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(l, p)
}

func (q *queue) Finish(_ context.Context, l jobs.Lease, r jobs.Result) error {
	var n int
	if err := q.fault(&n); err != nil {
		return err
	}
	q.mu.Lock()
	f := q.onFinish
	q.mu.Unlock()
	if f != nil {
		if err := f(l, r); err != nil {
			return err
		}
	}
	q.mu.Lock()
	q.results[l] = r
	q.mu.Unlock()
	q.told <- r
	return nil
}

// count is how many claims and beats there were.
func (q *queue) count() (claims, beats int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.claims, q.beats
}

// result waits for the next result.
func (q *queue) result(t *testing.T) jobs.Result {
	t.Helper()
	select {
	case r := <-q.told:
		return r
	case <-time.After(soon):
		t.Fatal("no result was told")
	}
	return jobs.Result{}
}

// sink keeps lines of logs.
type sink struct {
	mu    sync.Mutex
	lines map[jobs.Lease][]worker.Line
	fail  error
}

func (s *sink) Append(_ context.Context, l jobs.Lease, lines []worker.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.lines == nil {
		s.lines = map[jobs.Lease][]worker.Line{}
	}
	s.lines[l] = append(s.lines[l], lines...)
	return nil
}

// text is a log, a stream's name before each line.
func (s *sink) text(l jobs.Lease) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, line := range s.lines[l] {
		fmt.Fprintf(&b, "%s: %s\n", line.Stream, line.Text)
	}
	return b.String()
}

func (s *sink) of(l jobs.Lease) []worker.Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[l]
}

// store keeps files in memory.
type store struct {
	mu      sync.Mutex
	inputs  map[string][]byte // by digest
	outputs map[string][]byte // by name
	fail    error
}

// file adds an input.
func (s *store) file(name, content string) jobs.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inputs == nil {
		s.inputs = map[string][]byte{}
	}
	sum := sha256.Sum256([]byte(content))
	digest := hex.EncodeToString(sum[:])
	s.inputs[digest] = []byte(content)
	return jobs.File{Name: name, SHA256: digest, Size: int64(len(content))}
}

func (s *store) Open(_ context.Context, _ jobs.Lease, f jobs.File) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.inputs[f.SHA256]
	if !ok {
		return nil, errors.New("no such file")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (s *store) Store(_ context.Context, _ jobs.Lease, name string, size int64, content io.Reader) error {
	b, err := io.ReadAll(content)
	if err == nil && int64(len(b)) != size {
		err = io.ErrUnexpectedEOF
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.outputs == nil {
		s.outputs = map[string][]byte{}
	}
	s.outputs[name] = b
	return err
}

func (s *store) output(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.outputs[name]
	return string(b), ok
}

// crew is a worker that runs, with what it works for.
type crew struct {
	*worker.Worker
	q    *queue
	logs *sink
	dir  string
	stop context.CancelFunc
	over chan error
}

// silent is a log that nobody reads.
var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// begin has a worker run until the test ends.
func begin(t *testing.T, q *queue, o worker.Options) *crew {
	t.Helper()
	c := &crew{q: q, logs: &sink{}, over: make(chan error, 1)}
	o.Queue = q
	if o.Logs == nil {
		o.Logs = c.logs
	}
	if o.Dir == "" {
		c.dir = folder(t)
		o.Dir = c.dir
	}
	if o.ErrorLog == nil {
		o.ErrorLog = silent
	}
	if o.Drain == 0 {
		o.Drain = -1
	}
	o.Node = "node"
	w, err := worker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	c.Worker = w
	var ctx context.Context
	ctx, c.stop = context.WithCancel(context.Background())
	go func() { c.over <- w.Run(ctx) }()
	t.Cleanup(func() { c.end(t) })
	return c
}

// end stops the worker, and looks that no folder is left.
func (c *crew) end(t *testing.T) {
	t.Helper()
	c.stop()
	select {
	case err := <-c.over:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(soon):
		t.Fatal("Run does not return")
	}
	c.over <- nil
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if c.dir == "" {
		return
	}
	left, err := os.ReadDir(c.dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range left {
		t.Errorf("left in the folder: %s", e.Name())
	}
}

// folder is one that any user may enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "worker-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sh is a job of a shell script.
func sh(script string) jobs.Spec {
	return jobs.Spec{Command: []string{"/bin/sh", "-c", script, "script"}}
}

// timeout bounds a job.
func timeout(s jobs.Spec, d time.Duration) jobs.Spec {
	s.Timeout = d
	return s
}

// eventually waits for what happens outside of this process.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for late := time.Now().Add(soon); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}
