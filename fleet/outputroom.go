package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"freshet/jobs"
)

// DefaultMaxOutputs is how many bytes the files that tasks made have, all together.
const DefaultMaxOutputs = 64 << 30

// outputRoom counts what tasks have made and is kept, and bounds it. What is there
// at the start is counted beside all else, for it may be long: until it is known,
// nothing comes and nothing is forgotten. What cannot be counted is tried again;
// what is made is refused meanwhile, with the reason.
type outputRoom struct {
	most int64

	counted chan struct{} // closed when it has been counted what is there, or tried
	life    context.Context
	end     context.CancelFunc // of the count
	going   sync.WaitGroup

	mu     sync.Mutex // guards what follows; a leaf
	fault  error      // why it is not known what is there; it is tried again
	all    int64
	coming int64 // of files on their way
	of     map[jobs.ID]int64
	gone   []jobs.ID // forgotten while it is not known what is there
}

func newOutputRoom(most int64) *outputRoom {
	if most <= 0 {
		most = DefaultMaxOutputs
	}
	r := &outputRoom{most: most, counted: make(chan struct{}), of: map[jobs.ID]int64{}}
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// known waits until it is known what is there.
func (r *outputRoom) known(ctx context.Context) error {
	select {
	case <-r.counted:
		return r.faultNow()
	default:
	}
	select {
	case <-r.counted:
		return r.faultNow()
	case <-ctx.Done():
		return fmt.Errorf("what tasks made is being counted: %w", ctx.Err())
	}
}

func (r *outputRoom) faultNow() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fault
}

// begin says whether a file may come, when it is known what is there; then over is
// called.
func (r *outputRoom) begin(ctx context.Context, size int64) error {
	if err := r.known(ctx); err != nil {
		return err
	}
	return r.take(size)
}

func (r *outputRoom) take(size int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if used := r.all + r.coming; used+size > r.most {
		return fmt.Errorf("%w: files that tasks made have %d bytes, and %d more would come; at most %d are kept (--job-outputs), until the jobs are forgotten", jobs.ErrFull, used, size, r.most)
	}
	r.coming += size
	return nil
}

func (r *outputRoom) over(size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.coming -= size
}

// add counts what a job has more, or less.
func (r *outputRoom) add(job jobs.ID, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all += size
	r.of[job] += size
}

// forget counts nothing of a job any more.
func (r *outputRoom) forget(job jobs.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault != nil {
		r.gone = append(r.gone, job)
	}
	r.drop(job)
}

func (r *outputRoom) drop(job jobs.ID) {
	r.all -= r.of[job]
	delete(r.of, job)
}

// check refuses jobs that would make files, when there is no room for any, as far
// as that is known.
func (r *outputRoom) check(specs []jobs.Spec) error {
	for i := range specs {
		if len(specs[i].Outputs) == 0 {
			continue
		}
		if err := r.take(1); err != nil {
			return err
		}
		r.over(1)
		return nil
	}
	return nil
}

// errUncounted is of a count that was ended.
var errUncounted = errors.New("the server ends")

// walker is filepath.WalkDir, or takes its place.
type walker func(root string, f fs.WalkDirFunc) error

// How long it is waited before what could not be counted is counted again: the first
// time, and at most; each time twice as long.
const (
	countAgain     = time.Second
	countAgainMost = time.Minute
)

// start counts beside all else, and again while that fails; close ends it, and waits
// for it.
func (r *outputRoom) start(dir string, walk walker) {
	r.going.Go(func() {
		for wait := countAgain; ; wait = min(2*wait, countAgainMost) {
			all, of, err := r.count(dir, walk)
			r.mu.Lock()
			if r.fault = nil; err != nil {
				r.fault = fmt.Errorf("count what tasks made: %w", err)
			} else {
				r.all, r.of = all, of // nothing came before it was known
				for _, job := range r.gone {
					r.drop(job)
				}
				r.gone = nil
			}
			r.mu.Unlock()
			if wait == countAgain {
				close(r.counted)
			}
			if err == nil {
				return
			}
			if sleep(r.life, wait); r.life.Err() != nil {
				return
			}
		}
	})
}

func (r *outputRoom) close() {
	r.end()
	r.going.Wait()
}

// count counts what is in a folder of folders of jobs, and removes what a process
// has left there that was killed while a file came.
func (r *outputRoom) count(dir string, walk walker) (all int64, of map[jobs.ID]int64, err error) {
	ids, err := kept(dir)
	if err != nil {
		return 0, nil, err
	}
	of = map[jobs.ID]int64{}
	for _, id := range ids {
		folder, err := folderOf(dir, id)
		if err != nil {
			return 0, nil, err
		}
		err = walk(folder, func(path string, d fs.DirEntry, err error) error {
			switch {
			case r.life.Err() != nil:
				return errUncounted
			case err != nil || !d.Type().IsRegular():
				return err
			case isPart(d.Name()):
				return os.Remove(path)
			}
			info, err := d.Info()
			if err == nil {
				of[id] += info.Size()
				all += info.Size()
			}
			return err
		})
		if err != nil {
			return 0, nil, err
		}
	}
	return all, of, nil
}

// countMade counts what is kept elsewhere.
func (r *outputRoom) countMade(m madeFiles) {
	defer close(r.counted)
	for job, tasks := range m {
		for _, files := range tasks {
			for i := range files {
				r.add(job, files[i].size)
			}
		}
	}
}
