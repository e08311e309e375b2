package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
	"freshet/internal/worker"
	"freshet/jobs"
)

// maxLogPart is how much of an output is read at once.
const maxLogPart = 1 << 20

// Logs keeps what tasks write, a file for each, in a folder for each job: line
// by line as they came, standard output and standard error together, and before
// each run but the first a line that says which one it is. How long a run's part
// gets is bounded by the worker. Where it is elsewhere that files are kept, texts
// go there some seconds behind. Methods may be called at the same time.
type Logs struct {
	dir    string
	in     *sealedfolder.Folder // of dir
	behind *behind              // nil: the folder is all
	texts  texts                // of sealed ones

	mu   sync.Mutex // guards last, and is held while a file is written
	last map[taskOf]int
}

// taskOf is a task of a job.
type taskOf struct {
	job  jobs.ID
	task int64
}

// OpenLogs makes the folder. Unless elsewhere is nil, it is another folder beside,
// a copy of what is there: what was in it does not count, and Close has to be
// called.
//
// With a ring texts are sealed; see logtext.go.
func OpenLogs(dir string, ring *atrest.Ring, away *elsewhere) (l *Logs, err error) {
	l = &Logs{last: map[taskOf]int{}}
	if away == nil {
		l.in, err = sealedfolder.Open(dir, ring, logsPurpose)
	} else {
		l.in, err = away.emptied(copiesOf(dir), ring, logsPurpose)
	}
	if err != nil {
		return nil, err
	}
	if l.dir = l.in.Dir; away != nil {
		l.behind = newBehind(l, away)
	}
	return l, nil
}

// Close writes what is not elsewhere yet, for a while. Its error says that
// something is not.
func (l *Logs) Close() error {
	if l.behind == nil {
		return nil
	}
	return l.behind.close()
}

// path is where the output of a task is. The name of a job comes from a queue
// that has such a job, but is looked at all the same.
func (l *Logs) path(job jobs.ID, task int64) (string, error) {
	folder, err := folderOf(l.dir, job)
	return filepath.Join(folder, strconv.FormatInt(task, 10)+".log"), err
}

// folderOf is the folder of a job below another.
func folderOf(dir string, job jobs.ID) (string, error) {
	name := string(job)
	if name == "" || !filepath.IsLocal(name) || filepath.Base(name) != name {
		return "", jobs.ErrUnknown
	}
	return filepath.Join(dir, name), nil
}

// Append implements worker.LogSink. Lines that could not be written whole are
// taken off again, because they come once more.
func (l *Logs) Append(ctx context.Context, lease jobs.Lease, lines []worker.Line) (err error) {
	path, err := l.path(lease.Job, lease.Task)
	if err != nil {
		return err
	}
	at := taskOf{lease.Job, lease.Task}
	if l.behind != nil {
		if err := l.behind.ready(ctx, at); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := l.endOf(at, f)
	if err != nil {
		return err
	}
	var b []byte
	if l.last[at] != lease.Attempt && (lease.Attempt > 1 || end.plain > 0) {
		b = fmt.Appendf(b, "-- run %d\n", lease.Attempt)
	}
	for i := range lines {
		b = append(b, lines[i].Text...)
		if !lines[i].Part {
			b = append(b, '\n')
		}
	}
	size := end.plain + int64(len(b))
	if l.in.Sealed() {
		b = appendParts(nil, l.in, textIs(at), end.plain, b)
	}
	if _, err := f.Write(b); err != nil {
		f.Truncate(end.file) // as much as a full disk allows
		l.texts.forgetIf(func(other taskOf) bool { return other == at })
		return err
	}
	l.last[at] = lease.Attempt
	if l.behind != nil {
		l.behind.changed(at, size)
	}
	return nil
}

// open opens a file for more, and makes its folder if need be.
func open(path string) (*os.File, error) {
	const flags = os.O_CREATE | os.O_RDWR | os.O_APPEND
	f, err := os.OpenFile(path, flags, 0o600)
	if !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, flags, 0o600)
}

// Read returns at most n bytes from an offset on, and the offset behind them.
// A task that has written nothing has an empty output. What is before a damaged
// part is read without an error, which comes when more is read.
func (l *Logs) Read(job jobs.ID, task, from int64, n int) ([]byte, int64, error) {
	b, err := l.read(job, task, from, n)
	if len(b) > 0 {
		err = nil
	}
	return b, from + int64(len(b)), err
}

// read returns what there is before an error, too.
func (l *Logs) read(job jobs.ID, task, from int64, n int) ([]byte, error) {
	path, err := l.path(job, task)
	if err != nil {
		return nil, err
	}
	f, err := l.openText(taskOf{job, task}, path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, n)
	got, err := f.ReadAt(b, from)
	if err == io.EOF {
		err = nil
	}
	return b[:got], err
}

// openText opens the output of a task, fetched if need be.
func (l *Logs) openText(at taskOf, path string) (*text, error) {
	f, err := os.Open(path)
	if l.behind != nil && errors.Is(err, os.ErrNotExist) {
		ctx, cancel := context.WithTimeout(context.Background(), bringWithin)
		defer cancel()
		if err := l.behind.bring(ctx, at); err != nil {
			return nil, err
		}
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, err
	}
	return l.reader(at, f)
}

// Tail returns the last n bytes, and how many there are before them.
func (l *Logs) Tail(job jobs.ID, task int64, n int) (text []byte, before int64, err error) {
	path, err := l.path(job, task)
	if err != nil {
		return nil, 0, err
	}
	f, err := l.openText(taskOf{job, task}, path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return nil, 0, err
	}
	defer f.Close()
	before = max(0, f.Size()-int64(n))
	text, err = l.read(job, task, before, n)
	return text, before, err
}

// kept returns the jobs of which something is kept in a folder.
func kept(dir string) ([]jobs.ID, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []jobs.ID
	for _, e := range entries {
		if e.IsDir() { // what says that a folder is sealed is none
			ids = append(ids, jobs.ID(e.Name()))
		}
	}
	return ids, nil
}

// kept are the jobs of which something is kept.
func (l *Logs) kept() ([]jobs.ID, error) {
	ids, err := kept(l.dir)
	if l.behind == nil || err != nil {
		return ids, err
	}
	return l.behind.kept(ids), nil
}

// forget removes what is kept of a job.
func (l *Logs) forget(job jobs.ID) error {
	folder, err := folderOf(l.dir, job)
	if err == nil && l.behind != nil {
		err = l.behind.forget(job)
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for at := range l.last {
		if at.job == job {
			delete(l.last, at)
		}
	}
	defer l.texts.forgetIf(func(at taskOf) bool { return at.job == job })
	return os.RemoveAll(folder)
}
