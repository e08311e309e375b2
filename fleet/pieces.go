package fleet

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"freshet/internal/sealedfolder"
	"freshet/internal/worker"
	"freshet/jobs"
)

// pieceSize is how much of a file goes in one request.
const pieceSize = 512 << 10

// Bounds of files on their way: how many there may be, of all workers and of
// one, how long one may be, and how long one of which no more comes is kept when
// there are too many. Such a worker begins it anew.
const (
	maxParts  = 256
	maxOfOne  = 64
	maxPart   = worker.DefaultMaxOutputSize
	partsIdle = 2 * pieceTimeout
)

// piece is a part of a file on its way. Those of a file come in order.
type piece struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // of the whole file
	Offset int64  `json:"offset"`
	Data   []byte `json:"data"`
}

// pieces puts files together that come in parts, in temporary ones on the disk
// that they are to be on.
type pieces struct {
	mu   sync.Mutex // guards open, and when each was used
	open map[partOf]*arriving
}

// partOf is a file on its way.
type partOf struct {
	token uint64
	name  string
}

// arriving is what has come of a file.
type arriving struct {
	from string
	size int64     // that it is going to have
	used time.Time // of pieces.mu

	mu   sync.Mutex // held while the file is written
	f    *os.File   // nil once it is closed
	in   *sealedfolder.Folder
	to   *sealedfolder.Writer
	have int64 // how much has come
}

// pieceIs is what a file on its way is, whatever it will be.
const pieceIs = "piece"

var errPiece = errors.New("a piece of a file that does not follow the one before")

// add takes a piece, and has the whole file stored with the last one; then it
// reports true. The first piece begins the file anew, after a fault of the one
// before.
func (p *pieces) add(ctx context.Context, to *Outputs, from string, l jobs.Lease, part *piece) (whole bool, err error) {
	if part.Size < 0 || part.Size > maxPart || part.Offset < 0 || part.Offset+int64(len(part.Data)) > part.Size {
		return false, wrong(errPiece)
	}
	at := partOf{l.Token, part.Name}
	if part.Offset == 0 {
		err = p.begin(at, part.Size, from, to.in)
	}
	a := p.find(at)
	if err != nil || a == nil {
		return false, errors.Join(err, wrong(errPiece))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	whole = part.Offset+int64(len(part.Data)) == part.Size
	if err = a.write(part); err == nil && whole {
		var content io.Reader
		if content, err = a.content(); err == nil {
			err = to.Store(ctx, l, part.Name, part.Size, content)
		}
	}
	if err != nil || whole {
		p.forgetIf(func(other partOf, b *arriving) bool { return other == at && b == a })
		a.closeFile()
	}
	return whole && err == nil, err
}

func (a *arriving) write(part *piece) error {
	if a.f == nil {
		return wrong(errPiece) // it was closed meanwhile
	}
	if a.have != part.Offset {
		return wrong(errPiece)
	}
	n, err := a.to.Write(part.Data)
	a.have += int64(n)
	return err
}

// content is what has come, when all of it has.
func (a *arriving) content() (io.Reader, error) {
	if err := a.to.Close(); err != nil {
		return nil, err
	}
	info, err := a.f.Stat()
	if err != nil {
		return nil, err
	}
	r, _, err := a.in.Section(a.f, info.Size(), pieceIs)
	return r, err
}

func (a *arriving) closeFile() {
	if a.f != nil {
		a.f.Close()
		os.Remove(a.f.Name())
		a.f = nil
	}
}

// find is what has come of a file, nil for nothing.
func (p *pieces) find(at partOf) *arriving {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.open[at]
	if a != nil {
		a.used = time.Now()
	}
	return a
}

// begin makes a file that has no name, so that nothing is left of it.
func (p *pieces) begin(at partOf, size int64, from string, in *sealedfolder.Folder) error {
	p.drop(func(other partOf, _ *arriving) bool { return other == at })
	if p.full(from) {
		p.drop(func(_ partOf, a *arriving) bool { return time.Since(a.used) > partsIdle })
	}
	if p.full(from) {
		return jobs.ErrFull
	}
	f, err := os.CreateTemp(in.Dir, ".freshet-piece-*")
	if err != nil {
		return err
	}
	os.Remove(f.Name()) // where that cannot be, it is done when it is closed
	p.mu.Lock()
	if p.open == nil {
		p.open = map[partOf]*arriving{}
	}
	other := p.open[at] // begun twice at once
	p.open[at] = &arriving{from: from, size: size, used: time.Now(), f: f, in: in, to: in.Writer(f, pieceIs)}
	p.mu.Unlock()
	if other != nil {
		other.close()
	}
	return nil
}

// promised is how long the files of a task on their way are going to be.
func (p *pieces) promised(token uint64) (size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, a := range p.open {
		if at.token == token {
			size += a.size
		}
	}
	return size
}

// full reports whether no more may be on their way from a worker.
func (p *pieces) full(from string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := 0
	for _, a := range p.open {
		if a.from == from {
			own++
		}
	}
	return own >= maxOfOne || len(p.open) >= maxParts
}

func (a *arriving) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closeFile()
}

// forgetIf takes out those of which is says so, and returns them.
func (p *pieces) forgetIf(is func(partOf, *arriving) bool) (gone []*arriving) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, a := range p.open {
		if is(at, a) {
			delete(p.open, at)
			gone = append(gone, a)
		}
	}
	return gone
}

// drop closes those of which is says so.
func (p *pieces) drop(is func(partOf, *arriving) bool) {
	for _, a := range p.forgetIf(is) {
		a.close()
	}
}

// over closes those of a task that is over.
func (p *pieces) over(token uint64) {
	p.drop(func(at partOf, _ *arriving) bool { return at.token == token })
}

// forget closes all.
func (p *pieces) forget() { p.drop(func(partOf, *arriving) bool { return true }) }
