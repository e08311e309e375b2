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

	"freshet/internal/atrest"
	"freshet/internal/filelock"
	"freshet/internal/sealedfolder"
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
	in   *sealedfolder.Folder // of dir
	most int64
	own  string // the folder that was made for us alone; close removes it
	lock io.Closer

	mu   sync.Mutex               // guards what follows, and what is renamed and removed
	kept map[string]*keptInput    // by their names in the folder
	size int64                    // of all that is kept, and may come of what is fetched
	busy map[string]chan struct{} // what is fetched now; closed when that is over
}

// keptInput is a file of the folder: a whole one, or the beginning of one.
type keptInput struct {
	size int64
	used time.Time
	part bool
}

// cachePurpose is what the folder is when it is sealed.
const cachePurpose = "inputs of a worker"

// openInputCache opens the folder, "" for a new one. Workers that are told the
// same have a folder in it each. With a ring files are sealed, and their names are
// a hash of the digests that nobody else can make; what was kept in another way is
// removed.
func openInputCache(dir string, most int64, ring *atrest.Ring) (c *inputCache, err error) {
	if most <= 0 {
		most = DefaultInputCache
	}
	c = &inputCache{dir: dir, most: most, kept: map[string]*keptInput{}, busy: map[string]chan struct{}{}}
	if dir == "" {
		if c.own, err = os.MkdirTemp("", "freshet-inputs-"); err != nil {
			return nil, err
		}
		c.dir = c.own
	}
	if err := c.take(); err != nil {
		return nil, err
	}
	if err := c.open(ring); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// open opens the folder that was taken, and reads what is in it.
func (c *inputCache) open(ring *atrest.Ring) (err error) {
	if err := c.removeOther(ring != nil); err != nil {
		return err
	}
	if c.in, err = sealedfolder.Open(c.dir, ring, cachePurpose); err != nil {
		return err
	}
	c.dir = c.in.Dir
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, part := strings.CutPrefix(e.Name(), partPrefix)
		info, err := e.Info()
		if err != nil || !isDigest(name) || !info.Mode().IsRegular() {
			if strings.HasSuffix(e.Name(), nextSuffix) {
				os.Remove(filepath.Join(c.dir, e.Name()))
			}
			continue
		}
		size := c.in.BeginningSize(info.Size())
		if !part {
			size, err = c.in.Size(filepath.Join(c.dir, name), info.Size())
		}
		if err == nil {
			c.kept[name] = &keptInput{size, info.ModTime(), part}
			c.size += size
		}
	}
	c.room(0)
	return nil
}

// removeOther removes what is kept plain when it is to be sealed, and the other way
// round.
func (c *inputCache) removeOther(sealed bool) error {
	if !sealed {
		return os.RemoveAll(sealedfolder.SealedDir(c.dir))
	}
	entries, err := os.ReadDir(c.dir)
	for _, e := range entries {
		if isDigest(strings.TrimPrefix(e.Name(), partPrefix)) {
			err = errors.Join(err, os.Remove(filepath.Join(c.dir, e.Name())))
		}
	}
	return err
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
	err := c.lock.Close()
	if c.own != "" {
		err = errors.Join(err, os.RemoveAll(c.own))
	}
	return err
}

// Where a file is, and what has come of it, by its name.
func (c *inputCache) path(name string) string     { return filepath.Join(c.dir, name) }
func (c *inputCache) partPath(name string) string { return filepath.Join(c.dir, partPrefix+name) }

// nextSuffix ends the name of what takes the place of a part.
const nextSuffix = ".next"

// fetcher returns what begins at an offset of a file: as much as comes at once.
type fetcher func(ctx context.Context, digest string, offset int64) ([]byte, error)

