package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/sealedfolder"
	"freshet/jobs"
)

// Bounds of files of jobs on their way: how much of one comes in a request, how
// many may be on their way at once, and what they are called meanwhile.
const (
	maxInputPiece = 8 << 20
	maxInputParts = 256
	partPrefix    = ".freshet-part-"
)

// part is what has come of a file.
type part struct {
	digest string
	size   int64        // that it is going to have
	have   atomic.Int64 // how much has come
	used   time.Time    // of Inputs.mu

	mu  sync.Mutex // held while a piece is written
	f   *os.File   // nil once it is over
	to  *sealedfolder.Writer
	sum hash.Hash
	all bool // the end was written
}

// Lacking is a content that has to be sent.
type Lacking struct {
	SHA256 string `json:"sha256"`
	Have   int64  `json:"have,omitempty"` // how much of it has come
}

// put takes a piece of a content: what begins at offset. It returns how much is
// there now, which is where the next piece has to begin; a piece that begins
// elsewhere is passed over, as when two send the same. With the last one, whole
// is true, and the file is on the disk, and elsewhere if that is where files are
// kept. A content that is not what its digest says is forgotten; one that could
// not be kept elsewhere waits for its last piece to come once more, which may be
// an empty one.
func (i *Inputs) put(digest string, size, offset int64, piece []byte) (have int64, whole bool, err error) {
	if !isDigest(digest) || size < 0 || offset < 0 || offset+int64(len(piece)) > size {
		return 0, false, wrong(errors.New("a file has a SHA-256, and pieces of it are in it"))
	}
	p, there, err := i.part(digest, size)
	if err != nil || there {
		return size, there, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	have = p.have.Load()
	if p.f == nil || offset != have {
		return have, false, nil
	}
	if err = p.write(piece); err == nil && offset+int64(len(piece)) == size {
		err = i.finish(p)
		whole = err == nil
	}
	if err != nil {
		if !errors.As(err, new(unsent)) {
			i.drop(p)
		}
		return 0, false, err
	}
	return p.have.Load(), whole, nil
}

// part is what has come of a content, in a new file when nothing has; there: it
// is whole.
func (i *Inputs) part(digest string, size int64) (p *part, there bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.o.Now()
	if one := i.there[i.in.Name(digest)]; one != nil && !one.unsure {
		if one.size != size {
			return nil, false, wrong(fmt.Errorf("the content of SHA-256 %s has %d bytes, not %d", digest, one.size, size))
		}
		one.used = now
		return nil, true, nil
	}
	if p = i.parts[digest]; p != nil {
		if p.size != size {
			return nil, false, wrong(fmt.Errorf("the content of SHA-256 %s was announced with %d bytes, not %d", digest, p.size, size))
		}
		p.used = now
		return p, false, nil
	}
	switch {
	case size > i.o.MaxFile:
		return nil, false, fmt.Errorf("%w: a file has %d bytes; at most %d are taken", jobs.ErrFull, size, i.o.MaxFile)
	case len(i.parts) >= maxInputParts:
		return nil, false, fmt.Errorf("%w: %d files of jobs are on their way", jobs.ErrFull, len(i.parts))
	}
	if err := i.room(size); err != nil {
		return nil, false, err
	}
	f, err := os.CreateTemp(i.dir, partPrefix+"*")
	if err != nil {
		return nil, false, err
	}
	p = &part{digest: digest, size: size, used: now, f: f, to: i.in.Writer(f, inputIs(i.in.Name(digest))), sum: sha256.New()}
	i.parts[digest] = p
	i.size += size
	return p, false, nil
}

func (p *part) write(piece []byte) error {
	if len(piece) == 0 {
		return nil
	}
	n, err := p.to.Write(piece)
	p.sum.Write(piece[:n])
	p.have.Add(int64(n))
	return err
}

// finish gives a content its name; the caller holds p.mu.
func (i *Inputs) finish(p *part) error {
	if got := hex.EncodeToString(p.sum.Sum(nil)); got != p.digest {
		return wrong(fmt.Errorf("what was sent has the SHA-256 %s, not %s", got, p.digest))
	}
	if !p.all {
		if err := p.to.Close(); err != nil {
			return err
		}
		p.all = true
	}
	if i.away != nil {
		return i.finishThere(p)
	}
	return i.place(p)
}

// content is what has come, when all of it has.
func (p *part) content(i *Inputs) (io.Reader, error) {
	info, err := p.f.Stat()
	if err != nil {
		return nil, err
	}
	r, _, err := i.in.Section(p.f, info.Size(), inputIs(i.in.Name(p.digest)))
	return r, err
}

// place puts a whole content into the folder.
func (i *Inputs) place(p *part) error {
	err := errors.Join(p.f.Chmod(0o400), p.f.Sync(), p.f.Close())
	name := p.f.Name()
	p.f = nil
	i.mu.Lock()
	defer i.mu.Unlock()
	if err == nil {
		if err = os.Rename(name, i.path(p.digest)); err == nil {
			name = i.path(p.digest)
			err = syncDir(i.dir)
		}
	}
	if err != nil {
		os.Remove(name)
		return err
	}
	delete(i.parts, p.digest)
	if old := i.there[i.in.Name(p.digest)]; old != nil {
		i.size -= old.size
	}
	i.there[i.in.Name(p.digest)] = &input{digest: p.digest, size: p.size, used: i.o.Now()}
	return nil
}

// drop forgets what has come of a content; the caller holds p.mu.
func (i *Inputs) drop(p *part) {
	if p.f != nil {
		p.f.Close()
		os.Remove(p.f.Name())
		p.f = nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.parts[p.digest] == p {
		delete(i.parts, p.digest)
		i.size -= p.size
	}
}

// dropParts forgets those of which is says so, under mu.
func (i *Inputs) dropParts(is func(*part) bool) {
	i.mu.Lock()
	var gone []*part
	for _, p := range i.parts {
		if is(p) {
			gone = append(gone, p)
		}
	}
	i.mu.Unlock()
	for _, p := range gone {
		p.mu.Lock()
		i.drop(p)
		p.mu.Unlock()
	}
}
