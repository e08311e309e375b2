package cache

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"freshet/internal/diskstore"
	"freshet/internal/field"
)

// diskTier keeps resources on disk. What changes in memory is written behind,
// by one goroutine, the last state of a key only; until then it is found here.
type diskTier struct {
	files *diskstore.Store
	log   *slog.Logger
	store *Store
	open  openFiles

	mu      sync.Mutex
	pending map[string]*resource // to be written; nil: to be removed
	order   []string             // the keys of pending, as they came
	more    sync.Cond            // something is pending, or there is room
	closing bool
	changed [64]atomic.Uint64 // counts what save is told, for some keys each
	seed    maphash.Seed      // which
	done    chan struct{}

	purges        *purgeFile
	stuck         atomic.Int64 // counts files that could not be removed
	queued, wrote uint64       // keys that came to order, and that were taken from it; under mu

	changing [64]sync.Mutex // held while one of some keys is changed
}

// maxPending bounds what waits to be written; beyond it storing waits.
const maxPending = 4096

// diskBodyCost is about what an object in memory takes for its body on disk.
const diskBodyCost = 300

func openDiskTier(s *Store, o diskstore.Options) (*diskTier, error) {
	objects, purges, generations, err := dirs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = objects
	t := &diskTier{log: o.Log, store: s, pending: map[string]*resource{}, seed: maphash.MakeSeed(), done: make(chan struct{})}
	t.purges = &purgeFile{store: s, path: purges}
	t.more.L = &t.mu
	t.open.max = maxOpen
	_, err = os.Stat(filepath.Join(objects, "objects"))
	used := err == nil
	if t.files, err = diskstore.Open(o); err != nil {
		return nil, err
	}
	t.purges.ring = o.Seal
	if o.Shared {
		t.readShared(generations, objects)
		close(t.done) // nothing is written behind
		return t, nil
	}
	t.readPurges(generations, used)
	go t.write()
	return t, nil
}

// load returns what is stored for a key, nil for nothing. That counts as a use.
func (t *diskTier) load(key string) *resource {
	r, read := t.read(key, t.files.Get)
	if read {
		t.files.Touch(t.files.KeyOf(key))
	}
	return r
}

// peek is load for who only looks.
func (t *diskTier) peek(key string) *resource {
	r, _ := t.read(key, t.files.Peek)
	return r
}

// read returns what is stored for a key, and whether it was read from a file.
func (t *diskTier) read(key string, get func(diskstore.Key) (*diskstore.Object, error)) (r *resource, fromFile bool) {
	t.mu.Lock()
	r, waiting := t.pending[key]
	t.mu.Unlock()
	if waiting {
		return r, false
	}
	k := t.files.KeyOf(key)
	stored, err := get(k)
	if err != nil {
		if !errors.Is(err, diskstore.ErrNotFound) {
			t.log.Warn("cache: read what is stored", "err", err)
		}
		return nil, false
	}
	defer stored.Release()
	return t.decode(key, k, stored.Record())
}

// each calls yield for all that can be read, until it returns false.
func (t *diskTier) each(yield func(key string, r *resource) bool) {
	for k := range t.files.Keys {
		stored, err := t.files.Peek(k)
		if err != nil {
			continue
		}
		d := &decoder{rest: stored.Record().Meta}
		d.byte()
		key := d.text()
		r, ok := t.decode(key, k, stored.Record())
		stored.Release()
		if ok && !yield(key, r) {
			return
		}
	}
}

// changes counts the changes of a key, and of others.
func (t *diskTier) changes(key string) *atomic.Uint64 {
	return &t.changed[maphash.String(t.seed, key)%uint64(len(t.changed))]
}

// changesOf is the lock of changes of a key, and of others.
func (t *diskTier) changesOf(key string) *sync.Mutex {
	return &t.changing[maphash.String(t.seed, key)%uint64(len(t.changing))]
}

// awaitRoom waits while too much is still to be written.
func (t *diskTier) awaitRoom() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.order) >= maxPending && !t.closing {
		t.more.Wait()
	}
}

// save has the state of a key written; nil removes it.
func (t *diskTier) save(key string, r *resource) {
	t.changes(key).Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, waiting := t.pending[key]; !waiting {
		t.order = append(t.order, key)
		t.queued++
	}
	t.pending[key] = r
	t.more.Broadcast()
}

