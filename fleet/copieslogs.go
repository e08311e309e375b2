package fleet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/jobs"
)

// When the output of a task goes elsewhere: after nobody has written for a while,
// or at the latest so long after it was written first; how often is looked; how
// many outputs may wait before who writes does; and how many go at once.
const (
	quietFor   = time.Second
	growFor    = 5 * time.Second
	lookEvery  = 500 * time.Millisecond
	maxChanged = 100_000
	maxPutting = 8
)

// What is waited after puts have failed: the first time, and at most.
const (
	putAgain     = time.Second
	putAgainMost = 15 * time.Second
)

// behind puts what tasks write elsewhere, some seconds behind: the whole output of
// a task as LOG/JOB/TASK, but the first time, if it is short, together with those
// of other tasks of the job (see pack), so that a job of many short tasks is few
// objects.
type behind struct {
	logs *Logs
	away *elsewhere

	wake   chan struct{} // has one when the first output waits
	stop   chan struct{} // closed by close
	ended  chan struct{} // closed when run has returned
	ending sync.Once

	putting chan struct{} // has one while something is put or forgotten; before mu

	mu      sync.Mutex // guards what follows; a leaf
	waiting map[taskOf]change
	most    int                 // of waiting
	freed   chan struct{}       // closed, and made anew, when fewer wait
	there   map[jobs.ID]*logsOf // what is elsewhere
	number  int64               // of the latest pack
	fault   error               // of the latest puts
}

// change is what is to be put of an output.
type change struct {
	first, last time.Time // when it was written
	size        int64     // of the output
}

func (c *change) due() time.Time {
	quiet, grown := c.last.Add(quietFor), c.first.Add(growFor)
	if grown.Before(quiet) {
		return grown
	}
	return quiet
}

// logsOf is what is elsewhere of the outputs of a job.
type logsOf struct {
	tasks map[int64]logState
	packs []packOf // the oldest first
}

// logState is what is known of the output of a task.
type logState uint8

const (
	logOwn    logState = 1 << iota // there is an object of its own
	logMaybe                       // there may be one, after a put that failed
	logPacked                      // it is in a pack
	logHere                        // the file here has all that is elsewhere
)

func newBehind(l *Logs, away *elsewhere) *behind {
	b := &behind{logs: l, away: away, wake: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
		waiting: map[taskOf]change{}, most: maxChanged, freed: make(chan struct{}), putting: make(chan struct{}, 1), there: map[jobs.ID]*logsOf{}}
	for _, one := range away.take(ofLogs) {
		job, name, _ := strings.Cut(one.name, "/")
		if _, err := folderOf("", jobs.ID(job)); err != nil {
			continue
		}
		if p, ok := packNamed(name); ok {
			of := b.of(jobs.ID(job))
			of.packs = append(of.packs, p)
			b.number = max(b.number, p.number)
		} else if task, err := strconv.ParseInt(name, 10, 64); err == nil {
			b.of(jobs.ID(job)).tasks[task] = logOwn
		}
	}
	for _, of := range b.there {
		slices.SortFunc(of.packs, packOf.compare)
	}
	go b.run()
	return b
}

// of is what is elsewhere of a job; the caller holds mu, or is alone.
func (b *behind) of(job jobs.ID) *logsOf {
	of := b.there[job]
	if of == nil {
		of = &logsOf{tasks: map[int64]logState{}}
		b.there[job] = of
	}
	return of
}

// ready waits until an output may be written: there is room for its name, and
// what is elsewhere of it is here.
func (b *behind) ready(ctx context.Context, at taskOf) error {
	for {
		b.mu.Lock()
		_, waits := b.waiting[at]
		full, freed, fault := len(b.waiting) >= b.most, b.freed, b.fault
		b.mu.Unlock()
		if waits {
			return nil // it is here
		}
		if !full {
			return b.bring(ctx, at)
		}
		select {
		case <-freed:
		case <-b.stop:
			return errNoCopies
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the output of %d tasks is to be kept elsewhere first: %w", b.most, ctx.Err()), fault)
		}
	}
}

// changed says that an output was written, and how long it is.
func (b *behind) changed(at taskOf, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	c, waits := b.waiting[at]
	if !waits {
		c.first = now
	}
	c.last, c.size = now, size
	if b.waiting[at] = c; len(b.waiting) == 1 {
		b.nudge()
	}
}

func (b *behind) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run puts what is due, until close; then all that waits, for a while.
func (b *behind) run() {
	defer close(b.ended)
	failing := time.Duration(0)
	for {
		pause := b.pause(time.Now())
		if failing > 0 {
			pause = failing
		}
		if !b.sleep(pause) {
			break
		}
		if b.put(b.away.life, b.due(time.Now())) == nil {
			failing = 0
		} else {
			failing = min(max(2*failing, putAgain), putAgainMost)
		}
	}
	b.putRest()
}

