package jobs

import (
	"context"
	"fmt"
	"slices"
)

// A strip shows how the tasks of a job are, however many there are: cells, each
// of tasks that follow each other. Ten tasks are ten cells; of a million each cell
// is some thousand. Blocks are counted as they change, so that a strip of many
// takes a look at each block, and at no task.

// maxCells is how many cells a strip has at most.
const maxCells = 300

// Cell is a stretch of a job's tasks.
type Cell struct {
	First  int64  `json:"first"` // the numbers of the first and the last task of it
	Last   int64  `json:"last"`
	Counts Counts `json:"counts"`
}

// badness orders states, the ones that somebody has to look at first.
var badness = [...]State{Dead, Failed, Cancelled, Running, Queued}

// Worst is the state of the cell's tasks that is to be looked at first: Dead,
// Failed, Cancelled, Running, Queued; Succeeded when all have.
func (c *Cell) Worst() State {
	for _, s := range badness {
		if c.Counts[s] > 0 {
			return s
		}
	}
	return Succeeded
}

// Strip returns the tasks of a job in at most 300 cells of the same size, but for
// the last one. A job that only makes others has none.
func (s *Scheduler) Strip(ctx context.Context, id ID) ([]Cell, error) {
	num, err := id.number()
	if err != nil {
		return nil, err
	}
	var cells []Cell
	err = s.look(ctx, func() error {
		j := s.m.find(num)
		if j == nil {
			return fmt.Errorf("%w: %s", ErrUnknown, id)
		}
		cells = j.strip()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cells, nil
}

func (j *job) strip() []Cell {
	n := j.n()
	if n == 0 {
		return nil
	}
	size := (n + maxCells - 1) / maxCells
	if n > maxFine*blockSize { // whole blocks, so that their counts do
		size = (size + blockSize - 1) / blockSize * blockSize
	}
	cells := make([]Cell, 0, (n+size-1)/size)
	for lo := int64(0); lo < n; lo += size {
		hi := min(lo+size, n) - 1
		cells = append(cells, Cell{j.number(lo), j.number(hi), j.countsOf(lo, hi)})
	}
	return cells
}

// countsOf are the counts of the tasks from position lo to hi.
func (j *job) countsOf(lo, hi int64) (c Counts) {
	if j.many == nil {
		return j.counts()
	}
	for lo <= hi {
		no := lo / blockSize
		last := min(hi, (no+1)*blockSize-1)
		b := j.many.blocks[no]
		switch {
		case b == nil:
			c[j.base] += last - lo + 1
		case lo == no*blockSize && last == no*blockSize+int64(len(b.tasks))-1:
			for s, n := range b.by {
				c[s] += int64(n)
			}
		default:
			for i := lo - no*blockSize; i <= last-no*blockSize; i++ {
				c[b.tasks[i].state]++
			}
		}
		lo = last + 1
	}
	return c
}

// has says how many tasks of the block are in one of the states; none means all.
func (b *block) has(list []State) (n int64) {
	if len(list) == 0 {
		return int64(len(b.tasks))
	}
	for s, k := range b.by {
		if slices.Contains(list, State(s)) {
			n += int64(k)
		}
	}
	return n
}
