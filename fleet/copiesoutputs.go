package fleet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/jobs"
)

// madeFiles are the files that tasks made, as they are kept elsewhere, by job and
// task, each by its run and its name.
type madeFiles map[jobs.ID]map[int64][]madeFile

type madeFile struct {
	run  int
	name string // with slashes
	size int64
}

func (a *madeFile) compare(b madeFile) int {
	return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.name, b.name))
}

// outputKey is where a file is elsewhere.
func outputKey(job jobs.ID, task int64, f *madeFile) string {
	return fmt.Sprintf("%s/%s/%s/%s", ofOutputs, job, runFolder(task, f.run), f.name)
}

// runFolder is the folder of a run of a task.
func runFolder(task int64, run int) string {
	return strconv.FormatInt(task, 10) + "." + strconv.Itoa(run)
}

// madeOf reads the keys of what is elsewhere; those that are none of ours are
// left alone.
func madeOf(list []object) madeFiles {
	m := madeFiles{}
	for _, one := range list {
		job, rest, _ := strings.Cut(one.name, "/")
		of, name, _ := strings.Cut(rest, "/")
		number, attempt, _ := strings.Cut(of, ".")
		task, err := strconv.ParseInt(number, 10, 64)
		run, err2 := strconv.Atoi(attempt)
		_, err3 := folderOf("", jobs.ID(job))
		if errors.Join(err, err2, err3) == nil && filepath.IsLocal(filepath.FromSlash(name)) {
			m.add(jobs.ID(job), task, madeFile{run, name, one.size})
		}
	}
	for _, tasks := range m {
		for _, files := range tasks {
			slices.SortFunc(files, func(a, b madeFile) int { return a.compare(b) })
		}
	}
	return m
}

// add adds a file behind the others.
func (m madeFiles) add(job jobs.ID, task int64, f madeFile) {
	if m[job] == nil {
		m[job] = map[int64][]madeFile{}
	}
	m[job][task] = append(m[job][task], f)
}

// set adds a file in its place, or changes its size.
func (m madeFiles) set(job jobs.ID, task int64, f madeFile) {
	files := m[job][task]
	at, found := slices.BinarySearchFunc(files, f, func(a, b madeFile) int { return a.compare(b) })
	if found {
		files[at].size = f.size
		return
	}
	m.add(job, task, f)
	copy(m[job][task][at+1:], files[at:])
	m[job][task][at] = f
}

// size is that of the file of the same run and name, 0 without one.
func (m madeFiles) size(job jobs.ID, task int64, f madeFile) int64 {
	files := m[job][task]
	if at, found := slices.BinarySearchFunc(files, f, func(a, b madeFile) int { return a.compare(b) }); found {
		return files[at].size
	}
	return 0
}

// latest are the files of the latest run of a task that made some, by name.
func (m madeFiles) latest(job jobs.ID, task int64) []madeFile {
	files := m[job][task]
	if len(files) == 0 {
		return nil
	}
	from, _ := slices.BinarySearchFunc(files, files[len(files)-1].run, func(a madeFile, run int) int { return cmp.Compare(a.run, run) })
	return slices.Clone(files[from:])
}

// storeThere keeps a file elsewhere, and then here; temp is it, and is removed or
// renamed once begun. What is kept already, as when an answer was lost, is not
// kept again.
func (o *Outputs) storeThere(ctx context.Context, l jobs.Lease, name string, size int64, temp, path string) (begun bool, err error) {
	f := madeFile{l.Attempt, filepath.ToSlash(name), size}
	key := outputKey(l.Job, l.Task, &f)
	if len(key) > maxObjectKey {
		return false, fmt.Errorf("output %q: its name is too long to be kept elsewhere", name)
	}
	return o.away.once(ctx, key, false, func(ctx context.Context) error {
		err := o.putThere(ctx, key, l, f, temp, path)
		if err != nil {
			os.Remove(temp)
		}
		return err
	})
}

