package diskstore

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/filelock"
)

// What the methods of a [Store] return, wrapped or not.
var (
	// ErrNotFound: there is no such object, or not any more.
	ErrNotFound = errors.New("not stored")
	// ErrFull: it does not fit into the budget, even after evicting.
	ErrFull = errors.New("no room")
	// ErrFailing: the disk is full or broken. Create and Put refuse for
	// Options.RetryAfter; then they try again.
	ErrFailing = errors.New("disk failing")
	// ErrCorrupt: what is on disk is not what was written. The object is gone.
	ErrCorrupt = errors.New("corrupt")
	// ErrTooLarge: beyond MaxMeta, MaxBodies or MaxExtents.
	ErrTooLarge = errors.New("too large")
	// ErrBusy: another Writer adds to the same body.
	ErrBusy = errors.New("being written")
	// ErrLocked: another process has the directory.
	ErrLocked = filelock.ErrLocked
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store closed")
)

// Options of a [Store]; only Dir is required.
type Options struct {
	// Dir is the directory, which is made if it is missing (mode 0700). Its
	// parent must exist. Nothing else may be kept there.
	Dir string
	// MaxBytes is what the store may occupy, counted in blocks of 4096 bytes
	// with metadata and temporary files, without directories. Default 10 GiB.
	// The least recently used objects are evicted to stay below.
	MaxBytes int64
	// Shared lets several processes, each with a store of this kind, use the
	// directory at once; see the package's documentation for what changes. It
	// needs locks of files ([errors.ErrUnsupported] where there are none).
	Shared bool
	// MaxEntries is how many objects there may be. Default 1<<20.
	MaxEntries int64
	// MaxMeta is how long Record.Meta may be. Default 1 MiB.
	MaxMeta int
	// InlineMax is up to which length a body lives inside the metadata file,
	// where it costs no file of its own and is rewritten with the metadata.
	// Default 16 KiB; at most 1 MiB; negative: never.
	InlineMax int
	// RetryAfter is how long the store refuses after the disk failed. Default 10 s.
	RetryAfter time.Duration
	// ScrubRate is how many bytes a second are read back in the background and
	// compared with their sums. Default 1 MiB; negative: none.
	ScrubRate int64
	// ScrubEvery is how long that rests after a pass, so that a store that is small,
	// or empty, is not looked at all the time. Default 10 s.
	ScrubEvery time.Duration
	// Seal has all that is written sealed, and names of files tell no keys. A
	// directory is sealed or not from its beginning: see [ErrNotSealed] and
	// [ErrSealed].
	Seal *atrest.Ring
	// FS replaces the operating system, in tests. Default [OS].
	FS FS
	// Log gets what an operator should know: corrupt objects, a failing disk.
	// Default: nothing.
	Log *slog.Logger
	// Now is the clock. Default [time.Now].
	Now func() time.Time
}

