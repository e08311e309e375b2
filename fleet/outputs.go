package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
	"freshet/internal/worker"
	"freshet/jobs"
)

// Outputs keeps the files that tasks made: in a folder for each job one for each
// run of a task, TASK.RUN, so that a run that is late changes nothing of a later
// one. Where it is elsewhere that they are kept, the folder has what came here, or
// was asked for. Methods may be called at the same time.
type Outputs struct {
	dir  string
	in   *sealedfolder.Folder // of dir
	away *elsewhere           // nil: the folder is all
	room *outputRoom

	mu    sync.Mutex                  // guards what follows; a leaf
	made  madeFiles                   // what is kept elsewhere
	maybe map[jobs.ID]map[string]bool // keys of what may be there, after a put that failed
}

// OpenOutputs makes the folder. Unless elsewhere is nil, it is another folder
// beside, a copy of what is there: what was in it does not count. All files may
// have so many bytes together; 0: DefaultMaxOutputs. What would be more is refused
// with jobs.ErrFull. What is there is counted beside all else: Store waits for that,
// Close ends it. With a ring files are sealed; their names are not.
func OpenOutputs(dir string, most int64, ring *atrest.Ring, away *elsewhere) (*Outputs, error) {
	return openOutputs(dir, most, ring, away, filepath.WalkDir)
}

func openOutputs(dir string, most int64, ring *atrest.Ring, away *elsewhere, walk walker) (o *Outputs, err error) {
	o = &Outputs{away: away, room: newOutputRoom(most)}
	if away == nil {
		if o.in, err = sealedfolder.Open(dir, ring, outputsPurpose); err != nil {
			return nil, err
		}
		o.dir = o.in.Dir
		o.room.start(o.dir, walk)
		return o, nil
	}
	if o.in, err = away.emptied(copiesOf(dir), ring, outputsPurpose); err != nil {
		return nil, err
	}
	o.dir = o.in.Dir
	o.made, o.maybe = madeOf(away.take(ofOutputs)), map[jobs.ID]map[string]bool{}
	o.room.countMade(o.made)
	return o, nil
}

// outputsPurpose is what the folder is; outputIs says what a file of it is.
const outputsPurpose = "outputs of jobs"

func outputIs(job jobs.ID, run, name string) string {
	return "output " + string(job) + "/" + run + "/" + filepath.ToSlash(name)
}

// Close ends what OpenOutputs has begun.
func (o *Outputs) Close() error {
	o.room.close()
	return nil
}

// Store implements worker.FileStore. A file is there whole, and on the disk, or
// not at all; elsewhere, too, if that is where files are kept.
func (o *Outputs) Store(ctx context.Context, l jobs.Lease, name string, size int64, content io.Reader) (err error) {
	folder, err := folderOf(o.dir, l.Job)
	if err != nil {
		return err
	}
	if err := worker.CheckOutput(name); err != nil {
		return fmt.Errorf("output %q: %w", name, err)
	}
	if name = filepath.FromSlash(name); !filepath.IsLocal(name) {
		return fmt.Errorf("output %q leads out of its folder", name)
	}
	if err := o.room.begin(ctx, size); err != nil {
		return err
	}
	defer o.room.over(size)
	run := runFolder(l.Task, l.Attempt)
	path := filepath.Join(folder, run, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), worker.Unfinished+"*")
	if err != nil {
		return err
	}
	ours := true
	defer func() {
		if err != nil && ours {
			os.Remove(f.Name())
		}
	}()
	to := o.in.Writer(f, outputIs(l.Job, run, name))
	n, err := io.Copy(to, content)
	if err == nil && n != size {
		err = fmt.Errorf("output %q has %d bytes, not %d", name, n, size)
	}
	if err == nil {
		err = to.Close()
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if o.away != nil {
		begun, err := o.storeThere(ctx, l, name, size, f.Name(), path)
		ours = !begun
		return err
	}
	before, after := sizeOf(path), sizeOf(f.Name()) // there may be one that came once more
	if err = os.Rename(f.Name(), path); err == nil {
		o.room.add(l.Job, after-before)
	}
	return err
}

// sizeOf is how long a file is on the disk; 0 when there is none.
func sizeOf(path string) int64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Output is a file that a task made.
type Output struct {
	Name string `json:"name"` // with slashes
	Size int64  `json:"size"`
	Path string `json:"path"` // on the server's machine; "": it is not there, but elsewhere, or sealed
}

// List returns the files of the latest run of a task that made some, by name.
func (o *Outputs) List(job jobs.ID, task int64) ([]Output, error) {
	if o.away != nil {
		return o.listThere(job, task)
	}
	dir, err := o.latest(job, task)
	if err != nil || dir == "" {
		return nil, err
	}
	var list []Output
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || isPart(d.Name()) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		size, err := o.in.Size(path, info.Size())
		if err != nil {
			return &os.PathError{Op: "look at", Path: path, Err: err}
		}
		list = append(list, Output{filepath.ToSlash(name), size, o.shown(path)})
		return nil
	})
	return list, err
}

// shown is the path that is shown of a file: a sealed one is of no use to anybody.
func (o *Outputs) shown(path string) string {
	if o.in.Sealed() {
		return ""
	}
	return path
}

// OpenOutput opens a file that List lists, by its name. It is an fs.ErrNotExist
// when there is none. Close it.
func (o *Outputs) OpenOutput(job jobs.ID, task int64, name string) (*sealedfolder.File, error) {
	missing := &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	find := o.latest
	if o.away != nil {
		find = func(job jobs.ID, task int64) (string, error) { return o.bring(job, task, name) }
	}
	dir, err := find(job, task)
	if err == nil && (dir == "" || !filepath.IsLocal(filepath.FromSlash(name))) {
		err = missing
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	path := filepath.FromSlash(name)
	if info, err := root.Lstat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() || isPart(info.Name()) {
		return nil, missing
	}
	file, err := root.Open(path)
	if err != nil {
		return nil, err
	}
	return o.in.Reader(file, outputIs(job, filepath.Base(dir), name))
}

// latest returns the folder of the latest run of a task that made files, "" for
// none.
func (o *Outputs) latest(job jobs.ID, task int64) (string, error) {
	folder, err := folderOf(o.dir, job)
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var runs []int
	for _, e := range entries {
		number, run, _ := strings.Cut(e.Name(), ".")
		if n, err := strconv.Atoi(run); err == nil && number == strconv.FormatInt(task, 10) {
			runs = append(runs, n)
		}
	}
	if len(runs) == 0 {
		return "", nil
	}
	return filepath.Join(folder, runFolder(task, slices.Max(runs))), nil
}

// kept are the jobs of which something is kept.
func (o *Outputs) kept() ([]jobs.ID, error) {
	ids, err := kept(o.dir)
	if o.away == nil || err != nil {
		return ids, err
	}
	return o.keptThere(ids), nil
}

// forget removes what is kept of a job, when it is known what is there.
func (o *Outputs) forget(job jobs.ID) error {
	<-o.room.counted
	folder, err := folderOf(o.dir, job)
	if err == nil && o.away != nil {
		err = o.forgetThere(job)
	}
	if err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	o.room.forget(job)
	return nil
}