// write is the goroutine that writes.
func (t *diskTier) write() {
	defer close(t.done)
	for {
		t.mu.Lock()
		for len(t.order) == 0 && !t.closing {
			t.more.Wait()
		}
		if len(t.order) == 0 {
			t.mu.Unlock()
			return
		}
		key := t.order[0]
		r := t.pending[key]
		t.mu.Unlock()

		t.writeOne(key, r)

		t.mu.Lock()
		t.order = t.order[1:]
		t.wrote++
		if t.pending[key] == r {
			delete(t.pending, key)
		} else {
			t.order = append(t.order, key) // it changed meanwhile
			t.queued++
		}
		t.more.Broadcast()
		t.mu.Unlock()
	}
}

func (t *diskTier) writeOne(key string, r *resource) {
	k := t.files.KeyOf(key)
	var err error
	if r == nil {
		err = t.files.Delete(k)
	} else if err = t.put(key, k, r); errors.Is(err, diskstore.ErrNotFound) {
		// A body was evicted meanwhile; what is in memory is written again.
		r.forgetWritten()
		err = t.put(key, k, r)
	}
	if err != nil {
		// What is there is of an earlier state: it must not come back.
		if t.files.Delete(k) != nil {
			t.stuck.Add(1)
		}
	}
}

// put writes a resource. Bodies that were written for it go again if it fails.
func (t *diskTier) put(key string, k diskstore.Key, r *resource) error {
	rec, written, err := t.encode(key, r)
	switch {
	case err != nil:
	case rec == nil:
		return t.files.Delete(k)
	default:
		err = t.files.Put(k, rec)
	}
	for _, b := range written {
		b.settle(err == nil)
	}
	return err
}

// drain waits until what is to be written now is; false: ctx has ended.
func (t *diskTier) drain(ctx context.Context) bool {
	defer context.AfterFunc(ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.more.Broadcast()
	})()
	t.mu.Lock()
	defer t.mu.Unlock()
	for range 2 { // what changes while it is written comes once more
		for until := t.queued; t.wrote < until && ctx.Err() == nil; {
			t.more.Wait()
		}
	}
	return ctx.Err() == nil
}

// clear removes all that is on disk.
func (t *diskTier) clear() error {
	t.mu.Lock()
	for key := range t.pending {
		t.pending[key] = nil
	}
	t.mu.Unlock()
	return t.files.Clear()
}

// awaitWritten waits until what a key has become is written.
func (t *diskTier) awaitWritten(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if _, waiting := t.pending[key]; !waiting || t.closing {
			return
		}
		t.more.Wait()
	}
}

// writeNow writes a state of a key at once: one whose body is in a file.
func (t *diskTier) writeNow(key string, r *resource) error {
	t.awaitWritten(key)
	return t.put(key, t.files.KeyOf(key), r)
}

func (t *diskTier) close() error {
	t.mu.Lock()
	t.closing = true
	t.more.Broadcast()
	t.mu.Unlock()
	<-t.done
	t.open.closeAll()
	return t.files.Close()
}

// diskBody is a body in a file. It is shared by all objects that have it.
type diskBody struct {
	tier *diskTier
	key  diskstore.Key
	id   uint64
	held atomic.Pointer[diskstore.BodyFile] // open, while it is asked for often or an answer needs it
	uses int                                // answers that need it; under openFiles.mu
	ring bool                               // it is in openFiles.ring; likewise
}

// file returns the open body; it is to be released.
func (b *diskBody) file() (*diskstore.BodyFile, error) {
	if f := b.held.Load(); f != nil && b.tier.open.retain(b, f) {
		return f, nil
	}
	stored, err := b.tier.files.Get(b.key)
	if err != nil {
		return nil, err
	}
	defer stored.Release()
	for i := range stored.Record().Bodies {
		if stored.Record().Bodies[i].ID == b.id {
			f, err := stored.OpenBody(i)
			if err == nil && !b.tier.store.shared {
				b.tier.open.hold(b, f)
			}
			return f, err
		}
	}
	return nil, diskstore.ErrNotFound
}

// verifyStep is how much of a body is verified before it is sent: a reader of
// a large one must not wait for all of it.
const verifyStep = 1 << 20

// send writes a range, each stretch verified before.
func (b *diskBody) send(w io.Writer, r field.Range) error {
	f, err := b.file()
	if err != nil {
		return err
	}
	defer f.Release()
	for r.Length > 0 {
		if f.Sealed() {
			return f.WriteRange(w, r.Start, r.Length)
		}
		n := min(r.Length, verifyStep)
		if err := f.Verify(r.Start, n); err != nil {
			return err
		}
		src := io.ReaderAt(f)
		if osFile := f.File(); osFile != nil {
			src = osFile
		}
		if err := copyFrom(w, src, field.Range{Start: r.Start, Length: n}); err != nil {
			return err
		}
		r.Start += n
		r.Length -= n
	}
	return nil
}