func (o *Outputs) putThere(ctx context.Context, key string, l jobs.Lease, f madeFile, temp, path string) error {
	o.mu.Lock()
	kept := slices.Contains(o.made[l.Job][l.Task], f)
	o.mu.Unlock()
	is := outputIs(l.Job, runFolder(l.Task, f.run), f.name)
	if kept && o.sameContent(temp, path, is) {
		return os.Remove(temp)
	}
	o.mayBe(l.Job, key)
	content, err := o.in.OpenFile(temp, is)
	if err != nil {
		return err
	}
	err = o.away.put(ctx, key, f.size, content)
	if err = errors.Join(err, content.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.room.add(l.Job, f.size-o.made.size(l.Job, l.Task, f))
	o.made.set(l.Job, l.Task, f)
	o.isNoMore(l.Job, key)
	return nil
}

// mayBe remembers a key until it is known whether something is there.
func (o *Outputs) mayBe(job jobs.ID, key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.maybe[job] == nil {
		o.maybe[job] = map[string]bool{}
	}
	o.maybe[job][key] = true
}

// isNoMore forgets that; the caller holds mu.
func (o *Outputs) isNoMore(job jobs.ID, key string) {
	delete(o.maybe[job], key)
	if len(o.maybe[job]) == 0 {
		delete(o.maybe, job)
	}
}

// sameContent reports whether two files say the same.
func (o *Outputs) sameContent(a, b, is string) bool {
	var sums [2]string
	for i, path := range [...]string{a, b} {
		f, err := o.in.OpenFile(path, is)
		if err != nil {
			return false
		}
		sums[i], err = sumOf(f)
		f.Close()
		if err != nil {
			return false
		}
	}
	return sums[0] == sums[1]
}

// listThere is List of what is elsewhere.
func (o *Outputs) listThere(job jobs.ID, task int64) ([]Output, error) {
	folder, err := folderOf(o.dir, job)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	files := o.made.latest(job, task)
	o.mu.Unlock()
	var list []Output
	for _, f := range files {
		path := filepath.Join(folder, runFolder(task, f.run), filepath.FromSlash(f.name))
		if _, err := os.Lstat(path); err != nil {
			path = ""
		}
		list = append(list, Output{f.name, f.size, o.shown(path)})
	}
	return list, nil
}

// bringWithin is how long who reads waits for what is fetched; if it is long, that
// goes on, for who asks again.
const bringWithin = objectTimeout + 5*time.Second

// bring fetches a file into the folder of its run, which it returns; "" when
// there is no such file.
func (o *Outputs) bring(job jobs.ID, task int64, name string) (dir string, err error) {
	o.mu.Lock()
	files := o.made.latest(job, task)
	o.mu.Unlock()
	at := slices.IndexFunc(files, func(f madeFile) bool { return f.name == name })
	folder, err := folderOf(o.dir, job)
	if at < 0 || err != nil {
		return "", err
	}
	f := &files[at]
	dir = filepath.Join(folder, runFolder(task, f.run))
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), bringWithin)
	defer cancel()
	key := outputKey(job, task, f)
	_, err = o.away.once(ctx, key, true, func(ctx context.Context) error {
		if _, err := os.Lstat(path); err == nil {
			return nil
		}
		return o.away.fetch(ctx, key, path, f.size, "", wholeIn(o.in, outputIs(job, filepath.Base(dir), name)))
	})
	return dir, err
}

// keptThere adds the jobs of which something is elsewhere.
func (o *Outputs) keptThere(ids []jobs.ID) []jobs.ID {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids = slices.AppendSeq(ids, maps.Keys(o.made))
	ids = slices.AppendSeq(ids, maps.Keys(o.maybe))
	slices.Sort(ids)
	return slices.Compact(ids)
}

// forgetThere removes what is kept of a job elsewhere, or may be.
func (o *Outputs) forgetThere(job jobs.ID) error {
	o.mu.Lock()
	maybe := slices.Collect(maps.Keys(o.maybe[job]))
	o.mu.Unlock()
	for _, key := range maybe {
		if err := o.removeThere(key); err != nil {
			return err
		}
		o.mu.Lock()
		o.isNoMore(job, key)
		o.mu.Unlock()
	}
	for {
		o.mu.Lock()
		task, f, more := o.made.one(job)
		o.mu.Unlock()
		if !more {
			return nil
		}
		if err := o.removeThere(outputKey(job, task, &f)); err != nil {
			return err
		}
		o.mu.Lock()
		o.made.remove(job, task, f)
		o.mu.Unlock()
	}
}

func (o *Outputs) removeThere(key string) error {
	_, err := o.away.once(context.Background(), key, false, func(ctx context.Context) error { return o.away.remove(ctx, key) })
	return err
}

// one is any file of a job.
func (m madeFiles) one(job jobs.ID) (task int64, f madeFile, ok bool) {
	for task, files := range m[job] {
		return task, files[len(files)-1], true
	}
	return 0, madeFile{}, false
}

func (m madeFiles) remove(job jobs.ID, task int64, f madeFile) {
	tasks := m[job]
	left := slices.DeleteFunc(tasks[task], func(one madeFile) bool { return one.run == f.run && one.name == f.name })
	if tasks[task] = left; len(left) == 0 {
		delete(tasks, task)
	}
	if len(tasks) == 0 {
		delete(m, job)
	}
}

// sumOf is the SHA-256 of what is read, in hexadecimal.
func sumOf(r io.Reader) (string, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, r)
	return hex.EncodeToString(sum.Sum(nil)), err
}
