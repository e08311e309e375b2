package fleet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/internal/filelock"
	"freshet/jobs"
)

// DefaultInputCache is how many bytes of files of jobs a worker keeps.
const DefaultInputCache = 8 << 30

// inputCache is what a worker keeps of the files that jobs came with, by their
// digests, within a bound: what was used longest ago goes first. Tasks get
// copies, so that no program can change what is kept. A fetch that was broken
// off goes on where it was.
type inputCache struct {
	dir  string
	most int64
	own  bool // the folder was made for us alone; close removes it
	lock io.Closer

	mu   sync.Mutex // guards what follows, and what is renamed and removed
	kept map[string]*keptInput
	size int64                    // of all that is kept, and may come of what is fetched
	busy map[string]chan struct{} // what is fetched now; closed when that is over
}

// keptInput is a file of the folder: a whole one, or the beginning of one.
type keptInput struct {
	size int64
	used time.Time
	part bool
}

// openInputCache opens the folder, "" for a new one. Workers that are told the
// same have a folder in it each.
func openInputCache(dir string, most int64) (c *inputCache, err error) {
	if most <= 0 {
		most = DefaultInputCache
	}
	c = &inputCache{dir: dir, most: most, kept: map[string]*keptInput{}, busy: map[string]chan struct{}{}}
	if dir == "" {
		c.own = true
		c.dir, err = os.MkdirTemp("", "freshet-inputs-")
		return c, err
	}
	if err := c.take(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, errors.Join(err, c.lock.Close())
	}
	for _, e := range entries {
		digest, part := strings.CutPrefix(e.Name(), partPrefix)
		if info, err := e.Info(); err == nil && isDigest(digest) && info.Mode().IsRegular() {
			c.kept[digest] = &keptInput{info.Size(), info.ModTime(), part}
			c.size += info.Size()
		}
	}
	c.room(0)
	return c, nil
}

// maxSlots is how many workers may be told the same folder.
const maxSlots = 1024

// take takes the first folder in the folder that nobody uses.
func (c *inputCache) take() (err error) {
	for n := 1; ; n++ {
		dir := filepath.Join(c.dir, strconv.Itoa(n))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if c.lock, err = filelock.Take(filepath.Join(dir, "lock")); err == nil {
			c.dir = dir
			return nil
		}
		if !errors.Is(err, filelock.ErrLocked) || n == maxSlots {
			return fmt.Errorf("keep files of jobs in %s: %w", dir, err)
		}
	}
}

func (c *inputCache) close() error {
	if c.own {
		return os.RemoveAll(c.dir)
	}
	return c.lock.Close()
}

func (c *inputCache) path(digest string) string     { return filepath.Join(c.dir, digest) }
func (c *inputCache) partPath(digest string) string { return filepath.Join(c.dir, partPrefix+digest) }

// fetcher returns what begins at an offset of a file: as much as comes at once.
type fetcher func(ctx context.Context, digest string, offset int64) ([]byte, error)

