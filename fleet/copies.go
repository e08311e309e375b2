package fleet

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/internal/sealedfolder"
)

// objects are contents by their keys, kept beside a queue that is elsewhere.
// *bus.Objects is one. A content is there whole, or not at all.
type objects interface {
	// Put makes a content durable before it returns, and takes the place of
	// what was there. After an error it may be there all the same.
	Put(ctx context.Context, key string, r io.Reader) error
	// Get returns bus.ErrNotFound when there is none. A content that is not what
	// was put ends in an error, never in io.EOF.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Delete returns nil when there is none.
	Delete(ctx context.Context, key string) error
	// Keys calls f with all that is there.
	Keys(ctx context.Context, f func(key string, size int64) error) error
}

var _ objects = (*bus.Objects)(nil)

// elsewhere is where the files of jobs are kept when their queue is not kept
// here: the folders of Inputs, Outputs and Logs are copies then of what is there,
// and what is in a folder and not there does not count. What is there is read
// once; from then on this process is the only one that changes it, until yield.
// A nil *elsewhere is for folders that are no copies. Methods may be called at
// the same time.
type elsewhere struct {
	objects objects

	life    context.Context // ends with close
	end     context.CancelFunc
	writing context.Context // ends with yield, or close
	yield   context.CancelFunc
	going   sync.WaitGroup // what once began, and clear

	mu     sync.Mutex // guards what follows, and going.Add against Wait; a leaf
	closed bool
	busy   map[string]*doing   // by key
	found  map[string][]object // by what it is of; see take
}

// object is what is there: a key without what it is of, and its size.
type object struct {
	name string
	size int64
}

// doing is something that is being done about a key.
type doing struct {
	fetch bool          // so that others who fetch it need not do the same
	done  chan struct{} // closed when it is over
	err   error         // set before that
}

// What objects are of: keys begin with it, and a slash.
const (
	ofInputs  = "input"
	ofOutputs = "output"
	ofLogs    = "log"
)

// maxObjectKey is how long a key may be.
const maxObjectKey = 512

// Of what goes elsewhere and comes from there: how long it may take, whatever it
// is, and how many bytes are allowed another second.
const (
	objectTimeout = 30 * time.Second
	objectRate    = 1 << 20
)

func timeFor(size int64) time.Duration {
	return objectTimeout + time.Duration(size/objectRate)*time.Second
}

var (
	errYielded  = errors.New("another server leads, and writes there now")
	errNoCopies = errors.New("what is kept elsewhere is closed")
)

// openElsewhere reads what is there. It is nil for nil. Close it, after what was
// opened with it.
func openElsewhere(ctx context.Context, o objects) (*elsewhere, error) {
	if o == nil {
		return nil, nil
	}
	e := &elsewhere{objects: o, busy: map[string]*doing{}, found: map[string][]object{}}
	err := o.Keys(ctx, func(key string, size int64) error {
		of, name, _ := strings.Cut(key, "/")
		e.found[of] = append(e.found[of], object{name, size})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the files that are kept elsewhere: %w", err)
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.writing, e.yield = context.WithCancel(e.life)
	return e, nil
}

// take returns what was there, once.
func (e *elsewhere) take(of string) []object {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.found[of]
	delete(e.found, of)
	return list
}

// close ends what is being done, and waits for it.
func (e *elsewhere) close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.end()
	e.going.Wait()
	return nil
}

// once does something about a key while nothing else is done about it, to its end
// even if ctx ends before: who asks again finds it done, or waits for the rest.
// Of several who fetch, one does. begun: do was, or is, called.
func (e *elsewhere) once(ctx context.Context, key string, fetch bool, do func(context.Context) error) (begun bool, err error) {
	for {
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			return false, errNoCopies
		}
		d := e.busy[key]
		if begun = d == nil; begun {
			d = &doing{fetch: fetch, done: make(chan struct{})}
			e.busy[key] = d
			e.going.Go(func() {
				d.err = do(e.life)
				e.mu.Lock()
				delete(e.busy, key)
				e.mu.Unlock()
				close(d.done)
			})
		}
		e.mu.Unlock()
		select {
		case <-d.done:
		case <-ctx.Done():
			return begun, fmt.Errorf("wait for %s: %w", key, ctx.Err())
		}
		if begun || fetch && d.fetch {
			return begun, d.err
		}
	}
}

// put puts a content of a size there.
func (e *elsewhere) put(ctx context.Context, key string, size int64, r io.Reader) error {
	return e.write(ctx, "keep", key, size, func(ctx context.Context) error {
		return e.objects.Put(ctx, key, &exactly{r, size})
	})
}

// remove removes a content there.
func (e *elsewhere) remove(ctx context.Context, key string) error {
	return e.write(ctx, "remove", key, 0, func(ctx context.Context) error { return e.objects.Delete(ctx, key) })
}

