package diskstore

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
)

// faultFS is the operating system with faults: errors on cue, and crashes that
// lose the end of what was done and tear what was written.
type faultFS struct {
	OS
	mu sync.Mutex
	// fail, if set, is asked before each operation that changes something.
	fail func(op, name string) error
	// failRead is asked before each that reads.
	failRead func(op, name string) error

	record bool
	done   []change
}

// change is an operation: the file that has something new, and how to undo it
// if that is all there is to it.
type change struct {
	name string
	undo func()
}

func (f *faultFS) ask(op, name string) error {
	f.mu.Lock()
	fail := f.fail
	if op == "read" || op == "readdir" || op == "open" {
		fail = f.failRead
	}
	f.mu.Unlock()
	if fail != nil {
		return fail(op, name)
	}
	return nil
}

func (f *faultFS) note(c change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.record {
		f.done = append(f.done, c)
	}
}

func (f *faultFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	op := "open"
	if flag&(os.O_CREATE|os.O_RDWR|os.O_WRONLY) != 0 {
		op = "create"
	}
	if err := f.ask(op, name); err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	file, err := f.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultFile{file, f, name}, nil
}

func (f *faultFS) WriteFile(name string, content []byte) error {
	file, err := f.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

func (f *faultFS) Rename(from, to string) error {
	if err := f.ask("rename", to); err != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: err}
	}
	before, gone := os.ReadFile(to)
	if err := f.OS.Rename(from, to); err != nil {
		return err
	}
	f.note(change{to, func() {
		_ = os.Rename(to, from)
		if gone == nil {
			_ = os.WriteFile(to, before, 0o600)
		}
	}})
	return nil
}

func (f *faultFS) Remove(name string) error {
	if err := f.ask("remove", name); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	before, gone := os.ReadFile(name)
	if err := f.OS.Remove(name); err != nil {
		return err
	}
	if gone == nil {
		f.note(change{name, func() { _ = os.WriteFile(name, before, 0o600) }})
	}
	return nil
}

func (f *faultFS) Mkdir(name string, perm fs.FileMode) error {
	if err := f.ask("mkdir", name); err != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	return f.OS.Mkdir(name, perm)
}

func (f *faultFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.ask("readdir", name); err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return f.OS.ReadDir(name)
}

// crash is a loss of power: of the operations since the last crash, the last
// lost ones never reached the disk, and of the files that were written before
// them some are torn, though their names are there.
func (f *faultFS) crash(r *rand.Rand, lost, torn int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	keep := max(len(f.done)-lost, 0)
	for i := len(f.done) - 1; i >= keep; i-- {
		if c := f.done[i]; c.undo != nil {
			c.undo()
		} else {
			tear(r, c.name)
		}
	}
	for range torn {
		if keep > 0 {
			tear(r, f.done[r.IntN(keep)].name)
		}
	}
	f.done = nil
}

// tear cuts a file short, or puts zeros where its pages never came.
func tear(r *rand.Rand, name string) {
	data, err := os.ReadFile(name)
	if err != nil || len(data) == 0 {
		return
	}
	at := r.IntN(len(data))
	if r.IntN(2) == 0 {
		data = data[:at]
	} else {
		clear(data[at&^4095 : min(len(data), at&^4095+4096)])
	}
	_ = os.WriteFile(name, data, 0o600)
}

type faultFile struct {
	File
	fs   *faultFS
	name string
}

func (f *faultFile) write(p []byte, write func([]byte) (int, error)) (int, error) {
	if err := f.fs.ask("write", f.name); err != nil {
		n, _ := write(p[:len(p)/2])
		return n, &fs.PathError{Op: "write", Path: f.name, Err: err}
	}
	f.fs.note(change{name: f.name})
	return write(p)
}

func (f *faultFile) Write(p []byte) (int, error) { return f.write(p, f.File.Write) }

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	return f.write(p, func(p []byte) (int, error) { return f.File.WriteAt(p, off) })
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.ask("read", f.name); err != nil {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: err}
	}
	return f.File.ReadAt(p, off)
}
