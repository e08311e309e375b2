package fleet

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"freshet/jobs"
)

// DefaultMaxOutputs is how many bytes the files that tasks made have, all together.
const DefaultMaxOutputs = 64 << 30

// outputRoom counts what tasks have made and is kept, and bounds it.
type outputRoom struct {
	most int64

	mu     sync.Mutex // guards what follows; a leaf
	all    int64
	coming int64 // of files on their way
	of     map[jobs.ID]int64
}

func newOutputRoom(most int64) *outputRoom {
	if most <= 0 {
		most = DefaultMaxOutputs
	}
	return &outputRoom{most: most, of: map[jobs.ID]int64{}}
}

// begin says whether a file may come; then end is called.
func (r *outputRoom) begin(size int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if used := r.all + r.coming; used+size > r.most {
		return fmt.Errorf("%w: files that tasks made have %d bytes, and %d more would come; at most %d are kept (--job-outputs), until the jobs are forgotten", jobs.ErrFull, used, size, r.most)
	}
	r.coming += size
	return nil
}

func (r *outputRoom) end(size int64) {
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
	r.all -= r.of[job]
	delete(r.of, job)
}

// check refuses jobs that would make files, when there is no room for any.
func (r *outputRoom) check(specs []jobs.Spec) error {
	for i := range specs {
		if len(specs[i].Outputs) == 0 {
			continue
		}
		if err := r.begin(1); err != nil {
			return err
		}
		r.end(1)
		return nil
	}
	return nil
}

// count counts what is in a folder of folders of jobs, and removes what a process
// has left there that was killed while a file came.
func (r *outputRoom) count(dir string) error {
	ids, err := kept(dir)
	if err != nil {
		return err
	}
	for _, id := range ids {
		folder, err := folderOf(dir, id)
		if err != nil {
			return err
		}
		err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			if strings.HasPrefix(d.Name(), ".freshet-") {
				return os.Remove(path)
			}
			info, err := d.Info()
			if err == nil {
				r.add(id, info.Size())
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("count what tasks made: %w", err)
		}
	}
	return nil
}

// countMade counts what is kept elsewhere.
func (r *outputRoom) countMade(m madeFiles) {
	for job, tasks := range m {
		for _, files := range tasks {
			for i := range files {
				r.add(job, files[i].size)
			}
		}
	}
}
