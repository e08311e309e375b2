package follow

import (
	"sync"
	"sync/atomic"
)

// File is what was made of a file, as new as that is. It may be used by many
// goroutines at once.
type File[T any] struct {
	path   string
	read   func(path string) (*T, error)
	failed func(error)

	current atomic.Pointer[T]
	checked atomic.Int64 // when it was looked at last, nanoseconds since 1970
	fault   atomic.Pointer[error]

	mu     sync.Mutex // held while the file is looked at and read
	stamp  Stamp
	others map[string]Stamp // of what else was read; see OpenFiles
}

// OpenFile reads a file by read, now and whenever it has changed. failed is told
// what is wrong with one that has changed since and cannot be read, once for each
// change; it must not use the File.
func OpenFile[T any](path string, read func(path string) (*T, error), failed func(error)) (*File[T], error) {
	f := &File[T]{path: path, read: read, failed: failed}
	if err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// Current returns what was made of the file, at now, in nanoseconds since 1970.
// When the last look at the file is a second ago or longer, or in the future, it
// looks again; others do not wait for that. It costs a load and a comparison
// otherwise, and allocates nothing.
func (f *File[T]) Current(now int64) *T {
	last := f.checked.Load()
	if since := now - last; (since >= int64(checkEvery) || since < 0) && f.checked.CompareAndSwap(last, now) {
		f.look()
	}
	return f.current.Load()
}

// look loads the file if it has changed.
func (f *File[T]) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed() {
		if err := f.load(); err != nil {
			f.failed(err)
		}
	}
}

// load reads the file. After a fault what was made before stays, and the same
// file is not read again until it changes.
func (f *File[T]) load() error {
	f.stamp = StampOf(f.path)
	made, err := f.read(f.path)
	if err != nil {
		f.fault.Store(&err)
		return err
	}
	f.current.Store(made)
	f.fault.Store(nil)
	return nil
}

// Err returns what is wrong with the file as it was at the last look, for which
// what Current returns is older than the file; nil: it is not.
func (f *File[T]) Err() error {
	if err := f.fault.Load(); err != nil {
		return *err
	}
	return nil
}