// get returns the content of a file, fetched if need be: by one caller, while
// others that need it wait. What is too large to be kept comes as it is fetched.
func (c *inputCache) get(ctx context.Context, f jobs.File, fetch fetcher) (io.ReadCloser, error) {
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
func (c *inputCache) look(digest string, size int64) (file *sealedfolder.File, wait chan struct{}, err error) {
	name := c.in.Name(digest)
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.kept[name]; k != nil && !k.part && k.size == size {
		file, err = c.in.OpenFile(c.path(name), inputIs(name))
		if err == nil {
			k.used = time.Now()
			os.Chtimes(c.path(name), k.used, k.used) // for the next start; else it goes sooner
			return file, nil, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, atrest.ErrDamaged) && !errors.Is(err, atrest.ErrNoKey) {
			return nil, nil, err
		}
		c.forget(name)
	}
	if wait = c.busy[name]; wait == nil {
		c.busy[name] = make(chan struct{})
	}
	return nil, wait, nil
}

var errNotKept = errors.New("the file is too large to be kept")

// fetch fetches a file into the folder; the caller has made it busy.
func (c *inputCache) fetch(ctx context.Context, digest string, size int64, fetch fetcher) error {
	name := c.in.Name(digest)
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(c.busy[name])
		delete(c.busy, name)
	}()
	if !c.begin(name, size) {
		return errNotKept
	}
	got, err := c.fill(ctx, digest, size, fetch)
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[name]
	if err == nil {
		if err = os.Rename(c.partPath(name), c.path(name)); err == nil {
			k.part = false
			return nil
		}
	}
	c.size -= k.size - got
	if k.size = got; got == 0 {
		c.forget(name)
	}
	return err
}

// begin makes room for a file, of which there may be a beginning.
func (c *inputCache) begin(name string, size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[name]
	if k != nil && (!k.part || k.size > size) {
		c.forget(name)
		k = nil
	}
	if k == nil {
		k = &keptInput{part: true}
		c.kept[name] = k
	}
	k.used = time.Now()
	if !c.room(size - k.size) {
		c.forget(name)
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
	for name := range c.kept {
		if c.busy[name] == nil {
			old = append(old, name)
		}
	}
	slices.SortFunc(old, func(a, b string) int { return cmp.Or(c.kept[a].used.Compare(c.kept[b].used), cmp.Compare(a, b)) })
	for _, name := range old {
		if c.size+more <= c.most {
			break
		}
		c.forget(name)
	}
	return c.size+more <= c.most
}

// forget removes a file; the caller holds mu.
func (c *inputCache) forget(name string) {
	k := c.kept[name]
	if k == nil {
		return
	}
	os.Remove(c.path(name))
	os.Remove(c.partPath(name))
	os.Remove(c.partPath(name) + nextSuffix)
	c.size -= k.size
	delete(c.kept, name)
}

// remove removes a file that is not what it should be.
func (c *inputCache) remove(digest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name := c.in.Name(digest); c.busy[name] == nil {
		c.forget(name)
	}
}

// fill fetches what is missing of a part, and compares all of it with the
// digest. It returns how much of it is there; 0 when it has to begin anew.
func (c *inputCache) fill(ctx context.Context, digest string, size int64, fetch fetcher) (got int64, err error) {
	p, sum := &partFile{c: c, name: c.in.Name(digest)}, sha256.New()
	if got, err = p.begin(sum); err != nil {
		return 0, errors.Join(err, p.end(false))
	}
	got, err = fetchRest(ctx, io.MultiWriter(p.to, sum), digest, got, size, fetch)
	if err == nil && !sumIs(sum, digest) {
		got, err = 0, fmt.Errorf("its SHA-256 is not %s", digest)
	}
	if err != nil {
		got = min(got, p.to.Kept())
		return got, errors.Join(err, p.end(false))
	}
	return got, p.end(true)
}

// partFile is the file of a part while it is written. A plain one goes on behind
// what there is; a sealed one is written anew with what there is, since no place of
// it may be written twice.
type partFile struct {
	c    *inputCache
	name string
	file *os.File
	to   *sealedfolder.Writer
}

// begin opens the file, and has sum read what there is.
func (p *partFile) begin(sum io.Writer) (got int64, err error) {
	path, is := p.c.partPath(p.name), inputIs(p.name)
	old, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	if !p.c.in.Sealed() {
		p.file, p.to = old, p.c.in.Writer(old, is)
		got, err = io.Copy(sum, old)
		p.to.Skip(got)
		return got, err
	}
	defer old.Close()
	if p.file, err = os.OpenFile(path+nextSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return 0, err
	}
	p.to = p.c.in.Writer(p.file, is)
	got, err = p.c.in.Beginning(io.MultiWriter(p.to, sum), old, is)
	if errors.Is(err, atrest.ErrNoKey) {
		return 0, nil
	}
	return got, err
}

// end closes the file, which is whole or a part, and gives it its name.
func (p *partFile) end(whole bool) (err error) {
	if p.file == nil {
		return nil
	}
	if whole {
		err = errors.Join(p.to.Close(), p.file.Chmod(0o400))
	}
	if err = errors.Join(err, p.file.Close()); err == nil && p.c.in.Sealed() {
		err = os.Rename(p.file.Name(), p.c.partPath(p.name))
	}
	return err
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