// putRest puts all that waits, for a while.
func (b *behind) putRest() {
	ctx, cancel := context.WithTimeout(b.away.writing, closeWithin)
	defer cancel()
	for ctx.Err() == nil {
		if b.put(ctx, b.due(time.Now().Add(growFor))) == nil {
			return
		}
		sleep(ctx, putAgain)
	}
}

// pause is how long nothing is due; negative: nothing waits.
func (b *behind) pause(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return -1
	}
	return lookEvery
}

// sleep waits; false: close was called.
func (b *behind) sleep(d time.Duration) bool {
	var timer <-chan time.Time
	var wake <-chan struct{}
	if d < 0 {
		wake = b.wake
	} else {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-wake:
	case <-b.stop:
		return false
	}
	return true
}

// due takes out what is to be put at a time.
func (b *behind) due(now time.Time) map[taskOf]change {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := map[taskOf]change{}
	for at, c := range b.waiting {
		if !c.due().After(now) {
			due[at] = c
		}
	}
	return due
}

// close puts what is left, and ends the writing.
func (b *behind) close() error {
	b.ending.Do(func() { close(b.stop) })
	<-b.ended
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.waiting); n > 0 {
		return errors.Join(fmt.Errorf("the end of what %d tasks wrote is not kept elsewhere", n), b.fault)
	}
	return nil
}

// bring sees that the file of an output has all that is elsewhere of it.
func (b *behind) bring(ctx context.Context, at taskOf) error {
	own, packs, need := b.lacks(at)
	if !need {
		return nil
	}
	path, err := b.logs.path(at.job, at.task)
	if err != nil {
		return err
	}
	_, err = b.away.once(ctx, logKey(at), true, func(ctx context.Context) error {
		if _, _, need := b.lacks(at); !need {
			return nil
		}
		found := logState(0)
		if own {
			if err := b.away.fetch(ctx, logKey(at), path, -1, "", textIn(b.logs.in, textIs(at))); err != nil {
				return err
			}
			found = logOwn
		} else {
			for _, p := range packs {
				packed, err := b.unpack(ctx, at, p, path)
				if err != nil {
					return err
				}
				if packed {
					found = logPacked
					break
				}
			}
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.of(at.job).tasks[at.task] |= found | logHere
		return nil
	})
	return err
}

// lacks says whether there may be something of an output elsewhere that is not
// here: an object of its own, or else in packs, the latest first.
func (b *behind) lacks(at taskOf) (own bool, packs []packOf, need bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := b.there[at.job]
	if of == nil || of.tasks[at.task]&logHere != 0 {
		return false, nil, false
	}
	if of.tasks[at.task]&logOwn != 0 {
		return true, nil, true
	}
	for _, p := range slices.Backward(of.packs) {
		if !p.ours && p.first <= at.task && at.task <= p.last {
			packs = append(packs, p)
		}
	}
	return false, packs, len(packs) > 0
}

// kept adds the jobs of which something is elsewhere.
func (b *behind) kept(ids []jobs.ID) []jobs.ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	for job := range b.there {
		ids = append(ids, job)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// forget removes what is elsewhere of a job.
func (b *behind) forget(job jobs.ID) error {
	b.putting <- struct{}{}
	defer func() { <-b.putting }()
	b.mu.Lock()
	for at := range b.waiting {
		if at.job == job {
			delete(b.waiting, at)
		}
	}
	b.free()
	of := b.there[job]
	var tasks []int64
	var packs []packOf
	if of != nil {
		packs = of.packs
		for task, state := range of.tasks {
			if state&(logOwn|logMaybe) != 0 {
				tasks = append(tasks, task)
			}
		}
	}
	b.mu.Unlock()
	for _, task := range tasks {
		if err := b.away.remove(b.away.life, logKey(taskOf{job, task})); err != nil {
			return err
		}
	}
	for _, p := range packs {
		if err := b.away.remove(b.away.life, p.key(job)); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.there, job)
	return nil
}

// free tells those who wait for room; the caller holds mu.
func (b *behind) free() {
	if len(b.waiting) < b.most {
		close(b.freed)
		b.freed = make(chan struct{})
	}
}

// logKey is where the output of a task is elsewhere.
func logKey(at taskOf) string {
	return ofLogs + "/" + string(at.job) + "/" + strconv.FormatInt(at.task, 10)
}

// packPath is where a pack is in the folder of its job.
func (b *behind) packPath(job jobs.ID, p packOf) (string, error) {
	folder, err := folderOf(b.logs.dir, job)
	return filepath.Join(folder, "pack."+p.name()), err
}