// open returns the content of a file, fetched if need be: by one caller, while
// others that need it wait. What is too large to be kept comes as it is fetched.
func (c *inputCache) open(ctx context.Context, f jobs.File, fetch fetcher) (io.ReadCloser, error) {
	digest := digestOf(&f)
	if !isDigest(digest) {
		return nil, fmt.Errorf("%q is no SHA-256", f.SHA256)
	}
	for {
		file, wait, err := c.look(digest, f.Size)
		switch {
		case err != nil:
			return nil, err
		case file != nil:
			return &OpenInput{file, func() { c.remove(digest) }}, nil
		case wait == nil: // it is ours to fetch
			err := c.fetch(ctx, digest, f.Size, fetch)
			if errors.Is(err, errNotKept) {
				return &piecewise{ctx: ctx, digest: digest, size: f.Size, fetch: fetch}, nil
			}
			if err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look opens what is kept; or else returns what to wait for, or nil when the
// caller is to fetch it.
func (c *inputCache) look(digest string, size int64) (file *os.File, wait chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.kept[digest]; k != nil && !k.part && k.size == size {
		file, err = os.Open(c.path(digest))
		if err == nil {
			k.used = time.Now()
			os.Chtimes(c.path(digest), k.used, k.used) // for the next start; else it goes sooner
			return file, nil, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		c.forget(digest)
	}
	if wait = c.busy[digest]; wait == nil {
		c.busy[digest] = make(chan struct{})
	}
	return nil, wait, nil
}

var errNotKept = errors.New("the file is too large to be kept")

// fetch fetches a file into the folder; the caller has made it busy.
func (c *inputCache) fetch(ctx context.Context, digest string, size int64, fetch fetcher) error {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(c.busy[digest])
		delete(c.busy, digest)
	}()
	if !c.begin(digest, size) {
		return errNotKept
	}
	got, err := c.fill(ctx, digest, size, fetch)
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[digest]
	if err == nil {
		if err = os.Rename(c.partPath(digest), c.path(digest)); err == nil {
			k.part = false
			return nil
		}
	}
	c.size -= k.size - got
	if k.size = got; got == 0 {
		c.forget(digest)
	}
	return err
}

// begin makes room for a file, of which there may be a beginning.
func (c *inputCache) begin(digest string, size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[digest]
	if k != nil && (!k.part || k.size > size) {
		c.forget(digest)
		k = nil
	}
	if k == nil {
		k = &keptInput{part: true}
		c.kept[digest] = k
	}
	k.used = time.Now()
	if !c.room(size - k.size) {
		c.forget(digest)
		return false
	}
	c.size += size - k.size
	k.size = size
	return true
}

// room makes room for so much more; the caller holds mu, or is alone.
func (c *inputCache) room(more int64) bool {
	if more > c.most {
		return false
	}
	var old []string
	for digest := range c.kept {
		if c.busy[digest] == nil {
			old = append(old, digest)
		}
	}
	slices.SortFunc(old, func(a, b string) int { return cmp.Or(c.kept[a].used.Compare(c.kept[b].used), cmp.Compare(a, b)) })
	for _, digest := range old {
		if c.size+more <= c.most {
			break
		}
		c.forget(digest)
	}
	return c.size+more <= c.most
}

// forget removes a file; the caller holds mu.
func (c *inputCache) forget(digest string) {
	k := c.kept[digest]
	if k == nil {
		return
	}
	os.Remove(c.path(digest))
	os.Remove(c.partPath(digest))
	c.size -= k.size
	delete(c.kept, digest)
}

// remove removes a file that is not what it should be.
func (c *inputCache) remove(digest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[digest] == nil {
		c.forget(digest)
	}
}

// fill fetches what is missing of a part, and compares all of it with the
// digest. It returns how much of it is there; 0 when it has to begin anew.
func (c *inputCache) fill(ctx context.Context, digest string, size int64, fetch fetcher) (got int64, err error) {
	to, err := os.OpenFile(c.partPath(digest), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer to.Close()
	sum := sha256.New()
	if got, err = io.Copy(sum, to); err != nil {
		return 0, err
	}
	if got, err = fetchRest(ctx, io.MultiWriter(to, sum), digest, got, size, fetch); err != nil {
		return got, err
	}
	if !sumIs(sum, digest) {
		return 0, fmt.Errorf("its SHA-256 is not %s", digest)
	}
	return got, errors.Join(to.Chmod(0o400), to.Close())
}

func sumIs(sum hash.Hash, digest string) bool { return hex.EncodeToString(sum.Sum(nil)) == digest }

// fetchRest fetches a file from an offset on, and returns how much is there.
func fetchRest(ctx context.Context, to io.Writer, digest string, got, size int64, fetch fetcher) (int64, error) {
	for got < size {
		piece, err := fetch(ctx, digest, got)
		if err != nil {
			return got, err
		}
		if len(piece) == 0 || int64(len(piece)) > size-got {
			return 0, fmt.Errorf("%d bytes of it came at %d, of %d that were announced", len(piece), got, size)
		}
		n, err := to.Write(piece)
		got += int64(n)
		if err != nil {
			return 0, err
		}
	}
	return got, nil
}

// piecewise reads a file as it comes.
type piecewise struct {
	ctx    context.Context
	digest string
	size   int64
	at     int64
	fetch  fetcher
	rest   []byte
}

func (p *piecewise) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		if p.at >= p.size {
			return 0, io.EOF
		}
		piece, err := p.fetch(p.ctx, p.digest, p.at)
		if err != nil {
			return 0, err
		}
		if len(piece) == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		p.rest = piece
		p.at += int64(len(piece))
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *piecewise) Close() error { return nil }
