package fleet

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"freshet/jobs"
)

// How long an output is at most that goes into a pack with others, and how long a
// pack is.
const (
	maxPacked = 32 << 10
	maxPack   = 1 << 20
)

// packOf is an object that has the outputs of several tasks of a job, those from
// first to last at most. In it, for each: its number, a space, how many bytes, LF,
// and the bytes. Of two that have the same task, the one with the larger number
// is right.
type packOf struct {
	first, last int64
	number      int64
	ours        bool // of this process: who has outputs in it knows that
}

func (p packOf) compare(q packOf) int { return cmp.Compare(p.number, q.number) }

// name is what is behind the job in the key: FIRST-LAST.NUMBER.
func (p packOf) name() string { return fmt.Sprintf("%d-%d.%d", p.first, p.last, p.number) }

func (p packOf) key(job jobs.ID) string { return ofLogs + "/" + string(job) + "/" + p.name() }

// packNamed is the pack of a name.
func packNamed(name string) (p packOf, ok bool) {
	_, err := fmt.Sscanf(name, "%d-%d.%d", &p.first, &p.last, &p.number)
	return p, err == nil && p.name() == name && p.first <= p.last
}

// parcelOf is what is put at once: a pack, or a single output.
type parcelOf struct {
	job     jobs.ID
	tasks   []int64
	changes []change
}

// put puts outputs elsewhere, and returns when all of them have been tried. What
// is not there then waits on.
func (b *behind) put(ctx context.Context, due map[taskOf]change) error {
	if len(due) == 0 {
		return nil
	}
	b.putting <- struct{}{}
	defer func() { <-b.putting }()
	var (
		putting sync.WaitGroup
		turns   = make(chan struct{}, maxPutting)
		mu      sync.Mutex // guards errs
		errs    []error
	)
	for _, p := range b.parcels(due) {
		turns <- struct{}{}
		putting.Go(func() {
			defer func() { <-turns }()
			if err := b.putParcel(ctx, &p); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	putting.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault = nil; len(errs) > 0 {
		b.fault = errs[0]
	}
	return b.fault
}

// parcels divides what is due. What is forgotten meanwhile is left out.
func (b *behind) parcels(due map[taskOf]change) (list []parcelOf) {
	short := map[jobs.ID][]int64{}
	b.mu.Lock()
	for at, c := range due {
		if _, waits := b.waiting[at]; !waits {
			continue
		}
		of := b.there[at.job]
		if c.size <= maxPacked && (of == nil || of.tasks[at.task]&(logOwn|logPacked) == 0) {
			short[at.job] = append(short[at.job], at.task)
		} else {
			list = append(list, parcelOf{at.job, []int64{at.task}, []change{c}})
		}
	}
	b.mu.Unlock()
	for job, tasks := range short {
		slices.Sort(tasks)
		p, size := parcelOf{job: job}, int64(0)
		for _, task := range tasks {
			c := due[taskOf{job, task}]
			if size += c.size; size > maxPack {
				list = append(list, p)
				p, size = parcelOf{job: job}, c.size
			}
			p.tasks, p.changes = append(p.tasks, task), append(p.changes, c)
		}
		list = append(list, p)
	}
	return list
}

// putParcel puts a pack, or an output as an object of its own.
func (b *behind) putParcel(ctx context.Context, p *parcelOf) error {
	if len(p.tasks) == 1 {
		at := taskOf{p.job, p.tasks[0]}
		f, err := b.openText(at)
		if err != nil {
			return err
		}
		defer f.Close()
		b.mu.Lock()
		b.of(at.job).tasks[at.task] |= logMaybe
		b.mu.Unlock()
		if err := b.away.put(ctx, logKey(at), p.changes[0].size, f); err != nil {
			return err
		}
		b.done(p, logOwn)
		return nil
	}
	var text bytes.Buffer
	for i, task := range p.tasks {
		if err := b.pack(&text, taskOf{p.job, task}, p.changes[i].size); err != nil {
			return err
		}
	}
	b.mu.Lock()
	b.number++
	pack := packOf{p.tasks[0], p.tasks[len(p.tasks)-1], b.number, true}
	of := b.of(p.job)
	of.packs = append(of.packs, pack) // also if it may be there, after a put that failed
	b.mu.Unlock()
	if err := b.away.put(ctx, pack.key(p.job), int64(text.Len()), &text); err != nil {
		return err
	}
	b.done(p, logPacked)
	return nil
}

// pack adds the first bytes of an output to a pack.
func (b *behind) pack(to *bytes.Buffer, at taskOf, size int64) error {
	f, err := b.openText(at)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintf(to, "%d %d\n", at.task, size)
	if n, err := io.CopyN(to, f, size); err != nil {
		return fmt.Errorf("%d of %d bytes of the output of task %d of %s: %w", n, size, at.task, at.job, err)
	}
	return nil
}

// openText opens an output that is to be put; one that somebody has removed waits
// no longer.
func (b *behind) openText(at taskOf) (*text, error) {
	path, err := b.logs.path(at.job, at.task)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		b.mu.Lock()
		delete(b.waiting, at)
		b.mu.Unlock()
	}
	if err != nil {
		return nil, err
	}
	return b.logs.reader(at, f)
}

// done takes out what was put, unless it has changed since.
func (b *behind) done(p *parcelOf, how logState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := b.of(p.job)
	for i, task := range p.tasks {
		at := taskOf{p.job, task}
		of.tasks[task] |= how | logHere
		switch c, waits := b.waiting[at]; {
		case waits && c.size == p.changes[i].size:
			delete(b.waiting, at)
		case waits:
			c.first = p.changes[i].last // of what was not put, at the earliest
			b.waiting[at] = c
		}
	}
	b.free()
}

// unpack makes the file of an output of a pack, which is fetched if need be;
// false: it is not in it.
func (b *behind) unpack(ctx context.Context, at taskOf, p packOf, path string) (found bool, err error) {
	local, err := b.packPath(at.job, p)
	if err != nil {
		return false, err
	}
	if _, err := os.Lstat(local); errors.Is(err, fs.ErrNotExist) {
		key := p.key(at.job)
		_, err := b.away.once(ctx, key, true, func(ctx context.Context) error {
			if _, err := os.Lstat(local); err == nil {
				return nil
			}
			return b.away.fetch(ctx, key, local, -1, "", wholeIn(b.logs.in, key))
		})
		if err != nil {
			return false, err
		}
	}
	f, err := b.logs.in.OpenFile(local, p.key(at.job))
	if err != nil {
		return false, err
	}
	defer f.Close()
	from := bufio.NewReaderSize(f, 64<<10)
	for {
		task, size, err := nextPacked(from)
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", local, err)
		}
		if task == at.task {
			return true, newFile(path, false, func(file *os.File) error {
				to := textIn(b.logs.in, textIs(at))(file)
				if _, err := io.CopyN(to, from, size); err != nil {
					return err
				}
				return to.Close()
			})
		}
		if _, err := from.Discard(int(size)); err != nil {
			return false, fmt.Errorf("%s: %w", local, err)
		}
	}
}

// nextPacked reads what is before an output in a pack; io.EOF: there are no more.
func nextPacked(from *bufio.Reader) (task, size int64, err error) {
	line, err := from.ReadString('\n')
	if err == io.EOF && line != "" {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, 0, err
	}
	if _, err = fmt.Sscanf(line, "%d %d\n", &task, &size); err != nil || size < 0 || size > maxPack || strings.Count(line, " ") != 1 {
		return 0, 0, fmt.Errorf("a pack of outputs with %.40q in it", line)
	}
	return task, size, nil
}