func (o *Options) setDefaults() error {
	var faults []error
	if o.Dir == "" {
		faults = append(faults, errors.New("no directory given"))
	}
	setDefault(&o.MaxBytes, 10<<30)
	setDefault(&o.MaxEntries, 1<<20)
	setDefault(&o.MaxMeta, 1<<20)
	setDefault(&o.InlineMax, 16<<10)
	setDefault(&o.RetryAfter, 10*time.Second)
	setDefault(&o.ScrubRate, 1<<20)
	setDefault(&o.ScrubEvery, 10*time.Second)
	if o.MaxBytes < 0 || o.MaxEntries < 0 || o.MaxMeta < 0 || o.RetryAfter < 0 {
		faults = append(faults, errors.New("a limit is negative"))
	}
	if o.InlineMax > 1<<20 {
		faults = append(faults, fmt.Errorf("bodies of %d bytes inside metadata", o.InlineMax))
	}
	if o.FS == nil {
		o.FS = OS{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return errors.Join(faults...)
}

func setDefault[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}

// Store is the store of one directory. All methods may be called at once.
type Store struct {
	opt     Options
	fs      FS
	clock   ticks
	lock    io.Closer
	index   index
	budget  budget
	health  health
	usage   usage
	live    live
	seen    seen
	shared  *shared // nil: the directory is this store's alone
	names   []byte  // of a sealed directory: the key of the hash that names are made with
	stripes [256]stripe
	// cleared counts Clear; it changes with all stripes held.
	cleared atomic.Int64
	indexed atomic.Bool  // the index is complete
	coming  atomic.Int64 // new objects that Puts are about to enter into it

	sweeping sync.Mutex // held by the one who removes what was set aside

	mu      sync.Mutex          // guards what follows
	closed  atomic.Bool         // set under mu, once
	pending map[uint64]*pending // by ID

	ctx        context.Context // ends with Close
	stop       context.CancelFunc
	background sync.WaitGroup

	evictions, corrupt, scrubbed atomic.Int64
}

// stripe serialises what happens to the keys that share it: changes exclude
// each other and reading. Only live.mu, seen's, budget.mu, the index's and
// Store.mu are taken while it is held.
type stripe struct {
	sync.RWMutex
	_ [40]byte // so that neighbours do not share a cache line
}

func (s *Store) stripe(k *Key) *stripe { return &s.stripes[k[30]] }

// Open makes the directory if need be and takes it; [ErrLocked] says that
// another process has it. Objects that are there can be read at once; what
// there is for eviction to choose from, a goroutine finds out.
func Open(o Options) (*Store, error) {
	if err := o.setDefaults(); err != nil {
		return nil, fmt.Errorf("disk store: %w", err)
	}
	s := &Store{opt: o, fs: o.FS, clock: newTicks(o.Now()), pending: map[uint64]*pending{}}
	s.budget.max = o.MaxBytes
	s.ctx, s.stop = context.WithCancel(context.Background())
	enter := s.take
	if o.Shared {
		enter = s.enterShared
	}
	if err := enter(); err != nil {
		s.stop()
		if s.lock != nil {
			s.lock.Close()
		}
		return nil, fmt.Errorf("disk store %s: %w", o.Dir, err)
	}
	if o.Shared {
		return s, nil
	}
	s.background.Go(s.rebuild)
	if o.ScrubRate > 0 {
		s.background.Go(s.scrub)
	}
	return s, nil
}

// take locks the directory and puts it in order.
func (s *Store) take() (err error) {
	if err := s.mkdir(s.opt.Dir); err != nil {
		return err
	}
	if s.lock, err = filelock.Take(s.path("lock")); err != nil {
		return err
	}
	if err := s.openFolder(); err != nil {
		return err
	}
	s.readUsage()
	if err := s.fs.Rename(s.path("tmp"), s.trash()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.mkdir(s.path("tmp")); err != nil {
		return err
	}
	return s.mkdir(s.path("objects"))
}

func (s *Store) mkdir(name string) error {
	if err := s.fs.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Close ends the background work and gives up the directory. Objects that are
// still held can be read and released; nothing can be stored any more.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed.Swap(true)
	s.mu.Unlock()
	if again {
		return nil
	}
	s.stop()
	s.background.Wait()
	// Whoever is in the middle of a Put gets to its end.
	for i := range s.stripes {
		s.stripes[i].Lock()
		if s.shared != nil {
			s.stripes[i].Unlock() // who makes room takes them again
			continue
		}
		defer s.stripes[i].Unlock()
	}
	if s.shared != nil {
		return s.leaveShared()
	}
	if s.indexed.Load() {
		s.writeUsage(s.budget.total(), s.index.count.Load())
	}
	return s.lock.Close()
}

func (s *Store) usable() error {
	if s.closed.Load() {
		return ErrClosed
	}
	return nil
}

func (s *Store) path(name string) string { return s.opt.Dir + string(filepath.Separator) + name }

// temporary is where a file is written.
func (s *Store) temporary(id uint64) string {
	if h := s.shared; h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		return filepath.Join(s.ownerDir(h.name), fmt.Sprintf("%016x", id))
	}
	return s.path(fmt.Sprintf("tmp%c%016x", filepath.Separator, id))
}

// trash is a new name for a directory that is to be removed.
func (s *Store) trash() string { return s.path(fmt.Sprintf("trash-%016x", rand.Uint64())) }

// appendDir appends the directory of k's files. There are 256: to make one can
// cost a file system more than many files in it do.
func (s *Store) appendDir(dst []byte, k *Key) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, s.opt.Dir...)
	dst = append(dst, filepath.Separator)
	dst = append(dst, "objects"...)
	return append(dst, filepath.Separator, hexDigits[k[0]>>4], hexDigits[k[0]&15])
}

func (s *Store) dirOf(k *Key) string { return string(s.appendDir(nil, k)) }

// appendName appends what the names of all files of k begin with.
func (s *Store) appendName(dst []byte, k *Key) []byte {
	dst = append(s.appendDir(dst, k), filepath.Separator)
	return append(hex.AppendEncode(dst, k[:]), '.')
}

// metaPath is the name of k's metadata file.
func (s *Store) metaPath(k *Key) string {
	var buf [256]byte
	return string(append(s.appendName(buf[:0], k), 'm'))
}

// bodyPath is the name of the file of a body of k.
func (s *Store) bodyPath(k *Key, id uint64) string {
	var buf [256]byte
	var digits [8]byte
	binary.BigEndian.PutUint64(digits[:], id)
	return string(hex.AppendEncode(s.appendName(buf[:0], k), digits[:]))
}
