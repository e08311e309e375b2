package fleet

import (
	"context"
	"errors"
	"os"
	"sync"

	"freshet/jobs"
)

// pieceSize is how much of a file goes in one request.
const pieceSize = 512 << 10

// maxParts is how many files may be on their way at once; maxPart is how long one may be.
const (
	maxParts = 256
	maxPart  = 16 << 30
)

// piece is a part of a file on its way. Those of a file come in order.
type piece struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // of the whole file
	Offset int64  `json:"offset"`
	Data   []byte `json:"data"`
}

// pieces puts files together that come in parts, in temporary ones.
type pieces struct {
	mu   sync.Mutex // guards open, and is held while a file is written
	open map[partOf]*os.File
}

// partOf is a file on its way.
type partOf struct {
	token uint64
	name  string
}

var errPiece = errors.New("a piece of a file that does not follow the one before")

// add takes a piece, and has the whole file stored with the last one. The first
// piece begins the file anew, after a fault of the one before.
func (p *pieces) add(ctx context.Context, to *Outputs, l jobs.Lease, part *piece) error {
	if part.Size < 0 || part.Size > maxPart || part.Offset < 0 || part.Offset+int64(len(part.Data)) > part.Size {
		return wrong(errPiece)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := partOf{l.Token, part.Name}
	f := p.open[at]
	if part.Offset == 0 {
		p.close(at)
		var err error
		if f, err = p.begin(at); err != nil {
			return err
		}
	}
	if f == nil {
		return wrong(errPiece)
	}
	end, err := f.Seek(0, 2)
	if err == nil && end != part.Offset {
		err = wrong(errPiece)
	}
	if err == nil {
		_, err = f.Write(part.Data)
	}
	if err == nil && part.Offset+int64(len(part.Data)) < part.Size {
		return nil
	}
	if err == nil {
		if _, err = f.Seek(0, 0); err == nil {
			err = to.Store(ctx, l, part.Name, part.Size, f)
		}
	}
	p.close(at)
	return err
}

// begin makes a file that has no name, so that nothing is left of it.
func (p *pieces) begin(at partOf) (*os.File, error) {
	if len(p.open) >= maxParts {
		return nil, jobs.ErrFull
	}
	f, err := os.CreateTemp("", "freshet-piece-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name()) // where that cannot be, close does it
	if p.open == nil {
		p.open = map[partOf]*os.File{}
	}
	p.open[at] = f
	return f, nil
}

func (p *pieces) close(at partOf) {
	if f := p.open[at]; f != nil {
		f.Close()
		os.Remove(f.Name())
		delete(p.open, at)
	}
}

// forget closes all.
func (p *pieces) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := range p.open {
		p.close(at)
	}
}
