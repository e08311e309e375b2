package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"freshet/internal/bus"
	"freshet/internal/worker"
	"freshet/jobs"
)

// remoteQueue is the queue of another machine as a worker needs it, with what
// keeps output and files there.
type remoteQueue struct {
	conn   *bus.Conn
	number *atomic.Uint64 // of the latest claim; it grows over restarts, too
	cache  *inputCache
}

func newRemoteQueue(conn *bus.Conn, cache *inputCache) remoteQueue {
	q := remoteQueue{conn, new(atomic.Uint64), cache}
	q.number.Store(uint64(time.Now().UnixNano()))
	return q
}

// ask calls, and reads the answer into to unless that is nil.
func (q remoteQueue) ask(ctx context.Context, subject string, what, to any) (empty bool, err error) {
	body, err := json.Marshal(what)
	if err != nil {
		return false, err
	}
	text, err := q.conn.Call(ctx, subject, body)
	if err != nil {
		return false, uncoded(err)
	}
	if len(text) == 0 || to == nil {
		return true, nil
	}
	return false, json.Unmarshal(text, to)
}

// Claim implements worker.Queue.
func (q remoteQueue) Claim(ctx context.Context, w jobs.Worker) (*jobs.Task, error) {
	for {
		asking, cancel := context.WithTimeout(ctx, claimFor+claimFor/2)
		t := &jobs.Task{}
		c := claim{w, q.number.Add(1)}
		empty, err := q.ask(asking, callClaim, &c, t)
		cancel()
		if err != nil {
			q.leave(c.Number)
			return nil, errors.Join(ctx.Err(), err)
		}
		if !empty {
			return t, nil
		}
	}
}

// leaveWithin bounds how long the queue is told that a claim is given up.
const leaveWithin = 2 * time.Second

// leave tells the queue that nobody waits for a claim, so that it gives nobody a
// task.
func (q remoteQueue) leave(number uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	q.ask(ctx, callLeave, &claim{Number: number}, nil) // else it is seen that we are gone
}

// Beat implements worker.Queue.
func (q remoteQueue) Beat(ctx context.Context, l jobs.Lease, p jobs.Progress) error {
	_, err := q.ask(ctx, callBeat, &leased{Lease: l, Progress: p}, nil)
	return err
}

// Finish implements worker.Queue.
func (q remoteQueue) Finish(ctx context.Context, l jobs.Lease, r jobs.Result) error {
	_, err := q.ask(ctx, callFinish, &leased{Lease: l, Result: &r}, nil)
	return err
}

// Append implements worker.LogSink.
func (q remoteQueue) Append(ctx context.Context, l jobs.Lease, lines []worker.Line) error {
	say := leased{Lease: l, Lines: make([]line, len(lines))}
	for i := range lines {
		say.Lines[i] = line{lines[i].Stream, lines[i].Text, lines[i].Part}
	}
	_, err := q.ask(ctx, callLog, &say, nil)
	return err
}

// Open implements worker.FileStore: what is not kept comes in pieces.
func (q remoteQueue) Open(ctx context.Context, l jobs.Lease, f jobs.File) (io.ReadCloser, error) {
	return q.cache.get(ctx, f, func(ctx context.Context, digest string, offset int64) ([]byte, error) {
		body, err := json.Marshal(&leased{Lease: l, Input: &wanted{digest, offset}})
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, pieceTimeout)
		defer cancel()
		piece, err := q.conn.Call(ctx, callInput, body)
		return piece, uncoded(err)
	})
}

// pieceTimeout is how long one piece of a file may take.
const pieceTimeout = time.Minute

// Store implements worker.FileStore: the file goes in pieces.
func (q remoteQueue) Store(ctx context.Context, l jobs.Lease, name string, size int64, content io.Reader) error {
	buf := make([]byte, pieceSize)
	for at := int64(0); ; {
		n, err := io.ReadFull(content, buf[:min(pieceSize, size-at)])
		if err != nil && err != io.EOF {
			return err
		}
		sending, cancel := context.WithTimeout(ctx, pieceTimeout)
		_, err = q.ask(sending, callFile, &leased{Lease: l, File: &piece{Name: name, Size: size, Offset: at, Data: buf[:n]}}, nil)
		cancel()
		if at += int64(n); err != nil || at >= size {
			return err
		}
	}
}