func (e *elsewhere) write(ctx context.Context, what, key string, size int64, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeFor(size))
	defer cancel()
	defer context.AfterFunc(e.writing, cancel)()
	err := e.writing.Err()
	if err == nil {
		err = do(ctx)
	}
	if e.writing.Err() != nil && e.life.Err() == nil {
		err = errYielded // also what is there now: the next hub may not have seen it
	}
	if err != nil {
		return fmt.Errorf("%s %s elsewhere: %w", what, key, known(err))
	}
	return nil
}

// exactly reads so many bytes; fewer are an error, and no more are read.
type exactly struct {
	r    io.Reader
	left int64
}

func (e *exactly) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(b[:min(int64(len(b)), e.left)])
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// errOther is that a content is not the one that was put there.
var errOther = errors.New("it is not what was put there")

// filler is what a file is written by from its beginning; Close writes its end.
type filler func(to *os.File) io.WriteCloser

// wholeIn fills a file of a folder that is one content.
func wholeIn(in *sealedfolder.Folder, is string) filler {
	return func(to *os.File) io.WriteCloser { return in.Writer(to, is) }
}

// fetch makes a file of a content: of a size, unless that is negative, and with a
// SHA-256, unless that is "". A file with a digest is on the disk on return.
func (e *elsewhere) fetch(ctx context.Context, key, path string, size int64, digest string, fill filler) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("fetch %s from elsewhere: %w", key, err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, timeFor(max(size, 0)))
	defer cancel()
	from, err := e.objects.Get(ctx, key)
	if err != nil {
		return err
	}
	defer from.Close()
	return newFile(path, digest != "", func(file *os.File) error {
		sum, to := sha256.New(), fill(file)
		n, err := io.Copy(io.MultiWriter(to, sum), from)
		if err == nil {
			err = to.Close()
		}
		switch {
		case err != nil:
			return err
		case size >= 0 && n != size:
			return fmt.Errorf("%w: it has %d bytes, not %d", errOther, n, size)
		case digest != "" && !sumIs(sum, digest):
			return fmt.Errorf("%w: its SHA-256 is another one", errOther)
		case digest != "":
			return file.Chmod(0o400)
		}
		return nil
	})
}

// newFile makes a file whole or not at all, with its folder if need be.
func newFile(path string, sync bool, fill func(*os.File) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	to, err := os.CreateTemp(filepath.Dir(path), partPrefix+"*")
	if err != nil {
		return err
	}
	err = fill(to)
	if err == nil && sync {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err == nil {
		err = os.Rename(to.Name(), path)
	}
	if err != nil {
		os.Remove(to.Name())
	}
	return err
}

// copiesOf is the folder of copies beside one that was not a copy, and is left as
// it is.
func copiesOf(dir string) string { return filepath.Clean(dir) + ".copy" }

// emptied is a folder of copies in which nothing is, nor beside it, as it would be
// with keys or without.
func (e *elsewhere) emptied(dir string, ring *atrest.Ring, purpose string) (*sealedfolder.Folder, error) {
	if err := e.clear(dir); err != nil {
		return nil, err
	}
	if err := e.clearSealed(dir); err != nil {
		return nil, err
	}
	return sealedfolder.Open(dir, ring, purpose)
}

// clearSealed does the same as clear with what is sealed beside a folder.
func (e *elsewhere) clearSealed(dir string) error {
	if _, err := os.Lstat(sealedfolder.SealedDir(dir)); err != nil {
		return nil // there is none
	}
	return e.clear(sealedfolder.SealedDir(dir))
}

// asidePrefix is put before the name of a folder of copies that are not to be
// used again.
const asidePrefix = ".freshet-old-"

// clear makes a folder an empty one: what was copied there may have changed since
// elsewhere. What was in it is removed later.
func (e *elsewhere) clear(dir string) error {
	parent, name := filepath.Split(filepath.Clean(dir))
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		aside, err := os.MkdirTemp(parent, asidePrefix+name+"-")
		if err == nil {
			err = os.Rename(dir, filepath.Join(aside, name))
		}
		if err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	beside, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range beside {
		if strings.HasPrefix(one.Name(), asidePrefix+name+"-") {
			e.going.Go(func() { removeWhile(e.life, filepath.Join(parent, one.Name())) })
		}
	}
	return nil
}

// removeWhile removes a folder until ctx ends; the next start does the rest.
func removeWhile(ctx context.Context, dir string) {
	f, err := os.Open(dir)
	if err != nil {
		return
	}
	defer f.Close()
	for ctx.Err() == nil {
		entries, err := f.ReadDir(1000)
		for _, one := range entries {
			path := filepath.Join(dir, one.Name())
			if one.IsDir() {
				removeWhile(ctx, path)
			} else if ctx.Err() == nil {
				os.Remove(path)
			}
		}
		if err != nil {
			break
		}
	}
	os.Remove(dir) // not while something is in it
}

// isGone reports whether an error is that nothing has a key.
func isGone(err error) bool { return errors.Is(err, bus.ErrNotFound) }
